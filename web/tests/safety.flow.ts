// Nothing that anybody writes is ever run or read as markup, wherever it stands (reliability T27); and no policy is violated.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { escapeTag } from '../src/irc/line';
import { closeBrowser, Raw, Server, Someone, until } from './bench';
import { nameLike, payloads } from './payloads';

const server = new Server();
let alice: Someone;
let mallory: Raw;

beforeAll(async () => {
  await server.start();
  mallory = await Raw.at(server, 'mallory');
  await mallory.say('REGISTER mallory * malice-enough-1', 'JOIN #x');
  alice = await Someone.at(server);
  await alice.signUp('alice');
  await alice.goTo('x');
}, 180_000);

afterAll(async () => {
  mallory?.leave();
  await alice?.leave();
  await closeBrowser();
  await server.stop();
});

/** Nothing ran, and nothing is in the page that a component did not put there. */
async function isHarmless(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const strange = [...document.querySelectorAll('body script, iframe, object, embed, base, link[rel=import], marquee, portal, video, audio, math')];
    const handlers = [...document.querySelectorAll('*')].filter((element) => [...element.attributes].some(({ name }) => name.startsWith('on')));
    const links = [...document.querySelectorAll('a[href]')].map((link) => (link as HTMLAnchorElement).protocol);
    return {
      ran: (window as { ran?: unknown }).ran,
      strange: strange.filter((element) => !element.matches('body > script[src^="/assets/"]')).map((element) => element.outerHTML.slice(0, 100)),
      handlers: handlers.map((element) => element.outerHTML.slice(0, 100)),
      protocols: [...new Set(links)].filter((protocol) => !['http:', 'https:', 'irc:', 'ircs:'].includes(protocol)),
      prototype: 'ran' in {},
    };
  });
  expect(found).toEqual({ ran: undefined, strange: [], handlers: [], protocols: [], prototype: false });
}

/** Looks at all that there is, from the end to the beginning. */
async function lookAtAll(page: Page): Promise<void> {
  const list = page.locator('#messages');
  let still = 0;
  let before = '';
  while (still < 4) {
    await isHarmless(page);
    const at = await list.evaluate((element) => {
      element.scrollTop -= 700;
      return `${element.scrollTop} ${element.scrollHeight}`;
    });
    await page.waitForTimeout(30);
    still = at === before ? still + 1 : 0;
    before = at;
  }
}

test(`${payloads.length} payloads as messages, actions, edits, reactions and reasons`, async () => {
  expect(payloads.length).toBeGreaterThanOrEqual(500);
  for (let at = 0; at < payloads.length; at += 50) {
    const some = payloads.slice(at, at + 50);
    await mallory.say(...some.map((payload, index) => (index % 10 === 9 ? `PRIVMSG #x :\x01ACTION ${payload}\x01` : `PRIVMSG #x :${payload}`)));
  }
  await alice.page.locator('#messages').press('End');
  await alice.sees(payloads.at(-1)?.slice(0, 20) ?? '');
  // Each once more as a reaction to, and as the next text of, a message of its own.
  for (let at = 0; at < payloads.length; at += 25) {
    const said = await mallory.say(...Array.from({ length: 25 }, (_, index) => `@label=l${index} PRIVMSG #x :plain ${at + index}`));
    const ids = [...said.matchAll(/msgid=([^;\s]+)[^\n]*PRIVMSG/g)].map((match) => match[1]);
    expect(ids).toHaveLength(25);
    const lines = payloads.slice(at, at + 25).flatMap((payload, index) => [
      `@+draft/reply=${ids[index]};+draft/react=${escapeTag(payload.slice(0, 60))} TAGMSG #x`,
      `@draft/target-msgid=${ids[index]};draft/edit-text=${escapeTag(payload)} EDIT #x`,
    ]);
    await mallory.say(...lines);
  }
  await lookAtAll(alice.page);
}, 180_000);

test('as topics, names, statuses, away texts and reasons of leaving', async () => {
  await alice.page.goto('/r/x');
  await alice.composer().waitFor();
  await alice.page.getByRole('button', { name: /members/ }).first().click();
  for (let at = 0; at < payloads.length; at += 10) {
    const some = payloads.slice(at, at + 10);
    await mallory.say(
      ...some.flatMap((payload) => [
        `TOPIC #x :${payload.slice(0, 300)}`,
        `METADATA * SET display-name :${payload.slice(0, 250)}`,
        `METADATA * SET status :${payload.slice(0, 250)}`,
        `METADATA * SET pronouns :${payload.slice(0, 250)}`,
        `AWAY :${payload.slice(0, 180)}`,
        `SETNAME :${payload.slice(0, 100)}`,
      ]),
    );
    await isHarmless(alice.page);
  }
  await mallory.say(...payloads.slice(0, 100).flatMap((payload) => [`PART #x :${payload.slice(0, 300)}`, 'JOIN #x']));
  await alice.page.locator('#messages').press('End');
  await until(async () => (await alice.page.locator('#messages').innerText()).includes('left'));
  await lookAtAll(alice.page);
}, 180_000);

test('as names of rooms and people', async () => {
  for (const name of nameLike) await mallory.say(`JOIN #${name}`, `PRIVMSG #${name} :hi`, `INVITE alice #${name}`);
  await isHarmless(alice.page);
  await alice.page.goto('/rooms');
  await alice.page.getByRole('dialog').waitFor();
  await isHarmless(alice.page);
  await alice.page.keyboard.press('Escape');
});

test('as what one types oneself, and as addresses', async () => {
  await alice.goTo('x');
  await alice.page.keyboard.press('Control+k');
  const switcher = alice.page.getByRole('combobox');
  for (const payload of payloads.filter((_, index) => index % 5 === 0)) {
    await switcher.fill(payload);
    await alice.page.evaluate(() => new Promise(requestAnimationFrame));
  }
  await isHarmless(alice.page);
  await alice.page.keyboard.press('Escape');
  for (const payload of payloads.filter((_, index) => index % 10 === 0)) await alice.say(payload.replace(/^\//, ''));
  await alice.composer().fill('');
  await isHarmless(alice.page);
  await alice.page.evaluate(async (all) => {
    for (const payload of all) {
      for (const path of ['/r/', '/invite/x/', '/settings/', '/search?q=', '/r/x/']) {
        history.pushState(null, '', path + encodeURIComponent(payload));
        dispatchEvent(new PopStateEvent('popstate'));
      }
      await new Promise(requestAnimationFrame);
    }
  }, payloads.filter((_, index) => index % 4 === 0));
  await isHarmless(alice.page);
}, 180_000);
