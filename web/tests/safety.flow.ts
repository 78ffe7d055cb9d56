// Nothing that anybody writes is ever run or read as markup, wherever it stands (reliability T27); and no policy is violated.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Page } from 'playwright-core';
import { escapeTag } from '../src/irc/line';
import { closeAll, closeBrowser, Raw, Server, Someone, until } from './bench';
import { between, happenings, word } from './hostile_server';
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

test('as what one types oneself, wherever one can, and as addresses', async () => {
  const { page } = alice;
  await alice.goTo('x');
  const fields: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['#composer', async () => undefined],
    ['dialog [role=combobox]', () => page.keyboard.press('Control+k')],
    ['#panel input[type=search]', () => page.keyboard.press('Control+f')],
    ['dialog #room-name', () => begin('New room')],
    ['dialog #room-topic', () => begin('New room')],
    ['dialog [role=combobox]', () => begin('New message')],
    ['dialog input', () => mine('Set a status')],
    ['dialog [role=tabpanel] input', () => go('/settings/profile')],
    ['dialog input', () => go('/rooms')],
    ['#panel textarea', () => alice.message('here').last().press('t')],
    ['dialog textarea', () => menu('Report')],
  ];
  const go = (path: string): Promise<void> =>
    page.evaluate((path) => {
      history.pushState(null, '', path);
      dispatchEvent(new PopStateEvent('popstate'));
    }, path);
  const begin = async (item: string): Promise<void> => {
    await page.getByRole('button', { name: 'Add' }).first().click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  const mine = async (item: string): Promise<void> => {
    await page.getByRole('button', { name: /status and settings/i }).first().click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  const menu = async (item: string): Promise<void> => {
    await alice.message('here').last().click({ button: 'right' });
    await page.getByRole('menuitem', { name: item }).click();
  };
  // What came before may be a screen full of topics.
  await mallory.say('PRIVMSG #x :here');
  await alice.sees('here');
  for (const [field, open] of fields) {
    await open();
    for (const place of await page.locator(field).all()) {
      await place.evaluate(async (element, all) => {
        for (const [at, text] of all.entries()) {
          (element as HTMLInputElement).value = text;
          element.dispatchEvent(new InputEvent('input', { bubbles: true }));
          if (at % 20 === 0) await new Promise(requestAnimationFrame);
        }
      }, payloads);
      await isHarmless(page);
    }
    await page.locator(field).first().fill('');
    await closeAll(page);
  }
  for (const payload of payloads.filter((_, index) => index % 50 === 0)) await alice.say(payload.replace(/^\//, ''));
  await alice.composer().fill('');
  await isHarmless(page);
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

test('as whatever a server answers, and whatever it tells', async () => {
  const { page } = alice;
  const tell = await between(page);
  await page.goto('/r/x');
  await alice.composer().waitFor();
  await alice.isCaughtUp();
  await tell(['MODE #x +q alice', 'MODE alice +o', 'NOTE REPORTS OPEN #x 9', 'PINS #x 9', '@msgid=mine;account=alice :alice!u@h PRIVMSG #x :mine', '@draft/target-msgid=mine;draft/edit-text=changed;account=alice :alice!u@h EDIT #x']);
  for (let at = 0; at < payloads.length; at += 50) {
    await tell(payloads.slice(at, at + 50).flatMap((text, index) => happenings(text, at + index)));
    await isHarmless(page);
  }
  await lookAtAll(page);
  await tell(['METADATA mallory display-name *', '@msgid=hers :mallory!u@h PRIVMSG #x :hers', '@msgid=last;account=alice :alice!u@h PRIVMSG #x :last', '@draft/target-msgid=last;draft/edit-text=changed;account=alice :alice!u@h EDIT #x']);
  const menu = async (item: string): Promise<void> => {
    await page.locator('#messages').press('End');
    await alice.message('changed').last().click({ button: 'right' });
    await page.getByRole('menuitem', { name: item }).click();
  };
  const last = payloads.at(-1)?.slice(-20) ?? '';
  const shows = (text: string): Promise<void> => page.locator('dialog, #panel').getByText(text).first().waitFor({ state: 'attached' });
  const details = async (tab: string): Promise<void> => {
    await page.getByTitle('Details of x').click();
    await page.locator('#panel').getByRole('tab', { name: tab }).click();
  };
  const screens: readonly (readonly [string, () => Promise<unknown>, string])[] = [
    ['rooms', () => page.evaluate(() => (history.pushState(null, '', '/rooms'), dispatchEvent(new PopStateEvent('popstate')))), 'ran=1'],
    ['devices', () => page.evaluate(() => (history.pushState(null, '', '/settings/devices'), dispatchEvent(new PopStateEvent('popstate')))), last],
    ['reports', () => page.getByRole('button', { name: /open reports/ }).first().click(), last],
    ['audit', () => page.getByRole('dialog').getByRole('button', { name: 'Audit' }).click(), last],
    ['search', () => page.evaluate(() => (history.pushState(null, '', '/search?q=x'), dispatchEvent(new PopStateEvent('popstate')))), last],
    ['pins', () => page.getByRole('button', { name: /pinned message/ }).first().click(), last],
    ['bans', () => details('Bans'), word(last)],
    ['a person', () => page.locator('#messages').getByRole('button', { name: 'mallory' }).first().click(), 'ran=1'],
    ['earlier texts', () => menu('Earlier texts'), last],
    ['the wire', () => menu('On the wire'), 'ran=1'],
  ];
  for (const [name, open, text] of screens) {
    await open();
    await shows(text);
    await isHarmless(page);
    if (name === 'reports') continue;
    await closeAll(page);
  }
}, 180_000);
