import { describe, expect, it } from 'vitest';
import { find, groups } from './emoji';

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
});
