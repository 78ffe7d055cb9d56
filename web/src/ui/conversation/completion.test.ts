import { describe, expect, it } from 'vitest';
import { complete, fit, isInBlock, wanted, withEmoji, wrap } from './completion';

const at = (text: string) => wanted(text.replace('|', ''), text.indexOf('|'));

describe('what can be completed', () => {
  it('is a person, a room, an emoji, a command', () => {
    expect(at('hi @bo|')).toEqual({ kind: 'person', words: 'bo', start: 3 });
    expect(at('@|')).toEqual({ kind: 'person', words: '', start: 0 });
    expect(at('see (#te|')).toEqual({ kind: 'room', words: 'te', start: 5 });
    expect(at(':sm|')).toEqual({ kind: 'emoji', words: 'sm', start: 0 });
    expect(at('/to|')).toEqual({ kind: 'command', words: 'to', start: 0 });
  });

  it('is nothing within a word, in a smiley, a time, an address, or code', () => {
    for (const text of ['a@b|', ':)|', 'at 10:30|', 'http://x|', 'a /to|', '```\n@bo|', 'a `b :sm|', 'hello|']) expect(at(text), text).toBeNull();
  });

  it('is put in the place of what was there', () => {
    expect(complete('hi @bo', 6, 3, '@bob')).toEqual({ text: 'hi @bob ', caret: 8 });
    expect(complete('hi @bo there', 6, 3, '@bob')).toEqual({ text: 'hi @bob there', caret: 8 });
  });
});

describe('a shortcode', () => {
  it('that is complete is its emoji', async () => {
    for (const [text, meant] of [
      ['I :heart:', 'I ❤️'],
      [':+1:', '👍'],
      ['❤️:smile:', '❤️😄'],
      ['`code` :thumbsup: (:x:)', '`code` 👍 (❌)'],
      ['a ` b\n\n:x: c', 'a ` b\n\n❌ c'],
    ] as const) expect(await withEmoji(text), text).toBe(meant);
    for (const text of ['`:heart:`', '``a`b :heart:``', '```\n:heart:', '\\:heart:', 'at 10:30:', 'a:heart:', 'http://x:', '::heart:', ':no_such_one:', ':heart']) expect(await withEmoji(text), text).toBe(text);
  });
});

describe('a block of code', () => {
  it('is begun by a fence at the beginning of a line alone, and ended by one as long', () => {
    for (const text of ['```', 'a\n```ts\nlet x', '  ~~~~\n~~~', '> ```\n> a', '- ```\n  a', '1. ```']) expect(isInBlock(text), text).toBe(true);
    for (const text of ['use ``` for code', '```one line```', '``` two words', '```\na\n```', '> ```\n> a\n> ```', '~~~\n~~~~ ', '    a `']) expect(isInBlock(text), text).toBe(false);
  });

  it('has no names in it, and what is behind backticks within a line has', () => {
    expect(wanted('```\n@bo', 7)).toBeNull();
    expect(wanted('use ``` @bo', 11)).toMatchObject({ kind: 'person', words: 'bo' });
  });
});

describe('a mark', () => {
  it('goes around what is selected, and away again', () => {
    const once = wrap('make it so', 5, 7, '**');
    expect(once).toEqual({ text: 'make **it** so', from: 7, to: 9 });
    expect(wrap(once.text, once.from, once.to, '**')).toEqual({ text: 'make it so', from: 5, to: 7 });
  });
});

describe('a name', () => {
  it('fits at its beginning, at a word, or within', () => {
    expect([fit('Bobby', 'bo'), fit('big-bob', 'bo'), fit('lobo', 'bo'), fit('ann', 'bo')]).toEqual([0, 1, 2, null]);
  });

  it('fits without its accents, and with them', () => {
    expect([fit('über-uns', 'uber'), fit('Emre Öztürk', 'ozt'), fit('Straße', 'strasse'), fit('uber', 'über')]).toEqual([0, 1, 0, 0]);
  });

});
