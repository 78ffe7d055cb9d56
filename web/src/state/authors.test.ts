// Whose a message is, whatever she was called when she said it.

import { expect, test } from 'vitest';
import type { ChatState } from './chat.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import type { MessageEntry } from './types';
import { eachHasItsServer, FakeServer, inTeaHere, openHere, shown, until } from './testing';

let server: FakeServer;
eachHasItsServer((fresh) => (server = fresh));

const inTea = (): Promise<{ chat: ChatState; tea: ConversationState }> => inTeaHere(server);

let nextId = 1;
/** `who`: nick, id, account. */
const says = (who: string, text: string, to = '#tea'): string => {
  const [nick, id, account] = who.split('/');
  return `@msgid=m${nextId++};time=2026-11-26T10:00:${String(nextId % 60).padStart(2, '0')}.000Z;parlor/sender-id=${id}${account ? `;account=${account}` : ''} :${nick}!u@h PRIVMSG ${to} :${text}`;
};
const rows = (...all: readonly string[]) => (_: unknown, label: string): string[] => [
  `@label=${label} :s BATCH +w labeled-response`,
  ...all.map((row) => {
    const [nick, id, account] = row.split('/');
    return `@batch=w;parlor/sender-id=${id} :s 354 alice 7 ${nick} H ${account ?? 0} :${nick}`;
  }),
  ':s BATCH -w',
];
const history = (...lines: readonly string[]) => (line: { params: readonly string[] }, label: string): string[] => [
  `@label=${label} :s BATCH +h chathistory ${line.params[1]}`,
  ...lines.map((line) => line.replace('@', '@batch=h;')),
  ':s BATCH -h',
];
const said = (room: ConversationState, text: string): MessageEntry => {
  const found = room.entries.find((entry) => entry.kind === 'message' && entry.text === text);
  if (found?.kind !== 'message') throw new Error(`nobody said ${text}`);
  return found;
};

test('what an account said under another name is its own, and not of who has that name now', async () => {
  server.answers.CHATHISTORY = history(says('bob2/B/bob', 'hi group'));
  server.answers.WHO = rows('alice/a1/alice', 'bob/B/bob', 'bob2/G');
  const { chat, tea } = await inTea();
  await until(() => tea.members.length === 3);
  expect(said(tea, 'hi group').sender).toBe(chat.person('bob'));
  expect(chat.person('bob2').account).toBeNull();
  expect(said(tea, 'hi group').sender.isFormer).toBe(false);
});

test('who takes another name takes what she said with her, and who takes hers takes nothing', async () => {
  const { chat, tea } = await inTea();
  server.socket.say('@parlor/sender-id=B :bob!u@h JOIN #tea bob :Bob', says('bob/B/bob', 'one'), '@parlor/sender-id=B :bob!u@h NICK rob', says('rob/B/bob', 'two'));
  expect(said(tea, 'one').sender).toBe(said(tea, 'two').sender);
  server.socket.say('@parlor/sender-id=G :bob!u@h JOIN #tea * :Bob', says('bob/G', 'three'));
  expect(said(tea, 'three').sender).toBe(chat.person('bob'));
  expect(said(tea, 'one').sender.nick).toBe('rob');
});

test('what a guest said is of nobody who has her name since', async () => {
  server.answers.CHATHISTORY = history(says('ann/F', 'long ago'));
  server.answers.WHO = rows('alice/a1/alice', 'ann/G');
  const { chat, tea } = await inTea();
  await until(() => tea.members.length === 2);
  const { sender } = said(tea, 'long ago');
  expect([sender.isFormer, sender.presence, sender.nick]).toEqual([true, 'gone', 'ann']);
  expect(sender).not.toBe(chat.person('ann'));
  // And live.
  server.socket.say(says('ann/G', 'here'), '@parlor/sender-id=G :ann!u@h QUIT :bye', '@parlor/sender-id=H :ann!u@h JOIN #tea * :Ann', says('ann/H', 'me, too'));
  expect(said(tea, 'here').sender.isFormer).toBe(true);
  expect(said(tea, 'me, too').sender).toBe(chat.person('ann'));
});

test('whom one has blocked is who has the name, not who had it before', async () => {
  server.answers.CHATHISTORY = history(says('ann/F', 'long ago'));
  server.answers.WHO = (line, label) => ['METADATA ann soju.im/blocked private :1', ...rows('alice/a1/alice', 'ann/G')(line, label)];
  const { chat, tea } = await inTea();
  await until(() => tea.members.length === 2);
  expect(chat.person('ann').blocked).toBe(true);
  expect(said(tea, 'long ago').sender.blocked).toBe(false);
});

test('an account of another name is the same person, and what is said with her goes on', async () => {
  const { chat, tea } = await inTea();
  server.socket.say('@parlor/sender-id=B :bob!u@h JOIN #tea bob :Bob', says('bob/B/bob', 'one'), says('bob/B/bob', 'psst', 'alice'));
  const direct = chat.open('bob');
  server.socket.say('@parlor/sender-id=B :bob!u@h ACCOUNT maria', '@parlor/sender-id=B :bob!u@h QUIT :bye', '@parlor/sender-id=B :maria!u@h JOIN #tea maria :Bob');
  expect(said(tea, 'one').sender).toBe(chat.person('maria'));
  expect([direct.name, chat.find('bob'), chat.current]).toEqual(['maria', null, direct]);
  expect(direct.person?.account).toBe('maria');
});

test('what was said before the account had its name now is one\'s own', async () => {
  server.answers.CHATHISTORY = history(says('al/a1/al', 'mine'), says('alice/B/alice', 'not mine'));
  const { chat, tea } = await inTea();
  await until(() => tea.entries.length === 2);
  expect([said(tea, 'mine').own, said(tea, 'mine').sender]).toEqual([true, chat.me]);
  expect([said(tea, 'not mine').own, said(tea, 'not mine').sender.isMe]).toEqual([false, false]);
});

test('a conversation is listed once, by the name that she has now', async () => {
  server.answers.CHATHISTORY = (line, label) => (line.params[0] === 'TARGETS' ? [`@label=${label};parlor/sender-id=B :s CHATHISTORY TARGETS maria 2026-11-26T10:00:00.000Z`] : history()(line, label));
  const { chat } = await inTea();
  server.socket.say(says('bob/B/bob', 'psst', 'alice'));
  server.socket.say('@parlor/sender-id=B :s CHATHISTORY TARGETS maria 2026-11-26T10:00:00.000Z');
  expect(chat.conversations.map(({ name }) => name).filter((name) => !name.startsWith('#'))).toEqual(['maria']);
});

test('whoever history last knows under the name of a conversation is the one it is with', async () => {
  server.answers.CHATHISTORY = history(says('ann/A/ann', 'as ann'), says('maria/A/maria', 'as maria'));
  server.answers.WHO = rows('alice/a1/alice');
  server.greeting = [':alice!u@h JOIN #tea alice :Alice'];
  const chat = await openHere(server);
  await until(() => chat.link.kind === 'online');
  expect(chat.ensure('maria').person?.presence).toBe('unknown');
  const tea = chat.open('#tea');
  await until(() => tea.entries.length === 2);
  expect(said(tea, 'as ann').sender).toBe(chat.person('maria'));
  server.socket.say('@parlor/sender-id=A;account=mia :mia!u@h PRIVMSG #tea :as mia');
  await until(() => chat.find('mia'));
  expect(chat.find('maria')).toBeNull();
});

test('the last who had a name in history has it, and who had it before is somebody else', async () => {
  server.answers.CHATHISTORY = history(says('hal/H1/hal', 'old hal'), says('hal/H2/hal', 'new hal'), says('eve/E', 'as eve'), says('eve2/E', 'as eve2'));
  server.answers.WHO = rows('alice/a1/alice');
  const { tea } = await inTea();
  await until(() => tea.entries.length === 4);
  expect(said(tea, 'new hal').sender).toMatchObject({ nick: 'hal', isFormer: false });
  expect(said(tea, 'old hal').sender).toMatchObject({ nick: 'hal', isFormer: true });
  // One person, under the name that she had last.
  expect(said(tea, 'as eve').sender).toBe(said(tea, 'as eve2').sender);
  expect(said(tea, 'as eve').sender.nick).toBe('eve2');
});

test('members who are not here are known, by what they are called now', async () => {
  server.answers.CHATHISTORY = history(says('hal/H1/hal', 'old hal'), says('hal/H2/hal', 'new hal'));
  server.answers.WHO = rows('alice/a1/alice', 'bob/B/bob');
  server.answers.MEMBERS = (_, label) => [
    `@label=${label} :s BATCH +m parlor/members #tea 0`,
    '@batch=m :s MEMBERS #tea ~halvar H1 :Halvar the Old',
    '@batch=m :s MEMBERS #tea hal H2',
    ':s BATCH -m',
  ];
  const { chat, tea } = await inTea();
  const absent = () => tea.absentMembers.map(({ person, rank }) => `${person.nick}/${rank}`);
  await until(() => absent().length === 2);
  expect(absent()).toEqual(['halvar/owner', 'hal/null']);
  expect(said(tea, 'old hal').sender).toMatchObject({ nick: 'halvar', displayName: 'Halvar the Old', isFormer: false, presence: 'gone' });
  expect(said(tea, 'new hal').sender).toMatchObject({ nick: 'hal', isFormer: false });
  server.answers.WHO = rows();
  expect((await chat.findPeople('old')).map(({ nick }) => nick)).toEqual(['halvar']);
  // Whoever goes stays a member, whoever leaves does not, and whoever comes back is here.
  server.socket.say(':bob!u@h QUIT :bye', '@parlor/sender-id=H1 :halvar!u@h JOIN #tea halvar :Halvar');
  await until(() => absent().join() === 'hal/null,bob/null');
  expect(tea.members.map(({ person, rank }) => `${person.nick}/${rank}`)).toEqual(['halvar/owner', 'alice/null']);
  server.socket.say(':halvar!u@h PART #tea');
  await until(() => tea.members.length === 1);
  expect(absent()).toEqual(['hal/null', 'bob/null']);
  expect(tea.memberCount).toBe(3);
});

const direct = (chat: ChatState): string[] => chat.conversations.filter(({ kind }) => kind === 'direct').map(({ name, title }) => `${name} ${title}`);
const targets = (...rows: readonly string[]) => (line: { params: readonly string[] }, label: string): string[] =>
  line.params[0] !== 'TARGETS'
    ? history()(line, label)
    : [
        `@label=${label} :s BATCH +t draft/chathistory-targets`,
        ...rows.map((row) => `@batch=t;parlor/sender-id=${row.split(' ')[1]} :s CHATHISTORY TARGETS ${row.split(' ')[0]} 2026-11-26T10:00:00.000Z`),
        ':s BATCH -t',
      ];

test('what was said with a guest who is gone is one conversation, with what was not sent, and nobody can be written to there', async () => {
  server.answers.PRIVMSG = (_, label) => [`@label=${label} :s 401 alice carla14 :Nobody`];
  const { chat } = await inTea();
  server.socket.say(says('carla14/C', 'psst', 'alice'));
  await chat.find('carla14')?.send('are you there?');
  await until(() => chat.link.notSent === 1);
  await chat.keeping.keep();
  chat.tabs.stop();
  // As she was called last; somebody else is called so now.
  server.answers.CHATHISTORY = targets('carla/15 C');
  server.answers.WHO = rows('alice/a1/alice', 'carla/D');
  const again = await openHere(server);
  await until(() => again.link.kind === 'online');
  expect(direct(again)).toEqual(['carla/15 carla']);
  const conversation = again.open('carla/15');
  await until(() => shown(conversation).length === 2);
  expect(shown(conversation)).toEqual(['psst', '!are you there?']);
  expect(conversation.person).toMatchObject({ id: 'C', nick: 'carla', isFormer: true, presence: 'gone' });
  expect(conversation.rights).toMatchObject({ speak: false, whyNot: 'Whoever this was has left: nobody can write to her any more.' });
  server.socket.say(says('carla/D', 'hello', 'alice'));
  expect(direct(again)).toEqual(['carla carla', 'carla/15 carla']);
  expect(said(again.open('carla'), 'hello').sender).not.toBe(conversation.person);
});

test('what was said with a guest is not of whoever takes her name while one looks', async () => {
  const { chat } = await inTea();
  server.socket.say(says('carla/C', 'psst', 'alice'));
  const before = chat.open('carla');
  server.answers.CHATHISTORY = targets('carla/7 C');
  server.socket.say(':carla!u@h QUIT :bye', '@parlor/sender-id=D :carla!u@h JOIN #tea * :Carla');
  await until(() => before.name === 'carla/7');
  expect([chat.current, before.title, before.rights.speak]).toEqual([before, 'carla', false]);
  const now = chat.open('carla');
  expect(now).not.toBe(before);
  expect(now.person?.id).toBe('D');
});

test('what one person said is found under each name that she had, and nothing that others of these names said', async () => {
  server.answers.CHATHISTORY = history(says('frank/F/frank', 'old frank'), says('fritz/F/fritz', 'as fritz'), says('frank/N/frank', 'new frank'));
  server.answers.WHO = rows('alice/a1/alice', 'frank/N/frank', 'fritz/F/fritz');
  const all = [says('frank/F/frank', 'tea of old'), says('fritz/F/fritz', 'tea now'), says('frank/N/frank', 'tea of another')];
  server.answers.SEARCH = (line, label) => {
    const from = /from=([^;]+)/.exec(line.params[0] ?? '')?.[1];
    return [`@label=${label} :s BATCH +s soju.im/search`, ...all.filter((line) => from === undefined || line.includes(` :${from}!`)).map((line) => line.replace('@', '@batch=s;')), ':s BATCH -s'];
  };
  const { chat, tea } = await inTea();
  await until(() => tea.entries.length === 3);
  const found = async (from: string) => (await chat.search({ words: 'tea', from })).map(({ message }) => `${message.sender.nick}: ${message.text}`);
  expect(await found('fritz')).toEqual(['fritz: tea now', 'fritz: tea of old']);
  expect(await found('frank')).toEqual(['frank: tea of another']);
  // Nobody is called so that is known.
  expect(await found('zoe')).toEqual([]);
});

test('whose message was reported is said as where it stands, not as she was called then', async () => {
  server.answers.WHO = rows('alice/a1/alice', 'frank/N/frank', 'fritz/F/fritz');
  server.answers.REPORTS = (_, label) => [
    `@label=${label} :s BATCH +r labeled-response`,
    '@batch=r :s NOTE REPORTS REPORT 1 #tea m77 2026-11-26T10:00:00.000Z frank!u@h bob!u@h :rude',
    '@batch=r :s NOTE REPORTS REPORT 2 #tea m78 2026-11-26T10:00:00.000Z zoe!u@h bob!u@h :rude',
    ':s BATCH -r',
  ];
  const { chat, tea } = await inTea();
  await until(() => tea.members.length === 3);
  const rude = says('frank/F/frank', 'rude').replace(/msgid=m\d+/, 'msgid=m77');
  server.answers.CHATHISTORY = (line, label) => (line.params[2] === 'msgid=m77' ? history(rude)(line, label) : [`@label=${label} :s FAIL CHATHISTORY INVALID_TARGET AROUND #tea :No`]);
  expect((await chat.reports()).map(({ said }) => said)).toEqual(['fritz', 'zoe']);
});

test('an account keeps its picture under another name, and whoever takes the name has another', async () => {
  const { chat } = await inTea();
  server.socket.say('@parlor/sender-id=F :frank!u@h JOIN #tea frank :Frank', '@parlor/sender-id=G1 :ann!u@h JOIN #tea * :Ann');
  const [frank, ann] = [chat.person('frank').seed, chat.person('ann').seed];
  server.socket.say('@parlor/sender-id=F :frank!u@h NICK fritz', ':fritz!u@h ACCOUNT fritz', '@parlor/sender-id=N :frank!u@h JOIN #tea frank :Frank');
  expect(chat.person('fritz').seed).toBe(frank);
  expect(chat.person('frank').seed).not.toBe(frank);
  // A guest who comes again is not known to be the same: she is shown as whoever is called so.
  server.socket.say(':ann!u@h QUIT :bye', '@parlor/sender-id=G2 :ann!u@h JOIN #tea * :Ann');
  expect(chat.person('ann').seed).toBe(ann);
});
