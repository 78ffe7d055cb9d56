import { describe, expect, test } from 'vitest';
import { escapeTag, nickOf, parse, unescapeTag, write } from './line';

describe('lines', () => {
  test('are read', () => {
    const line = parse('@time=2026-11-22T11:32:07.045Z;+draft/reply=a\\sb\\:\\\\;x :al!~a@h privmsg  #tea  :hello :there ');
    expect(line?.command).toBe('PRIVMSG');
    expect(line?.params).toEqual(['#tea', 'hello :there ']);
    expect([...(line?.tags ?? [])]).toEqual([
      ['time', '2026-11-22T11:32:07.045Z'],
      ['+draft/reply', 'a b;\\'],
      ['x', ''],
    ]);
    expect(nickOf(line?.source ?? '')).toBe('al');
    expect(parse('')).toBeNull();
    expect(parse('@a=b')).toBeNull();
    expect(parse(':server')).toBeNull();
    expect(parse('A :')?.params).toEqual(['']);
    expect(parse('A b ')?.params).toEqual(['b']);
  });

  test('are written so that they are read as they were meant', () => {
    const check = (params: string[], expected: string): void => {
      expect(write('X', params)).toBe(expected);
    };
    check(['a', 'b'], 'X a b');
    check(['a', ''], 'X a :');
    check(['a', ':b'], 'X a ::b');
    check(['a', 'b c'], 'X a :b c');
    check(['a b', 'c'], 'X ab c');
    check(['', 'c'], 'X * c');
    check(['a\r\nQUIT'], 'X :a  QUIT');
    expect(write('X', ['a'], { label: 'q1', '+typing': 'a;b c', none: null, flag: '' })).toBe('@label=q1;+typing=a\\:b\\sc;flag X a');
  });

  test('values of tags survive', () => {
    for (const value of ['', ' ', ';', '\\', '\r\n', 'a\\sb', 'é', '\\\\;']) {
      expect(unescapeTag(escapeTag(value))).toBe(value);
    }
    expect(unescapeTag('a\\')).toBe('a');
    expect(unescapeTag('\\b')).toBe('b');
  });
});
