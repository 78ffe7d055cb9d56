// Everyone can use it: axe finds nothing on any screen, in both themes, wide and on a phone; and the keyboard alone is enough.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeBrowser, password, Raw, Server, Someone, until } from './bench';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const server = new Server();
let alice: Someone;
let bob: Someone;

beforeAll(async () => {
  await server.start();
  alice = await Someone.at(server);
  bob = await Someone.at(server);
  await alice.signUp('alice');
  await alice.goTo('tea');
  await bob.signUp('bob');
  await bob.goTo('tea');
  for (const text of ['Hello **there**, @alice', '```rust\nfn main() {}\n```', '> quoted\n- one\n- two', 'https://example.org', '👍']) await bob.say(text);
  await alice.sees('quoted');
  await alice.say('an answer');
  // The page is about to be loaded anew.
  await bob.sees('an answer');
}, 180_000);

afterAll(async () => {
  await alice?.leave();
  await bob?.leave();
  await closeBrowser();
  await server.stop();
});

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

/** `rules`: only these; otherwise all. */
async function isAccessible(page: Page, screen: string, rules?: readonly string[]): Promise<void> {
  // By the debugger, which the policy of the page does not bind.
  await page.evaluate(axe);
  const violations = await page.evaluate(async (only) => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } };
    return (await axe.run(only ? { runOnly: only } : {})).violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => ({ html: html.slice(0, 200), failureSummary })) }));
  }, rules);
  expect(violations, screen).toEqual([]);
}

/** As a link within the page goes there: without loading it anew. */
async function at(page: Page, path: string): Promise<void> {
  await page.evaluate((path) => {
    history.pushState(null, '', path);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
}

async function members(page: Page): Promise<void> {
  await page.getByRole('button', { name: /members/ }).first().click();
  await page.locator('#panel .member').first().waitFor();
}

async function unfolded(page: Page): Promise<void> {
  await page.locator('article').filter({ hasText: 'an answer' }).last().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'On the wire' }).click();
  await page.locator('#panel summary').first().waitFor();
  for (const summary of await page.locator('#panel summary').all()) await summary.click();
}

const screens: readonly { readonly name: string; open(page: Page): Promise<void> }[] = [
  { name: 'conversation', open: async (page) => void (await page.locator('#composer').waitFor()) },
  { name: 'members', open: members },
  { name: 'room details', open: async (page) => page.locator('main header button.title, header button.title').first().click() },
  { name: 'search', open: async (page) => page.keyboard.press('Control+f') },
  { name: 'the wire', open: unfolded },
  { name: 'switcher', open: async (page) => page.keyboard.press('Control+k') },
  { name: 'profile', open: (page) => at(page, '/settings/profile') },
  { name: 'account', open: (page) => at(page, '/settings/account') },
  { name: 'devices', open: (page) => at(page, '/settings/devices') },
  { name: 'notifications', open: (page) => at(page, '/settings/notifications') },
  { name: 'appearance', open: (page) => at(page, '/settings/appearance') },
  { name: 'language', open: (page) => at(page, '/settings/language') },
  { name: 'privacy', open: (page) => at(page, '/settings/privacy') },
  { name: 'rooms', open: (page) => at(page, '/rooms') },
  { name: 'an address of nothing', open: (page) => at(page, '/nowhere/at/all') },
];

async function walkThrough(someone: Someone, about: string, rules?: readonly string[], without?: RegExp): Promise<void> {
  const { page } = someone;
  await page.goto('/r/tea');
  for (const { name, open } of screens) {
    if (without?.test(name)) continue;
    await at(page, '/r/tea');
    await someone.composer().waitFor();
    await open(page);
    // What slides or fades has come to its place.
    await page.waitForFunction(() =>
      document.getAnimations().every(({ playState, effect }) => playState !== 'running' || effect?.getTiming().iterations === Infinity),
    );
    await isAccessible(page, `${name}, ${about}`, rules);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
}

test('axe finds nothing on any screen', () => walkThrough(alice, 'light'), 180_000);

test('nor in the dark', async () => {
  await alice.page.emulateMedia({ colorScheme: 'dark' });
  await walkThrough(alice, 'dark', ['color-contrast']);
  await alice.page.emulateMedia({ colorScheme: 'light' });
}, 180_000);

test('nor on a phone', async () => {
  await alice.page.setViewportSize({ width: 360, height: 740 });
  await walkThrough(alice, 'phone', undefined, /members|details|search|account|devices|notifications|language|privacy/);
  await alice.page.setViewportSize({ width: 1280, height: 800 });
}, 180_000);

test('axe finds nothing on the entry', async () => {
  const carol = await Someone.at(server);
  for (const theme of ['light', 'dark'] as const) {
    await carol.page.emulateMedia({ colorScheme: theme });
    await carol.page.goto('/');
    for (const way of ['Log in', 'Sign up', 'As a guest']) {
      await carol.page.getByRole('tab', { name: way }).click();
      await isAccessible(carol.page, `entry, ${way}, ${theme}`);
    }
  }
  await carol.leave();
});

test('the keyboard alone signs up, finds a room, talks, reacts, searches and leaves', async () => {
  const dora = await Someone.at(server);
  const { keyboard } = dora.page;
  const { page } = dora;
  await page.goto('/');
  await page.getByLabel('Username').waitFor();
  const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
  // To the tabs, and along them.
  await page.getByRole('tab', { name: 'Log in' }).focus();
  await keyboard.press('ArrowRight');
  expect(await focused()).toContain('Sign up');
  await keyboard.press('Tab');
  await keyboard.type('dora');
  await keyboard.press('Tab');
  await keyboard.type(password);
  await keyboard.press('Enter');
  await dora.isIn();
  await keyboard.press('Control+k');
  await page.getByRole('dialog').getByRole('combobox').waitFor();
  await keyboard.type('#tea');
  await page.getByRole('option', { name: /tea/ }).first().waitFor();
  await keyboard.press('Enter');
  await dora.composer().waitFor();
  await until(() => page.url().endsWith('/r/tea'));
  await dora.composer().focus();
  await keyboard.type('typed by keys alone');
  await keyboard.press('Enter');
  await bob.sees('typed by keys alone');
  await keyboard.press('Shift+Tab');
  await page.locator('#messages').focus();
  await keyboard.press('ArrowUp');
  await keyboard.press('ArrowUp');
  await keyboard.press('r');
  await page.getByText(/Reply to/).first().waitFor();
  await keyboard.press('Escape');
  await keyboard.press('Control+f');
  await until(() => page.evaluate(() => document.activeElement?.matches('#panel input[type=search]') ?? false));
  await keyboard.type('keys');
  await keyboard.press('Enter');
  await page.locator('#panel').getByText(/1 message found/).waitFor();
  await keyboard.press('Escape');
  await dora.leave();
}, 180_000);

test('whoever clicks a message and writes on is writing, and does nothing to it', async () => {
  await alice.goTo('tea');
  await alice.isCaughtUp();
  await alice.message('an answer').last().click();
  await alice.page.keyboard.type('replied');
  expect(await alice.composer().inputValue()).toBe('replied');
  await alice.composer().fill('');
  await alice.page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await alice.page.keyboard.type('written');
  expect(await alice.composer().inputValue()).toBe('written');
  await alice.composer().fill('');
  // Where one walked to it, keys act on it.
  await alice.composer().press('Shift+Tab');
  await alice.message('an answer').last().focus();
  await alice.page.keyboard.press('r');
  await alice.page.getByText('Reply to alice').waitFor();
  await alice.page.keyboard.press('Escape');
});

test('new messages are said to screen readers, politely', async () => {
  await alice.goTo('tea');
  await alice.isCaughtUp();
  await alice.page.goto('about:blank');
  await bob.say('said while nobody listened');
  await bob.page.locator('#messages article').filter({ hasText: 'said while nobody listened' }).first().waitFor();
  await alice.page.goto('/r/tea');
  await alice.sees('said while nobody listened');
  await alice.isCaughtUp();
  // What was said before she was there is history, which is not read out.
  expect(await alice.page.getByRole('log', { name: 'New messages' }).innerText()).toBe('');
  // Of two at once one is, and the other counted.
  await bob.say('heard by everyone');
  await alice.sees('heard by everyone');
  await bob.say('and heard again');
  await until(async () => {
    const regions = await alice.page.locator('[aria-live=polite], [role=status]').allInnerTexts();
    return regions.some((text) => /heard by everyone|and heard again/.test(text));
  });
});

test('what is said, what waits elsewhere and what becomes of the link are heard, each once', async () => {
  const { page } = alice;
  await alice.goTo('tea');
  await alice.isCaughtUp();
  await page.evaluate(() => {
    const heard: string[] = [];
    (window as { heard?: string[] }).heard = heard;
    for (const region of document.querySelectorAll('[aria-live=polite], [role=status]')) {
      let last = region.textContent?.trim() ?? '';
      new MutationObserver(() => {
        const text = region.textContent?.trim() ?? '';
        if (text && text !== last) heard.push(text);
        last = text;
      }).observe(region, { childList: true, subtree: true, characterData: true });
    }
  });
  const heard = (): Promise<string[]> => page.evaluate(() => (window as { heard?: string[] }).heard ?? []);
  const hears = (text: string): Promise<void> => until(async () => (await heard()).includes(text), `${text} is heard`);
  await bob.say('alone');
  await hears('bob: alone');
  // Soon behind it: each in words, as long as they are few; then their number.
  const dave = await Raw.at(server, 'dave');
  await dave.say('JOIN #tea', 'PRIVMSG #tea :one', 'PRIVMSG #tea :two');
  await hears('dave: one\ndave: two');
  await dave.say(...['a', 'b', 'c', 'd'].map((text) => `PRIVMSG #tea :${text}`));
  await hears('4 new messages');
  await alice.say('my own');
  await dave.say('PRIVMSG alice :psst');
  await hears('dave: 1 new for you');
  dave.leave();
  await server.kill();
  const gone = 'The link is gone. What you write is kept, and sent when it is back.';
  await hears(gone);
  // Attempts are not heard.
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await page.getByText('The server cannot be reached').waitFor();
  await server.start();
  await page.evaluate(() => dispatchEvent(new Event('online')));
  await hears('You are online again.');
  expect(await heard()).toEqual(['bob: alone', 'dave: one\ndave: two', '4 new messages', 'dave: 1 new for you', gone, 'You are online again.']);
}, 60_000);

test('whoever has something that could not be sent hears what others say all the same', async () => {
  await alice.goTo('tea');
  await alice.say('/mode +W 600');
  await bob.goTo('tea');
  await bob.say('the first one');
  await alice.sees('the first one');
  await bob.say('too soon');
  await bob.message('too soon').getByRole('button', { name: 'Send again' }).waitFor();
  await alice.say('said meanwhile');
  await until(async () => (await bob.page.getByRole('log', { name: 'New messages' }).innerText()) === 'alice: said meanwhile');
  await alice.say('/mode -W');
});
