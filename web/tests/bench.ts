// A real chat_server and real browsers for the tests beside this (see README.md).

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server as NodeServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterEach, expect } from 'vitest';

const binary = process.env.CHAT_SERVER ?? '../target/debug/chat_server';
export const clientBinary = process.env.CHAT_CLIENT ?? '../target/debug/chat_client';
/** A built page to be shown instead of the one within the server: while a page is worked on, without building the server. */
export const otherPage = process.env.PARLOR_PAGE;

/** An address that is of no machine (RFC 5737): as where a page comes over a network. */
export const anotherMachine = '192.0.2.7';

export const password = 'a few easy words';

export class Server {
  /** Where the page is. */
  port = 0;
  /** Where the server itself listens: the same, unless another page stands before it. */
  httpPort = 0;
  ircPort = 0;
  #before: NodeServer | null = null;
  readonly folder = mkdtempSync(join(tmpdir(), 'parlor-page-'));
  #process: ChildProcess | null = null;

  /** More of the configuration, as of the next start. It goes on within `[accounts]`. */
  constructor(public settings = '') {}

  get address(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get isUp(): boolean {
    return this.#process !== null;
  }

  async start(): Promise<void> {
    const file = join(this.folder, 'parlor.toml');
    // At once on the ports of the first time, or on any.
    writeFileSync(
      file,
      `[server]
name = "parlor.example"
network = "Tea House"
description = "A friendly place"
[[listener]]
address = "127.0.0.1:${this.ircPort}"
protocol = "irc"
[[listener]]
address = "127.0.0.1:${this.httpPort}"
protocol = "http"
[storage]
path = "data"
[flood]
exempt = ["127.0.0.0/8"]
[accounts]
password_cost = "test"
${this.settings}`,
    );
    const child = spawn(binary, ['--config', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#process = child;
    let said = '';
    await new Promise<void>((resolve, reject) => {
      const look = (data: Buffer): void => {
        said += data.toString();
        if (!said.includes('Ready')) return;
        this.ircPort = Number(/irc:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
        this.httpPort = Number(/http:\/\/127\.0\.0\.1:(\d+)/.exec(said)?.[1]);
        resolve();
      };
      child.stdout?.on('data', look);
      child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
      child.on('error', reject);
      child.on('exit', () => reject(new Error(`the server ended:\n${said}`)));
    });
    if (otherPage) this.#before ??= await pageBefore(this, otherPage);
    this.port = this.#before ? (this.#before.address() as AddressInfo).port : this.httpPort;
  }

  /** As when the power goes. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    this.#before?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let browser: Browser | null = null;

export async function launch(): Promise<Browser> {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    // As root there is no sandbox; in a container there may be no room in /dev/shm.
    // `anotherMachine` is this one, but browsers do not know that.
    args: ['--no-sandbox', '--disable-dev-shm-usage', `--host-resolver-rules=MAP ${anotherMachine} 127.0.0.1`],
  });
  return browser;
}

export async function closeBrowser(): Promise<void> {
  await browser?.close();
  browser = null;
}

/** Those whose browsers are open. */
const present = new Set<Someone>();

// How it looked to everyone when it failed, for whoever has to find out why.
afterEach(async ({ task }) => {
  const folder = process.env.PARLOR_SHOTS;
  if (!folder || task.result?.state !== 'fail') return;
  let number = 0;
  for (const someone of present) {
    for (const page of someone.context.pages()) {
      await page.screenshot({ path: join(folder, `${task.name.replace(/\W+/g, '_')}.${number++}.png`) });
    }
  }
});

/** Someone at a browser of her own. */
export class Someone {
  /** What must not be: violations of the policy, errors of scripts. */
  readonly complaints: string[] = [];
  page!: Page;

  private constructor(
    readonly server: Server,
    readonly context: BrowserContext,
  ) {}

  static async at(server: Server, options: { width?: number; height?: number; locale?: string; serviceWorkers?: 'block'; touch?: boolean } = {}): Promise<Someone> {
    const context = await (await launch()).newContext({
      viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
      locale: options.locale ?? 'en-GB',
      serviceWorkers: options.serviceWorkers ?? 'allow',
      timezoneId: 'Europe/Berlin',
      hasTouch: options.touch ?? false,
      isMobile: options.touch ?? false,
      // What moves takes its time: with it once in a while, not each time.
      reducedMotion: process.env.PARLOR_MOTION ? 'no-preference' : 'reduce',
      baseURL: server.address,
    });
    const someone = new Someone(server, context);
    context.setDefaultTimeout(15_000);
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    someone.page = await someone.tab();
    present.add(someone);
    return someone;
  }

  async tab(path?: string): Promise<Page> {
    const page = await this.context.newPage();
    page.on('pageerror', (error) => this.complaints.push(`error: ${error.stack ?? error.message}`));
    page.on('dialog', (dialog) => {
      this.complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      const text = message.text();
      // What the network says of a server that is away is no mistake of the page.
      if (message.type() !== 'error' || /WebSocket connection|Failed to load resource|net::ERR/.test(text)) return;
      // Every answer has this header (crates/server/src/page.rs); over plain http from another machine browsers say that they ignore it.
      if (text.startsWith('The Cross-Origin-Opener-Policy header has been ignored') && page.url().startsWith(`http://${anotherMachine}:`)) return;
      this.complaints.push(`console: ${text}`);
    });
    page.on('websocket', (socket) => {
      const asked = new Map<string, number>();
      socket.on('framesent', ({ payload }) => {
        const line = String(payload).replace(/^@\S+ /, '').trim();
        const times = (asked.get(line) ?? 0) + 1;
        asked.set(line, times);
        // A page that answers an answer with the same question asks without end.
        if (times === 50 && /^(WHOIS|WHO|CHATHISTORY|METADATA|UNREAD|PINS|REPORTS|DEVICES|MODE|LIST)\b/.test(line)) this.complaints.push(`asked again and again: ${line}`);
      });
    });
    if (path) await page.goto(path);
    return page;
  }

  /** A new account, from the entry. */
  async signUp(username: string, path = '/'): Promise<void> {
    await this.page.goto(path);
    await this.page.getByRole('tab', { name: 'Sign up' }).click();
    await this.page.getByLabel('Username').fill(username);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.page.getByRole('button', { name: 'Create account' }).click();
    await this.isIn();
  }

  async logIn(username: string, secret = password): Promise<void> {
    await this.page.goto('/');
    await this.page.getByLabel('Username').fill(username);
    await this.page.getByLabel('Password', { exact: true }).fill(secret);
    await this.page.getByRole('button', { name: 'Log in' }).click();
  }

  async isIn(page = this.page): Promise<void> {
    await page.getByRole('navigation', { name: 'Conversations' }).waitFor();
  }

  /** Goes to a room by its address, entering it if need be. */
  async goTo(room: string, page = this.page): Promise<void> {
    await page.goto(`/r/${encodeURIComponent(room)}`);
    const join = page.getByRole('button', { name: 'Join', exact: true });
    await until(async () => {
      if (await this.composer(page).isVisible()) return true;
      // Whoever is in the room already, and is told so only now, has it before her for a moment.
      if (await join.isVisible()) await join.click({ timeout: 1_000 }).catch(() => undefined);
      return false;
    }, `${room} is entered`);
  }

  /** The browser has it on its disk: that is written a moment after it was seen. */
  async keeps(text: string): Promise<void> {
    const isKept = (text: string): Promise<boolean> =>
      new Promise((resolve) => {
        const request = indexedDB.open('parlor');
        request.onsuccess = () => {
          const all = request.result.transaction('conversations').objectStore('conversations').getAll();
          all.onsuccess = () => {
            request.result.close();
            resolve(JSON.stringify(all.result).includes(text));
          };
        };
      });
    await until(() => this.page.evaluate(isKept, text), `${text} is kept`);
  }

  /** All that was said before is there: from now on it is live. */
  async isCaughtUp(page = this.page): Promise<void> {
    await page.locator('#messages[aria-busy=false]').waitFor();
  }

  composer(page = this.page): ReturnType<Page['locator']> {
    return page.locator('#composer');
  }

  async say(text: string, page = this.page): Promise<void> {
    await this.composer(page).fill(text);
    await this.composer(page).press('Enter');
  }

  /** Whoever goes by the keyboard goes on from where she was, not from the beginning of the page. */
  async keepsFocus(after: string): Promise<void> {
    await until(() => this.page.evaluate(() => document.hasFocus() && document.activeElement !== document.body), `something has the focus after ${after}`);
  }

  /** The row of the message with this text. */
  message(text: string, page = this.page): ReturnType<Page['locator']> {
    return page.locator('#messages article').filter({ hasText: text });
  }

  async sees(text: string, page = this.page): Promise<void> {
    await this.message(text, page).first().waitFor();
  }

  /** All texts that stand there, in their order. */
  async texts(page = this.page): Promise<string[]> {
    // A row that was not measured yet is there without being seen.
    const texts = await page.locator('#messages article .text').allTextContents();
    return texts.map((text) => text.trim());
  }

  /** Nothing went wrong that nobody saw; and the browser is closed. */
  async leave(): Promise<void> {
    present.delete(this);
    await this.context.close();
    expect(this.complaints).toEqual([]);
  }
}

/** The same policy as the server's (crates/server/src/page.rs). */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; " +
  'trusted-types svelte-trusted-html parlor-worker';

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** Stands before the server, answers with the files of a folder what is the page's, and hands on everything else as it is. */
function pageBefore(server: Server, folder: string): Promise<NodeServer> {
  const packed = new Map<string, Buffer>();
  const file = (path: string, coding: 'br' | 'gzip'): { body: Buffer; type: string } => {
    const whole = join(folder, path);
    const exists = path !== '/' && statSync(whole, { throwIfNoEntry: false })?.isFile();
    const shown = exists ? whole : join(folder, 'index.html');
    let body = packed.get(`${coding} ${shown}`);
    if (!body) packed.set(`${coding} ${shown}`, (body = (coding === 'br' ? brotliCompressSync : gzipSync)(readFileSync(shown))));
    return { body, type: types[extname(shown)] ?? 'application/octet-stream' };
  };
  // As the server does for whoever seems to be logged in (crates/server/src/http/assets.rs).
  const manifest = JSON.parse(readFileSync(join(folder, '.vite/manifest.json'), 'utf8')) as Record<string, { file: string; css?: string[]; imports?: string[] }>;
  const inside = new Set(['src/ui/layout/Shell.svelte']);
  for (const key of inside) for (const imported of manifest[key]?.imports ?? []) inside.add(imported);
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  const links = [...inside]
    .flatMap((key) => [manifest[key]?.file ?? [], manifest[key]?.css ?? []].flat())
    .filter((path) => !page.includes(path))
    .map((path) => (path.endsWith('.css') ? `</${path}>; rel=preload; as=style; crossorigin` : `</${path}>; rel=modulepreload`));
  const ours = (message: IncomingMessage): string | null => {
    const { pathname } = new URL(message.url ?? '/', server.address);
    return message.method !== 'GET' || /^\/(session|login|register|logout|export|join|ws|healthz|metrics)(\/|$)/.test(pathname) ? null : pathname;
  };
  const onward = (message: IncomingMessage): ClientRequest =>
    request({ host: '127.0.0.1', port: server.httpPort, path: message.url, method: message.method, headers: message.headers });
  const listening = createServer((message, answer) => {
    const path = ours(message);
    if (path === null) {
      const behind = onward(message);
      behind.on('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      });
      behind.on('error', () => answer.destroy());
      message.pipe(behind);
      return;
    }
    // Without encryption browsers take no Brotli from another machine.
    const coding = message.headers['accept-encoding']?.includes('br') ? 'br' : 'gzip';
    const { body, type } = file(path, coding);
    if (type === types['.html'] && /parlor-[0-9a-f]+=/.test(message.headers.cookie ?? '')) answer.setHeader('link', links);
    const kept = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    answer.writeHead(200, { 'content-type': type, 'content-encoding': coding, 'cache-control': kept, 'content-security-policy': policy }).end(body);
  });
  listening.on('upgrade', (message, socket: Socket, head) => {
    const behind = connect(server.httpPort, '127.0.0.1');
    for (const [one, other] of [[socket, behind], [behind, socket]] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
    const headers = message.rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${message.rawHeaders[index + 1] ?? ''}`] : []));
    behind.write(`${message.method} ${message.url} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    behind.write(head);
    socket.pipe(behind).pipe(socket);
  });
  return new Promise((resolve) => listening.listen(0, '127.0.0.1', () => resolve(listening)));
}

/** Until it is so. */
export async function until(what: () => Promise<boolean> | boolean, why = ''): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`in vain: ${why || what.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Everything that is open goes, as whoever presses Escape has it. */
export async function closeAll(page: Page): Promise<void> {
  const open = page.locator('dialog[open], [role=menu], [role=listbox], #panel, .composer .banner');
  await until(async () => {
    if ((await open.count()) === 0) return true;
    await page.keyboard.press('Escape');
    return false;
  }, 'Escape closes all');
}

/** Someone at chat_client, line by line. */
export class Terminal {
  readonly lines: Record<string, unknown>[] = [];
  readonly #process: ChildProcess;

  constructor(server: Server, nick: string, room: string) {
    const arguments_ = ['--json', '--lines', '--guest', `${nick}@127.0.0.1:${server.ircPort}`, '--plain', room];
    this.#process = spawn(clientBinary, arguments_, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, HOME: server.folder } });
    let rest = '';
    this.#process.stdout?.on('data', (data: Buffer) => {
      rest += data.toString();
      const whole = rest.split('\n');
      rest = whole.pop() ?? '';
      for (const line of whole) {
        try {
          this.lines.push(JSON.parse(line) as Record<string, unknown>);
        } catch {
          // Words for people.
        }
      }
    });
  }

  say(text: string): void {
    this.#process.stdin?.write(`${text}\n`);
  }

  async sees(text: string): Promise<void> {
    await until(() => this.lines.some((line) => JSON.stringify(line).includes(text)), `chat_client sees ${text}`);
  }

  async leave(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.stdin?.end();
    await ended;
  }
}

/** Someone with a bare IRC connection: says lines, and waits until the server has dealt with them. */
export class Raw {
  readonly #socket: Socket;
  #heard = '';
  #tokens = 0;

  private constructor(server: Server) {
    this.#socket = connect(server.ircPort, '127.0.0.1');
    this.#socket.on('data', (data: Buffer) => (this.#heard += data.toString()));
  }

  static async at(server: Server, nick: string): Promise<Raw> {
    const raw = new Raw(server);
    const wanted = 'message-tags batch labeled-response echo-message draft/message-edit draft/message-redaction draft/metadata-2 draft/multiline';
    await raw.say('CAP LS 302', `CAP REQ :${wanted}`, `NICK ${nick}`, `USER ${nick} 0 * :${nick}`, 'CAP END');
    return raw;
  }

  /** Everything that came back. */
  async say(...lines: readonly string[]): Promise<string> {
    const token = `done${this.#tokens++}`;
    this.#heard = '';
    this.#socket.write(`${[...lines, `PING ${token}`].join('\r\n')}\r\n`);
    await until(() => this.#heard.includes(`:${token}`), `an answer to ${lines[0] ?? ''}`);
    return this.#heard;
  }

  leave(): void {
    this.#socket.destroy();
  }
}
