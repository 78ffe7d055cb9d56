// Where in the list of messages the person is, and how she is kept there: while rows are measured for the first time, pages come
// above and below, and all entries are replaced by the server's. The virtualizer draws; what stands where is decided here.

import { tick, untrack } from 'svelte';
import type { VirtualizerHandle } from 'virtua/svelte';
import type { Conversation, Entry } from '../../state/types';
import { afterPaint } from '../parts/after_paint';

/** What the list keeps to, whatever changes in it, until the person moves it or wants to be elsewhere. */
type Keeps =
  /** The end; `chosen`: she went there, or stayed. Otherwise an unread line that shows up is gone to. */
  | { kind: 'end'; chosen: boolean }
  /** The unread line, a little below the upper edge; where it is not known yet it is on its way. */
  | { kind: 'line' }
  /** What a link led to, in the middle. */
  | { kind: 'message'; key: string }
  /** What she reads: it stands at the upper edge (`#top`). */
  | { kind: 'read' };

/** The list. */
export interface Listed {
  readonly conversation: Conversation;
  /** Those that are drawn. */
  readonly entries: readonly Entry[];
  readonly list: VirtualizerHandle | undefined;
  readonly scroller: HTMLElement;
  /** What keeps few rows at the lower edge. */
  readonly filler: HTMLElement;
  /** All entries are drawn, not only those at the end. */
  isWhole: boolean;
  rowOf(key: string): HTMLElement | null;
  say(sentence: string): void;
}

/** So near to it one is at the end, in pixels. */
const near = 24;
/** Where the unread line stands, below the upper edge, in pixels. */
const lineBelow = 80;
/** So tall it is, about. */
const lineTall = 20;
/** Pages are asked for when so much is left, and what goes by in some frames at the speed one has. */
const ahead = 900;
const frames = 12;
/** What is drawn beyond the edges, in pixels. */
export const buffer = 600;
/** Rows are measured for the first time so long, in milliseconds, and the list moves by itself. */
const settlesWithin = 700;
/** Until so long behind it a movement is that of a hand, in milliseconds. */
const handWithin = 1_000;
const mostTries = 20;

const frame = (): Promise<unknown> => new Promise((resolve) => requestAnimationFrame(resolve));

/** A message at the upper edge, and how far it is cut off there (less than zero: how far below it is). */
interface Top {
  readonly key: string;
  readonly cut: number;
}

/** Where one was further up, when one turned to another conversation. */
const left = new WeakMap<Conversation, Top>();

export class Place {
  /** It stands where it should, and can be shown. */
  ready = $state(false);
  /** So many are unread, and the line above them is further up. */
  readonly unreadAbove = $derived.by((): number => {
    const { missed, unread } = this.#listed.conversation;
    return missed || (this.#isLineAbove ? unread : 0);
  });
  #isLineAbove = $state(false);
  /** Faster than what is drawn beyond the edges reaches: then that would only be drawn to be thrown away. */
  flies = $state(false);
  /** Somebody, or something, scrolls. */
  scrolls = false;
  readonly lineIndex = $derived.by((): number => {
    const { unreadLine } = this.#listed.conversation;
    return unreadLine === null ? -1 : this.#indexOf(unreadLine);
  });
  readonly #listed: Listed;
  #keeps: Keeps = $state.raw({ kind: 'end', chosen: false });
  /** On the way to what is not known here yet. */
  #trip: object | null = $state.raw(null);
  /** Which of the conversation's generations is put where it should be. */
  #placed = -1;
  /** And stands there: what is before the eyes until then was not chosen by anybody. */
  #stands = $state(-1);
  /** In which one something was brought to its place last. */
  #putIn = -1;
  /** It is being brought to its place; until then, where one is meanwhile is nobody's doing. */
  #settling: object | null = null;
  /** The line that one has been brought to, or has seen from the end. */
  #lineKnown: string | null = null;
  /** The last entry when the way to the line was begun, until that is at its place. */
  #lastThen: string | null = null;
  #touchedAt = Number.NEGATIVE_INFINITY;
  #settlesUntil = 0;
  /** The first message that is read at the upper edge. */
  #top: Top | null = null;
  #lastOffset = 0;
  /** Rows were found to be of another height than was thought; what that moves is told at the beginning of the next frame. */
  #measured = 0;
  /** Nothing came above, or it has stood still since. */
  #rests = true;
  /** The generation whose virtualizer knows how tall the window is. */
  #sized = -1;

  constructor(listed: Listed) {
    this.#listed = listed;
    const { conversation } = listed;
    const top = left.get(conversation);
    // Whoever comes back is where she was, if that is known and nothing is new.
    if (top && conversation.unread + conversation.missed === 0 && conversation.entries.some(({ key }) => key === top.key)) {
      this.#keeps = { kind: 'read' };
      this.#top = top;
      listed.isWhole = true;
    }
    $effect(() => () => {
      if (this.#keeps.kind === 'read' && this.#top) left.set(conversation, this.#top);
      else left.delete(conversation);
    });
    // At first one sees where one stopped reading, else the end. When all entries are replaced (by the server's, after what
    // was kept here; after a lost link) it is the same again, or what one was just reading.
    $effect(() => {
      const { generation } = listed.conversation;
      if (!listed.list || listed.entries.length === 0 || this.#trip || this.#placed === generation) return;
      untrack(() => this.#replaced(generation));
    });
    // Up to where it has been read may be known only now, or what the line stands in may have come only now.
    $effect(() => {
      const { unreadLine, generation } = listed.conversation;
      if (this.lineIndex < 0 || this.#trip || this.#stands !== generation) return;
      untrack(() => {
        const isNew = unreadLine !== this.#lineKnown;
        this.#lineKnown = unreadLine;
        if (this.#keeps.kind === 'line') void this.#settle();
        else if (isNew && this.#keeps.kind === 'end' && !this.#keeps.chosen && listed.conversation.missed === 0) void this.toUnread();
        else void tick().then(() => this.scrolled());
      });
    });
    // A page that has come may be a line to see, or none (where people only came and went, or are not shown): then nothing scrolls, and
    // the next one is asked for all the same.
    $effect(() => {
      const { older, newer } = listed.conversation;
      if (older !== 'idle' || newer !== 'idle') return;
      void tick().then(() => (listed.entries.length === 0 && listed.conversation.entries.length > 0 ? this.#older() : this.scrolled()));
    });
    // Smaller windows and taller composers take from the list, too.
    $effect(() => {
      const watched = new ResizeObserver(() => this.#resized());
      watched.observe(listed.scroller);
      return () => watched.disconnect();
    });
  }

  /** The end is kept before the person. */
  get isAtEnd(): boolean {
    return this.#keeps.kind === 'end';
  }

  /** She has it before her eyes, as far as the list knows. */
  get showsEnd(): boolean {
    return this.ready && this.#stands === this.#listed.conversation.generation && this.isAtEnd && this.#listed.conversation.atEnd;
  }

  /** What is unread is before her eyes: nobody has to bring her there any more. */
  lineIsSeen(): void {
    this.#lineKnown = this.#listed.conversation.unreadLine;
  }

  #indexOf(key: string): number {
    return this.#listed.entries.findIndex((entry) => entry.key === key);
  }

  // All is another

  #replaced(generation: number): void {
    const listed = this.#listed;
    this.#placed = generation;
    this.#settling = null;
    this.#settlesUntil = performance.now() + settlesWithin;
    this.#touchedAt = Number.NEGATIVE_INFINITY;
    void tick().then(() => {
      if (this.#trip || !listed.list || this.#placed !== generation) return;
      this.#keeps = this.#keepsNow();
      if (this.#keeps.kind === 'end') this.#toEnd();
      else if (this.#keeps.kind === 'line') void this.toUnread();
      else void this.#settle();
      this.#lineKnown = listed.conversation.unreadLine;
      this.#stands = generation;
      requestAnimationFrame(() => {
        this.ready = true;
        this.#settlesUntil = performance.now() + settlesWithin;
        this.scrolled();
        afterPaint(() => {
          // Whoever was here may be gone by then, and the conversation with her.
          if (!listed.list || this.#placed !== listed.conversation.generation) return;
          listed.isWhole = true;
          void tick().then(() => this.scrolled());
        });
      });
    });
  }

  /** What it keeps to among entries that are all others. */
  #keepsNow(): Keeps {
    const { unreadLine, missed } = this.#listed.conversation;
    const keeps = this.#keeps;
    const line: Keeps = { kind: 'line' };
    switch (keeps.kind) {
      case 'line':
        // The end may have come in place of what the line stood in: then it is gone to.
        if (this.lineIndex >= 0 || missed > 0) return keeps;
        break;
      case 'message':
        if (this.#indexOf(keeps.key) >= 0) return keeps;
        break;
      case 'read':
        if (this.#top && this.#indexOf(this.#top.key) >= 0) return keeps;
        break;
      case 'end':
        if (!keeps.chosen && this.lineIndex >= 0) return line;
        break;
    }
    // Somebody who had it before her has a line there where what she did not see begins.
    if (this.lineIndex >= 0 && unreadLine !== this.#lineKnown) return line;
    return keeps.kind === 'end' ? keeps : { kind: 'end', chosen: false };
  }

  // Bringing it to its place. By itself, not by the virtualizer: that gives up where rows take long to be measured, and goes on for a
  // while where one scrolls on meanwhile.

  #toEnd(): void {
    if (this.#listed.entries.length === 0) return;
    const { scroller } = this.#listed;
    let times = 0;
    const hold = (): void => {
      if (!this.isAtEnd || !scroller?.isConnected) return;
      if (scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop > 1) scroller.scrollTop = scroller.scrollHeight;
      // What is measured only now may have made the last ones taller.
      if (++times <= 3) requestAnimationFrame(hold);
    };
    hold();
  }

  /** Until it stands still. Rows above it may still be measured, pages come, and the list may end before it is where it should. */
  async #settle(): Promise<void> {
    const mine = (this.#settling = {});
    let before = Number.NaN;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const stood = this.#put(before);
      if (stood === null) break;
      before = stood;
      await frame();
      await frame();
      // A hand, or something else that is kept by now; or one is led elsewhere, and this list is gone.
      if (this.#settling !== mine || !this.#listed.list || !this.#listed.scroller?.isConnected) return;
    }
    this.#settling = null;
    // How far it was is not how fast one goes.
    this.#lastOffset = this.#listed.list?.getScrollOffset() ?? 0;
    // Whoever has all that is unread before her is at the end, and follows what was said meanwhile.
    const last = this.#lastThen;
    this.#lastThen = null;
    if (this.#keeps.kind === 'line' && last !== null && this.#isInView(last)) {
      this.#keeps = { kind: 'end', chosen: false };
      this.#toEnd();
    }
    this.scrolled();
  }

  #isInView(key: string): boolean {
    const row = this.#listed.rowOf(key)?.getBoundingClientRect();
    return row !== undefined && row.height > 0 && row.bottom < this.#listed.scroller.getBoundingClientRect().bottom + near;
  }

  /** Puts what is kept to its place. Gives where it stood, not a number if it is not drawn yet; null: there is nothing more to do. */
  #put(before: number): number | null {
    const { list, scroller, filler, conversation } = this.#listed;
    const keeps = this.#keeps;
    const key = keeps.kind === 'line' ? conversation.unreadLine : keeps.kind === 'message' ? keeps.key : keeps.kind === 'read' ? this.#top?.key : null;
    if (!list || key == null) return null;
    this.#putIn = conversation.generation;
    const view = scroller.getBoundingClientRect();
    const at = (keeps.kind === 'read' ? this.#placeOf(key) : this.#listed.rowOf(key))?.getBoundingClientRect();
    if (at && at.height > 0) {
      if (at.top === before) return null;
      const middle = Math.max(0, view.height - at.height) / 2;
      const below = keeps.kind === 'line' ? lineBelow : keeps.kind === 'message' ? middle : filler.offsetHeight - (this.#top?.cut ?? 0);
      scroller.scrollTop += at.top - view.top - below;
      return at.top;
    }
    // A page that comes meanwhile gives it another number.
    const index = this.#indexOf(key);
    if (index < 0) return null;
    scroller.scrollTop = list.getItemOffset(index) - view.height / 2;
    return Number.NaN;
  }

  /** A row with the lines above it. */
  #placeOf(key: string): HTMLElement | null {
    return this.#listed.rowOf(key)?.closest<HTMLElement>('.scroller > div > div') ?? null;
  }

  /**
   * Where some came above, the virtualizer holds on to the end until the list rests: all would move with each row that is measured below.
   * What is read stays where it is, before it is painted.
   */
  #steady(): void {
    const row = this.#top && this.#placeOf(this.#top.key);
    if (!row) return;
    const was = row.getBoundingClientRect().top;
    void tick().then(() => {
      const by = row.isConnected ? row.getBoundingClientRect().top - was : 0;
      if (Math.abs(by) >= 1) this.#listed.scroller.scrollTop += by;
    });
  }

  // What the virtualizer and the list tell

  scrolled(): void {
    const { list, entries, scroller, conversation } = this.#listed;
    if (!list || !this.ready || this.#placed !== conversation.generation) return;
    const offset = list.getScrollOffset();
    // How tall the window is, the virtualizer hears only after its becoming taller has moved the end.
    const below = list.getScrollSize() - scroller.clientHeight - offset;
    // What rows move that are measured anew is nobody's haste.
    const speed = this.#measured > 0 || this.#settling ? 0 : Math.abs(offset - this.#lastOffset);
    const reach = ahead + frames * speed;
    this.flies = speed > buffer && this.scrolls;
    // On the way it is not known yet what is near.
    if (this.#settling || this.#trip) return;
    const by = offset - this.#lastOffset;
    this.#lastOffset = offset;
    this.#moved(below, by);
    const first = this.#firstRead(offset, speed);
    const entry = entries[first];
    this.#top = entry ? { key: entry.key, cut: offset - list.getItemOffset(first) } : null;
    // Whoever goes down needs no older ones; and where some came above, the virtualizer holds on to the end until one rests, so that
    // all would move with each row that is measured below.
    if (offset < reach && this.#listed.isWhole && by <= 0) void this.#older();
    if (below < reach && !conversation.atEnd) void this.#newer();
    this.#seeLine(offset);
  }

  /** Whether the line is further up; it stands right above its message, below a new day and where all begins. */
  #seeLine(offset: number): void {
    const { list, scroller, conversation, rowOf } = this.#listed;
    const key = conversation.unreadLine;
    if (!list || key === null || this.lineIndex < 0) return void (this.#isLineAbove = false);
    const row = rowOf(key)?.getBoundingClientRect();
    this.#isLineAbove = row?.height ? row.top < scroller.getBoundingClientRect().top + lineTall / 2 : list.getItemOffset(this.lineIndex) < offset;
    if (!this.#isLineAbove) conversation.seesLine();
  }

  /** It has moved `by` so much. Whoever goes up leaves the end; that there is more below takes nobody from it, nor that rows are measured. */
  #moved(below: number, by: number): void {
    const keeps = this.#keeps;
    const now = performance.now();
    const byItself = now < this.#settlesUntil || this.#measured > 0;
    const isHers = now - this.#touchedAt < handWithin || !byItself;
    if (below < near) {
      // Whoever has all that is unread before her goes on with it.
      if (keeps.kind !== 'end') this.#keeps = { kind: 'end', chosen: keeps.kind !== 'line' };
    } else if (keeps.kind === 'end') {
      if (by < -1 && isHers) this.#keeps = { kind: 'read' };
      else if (this.#listed.conversation.atEnd && byItself) this.#toEnd();
    } else if (keeps.kind !== 'read' && Math.abs(by) > 1 && isHers) {
      this.#keeps = { kind: 'read' };
    }
  }

  /** The first entry at the upper edge that has a row already: what only comes now is not measured yet, and was not read. */
  #firstRead(offset: number, speed: number): number {
    const { list, entries, scroller, rowOf } = this.#listed;
    const first = list?.findItemIndex(offset) ?? 0;
    const last = speed > buffer ? first : (list?.findItemIndex(offset + scroller.clientHeight) ?? first);
    for (let at = first; at <= last; at += 1) {
      const entry = entries[at];
      if (entry && rowOf(entry.key)) return at;
    }
    return first;
  }

  async #older(): Promise<void> {
    const { conversation } = this.#listed;
    if (conversation.older === 'idle' && !conversation.beginsHere) await conversation.loadOlder().catch(() => undefined);
  }

  async #newer(): Promise<void> {
    const { conversation } = this.#listed;
    if (conversation.newer === 'idle') await conversation.loadNewer().catch(() => undefined);
  }

  scrollEnded(): void {
    this.scrolls = this.flies = false;
    this.#rests = true;
  }

  /** Some came above what is drawn. */
  grewAbove(): void {
    this.#rests = false;
  }

  /** Some came below, or it is the end that has become another. */
  grewBelow(): void {
    if (!this.ready) return;
    const stays = this.isAtEnd && this.#listed.conversation.atEnd;
    void tick().then(() => (stays ? this.#toEnd() : this.scrolled()));
  }

  /** Rows were measured. */
  measured(): void {
    this.#unstick();
    this.#measured += 1;
    requestAnimationFrame(() => (this.#measured -= 1));
    if (this.#placed < 0 || this.#trip || this.#settling) return;
    // What moves it besides that may be what nobody hears of as a hand: it is not brought back against that.
    if (this.isAtEnd && this.#listed.conversation.atEnd) this.#toEnd();
    else if (!this.#rests && !this.flies) this.#steady();
  }

  #resized(): void {
    if (this.#trip || this.#settling) return;
    if (this.#keeps.kind === 'line' || this.#keeps.kind === 'message') void this.#settle();
    else if (this.isAtEnd && this.#listed.conversation.atEnd) this.#toEnd();
    else this.scrolled();
  }

  /** Told of rows above before it knows how tall the window is, the virtualizer draws nothing until it hears of a scroll, which need not come. */
  #unstick(): void {
    const { conversation, scroller } = this.#listed;
    if (this.#sized === conversation.generation) return;
    this.#sized = conversation.generation;
    queueMicrotask(() => scroller.dispatchEvent(new Event('scroll')));
  }

  // What the person does

  /** Her hand is on the list: from now on it is hers. What is on its way is what she wanted. */
  readonly touch = (): void => {
    this.#touchedAt = performance.now();
    if (this.#trip && !this.#settling) return;
    if (this.#settling) {
      this.#settling = null;
      this.#lastOffset = this.#listed.list?.getScrollOffset() ?? 0;
    }
    if (this.#keeps.kind !== 'end') this.#keeps = { kind: 'read' };
    else if (!this.#keeps.chosen) this.#keeps = { kind: 'end', chosen: true };
  };

  /** It is to be seen, wherever: she edits it. Where she writes has become as tall as it is by then. */
  show(key: string): void {
    requestAnimationFrame(() => {
      const index = this.#indexOf(key);
      if (index < 0) return;
      this.touch();
      this.#listed.list?.scrollToIndex(index, { align: 'nearest' });
    });
  }

  /** She has said something, which is below all. */
  toEnd(): void {
    this.#settling = null;
    this.#keeps = { kind: 'end', chosen: true };
  }

  async toLatest(): Promise<void> {
    const { conversation } = this.#listed;
    this.#trip = null;
    this.toEnd();
    await conversation.goToEnd().catch((error: Error) => this.#listed.say(error.message));
    await tick();
    this.toEnd();
    this.#toEnd();
  }

  /** Goes to where it was read up to. */
  async toUnread(): Promise<void> {
    const { conversation, entries } = this.#listed;
    this.#keeps = { kind: 'line' };
    this.#lastThen = entries.at(-1)?.key ?? null;
    if (this.lineIndex >= 0) return this.#settle();
    // On her way there already: what is asked for once more would take the place of what has come.
    if (conversation.missed === 0 || this.#trip) return;
    const trip = this.#setOff();
    await conversation.goToUnread().catch((error: Error) => this.#listed.say(error.message));
    await tick();
    if (this.#trip === trip && this.lineIndex >= 0) await this.#settle();
    this.#arrived(trip);
  }

  /** Goes to what `find` finds; rejected as that is. False: one wanted to be elsewhere before it was found. */
  async toMessage(find: () => Promise<Entry>): Promise<boolean> {
    const trip = this.#setOff();
    try {
      const { key } = await find();
      await tick();
      if (this.#trip !== trip) return false;
      this.#keeps = { kind: 'message', key };
      await this.#settle();
      return true;
    } finally {
      this.#arrived(trip);
    }
  }

  #setOff(): object {
    this.#settling = null;
    this.#listed.isWhole = true;
    return (this.#trip = {});
  }

  /** At where one wanted to go, or as far as that could be. */
  #arrived(trip: object): void {
    if (this.#trip !== trip) return;
    const { generation } = this.#listed.conversation;
    if (this.#putIn === generation) {
      this.#placed = this.#stands = generation;
      this.ready = true;
    }
    this.#trip = null;
    this.#lastOffset = this.#listed.list?.getScrollOffset() ?? 0;
    this.scrolled();
  }
}
