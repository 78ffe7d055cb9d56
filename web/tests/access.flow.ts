// Everyone can use it: axe finds nothing on any screen, in both themes, wide and on a phone; and the keyboard alone is enough.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeAll, closeBrowser, password, Raw, Server, Someone, until } from './bench';

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
  for (const text of ['@alice, hello **there**', '```rust\nfn main() {}\n```', '> quoted\n- one\n- two', 'https://example.org', '👍']) await bob.say(text);
  await alice.sees('quoted');
  await alice.say('an answr');
  await bob.sees('an answr');
  await alice.composer().press('ArrowUp');
  await until(async () => (await alice.composer().inputValue()) === 'an answr');
  await alice.composer().fill('an answer');
  await alice.composer().press('Enter');
  await bob.sees('an answer');
  // What is done with a message is done with the last one: those further up may have no row.
  await bob.say('@alice, back again');
  await alice.sees('back again');
  const [dave, erin] = [await Raw.at(server, 'dave'), await Raw.at(server, 'erin')];
  const said = await dave.say('JOIN #tea', '@label=1 PRIVMSG #tea :rude words');
  const rude = /msgid=([^;\s]+)[^\n]*rude words/.exec(said)?.[1] ?? '';
  await erin.say('JOIN #tea', `REPORT #tea ${rude} :rude`, `@+draft/reply=${rude};+draft/react=👎 TAGMSG #tea`);
  await alice.page.getByRole('button', { name: /1 open report/ }).first().waitFor();
  await alice.message('back again').last().focus();
  await alice.page.keyboard.press('p');
  await alice.page.getByRole('button', { name: /1 pinned/ }).waitFor();
  for (const one of [dave, erin]) one.leave();
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
async function isAccessible(page: Page, screen: string, rules?: readonly string[], top = ''): Promise<void> {
  // What slides or fades has come to its place.
  await page.waitForFunction(() =>
    document.getAnimations().every(({ playState, effect }) => playState !== 'running' || effect?.getTiming().iterations === Infinity),
  );
  // By the debugger, which the policy of the page does not bind.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe);
  const violations = await page.evaluate(async ([only, top]) => {
    const { axe } = window as unknown as { axe: { run(on: Element | Document, options: object): Promise<{ violations: Violation[] }> } };
    // What lies on top; what is behind it is a screen of its own.
    const on = (top ? document.querySelector(top) : null) ?? document.querySelector('dialog[open]') ?? document.querySelector('[role=menu]') ?? document.querySelector('#panel') ?? document;
    return (await axe.run(on, only ? { runOnly: only } : {})).violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map(({ html, failureSummary }) => ({ html: html.slice(0, 200), failureSummary })) }));
  }, [rules, top] as const);
  expect(violations, screen).toEqual([]);
}

/** As a link within the page goes there: without loading it anew. */
async function at(page: Page, path: string): Promise<void> {
  await page.evaluate((path) => {
    history.pushState(null, '', path);
    dispatchEvent(new PopStateEvent('popstate'));
  }, path);
}

interface Screen {
  readonly name: string;
  readonly open: (page: Page) => Promise<unknown>;
  /** What is there when all of it is: parts are loaded when they are opened. */
  readonly shows: string | RegExp;
  /** It is another one where there is not the room: on a phone those are looked at. */
  readonly narrow?: true;
  /** What lies on top, where it is none of the usual; looked at by itself, without each of two thousand emoji. */
  readonly top?: string;
}

const message = (page: Page, text: string) => page.locator('#messages article').filter({ hasText: text }).last();

const key = (text: string, key: string) => async (page: Page): Promise<void> => {
  await message(page, text).focus();
  await page.keyboard.press(key);
};

const menu = (text: string, item: string | null) => async (page: Page): Promise<void> => {
  await message(page, text).click({ button: 'right' });
  if (item) await page.getByRole('menuitem', { name: item }).click();
};

const roomMenu = (item: string | null) => async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Menu of tea' }).first().click();
  if (item) await page.getByRole('menuitem', { name: item }).click();
};

const sidebar = (button: string | RegExp, item: string | null) => async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: button }).first().click();
  if (item) await page.getByRole('menuitem', { name: item }).click();
};

const details = (tab: string | null) => async (page: Page): Promise<void> => {
  await page.getByTitle('Details of tea').click();
  if (tab) await page.locator('#panel').getByRole('tab', { name: tab }).click();
};

const members = (page: Page): Promise<void> => page.locator('header .members').click();
const settings = (part: string) => (page: Page): Promise<void> => at(page, `/settings/${part}`);

async function inviteLink(page: Page): Promise<void> {
  await roomMenu('Invite people')(page);
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Invite link' }).click();
  await dialog.getByRole('button', { name: 'Make a link' }).click();
}

async function unfolded(page: Page): Promise<void> {
  await menu('an answer', 'On the wire')(page);
  await page.locator('#panel summary').first().waitFor();
  for (const summary of await page.locator('#panel summary').all()) await summary.click();
}

const screens: readonly Screen[] = [
  { name: 'conversation', open: async () => undefined, shows: '#messages.ready article .count', narrow: true },
  { name: 'names to choose from', open: async (page) => page.locator('#composer').pressSequentially('@b'), shows: '[role=listbox] [role=option]' },
  { name: 'an answer', open: key('back again', 'r'), shows: /Reply to/ },
  { name: 'an edit', open: key('an answer', 'e'), shows: '.composer .banner' },
  { name: 'what can be done with a message', open: menu('back again', null), shows: '[role=menu] [role=menuitem]', narrow: true },
  {
    name: 'emoji',
    // All two thousand are alike, and would be looked at one by one.
    open: async (page) => {
      await key('back again', 'a')(page);
      await page.getByRole('combobox', { name: 'Search emoji' }).fill('teapot');
    },
    shows: '[role=listbox] [role=option]:only-child',
    narrow: true,
  },
  { name: 'thread', open: key('an answer', 't'), shows: '#panel textarea', narrow: true },
  { name: 'members', open: members, shows: '#panel .member', narrow: true },
  {
    name: 'a person',
    open: async (page) => {
      await members(page);
      await page.locator('#panel').getByRole('button', { name: /bob/ }).click();
    },
    shows: '#panel dl dd',
    narrow: true,
  },
  { name: 'room details', open: details(null), shows: '#panel .topic', narrow: true },
  { name: 'room settings', open: details('Settings'), shows: '#panel select' },
  { name: 'bans', open: details('Bans'), shows: '#panel form' },
  { name: 'pins', open: async (page) => page.getByRole('button', { name: /1 pinned/ }).click(), shows: '#panel article, #panel li' },
  { name: 'search', open: async (page) => page.keyboard.press('Control+f'), shows: '#panel input[type=search]' },
  { name: 'what was found', open: (page) => at(page, '/search?q=answer'), shows: /1 message found/, narrow: true },
  { name: 'the wire', open: unfolded, shows: '#panel details[open]', narrow: true },
  { name: 'switcher', open: async (page) => page.keyboard.press('Control+k'), shows: 'dialog [role=option]' },
  { name: 'keys', open: async (page) => page.keyboard.press('Control+/'), shows: 'dialog kbd', narrow: true },
  { name: 'what there is to begin', open: sidebar('Add', null), shows: '[role=menu] [role=menuitem]' },
  { name: 'a new room', open: sidebar('Add', 'New room'), shows: 'dialog #room-name' },
  { name: 'a new message', open: sidebar('Add', 'New message'), shows: 'dialog [role=combobox]' },
  { name: 'what is mine', open: sidebar(/status and settings/i, null), shows: '[role=menu] [role=menuitem]' },
  { name: 'status', open: sidebar(/status and settings/i, 'Set a status'), shows: 'dialog input' },
  {
    name: 'the picker of reactions, as it opens',
    open: key('back again', 'a'),
    shows: '.popover [role=option]',
    top: '.popover',
  },
  {
    name: 'what one may do to a person',
    open: async (page) => {
      await members(page);
      await page.locator('#panel').getByRole('button', { name: /bob/ }).click();
      await page.locator('#panel').getByRole('button', { name: /Role|role/ }).click();
    },
    shows: '[role=menu] [role^=menuitem]',
  },
  { name: 'reports', open: async (page) => page.getByRole('button', { name: /1 open report/ }).first().click(), shows: /rude words/ },
  { name: 'profile', open: settings('profile'), shows: 'dialog [role=tabpanel] input', narrow: true },
  { name: 'account', open: settings('account'), shows: 'dialog [role=tabpanel] input:not([hidden])' },
  { name: 'devices', open: settings('devices'), shows: 'dialog [role=tabpanel] li' },
  { name: 'notifications', open: settings('notifications'), shows: 'dialog [role=tabpanel] input' },
  { name: 'appearance', open: settings('appearance'), shows: 'dialog [role=tabpanel] input' },
  { name: 'language', open: settings('language'), shows: 'dialog [role=tabpanel] input' },
  { name: 'privacy', open: settings('privacy'), shows: 'dialog [role=tabpanel] button' },
  { name: 'rooms', open: (page) => at(page, '/rooms'), shows: 'dialog li', narrow: true },
  { name: 'what can be done with the room', open: roomMenu(null), shows: '[role=menu] [role=menuitem]' },
  { name: 'inviting people', open: roomMenu('Invite people'), shows: 'dialog [role=combobox]' },
  { name: 'an invite link', open: inviteLink, shows: 'dialog [role=img]', narrow: true },
  { name: 'a question', open: roomMenu('Leave the room'), shows: 'dialog footer button' },
  { name: 'a report', open: menu('back again', 'Report'), shows: 'dialog textarea', narrow: true },
  { name: 'earlier texts', open: menu('an answer', 'Earlier texts'), shows: 'dialog li' },
  { name: 'a deletion', open: key('back again', 'Delete'), shows: 'dialog #reason' },
  {
    name: 'a room to join, under the pointer',
    open: async (page) => {
      await at(page, '/r/one-that-is-not-hers');
      await page.locator('#join').hover();
    },
    shows: '#join:hover',
  },
  { name: 'the list of conversations', open: (page) => at(page, '/'), shows: '#list a', narrow: true },
  { name: 'an address of nothing', open: (page) => at(page, '/nowhere/at/all'), shows: '.welcome .title', narrow: true },
];

async function walkThrough(page: Page, about: string, isWide: boolean): Promise<void> {
  await page.goto('/r/tea');
  for (const { name, open, shows, top } of screens.filter(({ narrow }) => isWide || narrow)) {
    await at(page, '/r/tea');
    await page.locator('#composer').fill('');
    await open(page);
    const shown = typeof shows === 'string' ? page.locator(shows) : page.getByText(shows);
    await shown.first().waitFor();
    await isAccessible(page, `${name}, ${about}`, undefined, top);
    if (isWide) {
      // In the dark all but the colours is the same.
      await page.emulateMedia({ colorScheme: 'dark' });
      await isAccessible(page, `${name}, dark`, ['color-contrast'], top);
      await page.emulateMedia({ colorScheme: 'light' });
    }
    await closeAll(page);
  }
}

test('axe finds nothing on any screen, light or dark', () => walkThrough(alice.page, 'wide', true), 180_000);

test('nor on a phone', async () => {
  await alice.page.setViewportSize({ width: 360, height: 740 });
  await walkThrough(alice.page, 'phone', false);
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
  // A name that cannot be hers is there to be mended, with the sentence that says so.
  const name = carol.page.getByLabel('What shall others call you?');
  for (const wrong of ['alice', 'a b!']) {
    await name.fill(wrong);
    await name.press('Enter');
    await carol.page.getByRole('alert').waitFor();
    const field = await carol.page.evaluate(() => {
      const field = document.activeElement as HTMLInputElement;
      return [field.value, document.getElementById(field.getAttribute('aria-describedby')?.split(' ')[0] ?? '')?.role];
    });
    expect(field).toEqual([wrong, 'alert']);
  }
  await isAccessible(carol.page, 'entry, a wrong name');
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
  const isFocused = (selector: string): Promise<void> => until(() => page.evaluate((selector) => document.activeElement?.matches(selector) ?? false, selector), `${selector} has the focus`);
  // Who goes to another room from within the search writes there.
  await dora.composer().focus();
  await keyboard.type('/join #kettle');
  await keyboard.press('Enter');
  await until(() => page.url().endsWith('/r/kettle'));
  await keyboard.press('Control+f');
  await isFocused('#panel input[type=search]');
  await keyboard.press('Alt+ArrowDown');
  await until(() => !page.url().endsWith('/r/kettle'));
  await isFocused('#composer');
  // From the list of members to one of them the keyboard stays in the panel.
  await dora.goTo('tea');
  await isFocused('#composer');
  await keyboard.press('Alt+Shift+M');
  await page.locator('#panel .member').filter({ hasText: 'bob' }).focus();
  await keyboard.press('Enter');
  await page.locator('#panel dl').waitFor();
  await isFocused('#panel #panel-title');
  await keyboard.press('Escape');
  await isFocused('#composer');
  await keyboard.press('Alt+Shift+M');
  await page.locator('#panel .member').first().focus();
  await keyboard.press('Alt+Shift+M');
  await isFocused('#composer');
  // Whoever leaves a room by the keyboard is where the address says, and goes on there.
  await dora.goTo('kettle');
  await isFocused('#composer');
  await page.getByRole('button', { name: 'Menu of kettle' }).last().focus();
  await keyboard.press('Enter');
  await isFocused('[role^=menuitem]');
  await keyboard.press('End');
  await keyboard.press('Enter');
  await isFocused('dialog .danger');
  await keyboard.press('Enter');
  await until(() => page.url().endsWith('/r/tea'), 'the address is of what is shown');
  await isFocused('#composer');
  await page.goBack();
  await until(async () => new URL(page.url()).pathname !== '/r/kettle');
  await dora.leave();
}, 180_000);

test('whoever opens a panel by the keyboard is in it, and is back where she was when it closes', async () => {
  const { page } = alice;
  const { keyboard } = page;
  await alice.goTo('tea');
  await alice.isCaughtUp();
  const has = (of: ReturnType<typeof page.locator>, what: string): Promise<void> => until(() => of.evaluate((element) => element === document.activeElement), `${what} has the focus`);
  const row = alice.message('an answer').last();
  const title = page.locator('#panel #panel-title');
  // From a message, by its key, by the search's, and by its menu.
  for (const [what, open, field] of [
    ['the thread', () => keyboard.press('t'), page.locator('#panel textarea')],
    ['the search', () => keyboard.press('Control+f'), page.locator('#panel input[type=search]')],
    ['the members', () => keyboard.press('Alt+Shift+M'), title],
    [
      'the wire',
      async () => {
        await keyboard.press('ContextMenu');
        await page.getByRole('menuitem', { name: 'On the wire' }).focus();
        await keyboard.press('Enter');
      },
      title,
    ],
  ] as const) {
    await alice.composer().press('Shift+Tab');
    await row.focus();
    await open();
    await field.waitFor();
    await has(field, what);
    await keyboard.press('Escape');
    await has(row, `the message, after ${what},`);
  }
  // From a button, and back by Escape or the panel's own button.
  for (const [button, close] of [
    [page.locator('header .title'), false],
    [page.locator('header .members'), true],
    [page.getByRole('button', { name: /1 pinned/ }), false],
  ] as const) {
    await row.focus();
    await button.focus();
    await keyboard.press('Enter');
    await title.waitFor();
    await has(title, 'the panel');
    if (close) await page.getByRole('button', { name: 'Close' }).focus();
    await keyboard.press(close ? 'Enter' : 'Escape');
    await has(button, 'the button');
    await page.locator('#panel').waitFor({ state: 'detached' });
  }
  await alice.composer().focus();
  await keyboard.press('Control+f');
  await has(page.locator('#panel input[type=search]'), 'the search');
  await keyboard.press('Escape');
  await has(alice.composer(), 'what one writes in');
  // From one part of the page to the next.
  await keyboard.press('F6');
  await has(page.locator('#list a[aria-current]'), 'the list');
  await keyboard.press('Shift+F6');
  await has(alice.composer(), 'what one writes in');
  // Whoever has gone on to write stays there.
  await row.focus();
  await page.locator('header .title').focus();
  await keyboard.press('Enter');
  await has(title, 'the panel');
  await alice.composer().focus();
  await keyboard.press('Escape');
  await page.locator('#panel').waitFor({ state: 'detached' });
  await has(alice.composer(), 'what one writes in');
});

test('on a phone going back closes what covers the conversation, and only then leaves it', async () => {
  const fay = await Someone.at(server, { width: 390, height: 844, touch: true });
  const { page } = fay;
  await fay.signUp('fern');
  await fay.goTo('tea');
  await page.getByRole('button', { name: 'Back to the list' }).tap();
  await page.locator('#list a').filter({ hasText: 'tea' }).tap();
  await fay.isCaughtUp();
  const panel = page.locator('#panel');
  const isRoom = async (): Promise<void> => {
    await panel.waitFor({ state: 'detached' });
    await until(async () => new URL(page.url()).pathname === '/r/tea' && (await fay.composer().isVisible()), 'the conversation is there');
  };
  const details = () => page.locator('header .title').tap();
  for (const open of [details, () => page.locator('header .members').tap(), () => page.getByRole('button', { name: 'Search', exact: true }).tap(), () => fay.message('an answer').last().locator('.name, .face').first().tap()]) {
    await open();
    await panel.locator('#panel-title').waitFor();
    await page.goBack();
    await isRoom();
  }
  // From one panel to the next, and back the same way.
  await details();
  await panel.getByRole('button', { name: /member/ }).tap();
  await panel.locator('.member').first().tap();
  await panel.locator('dl').waitFor();
  await page.goBack();
  await panel.locator('.member').first().waitFor();
  await page.goBack();
  await panel.locator('.topic').waitFor();
  await page.goBack();
  await isRoom();
  // What lies over the conversation, or over a panel: each is closed by one step.
  const menuOf = page.getByRole('button', { name: 'Menu of tea' }).last();
  const isGone = (what: string): Promise<void> => page.locator(what).waitFor({ state: 'detached' });
  await menuOf.tap();
  await page.getByRole('menu').waitFor();
  await page.goBack();
  await isGone('[role=menu]');
  await isRoom();
  await page.getByRole('button', { name: 'Insert an emoji' }).tap();
  await page.locator('.popover [role=combobox]').waitFor();
  await page.goBack();
  await isGone('.popover [role=combobox]');
  await isRoom();
  await menuOf.tap();
  await page.getByRole('menuitem', { name: 'Invite people' }).tap();
  await page.locator('dialog [role=combobox]').waitFor();
  await page.goBack();
  await isGone('dialog');
  await isRoom();
  await details();
  await panel.getByRole('button', { name: 'Invite people' }).tap();
  await page.locator('dialog [role=combobox]').waitFor();
  await page.goBack();
  await isGone('dialog');
  await panel.locator('.topic').waitFor();
  await page.goBack();
  await isRoom();
  // What was closed by its button takes no step of its own.
  await details();
  await page.getByRole('button', { name: 'Close' }).tap();
  await isRoom();
  await page.goBack();
  await page.locator('#list a').first().waitFor();
  await until(() => new URL(page.url()).pathname === '/', 'the list is there');
  await page.getByRole('button', { name: 'Settings', exact: true }).tap();
  await page.locator('dialog [role=tabpanel]').waitFor();
  await page.goBack();
  await isGone('dialog');
  await page.locator('#list a').filter({ hasText: 'tea' }).tap();
  await isRoom();
  await page.goBack();
  await page.locator('#list a').first().waitFor();
  await page.goForward();
  await isRoom();
  // Whoever goes on from a panel comes back to the conversation.
  await page.getByRole('button', { name: 'Search', exact: true }).tap();
  await panel.getByRole('searchbox').fill('answer');
  await panel.getByRole('searchbox').press('Enter');
  await panel.locator('.card').first().tap();
  await until(() => /^\/r\/tea\/.+/.test(new URL(page.url()).pathname), 'the message is there');
  await page.goBack();
  await isRoom();
  // From where there is nothing one comes to the list.
  await page.goto('/nowhere');
  await page.getByRole('button', { name: 'Back to the list' }).tap();
  await page.locator('#list a').first().waitFor();
  expect(new URL(page.url()).pathname).toBe('/');
  await fay.leave();
});

test('where the system chooses the colours, here, away and gone differ by their shape', async () => {
  const { page } = alice;
  await alice.goTo('tea');
  await page.locator('header .members').click();
  await page.emulateMedia({ forcedColors: 'active' });
  const dot = page.locator('#panel .member .dot').first();
  await dot.waitFor();
  const shapes: Record<string, string> = {};
  for (const state of ['here', 'away', 'gone']) {
    await dot.evaluate((dot, state) => {
      dot.classList.remove('here', 'away', 'gone');
      dot.classList.add(state);
    }, state);
    // Two pictures of one shape need not be the same bytes: what is drawn left and right of the middle is its shape.
    shapes[state] = await page.evaluate(async (picture) => {
      const bytes = Uint8Array.from(atob(picture), (char) => char.charCodeAt(0));
      const bitmap = await createImageBitmap(new Blob([bytes]));
      const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
      context?.drawImage(bitmap, 0, 0);
      const at = (part: number): string => {
        const [red = 0, green = 0, blue = 0] = context?.getImageData(bitmap.width * part, bitmap.height / 2, 1, 1).data ?? [];
        return red + green + blue < 384 ? 'full' : 'empty';
      };
      return `${at(0.35)} ${at(0.65)}`;
    }, (await dot.screenshot()).toString('base64'));
  }
  expect(shapes).toEqual({ here: 'full full', away: 'full empty', gone: 'empty empty' });
  await page.emulateMedia({ forcedColors: null });
  await page.keyboard.press('Escape');
});

test('the longest names, titles and topics stay within the window, and what happened takes no empty line', async () => {
  const liz = await Someone.at(server, { locale: 'de-DE' });
  const { page } = liz;
  await page.goto('/');
  await page.getByRole('tab', { name: 'Registrieren' }).click();
  await page.getByLabel('Benutzername').fill('liz');
  await page.getByLabel('Passwort', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Konto anlegen' }).click();
  await page.getByRole('navigation', { name: 'Unterhaltungen' }).waitFor();
  await at(page, '/settings/profile');
  await page.getByLabel('Anzeigename').fill('W'.repeat(64));
  await page.getByRole('button', { name: 'Speichern' }).first().click();
  await until(async () => (await page.locator('.me .name').innerText()).startsWith('WW'));
  const room = 'm'.repeat(60);
  await page.goto(`/r/${room}`);
  await page.getByRole('button', { name: 'Beitreten', exact: true }).click();
  await liz.say(`/topic ${'Thema'.repeat(60)}`);
  await liz.say('found here');
  await page.locator('#messages article:not(.pending)').filter({ hasText: 'found here' }).waitFor();
  await liz.message('found here').last().focus();
  await page.keyboard.press('p');
  await page.getByRole('button', { name: /1 angeheftet/ }).waitFor();
  // What stands out of a box that is not cut off there.
  const outside = (): Promise<string[]> =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('.columns, main, main *, #panel, #panel *, dialog[open] *')]
        .filter((box) => box.checkVisibility() && getComputedStyle(box).display !== 'inline' && getComputedStyle(box).overflowX === 'visible' && box.clientWidth > 0)
        .filter((box) => box.scrollWidth > box.clientWidth + 3 && !box.closest('.cut, svg'))
        .map((box) => `${box.tagName}.${box.className} ${box.scrollWidth} > ${box.clientWidth}`),
    );
  for (const width of [320, 768, 1280]) {
    await page.setViewportSize({ width, height: 740 });
    for (const [what, open, shows] of [
      ['home', () => page.goto(width === 320 ? '/' : '/search?q=nothing'), width === 320 ? '#list a' : '.welcome h2'],
      ['the room', () => at(page, `/r/${room}`), '.beginning .topic'],
      ['the details', () => page.locator('header .title').click(), '#panel .topic'],
      ['the members', () => page.locator('header .members').click(), '#panel .member'],
      ['a person', () => page.locator('#panel .member').first().click(), '#panel dl'],
      ['the keys', () => page.keyboard.press('Control+/'), 'dialog kbd'],
      ['pins', () => (width === 320 ? at(page, `/r/${room}`) : page.getByRole('button', { name: /1 angeheftet/ }).click()), width === 320 ? '#messages' : '#panel .card'],
      ['a thread', async () => (await liz.message('found here').last().focus(), await page.keyboard.press('t')), '#panel textarea'],
    ] as const) {
      if (what !== 'a person') await closeAll(page);
      await open();
      await page.locator(shows).first().waitFor();
      expect(await outside(), `${what}, ${width}`).toEqual([]);
      if (what === 'the details') expect(await page.locator('#panel [role=tab]').evaluateAll((tabs) => new Set(tabs.map((tab) => tab.getBoundingClientRect().top)).size), 'rows of tabs').toBe(1);
      if (what === 'a thread' && width === 1280) {
        const [room, thread] = await page.locator('.composer').evaluateAll((both) => both.map((one) => one.getBoundingClientRect().bottom));
        expect(Math.abs((room ?? 0) - (thread ?? 99)), 'where one writes is equally high').toBeLessThan(1);
      }
    }
    await closeAll(page);
  }
  const most = await page.locator('#messages .event').first().evaluate((line) => {
    let most = 0;
    // Wherever the line ends.
    for (let width = 300; width < 420; width += 3) {
      (line as HTMLElement).style.setProperty('width', `${width}px`);
      const text = document.createRange();
      text.selectNodeContents(line.firstChild as Node);
      most = Math.max(most, line.getBoundingClientRect().bottom - text.getBoundingClientRect().bottom);
    }
    return most;
  });
  expect(most, 'below the words').toBeLessThan(10);
  await liz.leave();
}, 120_000);

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

test('a finger answers, reacts and opens the menu, by a tap and by resting', async () => {
  const fay = await Someone.at(server, { width: 390, height: 844, touch: true });
  const { page } = fay;
  await fay.signUp('fay');
  await fay.goTo('fingers');
  await fay.composer().fill('touch me');
  await page.getByRole('button', { name: 'Send', exact: true }).tap();
  const row = fay.message('touch me');
  await row.tap();
  const [words, tools] = await Promise.all([row.locator('.text').boundingBox(), row.getByRole('toolbar').boundingBox()]);
  expect((tools?.y ?? 0) - (words?.y ?? 0) - (words?.height ?? 0), 'they stand below what was said').toBeGreaterThanOrEqual(0);
  await row.getByRole('button', { name: 'Reply', exact: true }).tap();
  await page.getByText('Reply to fay').waitFor();
  await page.getByRole('button', { name: 'Do not reply' }).tap();
  await row.tap();
  await row.getByRole('button', { name: 'Add a reaction' }).tap();
  await page.getByRole('option').first().tap();
  await row.getByRole('button', { name: /, 1 reaction/ }).waitFor();
  await fay.composer().tap();
  await until(async () => (await row.getByRole('toolbar').count()) === 0, 'what one can do with it is not in the way of what one writes');
  // As Safari on phones, which tells nobody of a finger that rests: a touch without what the browser makes of it.
  const { x, y } = await row.evaluate((row) => ({ x: row.getBoundingClientRect().x + 80, y: row.getBoundingClientRect().y + 8 }));
  const touch = (kind: 'touchstart' | 'touchend'): Promise<boolean> =>
    row.evaluate(
      (row, { kind, x, y }) => {
        const finger = new Touch({ identifier: 1, target: row, clientX: x, clientY: y });
        return row.dispatchEvent(new TouchEvent(kind, { touches: kind === 'touchend' ? [] : [finger], changedTouches: [finger], bubbles: true, cancelable: true }));
      },
      { kind, x, y },
    );
  await touch('touchstart');
  await page.getByRole('menuitem', { name: 'Copy text' }).waitFor();
  expect(await touch('touchend'), 'that it is lifted presses nothing').toBe(false);
  await page.keyboard.press('Escape');
  expect(await touch('touchend')).toBe(true);
  await fay.leave();
});

test('what is typed for what was opened, before that is there, is for it', async () => {
  const cold = await Someone.at(server, { serviceWorkers: 'block' });
  const { page } = cold;
  await cold.logIn('alice');
  await cold.isIn();
  // What is loaded first is there, what comes when it is opened is on its way.
  await page.route(/assets\/(ThreadPanel|EmojiPicker|Menu|Report|DeleteMessage|Switcher|Invite)-.*\.js$/, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    await route.continue().catch(() => undefined);
  });
  const of = page.locator('dialog[open]');
  for (const [keys, typed, field] of [
    [['t'], 'thumbs up', page.locator('#panel textarea')],
    [['a'], 'thumbs up', page.locator('.popover [role=combobox]')],
    [['Delete'], 'rude, and at them', of.locator('#reason')],
    [['m', 'r', 'r'], 'the person is rude', of.locator('textarea')],
    [['Control+k'], 'teapot', of.locator('[role=combobox]')],
  ] as const) {
    await page.goto('/r/tea');
    await cold.isCaughtUp();
    await cold.message('back again').last().focus();
    for (const key of keys) await page.keyboard.press(key);
    const isMenu = keys.length > 1;
    if (isMenu) {
      // The letters have gone to the menu, and not to the message.
      const item = page.getByRole('menuitem', { name: 'Report' });
      await item.waitFor();
      await until(() => item.evaluate((item) => item === document.activeElement), 'the second of the menu that begins with R');
      await page.keyboard.press('Enter');
    }
    await page.keyboard.type(typed);
    await until(async () => (await field.inputValue()) === typed, `${keys.join()} and what is typed behind it`);
    expect(await field.evaluate((field) => field === document.activeElement)).toBe(true);
    expect([await cold.composer().inputValue(), await page.locator('#panel').count()]).toEqual(['', keys[0] === 't' ? 1 : 0]);
    await closeAll(page);
  }
  await cold.leave();
});

test('the sheet of keys says which key sends', async () => {
  const { page } = alice;
  for (const [sends, newLine] of [['Ctrl Enter', 'Enter'], ['Enter', 'Shift Enter']] as const) {
    await at(page, '/settings/appearance');
    await page.getByRole('switch', { name: 'Enter sends' }).click();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+/');
    for (const [does, keys] of [['Send', sends], ['New line', newLine]] as const) {
      const line = page.getByRole('dialog').locator('dl div').filter({ has: page.locator('dt', { hasText: new RegExp(`^${does}$`) }) });
      await line.waitFor();
      expect((await line.locator('kbd').allInnerTexts()).join(' ')).toBe(keys);
    }
    await page.keyboard.press('Escape');
  }
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
  // What tells of the link comes behind the first picture.
  await page.locator('p.unseen[role=status]').waitFor({ state: 'attached' });
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
  await isAccessible(page, 'without a link', ['region']);
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
