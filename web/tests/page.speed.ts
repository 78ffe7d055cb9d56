// The page's figures, printed: a cold load, 100,000 messages scrolled, typing while 200 messages a second come.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, test } from 'vitest';
import { closeBrowser, Raw, Server, Someone, until } from './bench';

const messages = Number(process.env.MESSAGES ?? 100_000);
const server = new Server();
let alice: Someone;
let talker: Raw;

beforeAll(async () => {
  await server.start();
  talker = await Raw.at(server, 'talker');
  await talker.say('JOIN #long', 'JOIN #busy');
  const words = 'the kettle is on and there is tea for everyone who wants some of it';
  for (let at = 0; at < messages; at += 2_000) {
    await talker.say(...Array.from({ length: Math.min(2_000, messages - at) }, (_, index) => `PRIVMSG #long :${at + index} ${words.slice(0, 10 + ((at + index) % 57))}`));
  }
  alice = await Someone.at(server);
  await alice.signUp('alice');
  await alice.goTo('long');
  await alice.goTo('busy');
}, 300_000);

afterAll(async () => {
  talker?.leave();
  await alice?.leave();
  await closeBrowser();
  await server.stop();
});

function say(what: string, figures: Record<string, number | string>): void {
  const said = Object.entries(figures).map(([name, value]) => `${name} ${typeof value === 'number' ? Math.round(value * 10) / 10 : value}`);
  console.log(`${what}: ${said.join(', ')}`);
}

function quantile(values: readonly number[], part: number): number {
  return [...values].sort((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0;
}

/** Megabytes that the page's process has for itself. */
function memoryOf(page: Page): Promise<{ heap: number; process: number }> {
  return (async () => {
    const session = await page.context().newCDPSession(page);
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    await session.detach();
    const lines = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' }).split('\n');
    const renderers = lines.filter((line) => line.includes('--type=renderer')).map((line) => line.trim().split(' ')[0] ?? '');
    // What the browser's task manager shows: memory that is the page's alone, not the program that all share.
    const privates = renderers.map((pid) => {
      const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
      return [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB/gm)].reduce((sum, [, size]) => sum + Number(size), 0);
    });
    return { heap: usedSize / 1e6, process: Math.max(...privates) / 1e3 };
  })();
}

test('a cold load, the processor four times slower', async () => {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    // Nothing is kept but the cookie.
    await alice.page.goto('/join');
    await alice.page.evaluate(async () => {
      for (const { name } of await indexedDB.databases()) if (name) indexedDB.deleteDatabase(name);
      for (const name of await caches.keys()) await caches.delete(name);
      for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
    });
    const page = await alice.tab();
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.clearBrowserCache');
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 });
    // Told by the page itself: whoever asked it from here would make it work.
    await session.send('Runtime.enable');
    await session.send('Runtime.addBinding', { name: 'seen' });
    const seen = new Promise<number>((resolve) => session.on('Runtime.bindingCalled', ({ payload }) => resolve(Number(payload))));
    await page.addInitScript(() => {
      const look = (): void => {
        const row = document.querySelector('#messages.ready article');
        if (row && row.getBoundingClientRect().height > 0) (window as unknown as { seen(at: string): void }).seen(String(performance.now()));
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto('/r/long', { waitUntil: 'commit' });
    times.push(await seen);
    await page.close();
  }
  say('cold load to the first message, ms', { median: quantile(times, 0.5), worst: Math.max(...times) });
});

/** Scrolls up by so much a frame, until there is nothing more or so many frames have gone by; gives how long each took. */
function scrollUp(page: Page, by: number, most: number): Promise<number[]> {
  return page.evaluate(
    async ({ by, most }) => {
      const list = document.querySelector('#messages');
      if (!list) throw new Error('no list');
      const deltas: number[] = [];
      let last = performance.now();
      let still = 0;
      while (still < 100 && deltas.length < most) {
        await new Promise(requestAnimationFrame);
        const now = performance.now();
        deltas.push(now - last);
        last = now;
        still = list.scrollTop < 5 ? still + 1 : 0;
        list.scrollTop -= by;
      }
      return still > 0 ? deltas.slice(0, -still) : deltas;
    },
    { by, most },
  );
}

function sayFrames(what: string, frames: readonly number[]): void {
  say(what, {
    frames: frames.length,
    'a second': (1_000 * frames.length) / frames.reduce((sum, frame) => sum + frame, 0),
    'median ms': quantile(frames, 0.5),
    'p95 ms': quantile(frames, 0.95),
    'p99 ms': quantile(frames, 0.99),
    'worst ms': Math.max(...frames),
  });
}

test('scrolled through all messages', async () => {
  await alice.page.goto('/r/long');
  await alice.sees(`${messages - 1} `);
  const before = await memoryOf(alice.page);
  sayFrames('scrolled up by 9,000 pixels a second', await scrollUp(alice.page, 150, 600));
  const began = Date.now();
  sayFrames('and by 24,000, through all that there is', await scrollUp(alice.page, 400, Number.POSITIVE_INFINITY));
  const after = await memoryOf(alice.page);
  const first = await alice.texts();
  say('then', {
    messages,
    'the first one': first[0]?.slice(0, 6) ?? '',
    seconds: (Date.now() - began) / 1_000,
    'heap MB': after.heap,
    'heap before MB': before.heap,
    'process MB': after.process,
    'process before MB': before.process,
  });
}, 900_000);

test('typing while 200 messages a second come', async () => {
  await alice.page.goto('/r/busy');
  await alice.composer().waitFor();
  await until(async () => (await alice.page.locator('.banner').count()) === 0);
  await alice.page.evaluate(() => {
    const latencies: number[] = [];
    (window as { latencies?: number[] }).latencies = latencies;
    addEventListener(
      'keydown',
      (event) => {
        const { timeStamp } = event;
        // The next frame, and what comes behind its painting.
        requestAnimationFrame(() => {
          const channel = new MessageChannel();
          channel.port1.onmessage = () => latencies.push(performance.now() - timeStamp);
          channel.port2.postMessage(null);
        });
      },
      true,
    );
  });
  let stop = false;
  let said = 0;
  const talk = (async () => {
    const began = Date.now();
    while (!stop) {
      const due = Math.floor(((Date.now() - began) / 1_000) * 200) - said;
      if (due > 0) {
        await talker.say(...Array.from({ length: due }, (_, index) => `PRIVMSG #busy :${said + index} and so on and so forth`));
        said += due;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return said / ((Date.now() - began) / 1_000);
  })();
  await alice.composer().focus();
  for (let key = 0; key < 150; key += 1) {
    await alice.page.keyboard.press('x');
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  stop = true;
  const rate = await talk;
  const latencies = await alice.page.evaluate(() => (window as { latencies?: number[] }).latencies ?? []);
  say('typing', {
    'messages a second': rate,
    keys: latencies.length,
    'median ms': quantile(latencies, 0.5),
    'p95 ms': quantile(latencies, 0.95),
    'worst ms': Math.max(...latencies),
  });
});
