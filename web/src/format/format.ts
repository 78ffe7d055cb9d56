// A message's text as a tree of plain data (nodes.ts): a small Markdown, links, names and rooms, and the old formatting
// of IRC. Everything not understood is text. The work is bounded: about linear in the text, whatever it is.

import type { Block, Inline } from './nodes';

export interface Context {
  /** The person of this name who is known here, spelled as she is; null: nobody. Asked for words behind an @, and for names that begin a message. */
  person(word: string): string | null;
  isMe(nick: string): boolean;
}

const deepest = 6;
const mostLargeEmoji = 6;

/** Turns of the direction of text, and control characters other than line feeds, tabs and IRC's formatting. */
// eslint-disable-next-line no-control-regex
const unseen = /[\u0000\u0001\u0004-\u0008\u000b-\u000e\u0010\u0012-\u0015\u0017-\u001c\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu;

export function clean(text: string): string {
  return text.replace(unseen, '');
}

/** Where no person is known: of what is no message. */
export const nobody: Context = { person: () => null, isMe: () => false };

export function format(text: string, context: Context): Block[] {
  const said = clean(text);
  const emoji = onlyEmoji(said);
  if (emoji) return [{ kind: 'emoji', text: emoji }];
  return blocks(said.split('\n'), context, 0);
}

/** For what stands on one line: topics, actions, quotations. */
export function formatInline(text: string, context: Context): Inline[] {
  return inline(clean(text).replaceAll('\n', ' '), context, 0, true);
}

/** Without any formatting, on one line: for previews, notifications, labels. */
export function plain(text: string): string {
  const ofInline = (nodes: readonly Inline[]): string =>
    nodes
      .map((node) => {
        if (node.kind === 'spoiler') return '▒▒▒';
        if ('children' in node) return ofInline(node.children);
        if (node.kind === 'break') return ' ';
        return node.kind === 'room' ? node.name : node.text;
      })
      .join('');
  const ofBlocks = (nodes: readonly Block[]): string =>
    nodes
      .map((node): string => {
        switch (node.kind) {
          case 'paragraph':
          case 'heading':
            return ofInline(node.children);
          case 'quote':
            return ofBlocks(node.children);
          case 'list':
            return node.items.map(ofBlocks).join(' ');
          case 'rule':
            return '—';
          case 'code':
          case 'emoji':
            return node.text;
        }
      })
      .join(' ');
  return ofBlocks(format(text, nobody)).replace(/\s+/g, ' ').trim();
}

const isAscii = /^[\0-\x7f]*$/;
const pictograph = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;
/** Made when there is a first pictograph: it takes longer than everything else here. */
let graphemes: Intl.Segmenter | undefined;

function onlyEmoji(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > 80 || isAscii.test(trimmed) || !('Segmenter' in Intl) || !pictograph.test(trimmed)) return null;
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let count = 0;
  for (const { segment } of graphemes.segment(trimmed)) {
    if (/^\s+$/.test(segment)) continue;
    if (!pictograph.test(segment) || /^[©®™]$/.test(segment)) return null;
    count += 1;
  }
  return count <= mostLargeEmoji ? trimmed : null;
}

const fence = /^(\s{0,3})(`{3,}|~{3,})\s*([^`\s]*)\s*$/;
const bullet = /^(\s*)([-*•])\s+(?=\S)(.*)$/;
const ordinal = /^(\s*)(\d{1,9})[.)]\s+(?=\S)(.*)$/;
const heading = /^(#{1,3})\s+(?=\S)(.*?)\s*#*$/;
const rule = /^\s{0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const quote = /^\s{0,3}>(?:\s|$)(.*)$/;

function blocks(lines: readonly string[], context: Context, depth: number): Block[] {
  const found: Block[] = [];
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    const text = paragraph.join('\n').replace(/^\n+|\n+$/g, '');
    paragraph = [];
    if (text) found.push({ kind: 'paragraph', children: inline(text, context, 0, found.length === 0 && depth === 0) });
  };
  const nests = depth < deepest;
  // Where no fence of a kind ends any more, none needs to be looked for again.
  const endless = new Set<string>();
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const opened = fence.exec(line);
    if (opened) {
      const mark = opened[2] ?? '```';
      const end = endless.has(mark) ? -1 : endOfFence(lines, at + 1, mark);
      if (end < 0) endless.add(mark);
      else {
        endParagraph();
        found.push({ kind: 'code', language: languageOf(opened[3]), text: lines.slice(at + 1, end).join('\n') });
        at = end;
        continue;
      }
    }
    if (line.trim() === '') {
      endParagraph();
      continue;
    }
    if (rule.test(line)) {
      endParagraph();
      found.push({ kind: 'rule' });
      continue;
    }
    const head = heading.exec(line);
    if (head) {
      endParagraph();
      const level = Math.min(head[1]?.length ?? 1, 3) as 1 | 2 | 3;
      found.push({ kind: 'heading', level, children: inline(head[2] ?? '', context, 0, false) });
      continue;
    }
    if (nests && quote.test(line)) {
      endParagraph();
      const quoted: string[] = [];
      for (; at < lines.length; at += 1) {
        const next = quote.exec(lines[at] ?? '');
        if (!next) break;
        quoted.push(next[1] ?? '');
      }
      at -= 1;
      found.push({ kind: 'quote', children: blocks(quoted, context, depth + 1) });
      continue;
    }
    const item = nests ? (bullet.exec(line) ?? ordinal.exec(line)) : null;
    if (item) {
      endParagraph();
      const ordered = /\d/.test(item[2] ?? '');
      const indent = (item[1] ?? '').length;
      const items: string[][] = [];
      for (; at < lines.length; at += 1) {
        const next = lines[at] ?? '';
        const one = (ordered ? ordinal : bullet).exec(next);
        if (one && (one[1] ?? '').length <= indent + 1) items.push([one[3] ?? '']);
        else if (next.trim() !== '' && /^\s/.test(next) && leading(next) > indent + 1) items.at(-1)?.push(next.slice(Math.min(leading(next), indent + 2)));
        else break;
      }
      at -= 1;
      found.push({
        kind: 'list',
        ordered,
        start: ordered ? Number(item[2]) : 1,
        items: items.map((lines) => blocks(lines, context, depth + 1)),
      });
      continue;
    }
    paragraph.push(line);
  }
  endParagraph();
  return found;
}

function leading(line: string): number {
  return line.length - line.trimStart().length;
}

function endOfFence(lines: readonly string[], from: number, mark: string): number {
  for (let at = from; at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trim();
    if (line.length >= mark.length && line === mark.charAt(0).repeat(line.length)) return at;
  }
  return -1;
}

function languageOf(word: string | undefined): string | null {
  const name = (word ?? '').toLowerCase().replace(/[^a-z0-9+#-]/g, '');
  return name.slice(0, 24) || null;
}

type Paired = 'strong' | 'emphasis' | 'underline' | 'strike' | 'spoiler';

const pairs: readonly { mark: string; kind: Paired; word: boolean; /** What stands within it, too. */ and?: Paired }[] = [
  { mark: '***', kind: 'strong', and: 'emphasis', word: false },
  { mark: '___', kind: 'strong', and: 'emphasis', word: true },
  { mark: '**', kind: 'strong', word: false },
  { mark: '__', kind: 'strong', word: true },
  { mark: '~~', kind: 'strike', word: false },
  { mark: '||', kind: 'spoiler', word: false },
  { mark: '*', kind: 'emphasis', word: false },
  { mark: '_', kind: 'emphasis', word: true },
];

// IRC's formatting (modern.ircdocs.horse/formatting): toggles.
const toggles: Record<string, Paired> = { '\x02': 'strong', '\x1d': 'emphasis', '\x1f': 'underline', '\x1e': 'strike' };
const ircFormatting = /[\x02\x03\x0f\x11\x16\x1d-\x1f]/;

// The tables behind `\p{…}` are large, and most words need none of them.
const asciiWord = /[A-Za-z0-9]+/y;
const goesOn = /[_\-[\]{}\\|^`\u0080-\uffff]/;
const wordBeyondAscii = /[\p{L}\p{N}_]/u;
const isWord = { test: (character: string): boolean => /^[A-Za-z0-9_]/.test(character) || (character > '\x7f' && wordBeyondAscii.test(character)) };
const punctuation = /[!-/:-@[-`{-~]/;
const link = /(?:https?|ircs?):\/\/[^\s<>"\u0002\u0003\u000f\u0011\u0016\u001d-\u001f]+/iy;
const named = /\[([^\]\n]{1,200})\]\(((?:https?|ircs?):\/\/[^\s<>"()]{1,1000}(?:\([^\s<>"()]{0,200}\)[^\s<>"()]{0,200})?)\)/iy;
const name = /@?([\p{L}\p{N}\p{M}_\-[\]{}\\|^`]{1,64})/uy;
const room = /#\+?[\p{L}\p{N}\p{M}_\-+.&]{1,64}/uy;

function inline(text: string, context: Context, depth: number, begins: boolean): Inline[] {
  if (ircFormatting.test(text)) return ofIrc(text, context, depth, begins);
  const found: Inline[] = [];
  let run = '';
  const add = (node: Inline): void => {
    if (run) found.push({ kind: 'text', text: run });
    run = '';
    found.push(node);
  };
  const hopeless = new Set<string>();
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    const before = at > 0 ? text.charAt(at - 1) : '';
    switch (character) {
      case '\n':
        add({ kind: 'break' });
        at += 1;
        continue;
      case '\\': {
        const next = text.charAt(at + 1);
        // ¯\_(ツ)_/¯ keeps its arm.
        if (next && punctuation.test(next)) {
          run += before === '¯' ? `\\${next}` : next;
          at += 2;
          continue;
        }
        break;
      }
      case '`': {
        const ticks = /^`+/.exec(text.slice(at, at + 16))?.[0] ?? '`';
        const end = hopeless.has(ticks) ? -1 : closingTicks(text, at + ticks.length, ticks);
        if (end >= 0) {
          const code = text.slice(at + ticks.length, end);
          add({ kind: 'code', text: code.length > 2 && /^ .*\S.* $/s.test(code) ? code.slice(1, -1) : code });
          at = end + ticks.length;
        } else {
          hopeless.add(ticks);
          run += ticks;
          at += ticks.length;
        }
        continue;
      }
      case '[': {
        named.lastIndex = at;
        const match = named.exec(text);
        const node = match ? namedLink(match[1] ?? '', match[2] ?? '') : null;
        if (match && node) {
          add(node);
          at += match[0].length;
          continue;
        }
        break;
      }
      case '#': {
        room.lastIndex = at;
        const match = isWord.test(before) || before === '#' || before === '/' || before === '&' ? null : room.exec(text);
        const called = match?.[0].replace(/[.\-&]+$/, '') ?? '';
        // `#12` is rather a number in someone's list.
        if (called.length > 1 && !/^#\d+$/.test(called) && called !== '#+') {
          add({ kind: 'room', name: called });
          at += called.length;
          continue;
        }
        break;
      }
    }
    // Where a `***` does not end, it may be a `**` and more.
    const pair = depth < deepest ? pairs.find(({ mark, and }) => text.startsWith(mark, at) && !(and && hopeless.has(mark))) : undefined;
    if (pair) {
      const { mark, kind, word, and } = pair;
      const opens = !hopeless.has(mark) && !/^[\s]?$/.test(text.charAt(at + mark.length)) && !(word && isWord.test(before));
      const end = opens ? closing(text, at + mark.length, mark, word) : -1;
      if (end >= 0) {
        const children = inline(text.slice(at + mark.length, end), context, depth + 1, false);
        add({ kind, children: and ? [{ kind: and, children }] : children });
        at = end + mark.length;
        continue;
      }
      if (opens) hopeless.add(mark);
      if (and && opens) continue;
      // All of the run, or the second half of `**` would be tried as a `*`.
      run += mark;
      at += mark.length;
      continue;
    }
    if (/[hi]/i.test(character) && !isWord.test(before)) {
      link.lastIndex = at;
      const match = link.exec(text);
      const node = match ? plainLink(match[0]) : null;
      if (node) {
        add(node);
        at += node.text.length;
        continue;
      }
    }
    if (!isWord.test(before) && before !== '@') {
      name.lastIndex = asciiWord.lastIndex = at;
      const simple = asciiWord.exec(text);
      const match = simple && !goesOn.test(text.charAt(asciiWord.lastIndex)) ? simple : name.exec(text);
      const node = match ? mention(match[0], text.charAt(at + match[0].length), begins && at === 0, context) : null;
      if (match && node) {
        add(node);
        at += node.text.length;
        continue;
      }
      if (match && !match[0].startsWith('@')) {
        // A word, up to where something else could begin.
        const word = match === simple ? match[0] : (/^[\p{L}\p{N}\p{M}]+/u.exec(match[0])?.[0] ?? '');
        if (word && !/^(?:https?|ircs?)$/i.test(word)) {
          run += word;
          at += word.length;
          continue;
        }
      }
    }
    const point = text.codePointAt(at) ?? 0;
    const whole = String.fromCodePoint(point);
    run += whole;
    at += whole.length;
  }
  if (run) found.push({ kind: 'text', text: run });
  return found;
}

function closingTicks(text: string, from: number, ticks: string): number {
  let at = text.indexOf(ticks, from);
  while (at >= 0) {
    let end = at;
    while (text.charAt(end) === '`') end += 1;
    if (end - at === ticks.length) return at;
    at = text.indexOf(ticks, end);
  }
  return -1;
}

function closing(text: string, from: number, mark: string, word: boolean): number {
  const character = mark.charAt(0);
  let at = text.indexOf(mark, from);
  while (at >= 0) {
    let run = mark.length;
    if (mark !== '||') while (text.charAt(at + run) === character) run += 1;
    const after = text.charAt(at + run);
    const spaced = /\s/.test(text.charAt(at - 1));
    const escapes = text.charAt(at - 1) === '\\';
    if (at > from && !spaced && !escapes && !(word && isWord.test(after))) {
      // `*` is no half of a `**`. Of three the first ones end what was begun last, so the others are of what is around it.
      if (mark.length === 1) {
        if (run === 1) return at;
        if (run === 3) return at + 2;
      } else if (run === 3 && mark.length === 2) {
        return at + 1;
      } else {
        return at;
      }
    }
    at = text.indexOf(mark, at + run);
  }
  return -1;
}

/** The address if it is one that may be followed. */
export function safeAddress(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  const may = ['http:', 'https:', 'irc:', 'ircs:'].includes(url.protocol);
  // `https://bank.example@evil.example/` is for deceiving.
  if (!may || url.username || url.password || (url.protocol.startsWith('http') && !url.hostname)) return null;
  return url.href;
}

function plainLink(text: string): Inline & { kind: 'link' } | null {
  let address = text;
  for (;;) {
    const shorter = address.replace(/[.,:;!?'*_~|…»”’]+$/u, '');
    const last = shorter.at(-1) ?? '';
    const open = { ')': '(', ']': '[', '}': '{' }[last];
    if (open && count(shorter, last) > count(shorter, open)) {
      address = shorter.slice(0, -1);
      continue;
    }
    address = shorter;
    break;
  }
  const href = safeAddress(address);
  return href ? { kind: 'link', href, text: address } : null;
}

function namedLink(text: string, address: string): Inline | null {
  const href = safeAddress(address);
  if (!href) return null;
  // A text that looks like another address is for deceiving: the address itself is shown.
  const looksLikeAddress = /^(?:[a-z]+:\/\/|www\.)|^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+(?:\/|$)/iu.test(text.trim());
  return { kind: 'link', href, text: looksLikeAddress ? address : clean(text) };
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}

function mention(word: string, after: string, first: boolean, context: Context): Inline & { kind: 'mention' } | null {
  const at = word.startsWith('@');
  // Names end with signs that sentences end with, too.
  for (let called = at ? word.slice(1) : word; called; ) {
    const whole = called.length === word.length - (at ? 1 : 0);
    const next = whole ? after : word.charAt((at ? 1 : 0) + called.length);
    const me = context.isMe(called);
    const addressed = at || me || (first && (next === ':' || next === ','));
    const nick = addressed ? context.person(called) : null;
    if (nick !== null || (me && addressed)) {
      return { kind: 'mention', nick: nick ?? called, me, text: at ? `@${called}` : called };
    }
    if (/[A-Za-z0-9]$/.test(called) || !/[^\p{L}\p{N}]$/u.test(called)) return null;
    called = called.slice(0, -1);
  }
  return null;
}

/** Text with IRC's formatting: what is between its signs is read as usual. Colours are left out. */
function ofIrc(text: string, context: Context, depth: number, begins: boolean): Inline[] {
  const bare = text.replace(/\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x16/g, '');
  const found: Inline[] = [];
  const on = new Set<Paired>();
  let code = false;
  for (const part of bare.split(/([\x02\x0f\x11\x1d-\x1f])/)) {
    const toggled = toggles[part];
    if (toggled) {
      if (!on.delete(toggled)) on.add(toggled);
    } else if (part === '\x0f') {
      on.clear();
      code = false;
    } else if (part === '\x11') {
      code = !code;
    } else if (part) {
      let nodes: Inline[] = code ? [{ kind: 'code', text: part }] : inline(part, context, depth + 1, begins && found.length === 0);
      for (const kind of on) nodes = [{ kind, children: nodes }];
      found.push(...nodes);
    }
  }
  return found;
}

/** Whether the text names this person: as a word by itself, in any case. */
export function mentions(text: string, nick: string): boolean {
  if (!nick) return false;
  const [within, sought] = [text.toLowerCase(), nick.toLowerCase()];
  const ofName = /[\p{L}\p{N}\p{M}_\-[\]{}\\|^]/u;
  for (let at = within.indexOf(sought); at >= 0; at = within.indexOf(sought, at + 1)) {
    const before = Array.from(within.slice(Math.max(0, at - 2), at)).at(-1) ?? '';
    const after = Array.from(within.slice(at + sought.length, at + sought.length + 2))[0] ?? '';
    if (!ofName.test(before) && !ofName.test(after)) return true;
  }
  return false;
}
