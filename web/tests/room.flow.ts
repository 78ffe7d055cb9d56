// Rooms and those who run them: settings, roles, bans, invite links, reports; and one's own devices and profile.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { anotherMachine, closeBrowser, password, Raw, Server, Someone, until } from './bench';

const server = new Server();
let alice: Someone;
let bob: Someone;
let mallory: Raw;

beforeAll(async () => {
  await server.start();
  alice = await Someone.at(server);
  bob = await Someone.at(server);
  await alice.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.address });
  await alice.signUp('alice');
  await bob.signUp('bob');
  await alice.goTo('tea');
  await bob.goTo('tea');
  mallory = await Raw.at(server, 'mallory');
}, 180_000);

afterAll(async () => {
  mallory?.leave();
  await alice?.leave();
  await bob?.leave();
  await closeBrowser();
  await server.stop();
});

const panel = (someone: Someone): ReturnType<Someone['page']['locator']> => someone.page.locator('#panel');

async function details(someone: Someone): Promise<void> {
  await someone.goTo('tea');
  await someone.page.getByTitle('Details of tea').click();
}

test('the topic is set by those who may, and seen by all', async () => {
  await details(alice);
  await panel(alice).getByRole('button', { name: 'Set a topic' }).click();
  await panel(alice).getByRole('textbox').fill('Tea at five');
  await panel(alice).getByRole('button', { name: 'Save' }).click();
  await bob.page.getByText('Tea at five').first().waitFor();
  await panel(alice).getByRole('textbox').waitFor({ state: 'detached' });
  await alice.keepsFocus('a topic');
  await panel(alice).getByRole('button', { name: 'Edit' }).press('Enter');
  await panel(alice).getByRole('textbox').press('Escape');
  await alice.keepsFocus('a topic left as it was');
  expect(await panel(alice).getByRole('button', { name: 'Edit' }).evaluate((button) => button === document.activeElement)).toBe(true);
  await details(bob);
  await panel(bob).getByText('Tea at five').waitFor();
  expect(await panel(bob).getByRole('tab', { name: 'Settings' }).count()).toBe(0);
  await bob.page.keyboard.press('Escape');
});

test('who may write is set in words, and holds', async () => {
  await panel(alice).getByRole('tab', { name: 'Settings' }).click();
  await panel(alice).getByLabel('Who may write').selectOption('moderated');
  await bob.page.getByText('Only members with a role may write here.').waitFor();
  expect(await bob.composer().count()).toBe(0);
  await panel(alice).getByLabel('Who may write').selectOption('all');
  await bob.composer().waitFor();
  await panel(alice).getByLabel('Messages are kept for').selectOption({ index: 1 });
  await until(async () => (await alice.page.getByText(/kept for/).count()) > 0);
});

test('a role is given and taken', async () => {
  await alice.page.getByRole('button', { name: /2 members/ }).click();
  await panel(alice).getByRole('button', { name: /bob/ }).click();
  await panel(alice).getByRole('button', { name: /Role/ }).click();
  await alice.page.getByRole('menuitemcheckbox', { name: 'Moderator' }).click();
  await panel(alice).getByText('Moderator').first().waitFor();
  await details(bob);
  await panel(bob).getByRole('tab', { name: 'Settings' }).waitFor();
  await panel(alice).getByRole('button', { name: /Role/ }).click();
  await alice.page.getByRole('menuitemcheckbox', { name: 'Member' }).click();
  await until(async () => (await panel(bob).getByRole('tab', { name: 'Settings' }).count()) === 0);
});

test('an invite link opens a closed room, and makes an account', async () => {
  await details(alice);
  await panel(alice).getByRole('tab', { name: 'Settings' }).click();
  await panel(alice).getByLabel('Who may enter').selectOption('invited');
  await until(async () => (await alice.page.getByText(/closed the room/).count()) > 0);
  await panel(alice).getByRole('tab').first().click();
  await panel(alice).getByRole('button', { name: 'Invite people' }).click();
  const dialog = alice.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Invite link' }).click();
  await dialog.getByRole('button', { name: 'Make a link' }).press('Enter');
  const address = await dialog.getByRole('textbox', { name: 'Invite link' }).inputValue();
  expect(address).toContain(`${server.address}/invite/tea/inv-`);
  await dialog.getByRole('img', { name: /QR code/ }).waitFor();
  await alice.keepsFocus('a link');
  await alice.page.keyboard.press('Escape');
  const mallet = await Someone.at(server);
  await mallet.signUp('mallet');
  const erin = await Someone.at(server);
  await erin.page.goto(address);
  await erin.page.getByText(/invited to #tea/).waitFor();
  await erin.page.getByLabel('Username').fill('erin');
  await erin.page.getByLabel('Password', { exact: true }).fill(password);
  await erin.page.getByRole('button', { name: 'Create account' }).click();
  await erin.composer().waitFor();
  await erin.say('I was invited');
  await alice.sees('I was invited');
  await erin.leave();
  // What is no link of a room opens none, and makes none.
  for (const nothing of ['/invite/tea/inv-aaaaaaaaaaaaaaaaaaaaaaaaaa', '/invite/nowhere/inv-aaaaaaaaaaaaaaaaaaaaaaaaaa', '/invite/nowhere/inv-bogus']) {
    await mallet.page.goto(nothing);
    await mallet.page.getByText('This invite link is used up, too old or not whole').waitFor();
    expect(await mallet.page.getByRole('navigation', { name: 'Conversations' }).getByText(/tea|nowhere/).count()).toBe(0);
  }
  await mallet.leave();
});

test('a guest who came by a link for one comes back by it, until she is put out', async () => {
  await panel(alice).getByRole('button', { name: 'Invite people' }).click();
  const dialog = alice.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Invite link' }).click();
  await dialog.getByLabel('People').fill('0');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await dialog.getByRole('alert').getByText(/1 to 100,000/).waitFor();
  await dialog.getByLabel('People').fill('1');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const address = await dialog.getByRole('textbox', { name: 'Invite link' }).inputValue();
  await alice.page.keyboard.press('Escape');
  const gina = await Someone.at(server);
  await gina.page.goto(address);
  await gina.page.getByText(/invited to #tea/).waitFor();
  await gina.page.getByRole('tab', { name: 'As a guest' }).click();
  await gina.page.getByLabel('What shall others call you?').fill('gina');
  await gina.page.getByRole('button', { name: 'Enter' }).click();
  await gina.composer().waitFor();
  for (const text of ['by a link for one', 'and again']) {
    await gina.say(text);
    await alice.sees(text);
    await gina.page.reload();
    await gina.composer().waitFor();
  }
  await gina.say('still here');
  await alice.sees('still here');
  // It is for her alone.
  const other = await Someone.at(server);
  await other.page.goto(address);
  await other.page.getByText(/This invite link is used up/).waitFor();
  await other.leave();
  await alice.say('/kick gina');
  await gina.page.getByText(/removed from tea by alice/).first().waitFor();
  await gina.page.reload();
  await gina.isIn();
  await until(async () => (await gina.composer().count()) === 0);
  await gina.leave();
});

test('a report reaches those who moderate, who close it', async () => {
  await alice.goTo('tea');
  await alice.say('/mode -i');
  await alice.page.getByText(/opened the room/).waitFor();
  await mallory.say('JOIN #tea', 'PRIVMSG #tea :rude words');
  const row = bob.message('rude words').first();
  await row.waitFor();
  await row.click({ button: 'right' });
  await bob.page.getByRole('menuitem', { name: 'Report' }).click();
  await bob.page.getByRole('dialog').getByRole('textbox').fill('rude');
  await bob.page.getByRole('dialog').getByRole('button', { name: 'Report' }).click();
  await bob.page.getByText('Those who moderate have your report').first().waitFor();
  // Two look at the queue at once; what one of them deals with is gone for the other.
  const admin = await Someone.at(server);
  await admin.logIn('alice');
  await admin.isIn();
  await admin.page.getByRole('button', { name: /1 open report/ }).first().click();
  await admin.page.getByRole('dialog').getByText('rude words').waitFor();
  await alice.page.getByRole('button', { name: /1 open report/ }).first().click();
  const queue = alice.page.getByRole('dialog');
  await queue.getByText('rude words').waitFor();
  await queue.getByRole('button', { name: 'Dealt with' }).press('Enter');
  await queue.getByText('Nothing to look at').waitFor();
  await alice.keepsFocus('a report');
  await admin.page.getByRole('dialog').getByText('Nothing to look at').waitFor();
  await until(async () => (await admin.page.getByRole('button', { name: /open report/ }).count()) === 0);
  await admin.leave();
  await alice.page.keyboard.press('Escape');
  await alice.keepsFocus('the last report, by whose button the dialog was opened');
});

test('who is banned is out, and cannot come back', async () => {
  await alice.page.getByRole('button', { name: /members/ }).first().click();
  await panel(alice).getByRole('button', { name: /bob/ }).click();
  await panel(alice).getByRole('button', { name: 'Ban' }).click();
  await alice.page.getByRole('menuitem', { name: 'For 12 hours' }).click();
  await bob.page.getByText(/removed from tea by alice/).first().waitFor();
  // In words: whom, and no reason that nobody gave.
  await alice.page.getByText('alice banned bob', { exact: false }).first().waitFor();
  await until(async () => {
    const events = await alice.page.locator('.event').allInnerTexts();
    return [/^alice banned bob\s/, /^bob was removed by alice\s/].every((sentence) => events.some((event) => sentence.test(event)));
  }, 'what was done is told in words');
  await bob.page.getByRole('button', { name: 'Join', exact: true }).press('Enter');
  await bob.page.getByText(/banned from #tea/).first().waitFor();
  await bob.keepsFocus('a refusal');
  // The room is there, and no password opens it.
  expect(await bob.page.getByText(/no room of this name/).count()).toBe(0);
  expect(await bob.page.getByRole('textbox', { name: 'Password of the room' }).count()).toBe(0);
  // What was said in the room is said there alone.
  expect(await bob.page.getByRole('status').getByText(/removed from tea/).count()).toBe(0);
  await details(alice);
  await panel(alice).getByRole('tab', { name: 'Bans' }).click();
  await panel(alice).getByText('bob', { exact: true }).waitFor();
  await panel(alice).getByText(/Ends in 1[12] hours/).waitFor();
  await panel(alice).getByRole('textbox').fill('mallory');
  await panel(alice).getByRole('button', { name: 'Add' }).press('Enter');
  await panel(alice).getByTitle('mallory!*@*').waitFor();
  await alice.keepsFocus('a ban');
  await panel(alice).getByRole('button', { name: /mallory!/ }).press('Enter');
  await panel(alice).getByTitle('mallory!*@*').waitFor({ state: 'detached' });
  await alice.keepsFocus('the end of a ban');
});

test('a profile is seen by others', async () => {
  await alice.page.goto('/settings/profile');
  await alice.page.getByLabel('Display name').fill('Alice Liddell');
  await alice.page.getByLabel('Pronouns').fill('she/her');
  await alice.page.getByRole('button', { name: 'Save' }).press('Enter');
  await alice.page.getByText('Saved').first().waitFor();
  await alice.keepsFocus('a profile');
  await bob.goTo('lobby');
  await alice.goTo('lobby');
  await alice.say('with my own name');
  await bob.page.getByRole('button', { name: 'Alice Liddell' }).first().waitFor();
});

test('another device is seen, and ended', async () => {
  const phone = await Someone.at(server);
  await phone.logIn('alice');
  await phone.isIn();
  await alice.page.goto('/settings/devices');
  const devices = alice.page.getByRole('tabpanel').getByRole('listitem');
  await until(async () => (await devices.count()) >= 2);
  await devices.filter({ has: alice.page.getByRole('button', { name: 'Log out' }) }).first().getByRole('button').click();
  await phone.page.getByLabel('Username').waitFor();
  await alice.keepsFocus('the end of a device');
  await phone.leave();
});

test('a wrong password is refused in words, and a guest comes without one', async () => {
  const frank = await Someone.at(server);
  await frank.logIn('alice', 'not the password');
  await frank.page.getByRole('alert').getByText('The name or the password is wrong.').waitFor();
  await frank.page.getByRole('tab', { name: 'As a guest' }).click();
  await frank.page.getByLabel(/call you/).fill('frank');
  await frank.page.getByRole('button', { name: 'Enter' }).click();
  await frank.isIn();
  await frank.goTo('lobby');
  await frank.say('as a guest');
  await bob.sees('as a guest');
  await frank.page.reload();
  await frank.sees('as a guest');
  await frank.leave();
});

test('without encryption, from another machine, a guest talks and copies', async () => {
  const greta = await Someone.at(server);
  const { page } = greta;
  await page.goto(`http://${anotherMachine}:${server.port}/r/lobby`);
  expect(await page.evaluate(() => isSecureContext)).toBe(false);
  await page.getByRole('tab', { name: 'As a guest' }).click();
  await page.getByRole('tabpanel').getByRole('textbox').fill('greta');
  await page.keyboard.press('Enter');
  await greta.composer().waitFor();
  await greta.say('from another machine');
  await greta.message('from another machine').last().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Copy text' }).click();
  await page.getByText('Copied').first().waitFor();
  await greta.composer().focus();
  await page.keyboard.press('Control+v');
  expect(await greta.composer().inputValue()).toBe('from another machine');
  await greta.leave();
});

test('in German everything is German', async () => {
  const gerda = await Someone.at(server, { locale: 'de-DE' });
  await gerda.page.goto('/');
  await gerda.page.getByRole('tab', { name: 'Anmelden' }).waitFor();
  expect(await gerda.page.locator('html').getAttribute('lang')).toBe('de');
  // Also what the server says in English.
  await gerda.page.getByRole('tab', { name: 'Registrieren' }).click();
  await gerda.page.getByLabel('Benutzername').fill('alice');
  await gerda.page.locator('input[type=password]').fill(password);
  await gerda.page.getByRole('button', { name: 'Konto anlegen' }).click();
  await gerda.page.getByText('Diesen Namen hat schon jemand').waitFor();
  await gerda.page.getByLabel('Benutzername').fill('gerda');
  await gerda.page.getByRole('button', { name: 'Konto anlegen' }).click();
  await gerda.page.getByRole('navigation', { name: 'Unterhaltungen' }).waitFor();
  await gerda.page.goto('/settings/devices');
  await gerda.page.getByText('Chrome unter Linux').waitFor();
  // A part longer than the screen says what was refused where it was asked for.
  await gerda.page.setViewportSize({ width: 320, height: 568 });
  await gerda.page.goto('/settings/account');
  await gerda.page.getByRole('button', { name: 'Konto löschen' }).click();
  await gerda.page.locator('#delete-password').fill('not the password');
  await gerda.page.getByRole('button', { name: 'Endgültig löschen' }).click();
  const wrong = gerda.page.getByRole('alert').getByText('Das Passwort ist falsch');
  await wrong.waitFor();
  const { y = -1, height = 0 } = (await wrong.boundingBox()) ?? {};
  expect(y >= 0 && y + height <= 568).toBe(true);
  await gerda.page.goto('/r/nur');
  await gerda.page.getByRole('button', { name: 'Beitreten', exact: true }).click();
  await gerda.composer().waitFor();
  // Keys are called what stands on them there.
  await gerda.page.setViewportSize({ width: 1280, height: 800 });
  await gerda.page.locator('.jump').getByText('Strg K').waitFor();
  await gerda.page.getByTitle('Suchen (Strg F)').waitFor();
  await gerda.composer().fill('x');
  await gerda.page.locator('.hint').getByText('Umschalt').waitFor();
  for (const [said, answer] of [
    ['/mode +k a,b', /höchstens 32 Zeichen/],
    ['/mode +f #nirgends', /Nach #nirgends kann niemand/],
    ['/quote', /\/quote ZEILE/],
    ['/quote FOO', /kennt den Befehl FOO nicht/],
    ['/quote TIME', /parlor\.example/],
  ] as const) {
    await gerda.say(said);
    await gerda.page.locator('.notices').getByText(answer).waitFor();
  }
  await gerda.leave();
});

test('one sees where one is among more rooms than the list shows', async () => {
  const { page } = alice;
  await alice.goTo('tea');
  await alice.isCaughtUp();
  for (const room of ['ant', 'bee', 'cat', 'yak', 'zebra']) {
    await alice.say(`/join #${room}`);
    await until(() => page.url().endsWith(`/r/${room}`));
    await alice.isCaughtUp();
  }
  await page.setViewportSize({ width: 1280, height: 300 });
  const isShown = (): Promise<boolean> =>
    page.evaluate(() => {
      const [item, list] = ['#list [aria-current]', '#list'].map((selector) => document.querySelector(selector)?.getBoundingClientRect());
      return item !== undefined && list !== undefined && item.top >= list.top - 1 && item.bottom <= list.bottom + 1;
    });
  for (const room of ['ant', 'zebra']) {
    await alice.goTo(room);
    await until(isShown, `${room} is shown in the list`);
  }
  for (let times = 0; times < 5; times += 1) {
    await page.keyboard.press('Alt+ArrowUp');
    await until(isShown, 'the room that was walked to is shown in the list');
  }
  await page.setViewportSize({ width: 1280, height: 800 });
});
