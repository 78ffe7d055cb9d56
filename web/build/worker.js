// The service worker: the page opens without a network, and its hashed files are fetched once. What is said never passes
// here. `__FILES__` and `__VERSION__` are filled in by the build (plugins.ts).

const shell = 'shell-__VERSION__';
const assets = 'assets';
const files = __FILES__;
/** Where their names are kept, for the worker that comes after this one. */
const list = '/assets';
/** The page's addresses, as in crates/server/src/http/assets.rs; at others the server has files, and what is no page. */
const ofThePage = /^\/(?:$|(?:invite|r|rooms|search|settings)(?:\/|$))/;
const patience = 4_000;

self.addEventListener('install', (event) => {
  event.waitUntil(
    (async () => {
      await (await caches.open(shell)).add(new Request('/', { cache: 'reload' }));
      const known = await caches.open(assets);
      // All of them, so that every part opens without a network; one that cannot be had now is fetched when it is wanted.
      await Promise.allSettled(files.map(async (file) => (await known.match(file)) || known.add(file)));
      await self.skipWaiting();
    })(),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) if (name !== shell && name !== assets) await caches.delete(name);
      const known = await caches.open(assets);
      // Also those of the page before: it may still be open somewhere, and guests would be gone if they had to load it anew.
      const before = await (await known.match(list))?.json();
      await known.put(list, new Response(JSON.stringify(files)));
      const present = new Set([list, ...files, ...(before ?? [])]);
      for (const request of await known.keys()) if (!present.has(new URL(request.url).pathname)) await known.delete(request);
      await self.clients.claim();
    })(),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request));
  else if (request.mode === 'navigate' && ofThePage.test(url.pathname)) event.respondWith(page(request));
});

async function asset(request) {
  const known = await caches.open(assets);
  const kept = await known.match(request);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok) await known.put(request, response.clone());
  return response;
}

/** From the server; where that is not to be had, or a proxy before it says so, as it was the last time. */
async function page(request) {
  const known = await caches.open(shell);
  const response = await fetch(request, { signal: AbortSignal.timeout(patience) }).catch((error) => ({ status: 504, error }));
  if (response.status < 500) {
    const isPage = response.ok && response.type === 'basic' && response.headers.get('content-type')?.startsWith('text/html');
    if (isPage) await known.put('/', response.clone());
    return response;
  }
  const kept = await known.match('/');
  if (kept) return kept;
  if (response.error) throw response.error;
  return response;
}
