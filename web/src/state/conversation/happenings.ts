// What happened in a room besides messages, told in the language of whoever reads it.

import type { ModeChange } from '../../irc/isupport';
import { plain } from '../../format/format';
import { apart } from '../../texts/apart';
import { language } from '../../texts/language.svelte';
import { modeTexts } from './mode_texts.svelte';
import { flags, whomOf } from './modes';
import { rankOfLetter } from './ranks';
import type { EventEntry } from '../types';

export type Happening =
  | { kind: 'joined'; who: string }
  | { kind: 'left'; who: string; reason: string | null }
  | { kind: 'quit'; who: string; reason: string | null }
  | { kind: 'kicked'; who: string; by: string; reason: string | null }
  | { kind: 'renamed'; from: string; to: string }
  | { kind: 'topic'; by: string; topic: string }
  | { kind: 'modes'; by: string; changes: readonly ModeChange[] }
  | { kind: 'room-renamed'; by: string; from: string; to: string }
  | { kind: 'invited'; who: string; by: string }
  | { kind: 'deleted'; by: string; reason: string | null }
  | { kind: 'pinned'; by: string; on: boolean }
  | { kind: 'knocked'; who: string }
  /** Several comings and goings of one person as what they come to. */
  | { kind: 'came-back' | 'looked-in'; who: string };

const quietKinds = new Set<Happening['kind']>(['joined', 'left', 'quit', 'renamed', 'came-back', 'looked-in']);
const mostTogether = 30;
/** Of more people than this the rest is a number. */
const mostNamed = 6;
const togetherWithin = 10 * 60_000;

/** What whoever goes by a nick calls herself. */
type Called = (nick: string) => string;

interface Part {
  readonly what: Happening;
}

export interface HappeningEntry extends EventEntry {
  readonly parts: readonly Part[];
}

export function happening(what: Happening, key: string, id: string | null, time: number): HappeningEntry {
  return entryOf([{ what }], key, id, time, isQuiet(what));
}

function isQuiet(what: Happening): boolean {
  // A server that gives ranks on joining is no news.
  return quietKinds.has(what.kind) || (what.kind === 'modes' && what.by.includes('.'));
}

function entryOf(parts: readonly Part[], key: string, id: string | null, time: number, quiet: boolean): HappeningEntry {
  return { kind: 'event', key, id, time, quiet, parts, describe: (called) => sentences(parts, called).join('; ') };
}

/** Those of whom the same is to be told share a sentence; why each of them went is left out of it. */
function sentences(parts: readonly Part[], called: Called): string[] {
  const alike: [Happening, ...Happening[]][] = [];
  for (const { what } of parts) {
    const same = presence[what.kind] && alike.find(([one]) => one.kind === what.kind);
    if (same) same.push(what);
    else alike.push([what]);
  }
  return alike.map(([first, ...others]) => {
    if (others.length === 0) return sentence(named(first, called), called);
    const who = listed([first, ...others].map((one) => ('who' in one ? called(one.who) : '')));
    return sentence({ ...first, who, reason: null } as Happening, called, others.length + 1);
  });
}

function named(what: Happening, called: Called): Happening {
  return { ...what, ...('who' in what && { who: called(what.who) }), ...('by' in what && { by: called(what.by) }) };
}

function listed(names: readonly string[]): string {
  const some = names.length > mostNamed ? [...names.slice(0, mostNamed - 1), language.texts.ui.andMore(names.length - mostNamed + 1)] : names;
  return new Intl.ListFormat(language.locale).format(some);
}

/** People who come and go in a row share a line. Null where these two do not. */
export function together(before: EventEntry, next: EventEntry): HappeningEntry | null {
  if (!before.quiet || !next.quiet || !hasParts(before) || !hasParts(next)) return null;
  const parts = next.parts.reduce(added, before.parts);
  if (parts.length > mostTogether || next.time - before.time > togetherWithin) return null;
  return entryOf(parts, before.key, before.id, before.time, true);
}

/** Whether the person was there before, and is behind it; null for what is no coming or going. */
const presence: Partial<Record<Happening['kind'], readonly [before: boolean, after: boolean]>> = {
  joined: [false, true],
  left: [true, false],
  quit: [true, false],
  'came-back': [true, true],
  'looked-in': [false, false],
};

/** Whoever comes and goes, or takes another name, again and again is told of once. */
function added(parts: readonly Part[], part: Part): readonly Part[] {
  if (part.what.kind === 'renamed') return renamed(parts, part, part.what);
  const after = presence[part.what.kind];
  if (!after || !('who' in part.what)) return [...parts, part];
  const { who } = part.what;
  const at = parts.findLastIndex(({ what }) => presence[what.kind] !== undefined && 'who' in what && what.who === who);
  const before = presence[parts[at]?.what.kind ?? 'knocked'];
  if (at < 0 || !before) return [...parts, part];
  const what: Happening = before[0] ? (after[1] ? { kind: 'came-back', who } : part.what) : { kind: after[1] ? 'joined' : 'looked-in', who };
  return parts.with(at, { what });
}

function renamed(parts: readonly Part[], part: Part, { from, to }: { from: string; to: string }): readonly Part[] {
  const at = parts.findLastIndex(({ what }) => what.kind === 'renamed' && what.to === from);
  const before = parts[at]?.what;
  if (before?.kind !== 'renamed') return [...parts, part];
  if (before.from !== to) return parts.with(at, { what: { kind: 'renamed', from: before.from, to } });
  return parts.length > 1 ? parts.toSpliced(at, 1) : [...parts, part];
}

function hasParts(entry: EventEntry): entry is HappeningEntry {
  return 'parts' in entry;
}

/** `count`: of so many people. */
function sentence(what: Happening, called: Called, count = 1): string {
  const texts = language.texts.state.events;
  switch (what.kind) {
    case 'joined':
      return texts.joined(what.who, count);
    case 'left':
      return because(texts.left(what.who, count), what.reason);
    case 'quit':
      return because(texts.quit(what.who, count), what.reason && language.texts.state.departure(what.reason));
    case 'came-back':
      return texts.cameBack(what.who, count);
    case 'looked-in':
      return texts.lookedIn(what.who, count);
    case 'kicked':
      return because(texts.kicked(what.who, what.by), what.reason);
    case 'renamed':
      return texts.renamed(apart(what.from), apart(what.to));
    case 'topic':
      return what.topic ? texts.topic(what.by, apart(plain(what.topic))) : texts.topicRemoved(what.by);
    case 'modes':
      return texts.did(what.by, what.changes.map((change) => phrase(change, called)).join(', '));
    case 'room-renamed':
      return what.to.startsWith('#+') ? texts.groupRenamed(what.by, what.to.slice(2)) : texts.roomRenamed(apart(what.from), apart(what.to));
    case 'invited':
      return texts.invited(what.who, what.by);
    case 'deleted':
      return because(texts.deleted(what.by), what.reason);
    case 'pinned':
      return what.on ? texts.pinned(what.by) : texts.unpinned(what.by);
    case 'knocked':
      return texts.knocked(what.who);
  }
}

function because(sentence: string, reason: string | null): string {
  return reason ? `${sentence} (${apart(reason)})` : sentence;
}

function phrase({ on, letter, param }: ModeChange, called: Called): string {
  const { texts } = modeTexts;
  if (!texts) return '…';
  const rank = rankOfLetter(letter);
  if (rank) return (on ? texts.rankGiven : texts.rankTaken)(called(param ?? '?'), language.texts.ui.rank[rank]);
  const flag = flags[letter];
  const words = flag ? texts.flags[flag] : undefined;
  if (words) return words[on ? 0 : 1];
  const mask = whomOf(param ?? '', called);
  switch (letter) {
    case 'b':
      if (param?.startsWith('m:')) return (on ? texts.muted : texts.unmuted)(mask);
      return (on ? texts.banned : texts.unbanned)(mask);
    case 'e':
      return (on ? texts.exempted : texts.unexempted)(mask);
    case 'I':
      return (on ? texts.letIn : texts.letInNoMore)(mask);
    case 'k':
      return on ? texts.key : texts.noKey;
    case 'l':
      return on ? texts.limit(mask) : texts.noLimit;
    case 'W':
      return on ? texts.slow(mask) : texts.notSlow;
    case 'f':
      return on ? texts.forward(mask) : texts.noForward;
    case 'H':
      return on ? texts.kept(mask) : texts.keptAsUsual;
    default:
      return `${on ? '+' : '-'}${letter}`;
  }
}
