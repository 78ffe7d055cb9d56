// One line of IRC: tags, source, command, parameters (Modern IRC "Message Format", IRCv3 message-tags).

export interface Line {
  readonly tags: ReadonlyMap<string, string>;
  /** `nick!user@host`, or a server's name; empty where there is none. */
  readonly source: string;
  /** In capitals. */
  readonly command: string;
  readonly params: readonly string[];
  /** As it came. */
  readonly raw: string;
}

const unescaped: Record<string, string> = { ':': ';', s: ' ', '\\': '\\', r: '\r', n: '\n' };
const escaped: Record<string, string> = { ';': '\\:', ' ': '\\s', '\\': '\\\\', '\r': '\\r', '\n': '\\n' };

export function unescapeTag(value: string): string {
  if (!value.includes('\\')) return value;
  // A backslash before any other character, or at the end, falls away (message-tags "Rules for escaping").
  return value.replace(/\\(.?)/gsu, (_, character: string) => unescaped[character] ?? character);
}

export function escapeTag(value: string): string {
  return value.replace(/[; \\\r\n]/g, (character) => escaped[character] ?? character);
}

/** Null for what is no line. */
export function parse(text: string): Line | null {
  let at = 0;
  const end = text.length;
  const word = (): string => {
    const space = text.indexOf(' ', at);
    const until = space < 0 ? end : space;
    const found = text.slice(at, until);
    at = until;
    while (text.charCodeAt(at) === 32) at += 1;
    return found;
  };
  const tags = new Map<string, string>();
  if (text.startsWith('@')) {
    at = 1;
    for (const tag of word().split(';')) {
      const equals = tag.indexOf('=');
      if (equals < 0) tags.set(tag, '');
      else tags.set(tag.slice(0, equals), unescapeTag(tag.slice(equals + 1)));
    }
    tags.delete('');
  }
  let source = '';
  if (text[at] === ':') {
    at += 1;
    source = word();
  }
  const command = word().toUpperCase();
  if (!command) return null;
  const params: string[] = [];
  while (at < end) {
    if (text[at] === ':') {
      params.push(text.slice(at + 1));
      break;
    }
    params.push(word());
  }
  return { tags, source, command, params, raw: text };
}

/** What is not in `tags` is left out when its value is null or undefined. */
export function write(
  command: string,
  params: readonly string[] = [],
  tags: Readonly<Record<string, string | null | undefined>> = {},
): string {
  const written = Object.entries(tags)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => (value ? `${key}=${escapeTag(value)}` : key));
  let line = written.length > 0 ? `@${written.join(';')} ${command}` : command;
  params.forEach((param, index) => {
    // Two lines in one would be a command that nobody meant.
    const clean = param.replace(/[\r\n\0]/g, ' ');
    const last = index === params.length - 1;
    if (last && (clean === '' || clean.startsWith(':') || clean.includes(' '))) line += ` :${clean}`;
    else line += ` ${last ? clean : clean.replaceAll(' ', '') || '*'}`;
  });
  return line;
}

export function nickOf(source: string): string {
  const at = source.search(/[!@]/);
  return at < 0 ? source : source.slice(0, at);
}

/** Milliseconds since 1970 of a `time` tag's value; null where it is none. */
export function timeOf(value: string | undefined): number | null {
  if (!value) return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}

const encoder = new TextEncoder();

export function byteLength(text: string): number {
  return encoder.encode(text).length;
}
