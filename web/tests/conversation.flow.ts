// Two people in two browsers and one at chat_client, in the same room.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { closeBrowser, Raw, Server, Someone, Terminal, until } from './bench';

const server = new Server();
let alice: Someone;
let bob: Someone;
let carol: Terminal;

beforeAll(async () => {
  await server.start();
  [alice, bob] = await Promise.all([Someone.at(server), Someone.at(server)]);
  await alice.context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.address });
  await alice.signUp('alice');
  await bob.signUp('bob');
  await alice.goTo('tea');
  await bob.goTo('tea');
  carol = new Terminal(server, 'carol', '#tea');
  await until(async () => (await alice.page.getByText('carol joined').count()) > 0);
}, 180_000);

afterAll(async () => {
  await carol?.leave();
  await alice?.leave();
  await bob?.leave();
  await closeBrowser();
  await server.stop();
});

test('what one says the others see, in one order', async () => {
  await alice.say('Who makes the tea?');
  await bob.sees('Who makes the tea?');
  await carol.sees('Who makes the tea?');
  await bob.say('I do.');
  await alice.sees('I do.');
  carol.say('And I bring cake.');
  await alice.sees('And I bring cake.');
  await bob.sees('And I bring cake.');
  expect(await alice.texts()).toEqual(await bob.texts());
});

test('several lines, Markdown and code are elements, and code can be copied', async () => {
  await alice.say('**Bold** and `code`\n- one\n- two\n```rust\nfn main() {}\n```\nhttps://example.org/a');
  const row = bob.message('Bold').last();
  await row.waitFor();
  expect(await row.locator('strong').textContent()).toBe('Bold');
  expect(await row.locator('li').allTextContents()).toEqual(['one', 'two']);
  expect(await row.locator('pre').textContent()).toContain('fn main() {}');
  expect(await row.locator('a[href="https://example.org/a"]').getAttribute('rel')).toContain('noopener');
  const own = alice.message('Bold').last();
  await own.locator('pre').hover();
  await own.getByRole('button', { name: 'Copy' }).click();
  expect(await alice.page.evaluate(() => navigator.clipboard.readText())).toBe('fn main() {}');
  // A plain IRC client sees each line.
  await carol.sees('fn main() {}');
});

test('what is written from right to left runs so, wherever it stands', async () => {
  const { page } = alice;
  const [first, last] = ['אחת', 'שתיים'];
  const line = `${first} two, ${last}!`;
  /** Where the first of these words stands, seen from the second; `!` is at the other end of what ends with it. */
  const stands = (of: ReturnType<typeof page.locator>, one: string, other: string): Promise<string> =>
    of.evaluate(
      (element, words) => {
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        const found: DOMRect[] = [];
        for (const word of words) {
          walker.currentNode = element;
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.textContent?.indexOf(word) ?? -1;
            if (at < 0) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + word.length);
            found.push(range.getBoundingClientRect());
            break;
          }
        }
        const [a, b] = found;
        return !a || !b ? 'nowhere' : a.left >= b.right - 1 ? 'right' : a.right <= b.left + 1 ? 'left' : 'over it';
      },
      [one, other],
    );
  await alice.goTo('שיחה');
  await alice.say(`/topic ${line}`);
  await page.locator('#messages .event').filter({ hasText: 'changed the topic' }).waitFor();
  await alice.say(`${line}\n- ${line}\n- in English, ${first}.\n> ${line}\n\`let ${first} = 1;\``);
  await alice.say(line);
  const row = alice.message('in English').last();
  await row.waitFor();
  for (const [what, selector] of [['a paragraph', '.text > p'], ['an item', 'li'], ['a quotation', 'blockquote']] as const) {
    expect(await stands(row.locator(selector).first(), first, 'two'), what).toBe('right');
    expect(await stands(row.locator(selector).first(), last, '!'), what).toBe('right');
  }
  expect(await stands(row.locator('li').last(), 'English', first), 'an item in English').toBe('left');
  expect(await stands(row.locator('code'), 'let', '1;'), 'code').toBe('left');
  await alice.message(line).last().focus();
  await page.keyboard.press('p');
  await page.keyboard.press('r');
  await page.getByText('Reply to alice').waitFor();
  for (const [what, of] of [
    ['a sentence', alice.message(line).last().locator('.text')],
    ['what is answered', page.locator('.composer .banner')],
    ['the topic', page.locator('header .subtitle')],
    ['the beginning', page.locator('.beginning .topic')],
  ] as const) {
    expect(await stands(of, first, 'two'), what).toBe('right');
    expect(await stands(of, last, '!'), what).toBe('right');
  }
  await alice.composer().fill(line);
  expect(await alice.composer().evaluate((field) => getComputedStyle(field).direction)).toBe('rtl');
  await alice.composer().press('Enter');
  const quote = page.locator('#messages .parent .said');
  await quote.waitFor();
  expect(await stands(quote, last, '!'), 'the quote of an answer').toBe('right');
  await page.getByRole('button', { name: /1 pinned/ }).click();
  expect(await stands(page.locator('#panel .card .text'), last, '!'), 'a pinned message').toBe('right');
  await page.keyboard.press('Escape');
  await alice.goTo('tea');
});

test('a shortcode is its emoji, and the one that is meant is offered first', async () => {
  const { page } = alice;
  await alice.composer().focus();
  await page.keyboard.type('tea :heart: and :th');
  await page.getByRole('option').first().waitFor();
  await page.keyboard.type('umbsup:');
  await until(async () => (await alice.composer().inputValue()) === 'tea ❤️ and 👍', 'both are emoji');
  await page.keyboard.type(' `:tada:`');
  await page.keyboard.press('Enter');
  await bob.sees('tea ❤️ and 👍 :tada:');
  await page.keyboard.type(':heart');
  await page.getByRole('option', { name: ':heart:' }).waitFor();
  await page.keyboard.press('Enter');
  expect(await alice.composer().inputValue()).toBe('❤️ ');
  await alice.composer().fill('');
  await page.getByRole('button', { name: 'Insert an emoji' }).click();
  await page.getByRole('combobox', { name: 'Search emoji' }).fill('heart');
  const found = page.locator('.picker .one');
  await found.first().waitFor();
  expect((await found.first().textContent())?.trim()).toBe('❤️');
  // None of eight beside each other is cut off, however wide what stands above or below it.
  expect(await page.locator('.picker .all').evaluate((grid) => grid.scrollWidth - grid.clientWidth)).toBe(0);
  await page.keyboard.press('Enter');
  expect(await alice.composer().inputValue()).toBe('❤️');
  // What was done for her she takes back as what she typed.
  const isWritten = (text: string): Promise<void> => until(async () => (await alice.composer().inputValue()) === text, text);
  await page.keyboard.press('Control+z');
  await isWritten('');
  await page.keyboard.type('hello world');
  await page.keyboard.press('Shift+Home');
  await page.keyboard.press('Control+b');
  await isWritten('**hello world**');
  await page.keyboard.press('Control+z');
  await isWritten('hello world');
  await page.keyboard.press('Control+Shift+z');
  await isWritten('**hello world**');
  await page.keyboard.press('End');
  await page.keyboard.type(' :tea');
  await page.getByRole('option').first().waitFor();
  await page.keyboard.press('Tab');
  await isWritten('**hello world** 🍵 ');
  await page.keyboard.type(':+1:');
  await isWritten('**hello world** 🍵 👍');
  await page.keyboard.press('Enter');
  await isWritten('');
  for (const text of ['**hello world** 🍵 👍', '**hello world** 🍵 :+1:', '**hello world** 🍵 ', '**hello world** :tea', '**hello world**', 'hello world', '']) {
    await page.keyboard.press('Control+z');
    await isWritten(text);
  }
});

test('a reply shows what it answers, leads there, and makes a thread', async () => {
  const question = bob.message('Who makes the tea?').first();
  await question.focus();
  await bob.page.keyboard.press('r');
  await bob.say('Green or black?');
  const answer = alice.message('Green or black?').last();
  await answer.getByRole('button', { name: /Who makes the tea/ }).click();
  await alice.page.locator('article.flash').filter({ hasText: 'Who makes the tea?' }).waitFor();
  await alice.message('Green or black?').last().focus();
  await alice.page.keyboard.press('t');
  const thread = alice.page.getByRole('complementary').filter({ hasText: 'Thread' });
  await thread.getByText('Green or black?').waitFor();
  await thread.getByRole('textbox').fill('Green, please.');
  await thread.getByRole('textbox').press('Enter');
  await thread.getByText('Green, please.').waitFor();
  await bob.sees('Green, please.');
  await alice.page.keyboard.press('Escape');
});

test('who answers what is deleted meanwhile is told so, and it remains an answer', async () => {
  await alice.say('I take this back.');
  await bob.message('I take this back.').last().focus();
  await bob.page.keyboard.press('r');
  await bob.composer().fill('Why?');
  await alice.message('I take this back.').last().focus();
  await alice.page.keyboard.press('Delete');
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await bob.page.locator('.composer .banner').filter({ hasText: 'Deleted message' }).waitFor();
  await bob.composer().press('Enter');
  await alice.message('Why?').filter({ hasText: 'Deleted message' }).waitFor();
});

test('reactions are given, seen and taken back', async () => {
  const row = alice.message('And I bring cake.').first();
  await row.focus();
  await alice.page.keyboard.press('a');
  await alice.page.getByRole('searchbox', { name: 'Search emoji' }).or(alice.page.getByLabel('Search emoji')).first().fill('thumbs up');
  await alice.page.keyboard.press('Enter');
  const theirs = bob.message('And I bring cake.').first().getByRole('button', { name: /👍/ });
  await theirs.waitFor();
  await theirs.click();
  const own = row.getByRole('button', { name: /👍, 2/ });
  await own.waitFor();
  await own.click();
  await row.getByRole('button', { name: /👍, 1/ }).waitFor();
  // Who it was is told to whoever has no pointer to rest on it, too.
  await row.click({ button: 'right' });
  await alice.page.getByRole('menuitem', { name: 'Who reacted' }).click();
  await alice.page.getByRole('dialog').getByRole('region', { name: /👍, 1/ }).getByRole('button', { name: 'bob' }).waitFor();
  await alice.page.keyboard.press('Escape');
  expect(await row.getByRole('button', { name: /👍/ }).getAttribute('aria-pressed')).toBe('false');
});

test('the last message is edited with the arrow key, and deleted after a question', async () => {
  await alice.say('Teh kettle is on');
  await bob.sees('Teh kettle is on');
  // What is still on its way cannot be edited yet.
  await alice.page.locator('#messages article.pending').first().waitFor({ state: 'detached' });
  await alice.composer().press('ArrowUp');
  await until(async () => (await alice.composer().inputValue()) === 'Teh kettle is on');
  await alice.composer().fill('The kettle is on');
  await alice.composer().press('Enter');
  await bob.message('The kettle is on').getByText('(edited)').waitFor();
  await alice.message('The kettle is on').focus();
  await alice.page.keyboard.press('Delete');
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await until(async () => (await bob.message('The kettle is on').count()) === 0);
  await bob.page.getByText(/message was deleted/).first().waitFor();
  await alice.page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('a moderator pins, and everyone finds it', async () => {
  await alice.message('I do.').first().focus();
  await alice.page.keyboard.press('p');
  await bob.page.getByRole('button', { name: /1 pinned message/ }).click();
  await bob.page.getByRole('complementary').getByText('I do.').waitFor();
  await bob.page.keyboard.press('Escape');
  // What is deleted is not pinned any more, for anyone.
  await alice.say('Pinned for a moment');
  const row = alice.message('Pinned for a moment').last();
  await bob.sees('Pinned for a moment');
  await row.focus();
  await alice.page.keyboard.press('p');
  for (const one of [alice, bob]) await one.page.getByRole('button', { name: /2 pinned messages/ }).waitFor();
  await row.focus();
  await alice.page.keyboard.press('Delete');
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  for (const one of [alice, bob]) await one.page.getByRole('button', { name: /1 pinned message$/ }).waitFor();
});

test('who writes is shown, and who is away', async () => {
  await alice.composer().pressSequentially('I am thin');
  await bob.page.getByText('alice is writing…').waitFor();
  await alice.composer().fill('');
  await until(async () => (await bob.page.getByText('alice is writing…').count()) === 0);
  await bob.say('/away having tea');
  await alice.page.getByRole('button', { name: /3 members/ }).click();
  await alice.page.getByRole('complementary').getByText('having tea').waitFor();
  await bob.say('/back');
  await until(async () => (await alice.page.getByRole('complementary').getByText('having tea').count()) === 0);
  await alice.page.getByRole('button', { name: /3 members/ }).click();
});

test('mentions and unread messages are counted, and have their line', async () => {
  await alice.goTo('books');
  await bob.say('one more');
  await bob.say('@alice come back');
  const item = alice.page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: /^tea/ });
  await until(async () => /1 mention/.test((await item.textContent()) ?? ''));
  await item.click();
  await alice.page.locator('.line.new').waitFor();
  await alice.sees('come back');
  await until(async () => !/mention|unread/.test((await item.textContent()) ?? ''));
});

test('what is said first in an empty room is not new to whoever looks on', async () => {
  await alice.page.bringToFront();
  await alice.goTo('empty');
  await alice.page.getByText('This is where the room begins.').waitFor();
  await until(async () => (await alice.page.locator('.banner').count()) === 0 && (await alice.page.locator('#messages[aria-busy=false]').count()) > 0, 'the room is there');
  const guest = await Raw.at(server, 'first_guest');
  await guest.say('JOIN #empty', 'PRIVMSG #empty :the very first');
  await alice.sees('the very first');
  expect(await alice.page.locator('.line.new').count()).toBe(0);
  guest.leave();
  await alice.goTo('tea');
});

test('whoever was away finds where she stopped reading, at the address and from the list', async () => {
  const { page } = alice;
  const talker = await Raw.at(server, 'back_talker');
  await talker.say('JOIN #back', ...Array.from({ length: 40 }, (_, number) => `PRIVMSG #back :of before ${number}`));
  const item = page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: /^back/ });
  await alice.goTo('back');
  await bob.goTo('back');
  const comesBack: Record<string, () => Promise<() => Promise<unknown>>> = {
    'to its address': async () => {
      await page.goto('about:blank');
      return () => page.goto('/r/back');
    },
    'from the list': async () => {
      await page.goto('/r/tea');
      await alice.isCaughtUp();
      return () => item.click();
    },
  };
  for (const [how, away] of Object.entries(comesBack)) {
    // With more than a page she is shown what was kept first, and what takes its place.
    for (const many of [30, 150]) {
      await alice.goTo('tea');
      await alice.isCaughtUp();
      await talker.say('PRIVMSG #back :the last that is read');
      await until(async () => /unread/.test((await item.textContent()) ?? ''), 'something is unread');
      await item.click();
      await until(async () => {
        await page.locator('#messages').press('End');
        return !/unread/.test((await item.textContent()) ?? '');
      }, 'all is read');
      // What she says comes there behind up to where she has read.
      const seen = `read before ${many} ${how}`;
      await alice.say(seen);
      await bob.sees(seen);
      const back = await away();
      await talker.say(...Array.from({ length: many }, (_, number) => `PRIVMSG #back :${how} ${number} of ${many}`));
      await back();
      // Further up than what is shown at first one is told of it, and brought there.
      const button = page.getByRole('button', { name: `${many} unread messages` });
      const line = page.locator('#messages > div > div').filter({ has: page.locator('.line.new') });
      await until(async () => {
        if (many > 100 && (await button.isVisible())) await button.click({ timeout: 1_000 }).catch(() => undefined);
        return line.isVisible();
      }, `the line of ${many}, ${how}`);
      expect(await line.textContent()).toContain(`${how} 0 of ${many}`);
      await until(() => line.evaluate((line) => line.getBoundingClientRect().top > 0 && line.getBoundingClientRect().top < 700), 'the line is seen');
    }
  }
  // Whoever edits sees what, also when others have said so much since.
  await alice.goTo('back');
  await until(async () => {
    await page.locator('#messages').press('End');
    return !/unread/.test((await item.textContent()) ?? '');
  }, 'all is read');
  await alice.say('what I said');
  await bob.sees('what I said');
  await talker.say(...Array.from({ length: 40 }, (_, number) => `PRIVMSG #back :behind it ${number}`));
  await alice.sees('behind it 39');
  await alice.composer().press('ArrowUp');
  await until(
    () =>
      page.evaluate(() => {
        const row = [...document.querySelectorAll('#messages article')].find((row) => row.textContent?.includes('what I said'))?.getBoundingClientRect();
        const list = document.querySelector('#messages')?.getBoundingClientRect();
        return row !== undefined && list !== undefined && row.top >= list.top - 1 && row.bottom <= list.bottom + 1;
      }),
    'what is edited is seen',
  );
  await alice.composer().press('Escape');
  talker.leave();
  await bob.goTo('tea');
});

test('one writes to a person, and to a group', async () => {
  await alice.page.goto('/r/@bob');
  await alice.say('just for you');
  const item = bob.page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: /alice/ });
  await item.waitFor();
  // The line above what is unread is on the screen, with all that stands above a first message: nothing leads up to it.
  const wide = bob.page.viewportSize() ?? { width: 1280, height: 800 };
  await bob.page.setViewportSize({ width: 844, height: 390 });
  for (const times of [1, 8]) {
    await bob.goTo('tea');
    for (let time = 1; time < times; time += 1) await alice.say(`and one more, ${time} of ${times}`);
    await until(async () => /unread|mention/.test((await item.textContent()) ?? ''), 'it is unread');
    await item.click();
    await bob.sees('just for you');
    await until(() => bob.page.locator('.line.new').evaluate((line) => line.getBoundingClientRect().top > 60 && line.getBoundingClientRect().bottom < 390), 'the line is seen');
    await until(async () => (await bob.page.locator('.pill.unread').count()) === 0, 'there is nothing further up');
    await bob.page.locator('#messages').press('End');
    await until(async () => !/unread|mention/.test((await item.textContent()) ?? ''), 'it is read');
    expect(await bob.page.locator('.pill.unread').count()).toBe(0);
  }
  await bob.page.setViewportSize(wide);
  const dora = await Someone.at(server);
  await dora.signUp('dora');
  await alice.say('/group bob dora');
  await alice.composer().waitFor();
  await until(() => alice.page.url().includes('/r/') && !alice.page.url().endsWith('@bob'), 'the group is opened');
  await alice.say('the three of us');
  await bob.page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: /alice.*dora|dora.*alice/ }).click();
  await bob.sees('the three of us');
  await dora.leave();
});

test('what was said is found, with filters, and shown in its place', async () => {
  await alice.goTo('tea');
  await alice.page.keyboard.press('Control+f');
  const panel = alice.page.getByRole('complementary');
  await panel.getByRole('searchbox').fill('cake');
  await panel.getByRole('searchbox').press('Enter');
  await panel.getByText('And I bring').first().waitFor();
  await panel.getByRole('button', { name: 'Filters' }).click();
  await panel.getByLabel('Said by').fill('bob');
  await panel.getByLabel('Said by').press('Enter');
  await panel.getByText(/Nothing/).first().waitFor();
  await panel.getByLabel('Said by').fill('carol');
  await panel.getByLabel('Said by').press('Enter');
  await panel.getByText('And I bring').first().click();
  await alice.page.locator('article.flash').filter({ hasText: 'And I bring cake.' }).waitFor();
  await alice.page.keyboard.press('Escape');
});

test('what is searched for before there is a link is found as soon as there is one', async () => {
  await alice.page.goto('/search?q=cake');
  await alice.page.getByRole('complementary').getByText('And I bring').first().waitFor();
  expect(await alice.page.getByRole('alert').count()).toBe(0);
});

test('a search that is come to by its address is shown on a phone, too', async () => {
  const wide = alice.page.viewportSize() ?? { width: 1280, height: 800 };
  await alice.page.setViewportSize({ width: 360, height: 640 });
  await alice.page.goto('/search?q=cake');
  await alice.page.getByRole('complementary').getByText('And I bring').first().waitFor();
  await alice.page.getByRole('button', { name: 'Close' }).first().click();
  await alice.page.getByRole('navigation', { name: 'Conversations' }).getByRole('link', { name: /^tea/ }).waitFor();
  await alice.page.setViewportSize(wide);
});

test('the switcher leads anywhere by a few letters', async () => {
  await alice.page.keyboard.press('Control+k');
  await alice.page.getByRole('combobox').fill('boo');
  await alice.page.keyboard.press('Enter');
  await until(() => alice.page.url().endsWith('/r/books'));
});

test('in a window as small as can be one sees the end all the same', async () => {
  const wide = alice.page.viewportSize() ?? { width: 1280, height: 800 };
  await alice.page.setViewportSize({ width: 320, height: 568 });
  for (let times = 0; times < 3; times += 1) {
    await alice.page.goto('/r/tea');
    await alice.page.locator('#messages.ready article').last().waitFor();
    const below = (): Promise<number> => alice.page.locator('#messages').evaluate((list) => list.scrollHeight - list.clientHeight - list.scrollTop);
    await until(async () => (await below()) < 2);
    expect(await alice.page.getByRole('button', { name: 'To the latest' }).count()).toBe(0);
  }
  await alice.page.setViewportSize(wide);
});

test('whoever is at the end stays there when the list becomes taller', async () => {
  const { page } = alice;
  const talker = await Raw.at(server, 'tall_talker');
  await talker.say('JOIN #tall', ...Array.from({ length: 60 }, (_, number) => `PRIVMSG #tall :line ${number}`));
  await alice.goTo('tall');
  await alice.isCaughtUp();
  await alice.say('the last of hers');
  await alice.sees('the last of hers');
  const size = page.viewportSize() ?? { width: 1280, height: 800 };
  const taller: Record<string, () => Promise<void>> = {
    'an edit is left': async () => {
      await alice.say(`hers at ${Date.now()}`);
      // As soon as it has been sent.
      await until(async () => {
        await alice.composer().press('ArrowUp');
        return page.locator('.composer .banner').isVisible();
      }, 'an edit');
      await alice.composer().press('Escape');
    },
    'an answer is not given': async () => {
      await page.locator('#messages article').last().focus();
      await page.keyboard.press('r');
      await page.locator('.composer .banner').waitFor();
      await alice.composer().press('Escape');
    },
    'a draft of many lines is cleared': async () => {
      await alice.composer().fill('line\n'.repeat(5));
      await alice.composer().fill('');
    },
    'the window is enlarged': async () => {
      await page.setViewportSize({ ...size, height: size.height - 200 });
      await page.setViewportSize(size);
    },
  };
  const list = page.locator('#messages');
  const below = (): Promise<number> => list.evaluate((list) => list.scrollHeight - list.clientHeight - list.scrollTop);
  // At first the list holds its end by itself.
  for (const began = Date.now(); Date.now() - began < 3_000; ) {
    for (const [what, makeTaller] of Object.entries(taller)) {
      await makeTaller().catch((error: unknown) => Promise.reject(new Error(what, { cause: error })));
      const said = `${Date.now() - began} ms, ${what}`;
      await talker.say(`PRIVMSG #tall :${said}`);
      await alice.sees(said);
      await until(async () => (await below()) < 2, `the end is seen when ${what}`);
      expect(await page.getByRole('button', { name: /To the latest|new message/ }).count(), what).toBe(0);
    }
  }
  talker.leave();
});

test('whoever is brought up by something else than a hand is left there', async () => {
  // As the browser's own search does, and screen readers, which bring what they read into view.
  const page = await alice.tab('/r/tea');
  await page.setViewportSize({ width: 400, height: 400 });
  const list = page.locator('#messages.ready');
  await list.locator('article').last().waitFor();
  const toLatest = page.getByRole('button', { name: 'To the latest' });
  await until(async () => {
    await list.evaluate(async (element) => {
      element.scrollTop = Math.min(element.scrollTop, element.scrollHeight - element.clientHeight - 300);
      // Until it rests: a list that moves on and on holds on to its end for as long, if something came above.
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    return (await toLatest.count()) === 1;
  }, 'the end is left');
  const inTheMiddle = (): Promise<string | undefined> =>
    page.evaluate(() => document.elementFromPoint(200, 150)?.closest('article')?.textContent);
  const read = await inTheMiddle();
  carol.say('said while she reads further up');
  await page.getByRole('button', { name: '1 new message' }).waitFor();
  expect(await inTheMiddle()).toBe(read);
  await page.close();
  // Only what has the focus may copy.
  await alice.page.bringToFront();
});

test('whoever goes up from the end sees nothing move but what she moves', async () => {
  const talker = await Raw.at(server, 'far_talker');
  await talker.say('JOIN #far', ...Array.from({ length: 600 }, (_, number) => `PRIVMSG #far :line ${number}`));
  talker.leave();
  // As the system says, and as one may have chosen in the page.
  for (const [reducedMotion, chosen] of [['reduce', null], ['no-preference', null], ['no-preference', 'reduced']] as const) {
    await alice.page.emulateMedia({ reducedMotion });
    await alice.goTo('far');
    if (chosen) await alice.page.evaluate((motion) => document.documentElement.setAttribute('data-motion', motion), chosen);
    await alice.sees('line 599');
    await alice.isCaughtUp();
    const list = alice.page.locator('#messages');
    const toLatest = alice.page.getByRole('button', { name: 'To the latest' });
    await until(async () => {
      await list.evaluate((list) => {
        list.dispatchEvent(new WheelEvent('wheel'));
        list.scrollBy(0, -60);
      });
      return (await toLatest.count()) === 1;
    }, 'the end is left');
    const step = 150;
    const moved = await list.evaluate(async (list, step) => {
      const moved: number[] = [];
      for (let steps = 0; steps < 400 && list.scrollTop > step; steps += 1) {
        const row = document.elementFromPoint(700, 300)?.closest('article');
        const before = row?.getBoundingClientRect().top ?? NaN;
        list.dispatchEvent(new WheelEvent('wheel'));
        list.scrollBy(0, -step);
        for (let frames = 0; frames < 2; frames += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = list.querySelector(`[data-key="${row?.dataset.key}"]`)?.getBoundingClientRect().top ?? NaN;
        moved.push(now - before);
      }
      return moved;
    }, step);
    expect(moved.length).toBeGreaterThan(50);
    expect(moved.filter((by) => !(Math.abs(by - step) <= 2))).toEqual([]);
  }
  // Whoever comes back is where she was; but where something is new since, that is before her.
  const places = alice.page.getByRole('navigation', { name: 'Conversations' });
  const topmost = (): Promise<string | undefined> => alice.page.evaluate(() => document.elementFromPoint(700, 300)?.closest('article')?.querySelector('.text')?.textContent?.trim());
  const go = async (room: string): Promise<void> => {
    await places.getByRole('link', { name: new RegExp(`^${room}\\b`) }).click();
    await until(() => new URL(alice.page.url()).pathname === `/r/${room}`);
    await alice.isCaughtUp();
  };
  await alice.page.locator('#messages').evaluate(async (list) => {
    list.dispatchEvent(new WheelEvent('wheel'));
    list.scrollBy(0, 4_000);
    for (let frames = 0; frames < 4; frames += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
  });
  const read = await topmost();
  expect(read).toMatch(/^line/);
  await go('tea');
  await go('far');
  await until(async () => (await topmost()) === read, `${read} is read again`);
  await go('tea');
  const again = await Raw.at(server, 'far_talker');
  await again.say('JOIN #far', 'PRIVMSG #far :new since');
  again.leave();
  await go('far');
  await alice.message('new since').waitFor();
  await until(async () => alice.message('new since').isVisible());
  await alice.page.emulateMedia({ reducedMotion: 'reduce' });
});

test('whoever goes up as soon as there is anything above moves what is read by as much, though none of that was measured', async () => {
  const talker = await Raw.at(server, 'soon_talker');
  await talker.say('JOIN #soon', ...Array.from({ length: 300 }, (_, number) => `PRIVMSG #soon :line ${number}`));
  talker.leave();
  await alice.page.addInitScript(() => {
    if (location.pathname !== '/r/soon') return;
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    const goUp = async () => {
      let list: HTMLElement | null;
      do {
        await frame();
        list = document.getElementById('messages');
      } while (!list?.textContent.includes('line 299') || list.scrollHeight < list.clientHeight + 1_000);
      const moved: number[] = [];
      // While the end is held, steps lead nowhere; rows are measured.
      for (let steps = 0; steps < 100 && moved.length < 6; steps += 1) {
        const row = [...list.querySelectorAll('article')].findLast((row) => row.getBoundingClientRect().top < 500);
        const before = row?.getBoundingClientRect().top ?? NaN;
        list.dispatchEvent(new WheelEvent('wheel'));
        list.scrollBy(0, -150);
        await frame();
        await frame();
        // A page that comes meanwhile may have it drawn anew.
        const by = (list.querySelector(`[data-key="${row?.dataset.key}"]`)?.getBoundingClientRect().top ?? NaN) - before;
        if (!(Math.abs(by) < 75)) moved.push(by);
      }
      return moved;
    };
    Object.assign(window, { moved: goUp() });
  });
  await alice.goTo('soon');
  const moved = await alice.page.evaluate(() => (window as unknown as { moved: Promise<number[]> }).moved);
  expect(moved).toHaveLength(6);
  expect(moved.filter((by) => !(Math.abs(by - 150) <= 2))).toEqual([]);
});

test('a message of before is come to wherever it is, and whoever goes down from it sees nothing move against her', async () => {
  const erin = await Raw.at(server, 'erin');
  await erin.say('JOIN #long', ...Array.from({ length: 300 }, (_, n) => `PRIVMSG #long :no. ${n} ${'as long as it happens to be '.repeat((n * 7) % 6)}`));
  await alice.goTo('long');
  // The way up to one that is known already leads past where older ones are fetched, behind which all have other numbers.
  await until(() => alice.page.locator('#messages').evaluate((list) => list.scrollHeight > 2_000));
  await alice.page.keyboard.press('Control+f');
  for (const wanted of ['no. 215', 'no. 90']) {
    await alice.page.locator('#panel').getByRole('searchbox').fill(`"${wanted}" in:long`);
    await alice.page.keyboard.press('Enter');
    await alice.page.locator('#panel li button').filter({ hasText: wanted }).click();
    await alice.page.locator('article.flash').filter({ hasText: wanted }).waitFor();
    expect(await alice.page.locator('article.flash').evaluate((row) => row.getBoundingClientRect().top)).toBeGreaterThan(50);
  }
  await alice.isCaughtUp();
  const moved = await alice.page.locator('#messages').evaluate(async (list) => {
    const rows = () => new Map([...list.querySelectorAll('article')].map((row) => [row.dataset.key, row.getBoundingClientRect()] as const).filter(([, at]) => at.height > 0 && at.bottom > 60 && at.top < 500));
    const moved: number[] = [];
    for (let notches = 0; notches < 25; notches += 1) {
      list.scrollTop += 200;
      let before = rows();
      for (let frames = 0; frames < 3; frames += 1) {
        await new Promise((resolve) => requestAnimationFrame(resolve));
        const now = rows();
        for (const [key, at] of now) {
          const was = before.get(key);
          if (was && at.top - was.top > 2) moved.push(at.top - was.top);
        }
        before = now;
      }
    }
    return moved;
  });
  erin.leave();
  await alice.page.keyboard.press('Escape');
  expect(moved).toEqual([]);
});

test('whoever reads up in a thread is left there when somebody answers', async () => {
  const frank = await Raw.at(server, 'frank');
  const said = await frank.say('JOIN #long', 'PRIVMSG #long :the beginning of it');
  const root = /msgid=([^;\s]+)[^\n]*the beginning of it/.exec(said)?.[1] ?? '';
  await frank.say(...Array.from({ length: 30 }, (_, n) => `@+reply=${root} PRIVMSG #long :answer ${n}`));
  await alice.goTo('long');
  await alice.isCaughtUp();
  // Whoever had not read all of it is shown where she stopped.
  await alice.page.locator('#messages').press('End');
  await alice.sees('answer 29');
  await alice.message('answer 29').last().focus();
  await alice.page.keyboard.press('t');
  const panel = alice.page.locator('#panel');
  await panel.locator('article').filter({ hasText: 'answer 29' }).waitFor();
  const list = panel.locator('.body');
  const below = (): Promise<number> => list.evaluate((body) => body.scrollHeight - body.clientHeight - body.scrollTop);
  await until(async () => (await below()) < 20, 'the end is shown');
  await list.evaluate((body) => (body.scrollTop = 0));
  await frank.say(`@+reply=${root} PRIVMSG #long :one more answer`);
  await panel.locator('article').filter({ hasText: 'one more answer' }).waitFor();
  expect(await list.evaluate((body) => body.scrollTop)).toBe(0);
  await panel.getByRole('textbox').fill('my own answer');
  await panel.getByRole('textbox').press('Enter');
  await until(async () => (await below()) < 20, 'her own answer is shown');
  frank.leave();
  await alice.page.keyboard.press('Escape');
});

test('what was said before many came and went is there, whether they are shown or not', async () => {
  const { page } = alice;
  const guest = await Raw.at(server, 'guest_of_before');
  await guest.say('JOIN #crowd', ...Array.from({ length: 5 }, (_, number) => `PRIVMSG #crowd :before the crowd ${number}`));
  // More than two pages of it.
  for (let round = 0; round < 130; round += 1) await guest.say('PART #crowd', 'JOIN #crowd');
  await alice.goTo('crowd');
  await alice.sees('before the crowd 0');
  await page.goto('/r/tea');
  await page.evaluate(() => localStorage.setItem('parlor.preferences', JSON.stringify({ ...JSON.parse(localStorage.getItem('parlor.preferences') ?? '{}'), showComings: false })));
  await page.goto('/r/crowd');
  await alice.sees('before the crowd 0');
  await page.evaluate(() => localStorage.removeItem('parlor.preferences'));
  await alice.goTo('tea');
  guest.leave();
});

test('the address of a message leads to it', async () => {
  await alice.goTo('tea');
  await alice.isCaughtUp();
  // Only what has the focus may copy: behind a test with a second tab it comes when it comes.
  await until(() => alice.page.evaluate(() => document.hasFocus()), 'the focus is back');
  await alice.page.locator('#messages').press('Home');
  await alice.message('Who makes the tea?').first().focus();
  await alice.page.keyboard.press('l');
  let address = '';
  await until(async () => {
    address = await alice.page.evaluate(() => navigator.clipboard.readText());
    return address.includes('/r/tea/');
  });
  await bob.page.goto(address);
  await bob.page.locator('article.flash').filter({ hasText: 'Who makes the tea?' }).waitFor();
});

test('a link to a message leads everyone to it who may read it, whatever the place is called, and whoever has to join first', async () => {
  const linkTo = async (text: string): Promise<string> => {
    // Only what has the focus may copy.
    await until(() => alice.page.evaluate(() => document.hasFocus()), 'the focus is back');
    await alice.page.evaluate(() => navigator.clipboard.writeText(''));
    await alice.message(text).last().click({ button: 'right' });
    await alice.page.getByRole('menuitem', { name: 'Copy link' }).click();
    let address = '';
    await until(async () => (address = await alice.page.evaluate(() => navigator.clipboard.readText())) !== '');
    return address;
  };
  const leads = async (someone: Someone, text: string): Promise<void> => someone.page.locator('article.flash').filter({ hasText: text }).waitFor();
  await alice.page.goto('/r/@bob');
  await alice.say('between the two of us');
  await alice.message('between the two of us').waitFor();
  await alice.page.locator('#messages article.pending').first().waitFor({ state: 'detached' });
  const direct = await linkTo('between the two of us');
  await bob.page.goto(direct);
  await leads(bob, 'between the two of us');
  await until(() => /\/r\/@alice\//.test(bob.page.url()), 'it is the conversation with alice');
  const nina = await Someone.at(server);
  await nina.signUp('nina');
  await nina.page.goto(direct);
  await nina.page.getByText('or you may not read it').first().waitFor();
  await nina.page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();

  await alice.goTo('pot');
  await bob.goTo('pot');
  await alice.say('the first of many');
  const rest = await Raw.at(server, 'rest');
  await rest.say('JOIN #pot', ...Array.from({ length: 150 }, (_, at) => `PRIVMSG #pot :line ${at}`));
  await alice.sees('line 149');
  await alice.page.goto('/r/pot');
  await alice.isCaughtUp();
  await alice.page.locator('#messages').press('Home');
  await until(async () => {
    await alice.page.locator('#messages').evaluate((list) => (list.scrollTop = 0));
    return alice.message('the first of many').first().isVisible();
  });
  const inRoom = await linkTo('the first of many');
  expect(inRoom).toMatch(/\/r\/pot\//);
  await nina.page.goto(inRoom);
  await nina.page.getByRole('button', { name: 'Join', exact: true }).click();
  await leads(nina, 'the first of many');
  await alice.say('/quote RENAME #pot #kettle');
  await until(() => alice.page.url().endsWith('/r/kettle'), 'the room has another name');
  // To those in it the old name leads, and to others behind Join.
  await bob.page.goto(inRoom);
  await leads(bob, 'the first of many');
  await until(() => bob.page.url().includes('/r/kettle/'), 'the address is of the new name');
  await bob.page.goto('/r/pot');
  await until(() => bob.page.url().endsWith('/r/kettle'), 'a link to the room leads there, too');
  const olga = await Someone.at(server);
  await olga.signUp('olga');
  await olga.page.goto(inRoom);
  await olga.page.getByRole('button', { name: 'Join', exact: true }).click();
  await leads(olga, 'the first of many');
  rest.leave();
  await nina.leave();
  await olga.leave();
}, 90_000);

test('a message is unfolded into what crosses the network', async () => {
  await alice.goTo('tea');
  await alice.say('seen on the wire');
  await bob.goTo('tea');
  const row = bob.message('seen on the wire').last();
  await row.waitFor();
  await row.click({ button: 'right' });
  await bob.page.getByRole('menuitem', { name: 'On the wire' }).click();
  const panel = bob.page.locator('#panel');
  await panel.getByText(/^@.*:alice!.* PRIVMSG #tea :seen on the wire$/).waitFor();
  const layer = (name: string) => panel.locator('details').filter({ has: bob.page.getByText(name, { exact: true }) }).first();
  await layer('Text').locator('summary').getByText('16 bytes', { exact: true }).waitFor();
  await layer('WebSocket frame').getByText(/^\d+ bytes = \d+ \+ 4, computed$/).waitFor();
  // The server runs on this machine: there is no frame below IP, and it says so of the connection.
  await layer('IP packet').click();
  await layer('IP packet').getByText('127.0.0.1').first().waitFor();
  expect(await panel.getByText('Ethernet frame').count()).toBe(0);
  await layer('Socket').locator('summary').getByText('ESTABLISHED', { exact: true }).waitFor();
  await layer('Round-trip time').locator('summary').getByText(/ms ± /).waitFor();
  await bob.page.keyboard.press('Escape');
});
