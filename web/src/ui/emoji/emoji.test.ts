import { describe, expect, it } from 'vitest';
import { find, groups, ofCode } from './emoji';
import { shortcodes } from './shortcodes';

describe('emoji', () => {
  it('are found by name, by the words that people use, and by German ones', async () => {
    const all = await groups();
    const first = (words: string) => find(all, words, 3).map((emoji) => emoji.text);
    expect(first('thumbs up')).toContain('👍');
    expect(first('thumbs_up')).toContain('👍');
    expect(first('tada')[0]).toBe('🎉');
    expect(first('tea').some((emoji) => emoji === '🍵' || emoji === '☕')).toBe(true);
    expect(first('danke')).toContain('🙏');
    expect(first('+1')[0]).toBe('👍');
    expect(find(all, 'no such emoji at all')).toEqual([]);
    expect(find(all, '  ')).toEqual([]);
  });

  it('come in the order in which they are meant', async () => {
    const all = await groups();
    const first = (words: string) => find(all, words, 1)[0]?.text;
    for (const [words, text] of [
      ['heart', '❤️'],
      ['herz', '❤️'],
      ['broken', '💔'],
      ['broken heart', '💔'],
      ['smile', '😄'],
      ['thumbs', '👍'],
      ['thumbsup', '👍'],
      ['joy', '😂'],
      ['fire', '🔥'],
      ['tea', '🍵'],
      ['cat', '🐱'],
      ['sun', '☀️'],
      ['star', '⭐'],
      ['x', '❌'],
      ['clap', '👏'],
    ] as const) expect(first(words), words).toBe(text);
    // The beginning of a word before what stands within one.
    const found = find(all, 'art').map((emoji) => emoji.words);
    expect(found.findIndex((words) => !/[ _]art/.test(` ${words}`))).toBeGreaterThan(0);
    expect(found.findLastIndex((words) => / art/.test(` ${words}`))).toBeLessThan(found.findIndex((words) => !/[ _]art/.test(` ${words}`)));
  });

  it('have their usual shortcodes, each one of its own', async () => {
    for (const [code, text] of [['heart', '❤️'], ['thumbsup', '👍'], ['+1', '👍'], ['-1', '👎'], ['smile', '😄'], ['red_heart', '❤️'], ['rocket', '🚀'], ['TADA', '🎉'], ['no_such_one', null]] as const) {
      expect(await ofCode(code), code).toBe(text);
    }
    const known = new Set((await groups()).flatMap((group) => group.emoji.map((emoji) => emoji.text)));
    expect(Object.keys(shortcodes).filter((text) => !known.has(text))).toEqual([]);
    const codes = Object.values(shortcodes).flatMap((of) => of.split(' '));
    expect(codes.filter((code, at) => codes.indexOf(code) !== at)).toEqual([]);
    for (const code of codes) expect(await ofCode(code), code).toBe(Object.keys(shortcodes).find((text) => shortcodes[text]?.split(' ').includes(code)));
  });
});
