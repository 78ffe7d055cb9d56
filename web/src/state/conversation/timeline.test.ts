// What is known of a conversation, its threads, and what of it is unread.

import { expect, test } from 'vitest';
import { firstUnreadIn, unreadIn } from './unread.svelte';
import { threadIn, threadRootIn } from './threads';
import { Timeline } from './timeline';
import type { Entry, MessageEntry, Person } from '../types';

/** `id`, `id>parent` for an answer; `!` one's own, `~` of somebody blocked, `@` a mention, `x` deleted. The id's number is the time. */
function message(short: string): MessageEntry {
  const [, marks = '', id = '', replyTo] = /^([!~@x]*)(m\d+)(?:>(m\d+))?$/.exec(short) ?? [];
  return {
    kind: 'message',
    key: id,
    id,
    time: Number(id.slice(1)),
    sender: { nick: 'bob', blocked: marks.includes('~') } as Person,
    own: marks.includes('!'),
    style: 'text',
    text: id,
    mentionsMe: marks.includes('@'),
    replyTo: replyTo ?? null,
    replyCount: 0,
    edited: false,
    deleted: marks.includes('x') ? { by: 'bob', reason: null } : null,
    reactions: [],
    pinned: false,
    onlyFor: null,
    relayedBy: null,
    status: 'sent',
    failure: null,
  };
}

const messages = (short: string): MessageEntry[] => short.split(' ').filter(Boolean).map(message);

function timelineOf(entries: string, quotes = ''): Timeline {
  const timeline = new Timeline({ became: () => undefined, quoted: () => undefined });
  timeline.replace(messages(entries));
  timeline.quote(messages(quotes));
  return timeline;
}

const counts = (timeline: Timeline): string => timeline.entries.map((entry) => `${entry.key}${entry.kind === 'message' && entry.replyCount ? `+${entry.replyCount}` : ''}`).join(' ');

test('answers are counted, whichever comes first', () => {
  const timeline = timelineOf('m3 m4>m2 m5>m3');
  expect(counts(timeline)).toBe('m3+1 m4 m5');
  timeline.prepend(messages('m1 m2'));
  timeline.append(message('m6>m3'));
  // What comes again counts once.
  timeline.answers(message('m6>m3'));
  expect(counts(timeline)).toBe('m1 m2 m3+2 m4 m5 m6');
});

test('an answer that is deleted is counted no more, and stays in the thread', () => {
  const timeline = timelineOf('m1 m2>m1 m3>m1');
  const answer = timeline.find('m2');
  if (answer) timeline.put({ ...answer, deleted: { by: 'bob', reason: null } });
  expect(counts(timeline)).toBe('m1+1 m2 m3');
  expect(timeline.answersTo('m1').size).toBe(2);
});

test('what is let go of is known no more, and what is quoted is known beside', () => {
  const timeline = timelineOf('m1 m2 m3 m4', 'm9');
  timeline.drop('first', 3);
  timeline.drop('last', 2);
  expect(counts(timeline)).toBe('m2 m3');
  expect([timeline.isPlaced('m1'), timeline.isPlaced('m2'), timeline.isPlaced('m9')]).toEqual([false, true, false]);
  expect(timeline.find('m9')?.id).toBe('m9');
});

test('a thread is all answers, and the answers to them', () => {
  const check = (timeline: Timeline, of: string, root: string, replies: string): void => {
    const found = timeline.find(of) ?? message(of);
    expect(threadRootIn(timeline, found)).toBe(root);
    const thread = threadIn(timeline, root, messages('!m8>m3 !m9>m7'));
    expect(thread.replies.map((reply) => reply.id).join(' ')).toBe(replies);
  };
  const timeline = timelineOf('m1 m3>m1 m4>m3 m5>m1 m7', 'm2>m1');
  check(timeline, 'm1', 'm1', 'm2 m3 m4 m5 m8');
  check(timeline, 'm4', 'm1', 'm2 m3 m4 m5 m8');
  check(timeline, 'm7', 'm7', 'm9');
  // Of what is answered nothing is known but its id.
  expect(threadRootIn(timeline, message('m6>m0'))).toBe('m0');
});

test('unread is what others said behind the marker', () => {
  const check = (entries: string, readUpTo: number, isDirect: boolean, expected: string): void => {
    const list: Entry[] = messages(entries);
    const { messages: count, named } = unreadIn(list, readUpTo, isDirect);
    expect(`${count} ${named} ${firstUnreadIn(list, readUpTo)?.key ?? '-'}`).toBe(expected);
  };
  check('m1 m2 m3', 1, false, '2 0 m2');
  check('m1 m2 m3', 3, false, '0 0 -');
  check('m1 @m2 !m3 ~m4 xm5', 1, false, '1 1 m2');
  check('m1 ~m2 m3', 1, true, '1 1 m3');
  check('', 0, true, '0 0 -');
});
