import { describe, expect, it } from 'vitest';
import { format } from '../../format/format';
import type { MessageEntry } from '../../state/types';
import { continues, newDay } from '../conversation/grouping';
import { plainOf } from '../../format/plain';
import { FixtureChat } from '../fixture/chat.svelte';
import { place } from './place';
import { ago, brief } from './more_times';
import { dayLine, dayOf } from './times';

const at = (text: string) => new Date(text).getTime();

describe('times', () => {
  const now = at('2026-11-27T10:00:00');

  it('name the day as people do', () => {
    expect(dayLine(at('2026-11-27T00:01:00'), now, 'en')).toBe('Today');
    expect(dayLine(at('2026-11-26T23:59:00'), now, 'en')).toBe('Yesterday');
    expect(dayLine(at('2026-11-26T23:59:00'), now, 'de')).toBe('Gestern');
    expect(dayLine(at('2026-03-02T12:00:00'), now, 'en-GB')).toBe('Monday 2 March');
    expect(dayLine(at('2025-03-03T12:00:00'), now, 'de')).toBe('Montag, 3. März 2025');
  });

  it('are short in lists', () => {
    expect(brief(at('2026-11-27T09:05:00'), now, 'en-GB')).toBe('09:05');
    expect(brief(at('2026-11-27T09:05:00'), now, 'en-US')).toMatch(/^9:05\sAM$/);
    expect(brief(at('2026-11-24T09:05:00'), now, 'en')).toBe('Tuesday');
    expect(brief(at('2026-05-24T09:05:00'), now, 'en-GB')).toBe('24 May');
  });

  it('are told from now on, both ways', () => {
    expect(ago(now - 90_000, now, 'en')).toBe('1 minute ago');
    expect(ago(now + 3 * 86_400_000, now, 'en')).toBe('in 3 days');
    expect(ago(now - 5_000, now, 'de')).toBe('jetzt');
  });

  it('of one day are of one day, also when it has 23 hours', () => {
    expect(dayOf(at('2026-03-29T00:00:00'))).toBe(dayOf(at('2026-03-29T23:59:59')));
    expect(dayOf(at('2026-03-29T23:59:59'))).not.toBe(dayOf(at('2026-03-30T00:00:00')));
  });
});

describe('what opens beside something', () => {
  const view = { width: 1000, height: 600 };
  it('stands below it, above it where there is no room, and never outside', () => {
    const anchor = { left: 100, right: 140, top: 50, bottom: 80 };
    expect(place(anchor, { width: 200, height: 300 }, view)).toEqual({ left: 100, top: 86 });
    expect(place({ ...anchor, top: 500, bottom: 530 }, { width: 200, height: 300 }, view)).toEqual({ left: 100, top: 194 });
    expect(place({ ...anchor, left: 950, right: 990 }, { width: 200, height: 100 }, view).left).toBe(792);
    expect(place(anchor, { width: 200, height: 900 }, view, 'end').top).toBe(8);
    expect(place({ ...anchor, top: 400, bottom: 430 }, { width: 100, height: 100 }, view, 'start', 'above').top).toBe(294);
  });
});

describe('messages in a row', () => {
  const chat = new FixtureChat({ empty: true });
  const room = chat.open('#x');
  const said = (nick: string, time: string, more: Partial<MessageEntry> = {}) => room.add(nick, 'x', { time: at(time), ...more });
  const first = said('mara', '2026-11-27T10:00:00');

  it('go on under one name', () => {
    expect(continues(first, said('mara', '2026-11-27T10:04:00'))).toBe(true);
  });

  it('begin anew with another person, after a while, with an answer, an action, another day', () => {
    expect(continues(first, said('yuki', '2026-11-27T10:01:00'))).toBe(false);
    expect(continues(first, said('mara', '2026-11-27T10:06:00'))).toBe(false);
    expect(continues(first, said('mara', '2026-11-27T10:01:00', { replyTo: first.id }))).toBe(false);
    expect(continues(first, said('mara', '2026-11-27T10:01:00', { style: 'action' }))).toBe(false);
    expect(continues(said('mara', '2026-11-26T23:59:00'), said('mara', '2026-11-27T00:01:00'))).toBe(false);
    expect(continues(undefined, first)).toBe(false);
  });

  it('have a line where a day begins', () => {
    expect([newDay(undefined, first), newDay(said('mara', '2026-11-26T23:59:00'), first), newDay(first, first)]).toEqual([true, true, false]);
  });
});

describe('a message on one line', () => {
  const of = (text: string) => plainOf(format(text, { person: () => null, isMe: () => false }), 'hidden');
  it('has its words and no marks, and does not tell what is hidden', () => {
    expect(of('**Bold** and ||secret||\n\n- one\n- two')).toBe('Bold and hidden one two');
    expect(of('```rust\nfn x() {\n}\n```')).toBe('fn x() { }');
  });
});
