// The service worker, with a made-up browser around it.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Answer {
  readonly status: number;
  readonly type?: string;
  readonly content?: string;
}

const page = (content: string): Answer => ({ status: 200, type: 'text/html; charset=utf-8', content });

/** A browser that has been here: what the worker answers to a navigation, and "browser" where it leaves that to it. */
function installed(): { visit(path: string, server: Answer | null): Promise<string> } {
  const kept = new Map<string, Answer>([['/', page('kept')]]);
  const cache = { match: (path: string) => Promise.resolve(kept.get(path)), put: (path: string, answer: Answer) => Promise.resolve(kept.set(path, answer)) };
  let listener: (event: unknown) => void = () => undefined;
  let server: Answer | null = null;
  const self = {
    location: new URL('https://chat.example/'),
    addEventListener: (name: string, listen: typeof listener) => name === 'fetch' && (listener = listen),
  };
  const fetch = (): Promise<unknown> => {
    if (server === null) return Promise.reject(new TypeError('no network'));
    const { status, type = 'text/html', content } = server;
    const response = { status, ok: status === 200, type: 'basic', headers: new Headers({ 'content-type': type }), content, clone: () => server };
    return Promise.resolve(response);
  };
  const source = readFileSync('build/worker.js', 'utf8').replace('= __FILES__', '= []');
  new Function('self', 'caches', 'fetch', source)(self, { open: () => Promise.resolve(cache) }, fetch);
  return {
    visit: async (path, answer) => {
      server = answer;
      let response: Promise<Answer> | undefined;
      const request = { url: `https://chat.example${path}`, method: 'GET', mode: 'navigate' };
      listener({ request, respondWith: (given: Promise<Answer>) => (response = given) });
      return response ? ((await response).content ?? '') : 'browser';
    },
  };
}

test('the page is had from the server, and as it was the last time where that is not to be had', async () => {
  const browser = installed();
  expect(await browser.visit('/r/tea', null)).toBe('kept');
  expect(await browser.visit('/r/tea', page('newer'))).toBe('newer');
  for (const path of ['/', '/r/tea', '/r', '/rooms', '/search?q=tea', '/settings/devices', '/invite/tea/token']) {
    expect(await browser.visit(path, null), path).toBe('newer');
  }
  // What the server itself says no with is told.
  expect(await browser.visit('/r/tea', { status: 403, content: 'not you' })).toBe('not you');
});

test('a proxy that cannot reach the server is as no network', async () => {
  const browser = installed();
  for (const status of [500, 502, 503, 504]) expect(await browser.visit('/r/tea', { status, content: 'Bad Gateway' })).toBe('kept');
});

test('nothing else is kept as the page', async () => {
  const browser = installed();
  for (const path of ['/icon.svg', '/manifest.webmanifest', '/licences.txt', '/join', '/export/1', '/ws', '/roomsandmore']) {
    expect(await browser.visit(path, page('something else')), path).toBe('browser');
  }
  await browser.visit('/r/tea', { status: 200, type: 'image/svg+xml', content: '<svg>' });
  await browser.visit('/r/tea', { status: 404, content: 'nothing' });
  expect(await browser.visit('/r/tea', null)).toBe('kept');
});
