// Coming, going, and what outlives a link or the page.

import { expect, test, vi } from 'vitest';
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
  expect(await chat.storage.here()).toBeNull();
  expect((await chat.storage.drafts('account:a1')).size).toBe(0);
});

test('whoever logs out without a link has gone from this device at once, and the server is told when it is there', async () => {
  const { chat, tea } = await inTea();
  const other = await open();
  await until(() => other.link.kind === 'online');
  tea.draft = 'half a thought';
  server.session = null;
  await chat.session.logOut();
  expect([chat.session.state, chat.conversations.length]).toEqual(['out', 0]);
  expect(chat.session.sentence).toMatch(/the server is told when it is back/);
  await until(() => other.session.state === 'out');
  expect(await chat.storage.here()).toBeNull();
  // Who opens the page meanwhile is not let in as her, though the server still knows the cookie.
  const again = await open(null);
  expect(again.session.state).toBe('unreachable');
  server.session = info;
  await again.session.retry();
  expect([again.session.state, server.session.signedIn]).toEqual(['out', false]);
});

const nobody: SessionInfo = { ...info, signedIn: false, username: undefined, id: undefined };
const carol: SessionInfo = { ...info, username: 'carol', id: 'c3' };

/** Somebody logs in with this browser, or nobody is logged in any more. */
function becomes(session: SessionInfo): void {
  server.session = session;
  server.account = session.username ?? null;
  server.nick = session.username ?? 'guest';
}

/** What was posted, from all links. */
const posted = (): string[] => server.sockets.flatMap((socket) => socket.sent.filter((line) => line.includes('PRIVMSG')).map((line) => line.split(' :').at(-1) ?? ''));

test('what was typed by someone whose login has ended waits for her, and for nobody else', async () => {
  const { chat, tea } = await inTea();
  server.socket.break();
  await tea.send('by alice');
  tea.draft = 'half a thou';
  becomes(nobody);
  chat.link.reconnect();
  await until(() => chat.session.state === 'out');
  expect(chat.session.sentence).toContain('kept');
  expect(chat.conversations).toEqual([]);
  // Somebody else at the same browser.
  becomes(carol);
  await chat.session.logIn('carol', 'secret');
  await until(() => chat.link.kind === 'online');
  await chat.open('#tea').send('by carol');
  await until(() => posted().length === 1 && chat.link.unsent === 0);
  expect(chat.open('#tea').draft).toBe('');
  becomes(nobody);
  await chat.session.check();
  await until(() => chat.session.state === 'out');
  becomes(info);
  await chat.session.logIn('alice', 'secret');
  await until(() => chat.link.kind === 'online' && chat.link.unsent === 0);
  expect(posted()).toEqual(['by carol', 'by alice']);
  expect(chat.open('#tea').draft).toBe('half a thou');
});

test.each(['hears of it', 'has noticed it before'])('another tab of a deleted account that %s says that it was deleted', async (how) => {
  const { chat } = await inTea();
  const other = await open();
  await until(() => other.link.kind === 'online');
  becomes(nobody);
  if (how !== 'hears of it') {
    await other.session.check();
    expect(other.session.sentence).toContain('logged out');
  }
  await chat.session.loggedOut('Your account is deleted.', true);
  await until(() => other.session.state === 'out' && other.session.sentence === 'Your account is deleted.');
  expect(chat.session.sentence).toBe('Your account is deleted.');
});

test('whoever logs out throws away what she was asked about, whichever tab could not send it', async () => {
  const { chat, tea } = await inTea();
  const other = await open();
  await until(() => other.link.kind === 'online');
  const living = (): Promise<Set<string>> => Promise.resolve(new Set([chat.tabs.id, other.tabs.id]));
  chat.tabs.living = other.tabs.living = living;
  for (const socket of server.sockets) socket.break();
  await tea.send('here');
  await other.open('#tea').send('there');
  await until(() => chat.link.unsent === 2);
  await chat.session.logOut();
  becomes(nobody);
  await until(() => other.session.state === 'out' || void other.session.check());
  expect(other.session.sentence).not.toContain('kept');
  expect(await chat.storage.posts()).toEqual([]);
});

test('a tab whose browser is somebody else’s by now begins anew and says so, and what was typed is not said by her', async () => {
  const { chat, tea } = await inTea();
  server.socket.break();
  await tea.send('by alice');
  becomes(carol);
  server.greeting = [':carol!u@h JOIN #den carol :Carol'];
  chat.link.reconnect();
  await until(() => server.restarts > 0);
  expect(chat.session.state).toBe('loading');
  expect(chat.conversations.map(({ name }) => name)).toEqual(['#tea']);
  chat.tabs.stop();
  const again = await open(carol);
  await until(() => again.link.kind === 'online');
  expect(again.notices.map(({ sentence }) => sentence).join()).toMatch(/carol.*alice/);
  expect(again.conversations.map(({ name }) => name)).toEqual(['#den']);
  expect(posted()).toEqual([]);
  expect((await again.storage.posts()).map(({ text, owner }) => [text, owner])).toEqual([['by alice', 'account:a1']]);
});

test('a guest goes on while her link lives, and then the tab is of who has logged in', async () => {
  [server.account, server.nick] = [null, 'gina'];
  const chat = await open(nobody);
  await chat.session.enterAsGuest('gina');
  await until(() => chat.link.kind === 'online');
  becomes(carol);
  const other = new BroadcastChannel('parlor');
  other.postMessage({ kind: 'session', owner: null });
  const tea = chat.open('#tea');
  server.socket.say(':gina!u@h JOIN #tea * :Gina');
  server.socket.break();
  await tea.send('by gina');
  expect(chat.session.state).toBe('guest');
  chat.link.reconnect();
  await until(() => server.restarts > 0);
  chat.tabs.stop();
  other.close();
  const again = await open(carol);
  await until(() => again.link.kind === 'online');
  expect([again.session.state, again.me.nick]).toEqual(['in', 'carol']);
  expect(again.notices.map(({ sentence }) => sentence).join()).toMatch(/carol.*gina/);
  expect(posted()).toEqual([]);
  // She comes to the same tab once more.
  await again.session.logOut();
  becomes(nobody);
  server.nick = 'gina';
  await again.session.enterAsGuest('gina');
  await until(() => again.link.kind === 'online' && posted().length === 1);
  expect(posted()).toEqual(['by gina']);
});

test('whose account has another name is the same', async () => {
  const { chat, tea } = await inTea();
  server.socket.break();
  await tea.send('by whatever name');
  becomes({ ...info, username: 'alicia' });
  server.greeting = [':alicia!u@h JOIN #tea alicia :Alice'];
  chat.link.reconnect();
  await until(() => chat.session.info?.username === 'alicia');
  chat.link.reconnect();
  await until(() => chat.link.kind === 'online' && chat.link.unsent === 0);
  expect([server.restarts, posted(), chat.me.nick]).toEqual([0, ['by whatever name'], 'alicia']);
});

test('whoever comes under the name that her account had before is called by that of now', async () => {
  const { chat } = await inTea();
  server.socket.break();
  becomes({ ...info, username: 'alicia' });
  // The first link comes as alice, and all devices of an account have one nick.
  server.nick = 'alice';
  chat.link.reconnect();
  await until(() => chat.session.info?.username === 'alicia');
  chat.link.reconnect();
  await until(() => chat.link.kind === 'online');
  expect(server.socket.sent.some((line) => /\bNICK :?alicia$/.test(line) && line.includes('label='))).toBe(true);
});

test('whoever waits at the entry goes in when somebody logs in in another tab', async () => {
  const chat = await open(nobody);
  expect(chat.session.state).toBe('out');
  becomes(info);
  const other = new BroadcastChannel('parlor');
  other.postMessage({ kind: 'session', owner: null });
  await until(() => chat.link.kind === 'online');
  other.close();
  expect(chat.me.nick).toBe('alice');
});

test('whose clock is wrong sees whom she wrote with lately all the same', async () => {
  server.clock = '2028-03-04T10:00:00.000Z';
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  expect(new Date(chat.now()).toISOString()).toBe(server.clock);
  const targets = server.socket.sent.find((line) => line.includes('CHATHISTORY TARGETS')) ?? '';
  expect(targets).toContain('TARGETS timestamp=2028-03-05T10:00:00.000Z timestamp=2027-03-05T10:00:00.000Z');
});

test('what is being written goes with a room that gets another name', async () => {
  const { chat, tea } = await inTea();
  tea.draft = 'half a thought';
  server.socket.say(':bob!u@h RENAME #tea #coffee :');
  await vi.waitFor(async () => expect([...(await chat.storage.drafts('account:a1'))]).toEqual([['#coffee', 'half a thought']]));
  expect(tea.draft).toBe('half a thought');
});

test('a guest who came by an invite link comes back by it, and is told where it lets nobody in any more', async () => {
  server.account = null;
  server.answers.JOIN = (line, label) => [`@label=${label} :alice!u@h JOIN ${line.params[0]} * :Alice`];
  const nobody = { ...info, signedIn: false, username: undefined };
  const chat = await open(nobody);
  await chat.session.enterAsGuest('alice');
  await until(() => chat.link.kind === 'online');
  await chat.joinRoom('#secret', 'inv-abc');
  chat.tabs.stop();
  const again = await open(nobody);
  await until(() => again.link.kind === 'online');
  expect(server.socket.sent.some((line) => line.endsWith('JOIN #secret inv-abc'))).toBe(true);
  const room = again.open('#secret');
  expect(room.membership).toBe('in');
  server.answers.JOIN = (_, label) => [`@label=${label} :s 475 alice #secret :Cannot join`];
  server.socket.break();
  again.link.reconnect();
  await until(() => room.joinRefusal !== null);
  expect(room.joinRefusal?.message).toMatch(/lets nobody in again/);
  await until(() => room.membership === 'out');
});

test('two tabs agree on what is being written', async () => {
  const { chat, tea } = await inTea();
  const other = await open();
  await until(() => other.link.kind === 'online');
  const there = other.open('#tea');
  tea.draft = 'half a thou';
  await until(() => there.draft === 'half a thou');
  there.draft = 'half a thought';
  await until(() => tea.draft === 'half a thought');
  await tea.send(tea.draft);
  tea.draft = '';
  await until(() => there.draft === '');
  // Not with somebody else's.
  other.tabs.owner = 'account:c3';
  there.draft = 'of carol';
  tea.draft = 'of alice';
  await vi.waitFor(async () => expect((await chat.storage.drafts('account:a1')).get('#tea')).toBe('of alice'));
  expect([tea.draft, there.draft]).toEqual(['of alice', 'of carol']);
});
