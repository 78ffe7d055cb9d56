import { describe, expect, test } from 'vitest';
import { Batches, isBatch } from './batches';
import { parse } from './line';
import { joined, messagesWithin, multilineLimits, pieces, textBudget, writeMessage } from './multiline';

describe('messages of several lines', () => {
  test('become as few messages as the server takes', () => {
    const check = (text: string, bytes: number, lines: number, expected: string[]): void => {
      expect(messagesWithin(text, 20, { bytes, lines })).toEqual(expected);
    };
    check('one\n\ntwo', 100, 10, ['one\n\ntwo']);
    check('one\n\ntwo', 7, 10, ['one', 'two']);
    check('one\n\ntwo', 100, 2, ['one', 'two']);
    check('one\ntwo\nthree', 100, 2, ['one\ntwo', 'three']);
    check('\n\n', 100, 10, []);
    check('one two three four five six\nseven', 100, 2, ['one two three four five six', 'seven']);
    expect(messagesWithin('one\n\ntwo', 20, null)).toEqual(['one', 'two']);
  });

  test('lines are broken behind spaces and never within a character', () => {
    expect(pieces('one two three', 8)).toEqual(['one two ', 'three']);
    expect(pieces('éééé', 3)).toEqual(['é', 'é', 'é', 'é']);
    expect(pieces('👍👍', 4)).toEqual(['👍', '👍']);
    expect(pieces('', 8)).toEqual(['']);
  });

  test('are written and put together again', () => {
    const text = `one\n\n${'two '.repeat(150)}\n three`;
    const written = writeMessage('#tea', text, 'text', { label: 'q1' }, 'r1', 400);
    expect(written[0]).toBe('@label=q1 BATCH +r1 draft/multiline #tea');
    const batches = new Batches();
    const item = written.map((line) => batches.take(parse(line)!)).at(-1)!;
    if (!isBatch(item)) throw new Error('no batch');
    expect(joined(item)).toEqual({ text, notice: false });
    for (const line of written) expect(line.length).toBeLessThan(512);
    expect(writeMessage('#tea', 'hi', 'action', {}, 'r1', 400)).toEqual(['PRIVMSG #tea :\x01ACTION hi\x01']);
  });

  test('the server says how much it takes', () => {
    expect(multilineLimits('max-bytes=4096,max-lines=64')).toEqual({ bytes: 4096, lines: 64 });
    expect(multilineLimits('max-bytes=4096')).toEqual({ bytes: 4096, lines: 16 });
    expect(multilineLimits('')).toBeNull();
    expect(textBudget(32, '#tea', 'text')).toBeLessThan(400);
  });
});
