// What was said in a conversation, as far as it is known here: in its order, by its ids, and who answers what.

import { together } from './happenings';
import type { Entry, MessageEntry } from '../types';

interface Told {
  /** A message has become another. */
  became(entry: MessageEntry): void;
  /** What is known beside the entries has changed. */
  quoted(): void;
}

export class Timeline {
  entries: Entry[] = [];
  readonly #told: Told;
  readonly #byId = new Map<string, MessageEntry>();
  /** Messages beside `entries`, by their id: fetched for a quotation or a thread. */
  readonly #quotes = new Map<string, MessageEntry>();
  /** By the id of what is answered, the ids of the answers. */
  readonly #answers = new Map<string, Set<string>>();

  constructor(told: Told) {
    this.#told = told;
  }

  /** The message, if it stands among the entries or beside them. */
  find(id: string): MessageEntry | undefined {
    return this.#byId.get(id) ?? this.#quotes.get(id);
  }

  /** The message, if it has its place among the entries. */
  placed(id: string): MessageEntry | undefined {
    return this.#byId.get(id);
  }

  isPlaced(id: string): boolean {
    return this.#byId.has(id);
  }

  messages(): Iterable<MessageEntry> {
    return this.#byId.values();
  }

  answersTo(id: string): ReadonlySet<string> {
    return this.#answers.get(id) ?? none;
  }

  /** At the end. Happenings of one kind share a line. */
  append(entry: Entry): void {
    if (pushTogether(this.entries, entry)) this.#enter(entry);
  }

  prepend(entries: readonly Entry[]): void {
    this.entries = [...entries, ...this.entries];
    for (const entry of entries) this.#enter(entry);
  }

  push(entry: Entry): void {
    this.entries.push(entry);
    this.#enter(entry);
  }

  replace(entries: readonly Entry[]): void {
    // Keys stay, so that rows stay.
    const merged = entries.map((entry) => {
      const known = entry.kind === 'message' && entry.id !== null ? this.#byId.get(entry.id) : undefined;
      return known && entry.kind === 'message' && known.key !== entry.key ? { ...entry, key: known.key } : entry;
    });
    this.#byId.clear();
    this.entries = merged;
    for (const entry of merged) this.#enter(entry);
  }

  /** Lets go of some at the beginning, or at the end. */
  drop(where: 'first' | 'last', left: number): void {
    const gone = where === 'last' ? this.entries.splice(left) : this.entries.splice(0, this.entries.length - left);
    for (const entry of gone) if (entry.id !== null) this.#byId.delete(entry.id);
  }

  /** Beside the entries. */
  quote(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind !== 'message' || entry.id === null || this.#byId.has(entry.id)) continue;
      this.#quotes.set(entry.id, entry);
      this.answers(entry);
    }
    this.#told.quoted();
  }

  /** A message has become another: in its place. */
  put(entry: MessageEntry): void {
    const id = entry.id ?? '';
    const before = this.#byId.get(id);
    if (before) {
      const place = this.entries.lastIndexOf(before);
      if (place >= 0) this.entries[place] = entry;
      this.#byId.set(id, entry);
    } else if (this.#quotes.has(id)) {
      this.#quotes.set(id, entry);
      this.#told.quoted();
    }
    this.#told.became(entry);
    if (entry.deleted && entry.replyTo !== null) this.#count(entry.replyTo);
  }

  /** Those that were deleted are none. */
  replyCount(id: string): number {
    return [...this.answersTo(id)].filter((answer) => !this.find(answer)?.deleted).length;
  }

  #count(id: string): void {
    const answered = this.find(id);
    const replyCount = this.replyCount(id);
    if (answered && answered.replyCount !== replyCount) this.put({ ...answered, replyCount });
  }

  /** It is counted with what it answers, also when it has no place here. */
  answers(entry: MessageEntry): void {
    if (entry.replyTo === null || entry.id === null) return;
    let answers = this.#answers.get(entry.replyTo);
    if (!answers) this.#answers.set(entry.replyTo, (answers = new Set()));
    if (answers.has(entry.id)) return;
    answers.add(entry.id);
    this.#count(entry.replyTo);
  }

  #enter(entry: Entry): void {
    if (entry.kind !== 'message' || entry.id === null) return;
    this.#byId.set(entry.id, entry);
    this.#quotes.delete(entry.id);
    this.answers(entry);
  }
}

const none: ReadonlySet<string> = new Set();

/** True: it was added; false: it shares the line before it. */
export function pushTogether(entries: Entry[], entry: Entry): boolean {
  const last = entries.at(-1);
  const shared = entry.kind === 'event' && last?.kind === 'event' ? together(last, entry) : null;
  if (shared) entries[entries.length - 1] = shared;
  else entries.push(entry);
  return !shared;
}

export function lastId(entries: readonly Entry[]): string | null {
  return entries.findLast((entry) => entry.id !== null)?.id ?? null;
}
