import { describe, expect, test } from 'vitest';
import { batchOf, Batches, isBatch, linesOf } from './batches';
import { parse } from './line';

describe('batches', () => {
  const feed = (lines: string[]): (string | null)[] => {
    const batches = new Batches();
    return lines.map((text) => {
      const item = batches.take(parse(text)!);
      if (!item) return null;
      return isBatch(item) ? `${item.type}(${[...linesOf(item.items)].map((line) => line.command).join()})` : item.command;
    });
  };

  test('come as a whole, with what is between them left alone', () => {
    expect(feed(['BATCH +1 chathistory #a', '@batch=1 A', 'B', '@batch=1 C', 'BATCH -1'])).toEqual([null, null, 'B', null, 'chathistory(A,C)']);
    expect(feed(['BATCH +1 x', '@batch=1 BATCH +2 y', '@batch=2 A', 'BATCH -2', 'BATCH -1'])).toEqual([null, null, null, null, 'x(A)']);
    expect(feed(['BATCH -9', '@batch=9 A'])).toEqual([null, 'A']);
  });

  test('are found by their type', () => {
    const batches = new Batches();
    const lines = ['BATCH +1 labeled-response', '@batch=1 BATCH +2 parlor/pins', '@batch=2 A', 'BATCH -2', 'BATCH -1'];
    const item = lines.map((text) => batches.take(parse(text)!)).at(-1)!;
    expect(batchOf([item], 'parlor/pins')?.items).toHaveLength(1);
    expect(batchOf([item], 'other')).toBeNull();
  });
});
