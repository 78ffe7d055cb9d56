// What is read and what is unread in a conversation: the marker, the counts, and the line above what was unread.

import { batchOf, linesOf, type Item } from '../../irc/batches';
import type { Line } from '../../irc/line';
import { asking } from '../asked/asking';
import type { ConversationState } from './conversation.svelte';
import type { History } from './history.svelte';
import type { Entry, MessageEntry } from '../types';
import type { World } from '../world';

/** Unread messages that a count may not have seen yet: it takes milliseconds. */
const mostCame = 200;

export class Unread {
  messages = $state(0);
  /** There are at least so many. */
  isMore = $state(false);
  mentions = $state(0);
  /** The entry that the line stands above. */
  line = $state<string | null>(null);
  /** So many were unread when it was opened, and the line above them was further up than what was known, and not seen since. */
  missed = $state(0);
  /** Up to when it is read. */
  readUpTo = 0;
  /** The end is before the person's eyes. */
  seesEnd = false;
  /** What is unread begins behind this time, as of when it was opened. */
  #lineAfter = 0;
  /** How many there were then. */
  #atOpening = 0;
  /** What was unread when it came: a count that was asked for before does not know it. */
  #came: MessageEntry[] = [];
  /** A page from the server had the line in it: if it has gone since, it was let go of. */
  #isSure = false;
  readonly #world: World;
  readonly #conversation: ConversationState;
  readonly #history: History;

  constructor(world: World, conversation: ConversationState, history: History) {
    this.#world = world;
    this.#conversation = conversation;
    this.#history = history;
  }

  get #isSeen(): boolean {
    return this.seesEnd && this.#history.atEnd && this.#history.isFresh && !this.#history.isReadingEnd && this.#world.looksAt(this.#conversation);
  }

  sees(end: boolean): void {
    this.seesEnd = end;
    if (this.#isSeen) this.markRead();
  }

  /** The person turns to it: what is unread now has its line. */
  opened(): void {
    // What she has missed she has not seen since either, though the end, which she has, made all of it count as read.
    if (this.messages > 0 || this.missed === 0) this.#lineIsAfter(this.messages > 0 ? this.readUpTo : Number.POSITIVE_INFINITY, this.messages);
    this.placeLine();
  }

  #lineIsAfter(time: number, messages: number): void {
    this.#lineAfter = time;
    this.#atOpening = messages;
    this.#isSure = false;
    this.line = null;
    this.missed = 0;
  }

  /** The person turns away. */
  left(): void {
    this.seesEnd = false;
    if (this.missed === 0) this.#lineIsAfter(Number.POSITIVE_INFINITY, 0);
  }

  /** A page of history stands where it belongs; `isEnd`: it is what was said last. */
  pageCame(isEnd: boolean): void {
    const { timeline } = this.#history;
    // What is before the eyes now is told anew.
    if (isEnd) this.seesEnd = false;
    if (isEnd && this.readUpTo > 0 && this.#world.isCurrent(this.#conversation)) {
      // What was said while the person was away, or the link: she has not seen it, whatever was counted before.
      const { messages } = unreadIn(timeline.entries, this.readUpTo, false);
      if (messages > 0 && this.#lineAfter !== this.readUpTo) this.#lineIsAfter(this.readUpTo, Math.max(messages, this.messages));
    }
    // It may have been placed among what was known before, which reached further up than this page.
    if (!this.#isSure && !timeline.entries.some((entry) => entry.key === this.line)) this.line = null;
    this.placeLine();
    this.#isSure ||= this.line !== null;
    this.count();
    // Where it stands now, she has not been: one more page may have come by itself.
    if (this.line === null) this.missed = this.#lineAfter !== Number.POSITIVE_INFINITY && this.#world.isCurrent(this.#conversation) ? this.#atOpening : 0;
  }

  /** Goes to where the line belongs, and has it there. */
  async goToLine(): Promise<void> {
    const after = this.#lineAfter;
    if (this.line !== null || after === Number.POSITIVE_INFINITY) return;
    const line = await (await asking()).lineBehind(this.#history, after);
    this.line ??= line;
    this.missed = 0;
  }

  /** Somebody said something new. */
  came(entry: MessageEntry): void {
    if (entry.own && this.messages > 0 && entry.time > this.readUpTo) {
      // Whoever answers from another device, which may know no markers, has read what she answers.
      this.#read(entry.time);
      this.#are(0, false, 0);
    }
    if (entry.own || entry.sender.blocked || entry.time <= this.readUpTo) return;
    if (this.#isSeen) {
      this.#read(entry.time);
    } else {
      // Below all that was read until now.
      if (this.messages === 0 && this.#world.isCurrent(this.#conversation)) this.#lineIsAfter(this.readUpTo, 0);
      this.messages += 1;
      if (this.#isNamedIn(entry)) this.mentions += 1;
      this.#came = [...this.#came.slice(1 - mostCame), entry];
    }
  }

  #isNamedIn(entry: MessageEntry): boolean {
    return entry.deleted === null && (entry.mentionsMe || this.#conversation.kind !== 'room');
  }

  markRead(): void {
    if (!this.#history.atEnd) return;
    const last = this.#history.timeline.entries.findLast((entry) => entry.kind === 'message');
    if (last) this.#read(last.time);
    this.#are(0, false, 0);
  }

  #read(upTo: number): void {
    if (upTo <= this.readUpTo) return;
    this.readUpTo = upTo;
    this.#world.readMarkers.mark(this.#conversation, upTo);
  }

  /** The server says so, or another tab. */
  readElsewhere(upTo: number): void {
    if (upTo <= this.readUpTo) return;
    this.readUpTo = upTo;
    this.count();
  }

  /** As the server counts. `asOf`: what sorts behind this id was said while it did, and is not counted (docs/protocol.md). */
  counted(known: number, isMore: boolean, knownMentions: number, asOf: string): void {
    this.#came = this.#came.filter((entry) => asOf !== '' && (entry.id ?? '') > asOf && entry.time > this.readUpTo);
    const messages = known + this.#came.length;
    const mentions = knownMentions + this.#came.filter((entry) => this.#isNamedIn(entry)).length;
    if (messages > 0 && this.#world.isCurrent(this.#conversation)) {
      // A page that was here before has only so many.
      if (this.#lineAfter === this.readUpTo || this.missed > 0) this.#atOpening = messages;
      else if (this.#lineAfter === Number.POSITIVE_INFINITY && !this.#isSeen) this.#lineIsAfter(this.readUpTo, messages);
      if (this.missed > 0) this.missed = messages;
    }
    if (this.#isSeen) return;
    this.#are(messages, isMore, mentions);
    this.placeLine();
  }

  /** As it was kept. */
  restore(kept: { readUpTo: number; unread: number; mentions: number }): void {
    this.readUpTo = kept.readUpTo;
    this.#are(kept.unread, this.isMore, kept.mentions);
  }

  #are(messages: number, isMore: boolean, mentions: number): void {
    this.messages = messages;
    this.isMore = isMore;
    this.mentions = mentions;
  }

  /** One was edited or deleted, which may have been unread: as it was and as it is, if it is known here. */
  became(before: MessageEntry | undefined, now: MessageEntry | undefined): void {
    this.#came = this.#came.map((entry) => (now && entry.id === now.id ? now : entry)).filter(({ deleted }) => !deleted);
    if (this.count() || this.messages === 0) return;
    // It is counted anew.
    if (!before || !now) return void asking().then(({ recount }) => recount(this.#world, this.#conversation), () => undefined);
    if (before.own || before.deleted || before.sender.blocked || before.time <= this.readUpTo) return;
    const named = Number(this.#isNamedIn(now)) - Number(this.#isNamedIn(before));
    this.#are(this.messages - Number(now.deleted !== null), this.isMore, Math.max(0, this.mentions + named));
  }

  /** Counts what is here, when that reaches back to the marker. True: it does. */
  count(): boolean {
    const { lastActive, kind } = this.#conversation;
    if (lastActive > 0 && lastActive <= this.readUpTo) {
      this.#are(0, false, 0);
      return true;
    }
    const { atEnd, isFresh, beginsHere, timeline } = this.#history;
    const first = timeline.entries[0];
    if (!atEnd || !isFresh || this.readUpTo === 0 || !(beginsHere || (first && first.time <= this.readUpTo))) return false;
    const { messages, named } = unreadIn(timeline.entries, this.readUpTo, kind !== 'room');
    this.#are(messages, false, named);
    return true;
  }

  placeLine(): void {
    if (this.line !== null || this.#lineAfter === Number.POSITIVE_INFINITY || !this.#world.isCurrent(this.#conversation)) return;
    const { beginsHere, timeline } = this.#history;
    const first = timeline.entries[0];
    if (!first || !(beginsHere || first.time <= this.#lineAfter)) return;
    this.line = firstUnreadIn(timeline.entries, this.#lineAfter)?.key ?? null;
  }

  /** What has come is shown. */
  shown(): void {
    this.placeLine();
    // It was before the eyes before it was known to be the end.
    if (this.messages > 0 && this.#isSeen) this.markRead();
  }
}

interface Count {
  readonly name: string;
  readonly messages: number;
  readonly isMore: boolean;
  readonly mentions: number;
}

/** What the server counted, where something is unread; `asOf`: as of the message with this id. */
export function countsOf(items: readonly Item[]): { rows: Count[]; asOf: string } {
  const rows = [...linesOf(items)].filter(({ command }) => command === 'UNREAD').map(countOf);
  return { rows, asOf: batchOf(items, 'parlor/unread')?.params[0] ?? '' };
}

/** UNREAD <room or nick> <messages> <mentions>, with a plus behind a number where there are more. */
export function countOf({ params: [name = '', messages = '0', mentions = '0'] }: Line): Count {
  return { name, messages: Number.parseInt(messages, 10), isMore: messages.endsWith('+'), mentions: Number.parseInt(mentions, 10) };
}

/** Messages behind a time, and those of them that are meant for the person: all of what few people say among themselves, elsewhere mentions. */
export function unreadIn(entries: readonly Entry[], readUpTo: number, areFew: boolean): { messages: number; named: number } {
  let messages = 0;
  let named = 0;
  for (let at = entries.length - 1; at >= 0; at -= 1) {
    const entry = entries[at];
    if (!entry || entry.time <= readUpTo) break;
    if (entry.kind !== 'message' || entry.own || entry.deleted || entry.sender.blocked) continue;
    messages += 1;
    if (entry.mentionsMe || areFew) named += 1;
  }
  return { messages, named };
}

/** The first message behind a time: above it stands the line. */
export function firstUnreadIn(entries: readonly Entry[], readUpTo: number): Entry | undefined {
  return entries.find((entry) => entry.time > readUpTo && entry.kind === 'message' && !entry.own && !entry.sender.blocked);
}
