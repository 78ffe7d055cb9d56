// The link breaks in every way, and nothing is lost, doubled or out of order.

import type { Route } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { closeBrowser, otherPage, password, Raw, Server, Someone, until } from './bench';

const server = new Server();
let alice: Someone;
let bob: Someone;

beforeAll(async () => {
  await server.start();
  [alice, bob] = await Promise.all([Someone.at(server), Someone.at(server)]);
  await alice.signUp('alice');
  await bob.signUp('bob');
  await alice.goTo('tea');
  await bob.goTo('tea');
  await alice.say('begin');
  await bob.sees('begin');
}, 180_000);

// A flow that fails with the server or the network gone takes the next ones not with it.
afterEach(async () => {
  for (const someone of [alice, bob]) await someone.context.setOffline(false);
  if (!server.isUp) await server.start();
});

afterAll(async () => {
  await server.kill();
  await alice?.leave();
  await bob?.leave();
  await closeBrowser();
  await server.stop();
});

/** As when a network comes back: nobody waits for the next try. A page may begin anew by it. */
const hurry = (...people: Someone[]): Promise<unknown> =>
  Promise.all(people.flatMap((someone) => someone.context.pages()).map((page) => page.evaluate(() => dispatchEvent(new Event('online'))).catch(() => undefined)));

const online = (someone: Someone): Promise<void> => until(async () => (await someone.page.locator('.banner').count()) === 0, 'the link is back');

/** As often as it takes: who is hurried while she is trying already tries no sooner the next time. */
const back = (...people: Someone[]): Promise<void> =>
  until(async () => {
    await hurry(...people);
    const banners = await Promise.all(people.map((someone) => someone.page.locator('.banner').count()));
    return banners.every((count) => count === 0);
  }, 'the links are back');

test('without a network what is said is kept, and said once when there is one', async () => {
  await alice.context.setOffline(true);
  await server.kill();
  await alice.page.getByText('You are offline.').waitFor();
  await alice.message('begin').focus();
  await alice.page.keyboard.press('e');
  await alice.page.getByText('There is no connection just now').waitFor();
  await alice.say('said offline');
  await alice.say('and more');
  await alice.page.getByText(/2 messages will be sent/).waitFor();
  await server.start();
  await alice.context.setOffline(false);
  await bob.sees('and more');
  await online(alice);
  for (const someone of [alice, bob]) {
    let texts: string[] = [];
    await until(async () => (texts = await someone.texts()).includes('and more'));
    expect(texts.filter((text) => /said offline|and more/.test(text))).toEqual(['said offline', 'and more']);
  }
});

test('a message on its way when the server dies arrives once', async () => {
  for (let round = 0; round < 5; round += 1) {
    const text = `round ${round}`;
    // The server may have it or not: nobody can know.
    await alice.say(text);
    await server.kill();
    await server.start();
    await hurry(alice, bob);
    await until(async () => (await bob.texts()).includes(text), text);
    await online(alice);
  }
  await until(async () => (await alice.page.locator('#messages article.pending').count()) === 0, 'nothing is on its way');
  for (const someone of [alice, bob]) {
    let rounds: string[] = [];
    await until(async () => (rounds = (await someone.texts()).filter((text) => text.startsWith('round'))).length >= 5);
    expect(rounds).toEqual(['round 0', 'round 1', 'round 2', 'round 3', 'round 4']);
  }
}, 180_000);

test('what was said offline outlives a reload', async () => {
  await server.kill();
  await alice.page.getByText('You are offline.').waitFor();
  await alice.say('before the reload');
  await alice.page.getByText(/1 message will be sent/).waitFor();
  await server.start();
  await hurry(bob);
  await alice.page.reload();
  await bob.sees('before the reload');
  await alice.sees('before the reload');
  expect((await bob.texts()).filter((text) => text === 'before the reload')).toHaveLength(1);
});

test('what others said meanwhile is there without a gap', async () => {
  await alice.context.setOffline(true);
  // A link that is silently gone is found out by the server's kill.
  await server.kill();
  await server.start();
  await hurry(bob);
  await online(bob);
  const talker = await Raw.at(server, 'talker');
  await talker.say('JOIN #tea', ...Array.from({ length: 130 }, (_, number) => `PRIVMSG #tea :gap ${number}`));
  talker.leave();
  await bob.sees('gap 129');
  await alice.context.setOffline(false);
  await alice.sees('gap 129');
  await online(alice);
  // All the way back, page by page.
  const seen = new Set<string>();
  const list = alice.page.locator('#messages');
  await until(async () => {
    for (const text of await alice.texts()) seen.add(text);
    await list.evaluate((element) => (element.scrollTop -= 500));
    return seen.has('begin');
  }, 'scrolls back to the beginning');
  const missing = Array.from({ length: 130 }, (_, number) => `gap ${number}`).filter((text) => !seen.has(text));
  expect(missing).toEqual([]);
}, 180_000);

test('whoever is at the end is there again when the link is', async () => {
  const list = bob.page.locator('#messages');
  await list.hover();
  await bob.page.mouse.wheel(0, -400);
  await bob.page.getByRole('button', { name: 'To the latest' }).waitFor();
  await bob.page.mouse.wheel(0, 4_000);
  await bob.page.getByRole('button', { name: 'To the latest' }).waitFor({ state: 'detached' });
  for (let round = 0; round < 3; round += 1) {
    await server.kill();
    await Promise.all([alice, bob].map((someone) => someone.page.getByText('You are offline.').waitFor()));
    await server.start();
    await back(alice, bob);
    await alice.say(`behind the end ${round}`);
    await bob
      .message(`behind the end ${round}`)
      .waitFor()
      .catch(async (error: unknown) => {
        const stands = await list.evaluate((list) => `${list.scrollTop} of ${list.scrollHeight - list.clientHeight}, busy ${list.ariaBusy}`);
        const [hers, his] = [await alice.texts(), await bob.texts()].map((texts) => texts.slice(-3).join(' | '));
        throw new Error(`bob is at ${stands}; alice sees ${hers}; bob ${his}`, { cause: error });
      });
    await until(() => list.evaluate((list) => list.scrollHeight - list.clientHeight - list.scrollTop < 2), 'the end is seen');
  }
});

// A page that stands before the server is there without it.
test.skipIf(otherPage)('a part of the page that cannot be had without the server says so, and is had with it', async () => {
  // Where there is no service worker: over http from another machine, or in a private window.
  const carol = await Someone.at(server, { serviceWorkers: 'block' });
  await carol.signUp('carol');
  await carol.goTo('tea');
  await server.kill();
  await carol.page.getByText('You are offline.').waitFor();
  await carol.page.getByRole('button', { name: 'Settings', exact: true }).click();
  await carol.page.getByText('This part could not be loaded.').first().waitFor();
  await server.start();
  await back(alice, bob, carol);
  await carol.page.getByRole('button', { name: 'Settings', exact: true }).click();
  await carol.page.getByRole('dialog').waitFor();
  await carol.page.keyboard.press('Escape');
  await carol.leave();
});

// A page that stands before the server is there without it.
test.skipIf(otherPage)('a part that cannot be had while the link stands does not take the page away; one that there is no more brings the new page', async () => {
  const cora = await Someone.at(server, { serviceWorkers: 'block' });
  const { page } = cora;
  await cora.signUp('cora');
  await cora.goTo('tea');
  await online(cora);
  await cora.composer().fill('half a thought');
  const settings = page.getByRole('button', { name: 'Settings', exact: true });
  // Not reached, and reached by a proxy whose server is not there.
  const troubles: ((route: Route) => Promise<void>)[] = [(route) => route.abort(), (route) => route.fulfill({ status: 502, body: 'Bad Gateway' })];
  for (const trouble of troubles) {
    await page.route('**/assets/**', trouble);
    await settings.click();
    await page.getByText('This part could not be loaded.').first().waitFor();
    expect(await cora.composer().inputValue()).toBe('half a thought');
    await page.getByRole('button', { name: 'Dismiss' }).first().click();
    await page.unroute('**/assets/**');
  }
  await page.route('**/assets/**', (route) => (route.request().resourceType() === 'fetch' ? route.fulfill({ status: 404, body: '' }) : route.continue()));
  const anew = page.waitForEvent('load');
  await settings.click();
  await anew;
  await page.unroute('**/assets/**');
  await cora.composer().waitFor();
  await until(async () => (await cora.composer().inputValue()) === 'half a thought', 'what was typed is there');
  await settings.click();
  await page.getByRole('dialog').waitFor();
  await cora.leave();
});

test('what could not be had at the entry is had the next time, without loading the page anew', async () => {
  const carol = await Someone.at(server, { serviceWorkers: 'block' });
  const { page } = carol;
  await page.goto('/');
  await page.getByLabel('Username').fill('carol');
  await page.route('**/assets/**', (route) => route.abort());
  await page.getByRole('button', { name: 'Deutsch' }).click();
  await page.getByRole('alert').filter({ hasText: 'This part could not be loaded.' }).waitFor();
  await page.unroute('**/assets/**');
  await page.getByRole('button', { name: 'Deutsch' }).click();
  await page.getByRole('tab', { name: 'Anmelden' }).waitFor();
  expect(await page.getByLabel('Benutzername').inputValue()).toBe('carol');
  await carol.leave();
});

test('two tabs of one browser agree on what is read', async () => {
  await alice.page.goto('/r/tea');
  await alice.composer().waitFor();
  const other = await alice.tab('/r/lobby');
  await alice.isIn(other);
  await other.bringToFront();
  const item = other.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: /^tea/ });
  await alice.page.goto('/r/lobby');
  await alice.composer().waitFor();
  await bob.say('for both tabs');
  await until(async () => /unread/.test((await item.textContent()) ?? ''));
  await alice.page.bringToFront();
  await alice.page.goto('/r/tea');
  await alice.sees('for both tabs');
  await until(async () => !/unread/.test((await item.textContent()) ?? ''));
  // What one says in one tab stands in the other.
  await item.click();
  await alice.say('from the first tab');
  await other.bringToFront();
  await alice.sees('from the first tab', other);
  expect((await alice.texts(other)).filter((text) => text === 'from the first tab')).toHaveLength(1);
  await other.close();
});

test('what a closed tab could not send another one sends', async () => {
  const other = await alice.tab('/r/tea');
  await alice.composer(other).waitFor();
  await until(async () => (await other.locator('.banner').count()) === 0);
  await server.kill();
  await other.getByText('You are offline.').waitFor();
  await alice.say('from a closed tab', other);
  await other.getByText(/1 message will be sent/).waitFor();
  await other.close();
  await server.start();
  await hurry(alice, bob);
  await bob.sees('from a closed tab');
  expect((await bob.texts()).filter((text) => text === 'from a closed tab')).toHaveLength(1);
});

// A page that stands before the server is there without it.
test.skipIf(otherPage)('without a server the page opens all the same, with what was said last', async () => {
  await alice.page.goto('/r/tea');
  await alice.sees('from a closed tab');
  await alice.page.evaluate(() => navigator.serviceWorker.ready);
  await until(() => alice.page.evaluate(() => navigator.serviceWorker.controller !== null));
  await alice.say('said before the end');
  await bob.sees('said before the end');
  await alice.keeps('said before the end');
  // A file of the server in a tab of its own is no page.
  await (await alice.tab('/manifest.webmanifest')).close();
  await server.kill();
  await alice.page.reload();
  await alice.sees('said before the end');
  await alice.page.getByText('You are offline.').waitFor();
  await alice.page.getByRole('heading', { name: 'Tea House', level: 1 }).waitFor();
  await server.start();
  await hurry(alice, bob);
  await online(alice);
});

test.skipIf(otherPage)('what is written in several tabs without a server is said in its order, and a tab that is loaded anew still shows it', async () => {
  const other = await alice.tab('/r/tea');
  await alice.composer(other).waitFor();
  await alice.page.goto('/r/tea');
  await alice.composer().waitFor();
  await alice.page.evaluate(() => navigator.serviceWorker.ready);
  await until(() => alice.page.evaluate(() => navigator.serviceWorker.controller !== null));
  await server.kill();
  for (const page of [alice.page, other]) await page.getByText('You are offline.').waitFor();
  for (const text of ['order one', 'order two']) await alice.say(text);
  await alice.sees('order two', other);
  await alice.page.reload();
  await alice.sees('order two');
  for (const text of ['order three', 'order four']) await alice.say(text);
  for (const page of [alice.page, other]) await page.getByText(/4 messages will be sent/).waitFor();
  await server.start();
  // Whoever is there first says all.
  await alice.page.evaluate(() => dispatchEvent(new Event('online')));
  await back(alice, bob);
  const ordered = ['order one', 'order two', 'order three', 'order four'];
  for (const [someone, page] of [[bob, bob.page], [alice, alice.page], [alice, other]] as const) {
    let texts: string[] = [];
    await until(async () => (texts = (await someone.texts(page)).filter((text) => text.startsWith('order'))).length >= 4);
    expect(texts).toEqual(ordered);
  }
  await until(async () => (await alice.page.locator('#messages article.pending').count()) === 0, 'nothing waits');
  await other.close();
});

test('what could not be sent goes with its room when that gets another name', async () => {
  const rooms = bob.page.getByRole('navigation', { name: 'Conversations' }).getByRole('link');
  const listed = async (): Promise<string[]> => (await rooms.allInnerTexts()).map((text) => text.trim().split(/\s/)[0] ?? '').filter((name) => ['cellar', 'loft', 'attic'].includes(name));
  await alice.goTo('cellar');
  await bob.goTo('cellar');
  await alice.say('/mode +W 600');
  await bob.page.getByText('lets each member speak every 600 seconds').waitFor();
  await bob.say('in time');
  await alice.sees('in time');
  await bob.say('too soon');
  await bob.message('too soon').getByRole('button', { name: 'Send again' }).waitFor();
  await alice.say('/quote RENAME #cellar #loft');
  await bob.page.waitForURL(/\/r\/loft$/);
  await bob.page.reload();
  await bob.message('too soon').getByRole('button', { name: 'Send again' }).waitFor();
  expect(await listed()).toEqual(['loft']);
  await alice.say('/mode -W');
  await alice.page.getByText('ended slow mode').waitFor();
  // The room is renamed while he has no network, and does not hear of it.
  await bob.context.setOffline(true);
  await server.kill();
  await bob.page.getByText('You are offline.').waitFor();
  await bob.say('written without a network');
  await bob.page.getByText(/1 message will be sent/).waitFor();
  await server.start();
  await back(alice);
  await alice.say('/quote RENAME #loft #attic');
  await alice.page.waitForURL(/\/r\/attic$/);
  await bob.context.setOffline(false);
  await back(bob);
  await alice.sees('written without a network');
  await bob.page.waitForURL(/\/r\/attic$/);
  await until(async () => (await bob.page.locator('#messages article.pending').count()) === 0, 'nothing waits');
  expect((await bob.texts()).filter((text) => text === 'written without a network')).toHaveLength(1);
  await bob.message('too soon').getByRole('button', { name: 'Send again' }).click();
  await alice.sees('too soon');
  expect(await listed()).toEqual(['attic']);
  for (const someone of [alice, bob]) await someone.goTo('tea');
});

test('a tab is never silently somebody else’s, and what one has typed nobody else says', async () => {
  const dora = await Someone.at(server);
  const second = await dora.tab('/');
  await second.getByLabel('Username').waitFor();
  await dora.signUp('dora');
  // The other one was at the entry.
  await dora.isIn(second);
  await dora.page.bringToFront();
  await dora.goTo('tea');
  await server.kill();
  await dora.page.getByText('You are offline.').waitFor();
  await dora.say('typed by dora');
  await dora.page.getByText(/1 message will be sent/).waitFor();
  // Her login has ended meanwhile: the browser was away for a month, or another device has ended it.
  await dora.context.clearCookies();
  await server.start();
  await back(alice, bob);
  await hurry(dora);
  await dora.page.getByText(/could not send is kept/).waitFor();
  await second.getByLabel('Username').waitFor();
  // Alice sits down at the same browser.
  await dora.logIn('alice');
  await dora.isIn(second);
  await dora.goTo('tea');
  await dora.say('by alice there');
  await bob.sees('by alice there');
  expect(await bob.texts()).not.toContain('typed by dora');
  // And dora again, by a form that was open somewhere.
  await second.evaluate(
    (password) => fetch('/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username: 'dora', password }) }),
    password,
  );
  await dora.page.getByText('dora logged in with this browser').waitFor();
  await bob.sees('typed by dora');
  const said = bob.message('typed by dora');
  expect([await said.count(), (await said.textContent())?.includes('dora')]).toEqual([1, true]);
  await dora.leave();
});

test('a guest whose browser has an account by now is told so, and the account says nothing of hers', async () => {
  const gus = await Someone.at(server);
  await gus.page.goto('/');
  await gus.page.getByRole('tab', { name: 'As a guest' }).click();
  await gus.page.getByLabel('What shall others call you?').fill('gus');
  await gus.page.getByRole('button', { name: 'Enter' }).click();
  await gus.isIn();
  await gus.goTo('tea');
  const guests = gus.page;
  gus.page = await gus.tab();
  await gus.signUp('gustav');
  // She goes on while her link lives.
  await gus.say('still a guest', guests);
  await bob.sees('still a guest');
  await server.kill();
  await guests.getByText('You are offline.').waitFor();
  await gus.say('typed by gus', guests);
  await guests.getByText(/1 message will be sent/).waitFor();
  await server.start();
  await back(alice, bob, gus);
  await guests.getByText('gustav logged in with this browser').waitFor();
  await guests.bringToFront();
  await gus.goTo('tea', guests);
  await gus.say('by gustav', guests);
  await bob.sees('by gustav');
  expect(await bob.texts()).not.toContain('typed by gus');
  await gus.leave();
});

test('whoever logs out with what could not be sent is asked first', async () => {
  await alice.goTo('tea');
  await bob.goTo('tea');
  await alice.say('/mode +W 600');
  await bob.page.getByText('lets each member speak every 600 seconds').waitFor();
  await bob.say('the first of two');
  await alice.sees('the first of two');
  await bob.say('refused before he leaves');
  await bob.message('refused before he leaves').getByRole('button', { name: 'Send again' }).waitFor();
  await bob.page.getByRole('button', { name: 'Status and settings' }).click();
  await bob.page.getByRole('menuitem', { name: 'Log out' }).click();
  await bob.page.getByRole('dialog').getByText('One message is not sent; it would be lost.').waitFor();
  await bob.page.keyboard.press('Escape');
  await bob.sees('refused before he leaves');
  await alice.say('/mode -W');
  await bob.page.getByText('ended slow mode').waitFor();
  await bob.message('refused before he leaves').getByRole('button', { name: 'Send again' }).click();
  await alice.sees('refused before he leaves');
});

test('logging out in one tab logs out the others, and nothing stays', async () => {
  const other = await alice.tab('/r/tea');
  await alice.composer(other).waitFor();
  await alice.page.getByRole('button', { name: /Status and settings|alice: status/i }).click();
  await alice.page.getByRole('menuitem', { name: 'Log out' }).click();
  await alice.page.getByLabel('Username').waitFor();
  await other.getByLabel('Username').waitFor();
  const left = await alice.page.evaluate(async () => ({
    databases: (await indexedDB.databases()).map((database) => database.name),
    local: Object.keys(localStorage).filter((key) => !/preferences|language/.test(key)),
    cookie: document.cookie,
  }));
  const kept = await alice.page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const request = indexedDB.open('parlor');
        request.onsuccess = () => {
          const stores = [...request.result.objectStoreNames];
          if (stores.length === 0) return resolve(0);
          const transaction = request.result.transaction(stores);
          let sum = 0;
          for (const store of stores) transaction.objectStore(store).count().onsuccess = (event) => (sum += (event.target as IDBRequest<number>).result);
          transaction.oncomplete = () => resolve(sum);
        };
        request.onerror = () => resolve(0);
      }),
  );
  expect(left.local).toEqual([]);
  expect(left.cookie).toBe('');
  expect(kept).toBe(0);
  await other.close();
  await alice.logIn('alice');
  await alice.isIn();
});

test('an account gets the name that was typed, in the page and for all, and is deleted with a word of it', async () => {
  const nora = await Someone.at(server);
  await nora.signUp('nora');
  await nora.goTo('tea');
  await nora.say('by nora');
  await bob.goTo('tea');
  await bob.sees('by nora');
  await nora.page.goto('/settings/account');
  const dialog = nora.page.getByRole('dialog');
  const rename = async (name: string): Promise<void> => {
    await dialog.getByRole('textbox', { name: 'New name' }).fill(name);
    await dialog.getByLabel('Password', { exact: true }).fill(password);
    await dialog.getByRole('button', { name: 'Rename' }).click();
  };
  await rename('mary ann');
  await dialog.getByRole('alert').getByText(/without spaces/).waitFor();
  await rename('norah');
  await dialog.getByText('You log in as norah.', { exact: false }).waitFor();
  await nora.page.keyboard.press('Escape');
  await nora.goTo('tea');
  await nora.say('by norah');
  await bob.message('by norah').getByText('norah', { exact: true }).first().waitFor();
  await nora.page.goto('/settings/account');
  await dialog.getByText('You log in as norah.', { exact: false }).waitFor();
  await dialog.getByRole('button', { name: 'Delete account' }).click();
  await dialog.locator('#delete-password').fill(password);
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await nora.page.getByText('Your account is deleted.').waitFor();
  await nora.leave();
});

test('where nobody may sign up, whoever has an invite link may, as often as it says', async () => {
  await alice.goTo('tea');
  await alice.page.getByRole('button', { name: 'Menu of tea' }).click();
  await alice.page.getByRole('menuitem', { name: 'Invite people' }).click();
  const dialog = alice.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Invite link' }).click();
  await dialog.getByLabel('People').fill('1');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const { pathname } = new URL(await dialog.getByRole('textbox', { name: 'Invite link' }).inputValue());
  await alice.page.keyboard.press('Escape');
  await server.kill();
  server.settings = 'registration = "closed"';
  await server.start();
  await hurry(alice, bob);
  const erin = await Someone.at(server);
  await erin.page.goto('/');
  await erin.page.getByRole('tab', { name: 'Log in' }).waitFor();
  expect(await erin.page.getByRole('tab', { name: 'Sign up' }).count()).toBe(0);
  await erin.page.goto(pathname);
  await erin.page.getByText(/invited to #tea/).waitFor();
  await erin.page.getByLabel('Username').fill('erin');
  await erin.page.getByLabel('Password', { exact: true }).fill(password);
  await erin.page.getByRole('button', { name: 'Create account' }).click();
  await erin.composer().waitFor();
  await erin.say('by a link');
  await alice.sees('by a link');
  await erin.leave();
  const late = await Someone.at(server);
  // Before she has filled in anything.
  await late.page.goto(pathname);
  await late.page.getByRole('alert').filter({ hasText: /This invite link is used up/ }).waitFor();
  expect(await late.page.getByText(/invited to #tea/).count()).toBe(0);
  expect(await late.page.getByRole('tab', { name: 'Sign up' }).count()).toBe(0);
  await late.leave();
});
