// Lines that belong together (IRCv3 batch) as one tree, handed on when its outermost batch has ended.

import type { Line } from './line';

export interface Batch {
  readonly type: string;
  readonly params: readonly string[];
  /** The line that began it, with the tags of the whole (of a message of several lines: its id, time, sender). */
  readonly opening: Line;
  readonly items: readonly Item[];
}

export type Item = Line | Batch;

export function isBatch(item: Item): item is Batch {
  return 'items' in item;
}

/** All lines of it, in their order, without the BATCH lines. */
export function* linesOf(items: readonly Item[]): Generator<Line> {
  for (const item of items) {
    if (isBatch(item)) yield* linesOf(item.items);
    else yield item;
  }
}

/** The first batch of this type in it. */
export function batchOf(items: readonly Item[], type: string): Batch | null {
  for (const item of items) {
    if (!isBatch(item)) continue;
    if (item.type === type) return item;
    const within = batchOf(item.items, type);
    if (within) return within;
  }
  return null;
}

/** A server that begins more at once means no good. */
const mostOpen = 64;
/** Items of all open batches: beyond it they are let go of, and the link with them. */
const mostItems = 200_000;

interface Open {
  batch: Batch & { items: Item[] };
  parent: string | null;
}

export class Batches {
  readonly #open = new Map<string, Open>();
  #items = 0;

  /** What is complete with this line: the line itself, a tree, or nothing yet. */
  take(line: Line): Item | null {
    const reference = line.tags.get('batch');
    const parent = reference !== undefined ? this.#open.get(reference) : undefined;
    if (line.command === 'BATCH') {
      const name = line.params[0] ?? '';
      if (name.startsWith('+')) {
        if (this.#open.size >= mostOpen) throw new Error('too many batches');
        const [, type = '', ...params] = line.params;
        const batch = { type, params, opening: line, items: [] };
        this.#open.set(name.slice(1), { batch, parent: parent && reference !== undefined ? reference : null });
        return null;
      }
      const ended = this.#open.get(name.slice(1));
      if (!ended) return null;
      this.#open.delete(name.slice(1));
      const outer = ended.parent !== null ? this.#open.get(ended.parent) : undefined;
      if (outer) {
        outer.batch.items.push(ended.batch);
        return null;
      }
      if (this.#open.size === 0) this.#items = 0;
      return ended.batch;
    }
    if (!parent) return line;
    this.#items += 1;
    if (this.#items > mostItems) throw new Error('a batch without end');
    parent.batch.items.push(line);
    return null;
  }
}
