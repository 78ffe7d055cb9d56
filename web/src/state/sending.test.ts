// What one says: once, in order, with or without a link.

import { expect, test } from 'vitest';
import type { ChatState } from './chat.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import { eachHasItsServer, FakeServer, info, inTeaHere, message, openHere, page, shown, until } from './testing';
import { Refused } from './types';

let server: FakeServer;
const open = (session = info): Promise<ChatState> => openHere(server, session);
const inTea = (): Promise<{ chat: ChatState; tea: ConversationState }> => inTeaHere(server);

eachHasItsServer((fresh) => (server = fresh));

test('stands there at once, and is the echo when that has come', async () => {
  const { tea } = await inTea();
  let label = '';
  server.answers.PRIVMSG = (_, given) => {
    label = given;
    return null;
  };
  await tea.send('hello');
  await until(() => label !== '');
  expect(shown(tea)).toEqual(['…hello']);
  const key = tea.entries[0]?.key;
  server.socket.say(message('m1 bob first', '#tea'));
  server.socket.say(`@label=${label};msgid=m2;account=alice :alice!u@h PRIVMSG #tea :hello`);
  expect(shown(tea)).toEqual(['first', 'hello']);
  expect(tea.entries[1]?.key).toBe(key);
});

test('offline goes when the link is back, once each, in order', async () => {
  const { chat, tea } = await inTea();
  server.socket.break();
  await tea.send('one');
  await tea.send('two\nlines');
  expect(shown(tea)).toEqual(['…one', '…two\nlines']);
  expect(chat.link.unsent).toBe(2);
  chat.link.reconnect();
  await until(() => chat.link.unsent === 0);
  expect(shown(tea)).toEqual(['one', 'two\nlines']);
  expect(server.posted.size).toBe(2);
});

test('and not answered before the link broke is said again with its key', async () => {
  const { chat, tea } = await inTea();
  const keys: string[] = [];
  server.answers.PRIVMSG = (line) => {
    keys.push(line.tags.get('parlor/once') ?? '');
    return null;
  };
  await tea.send('hello');
  await until(() => keys.length === 1);
  server.socket.break();
  delete server.answers.PRIVMSG;
  server.posted.set(keys[0] ?? '', 'm7');
  chat.link.reconnect();
  await until(() => chat.link.unsent === 0);
  expect(tea.entries.map((entry) => entry.id)).toEqual(['m7']);
  expect(server.posted.size).toBe(1);
});

test('and stored before the link broke stands there once while it is said again', async () => {
  const { chat, tea } = await inTea();
  let key = '';
  server.answers.PRIVMSG = (line) => {
    key = line.tags.get('parlor/once') ?? '';
    return null;
  };
  await tea.send('hello');
  await until(() => key !== '');
  const row = tea.entries[0]?.key;
  server.socket.break();
  server.posted.set(key, 'm7');
  let label = '';
  server.answers.PRIVMSG = (_, given) => {
    label = given;
    return null;
  };
  // Bob says the same, and so did alice before: neither is what is on its way.
  server.answers.CHATHISTORY = (line, given) =>
    line.params[0] === 'LATEST' ? page(given, '#tea', 'm6 bob hello', 'm7 alice hello') : [`@label=${given} :s ACK`];
  chat.link.reconnect();
  await until(() => label !== '' && tea.entries.some((entry) => entry.id === 'm7'));
  expect(shown(tea)).toEqual(['hello', 'hello']);
  expect(tea.entries[1]?.key).toBe(row);
  const first = label;
  await tea.send('hello');
  await until(() => shown(tea).length === 3);
  expect(shown(tea)).toEqual(['hello', 'hello', '…hello']);
  server.socket.say(`@label=${first};msgid=m7;account=alice :alice!u@h PRIVMSG #tea :hello`);
  await until(() => chat.link.unsent === 1);
  expect(shown(tea)).toEqual(['hello', 'hello', '…hello']);
});

test('outlives the page', async () => {
  const { chat, tea } = await inTea();
  server.socket.break();
  await tea.send('kept');
  tea.draft = 'half a thou';
  let draft: string | undefined;
  await until(() => {
    void chat.storage.drafts('account:a1').then((all) => (draft = all.get('#tea')));
    return draft === 'half a thou';
  });
  // The tab is gone without a word; another page of the same browser is opened.
  chat.tabs.stop();
  const again = await open();
  await until(() => again.link.kind === 'online' && again.link.unsent === 0);
  const there = again.open('#tea');
  expect(there.draft).toBe('half a thou');
  expect([...server.posted.values()]).toHaveLength(1);
});

const joined = (room: string, id: string): string => `@parlor/room-id=${id} :alice!u@h JOIN ${room} alice :Alice`;

test('goes with its room, whatever that is called by then', async () => {
  server.greeting = [joined('#tea', 'r1')];
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  const tea = chat.open('#tea');
  server.answers.PRIVMSG = (_, label) => [`@label=${label} :s 404 alice #tea :You are muted`];
  await tea.send('refused');
  await until(() => shown(tea)[0] === '!refused');
  server.socket.say('@parlor/room-id=r1 :bob!u@h RENAME #tea #pot :');
  delete server.answers.PRIVMSG;
  // Without a link nobody says so.
  server.socket.break();
  await tea.send('written offline');
  server.greeting = [joined('#kettle', 'r1')];
  chat.link.reconnect();
  await until(() => server.socket.sent.some((line) => line.includes('PRIVMSG #kettle :written offline')));
  expect(chat.conversations.map(({ name }) => name)).toEqual(['#kettle']);
  expect(chat.current?.name).toBe('#kettle');
  const failed = tea.entries.find((entry) => entry.kind === 'message' && entry.status === 'failed');
  if (failed?.kind !== 'message') throw new Error('no message');
  tea.retry(failed);
  await until(() => server.socket.sent.some((line) => line.includes('PRIVMSG #kettle :refused')));
});

test('and left by a page that is no more goes with it, too', async () => {
  server.greeting = [joined('#tea', 'r1')];
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  chat.open('#other');
  const tea = chat.open('#tea');
  server.answers.PRIVMSG = (_, label) => [`@label=${label} :s 404 alice #tea :You are muted`];
  await tea.send('refused');
  await until(() => shown(tea)[0] === '!refused');
  server.socket.break();
  await tea.send('written offline');
  await chat.storage.putConversations('account:a1', [], ['#tea']);
  chat.tabs.stop();
  delete server.answers.PRIVMSG;
  server.greeting = [joined('#pot', 'r1')];
  const again = await open();
  await until(() => again.link.kind === 'online' && again.link.unsent === 0);
  expect(server.socket.sent.some((line) => line.includes('PRIVMSG #pot :written offline'))).toBe(true);
  expect(again.conversations.map(({ name }) => name)).toEqual(['#pot']);
  expect(shown(again.open('#pot'))).toContain('!refused');
});

interface Several {
  tabs: [ChatState, ChatState, ...ChatState[]];
  teas: [ConversationState, ConversationState, ...ConversationState[]];
  /** What each link was told to say. */
  said(): string[][];
}

/** Tabs of alice's in #tea. */
async function severalTabs(more = 1): Promise<Several> {
  const { chat, tea } = await inTea();
  const others: ChatState[] = [];
  for (let tab = 0; tab < more; tab += 1) others.push(await open());
  await until(() => others.every(({ link }) => link.kind === 'online'));
  const tabs = [chat, ...others] as Several['tabs'];
  const ids = new Set(tabs.map(({ tabs }) => tabs.id));
  for (const { tabs: each } of tabs) each.living = () => Promise.resolve(ids);
  const said = (): string[][] => server.sockets.map((socket) => socket.sent.flatMap((line) => / PRIVMSG #tea :(.*)/.exec(line)?.[1] ?? []));
  return { tabs, teas: [tea, ...others.map((other) => other.open('#tea'))] as Several['teas'], said };
}

test('in several tabs without a link is shown in all of them, and said in the order in which it was written', async () => {
  const { tabs, teas, said } = await severalTabs();
  for (const socket of server.sockets) socket.break();
  for (const text of ['one', 'two']) await teas[1].send(text);
  await until(() => shown(teas[0]).length === 2);
  for (const text of ['three', 'four', 'five']) await teas[0].send(text);
  const all = ['…one', '…two', '…three', '…four', '…five'];
  await until(() => teas.every((tea) => shown(tea).join() === all.join()), 'both show all');
  expect(tabs.map(({ link }) => link.unsent)).toEqual([5, 5]);
  // The one that wrote last is there first.
  tabs[0].link.reconnect();
  await until(() => tabs.every(({ link }) => link.unsent === 0));
  expect(said()[2]).toEqual(['one', 'two', 'three', 'four', 'five']);
  tabs[1].link.reconnect();
  await until(() => tabs[1].link.kind === 'online');
  expect(said()[3]).toEqual([]);
  expect(server.posted.size).toBe(5);
});

test.each([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])(
  'in tabs whose links hang without a sign is said in the order in which it was written, whichever gets through first: %i %i %i',
  async (...order) => {
    const { tabs, teas, said } = await severalTabs(2);
    // It is written to the links, and no server hears it.
    server.answers.PRIVMSG = () => null;
    const all = ['one', 'two', 'three', 'four', 'five', 'six'];
    for (const [at, text] of all.entries()) {
      server.passed += 100;
      await teas[at % 3]?.send(text);
      await until(() => said()[at % 3]?.includes(text));
    }
    delete server.answers.PRIVMSG;
    const texts = new Map<string, string>();
    for (const tab of order) {
      const socket = server.sockets[tab];
      for (const text of socket?.sent ?? []) {
        const key = /parlor\/once=([^; ]+).* PRIVMSG /.exec(text)?.[1];
        if (!socket || !key) continue;
        texts.set(key, text.split(' :').at(-1) ?? '');
        server.received(socket, text);
      }
    }
    expect([...server.posted.keys()].map((key) => texts.get(key))).toEqual(all);
    await until(() => tabs.every(({ link }) => link.unsent === 0));
  },
);

test('and said by another tab stays until it stands there as a message, for whoever has no link yet', async () => {
  const { tabs, teas } = await severalTabs();
  for (const socket of server.sockets) socket.break();
  for (const text of ['one', 'two']) await teas[0].send(text);
  await until(() => shown(teas[1]).length === 2);
  const keys = teas[1].entries.map(({ key }) => key);
  tabs[0].link.reconnect();
  await until(() => tabs.every(({ link }) => link.unsent === 0));
  expect(shown(teas[1])).toEqual(['one', 'two']);
  // What is written now is below it.
  await teas[1].send('three');
  expect(shown(teas[1])).toEqual(['one', 'two', '…three']);
  server.answers.CHATHISTORY = (line, given) =>
    line.params[0] === 'LATEST' ? page(given, '#tea', 'own-1 alice one', 'own-2 alice two', 'm9 bob hi') : [`@label=${given} :s ACK`];
  tabs[1].link.reconnect();
  await until(() => tabs[1].link.kind === 'online' && tabs[1].link.unsent === 0);
  expect(shown(teas[1])).toEqual(['one', 'two', 'hi', 'three']);
  expect(teas[1].entries.slice(0, 2).map(({ key }) => key)).toEqual(keys);
});

test('and said by another tab, and deleted before this one has a link, is gone with what the server tells', async () => {
  const { tabs, teas } = await severalTabs();
  for (const socket of server.sockets) socket.break();
  await teas[0].send('one');
  await until(() => shown(teas[1]).length === 1);
  tabs[0].link.reconnect();
  await until(() => tabs.every(({ link }) => link.unsent === 0));
  expect(shown(teas[1])).toEqual(['one']);
  tabs[1].link.reconnect();
  await until(() => tabs[1].link.kind === 'online' && teas[1].isFresh && teas[1].older === 'idle');
  expect(shown(teas[1])).toEqual([]);
});

test('and what is behind nothing of a tab waits for the tab that wrote it; refused it can be thrown away in both', async () => {
  const { tabs, teas, said } = await severalTabs();
  for (const socket of server.sockets) socket.break();
  await teas[0].send('of the first');
  await until(() => shown(teas[1]).length === 1);
  tabs[1].link.reconnect();
  await until(() => tabs[1].link.kind === 'online');
  expect(said()[2]).toEqual([]);
  server.answers.PRIVMSG = (_, label) => [`@label=${label} :s 404 alice #tea :You are muted`];
  tabs[0].link.reconnect();
  await until(() => teas.every((tea) => shown(tea)[0] === '!of the first'));
  expect(tabs.map(({ link }) => [link.unsent, link.notSent])).toEqual([[0, 1], [0, 1]]);
  const failed = teas[1].entries[0];
  if (failed?.kind !== 'message') throw new Error('no message');
  teas[1].discard(failed);
  await until(() => teas.every((tea) => shown(tea).length === 0));
});

test('and read from the disk while it is taken care of does not come back', async () => {
  const { tabs, teas } = await severalTabs();
  for (const socket of server.sockets) socket.break();
  await teas[0].send('one');
  await until(() => shown(teas[1]).length === 1);
  // What was read stands still until it has been said.
  let goOn = (): void => undefined;
  const read = await tabs[0].storage.posts();
  for (const { storage } of tabs) storage.posts = () => new Promise((resolve) => (goOn = () => resolve(read)));
  for (const { outbox } of tabs) {
    const reading = outbox.read();
    await outbox.done(read[0]?.key ?? '');
    goOn();
    await reading;
  }
  expect(tabs.map(({ outbox }) => outbox.posts.length)).toEqual([0, 0]);
});

test('by a guest and not answered is not said twice', async () => {
  server.account = null;
  const chat = await open({ ...info, signedIn: false, username: undefined });
  await chat.session.enterAsGuest('alice');
  await until(() => chat.link.kind === 'online');
  const tea = chat.open('#tea');
  server.socket.say(':alice!u@h JOIN #tea * :Alice');
  let asked = 0;
  server.answers.PRIVMSG = () => {
    asked += 1;
    return null;
  };
  await tea.send('hello');
  await until(() => asked === 1);
  server.socket.break();
  await until(() => shown(tea)[0] === '!hello');
  chat.link.reconnect();
  await until(() => chat.link.kind === 'online');
  expect(asked).toBe(1);
  expect(server.socket.sent).toContain(server.socket.sent.find((line) => line.includes('JOIN #tea')));
});

test('and refused says why, and can be tried again or thrown away', async () => {
  const { chat, tea } = await inTea();
  server.answers.PRIVMSG = (_, label) => [`@label=${label} :s 404 alice #tea :You are muted`];
  await tea.send('hello');
  await until(() => shown(tea)[0] === '!hello');
  const failed = tea.entries[0];
  if (failed?.kind !== 'message') throw new Error('no message');
  expect(failed.failure).toContain('#tea');
  delete server.answers.PRIVMSG;
  tea.retry(failed);
  await until(() => shown(tea)[0] === 'hello');
  expect(chat.link.unsent).toBe(0);
});

test('of commands is carried out, or refused in words', async () => {
  const { tea } = await inTea();
  await tea.send('/me waves');
  await until(() => server.socket.sent.some((line) => line.includes('\x01ACTION waves\x01')));
  await tea.send('/topic green tea');
  expect(server.socket.sent.at(-1)).toContain('TOPIC #tea :green tea');
  await expect(tea.send('/nonsense')).rejects.toThrow('/nonsense');
  await expect(tea.send('/constructor')).rejects.toThrow('/constructor');
  await expect(tea.send('/kick')).rejects.toThrow('/kick NAME');
  await tea.send('/mode +o bob');
  expect(server.socket.sent.at(-1)).toMatch(/ MODE #tea \+o :?bob$/);
  await tea.send('/mode Alice +o');
  expect(server.socket.sent.at(-1)).toMatch(/ MODE Alice :?\+o$/);
  for (const noChange of ['/mode bob +o', '/mode m', '/mode alice', '/mode #tea']) await expect(tea.send(noChange)).rejects.toThrow('/mode +o bob');
  await tea.send('/usr/bin/env is a path');
  await until(() => server.socket.sent.some((line) => line.includes(':/usr/bin/env')));
  await expect(tea.send('  \n ')).rejects.toThrow(Refused);
});
