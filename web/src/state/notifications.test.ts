// What one is told while one looks at something else.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChatState } from './chat.svelte';
import { eachHasItsServer, FakeServer, inTeaHere, message, until } from './testing';

let server: FakeServer;
eachHasItsServer((fresh) => (server = fresh));

class Told {
  static permission = 'granted';
  static all: Told[] = [];
  onclick: (() => void) | null = null;
  onclose: (() => void) | null = null;
  isClosed = false;
  readonly words: string;

  constructor(title: string, { body }: { body: string }) {
    this.words = [title, body].filter(Boolean).join(': ');
    Told.all.push(this);
  }

  close(): void {
    this.isClosed = true;
    this.onclose?.();
  }
}

const told = (): string[] => Told.all.filter(({ isClosed }) => !isClosed).map(({ words }) => words);

let hasFocus = false;
beforeEach(() => {
  Told.all = [];
  hasFocus = false;
  vi.stubGlobal('Notification', Told);
  document.hasFocus = () => hasFocus;
});
afterEach(() => void vi.unstubAllGlobals());

const rooms = [':alice!u@h JOIN #tea alice :Alice', ':alice!u@h JOIN #books alice :Alice', ':alice!u@h JOIN #quiet alice :Alice', 'METADATA #quiet soju.im/muted private :1'];

/** Alice is in some rooms, has #tea before her, and looks at another window. */
async function away(): Promise<ChatState> {
  const { chat } = await inTeaHere(server);
  server.greeting = rooms;
  server.socket.say(...rooms.slice(1));
  Object.defineProperty(chat.tabs, 'isFirst', { get: () => true });
  chat.preferences.notifications = 'mentions';
  await until(() => chat.current?.isFresh && chat.current.older === 'idle');
  return chat;
}

/** The link is lost, and comes back when so much is unread. */
async function comesBack(chat: ChatState, ...counts: readonly string[]): Promise<void> {
  server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, ...counts.map((count) => `@batch=u :s UNREAD ${count}`), ':s BATCH -u'];
  server.socket.break();
  chat.link.reconnect();
  await until(() => chat.link.kind === 'online');
}

test('of what was said while the link was down one is told when it is back: once for each conversation, by the same rules', async () => {
  const chat = await away();
  server.socket.say(message('m1 bob hi alice', '#books'));
  await until(() => told().length === 1);
  await comesBack(chat, '#books 301 3', '#tea 4 0', '#quiet 9 9', 'bob 1 1', '#+alice+bob 2 2');
  await until(() => told().length === 4);
  expect(told().toSorted()).toEqual(['1 new message from bob', '2 new messages in bob', '300 new messages in books: 2 mention you', 'bob in books: hi alice']);
  // What waits since then it is not told again; for every message, where one wants that.
  chat.preferences.notifications = 'all';
  await comesBack(chat, '#books 301 3', '#tea 6 0', 'bob 1 1', '#+alice+bob 2 2');
  expect(told().slice(4)).toEqual(['2 new messages in tea']);
});

test('of what was said while the link was down whoever looks is told nothing, nor whoever has just come', async () => {
  server.answers.UNREAD = (_, label) => [`@label=${label} :s UNREAD #books 5 5`];
  const chat = await away();
  await import('./notifications.svelte');
  expect(told()).toEqual([]);
  hasFocus = true;
  await comesBack(chat, '#books 7 7');
  expect(told()).toEqual([]);
});

test('and is counted anew from where one has read meanwhile on another device', async () => {
  const chat = await away();
  await comesBack(chat, '#books 5 5');
  await until(() => told().length === 1);
  server.greeting = [...rooms, ':s MARKREAD #books timestamp=2026-11-27T09:30:00.000Z'];
  await comesBack(chat, '#books 2 1');
  expect(told().at(-1)).toBe('2 new messages in books: 1 mentions you');
});

test('what one is told of goes when it is deleted, read elsewhere, or looked at', async () => {
  const chat = await away();
  server.socket.say(message('m1 bob one for alice', '#books'), message('m2 bob two for alice', '#books'), message('m3 bob three for alice', '#tea'));
  await until(() => told().length === 3);
  server.socket.say(':bob!u@h REDACT #books m2');
  await until(() => told().length === 2);
  server.socket.say(':s MARKREAD #books timestamp=2026-11-27T09:02:00.000Z');
  await until(() => told().length === 1);
  expect(told()).toEqual(['bob in tea: three for alice']);
  // It is in the window, and counts as read; but she has not turned to it yet.
  chat.current?.sees(true);
  server.socket.say(message('m4 bob four for alice', '#tea'));
  await until(() => told().length === 1 && told()[0]?.includes('four'));
  window.dispatchEvent(new Event('focus'));
  expect(told()).toEqual([]);
});
