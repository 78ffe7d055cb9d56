// The page's figures, printed: a cold load, 100,000 messages scrolled, typing while 200 messages a second come.

import { execFileSync } from 'node:child_process';
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
    const lines = execFileSync('ps', ['-eo', 'rss,args'], { encoding: 'utf8' }).split('\n');
    const renderers = lines.filter((line) => line.includes('--type=renderer')).map((line) => Number(line.trim().split(' ')[0]));
    return { heap: usedSize / 1e6, process: Math.max(...renderers) / 1e3 };
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
    await page.addInitScript(() => {
      const look = (): void => {
        const row = document.querySelector('#messages.ready article');
        if (row && row.getBoundingClientRect().height > 0) (window as { seen?: number }).seen = performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    await page.goto('/r/long');
    await page.waitForFunction(() => (window as { seen?: number }).seen);
    times.push(await page.evaluate(() => (window as { seen?: number }).seen ?? 0));
    await page.close();
  }
  say('cold load to the first message, ms', { median: quantile(times, 0.5), worst: Math.max(...times) });
});

test('scrolled through all messages', async () => {
  await alice.page.goto('/r/long');
  await alice.sees(`${messages - 1} `);
  const before = await memoryOf(alice.page);
  const began = Date.now();
  const frames = await alice.page.evaluate(async () => {
    const list = document.querySelector('#messages');
    if (!list) throw new Error('no list');
    const deltas: number[] = [];
    let last = performance.now();
    let still = 0;
    let height = 0;
    while (still < 300) {
      await new Promise(requestAnimationFrame);
      const now = performance.now();
      deltas.push(now - last);
      last = now;
      list.scrollTop -= 400;
      if (list.scrollTop < 5 && list.scrollHeight === height) still += 1;
      else still = 0;
      height = list.scrollHeight;
    }
    return deltas.slice(0, -300);
  });
  const after = await memoryOf(alice.page);
  const first = await alice.texts();
  say('scrolled up', {
    messages,
    'the first one': first[0]?.slice(0, 6) ?? '',
    seconds: (Date.now() - began) / 1_000,
    frames: frames.length,
    'median ms': quantile(frames, 0.5),
    'p95 ms': quantile(frames, 0.95),
    'p99 ms': quantile(frames, 0.99),
    'worst ms': Math.max(...frames),
    'frames over 17.5 ms %': (100 * frames.filter((frame) => frame > 17.5).length) / frames.length,
    'heap MB': after.heap,
    'heap before MB': before.heap,
    'process MB': after.process,
  });
});

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
