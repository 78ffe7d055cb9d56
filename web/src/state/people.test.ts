// Who is there, in what rank, and what they do.

import { expect, test } from 'vitest';
import { language } from '../texts/language.svelte';
import type { ChatState } from './chat.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import { modeTexts } from './conversation/mode_texts.svelte';
import { eachHasItsServer, FakeServer, info, inTeaHere, openHere, message, page, shown, until } from './testing';

let server: FakeServer;
const inTea = (): Promise<{ chat: ChatState; tea: ConversationState }> => inTeaHere(server);

eachHasItsServer((fresh) => (server = fresh));

test('come, go, are called otherwise and have ranks', async () => {
  server.answers.WHO = (_, label) => [
    `@label=${label} :s BATCH +w labeled-response`,
    '@batch=w :s 354 alice 7 alice H~ alice :Alice',
    '@batch=w :s 354 alice 7 bob G 0 :Bob',
    '@batch=w :s 354 alice 7 carol H@+ carol :Carol',
    ':s BATCH -w',
  ];
  await modeTexts.load();
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
  expect(shown(tea)).toEqual(['(dora joined)', '(alice made dora Voice)', '(bob is now called rob; carol went offline (bye))', '(dora was removed by alice (rude))']);
  // As they call themselves; masks of one person or account, and what nobody gave as a reason, in words.
  server.socket.say(
    'METADATA alice display-name * :Ali',
    ':alice!u@h MODE #tea +bb a:rob m:rob!*@*',
    ':alice!u@h MODE #tea -b+b *!*@bad.example m:a:x*',
    ':alice!u@h KICK #tea rob :alice',
  );
  const told = tea.entries.flatMap((entry) => (entry.kind === 'event' ? [entry.describe((nick) => chat.person(nick).displayName)] : []));
  expect(told.slice(-3)).toEqual([
    'Ali banned Robert, muted Robert',
    'Ali lifted the ban on *!*@bad.example, muted a:x*',
    'Robert was removed by Ali',
  ]);
});

test('a topic is told of as it is shown, a duration in words, and many names of one as the first and the last', async () => {
  await modeTexts.load();
  const { chat, tea } = await inTea();
  server.socket.say(':bob!u@h JOIN #tea bob :Bob', message('m1 bob hi', '#tea'));
  server.socket.say(':bob!u@h TOPIC #tea :\x02Bold\x02 \x0304red\x03 \x04ff0000hex\x04 **tea** `x`', ':bob!u@h MODE #tea +H 1d', message('m2 bob so', '#tea'));
  server.socket.say(':bob!u@h NICK b1', ':b1!u@h NICK b2', ':b2!u@h NICK b3', ':b3!u@h NICK bo', message('m3 bo hm', '#tea'), ':bo!u@h NICK bob', ':bob!u@h NICK bo');
  expect(shown(tea).slice(2)).toEqual([
    '(bob changed the topic: Bold red hex tea x)',
    '(bob has messages kept for 1 day)',
    'so',
    '(bob is now called bo)',
    'hm',
    '(bo is now called bob; bob is now called bo)',
  ]);
  // A row of nothing would be none.
  server.socket.say(message('m4 bo \x01ACTION \x01', '#tea'), message('m5 bo \x02\x0f', '#tea'));
  const texts = tea.entries.slice(-2).map((entry) => (entry.kind === 'message' ? chat.formatted(entry) : []));
  for (const blocks of texts) expect(blocks).toEqual([{ kind: 'paragraph', children: [{ kind: 'text', text: '…' }] }]);
});

test('a group that is given a name is told of by whoever gave it', async () => {
  const { chat } = await inTea();
  server.socket.say(':alice!u@h JOIN #+alice+bob+carol * :Alice');
  const group = chat.ensure('#+alice+bob+carol');
  await until(() => group.isFresh || group.entries.length > 0 || group.membership === 'in');
  server.socket.say(message('g1 bob hi', '#+alice+bob+carol'), ':bob!u@h RENAME #+alice+bob+carol #+Tea-friends :');
  expect(shown(group)).toContain('(bob called this group Tea-friends)');
});

test('why someone went is said in the reader\'s language, where it is the server that says it', async () => {
  const { tea } = await inTea();
  await language.choose('de');
  try {
    server.socket.say(':bob!u@h JOIN #tea * :Bob', ':carol!u@h JOIN #tea * :Carol', message('m1 carol ja', '#tea'), ':bob!u@h QUIT :Ping timeout: 120 seconds', message('m2 carol nein', '#tea'), ':carol!u@h QUIT :constructor');
    expect(shown(tea).slice(2)).toEqual(['(bob ist offline (antwortete nicht mehr))', 'nein', '(carol ist offline (constructor))']);
  } finally {
    await language.choose('en');
  }
});

test('those who are shown under one name are told apart', async () => {
  const { chat } = await inTea();
  const twins = (): string[] => ['alice', 'bob', 'carol', 'rob'].filter((nick) => chat.person(nick).hasNamesake);
  server.socket.say('METADATA bob display-name * :\u202eMara\u200b', 'METADATA carol display-name * :mara');
  expect([chat.person('bob').displayName, ...twins()]).toEqual(['Mara\u200b', 'bob', 'carol']);
  server.socket.say(':bob!u@h NICK rob', 'METADATA carol display-name * :\u200b\u2067');
  expect([chat.person('carol').displayName, ...twins()]).toEqual(['carol']);
  // Called so, not only shown.
  server.socket.say('METADATA carol display-name * :Alice');
  expect(twins()).toEqual(['carol']);
});

test('who comes and goes again and again is told of once', async () => {
  const { tea } = await inTea();
  await until(() => tea.isFresh);
  for (let times = 0; times < 12; times += 1) server.socket.say(':bob!u@h JOIN #tea bob :Bob', ':bob!u@h PART #tea');
  expect(shown(tea)).toEqual(['(bob joined and left)']);
  server.socket.say(':carol!u@h JOIN #tea carol :Carol', ':bob!u@h JOIN #tea bob :Bob');
  expect(shown(tea)).toEqual(['(bob and carol joined)']);
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

test('what one writes and is not taken is not waited for', async () => {
  server.answers.PRIVMSG = (_, label) => [`@label=${label} :s FAIL PRIVMSG SLOW_MODE #tea 5 :Wait`];
  const { tea } = await inTea();
  tea.types('hi');
  await tea.send('hi');
  await until(() => server.socket.sent.some((line) => line.includes('+typing=done')));
});

test('what is held for those who moderate is marked as it comes', async () => {
  server.answers.WHO = (_, label) => [
    `@label=${label} :s BATCH +w labeled-response`,
    '@batch=w :s 354 alice 7 alice H~ alice :Alice',
    '@batch=w :s 354 alice 7 bob H bob :Bob',
    '@batch=w :s 354 alice 7 carol H+ carol :Carol',
    ':s BATCH -w',
  ];
  const { tea } = await inTea();
  await until(() => tea.members.length === 3);
  const forWhom = (): unknown[] => tea.entries.map((entry) => (entry.kind === 'message' ? entry.onlyFor : '')).slice(-3);
  server.socket.say(':alice!u@h MODE #tea +U', message('m1 bob hi', '#tea'), message('m2 carol hi', '#tea'), message('m3 alice hi', '#tea'));
  expect(forWhom()).toEqual(['half-operator', null, null]);
});

test('who is put out is told, and what waits is not sent', async () => {
  const { chat, tea } = await inTea();
  server.socket.say(':bob!u@h KICK #tea alice :rude');
  expect(tea.membership).toBe('out');
  expect(tea.rights.speak).toBe(false);
  expect(tea.joinRefusal?.message).toContain('bob');
  // Once: in the room, for whoever looks at it; else in a word over what she looks at.
  expect(chat.notices).toEqual([]);
  server.socket.say(':alice!u@h JOIN #tea');
  chat.open('#lobby');
  server.socket.say(':bob!u@h KICK #tea alice :rude');
  expect(chat.notices.at(-1)?.sentence).toContain('bob');
});

test('a room of another name is the same room', async () => {
  const { chat, tea } = await inTea();
  server.socket.say(message('m1 bob hi', '#tea'), ':bob!u@h RENAME #tea #coffee :better');
  expect(chat.find('#tea')).toBeNull();
  expect(chat.find('#Coffee')).toBe(tea);
  server.socket.say(message('m2 bob there', '#coffee'));
  expect(shown(tea)).toEqual(['hi', '(#tea is now called #coffee)', 'there']);
});

test('a room is entered by the name that it has now', async () => {
  server.answers.JOIN = (line, label) =>
    line.params[0] === '#old'
      ? [`@label=${label} :s FAIL JOIN CHANNEL_RENAMED #old #new :This room has another name now`]
      : [`@label=${label} :alice!u@h JOIN ${line.params[0]} * :Alice`];
  const { chat } = await inTea();
  const room = await chat.join('#old');
  expect(room.name).toBe('#new');
  expect(room.membership).toBe('in');
  expect(chat.find('#old')).toBeNull();
});

test('a room that not everyone may enter is known as that before it is opened again', async () => {
  server.answers.MODE = (line, label) => [`@label=${label} :s 324 alice ${line.params[0]} +iksnt sesame`];
  const { chat, tea } = await inTea();
  await until(() => tea.settings.inviteOnly);
  await chat.keeping.keep();
  chat.tabs.stop();
  server.greeting = [];
  const again = await openHere(server);
  expect(again.find('#tea')?.settings).toMatchObject({ inviteOnly: true, secret: true, key: true });
});

test('a room that one is out of has nowhere to write when it is looked at again', async () => {
  const { chat, tea } = await inTea();
  server.socket.say(message('m1 bob out you go', '#tea'), ':bob!u@h KICK #tea alice :rude');
  expect(tea.membership).toBe('out');
  await chat.keeping.keep();
  chat.tabs.stop();
  // What it says of rooms is still on its way.
  server.answers.CAP = () => [];
  const again = await openHere(server);
  expect(again.open('#tea').membership).toBe('joining');
  expect(shown(again.open('#tea'))).toContain('out you go');
});

test('one’s account gets the name that was typed, and so is one called', async () => {
  const { chat } = await inTea();
  await expect(chat.renameAccount('mary ann', 'sesame')).rejects.toThrow('without spaces');
  expect(server.socket.sent.some((line) => line.includes('ACCOUNT RENAME'))).toBe(false);
  server.answers.ACCOUNT = (line, label) => {
    server.session = { ...info, username: 'alicia' };
    return [`@label=${label} :s BATCH +a labeled-response`, '@batch=a :alice!u@h NICK alicia', `@batch=a :s NOTE ACCOUNT NAME_CHANGED ${line.params[1]} :So it is`, ':s BATCH -a'];
  };
  await chat.renameAccount('alicia', 'sesame');
  expect([chat.account, chat.me.account, chat.me.nick, chat.session.info?.username]).toEqual(['alicia', 'alicia', 'alicia', 'alicia']);
});

test('a group has nobody in it by a name that she had', async () => {
  const { chat } = await inTea();
  const named = (names: string) => (_: unknown, label: string): string[] => [`@label=${label} :s BATCH +g parlor/groups`, `@batch=g :s GROUP #+alice+bob+dave :${names}`, ':s BATCH -g'];
  server.answers.GROUP = named('alice bob dave');
  server.socket.say(':alice!u@h JOIN #+alice+bob+dave alice :Alice', ':bob!u@h JOIN #+alice+bob+dave bob :Bob');
  const group = chat.ensure('#+alice+bob+dave');
  await until(() => group.title === 'bob, dave');
  server.answers.GROUP = named('alicia bob dave');
  server.socket.say(':alice!u@h NICK alicia', ':alicia!u@h ACCOUNT alicia');
  await until(() => group.title === 'bob, dave');
  server.answers.GROUP = named('alicia maria dave');
  server.socket.say(':bob!u@h ACCOUNT maria');
  await until(() => group.title === 'maria, dave');
});

test('an invitation of an account that is not here is refused as that, and of nobody as a name that nobody has', async () => {
  const { tea } = await inTea();
  server.answers.INVITE = (line, label) => [`@label=${label} :s 401 alice ${line.params[0]} :Nobody`];
  server.answers.METADATA = (line, label) =>
    line.params[0] === 'nobody' ? [`@label=${label} :s FAIL METADATA INVALID_TARGET nobody :There is nobody`] : label ? [`@label=${label} :s 766 alice ${line.params[0]} display-name :key not set`] : [];
  await expect(tea.invite('fiona')).rejects.toMatchObject({ code: 'NOT_HERE', message: 'fiona is not here, so no invitation would be seen.' });
  await expect(tea.invite('nobody')).rejects.toMatchObject({ code: '401', message: 'Nobody called nobody is here; check the spelling.' });
});

test('the address of nobody says so, and leaves nothing in the list', async () => {
  const { chat } = await inTea();
  server.answers.METADATA = (line, label) =>
    line.params[0] === 'nobody' ? [`@label=${label} :s FAIL METADATA INVALID_TARGET nobody :There is nobody`] : label ? [`@label=${label} :s ACK`] : [];
  const nobody = chat.open('nobody');
  await until(() => !nobody.rights.speak);
  expect(nobody.rights.whyNot).toBe('Nobody is called so; check the spelling.');
  // Who comes is somebody.
  server.socket.say(':s 730 alice :nobody!u@h');
  expect(nobody.rights.speak).toBe(true);
  server.socket.say(':s 731 alice :nobody');
  chat.open('#tea');
  expect(chat.find('nobody')).toBeNull();
  expect(chat.open('bob').rights.speak).toBe(true);
});

test('whoever has deleted the account is told that it is', async () => {
  const { chat } = await inTea();
  server.answers.PRIVMSG = (_, label) => [`@label=${label} :s 404 alice #tea :You are muted`];
  await chat.open('#tea').send('never to be sent');
  await until(() => chat.link.notSent === 1);
  server.answers.ACCOUNT = (_, label) => {
    server.session = { ...info, signedIn: false, username: undefined };
    setTimeout(() => server.socket.break());
    return [`@label=${label} :s NOTE ACCOUNT ACCOUNT_DELETED alice :Your account is deleted`, 'ERROR :Closing link: (the account was deleted)'];
  };
  await chat.deleteAccount('sesame');
  await chat.session.check();
  expect([chat.session.state, chat.session.sentence]).toEqual(['out', 'Your account is deleted.']);
  expect(await chat.storage.posts()).toEqual([]);
});

test('who wrote and is not here is called as she calls herself all the same, and asked about once', async () => {
  server.answers.METADATA = (line, label) =>
    line.params[1] === 'GET' ? [`@label=${label} :s 761 alice ${line.params[0]} display-name * :Dora the Explorer`] : label ? [`@label=${label} :s ACK`] : [];
  server.answers.CHATHISTORY = (line, label) => page(label, line.params[1] ?? '', 'm1 dora hi', 'm2 dora again', 'm3 bob here');
  server.answers.WHO = (line, label) => [
    `@label=${label} :s BATCH +w labeled-response`,
    '@batch=w :s 354 alice 7 alice H alice :Alice',
    '@batch=w :s 354 alice 7 bob H bob :Bob',
    `@batch=w :s 315 alice ${line.params[0]} :End`,
    ':s BATCH -w',
  ];
  const { chat } = await inTea();
  await until(() => chat.person('dora').displayName === 'Dora the Explorer');
  expect(server.socket.sent.filter((line) => line.includes(' GET display-name')).map((line) => line.replace(/^@\S+ /, ''))).toEqual(['METADATA dora GET display-name']);
});
