// What was said before: read when it is looked at, joined with what is said now, let go of when it is far away.

import { describe, expect, test } from 'vitest';
import type { ChatState } from '../chat.svelte';
import type { ConversationState } from './conversation.svelte';
import { eachHasItsServer, FakeServer, inTeaHere, message, page, shown, until } from '../testing';
import { Refused } from '../types';

let server: FakeServer;
const inTea = (): Promise<{ chat: ChatState; tea: ConversationState }> => inTeaHere(server);

eachHasItsServer((fresh) => (server = fresh));

test('is read when it is looked at, back to the beginning', async () => {
  server.answers.CHATHISTORY = (line, label) => {
    const [which, target = '', anchor] = line.params;
    if (which === 'TARGETS') return [`@label=${label} :s ACK`];
    if (which === 'LATEST') return page(label, target, 'm3 bob three', 'm4 bob four', 'm5 bob five');
    if (anchor === 'msgid=m3') return page(label, target, 'm1 bob one', 'm2 bob two');
    return page(label, target);
  };
  const { tea } = await inTea();
  await until(() => tea.entries.length === 3);
  expect(tea.beginsHere).toBe(false);
  await tea.loadOlder();
  expect(shown(tea)).toEqual(['one', 'two', 'three', 'four', 'five']);
  expect(tea.beginsHere).toBe(true);
  await tea.loadOlder();
  expect(server.socket.sent.filter((line) => line.includes('CHATHISTORY BEFORE'))).toHaveLength(1);
});

test('comes several pages at once to who goes on and on', async () => {
  const all = Array.from({ length: 31 }, (_, index) => `m${index + 1} bob ${index + 1}`);
  server.answers.CHATHISTORY = (line, label) => {
    const [which, target = '', anchor = ''] = line.params;
    const end = which === 'LATEST' ? all.length : Number(/\d+/.exec(anchor)?.[0]) - 1;
    return page(label, target, ...all.slice(Math.max(0, end - 3), end));
  };
  const { tea } = await inTea();
  await until(() => tea.entries.length === 3);
  const lengths: number[] = [];
  while (!tea.beginsHere) {
    await tea.loadOlder();
    lengths.push(tea.entries.length);
  }
  expect(lengths).toEqual([6, 18, 30, 31]);
  expect(shown(tea)).toEqual(all.map((_, index) => `${index + 1}`));
});

test('that is under way takes in what comes and changes meanwhile', async () => {
  let ask: string | null = null;
  server.answers.CHATHISTORY = (line, label) => {
    if (line.params[0] !== 'LATEST') return [`@label=${label} :s ACK`];
    ask = label;
    return null;
  };
  const { tea } = await inTea();
  await until(() => ask !== null);
  // Said, edited, deleted and reacted to after the page was read and before it came.
  server.socket.say(
    message('m4 bob four', '#tea'),
    message('m5 bob five', '#tea'),
    '@draft/target-msgid=m2;draft/edit-text=second;account=bob :bob!u@h EDIT #tea',
    ':bob!u@h REDACT #tea m1',
    '@+draft/reply=m3;+draft/react=👍;account=bob :bob!u@h TAGMSG #tea',
  );
  server.socket.say(...page(ask ?? '', '#tea', 'm1 bob one', 'm2 bob two', 'm3 bob three', 'm4 bob four'));
  await until(() => tea.entries.length === 5);
  expect(shown(tea)).toEqual(['deleted by bob', 'second*', 'three', 'four', 'five']);
  expect(tea.find('m3')?.reactions).toEqual([{ text: '👍', people: ['bob'], own: false }]);
});

test('has what became of its messages', async () => {
  server.answers.CHATHISTORY = (line, label) =>
    line.params[0] === 'LATEST'
      ? page(
          label,
          '#tea',
          'm1 bob one',
          '@draft/chathistory-context;+draft/reply=m1;+draft/react=👍;account=carol :carol!u@h TAGMSG #tea',
          '@draft/chathistory-context;draft/target-msgid=m1;draft/edit-text=uno;account=bob :bob!u@h EDIT #tea',
          '@draft/chathistory-context;account=bob :bob!u@h PIN #tea m1',
          '@msgid=j1 :carol!u@h JOIN #tea carol :Carol',
          '@msgid=j2 :dora!u@h JOIN #tea dora :Dora',
          '@account=bob :bob!u@h REDACT #tea gone :rude',
        )
      : [`@label=${label} :s ACK`];
  const { tea } = await inTea();
  await until(() => tea.entries.length > 0);
  expect(shown(tea)).toEqual(['uno*', '(carol and dora joined)', '(bob deleted a message (rude))']);
  expect(tea.find('m1')?.pinned).toBe(true);
  expect(tea.find('m1')?.reactions[0]?.people).toEqual(['carol']);
});

test('after a lost link goes on without a gap', async () => {
  const said = ['m1 bob one', 'm2 bob two', 'm3 bob three'];
  server.answers.CHATHISTORY = (line, label) => {
    const [which, target = '', anchor = ''] = line.params;
    const place = said.findIndex((line) => line.startsWith(`${anchor.replace('msgid=', '')} `));
    if (which === 'LATEST') return page(label, target, ...said.slice(-3));
    if (which === 'BEFORE') return page(label, target, ...said.slice(Math.max(0, place - 3), place));
    return [`@label=${label} :s ACK`];
  };
  const { chat, tea } = await inTea();
  await until(() => tea.entries.length === 3);
  const key = tea.entries[2]?.key;
  server.socket.break();
  expect(chat.link.kind).toBe('offline');
  for (let number = 4; number <= 12; number += 1) said.push(`m${number} bob ${number}`);
  chat.link.reconnect();
  await until(() => chat.link.kind === 'online');
  expect(shown(tea)).toEqual(['10', '11', '12']);
  for (let pages = 0; pages < 4; pages += 1) await tea.loadOlder();
  expect(shown(tea)).toEqual(['one', 'two', 'three', '4', '5', '6', '7', '8', '9', '10', '11', '12']);
  expect(key).toBe('m3');
});

test('goes to a message in the past and comes back to the present', async () => {
  server.answers.CHATHISTORY = (line, label) => {
    const [which, target = '', anchor] = line.params;
    if (which === 'LATEST') return page(label, target, 'm20 bob twenty', 'm21 bob twenty-one', 'm22 bob twenty-two');
    if (which === 'AROUND' && anchor === 'msgid=m2') return page(label, target, 'm1 bob one', 'm2 bob two', 'm3 bob three');
    if (which === 'AFTER' && anchor === 'msgid=m3') return page(label, target, 'm20 bob twenty', 'm21 bob twenty-one', 'm22 bob twenty-two');
    if (which === 'AFTER') return page(label, target);
    return page(label, target);
  };
  const { tea } = await inTea();
  await until(() => tea.entries.length === 3);
  const found = await tea.goTo('m2');
  expect(found.text).toBe('two');
  expect(tea.atEnd).toBe(false);
  expect(shown(tea)).toEqual(['one', 'two', 'three']);
  server.socket.say(message('m23 bob new', '#tea'));
  expect(shown(tea)).toEqual(['one', 'two', 'three']);
  expect(tea.unread).toBe(1);
  await tea.loadNewer();
  expect(tea.atEnd).toBe(false);
  server.answers.CHATHISTORY = (line, label) => page(label, line.params[1] ?? '', 'm23 bob new');
  await tea.loadNewer();
  expect(tea.atEnd).toBe(true);
  expect(shown(tea)).toEqual(['one', 'two', 'three', 'twenty', 'twenty-one', 'twenty-two', 'new']);
  await expect(tea.goTo('nothing')).rejects.toThrow(Refused);
  expect(tea.entries).toHaveLength(7);
});

test('answers know what they answer, known here or not', async () => {
  server.answers.CHATHISTORY = (line, label) => {
    const [which, target = '', anchor] = line.params;
    if (which === 'LATEST') return page(label, target, '@msgid=m9;+draft/reply=m1;account=carol :carol!u@h PRIVMSG #tea :answer', 'm10 bob ten', 'm11 bob eleven');
    if (which === 'AROUND' && anchor === 'msgid=m1') return page(label, target, 'm1 bob question', 'm2 bob other');
    return page(label, target);
  };
  const { tea } = await inTea();
  await until(() => tea.entries.length === 3);
  expect(tea.find('m1')).toBeNull();
  tea.fetch('m1');
  await until(() => tea.find('m1'));
  expect(tea.find('m1')?.text).toBe('question');
  expect(tea.find('m1')?.replyCount).toBe(1);
  expect(tea.thread('m1').replies.map((reply) => reply.text)).toEqual(['answer']);
  const answer = tea.find('m9');
  expect(answer && tea.threadRoot(answer)).toBe('m1');
  expect(tea.entries).toHaveLength(3);
});

describe('a long history', () => {
  /** More messages than are kept, and somebody who walks through them. */
  const all = Array.from({ length: 14_000 }, (_, index) => `m${index} bob text ${index}`);
  async function inLong(): Promise<{ chat: ChatState; tea: ConversationState }> {
    server.historyPage = 1_000;
    server.answers.CHATHISTORY = (line, label) => {
      const [which, target = '', anchor = '', count = '0'] = line.params;
      const [at, limit] = [Number(/m(\d+)/.exec(anchor)?.[1] ?? all.length), Number(count)];
      const [from, to] = which === 'LATEST' || which === 'BEFORE' ? [Math.max(0, at - limit), at] : [at + 1, at + 1 + limit];
      return which === 'TARGETS' ? [`@label=${label} :s ACK`] : page(label, target, ...all.slice(from, to));
    };
    const { chat, tea } = await inTea();
    await until(() => tea.isFresh && tea.entries.length > 0);
    return { chat, tea };
  }
  const texts = (tea: ConversationState) => tea.entries.map((entry) => (entry.kind === 'message' ? Number(entry.text.slice(5)) : -1));

  test('is let go of at its other end, and comes back whole', async () => {
    const { tea } = await inLong();
    while (!tea.beginsHere) await tea.loadOlder();
    await until(() => tea.entries.length < 12_000);
    expect([tea.atEnd, texts(tea)[0], texts(tea).at(-1)]).toEqual([false, 0, 9_999]);
    // What is said meanwhile stands at the end, where one is not.
    server.socket.say(message('m14000 bob text 14000', '#tea'));
    all.push('m14000 bob text 14000');
    while (!tea.atEnd) {
      await tea.loadNewer();
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(tea.beginsHere).toBe(false);
    const numbers = texts(tea);
    expect(numbers.at(-1)).toBe(14_000);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    expect(numbers.length).toBeLessThanOrEqual(12_000);
  }, 30_000);

  test('of a room where much is said while one looks stays short, one step at a time', async () => {
    const { tea } = await inLong();
    tea.sees(true);
    let before = tea.entries;
    for (let at = 0; at < 900; at += 1) {
      server.socket.say(message(`n${at} bob text ${14_000 + at}`, '#tea'));
      // Either more at the end or less at the beginning, never both.
      const grew = tea.entries.at(-1) !== before.at(-1);
      const shrank = tea.entries[0] !== before[0];
      expect(grew && shrank).toBe(false);
      before = tea.entries;
      if (at % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await until(() => tea.entries.length <= 1_500);
    expect(texts(tea).at(-1)).toBe(14_899);
    expect(tea.beginsHere).toBe(false);
  });
});
