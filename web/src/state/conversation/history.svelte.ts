// What a conversation shows of what was said: its end is read when it is opened, more of it as pages in both directions, and
// what comes meanwhile is joined with them. What is far from where one reads is let go of.

import type { Change } from './becoming';
import { pageOf, type Page } from './pages';
import type { Reader } from './reader';
import type { Tail } from './tail';
import { lastId, type Timeline } from './timeline';
import { language } from '../../texts/language.svelte';
import { Refused, type Entry, type EventEntry, type MessageEntry, type Paging } from '../types';
import type { World } from '../world';

/** Entries while the end is shown; older ones go, and come back as pages. Few at a time: whoever types meanwhile waits for it. */
const mostAtEnd = 1_100;
const leftAtEnd = 1_000;
/** Entries in any case: of those far from what is read some are let go of, and come back as pages. */
const mostEntries = 12_000;
const leftEntries = 10_000;
/** Pages that are shown together while someone goes on and on: showing one moves all rows, however long it is. */
const mostPagesAtOnce = 4;
/** She goes on who asks again so soon. */
const goesOnWithin = 1_500;
/** Messages that came while a page was on its way. */
const mostMeanwhile = 2_000;

/** The conversation whose history it is. */
interface Place {
  readonly name: string;
  /** The person has it before her, and not its end. */
  readonly readsBack: boolean;
  /** There is something new to show (`commit`). */
  touch(): void;
  /** A page stands where it belongs; `isEnd`: instead of all that was there. */
  pageCame(isEnd: boolean): void;
}

export class History {
  entries: readonly Entry[] = $state.raw([]);
  beginsHere = $state(false);
  atEnd = $state(true);
  older: Paging = $state('idle');
  newer: Paging = $state('idle');
  generation = $state(0);
  /** The end was asked for on this link. */
  isFresh = false;
  /** And has not come yet. */
  isReadingEnd = false;
  readonly timeline: Timeline;
  readonly #world: World;
  readonly #place: Place;
  readonly #reader: Reader;
  readonly #tail: Tail;
  /** What is shown comes from an earlier visit. */
  #fromBefore = false;
  #isDirty = false;
  /** Pages under way, and what happened while they were. */
  #pages = 0;
  #meanwhile: Entry[] = [];
  #changesMeanwhile: Change[] = [];
  /** Pages that were asked for before what is shown was replaced are of no use. */
  #asOf = 0;
  #replaced = false;
  /** The last page that came was an older one. */
  #goesBack = false;
  /** When such a page came. */
  #wentBackAt = Number.NEGATIVE_INFINITY;
  #drops = false;
  #latest: Promise<void> | null = null;

  constructor(world: World, place: Place, reader: Reader, timeline: Timeline, tail: Tail) {
    this.#world = world;
    this.#place = place;
    this.#reader = reader;
    this.timeline = timeline;
    this.#tail = tail;
  }

  // Reading

  /** Reads the end, unless it is known. Never rejected: what cannot be had is asked for again when there is a link. */
  refresh(): Promise<void> {
    if (this.isFresh || !this.#world.connection() || !this.#world.has('draft/chathistory')) return Promise.resolve();
    // Whoever reads in the past is left there; the end is asked for when she comes back to it.
    if (!this.atEnd && !this.#fromBefore) {
      this.isFresh = true;
      return Promise.resolve();
    }
    return this.#readLatest().catch(() => undefined);
  }

  async goToEnd(): Promise<void> {
    if (this.atEnd && this.isFresh) return;
    await this.#readLatest();
  }

  #readLatest(): Promise<void> {
    this.#latest ??= this.#doReadLatest().finally(() => (this.#latest = null));
    return this.#latest;
  }

  async #doReadLatest(): Promise<void> {
    this.older = 'loading';
    this.isFresh = true;
    this.isReadingEnd = true;
    try {
      await this.#paged('LATEST', '*', (page) => {
        this.isReadingEnd = false;
        const ids = new Set(page.entries.map((entry) => entry.id));
        const since = this.#meanwhile.filter((entry) => entry.id === null || !ids.has(entry.id));
        // Of what is known already some may have become another since: only what the server tells now counts.
        this.#replaceAll([...page.entries.map((entry) => (entry.id === null || this.timeline.isPlaced(entry.id) ? entry : this.#tail.foundAs(entry))), ...since]);
        this.beginsHere = page.isLast;
        this.atEnd = true;
        this.#fromBefore = false;
      });
      this.older = 'idle';
    } catch (error) {
      this.isFresh = false;
      this.older = error instanceof Refused && error.code === 'INVALID_TARGET' ? 'idle' : 'refused';
      // Nobody of this name was ever written to: there is nothing, and that is all.
      if (error instanceof Refused && error.code === 'INVALID_TARGET') {
        this.isFresh = true;
        this.beginsHere = true;
        return;
      }
      throw error;
    } finally {
      this.isReadingEnd = false;
      this.newer = 'idle';
      this.#place.touch();
    }
  }

  async loadOlder(): Promise<void> {
    if (this.beginsHere || this.older === 'loading' || !this.isFresh) return;
    const first = this.timeline.entries.find((entry) => entry.id !== null);
    if (!first) return;
    this.older = 'loading';
    try {
      await this.#paged('BEFORE', `msgid=${first.id ?? ''}`, (page) => {
        const fresh = page.entries.filter((entry) => entry.id === null || !this.timeline.isPlaced(entry.id));
        this.timeline.prepend(fresh);
        this.beginsHere = page.isLast;
        this.#goesBack = true;
      });
      this.older = 'idle';
    } catch (error) {
      this.older = 'refused';
      throw error;
    }
  }

  async loadNewer(): Promise<void> {
    if (this.atEnd || this.newer === 'loading') return;
    const last = lastId(this.timeline.entries);
    if (last === null) return this.goToEnd();
    this.newer = 'loading';
    // What came before it was asked is in the page.
    this.#meanwhile = [];
    try {
      await this.#paged('AFTER', `msgid=${last}`, (page) => {
        const reaches = page.isLast;
        const came = reaches ? [...page.entries, ...this.#meanwhile] : page.entries;
        const taken = new Set<string>();
        for (const entry of came) {
          if (entry.id !== null && (taken.has(entry.id) || this.timeline.isPlaced(entry.id))) continue;
          if (entry.id !== null) taken.add(entry.id);
          this.timeline.push(entry);
        }
        this.atEnd = reaches;
        this.#goesBack = false;
      });
      this.newer = 'idle';
    } catch (error) {
      this.newer = 'refused';
      throw error;
    }
  }

  /** Goes to what was said about a time. */
  async goToTime(time: number): Promise<void> {
    await this.#readAround(`timestamp=${new Date(time).toISOString()}`, (page) => page.entries.length > 0);
  }

  async #readAround(anchor: string, isThere: (page: Page) => boolean): Promise<void> {
    this.older = 'loading';
    try {
      await this.#paged('AROUND', anchor, (page) => {
        if (!isThere(page)) return;
        const last = page.entries.findLastIndex((entry) => entry.id !== null && this.timeline.isPlaced(entry.id));
        const joint = last < 0 || this.#fromBefore ? -1 : this.timeline.entries.findIndex((entry) => entry.id === page.entries[last]?.id);
        if (joint >= 0) {
          // It touches what is shown: both together.
          this.#replaceAll([...page.entries, ...this.timeline.entries.slice(joint + 1).filter((entry) => entry.id === null || !page.entries.some((other) => other.id === entry.id))]);
        } else {
          this.#replaceAll(page.entries);
          this.atEnd = false;
        }
        this.isFresh = true;
        this.#fromBefore = false;
        this.beginsHere = false;
      });
    } finally {
      this.older = 'idle';
    }
  }

  /** Afterwards the message is among the entries. */
  async goTo(id: string): Promise<MessageEntry> {
    const known = this.timeline.placed(id);
    if (known && !this.#fromBefore) return known;
    await this.#readAround(`msgid=${id}`, (page) => page.entries.some((entry) => entry.id === id));
    const found = this.timeline.placed(id);
    if (!found) throw new Refused(language.texts.state.refused.notThere, 'NOT_THERE');
    return found;
  }

  /** A page, and what happened while it was under way. */
  async #paged(which: 'LATEST' | 'BEFORE' | 'AFTER' | 'AROUND', anchor: string, take: (page: Page) => void): Promise<void> {
    const asOf = this.#asOf;
    if (this.#pages === 0) {
      this.#meanwhile = [];
      this.#changesMeanwhile = [];
    }
    this.#pages += 1;
    try {
      const page = await (which === 'BEFORE' ? this.#askBefore(anchor) : this.ask(which, anchor));
      // Meanwhile something else may be shown than what it goes on from.
      if (which !== 'LATEST' && which !== 'AROUND' && asOf !== this.#asOf) return;
      // Shown once, not a hundred times.
      this.#world.together(() => {
        take(page);
        for (const change of [...page.elsewhere, ...this.#changesMeanwhile]) this.#make(change);
        this.#place.pageCame(which === 'LATEST');
      });
    } finally {
      this.#pages -= 1;
      this.changed();
    }
  }

  /** What is before it; several pages when one goes on and on. */
  async #askBefore(anchor: string): Promise<Page> {
    const goesOn = this.#world.now() - this.#wentBackAt < goesOnWithin;
    let page = await this.ask('BEFORE', anchor);
    try {
      for (let pages = 1; goesOn && pages < mostPagesAtOnce && !page.isLast; pages += 1) {
        const first = page.entries.find((entry) => entry.id !== null);
        if (!first) break;
        const earlier = await this.ask('BEFORE', `msgid=${first.id ?? ''}`);
        page = { entries: [...earlier.entries, ...page.entries], elsewhere: [...earlier.elsewhere, ...page.elsewhere], isLast: earlier.isLast };
      }
    } catch {
      // What has come is shown; what has not is asked for again.
    }
    this.#wentBackAt = this.#world.now();
    return page;
  }

  /** A page, as the server has it; nothing is shown by that. */
  async ask(which: string, anchor: string, limit = this.#world.isupport.historyPage): Promise<Page> {
    const items = await this.#world.request('CHATHISTORY', [which, this.#place.name, anchor, String(limit)], { quiet: true });
    return pageOf(items, limit, this.#reader);
  }

  // What comes

  add(entry: Entry): void {
    if (this.#pages > 0 || !this.atEnd) {
      this.#meanwhile.push(entry);
      if (this.#meanwhile.length > mostMeanwhile) this.#meanwhile.shift();
    }
    // Among what is out of the past it has no place.
    if (!this.atEnd) {
      if (entry.kind === 'message') this.timeline.answers(entry);
      return;
    }
    this.timeline.append(entry);
    this.changed();
  }

  /** Before anything is known of what was said it is not told of; and no event twice. */
  addEvent(entry: EventEntry): void {
    const { entries } = this.timeline;
    if (entries.length === 0 && !this.isFresh && !this.#fromBefore) return;
    if (entry.id !== null && entries.slice(-100).some((known) => known.id === entry.id)) return;
    this.add(entry);
  }

  /** Something becomes of a message. */
  change(change: Change): void {
    if (this.#pages > 0) this.#changesMeanwhile.push(change);
    this.#make(change);
  }

  #make(change: Change): void {
    change(
      (id) => this.timeline.find(id),
      (entry) => this.timeline.put(entry),
    );
  }

  linkLost(): void {
    this.isFresh = false;
  }

  /** The person turns away; whoever comes back finds the end. */
  left(): void {
    if (!this.atEnd) {
      this.#replaceAll([]);
      this.atEnd = true;
      this.isFresh = false;
      this.beginsHere = false;
    }
    this.changed();
  }

  /** Shows what an earlier visit knew, until the server tells what has become of it. */
  restore(entries: readonly Entry[]): void {
    this.#fromBefore = true;
    this.timeline.replace(entries);
    this.changed();
  }

  #replaceAll(entries: readonly Entry[]): void {
    this.#asOf += 1;
    this.#replaced = true;
    this.timeline.replace(entries);
    this.changed();
  }

  // What is shown

  changed(): void {
    this.#isDirty = true;
    this.#place.touch();
  }

  /** Shows what has changed. False: nothing has. */
  commit(): boolean {
    if (!this.#isDirty) return false;
    this.#isDirty = false;
    if (this.#replaced) {
      this.#replaced = false;
      this.generation += 1;
    }
    this.entries = [...this.timeline.entries, ...(this.atEnd ? this.#tail.shown() : [])];
    if (this.#most() < this.timeline.entries.length) this.#dropSoon();
    return true;
  }

  #most(): number {
    return this.atEnd && !this.#place.readsBack ? mostAtEnd : mostEntries;
  }

  /** When what came has been shown: a list that grows at one end and shrinks at the other in one step does not know what moved. */
  #dropSoon(): void {
    if (this.#drops) return;
    this.#drops = true;
    this.#world.later(() => {
      this.#drops = false;
      this.#drop();
    });
  }

  #drop(): void {
    const most = this.#most();
    // A page that is under way goes on from what is there, and asks again when it has come.
    if (this.#pages > 0 || this.timeline.entries.length <= most) return;
    const left = most === mostAtEnd ? leftAtEnd : leftEntries;
    if (most === mostEntries && this.#goesBack) {
      this.timeline.drop('last', left);
      this.atEnd = false;
    } else {
      this.timeline.drop('first', left);
      this.beginsHere = false;
    }
    this.changed();
  }
}
