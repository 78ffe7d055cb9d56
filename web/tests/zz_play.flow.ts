import { afterAll, beforeAll, test } from 'vitest';
import type { Page } from 'playwright-core';
import { closeBrowser, Raw, Server, Someone, Terminal, until } from './bench';
const server = new Server();
let alice: Someone, bob: Someone, carol: Terminal, dave: Raw;
const out = '/tmp/shots8/play/';
beforeAll(async () => {
  await server.start();
  [alice, bob] = await Promise.all([Someone.at(server), Someone.at(server)]);
  await alice.signUp('alice'); await bob.signUp('bob');
  await alice.goTo('tea'); await bob.goTo('tea');
  carol = new Terminal(server, 'carol', '#tea');
  await until(async () => (await alice.page.getByText('carol joined').count()) > 0);
  dave = await Raw.at(server, 'dave'); await dave.say('JOIN #tea');
  await bob.say('Who makes the tea today?');
  await alice.sees('Who makes the tea today?');
  await alice.say('I do. Give me **five minutes**, the kettle is `on`.');
  carol.say('And I bring cake. A very long line follows: ' + 'lorem ipsum dolor sit amet '.repeat(12));
  await alice.sees('And I bring cake');
  await bob.say('@alice this is what I run:\n```rust\nfn main() {\n    println!("tea");\n}\n```\nand https://example.org/a/very/long/address/that/goes/on/and/on/and/on/and/on?with=query&and=more');
  await alice.sees('this is what I run');
  await bob.say('> quoted\n- one\n- two\n1. first\n2. second\n# A heading\n||a spoiler|| and ~~struck~~ _emphasis_');
  await bob.say('👍🎉');
  await alice.sees('👍🎉');
  const q = alice.message('Who makes the tea today?').first();
  await q.hover(); await alice.page.getByRole('button', { name: 'Reply', exact: true }).first().click();
  await alice.say('Reply: the kettle whistles.');
  await bob.sees('the kettle whistles');
  const r = bob.message('the kettle whistles').last(); await r.hover();
  await bob.page.locator('.tools button').first().click();
  for (const t of ['short', 'and another', 'x '.repeat(300)]) await bob.say(t);
}, 180_000);
afterAll(async () => { await carol?.leave(); dave?.leave(); await alice?.leave(); await bob?.leave(); await closeBrowser(); await server.stop(); });
const at = (page: Page, path: string) => page.evaluate((path) => { history.pushState(null, '', path); dispatchEvent(new PopStateEvent('popstate')); }, path);
const screens: [string, (p: Page) => Promise<unknown>][] = [
  ['conv', async () => undefined],
  ['thread', async (p) => { const m = p.locator('#messages .thread').first(); if (await m.count()) await m.click(); }],
  ['members', async (p) => { await p.getByRole('button', { name: /members|Mitglieder/ }).first().click(); await p.locator('#panel .member').first().waitFor(); }],
  ['person', async (p) => { await at(p, '/r/tea'); await p.locator('article .name').first().click(); await new Promise((r) => setTimeout(r, 300)); }],
  ['details', async (p) => p.locator('header button.title').first().click()],
  ['search', async (p) => { await p.keyboard.press('Control+f'); await p.keyboard.type('kettle'); await p.keyboard.press('Enter'); await new Promise((r) => setTimeout(r, 1500)); }],
  ['switcher', async (p) => p.keyboard.press('Control+k')],
  ['keys', async (p) => { await p.keyboard.press('Escape'); await at(p, '/r/tea'); await p.locator('#messages').click({ position: { x: 5, y: 5 } }); await p.keyboard.press('?'); }],
  ['rooms', async (p) => { await p.keyboard.press('Escape'); await at(p, '/rooms'); }],
  ...['profile', 'account', 'devices', 'notifications', 'appearance', 'privacy'].map((part): [string, (p: Page) => Promise<unknown>] => [part, (p) => at(p, '/settings/' + part)]),
];
const shapes: { name: string; w: number; h: number; dark?: boolean; de?: boolean; contrast?: boolean; compact?: boolean }[] = [
  { name: 'w320', w: 320, h: 568 }, { name: 'w320de', w: 320, h: 568, de: true, dark: true }, { name: 'wide', w: 1280, h: 800 }, { name: 'dark', w: 1280, h: 800, dark: true }, { name: 'contrast', w: 1024, h: 700, contrast: true }, { name: 'huge', w: 2560, h: 1200, de: true }, { name: 'w700', w: 700, h: 800, compact: true },
];
for (const s of shapes) test(s.name, async () => {
  if (process.env.SHAPE && !process.env.SHAPE.split(',').includes(s.name)) return;
  const p = alice.page;
  await p.setViewportSize({ width: s.w, height: s.h });
  await p.emulateMedia({ colorScheme: s.dark ? 'dark' : 'light', contrast: s.contrast ? 'more' : 'no-preference', forcedColors: 'none' });
  await p.evaluate((de) => localStorage.setItem('parlor.language', de ? 'de' : 'en'), s.de ?? false);
  await p.goto('/r/tea'); await p.locator('#messages.ready article').first().waitFor();
  for (const [name, open] of screens) {
    try { await open(p); } catch (e) { console.log(s.name, name, (e as Error).message.slice(0, 200)); }
    await new Promise((r) => setTimeout(r, 350));
    const wide = await p.evaluate(() => { const bad: string[] = []; if (document.documentElement.scrollWidth > innerWidth) bad.push('page wider ' + document.documentElement.scrollWidth); for (const e of document.querySelectorAll<HTMLElement>('body *')) { const r = e.getBoundingClientRect(); if (r.width > 1 && r.right > innerWidth + 1 && getComputedStyle(e).position !== 'fixed' && !e.closest('pre, .cut, [aria-hidden], .unseen, nav ')) { bad.push(e.tagName + '.' + e.className + ' ' + Math.round(r.right)); if (bad.length > 4) break; } } return bad; });
    if (wide.length) console.log(s.name, name, 'WIDE', wide.join(' | '));
    await p.screenshot({ path: `${out}${s.name}-${name}.png` });
    if (name !== 'members') { await p.keyboard.press('Escape'); }
    await at(p, '/r/tea');
    await new Promise((r) => setTimeout(r, 150));
  }
}, 120_000);
