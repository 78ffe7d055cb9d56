import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChatState } from './chat.svelte';
import type { ConversationState } from './conversation.svelte';
import { Failure } from '../irc/connection';
import { refusals as german } from '../texts/de/refusals';
import { refusals as english } from '../texts/en/refusals';
import { readPreferences } from './preferences.svelte';
import { sentenceOf } from './refusals';
import { FakeServer, info, message, openPage, page, until } from './testing';
import { Refused } from './types';

let server: FakeServer;
const pages: ChatState[] = [];

/** What stands there, in short: texts, `…` pending, `!` failed, `(event)`. */
function shown(conversation: ConversationState): string[] {
  return conversation.entries.map((entry) => {
    if (entry.kind === 'event') return `(${entry.describe()})`;
    const mark = entry.status === 'pending' ? '…' : entry.status === 'failed' ? '!' : '';
    return `${mark}${entry.deleted ? `deleted by ${entry.deleted.by}` : entry.text}${entry.edited ? '*' : ''}`;
  });
}

async function open(session = info): Promise<ChatState> {
  const chat = await openPage(server, session);
  pages.push(chat);
  return chat;
}

/** Alice is at the page, in #tea. */
async function inTea(): Promise<{ chat: ChatState; tea: ConversationState }> {
  server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
  const chat = await open();
  await until(() => chat.link.kind === 'online');
  return { chat, tea: chat.open('#tea') };
}

beforeEach(() => {
  server = new FakeServer();
});

afterEach(async () => {
  for (const chat of pages.splice(0)) {
    await chat.session.loggedOut(null);
    chat.tabs.stop();
  }
  localStorage.clear();
  sessionStorage.clear();
});

describe('coming', () => {
  test('who is logged in is let in and brought up to date', async () => {
    const { chat, tea } = await inTea();
    expect(chat.session.state).toBe('in');
    expect(chat.me.nick).toBe('alice');
    expect(tea.membership).toBe('in');
    expect(chat.can.search).toBe(true);
    const sent = server.socket.sent.join('\n');
    expect(sent.indexOf('METADATA * SUB')).toBeLessThan(sent.indexOf('CAP END'));
    for (const line of server.socket.sent) expect(new TextEncoder().encode(line).length).toBeLessThan(511);
  });

  test('nobody is let in as a nobody who wanted to be somebody', async () => {
    server.account = null;
    const chat = await open();
    await until(() => server.sockets.length > 0 && server.socket.isClosed);
    expect(chat.link.kind).not.toBe('online');
  });

  test('a server that cannot be reached is no entry screen', async () => {
    const chat = await openPage(server, null);
    pages.push(chat);
    expect(chat.session.state).toBe('unreachable');
  });

  test('a guest whose name is taken is asked for another one', async () => {
    server.account = null;
    server.answers.CAP = (line) => (line.params[0] === 'END' ? [':s 433 * gina :taken'] : line.params[0] === 'LS' ? [':s CAP * LS :batch'] : []);
    const chat = await open({ ...info, signedIn: false, username: undefined });
    expect(chat.session.state).toBe('out');
    await chat.session.enterAsGuest('gina');
    await until(() => chat.session.state === 'out');
    expect(chat.session.sentence).toContain('gina');
  });

  test('a guest who reloads is in her rooms again', async () => {
    server.account = null;
    const guest = { ...info, signedIn: false, username: undefined };
    const chat = await open(guest);
    await chat.session.enterAsGuest('alice');
    await until(() => chat.link.kind === 'online');
    server.socket.say(':alice!u@h JOIN #tea * :Alice', ':alice!u@h JOIN #books * :Alice', ':alice!u@h PART #books');
    chat.tabs.stop();
    server.socket.break();
    const again = await open(guest);
    await until(() => again.session.state === 'guest' && again.link.kind === 'online');
    expect(server.socket.sent.filter((line) => line.includes('JOIN')).map((line) => line.split(' ').at(-1))).toEqual(['#tea']);
  });

  test('rooms that were left elsewhere are gone', async () => {
    const { chat } = await inTea();
    server.socket.say(':alice!u@h JOIN #books alice :Alice');
    server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
    server.socket.break();
    chat.link.reconnect();
    await until(() => chat.link.kind === 'online');
    expect(chat.conversations.map((conversation) => conversation.name)).toEqual(['#tea']);
  });
});

test('a link that breaks right behind an answer has made nobody leave', async () => {
  server.answers.UNREAD = (_, label) => {
    server.socket.say(`@label=${label} :s BATCH +u parlor/unread`, ':s BATCH -u');
    server.socket.break();
    return null;
  };
  server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
  const chat = await open();
  await until(() => chat.link.kind === 'offline' && chat.conversations.length > 0);
  await new Promise((resolve) => setTimeout(resolve));
  expect(chat.find('#tea')?.membership).toBe('in');
});

describe('history', () => {
  test('is read when it is looked at, back to the beginning', async () => {
    server.answers.CHATHISTORY = (line, label) => {
      const [which, target = '', anchor] = line.params;
      if (which === 'TARGETS') return [`@label=${label} :s ACK`];
      if (which === 'LATEST') return page(label, target, 'm3 bob three', 'm4 bob four', 'm5 bob five');
      if (anchor === 'msgid=m3') return page(label, target, 'm1 bob one', 'm2 bob two');
      return page(label, target);
    };
    const { tea } = await inTea();
    await until(() => tea.entries.length === 3);
    expect(tea.beginsHere).toBe(false);
    await tea.loadOlder();
    expect(shown(tea)).toEqual(['one', 'two', 'three', 'four', 'five']);
    expect(tea.beginsHere).toBe(true);
    await tea.loadOlder();
    expect(server.socket.sent.filter((line) => line.includes('CHATHISTORY BEFORE'))).toHaveLength(1);
  });

  test('that is under way takes in what comes and changes meanwhile', async () => {
    let ask: string | null = null;
    server.answers.CHATHISTORY = (line, label) => {
      if (line.params[0] !== 'LATEST') return [`@label=${label} :s ACK`];
      ask = label;
      return null;
    };
    const { tea } = await inTea();
    await until(() => ask !== null);
    // Said, edited, deleted and reacted to after the page was read and before it came.
    server.socket.say(
      message('m4 bob four', '#tea'),
      message('m5 bob five', '#tea'),
      '@draft/target-msgid=m2;draft/edit-text=second;account=bob :bob!u@h EDIT #tea',
      ':bob!u@h REDACT #tea m1',
      '@+draft/reply=m3;+draft/react=👍;account=bob :bob!u@h TAGMSG #tea',
    );
    server.socket.say(...page(ask ?? '', '#tea', 'm1 bob one', 'm2 bob two', 'm3 bob three', 'm4 bob four'));
    await until(() => tea.entries.length === 5);
    expect(shown(tea)).toEqual(['deleted by bob', 'second*', 'three', 'four', 'five']);
    expect(tea.find('m3')?.reactions).toEqual([{ text: '👍', people: ['bob'], own: false }]);
  });

  test('has what became of its messages', async () => {
    server.answers.CHATHISTORY = (line, label) =>
      line.params[0] === 'LATEST'
        ? page(
            label,
            '#tea',
            'm1 bob one',
            '@draft/chathistory-context;+draft/reply=m1;+draft/react=👍;account=carol :carol!u@h TAGMSG #tea',
            '@draft/chathistory-context;draft/target-msgid=m1;draft/edit-text=uno;account=bob :bob!u@h EDIT #tea',
            '@draft/chathistory-context;account=bob :bob!u@h PIN #tea m1',
            '@msgid=j1 :carol!u@h JOIN #tea carol :Carol',
            '@msgid=j2 :dora!u@h JOIN #tea dora :Dora',
            '@account=bob :bob!u@h REDACT #tea gone :rude',
          )
        : [`@label=${label} :s ACK`];
    const { tea } = await inTea();
    await until(() => tea.entries.length > 0);
    expect(shown(tea)).toEqual(['uno*', '(carol joined; dora joined)', '(bob deleted a message (rude))']);
    expect(tea.find('m1')?.pinned).toBe(true);
    expect(tea.find('m1')?.reactions[0]?.people).toEqual(['carol']);
  });

  test('after a lost link goes on without a gap', async () => {
    const said = ['m1 bob one', 'm2 bob two', 'm3 bob three'];
    server.answers.CHATHISTORY = (line, label) => {
      const [which, target = '', anchor = ''] = line.params;
      const place = said.findIndex((line) => line.startsWith(`${anchor.replace('msgid=', '')} `));
      if (which === 'LATEST') return page(label, target, ...said.slice(-3));
      if (which === 'BEFORE') return page(label, target, ...said.slice(Math.max(0, place - 3), place));
      return [`@label=${label} :s ACK`];
    };
    const { chat, tea } = await inTea();
    await until(() => tea.entries.length === 3);
    const key = tea.entries[2]?.key;
    server.socket.break();
    expect(chat.link.kind).toBe('offline');
    for (let number = 4; number <= 12; number += 1) said.push(`m${number} bob ${number}`);
    chat.link.reconnect();
    await until(() => chat.link.kind === 'online');
    expect(shown(tea)).toEqual(['10', '11', '12']);
    for (let pages = 0; pages < 4; pages += 1) await tea.loadOlder();
    expect(shown(tea)).toEqual(['one', 'two', 'three', '4', '5', '6', '7', '8', '9', '10', '11', '12']);
    expect(key).toBe('m3');
  });

  test('goes to a message in the past and comes back to the present', async () => {
    server.answers.CHATHISTORY = (line, label) => {
      const [which, target = '', anchor] = line.params;
      if (which === 'LATEST') return page(label, target, 'm20 bob twenty', 'm21 bob twenty-one', 'm22 bob twenty-two');
      if (which === 'AROUND' && anchor === 'msgid=m2') return page(label, target, 'm1 bob one', 'm2 bob two', 'm3 bob three');
      if (which === 'AFTER' && anchor === 'msgid=m3') return page(label, target, 'm20 bob twenty', 'm21 bob twenty-one', 'm22 bob twenty-two');
      if (which === 'AFTER') return page(label, target);
      return page(label, target);
    };
    const { tea } = await inTea();
    await until(() => tea.entries.length === 3);
    const found = await tea.goTo('m2');
    expect(found.text).toBe('two');
    expect(tea.atEnd).toBe(false);
    expect(shown(tea)).toEqual(['one', 'two', 'three']);
    server.socket.say(message('m23 bob new', '#tea'));
    expect(shown(tea)).toEqual(['one', 'two', 'three']);
    expect(tea.unread).toBe(1);
    await tea.loadNewer();
    expect(tea.atEnd).toBe(false);
    server.answers.CHATHISTORY = (line, label) => page(label, line.params[1] ?? '', 'm23 bob new');
    await tea.loadNewer();
    expect(tea.atEnd).toBe(true);
    expect(shown(tea)).toEqual(['one', 'two', 'three', 'twenty', 'twenty-one', 'twenty-two', 'new']);
    await expect(tea.goTo('nothing')).rejects.toThrow(Refused);
    expect(tea.entries).toHaveLength(7);
  });

  test('answers know what they answer, known here or not', async () => {
    server.answers.CHATHISTORY = (line, label) => {
      const [which, target = '', anchor] = line.params;
      if (which === 'LATEST') return page(label, target, '@msgid=m9;+draft/reply=m1;account=carol :carol!u@h PRIVMSG #tea :answer', 'm10 bob ten', 'm11 bob eleven');
      if (which === 'AROUND' && anchor === 'msgid=m1') return page(label, target, 'm1 bob question', 'm2 bob other');
      return page(label, target);
    };
    const { tea } = await inTea();
    await until(() => tea.entries.length === 3);
    expect(tea.find('m1')).toBeNull();
    tea.fetch('m1');
    await until(() => tea.find('m1'));
    expect(tea.find('m1')?.text).toBe('question');
    expect(tea.find('m1')?.replyCount).toBe(1);
    expect(tea.thread('m1').replies.map((reply) => reply.text)).toEqual(['answer']);
    const answer = tea.find('m9');
    expect(answer && tea.threadRoot(answer)).toBe('m1');
    expect(tea.entries).toHaveLength(3);
  });
});

describe('a long history', () => {
  /** More messages than are kept, and somebody who walks through them. */
  const all = Array.from({ length: 14_000 }, (_, index) => `m${index} bob text ${index}`);
  async function inLong(): Promise<{ chat: ChatState; tea: ConversationState }> {
    server.historyPage = 1_000;
    server.answers.CHATHISTORY = (line, label) => {
      const [which, target = '', anchor = '', count = '0'] = line.params;
      const [at, limit] = [Number(/m(\d+)/.exec(anchor)?.[1] ?? all.length), Number(count)];
      const [from, to] = which === 'LATEST' || which === 'BEFORE' ? [Math.max(0, at - limit), at] : [at + 1, at + 1 + limit];
      return which === 'TARGETS' ? [`@label=${label} :s ACK`] : page(label, target, ...all.slice(from, to));
    };
    const { chat, tea } = await inTea();
    await until(() => tea.isFresh && tea.entries.length > 0);
    return { chat, tea };
  }
  const texts = (tea: ConversationState) => tea.entries.map((entry) => (entry.kind === 'message' ? Number(entry.text.slice(5)) : -1));

  test('is let go of at its other end, and comes back whole', async () => {
    const { tea } = await inLong();
    while (!tea.beginsHere) await tea.loadOlder();
    await until(() => tea.entries.length < 12_000);
    expect([tea.atEnd, texts(tea)[0], texts(tea).at(-1)]).toEqual([false, 0, 9_999]);
    // What is said meanwhile stands at the end, where one is not.
    server.socket.say(message('m14000 bob text 14000', '#tea'));
    all.push('m14000 bob text 14000');
    while (!tea.atEnd) {
      await tea.loadNewer();
      await new Promise((resolve) => setTimeout(resolve));
    }
    expect(tea.beginsHere).toBe(false);
    const numbers = texts(tea);
    expect(numbers.at(-1)).toBe(14_000);
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    expect(numbers.length).toBeLessThanOrEqual(12_000);
  });

  test('of a room where much is said while one looks stays short, one step at a time', async () => {
    const { tea } = await inLong();
    tea.sees(true);
    let before = tea.entries;
    for (let at = 0; at < 900; at += 1) {
      server.socket.say(message(`n${at} bob text ${14_000 + at}`, '#tea'));
      // Either more at the end or less at the beginning, never both.
      const grew = tea.entries.at(-1) !== before.at(-1);
      const shrank = tea.entries[0] !== before[0];
      expect(grew && shrank).toBe(false);
      before = tea.entries;
      if (at % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    await until(() => tea.entries.length <= 1_500);
    expect(texts(tea).at(-1)).toBe(14_899);
    expect(tea.beginsHere).toBe(false);
  });
});

describe('what is said', () => {
  test('stands there at once, and is the echo when that has come', async () => {
    const { tea } = await inTea();
    let label = '';
    server.answers.PRIVMSG = (_, given) => {
      label = given;
      return null;
    };
    await tea.send('hello');
    await until(() => label !== '');
    expect(shown(tea)).toEqual(['…hello']);
    const key = tea.entries[0]?.key;
    server.socket.say(message('m1 bob first', '#tea'));
    server.socket.say(`@label=${label};msgid=m2;account=alice :alice!u@h PRIVMSG #tea :hello`);
    expect(shown(tea)).toEqual(['first', 'hello']);
    expect(tea.entries[1]?.key).toBe(key);
  });

  test('offline goes when the link is back, once each, in order', async () => {
    const { chat, tea } = await inTea();
    server.socket.break();
    await tea.send('one');
    await tea.send('two\nlines');
    expect(shown(tea)).toEqual(['…one', '…two\nlines']);
    expect(chat.link.unsent).toBe(2);
    chat.link.reconnect();
    await until(() => chat.link.unsent === 0);
    expect(shown(tea)).toEqual(['one', 'two\nlines']);
    expect(server.posted.size).toBe(2);
  });

  test('and not answered before the link broke is said again with its key', async () => {
    const { chat, tea } = await inTea();
    const keys: string[] = [];
    server.answers.PRIVMSG = (line) => {
      keys.push(line.tags.get('parlor/once') ?? '');
      return null;
    };
    await tea.send('hello');
    await until(() => keys.length === 1);
    server.socket.break();
    delete server.answers.PRIVMSG;
    server.posted.set(keys[0] ?? '', 'm7');
    chat.link.reconnect();
    await until(() => chat.link.unsent === 0);
    expect(tea.entries.map((entry) => entry.id)).toEqual(['m7']);
    expect(server.posted.size).toBe(1);
  });

  test('outlives the page', async () => {
    const { chat, tea } = await inTea();
    server.socket.break();
    await tea.send('kept');
    tea.draft = 'half a thou';
    let draft: string | undefined;
    await until(() => {
      void chat.storage.drafts().then((all) => (draft = all.get('#tea')));
      return draft === 'half a thou';
    });
    // The tab is gone without a word; another page of the same browser is opened.
    chat.tabs.stop();
    const again = await open();
    await until(() => again.link.kind === 'online' && again.link.unsent === 0);
    const there = again.open('#tea');
    expect(there.draft).toBe('half a thou');
    expect([...server.posted.values()]).toHaveLength(1);
  });

  test('by a guest and not answered is not said twice', async () => {
    server.account = null;
    const chat = await open({ ...info, signedIn: false, username: undefined });
    await chat.session.enterAsGuest('alice');
    await until(() => chat.link.kind === 'online');
    const tea = chat.open('#tea');
    server.socket.say(':alice!u@h JOIN #tea * :Alice');
    let asked = 0;
    server.answers.PRIVMSG = () => {
      asked += 1;
      return null;
    };
    await tea.send('hello');
    await until(() => asked === 1);
    server.socket.break();
    await until(() => shown(tea)[0] === '!hello');
    chat.link.reconnect();
    await until(() => chat.link.kind === 'online');
    expect(asked).toBe(1);
    expect(server.socket.sent).toContain(server.socket.sent.find((line) => line.includes('JOIN #tea')));
  });

  test('and refused says why, and can be tried again or thrown away', async () => {
    const { chat, tea } = await inTea();
    server.answers.PRIVMSG = (_, label) => [`@label=${label} :s 404 alice #tea :You are muted`];
    await tea.send('hello');
    await until(() => shown(tea)[0] === '!hello');
    const failed = tea.entries[0];
    if (failed?.kind !== 'message') throw new Error('no message');
    expect(failed.failure).toContain('#tea');
    delete server.answers.PRIVMSG;
    tea.retry(failed);
    await until(() => shown(tea)[0] === 'hello');
    expect(chat.link.unsent).toBe(0);
  });

  test('of commands is carried out, or refused in words', async () => {
    const { tea } = await inTea();
    await tea.send('/me waves');
    await until(() => server.socket.sent.some((line) => line.includes('\x01ACTION waves\x01')));
    await tea.send('/topic green tea');
    expect(server.socket.sent.at(-1)).toContain('TOPIC #tea :green tea');
    await expect(tea.send('/nonsense')).rejects.toThrow('/nonsense');
    await expect(tea.send('/constructor')).rejects.toThrow('/constructor');
    await expect(tea.send('/kick')).rejects.toThrow('/kick NAME');
    await tea.send('/usr/bin/env is a path');
    await until(() => server.socket.sent.some((line) => line.includes(':/usr/bin/env')));
    await expect(tea.send('  \n ')).rejects.toThrow(Refused);
  });
});

describe('read and unread', () => {
  test('are counted by the server, and here as people speak', async () => {
    server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, '@batch=u :s UNREAD #tea 12 2', '@batch=u :s UNREAD #books 1000+ 3+', ':s BATCH -u'];
    server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T08:00:00.000Z', ':alice!u@h JOIN #books alice :Alice'];
    const chat = await open();
    await until(() => chat.link.kind === 'online');
    const [tea, books] = [chat.find('#tea'), chat.find('#books')];
    expect([tea?.unread, tea?.mentions, tea?.unreadIsMore]).toEqual([12, 2, false]);
    expect([books?.unread, books?.mentions, books?.unreadIsMore]).toEqual([1000, 3, true]);
    server.socket.say(message('m1 bob hi Alice!', '#tea'), message('m2 bob other', '#tea'), message('m3 alice own', '#tea'));
    expect([tea?.unread, tea?.mentions]).toEqual([14, 3]);
    expect(chat.totalUnread).toBe(1014);
    server.socket.say('METADATA #books soju.im/muted private :1');
    expect(chat.totalUnread).toBe(14);
  });

  test('what was said behind the count is counted on top of it', async () => {
    // As one packet brings them.
    server.answers.UNREAD = (_, label) => [`@label=${label} :s BATCH +u parlor/unread`, ':s BATCH -u', message('m1 bob hi', '#tea')];
    const { chat } = await inTea();
    chat.closeCurrent();
    await until(() => chat.find('#tea')?.unread === 1);
  });

  test('what is before the eyes is read, on all devices', async () => {
    const { tea } = await inTea();
    await until(() => tea.isFresh);
    tea.sees(true);
    server.socket.say(message('m1 bob hi', '#tea'));
    expect(tea.unread).toBe(0);
    expect(server.socket.sent.at(-1)).toContain('MARKREAD #tea timestamp=2026-11-27T09:01:00.000Z');
    tea.sees(false);
    server.socket.say(message('m2 bob more', '#tea'));
    expect(tea.unread).toBe(1);
    server.socket.say(':s MARKREAD #tea timestamp=2026-11-27T09:02:00.000Z');
    expect(tea.unread).toBe(0);
  });

  test('of people one has blocked is not counted, and nobody sees them write', async () => {
    const { chat, tea } = await inTea();
    await until(() => tea.isFresh);
    server.socket.say('METADATA mallory soju.im/blocked private :1', '@+typing=active :mallory!u@h TAGMSG #tea', message('m1 mallory hi alice', '#tea'), message('m2 bob hi', '#tea'));
    expect([tea.unread, tea.mentions, tea.typing]).toEqual([1, 0, []]);
    server.socket.say(':s MARKREAD #tea timestamp=2026-11-27T09:00:30.000Z');
    expect(tea.unread).toBe(1);
    expect(chat.totalUnread).toBe(1);
  });

  test('elsewhere is read here, in conversations that were not looked at, too', async () => {
    const { chat } = await inTea();
    server.socket.say(':alice!u@h JOIN #books alice :Alice', message('m1 bob hi', '#books'));
    expect(chat.find('#books')?.unread).toBe(1);
    server.socket.say(':s MARKREAD #books timestamp=2026-11-27T09:01:00.000Z');
    expect(chat.find('#books')?.unread).toBe(0);
  });

  test('the line stands before what was unread when it was opened, and stays', async () => {
    server.answers.UNREAD = (_, label) => [`@label=${label} :s UNREAD #tea 2 0`];
    server.answers.CHATHISTORY = (line, label) =>
      line.params[0] === 'LATEST' ? page(label, '#tea', 'm1 bob one', 'm2 bob two', 'm3 bob three') : [`@label=${label} :s ACK`];
    server.greeting = [':alice!u@h JOIN #tea alice :Alice', ':s MARKREAD #tea timestamp=2026-11-27T09:01:00.000Z'];
    const chat = await open();
    await until(() => chat.link.kind === 'online');
    const tea = chat.open('#tea');
    await until(() => tea.unreadLine !== null);
    expect(tea.unreadLine).toBe('m2');
    tea.sees(true);
    expect(tea.unread).toBe(0);
    server.socket.say(message('m4 bob four', '#tea'));
    expect(tea.unreadLine).toBe('m2');
    chat.closeCurrent();
    chat.open('#tea');
    expect(tea.unreadLine).toBeNull();
  });
});

describe('people', () => {
  test('come, go, are called otherwise and have ranks', async () => {
    server.answers.WHO = (_, label) => [
      `@label=${label} :s BATCH +w labeled-response`,
      '@batch=w :s 354 alice 7 alice H~ alice :Alice',
      '@batch=w :s 354 alice 7 bob G 0 :Bob',
      '@batch=w :s 354 alice 7 carol H@+ carol :Carol',
      ':s BATCH -w',
    ];
    const { chat, tea } = await inTea();
    await until(() => tea.members.length === 3);
    const names = (): string => tea.members.map((member) => `${member.rank ?? ''}:${member.person.nick}`).join(' ');
    expect(names()).toBe('owner:alice operator:carol :bob');
    expect(chat.person('bob').presence).toBe('away');
    expect(tea.rank).toBe('owner');
    expect(tea.rights.settings).toBe(true);
    server.socket.say(':bob!u@h AWAY', ':dora!u@h JOIN #tea * :Dora', ':alice!u@h MODE #tea +v dora', ':bob!u@h NICK rob', ':carol!u@h QUIT :bye');
    expect(names()).toBe('owner:alice voice:dora :rob');
    expect(chat.person('rob').presence).toBe('here');
    expect(chat.person('carol').presence).toBe('gone');
    server.socket.say(':alice!u@h KICK #tea dora :rude', 'METADATA rob display-name * :Robert');
    expect(names()).toBe('owner:alice :rob');
    expect(chat.person('rob').displayName).toBe('Robert');
    expect(shown(tea)).toEqual(['(dora joined)', '(alice gave dora a voice)'.replace('gave dora a voice', 'made dora voice'), '(bob is now called rob; carol went offline (bye))', '(dora was removed by alice (rude))']);
  });

  test('who comes and goes again and again is told of once', async () => {
    const { tea } = await inTea();
    await until(() => tea.isFresh);
    for (let times = 0; times < 12; times += 1) server.socket.say(':bob!u@h JOIN #tea bob :Bob', ':bob!u@h PART #tea');
    expect(shown(tea)).toEqual(['(bob joined and left)']);
    server.socket.say(':carol!u@h JOIN #tea carol :Carol', ':bob!u@h JOIN #tea bob :Bob');
    expect(shown(tea)).toEqual(['(bob joined; carol joined)']);
    server.socket.say(message('m1 bob hi', '#tea'), ':bob!u@h PART #tea :tea', ':bob!u@h JOIN #tea bob :Bob');
    expect(shown(tea).slice(1)).toEqual(['hi', '(bob left and came back)']);
    server.socket.say(':bob!u@h PART #tea :for good');
    expect(shown(tea).slice(1)).toEqual(['hi', '(bob left (for good))']);
  });

  test('who leaves right behind the list of all is not in it', async () => {
    server.answers.WHO = (line, label) => [
      `@label=${label} :s BATCH +w labeled-response`,
      '@batch=w :s 354 alice 7 alice H alice :Alice',
      '@batch=w :s 354 alice 7 bob H bob :Bob',
      `@batch=w :s 315 alice ${line.params[0]} :End`,
      ':s BATCH -w',
      `:bob!u@h PART ${line.params[0]}`,
    ];
    const { tea } = await inTea();
    await until(() => tea.members.length > 0);
    await until(() => server.socket.sent.some((line) => line.includes('METADATA #tea SYNC')));
    await until(() => tea.members.length === 1);
    expect(tea.members.map((member) => member.person.nick)).toEqual(['alice']);
  });

  test('who writes is shown until she stops', async () => {
    const { tea } = await inTea();
    server.socket.say('@+typing=active :bob!u@h TAGMSG #tea');
    expect(tea.typing).toEqual(['bob']);
    server.socket.say(message('m1 bob done', '#tea'));
    expect(tea.typing).toEqual([]);
    tea.types('h');
    tea.types('he');
    expect(server.socket.sent.filter((line) => line.includes('+typing=active'))).toHaveLength(1);
    tea.types('');
    expect(server.socket.sent.at(-1)).toContain('+typing=done');
  });

  test('who is put out is told, and what waits is not sent', async () => {
    const { chat, tea } = await inTea();
    server.socket.say(':bob!u@h KICK #tea alice :rude');
    expect(tea.membership).toBe('out');
    expect(tea.rights.speak).toBe(false);
    expect(chat.notices.at(-1)?.sentence).toContain('bob');
  });
});

test('a room of another name is the same room', async () => {
  const { chat, tea } = await inTea();
  server.socket.say(message('m1 bob hi', '#tea'), ':bob!u@h RENAME #tea #coffee :better');
  expect(chat.find('#tea')).toBeNull();
  expect(chat.find('#Coffee')).toBe(tea);
  server.socket.say(message('m2 bob there', '#coffee'));
  expect(shown(tea)).toEqual(['hi', '(#tea is now called #coffee)', 'there']);
});

test('what was said is there at once the next time, and true soon', async () => {
  const { chat, tea } = await inTea();
  server.socket.say(message('m1 bob old', '#tea'), message('m2 bob gone soon', '#tea'));
  await until(() => tea.entries.length === 2);
  window.dispatchEvent(new Event('pagehide'));
  let kept = 0;
  await until(() => {
    void chat.storage.conversations().then((all) => (kept = all[0]?.messages.length ?? 0));
    return kept === 2;
  });
  chat.tabs.stop();
  server.socket.break();
  let label = '';
  server.answers.CHATHISTORY = (line, given) => {
    if (line.params[0] !== 'LATEST') return [`@label=${given} :s ACK`];
    label = given;
    return null;
  };
  const again = await open();
  const there = again.open('#tea');
  expect(shown(there)).toEqual(['old', 'gone soon']);
  await until(() => label !== '');
  server.socket.say(...page(label, '#tea', 'm1 bob old'));
  await until(() => there.entries.length === 1);
  expect(shown(there)).toEqual(['old']);
});

test('nothing stays of who logged out', async () => {
  const { chat, tea } = await inTea();
  tea.draft = 'secret';
  await chat.session.logOut();
  expect(chat.session.state).toBe('out');
  expect(chat.conversations).toEqual([]);
  expect(await chat.storage.owner()).toBeNull();
  expect((await chat.storage.drafts()).size).toBe(0);
});

test('preferences are read as far as they make sense', () => {
  expect(readPreferences(null).theme).toBe('system');
  expect(readPreferences('nonsense').theme).toBe('system');
  const read = readPreferences('{"theme":"dark","density":"tiny","sound":"yes","recentReactions":["👍",5],"__proto__":{"x":1}}');
  expect([read.theme, read.density, read.sound, read.recentReactions]).toEqual(['dark', 'comfortable', false, ['👍']]);
});

describe('refusals', () => {
  test('are sentences with their mend, in both languages', () => {
    const check = (command: string, code: string, context: string[], expected: string): void => {
      expect(sentenceOf(english, new Failure(code, command, context))).toBe(expected);
    };
    check('', '473', ['#tea', 'Cannot join'], '#tea is by invitation only; ask someone inside to invite you.');
    check('EDIT', 'UNKNOWN_MSGID', ['#tea', 'x', 'text'], 'This message is not kept any more, or you may not read it.');
    check('METADATA', 'VALUE_INVALID', ['status', 'too long'], 'This cannot be the value (too long).');
    expect(sentenceOf(english, new Failure('NEW_CODE', 'X', ['The mend']))).toBeUndefined();
    expect(Object.keys(german.numerics)).toEqual(Object.keys(english.numerics));
    expect(Object.keys(german.replies)).toEqual(Object.keys(english.replies));
    const places = (words: string): string => (words.match(/\{\w+\}/g) ?? []).sort().join();
    for (const [code, words] of Object.entries(english.numerics)) expect(places(german.numerics[code] ?? ''), code).toBe(places(words));
    for (const [code, words] of Object.entries(english.replies)) expect(places(german.replies[code] ?? ''), code).toBe(places(words));
  });
});
