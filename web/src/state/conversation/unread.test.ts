// What is read, and what is counted.

import { expect, test } from 'vitest';
import type { ChatState } from '../chat.svelte';
import type { ConversationState } from './conversation.svelte';
import { eachHasItsServer, FakeServer, info, inTeaHere, message, openHere, page, until } from '../testing';

let server: FakeServer;
const open = (session = info): Promise<ChatState> => openHere(server, session);
const inTea = (): Promise<{ chat: ChatState; tea: ConversationState }> => inTeaHere(server);

eachHasItsServer((fresh) => (server = fresh));

test('are counted by the server, and here as people speak', async () => {
  server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, '@batch=u :s UNREAD #tea 12 2', '@batch=u :s UNREAD #books 1000+ 3+', ':s BATCH -u'];
  server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T08:00:00.000Z', ':alice!u@h JOIN #books alice :Alice'];
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  const [tea, books] = [chat.find('#tea'), chat.find('#books')];
  expect([tea?.unread, tea?.mentions, tea?.unreadIsMore]).toEqual([12, 2, false]);
  expect([books?.unread, books?.mentions, books?.unreadIsMore]).toEqual([1000, 3, true]);
  server.socket.say(message('m1 bob hi Alice!', '#tea'), message('m2 bob other', '#tea'));
  expect([tea?.unread, tea?.mentions]).toEqual([14, 3]);
  expect(chat.totalUnread).toBe(1014);
  server.socket.say('METADATA #books soju.im/muted private :1');
  expect(chat.totalUnread).toBe(14);
});

test('what is deleted before it is read is counted no more, whether it is known here or not', async () => {
  let counts = '2 1';
  server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, ...(counts ? [`@batch=u :s UNREAD #tea ${counts}`] : []), ':s BATCH -u'];
  server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T08:00:00.000Z'];
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  const tea = chat.ensure('#tea');
  server.socket.say(message('m3 bob hi Alice!', '#tea'));
  expect([tea.unread, tea.mentions]).toEqual([3, 2]);
  server.socket.say(':bob!u@h REDACT #tea m3');
  expect([tea.unread, tea.mentions]).toEqual([2, 1]);
  counts = '1 0';
  server.socket.say(':bob!u@h REDACT #tea m1');
  await until(() => tea.unread === 1);
  expect(tea.mentions).toBe(0);
  counts = '';
  server.socket.say(':bob!u@h REDACT #tea m2');
  await until(() => tea.unread === 0);
});

test('what is edited so that it names one, or does not any more, is counted by what it says now, whether it is known here or not', async () => {
  let counts = '2 1';
  server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, `@batch=u :s UNREAD #tea ${counts}`, ':s BATCH -u'];
  server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T08:00:00.000Z'];
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  const tea = chat.ensure('#tea');
  server.socket.say(message('m3 bob hi', '#tea'));
  const becomes = (id: string, text: string): void => server.socket.say(`@draft/target-msgid=${id};draft/edit-text=${text.replaceAll(' ', '\\s')} :bob!u@h EDIT #tea`);
  expect([tea.unread, tea.mentions]).toEqual([3, 1]);
  becomes('m3', 'hi Alice!');
  expect([tea.unread, tea.mentions]).toEqual([3, 2]);
  becomes('m3', 'hi alice');
  expect([tea.unread, tea.mentions]).toEqual([3, 2]);
  becomes('m3', 'hi all');
  expect([tea.unread, tea.mentions]).toEqual([3, 1]);
  counts = '3 0';
  becomes('m1', 'hi all');
  await until(() => tea.mentions === 0);
  expect(tea.unread).toBe(3);
});

test('what is said in a group is meant for whoever is in it, as the server counts it', async () => {
  const { chat } = await inTea();
  server.socket.say(':alice!u@h JOIN #+alice+bob alice :Alice', message('m1 bob hi', '#+alice+bob'), message('m2 bob hi', '#tea'));
  await until(() => chat.find('#tea')?.unread === 1);
  const counts = ['#+alice+bob', '#tea'].map((name) => [chat.find(name)?.unread, chat.find(name)?.mentions]);
  expect(counts).toEqual([[1, 1], [1, 0]]);
});

test('what was said behind the count is counted on top of it', async () => {
  // As one packet brings them.
  server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, ':s BATCH -u', message('m1 bob hi', '#tea')];
  const { chat } = await inTea();
  chat.closeCurrent();
  await until(() => chat.find('#tea')?.unread === 1);
});

test.each([
  ['nothing', [], 1],
  ['something', ['@batch=u :s UNREAD #tea 5 1'], 6],
])('what is said while it is counted is counted on top of it, where %s else is unread', async (_, counted, sum) => {
  let answer = (): void => undefined;
  server.answers.UNREAD = (_, label) => {
    answer = () => server.socket.say(`@label=${label} :s BATCH +u parlor/unread m2`, ...counted, ':s BATCH -u');
    return null;
  };
  server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
  const chat = await open();
  await until(() => server.socket.sent.some((line) => line.includes('UNREAD')));
  // The one before the question is known to it, the other not.
  server.socket.say(message('m1 bob hi', '#tea'), message('m3 bob hi', '#tea'));
  answer();
  await until(() => chat.find('#tea')?.unread === sum);
});

test('what is before the eyes is read, on all devices', async () => {
  const { tea } = await inTea();
  await until(() => tea.isFresh && tea.older === 'idle');
  tea.sees(true);
  server.socket.say(message('m1 bob hi', '#tea'));
  expect(tea.unread).toBe(0);
  expect(server.socket.sent.at(-1)).toContain('MARKREAD #tea timestamp=2026-11-27T09:01:00.000Z');
  tea.sees(false);
  server.socket.say(message('m2 bob more', '#tea'));
  expect(tea.unread).toBe(1);
  server.socket.say(':s MARKREAD #tea timestamp=2026-11-27T09:02:00.000Z');
  expect(tea.unread).toBe(0);
});

test('where more is unread than a page has, it is said how much, and one comes to where it begins', async () => {
  server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, '@batch=u :s UNREAD #tea 30 0', ':s BATCH -u'];
  server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T09:02:30.000Z'];
  server.answers.CHATHISTORY = (line, label) =>
    line.params[0] === 'AROUND' ? page(label, '#tea', 'm1 bob a', 'm2 bob b', 'm3 bob c', 'm4 bob d') : page(label, '#tea', 'm30 bob x', 'm31 bob y', 'm32 bob z');
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  const tea = chat.open('#tea');
  await until(() => tea.missed === 30);
  tea.sees(true);
  expect([tea.unreadLine, tea.missed]).toEqual([null, 30]);
  // Also when one comes back, as long as one has not been there.
  chat.open('#other');
  chat.open('#tea');
  await until(() => tea.isFresh && tea.older === 'idle');
  tea.sees(true);
  expect([tea.unread, tea.unreadLine, tea.missed]).toEqual([0, null, 30]);
  await tea.goToUnread();
  expect(server.socket.sent.at(-1)).toContain('CHATHISTORY AROUND #tea timestamp=2026-11-27T09:02:30.000Z');
  expect([tea.entries.find((entry) => entry.key === tea.unreadLine)?.id, tea.missed, tea.atEnd]).toEqual(['m3', 0, false]);
  chat.open('#other');
  chat.open('#tea');
  expect([tea.unreadLine, tea.missed]).toEqual([null, 0]);
});

const few = ['m1 bob one', 'm2 bob two', 'm3 bob three'];
/** A page that does not reach up to the first one. */
const many = Array.from({ length: 29 }, (_, n) => `m${n + 30} bob no.${n}`);

test.each([
  { said: few, opened: 'before the link', line: 'm2', missed: 0 },
  { said: few, opened: 'later', line: 'm2', missed: 0 },
  { said: many, opened: 'before the link', line: null, missed: 57 },
  { said: many, opened: 'later', line: null, missed: 58 },
])('what was said while one was away has its line, or is told of: $said.length said, opened $opened', async ({ said, opened, line, missed }) => {
  server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T09:01:00.000Z'];
  server.answers.UNREAD = (_, label) => [`@label=${label} :s UNREAD #tea ${said === few ? 2 : 57} 0`];
  server.answers.CHATHISTORY = (line, label) => (line.params[0] === 'LATEST' ? page(label, '#tea', ...said) : [`@label=${label} :s ACK`]);
  const chat = await open();
  if (opened === 'later') {
    await until(() => chat.link.kind === 'online');
    server.socket.say(message(said.at(-1) ?? '', '#tea'));
  }
  const tea = chat.open('#tea');
  // What is kept, or came meanwhile, is before the eyes to its end.
  tea.sees(true);
  await until(() => tea.isFresh && tea.older === 'idle' && tea.unread > 0);
  expect([tea.unreadLine, tea.missed]).toEqual([line, missed]);
});

test('behind what was read it has its line, when one looks away', async () => {
  const { tea } = await inTea();
  await until(() => tea.isFresh && tea.older === 'idle');
  tea.sees(true);
  server.socket.say(message('m1 bob one', '#tea'));
  tea.sees(false);
  server.socket.say(message('m2 bob two', '#tea'), message('m3 bob three', '#tea'));
  await until(() => tea.entries.length > 2);
  expect([tea.unread, tea.unreadLine]).toEqual([2, 'm2']);
  tea.sees(true);
  expect([tea.unread, tea.unreadLine]).toEqual([0, 'm2']);
});

test('whoever answers from another device has read what she answers', async () => {
  const { tea } = await inTea();
  await until(() => tea.isFresh);
  server.socket.say(message('m1 bob hi alice', '#tea'), message('m2 alice hi bob', '#tea'));
  expect([tea.unread, tea.mentions]).toEqual([0, 0]);
  expect(server.socket.sent.at(-1)).toContain('MARKREAD #tea timestamp=2026-11-27T09:02:00.000Z');
  server.socket.say(message('m3 bob how are you', '#tea'));
  expect(tea.unread).toBe(1);
});

test('of people one has blocked is not counted, and nobody sees them write', async () => {
  const { chat, tea } = await inTea();
  await until(() => tea.isFresh);
  server.socket.say('METADATA mallory soju.im/blocked private :1', '@+typing=active :mallory!u@h TAGMSG #tea', message('m1 mallory hi alice', '#tea'), message('m2 bob hi', '#tea'));
  expect([tea.unread, tea.mentions, tea.typing]).toEqual([1, 0, []]);
  server.socket.say(':s MARKREAD #tea timestamp=2026-11-27T09:00:30.000Z');
  expect(tea.unread).toBe(1);
  expect(chat.totalUnread).toBe(1);
});

test('elsewhere is read here, in conversations that were not looked at, too', async () => {
  const { chat } = await inTea();
  server.socket.say(':alice!u@h JOIN #books alice :Alice', message('m1 bob hi', '#books'));
  expect(chat.find('#books')?.unread).toBe(1);
  server.socket.say(':s MARKREAD #books timestamp=2026-11-27T09:01:00.000Z');
  expect(chat.find('#books')?.unread).toBe(0);
});

test('the line stands before what was unread when it was opened, and stays', async () => {
  server.answers.UNREAD = (_, label) => [`@label=${label} :s UNREAD #tea 2 0`];
  server.answers.CHATHISTORY = (line, label) =>
    line.params[0] === 'LATEST' ? page(label, '#tea', 'm1 bob one', 'm2 bob two', 'm3 bob three') : [`@label=${label} :s ACK`];
  server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T09:01:00.000Z'];
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  const tea = chat.open('#tea');
  await until(() => tea.unreadLine !== null);
  expect(tea.unreadLine).toBe('m2');
  tea.sees(true);
  expect(tea.unread).toBe(0);
  server.socket.say(message('m4 bob four', '#tea'));
  expect(tea.unreadLine).toBe('m2');
  chat.closeCurrent();
  chat.open('#tea');
  expect(tea.unreadLine).toBeNull();
});
