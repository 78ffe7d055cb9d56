// For tests: a server that is written down, and a chat that talks to it.

import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach } from 'vitest';
import { Connection, type Socket } from '../irc/connection';
import { parse, type Line } from '../irc/line';
import { ChatState } from './chat.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import type { Outside } from './outside';
import type { SessionInfo } from './types';

export const capabilities =
  'account-notify account-tag away-notify batch cap-notify echo-message extended-join labeled-response message-tags multi-prefix ' +
  'no-implicit-names server-time standard-replies draft/chathistory draft/event-playback draft/message-edit draft/message-redaction ' +
  'draft/metadata-2 draft/multiline=max-bytes=4096,max-lines=64 draft/read-marker soju.im/search parlor/unread parlor/pins=max=50 ' +
  'parlor/reports parlor/devices parlor/groups parlor/members parlor/identity parlor/once';

type Answer = (line: Line, label: string) => readonly string[] | null;

/** One link's other end. */
export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: string[] = [];
  isClosed = false;
  get readyState(): number {
    return this.isClosed ? 3 : 1;
  }
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    this.#server = server;
    queueMicrotask(() => this.onopen?.());
  }

  send(text: string): void {
    if (this.isClosed) return;
    this.sent.push(text);
    this.#server.received(this, text);
  }

  close(): void {
    this.isClosed = true;
  }

  say(...lines: readonly string[]): void {
    if (!this.isClosed) this.onmessage?.({ data: lines.join('\r\n') });
  }

  /** The link breaks. */
  break(): void {
    this.isClosed = true;
    this.onclose?.();
  }
}

export class FakeServer {
  nick = 'alice';
  account: string | null = 'alice';
  /** What is said at the welcome, behind the end of the greeting. */
  greeting: string[] = [];
  sockets: FakeSocket[] = [];
  historyPage = 3;
  /** What it says at the welcome that its clock says. */
  clock: string | null = null;
  /** Milliseconds since the test began, on the pages' clock. */
  passed = 0;
  /** Who is here, over HTTP; null: it cannot be reached. */
  session: SessionInfo | null = null;
  /** How often a page began anew. */
  restarts = 0;
  /** By command. Null: nothing is answered yet. What is not here is answered with ACK. */
  answers: Record<string, Answer> = {};
  /** Told for PRIVMSG: the id of the next message, and by key what was said already. */
  readonly posted = new Map<string, string>();
  #nextId = 1;
  #batch: { label: string; once: string; lines: string[] } | null = null;

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('no link');
    return socket;
  }

  connect(): FakeSocket {
    const socket = new FakeSocket(this);
    this.sockets.push(socket);
    return socket;
  }

  received(socket: FakeSocket, text: string): void {
    const line = parse(text);
    if (!line) return;
    const label = line.tags.get('label') ?? '';
    const own = this.answers[line.command];
    const answer = own ? own(line, label) : this.#usual(line, label);
    if (answer) socket.say(...answer);
  }

  #usual(line: Line, label: string): readonly string[] | null {
    switch (line.command) {
      case 'CAP':
        if (line.params[0] === 'LS') return [`:s CAP * LS :${capabilities}`];
        if (line.params[0] === 'REQ') return [`:s CAP * ACK :${line.params[1]}`];
        if (line.params[0] !== 'END') return [];
        return [
          ...(this.account ? [`:s 900 ${this.nick} ${this.nick}!u@h ${this.account} :in`] : []),
          `${this.clock ? `@time=${this.clock} ` : ''}:s 001 ${this.nick} :Welcome`,
          `:s 005 ${this.nick} CASEMAPPING=precis PREFIX=(qaohv)~&@%+ STATUSMSG=~&@%+ CHANMODES=Ibe,k,HWfl,ACJMPRUimnpstu CHATHISTORY=${this.historyPage} WHOX NICKLEN=32 :are`,
          `:s 422 ${this.nick} :none`,
          ...this.greeting,
        ];
      case 'NICK':
      case 'USER':
      case 'METADATA':
        return label ? [`@label=${label} :s ACK`] : [];
      case 'PING':
        return [`:s PONG s :${line.params[0]}`];
      case 'BATCH':
        if (line.params[0]?.startsWith('+')) {
          this.#batch = { label, once: line.tags.get('parlor/once') ?? '', lines: [] };
          return null;
        } else {
          const batch = this.#batch;
          this.#batch = null;
          if (!batch) return [];
          const id = this.#idOf(batch.once);
          return [
            `@label=${batch.label};msgid=${id};account=${this.nick};time=2026-11-27T10:00:00.000Z :${this.nick}!u@h BATCH +e draft/multiline #tea`,
            ...batch.lines.map((text) => `@batch=e :${this.nick}!u@h PRIVMSG #tea :${text}`),
            ':s BATCH -e',
          ];
        }
      case 'PRIVMSG': {
        if (this.#batch) {
          this.#batch.lines.push(line.params[1] ?? '');
          return null;
        }
        const id = this.#idOf(line.tags.get('parlor/once') ?? '');
        return [`@label=${label};msgid=${id};account=${this.nick};time=2026-11-27T10:00:00.000Z :${this.nick}!u@h PRIVMSG ${line.params[0]} :${line.params[1]}`];
      }
      case 'CHATHISTORY':
        return [`@label=${label} :s BATCH +h chathistory ${line.params[1]}`, ':s BATCH -h'];
      default:
        return label ? [`@label=${label} :s ACK`] : [];
    }
  }

  #idOf(key: string): string {
    let id = key ? this.posted.get(key) : undefined;
    if (!id) this.posted.set(key || `unkeyed-${this.#nextId}`, (id = `own-${this.#nextId++}`));
    return id;
  }
}

/** A page of history, oldest first: `id nick text`, or a whole line that has no such form. */
export function page(label: string, target: string, ...lines: readonly string[]): string[] {
  return [
    `@label=${label} :s BATCH +o labeled-response`,
    `@batch=o :s BATCH +h chathistory ${target}`,
    ...lines.map((line) => (/^[@:]/.test(line) ? line.replace(/^@/, '@batch=h;') : message(line, target, 'batch=h;'))),
    '@batch=o :s BATCH -h',
    ':s BATCH -o',
  ];
}

/** `id nick text`; the id's number is the minute. */
export function message(short: string, target: string, tags = ''): string {
  const [id = '', nick = '', ...words] = short.split(' ');
  const minute = String(Number(/\d+/.exec(id)?.[0] ?? 0)).padStart(2, '0');
  return `@${tags}time=2026-11-27T09:${minute}:00.000Z;msgid=${id};account=${nick} :${nick}!u@h PRIVMSG ${target} :${words.join(' ')}`;
}

export const info: SessionInfo = {
  signedIn: true,
  username: 'alice',
  id: 'a1',
  network: 'parlor',
  description: '',
  registration: 'open',
  guests: true,
  minimumPassword: 8,
  addresses: {},
};

/** A page that is opened: `session` is what the server says of who is here, until it says otherwise. */
export async function openPage(server: FakeServer, session: SessionInfo | null = info): Promise<ChatState> {
  server.session = session;
  globalThis.fetch = async (address) => {
    if (server.session === null) throw new TypeError('unreachable');
    if (address === '/logout') server.session = { ...info, signedIn: false, username: undefined, id: undefined };
    return new Response(JSON.stringify(server.session), { headers: { 'content-type': 'application/json' } });
  };
  const outside: Outside = {
    socket: () => server.connect(),
    random: () => 0,
    now: () => Date.parse('2026-11-27T10:00:00.000Z') + server.passed,
    schedule: (run) => run(),
    later: (run) => void setTimeout(run),
    restart: () => (server.restarts += 1),
  };
  const chat = new ChatState(outside);
  await chat.start();
  return chat;
}

const pages: ChatState[] = [];

/** A page that `closePages` closes. */
export async function openHere(server: FakeServer, session: SessionInfo | null = info): Promise<ChatState> {
  const chat = await openPage(server, session);
  pages.push(chat);
  return chat;
}

/** Alice is at the page, in #tea. */
export async function inTeaHere(server: FakeServer): Promise<{ chat: ChatState; tea: ConversationState }> {
  server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
  const chat = await openHere(server);
  await until(() => chat.link.kind === 'online');
  return { chat, tea: chat.open('#tea') };
}

/** For each test a server of its own; behind it nothing is left for the next. */
export function eachHasItsServer(begin: (server: FakeServer) => void): void {
  beforeEach(() => begin(new FakeServer()));
  afterEach(closePages);
}

/** Behind each test: nothing of it is left for the next. */
export async function closePages(): Promise<void> {
  for (const chat of pages.splice(0)) {
    await chat.session.loggedOut(null);
    chat.tabs.stop();
  }
  localStorage.clear();
  sessionStorage.clear();
  // What waits for whoever wrote it, too.
  globalThis.indexedDB = new IDBFactory();
}

/** What stands there, in short: texts, `…` pending, `!` failed, `(event)`. */
export function shown(conversation: ConversationState): string[] {
  return conversation.entries.map((entry) => {
    if (entry.kind === 'event') return `(${entry.describe((nick) => nick)})`;
    const mark = entry.status === 'pending' ? '…' : entry.status === 'failed' ? '!' : '';
    return `${mark}${entry.deleted ? `deleted by ${entry.deleted.by}` : entry.text}${entry.edited ? '*' : ''}`;
  });
}

/** Until it is so; a test that waits in vain fails. */
export async function until(what: () => unknown, why = ''): Promise<void> {
  const deadline = performance.now() + 3_000;
  while (!what()) {
    if (performance.now() > deadline) throw new Error(`in vain: ${why || what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export { Connection };
