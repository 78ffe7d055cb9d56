// Where in the page one is, as a path: what the address bar shows, what a link to a message is.
//
// /r/tea, /r/tea/MSGID   a room          /r/+alice+bob   a group        /r/@bob   a person
// /r/@/MSGID            a message that two people said to each other
// /invite/ROOM/TOKEN     an invitation   /settings/PART  settings       /rooms    all rooms
// /search?q=…            search          /               nothing opened

export type Route =
  | { readonly to: 'home' }
  | { readonly to: 'conversation'; readonly name: string; readonly message: string | null }
  | { readonly to: 'message'; readonly message: string }
  | { readonly to: 'invite'; readonly room: string; readonly token: string }
  | { readonly to: 'settings'; readonly part: string | null }
  | { readonly to: 'rooms' }
  | { readonly to: 'search'; readonly words: string }
  | { readonly to: 'nowhere' };

export { pathOf } from '../state/permalink';

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

export function parse(path: string, search = ''): Route {
  const parts: string[] = [];
  const raw = path.split('/').filter(Boolean);
  for (const part of raw) {
    const plain = decode(part);
    if (plain === null) return { to: 'nowhere' };
    parts.push(plain);
  }
  const [first, second, third] = parts;
  if (first === undefined) return { to: 'home' };
  if (first === 'r' && second && parts.length <= 3) {
    // A name with a space or a comma could not be said in a line.
    if (/[\s,\0]/.test(second)) return { to: 'nowhere' };
    if (second === '@') return third ? { to: 'message', message: third } : { to: 'nowhere' };
    return { to: 'conversation', name: raw[1]?.startsWith('@') ? second.slice(1) : `#${second}`, message: third ?? null };
  }
  if (first === 'invite' && second && third && parts.length === 3) return { to: 'invite', room: `#${second}`, token: third };
  if (first === 'settings' && parts.length <= 2) return { to: 'settings', part: second ?? null };
  if (first === 'rooms' && parts.length === 1) return { to: 'rooms' };
  if (first === 'search' && parts.length === 1) return { to: 'search', words: new URLSearchParams(search).get('q') ?? '' };
  return { to: 'nowhere' };
}
