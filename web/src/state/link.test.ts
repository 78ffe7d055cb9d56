// Coming, going, and what outlives a link or the page.

import { expect, test } from 'vitest';
import type { ChatState } from './chat.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import { eachHasItsServer, FakeServer, info, inTeaHere, message, openHere, page, shown, until } from './testing';
import type { SessionInfo } from './types';

let server: FakeServer;
const open = (session: SessionInfo | null = info): Promise<ChatState> => openHere(server, session);
const inTea = (): Promise<{ chat: ChatState; tea: ConversationState }> => inTeaHere(server);

eachHasItsServer((fresh) => (server = fresh));

test('who is logged in is let in and brought up to date', async () => {
  const { chat, tea } = await inTea();
  expect(chat.session.state).toBe('in');
  expect(chat.me.nick).toBe('alice');
  expect(tea.membership).toBe('in');
  expect(chat.can.search).toBe(true);
  const sent = server.socket.sent.join('\n');
  expect(sent.indexOf('METADATA * SUB')).toBeLessThan(sent.indexOf('CAP END'));
  for (const line of server.socket.sent) expect(new TextEncoder().encode(line).length).toBeLessThan(511);
});

test('nobody is let in as a nobody who wanted to be somebody', async () => {
  server.account = null;
  const chat = await open();
  await until(() => server.sockets.length > 0 && server.socket.isClosed);
  expect(chat.link.kind).not.toBe('online');
});

test('a server that cannot be reached is no entry screen', async () => {
  const chat = await open(null);
  expect(chat.session.state).toBe('unreachable');
});

test('a guest whose name is taken is asked for another one', async () => {
  server.account = null;
  server.answers.CAP = (line) => (line.params[0] === 'END' ? [':s 433 * gina :taken'] : line.params[0] === 'LS' ? [':s CAP * LS :batch'] : []);
  const chat = await open({ ...info, signedIn: false, username: undefined });
  expect(chat.session.state).toBe('out');
  await chat.session.enterAsGuest('gina');
  await until(() => chat.session.state === 'out');
  expect(chat.session.sentence).toContain('gina');
});

test('a guest who reloads is in her rooms again', async () => {
  server.account = null;
  const guest = { ...info, signedIn: false, username: undefined };
  const chat = await open(guest);
  await chat.session.enterAsGuest('alice');
  await until(() => chat.link.kind === 'online');
  server.socket.say(':alice!u@h JOIN #tea * :Alice', ':alice!u@h JOIN #books * :Alice', ':alice!u@h PART #books');
  chat.tabs.stop();
  server.socket.break();
  const again = await open(guest);
  await until(() => again.session.state === 'guest' && again.link.kind === 'online');
  expect(server.socket.sent.filter((line) => line.includes('JOIN')).map((line) => line.split(' ').at(-1))).toEqual(['#tea']);
});

test('rooms that were left elsewhere are gone', async () => {
  const { chat } = await inTea();
  server.socket.say(':alice!u@h JOIN #books alice :Alice');
  server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
  server.socket.break();
  chat.link.reconnect();
  await until(() => chat.link.kind === 'online');
  expect(chat.conversations.map((conversation) => conversation.name)).toEqual(['#tea']);
});

test('a link that breaks right behind an answer has made nobody leave', async () => {
  server.answers.UNREAD = (_, label) => {
    server.socket.say(`@label=${label} :s BATCH +u parlor/unread`, ':s BATCH -u');
    server.socket.break();
    return null;
  };
  server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
  const chat = await open();
  await until(() => chat.link.kind === 'offline' && chat.conversations.length > 0);
  await new Promise((resolve) => setTimeout(resolve));
  expect(chat.find('#tea')?.membership).toBe('in');
});

test('what was said is there at once the next time, and true soon', async () => {
  const { chat, tea } = await inTea();
  server.socket.say(message('m1 bob old', '#tea'), message('m2 bob gone soon', '#tea'));
  await until(() => tea.entries.length === 2);
  window.dispatchEvent(new Event('pagehide'));
  let kept = 0;
  await until(() => {
    void chat.storage.conversations().then((all) => (kept = all[0]?.messages.length ?? 0));
    return kept === 2;
  });
  chat.tabs.stop();
  server.socket.break();
  let label = '';
  server.answers.CHATHISTORY = (line, given) => {
    if (line.params[0] !== 'LATEST') return [`@label=${given} :s ACK`];
    label = given;
    return null;
  };
  const again = await open();
  const there = again.open('#tea');
  expect(shown(there)).toEqual(['old', 'gone soon']);
  await until(() => label !== '');
  server.socket.say(...page(label, '#tea', 'm1 bob old'));
  await until(() => there.entries.length === 1);
  expect(shown(there)).toEqual(['old']);
});

test('nothing stays of who logged out', async () => {
  const { chat, tea } = await inTea();
  tea.draft = 'secret';
  await chat.session.logOut();
  expect(chat.session.state).toBe('out');
  expect(chat.conversations).toEqual([]);
  expect(await chat.storage.owner()).toBeNull();
  expect((await chat.storage.drafts()).size).toBe(0);
});
