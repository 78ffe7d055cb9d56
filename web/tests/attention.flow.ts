// What asks for one's attention, and what does not: notifications by choice, people one has blocked, what is typed in a hurry.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeBrowser, Server, Someone, until } from './bench';

const server = new Server();
let alice: Someone;
let bob: Someone;

beforeAll(async () => {
  await server.start();
  alice = await Someone.at(server);
  bob = await Someone.at(server);
  // Notifications as the desktop would have been given them; and whether somebody looks is for the test to say.
  await alice.context.addInitScript(() => {
    const told: { title: string; body: string; click(): void }[] = [];
    class Told {
      static permission = sessionStorage.getItem('granted') ?? 'default';
      static requestPermission = async () => {
        sessionStorage.setItem('granted', 'granted');
        return (Told.permission = 'granted');
      };
      onclick: (() => void) | null = null;
      constructor(title: string, { body }: { body: string }) {
        told.push({ title, body, click: () => this.onclick?.() });
      }
      close(): void {}
    }
    Object.assign(window, { Notification: Told, told, looks: true });
    document.hasFocus = () => (window as unknown as { looks: boolean }).looks;
  });
  await alice.signUp('alice');
  await bob.signUp('bob');
  for (const someone of [alice, bob]) await someone.goTo('tea');
}, 180_000);

afterAll(async () => {
  await alice?.leave();
  await bob?.leave();
  await closeBrowser();
  await server.stop();
});

const told = (): Promise<string[]> => alice.page.evaluate(() => (window as unknown as { told: { title: string; body: string }[] }).told.map(({ title, body }) => `${title}: ${body}`));

async function looks(at: boolean): Promise<void> {
  await alice.page.evaluate((at) => Object.assign(window, { looks: at }), at);
}

async function choose(what: string | RegExp): Promise<void> {
  await alice.page.keyboard.press('Control+,');
  await alice.page.getByRole('tab', { name: 'Notifications' }).or(alice.page.getByRole('button', { name: 'Notifications' })).first().click();
  await alice.page.getByRole('radio', { name: what }).check();
  await alice.page.keyboard.press('Escape');
  await alice.page.getByRole('dialog').waitFor({ state: 'detached' });
}

test('notifications come by choice, and not of what one looks at', async () => {
  // Nobody has asked for any.
  await looks(false);
  await bob.say('alice, one');
  await alice.sees('alice, one');
  expect(await told()).toEqual([]);

  // She asks for them: so the page asks the browser.
  await choose(/When I am meant/);
  await looks(false);
  await bob.say('nothing for her');
  await bob.say('alice, **two**');
  await until(async () => (await told()).length > 0);
  expect(await told()).toEqual(['bob in tea: alice, two']);

  // An answer to what she said is meant for her, too.
  await looks(true);
  await alice.say('who has sugar?');
  await bob.sees('who has sugar?');
  await looks(false);
  await bob.message('who has sugar?').hover();
  await bob.page.getByRole('button', { name: 'Reply', exact: true }).click();
  await bob.say('I have');
  await until(async () => (await told()).length > 1);
  expect((await told())[1]).toBe('bob in tea: I have');

  // What is before her eyes she need not be told.
  await looks(true);
  await bob.say('alice, three');
  await alice.sees('alice, three');
  expect(await told()).toHaveLength(2);

  // It leads to what it tells of.
  await alice.goTo('lobby');
  await choose('For every message');
  await looks(false);
  await bob.say('four, for everyone');
  await until(async () => (await told()).includes('bob in tea: four, for everyone'));
  await alice.page.evaluate(() => (window as unknown as { told: { click(): void }[] }).told.at(-1)?.click());
  await alice.sees('four, for everyone');
  await until(() => new URL(alice.page.url()).pathname.startsWith('/r/tea'));

  await choose('Never');
  await bob.say('alice, five');
  await alice.sees('alice, five');
  expect((await told()).filter((text) => text.includes('five'))).toEqual([]);
});

test('what people say whom one has blocked is hidden until one asks for it', async () => {
  await alice.goTo('tea');
  await bob.say('before it');
  await alice.sees('before it');
  const row = alice.page.locator('#messages article').filter({ hasText: 'before it' });
  await alice.page.getByRole('button', { name: 'bob', exact: true }).first().click();
  await alice.page.locator('#panel').getByRole('button', { name: 'Block' }).click();
  await row.waitFor({ state: 'detached' });
  const hidden = alice.page.getByText('A message of someone you blocked');
  const before = (await alice.texts()).length;
  await bob.say('after it');
  await until(async () => (await alice.texts()).length > before);
  await hidden.last().waitFor();
  expect((await alice.texts()).join()).not.toContain('after it');
  await alice.page.getByRole('button', { name: 'Show', exact: true }).last().click();
  await alice.sees('after it');
  await alice.page.locator('#panel').getByRole('button', { name: 'Unblock' }).click();
  await alice.sees('before it');
});

test('what is typed for the quick switcher or the search before it is there is in it', async () => {
  let typed = (): void => undefined;
  const all = new Promise<void>((resolve) => (typed = resolve));
  await alice.page.route(/assets\/(Switcher|SearchPanel)-.*\.js$/, async (route) => {
    await all;
    await route.continue();
  });
  await alice.page.goto('/r/tea');
  await alice.composer().waitFor();
  await alice.page.evaluate(async () => {
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
    for (const name of await caches.keys()) await caches.delete(name);
  });
  await alice.page.goto('/r/tea');
  await alice.composer().waitFor();
  await alice.page.keyboard.press('Control+k');
  await alice.page.keyboard.type('lobx');
  await alice.page.keyboard.press('Backspace');
  await alice.page.keyboard.press('Escape');
  await alice.page.keyboard.press('Control+f');
  await alice.page.keyboard.type('sugar');
  await alice.page.keyboard.press('Enter');
  // It is no message.
  expect(await alice.composer().inputValue()).toBe('');
  typed();
  await alice.page.locator('#panel').getByText(/messages? found/).waitFor();
  expect(await alice.page.locator('#panel input[type=search]').inputValue()).toBe('sugar');
  await alice.page.keyboard.press('Escape');
  await alice.page.keyboard.press('Control+k');
  await alice.page.keyboard.type('lob');
  const field = alice.page.getByRole('dialog').getByRole('combobox');
  await field.waitFor();
  expect(await field.inputValue()).toBe('lob');
  await alice.page.keyboard.press('Enter');
  await until(() => new URL(alice.page.url()).pathname === '/r/lobby');
});
