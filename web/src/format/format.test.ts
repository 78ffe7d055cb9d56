import { describe, expect, test } from 'vitest';
import { avatar } from './avatar';
import { clean } from './clean';
import type { Context } from './context';
import { format, formatInline, plain } from './format';
import { safeAddress } from './links';
import { mentions } from './mentions';
import { highlight } from './highlight';
import type { Block, Inline } from './nodes';
import { qr } from './qr';

const context: Context = {
  person: (word) => ['bob', 'carol_', 'alice'].find((nick) => nick === word.toLowerCase()) ?? null,
  isMe: (nick) => nick.toLowerCase() === 'alice',
};

/** A tree in short: `b(…)` strong, `i(…)` emphasis, `c[…]` code, and so on. */
function short(nodes: readonly (Block | Inline)[]): string {
  return nodes
    .map((node): string => {
      switch (node.kind) {
        case 'text':
          return node.text;
        case 'strong':
          return `b(${short(node.children)})`;
        case 'emphasis':
          return `i(${short(node.children)})`;
        case 'underline':
          return `u(${short(node.children)})`;
        case 'strike':
          return `s(${short(node.children)})`;
        case 'spoiler':
          return `x(${short(node.children)})`;
        case 'code':
          return 'language' in node ? `pre[${node.language ?? ''}:${node.text}]` : `c[${node.text}]`;
        case 'link':
          return `<${node.href}|${node.text}>`;
        case 'mention':
          return `@[${node.nick}${node.me ? '!' : ''}|${node.text}]`;
        case 'room':
          return `#[${node.name}]`;
        case 'break':
          return '⏎';
        case 'paragraph':
          return `p(${short(node.children)})`;
        case 'heading':
          return `h${node.level}(${short(node.children)})`;
        case 'quote':
          return `q(${short(node.children)})`;
        case 'list':
          return `${node.ordered ? `ol${node.start}` : 'ul'}(${node.items.map((item) => `li(${short(item)})`).join('')})`;
        case 'rule':
          return 'hr';
        case 'emoji':
          return `E(${node.text})`;
      }
    })
    .join('');
}

describe('a line', () => {
  const check = (text: string, expected: string): void => {
    expect(short(formatInline(text, context)), text).toBe(expected);
  };

  test('has its emphasis', () => {
    check('a **bold** and *slanted* _too_ ~~gone~~ ||hidden||', 'a b(bold) and i(slanted) i(too) s(gone) x(hidden)');
    check('**a *b* c**', 'b(a i(b) c)');
    check('__strong__', 'b(strong)');
    check('***both*** and ___both___', 'b(i(both)) and b(i(both))');
    check('**bold *it***', 'b(bold i(it))');
    check('*it **bold***', 'i(it b(bold))');
    check('***open, 2 *** 3', '***open, 2 *** 3');
    check('2 * 3 * 4 and snake_case_name', '2 * 3 * 4 and snake_case_name');
    check('**open and *open', '**open and *open');
    check('\\*not\\* ¯\\_(ツ)_/¯', '*not* ¯\\_(ツ)_/¯');
    check('2*3*4 and a*b*c', '2*3*4 and ai(b)c');
    check('a || b || c', 'a || b || c');
    check('** **', '** **');
    check('****', '****');
  });

  test('has code that nothing is read in', () => {
    check('`**a**` and ``a`b`` and `open', 'c[**a**] and c[a`b] and `open');
    check('```one line```', 'c[one line]');
  });

  test('has links, without what stands behind them', () => {
    check('see https://example.org/a_b_(c)?x=1&y=*2.', 'see <https://example.org/a_b_(c)?x=1&y=*2|https://example.org/a_b_(c)?x=1&y=*2>.');
    check('(https://example.org)', '(<https://example.org/|https://example.org>)');
    check('**https://example.org**', 'b(<https://example.org/|https://example.org>)');
    check('[tea](https://example.org/tea)', '<https://example.org/tea|tea>');
    check('[https://bank.example](https://evil.example)', '<https://evil.example/|https://evil.example>');
    check('[bank.example](https://evil.example)', '<https://evil.example/|https://evil.example>');
    check('irc://irc.example/#tea ircs://x.example', '<irc://irc.example/#tea|irc://irc.example/#tea> <ircs://x.example|ircs://x.example>');
    check('[tea](https://example.org/tea "how to brew it") [b](https://b.example \'t\')', '<https://example.org/tea|tea> <https://b.example/|b>');
    check('[a](https://a.example "open) b', '[a](<https://a.example/|https://a.example> "open) b');
    check('<https://example.org/a,> <b>', '<https://example.org/a,|https://example.org/a,> <b>');
    check('www.example.org/a. www. awww.x www.', '<https://www.example.org/a|www.example.org/a>. www. awww.x www.');
    for (const bad of ['<javascript:alert(1)>', 'javascript:alert(1)', 'data:text/html,x', 'https://a@b.example', '[x](javascript:alert(1))', 'vbscript:x', 'http://']) {
      expect(short(formatInline(bad, context)), bad).not.toContain('|');
    }
  });

  test('has the names of people and rooms', () => {
    check('@bob hi', '@[bob|@bob] hi');
    check('hi @Bob, alice!', 'hi @[bob|@Bob], @[alice!|alice]!');
    check('bob: hi', '@[bob|bob]: hi');
    check('hi bob', 'hi bob');
    check('@carol_: and @nobody', '@[carol_|@carol_]: and @nobody');
    check('@BOB@x.example bob@x.example @bob @', '@BOB@x.example bob@x.example @[bob|@bob] @');
    check('@bob_ mail@bob.example', '@[bob|@bob]_ mail@bob.example');
    check('in #tea, (#a.b) but not a#b or #12 or &#39;', 'in #[#tea], (#[#a.b]) but not a#b or #12 or &#39;');
    check('malice alice_', 'malice @[alice!|alice]_');
  });

  test("has IRC's own formatting", () => {
    check('\x02bold\x02 \x1dslanted\x0f \x0304,12red\x03 \x11code\x11', 'b(bold) i(slanted) red c[code]');
    check('\x02\x1f both', 'u(b( both))');
    check('\x04FF0000red\x04 \x0400ff00,000000green\x0f \x04face', 'red green face');
  });
});

describe('a message', () => {
  const check = (text: string, expected: string): void => {
    expect(short(format(text, context)), text).toBe(expected);
  };

  test('has paragraphs, quotes, lists, headings', () => {
    check('one\ntwo\n\nthree', 'p(one⏎two)p(three)');
    check('> a\n> b\nc', 'q(p(a⏎b))p(c)');
    check('> > a', 'q(q(p(a)))');
    check('>_< no', 'p(>_< no)');
    check('- a\n- b\n  more\nc', 'ul(li(p(a))li(p(b⏎more)))p(c)');
    check('- a\n\n  more\n- b\n\nc', 'ul(li(p(a)p(more))li(p(b)))p(c)');
    check('1. a\n\n   > b\n\n2. c', 'ol1(li(p(a)q(p(b)))li(p(c)))');
    check('- a\n  ```\n  b\n\n  c\n  ```', 'ul(li(p(a)pre[:b\n\nc]))');
    check('- a\n\n\nb', 'ul(li(p(a)))p(b)');
    check('3. a\n4. b', 'ol3(li(p(a))li(p(b)))');
    check('- a\n  - b', 'ul(li(p(a)ul(li(p(b)))))');
    check('# Head\ntext', 'h1(Head)p(text)');
    check('#tea is a room', 'p(#[#tea] is a room)');
    check('a\n---\nb', 'p(a)hrp(b)');
    check('-5 degrees', 'p(-5 degrees)');
  });

  test('has blocks of code', () => {
    check('a\n```rust\nlet **x**;\n\n```\nb', 'p(a)pre[rust:let **x**;\n]p(b)');
    // What does not end goes on to the end, as in other programs.
    check('```\nopen **a**\n\nb', 'pre[:open **a**\n\nb]');
    check('a\n```rust\nlet x;', 'p(a)pre[rust:let x;]');
    check('> ```\n> a\nb', 'q(pre[:a])p(b)');
    check('- ```\n  a\n\nb', 'ul(li(pre[:a]))p(b)');
    check('a\n```', 'p(a⏎```)');
    check('````\n```\n````', 'pre[:```]');
  });

  test('of emoji alone is large', () => {
    check('👍', 'E(👍)');
    check('👩‍👩‍👧 🇩🇪', 'E(👩‍👩‍👧 🇩🇪)');
    check('👍👍👍👍👍👍👍', 'p(👍👍👍👍👍👍👍)');
    check('12', 'p(12)');
    check('©', 'p(©)');
  });

  test('loses what would turn or hide text', () => {
    expect(clean('a\u202Eb\u0000c\u200d')).toBe('abc\u200d');
  });

  test('of any kind is read in a moment, and nothing of its words is lost', () => {
    const parts = ['*', '**', '_', '`', '```\n', '> ', '- ', '[', '](', '||', '~~', '@', '#', '\\', 'https://', '(', ')', ' ', 'é', '\n', '\x02'];
    let seed = 7;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
    for (let round = 0; round < 300; round += 1) {
      const text = Array.from({ length: 60 }, () => parts[Math.floor(random() * parts.length)]).join('');
      const words = (string: string): number => string.split('é').length;
      expect(words(short(format(text, context))), JSON.stringify(text)).toBe(words(text));
    }
    const began = performance.now();
    for (const part of parts) format(part.repeat(4_096 / part.length), context);
    format('*a **b _c '.repeat(400), context);
    format('[a](https://'.repeat(300), context);
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

test('a preview is one line of words', () => {
  expect(plain('**a** `b`\n> c\n- [d](https://x.example)\n||e||')).toBe('a b c d ▒▒▒');
});

test('who is named is found', () => {
  expect(mentions('hey alice!', 'Alice')).toBe(true);
  expect(mentions('malice', 'alice')).toBe(false);
  expect(mentions('alice_', 'alice')).toBe(false);
  expect(mentions('malice, ALICE', 'alice')).toBe(true);
  expect(mentions('x', '')).toBe(false);
  for (const [text, named] of [
    ['for `alice` only', false],
    ['``a ` alice``', false],
    ['```\nalice\n```', false],
    ['`code` alice `code`', true],
    ['a lone ` alice', true],
    ['`` alice `', true],
    ['http://x.example/@alice/1', false],
    ['mail@alice.org', false],
    ['see http://x.example alice', true],
    ['(@alice)', true],
  ] as const) {
    expect(mentions(text, 'alice'), text).toBe(named);
  }
});

test('only addresses of a few kinds may be followed', () => {
  expect(safeAddress('https://example.org')).toBe('https://example.org/');
  for (const bad of ['javascript:alert(1)', ' JaVaScRiPt:alert(1)', 'data:,x', 'file:///etc', 'blob:x', 'https://a:b@c.example', '//x', 'x']) {
    expect(safeAddress(bad), bad).toBeNull();
  }
});

test('code is highlighted whole', async () => {
  const code = 'fn main() { println!("<b>{}</b>", 1); } // done';
  const tokens = await highlight(code, 'rust');
  expect(tokens.map((token) => token.text).join('')).toBe(code);
  expect(tokens.find((token) => token.kind === 'keyword')?.text).toContain('fn');
  expect(tokens.find((token) => token.kind === 'comment')?.text).toBe('// done');
  expect(await highlight(code, 'klingon')).toEqual([{ kind: null, text: code }]);
  for (const [code, language] of [
    ['a = 1', 'toml'],
    ['let a: Int = 1', 'swift'],
    ['main = putStrLn "a"', 'haskell'],
    ['all: a\n\techo a', 'makefile'],
    ['message A { int32 b = 1; }', 'proto'],
    ['my $a = 1;', 'perl'],
  ] as const) expect((await highlight(code, language)).length, language).toBeGreaterThan(1);
});

test('an address becomes a square of dark and light', async () => {
  const rows = await qr('https://chat.example/invite/tea/inv-x');
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.every((row) => row.length === rows.length)).toBe(true);
  expect(rows[0]?.slice(0, 7)).toEqual(Array(7).fill(true));
});

test('a name always has the same avatar', () => {
  expect(avatar('x', 'Alice Liddell')).toEqual(avatar('x', 'Alice Liddell'));
  expect(avatar('x', 'Alice Liddell').initials).toBe('AL');
  expect(avatar('x', 'bob').initials).toBe('B');
  expect(avatar('x', '#tea').initials).toBe('T');
  expect(avatar('x', '___').initials).toBe('?');
});
