// Who is who: names change, and what was said, what one says to somebody, and whom one has blocked stay with the person.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeBrowser, password, Raw, Server, Someone, until } from './bench';

const server = new Server();
let alice: Someone;
let bob: Someone;
let ann: Raw;

beforeAll(async () => {
  await server.start();
  alice = await Someone.at(server);
  bob = await Someone.at(server);
  await alice.signUp('alice');
  await bob.signUp('bob');
  for (const someone of [alice, bob]) await someone.goTo('tea');
}, 180_000);

afterAll(async () => {
  ann?.leave();
  await alice?.leave();
  await bob?.leave();
  await closeBrowser();
  await server.stop();
});

const panel = (someone: Someone) => someone.page.locator('#panel');

async function profileOf(someone: Someone, text: string): Promise<void> {
  await someone.message(text).locator('.name').click();
  await panel(someone).locator('.who').waitFor();
}

test('what an account said under another name leads to it, and not to who has that name now', async () => {
  await alice.say('/nick alice2');
  await alice.say('hi group');
  await alice.say('/nick alice');
  await bob.page.getByText('alice2 is now called alice').waitFor();
  ann = await Raw.at(server, 'alice2');
  await ann.say('JOIN #tea');
  await bob.page.reload();
  await bob.sees('hi group');
  await profileOf(bob, 'hi group');
  await panel(bob).getByText('Owner').waitFor();
  await panel(bob).getByRole('button', { name: 'Message' }).click();
  await bob.say('a secret meant for alice');
  await alice.page.getByRole('link', { name: /^bob/ }).click();
  await alice.sees('a secret meant for alice');
  expect(await ann.say('VERSION')).not.toContain('a secret');
});

test('what a guest said leads to nobody who has her name since', async () => {
  await bob.goTo('tea');
  await ann.say('NICK ann', 'PRIVMSG #tea :I was here', 'PRIVMSG bob :between us');
  await bob.sees('I was here');
  ann.leave();
  const other = await Raw.at(server, 'ann');
  await bob.page.reload();
  await bob.page.getByRole('link', { name: /^ann/ }).click();
  await bob.sees('between us');
  await bob.page.getByText('nobody can write to her any more').waitFor();
  expect(await bob.page.getByRole('link', { name: /^ann/ }).count()).toBe(1);
  await bob.goTo('tea');
  await bob.sees('I was here');
  await profileOf(bob, 'I was here');
  await panel(bob).getByText('Whoever said this is not here any more.').waitFor();
  expect(await panel(bob).getByRole('button', { name: 'Message' }).count()).toBe(0);
  other.leave();
});

test.each(['guest', 'account'])('a %s whose profile is open is asked for once', async (kind) => {
  const nick = kind === 'guest' ? 'dan' : 'alice';
  const dan = await Raw.at(server, 'dan');
  await dan.say('JOIN #tea', 'PRIVMSG #tea :here by IRC');
  const asked: string[] = [];
  const page = bob.page;
  const done = new Promise<void>((resolve) => {
    page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => {
      asked.push(String(payload));
      if (String(payload).includes('the profile is open')) resolve();
    }));
  });
  await page.reload();
  await bob.isCaughtUp();
  await page.getByRole('button', { name: /\d members/ }).click();
  await panel(bob).getByRole('button', { name: new RegExp(nick) }).click();
  await panel(bob).locator('dt', { hasText: 'Rooms' }).waitFor();
  await bob.say('the profile is open');
  await done;
  expect(asked.filter((line) => line.includes('WHOIS'))).toHaveLength(1);
  dan.leave();
});

test('whom one has blocked who has no account stays blocked', async () => {
  const carol = await Raw.at(server, 'carol');
  await carol.say('JOIN #tea', 'PRIVMSG #tea :buy this');
  await bob.sees('buy this');
  await profileOf(bob, 'buy this');
  await panel(bob).getByRole('button', { name: 'Block' }).click();
  await bob.message('buy this').waitFor({ state: 'detached' });
  await bob.page.reload();
  await bob.isCaughtUp();
  await bob.page.getByText('A message of someone you blocked').first().waitFor();
  expect((await bob.texts()).join()).not.toContain('buy this');
  carol.leave();
});

test('an account of another name is the same person, to herself and to others', async () => {
  await alice.goTo('tea');
  await alice.say('mine it is');
  await bob.page.goto('/r/@alice');
  await bob.sees('a secret meant for alice');
  await alice.page.keyboard.press('Control+,');
  await alice.page.getByRole('tab', { name: 'Account' }).or(alice.page.getByRole('button', { name: 'Account' })).first().click();
  await alice.page.getByLabel('New name').fill('maria');
  await alice.page.getByLabel('Password', { exact: true }).first().fill(password);
  await alice.page.getByRole('button', { name: /Change name|Rename/ }).click();
  await until(async () => (await bob.page.getByRole('link', { name: /^maria/ }).count()) === 1, 'one conversation, of her name now');
  expect(await bob.page.getByRole('link', { name: /^alice/ }).count()).toBe(0);
  await bob.say('still there?');
  await alice.page.keyboard.press('Escape');
  await alice.page.reload();
  await alice.sees('mine it is');
  await alice.message('mine it is').focus();
  await alice.page.keyboard.press('m');
  await alice.page.getByRole('menuitem', { name: /^Edit/ }).waitFor();
  await alice.page.keyboard.press('Escape');
  await alice.page.getByRole('link', { name: /^bob/ }).click();
  await alice.sees('still there?');
  expect(await bob.page.getByText('Nobody called').count()).toBe(0);
});

test('what was kept of somebody who has another name now goes on under that', async () => {
  await bob.goTo('tea');
  await bob.page.getByRole('link', { name: /^maria/ }).click();
  await bob.sees('still there?');
  await bob.keeps('still there?');
  await bob.page.goto('about:blank');
  await alice.page.keyboard.press('Control+,');
  await alice.page.getByRole('tab', { name: 'Account' }).or(alice.page.getByRole('button', { name: 'Account' })).first().click();
  await alice.page.getByLabel('New name').fill('mia');
  await alice.page.getByLabel('Password', { exact: true }).first().fill(password);
  await alice.page.getByRole('button', { name: 'Rename' }).click();
  await alice.page.getByText('You log in as mia').waitFor();
  await alice.page.keyboard.press('Escape');
  await bob.page.goto('/r/@maria');
  await until(async () => (await bob.page.getByRole('link', { name: /^mia/ }).count()) === 1, 'one conversation, of her name now');
  await until(async () => (await bob.page.getByRole('link', { name: /^maria/ }).count()) === 0, 'and none of the one before');
  await bob.sees('still there?');
  await bob.say('and now?');
  await alice.sees('and now?');
});

test('who is muted is shown to be, and is heard again by her profile; who is removed is told why she sees nobody', async () => {
  await alice.goTo('tea');
  await bob.goTo('tea');
  await bob.say('quiet, please');
  await alice.sees('quiet, please');
  await profileOf(alice, 'quiet, please');
  await panel(alice).getByRole('button', { name: 'Mute' }).click();
  await alice.page.getByRole('menuitem', { name: '30 minutes' }).click();
  await panel(alice).getByRole('button', { name: 'Unmute' }).getByText('muted, ends').waitFor();
  await panel(alice).getByRole('button', { name: 'Unmute' }).click();
  await panel(alice).getByRole('button', { name: 'Mute', exact: true }).waitFor();
  // A key that one may not use.
  await bob.message('quiet, please').focus();
  await bob.page.keyboard.press('p');
  await bob.page.getByText('Only those who moderate the room can pin messages.').waitFor();
  await bob.page.keyboard.press('Alt+Shift+M');
  await panel(bob).getByText('2 members').waitFor();
  await alice.say('/kick bob enough');
  await panel(bob).getByText('You were removed').waitFor();
  expect(await panel(bob).getByText('0 members').count()).toBe(0);
});
