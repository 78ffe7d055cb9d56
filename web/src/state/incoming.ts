// What a line that comes by itself means for conversations and people. Messages are not here: they have a way of their own
// (`ChatState`).

import { clean, isSeen } from '../format/clean';
import { failureOf } from '../irc/failure';
import { modeChanges } from '../irc/isupport';
import { nickOf, timeOf, type Line } from '../irc/line';
import { language } from '../texts/language.svelte';
import { asking } from './asked/asking';
import { reasonOfKick } from './conversation/becoming';
import type { ConversationState } from './conversation/conversation.svelte';
import { countOf } from './conversation/unread.svelte';
import { isOfOneGone, type PersonState } from './people.svelte';
import { refused } from './refusals';
import { accountOf, idOf } from './conversation/said';
import type { SessionState } from './session.svelte';
import { Refused, type Link, type Notice, type Report } from './types';
import type { World } from './world';

/** What changes by it. */
export interface Receiver extends World {
  readonly me: PersonState;
  readonly link: Link;
  readonly current: ConversationState | null;
  readonly session: SessionState;
  account: string | null;
  isOperator: boolean;
  /** One has said so. */
  isAway: boolean;
  /** Nobody looks at this device. */
  readonly isAbsent: boolean;
  /** Reports that are no room's of ours. */
  operatorReports: number;
  /** Those that were read, if somebody has looked. */
  readonly reportQueue: readonly Report[] | null;
  /** They are to be read again. */
  reportsChanged(): void;
  all(): Iterable<ConversationState>;
  /** The conversation of this name; it begins with this, if need be. */
  ensure(name: string): ConversationState;
  /** The room that one is in, or with whom one writes, also if it was called otherwise when one knew it. */
  entered(name: string, id: string | null | undefined): ConversationState;
  renamed(conversation: ConversationState, name: string): void;
  /** One is in other rooms than before. */
  rememberRooms(): void;
  say(sentence: string, more?: { tone?: Notice['tone']; room?: string }): void;
}

export function lineCame(chat: Receiver, line: Line): void {
  const { isupport, people } = chat;
  const who = nickOf(line.source);
  const isMe = people.isMe(who);
  if (line.source.includes('!')) people.called(who, idOf(line));
  const params = line.params;
  const [first = '', second = '', third = ''] = params;
  switch (line.command) {
    case 'JOIN': {
      const conversation = isMe ? chat.entered(first, line.tags.get('parlor/room-id')) : chat.known(first);
      if (!conversation) return;
      people.get(who).know({
        presence: 'here',
        account: params.length > 1 ? (second === '*' ? null : second) : undefined,
        realname: third || undefined,
      });
      if (isMe) {
        conversation.joined();
        chat.rememberRooms();
      }
      conversation.memberCame(who);
      if (isMe && chat.link.kind === 'online') askGroups(chat, [conversation], who);
      if (!isMe) conversation.happened({ kind: 'joined', who }, line);
      return;
    }
    case 'PART': {
      const conversation = chat.known(first);
      if (!conversation) return;
      conversation.memberLeft(who);
      if (isMe) {
        conversation.out();
        chat.close(conversation);
        chat.rememberRooms();
      } else conversation.happened({ kind: 'left', who, reason: second || null }, line);
      return;
    }
    case 'KICK': {
      const conversation = chat.known(first);
      if (!conversation) return;
      conversation.memberLeft(second);
      conversation.happened({ kind: 'kicked', who: second, by: who, reason: reasonOfKick(third, who) }, line);
      if (people.isMe(second)) {
        conversation.out();
        chat.rememberRooms();
        const sentence = language.texts.state.notice.removed(conversation.title, people.get(who).displayName);
        conversation.joinRefusal = new Refused(sentence, 'KICK');
        // Whoever looks at the room reads it there.
        if (chat.current?.key !== conversation.key) chat.say(sentence);
        chat.sending.fail(conversation, sentence);
      }
      return;
    }
    case 'QUIT':
      people.find(who)?.know({ presence: 'gone', awayMessage: null });
      if (isMe) return;
      for (const conversation of chat.all()) {
        if (!conversation.hasMember(who)) continue;
        conversation.memberLeft(who, true);
        conversation.happened({ kind: 'quit', who, reason: first || null }, line);
      }
      return;
    case 'NICK': {
      people.renamed(who, first);
      if (isMe) chat.session.guestIs(first);
      for (const conversation of [...chat.all()]) {
        if (conversation.hasMember(who)) {
          conversation.memberRenamed(who, first);
          conversation.happened({ kind: 'renamed', from: who, to: first }, line);
        }
      }
      askGroups(chat, chat.all(), first);
      return;
    }
    case 'RENAME': {
      const conversation = chat.known(first);
      if (!conversation) return;
      chat.renamed(conversation, second);
      conversation.happened({ kind: 'room-renamed', by: who, from: first, to: second }, line);
      return;
    }
    case 'TOPIC': {
      const conversation = chat.known(first);
      if (!conversation) return;
      conversation.topic = second;
      conversation.topicBy = who;
      conversation.happened({ kind: 'topic', by: who, topic: second }, line);
      chat.touch(conversation);
      return;
    }
    case '331':
    case '332': {
      const conversation = chat.known(second);
      if (conversation) conversation.topic = line.command === '332' ? third : '';
      return;
    }
    case '333': {
      const conversation = chat.known(second);
      if (conversation) conversation.topicBy = nickOf(third);
      return;
    }
    case 'MODE': {
      const changes = modeChanges(isupport, params.slice(1));
      const conversation = chat.known(first);
      if (conversation?.isRoom) {
        conversation.modesCame(changes, false);
        if (!(changes.length > 0 && who.includes('.'))) conversation.happened({ kind: 'modes', by: who, changes }, line);
      } else if (people.isMe(first)) {
        for (const { on, letter } of changes) if (letter === 'o') chat.isOperator = on;
      }
      return;
    }
    case '324':
      chat.known(second)?.modesCame(modeChanges(isupport, params.slice(2)), true);
      return;
    case '221':
      chat.isOperator = second.includes('o');
      return;
    case '381':
      chat.isOperator = true;
      return;
    case 'AWAY':
      people.get(who).know(first ? { presence: 'away', awayMessage: first } : { presence: 'here', awayMessage: null });
      return;
    case '301':
      people.get(second).know({ presence: 'away', awayMessage: third });
      return;
    case '305':
      chat.isAway = false;
      chat.me.know({ presence: 'here', awayMessage: null });
      return;
    case '306':
      if (!chat.isAbsent) chat.me.know({ presence: 'away' });
      return;
    case '730':
      for (const name of second.split(',')) people.get(nickOf(name)).know({ presence: 'here' });
      return;
    case '731':
      for (const name of second.split(',')) people.get(nickOf(name)).know({ presence: 'gone' });
      return;
    case 'ACCOUNT':
      people.get(who).know({ account: first === '*' ? null : first });
      if (isMe) chat.account = first === '*' ? null : first;
      askGroups(chat, chat.all(), who);
      return;
    case 'SETNAME':
      people.get(who).know({ realname: first });
      return;
    case 'INVITE':
      if (people.isMe(first)) {
        chat.say(language.texts.state.notice.invited(who, second), { room: second });
      } else chat.known(second)?.happened({ kind: 'invited', who: first, by: who }, line);
      return;
    case '710':
      chat.known(second)?.happened({ kind: 'knocked', who: nickOf(third) }, line);
      return;
    case 'TAGMSG':
    case 'EDIT':
    case 'REDACT':
    case 'PIN':
    case 'UNPIN': {
      const target = isupport.withoutStatus(first).target;
      const mine = isMe || (chat.account !== null && accountOf(line) === chat.account);
      const name = isupport.isRoom(target) || mine ? target : who;
      chat.known(name)?.lineCame(line);
      return;
    }
    case 'MARKREAD': {
      const upTo = timeOf(second.replace(/^timestamp=/, ''));
      if (upTo !== null) chat.known(first)?.readElsewhere(upTo);
      return;
    }
    case 'UNREAD': {
      const { name, messages, isMore, mentions } = countOf(line);
      chat.ensure(name).unreadIs(messages, isMore, mentions, '');
      return;
    }
    case 'PINS': {
      const conversation = chat.known(first);
      if (conversation) conversation.pinCount = Number(second) || 0;
      return;
    }
    case 'GROUP': {
      const conversation = chat.known(first);
      if (conversation) conversation.groupPeople = second.split(' ').filter(Boolean);
      return;
    }
    case 'CHATHISTORY': {
      // CHATHISTORY TARGETS <name> <timestamp>
      const time = timeOf(third);
      if (first !== 'TARGETS' || time === null) return;
      const isRoom = isupport.isRoom(second);
      const id = idOf(line);
      // What was said with a guest who is gone has a name with a number, which nobody goes by.
      if (!isRoom && !isOfOneGone(second)) people.called(second, id);
      else if (!isRoom && id) people.gone(second, id);
      const conversation = isRoom ? chat.known(second) : chat.entered(second, id);
      if (conversation) conversation.lastActive = Math.max(conversation.lastActive, time);
      return;
    }
    case 'METADATA':
      // METADATA <target> <key> <visibility> [:<value>]
      return metadataCame(chat, first, second, params[3] ?? null);
    case '761':
      return metadataCame(chat, second, third, params[4] ?? null);
    case '766':
      return metadataCame(chat, second, third, null);
    case 'NOTE':
      if (first === 'REPORTS') asking().then(({ moderation }) => moderation.noteCame(chat, line), () => undefined);
      return;
    case 'WALLOPS':
      chat.say(first);
      return;
    case 'FAIL': {
      // What is answered to a label is for whoever asked.
      if (line.tags.has('label') || line.tags.has('batch')) return;
      const failure = failureOf([line]);
      // The cookie has ended: here, on another device, or by another password.
      if (failure?.code === 'LOGIN_ENDED') void chat.session.check();
      else if (failure) void refused(failure).then(({ message }) => chat.say(message, { tone: 'refusal' }));
      return;
    }
  }
}

/** Who is in a group, here or not, its name need not say; and accounts get other names. */
function askGroups(chat: Receiver, among: Iterable<ConversationState>, who: string): void {
  if ([...among].some((conversation) => conversation.kind === 'group' && conversation.hasMember(who))) chat.request('GROUP', []).catch(() => undefined);
}

function metadataCame(chat: Receiver, target: string, key: string, value: string | null): void {
  const { people, isupport } = chat;
  const isOn = value === '1';
  switch (key) {
    case 'soju.im/muted':
      chat.ensure(target).muted = isOn;
      return;
    case 'soju.im/pinned':
      chat.ensure(target).favourite = isOn;
      return;
    case 'soju.im/blocked':
      if (!isupport.isRoom(target)) people.get(target).know({ blocked: isOn });
      return;
  }
  if (isupport.isRoom(target)) return;
  const person = target === '*' ? chat.me : people.get(target);
  const shown = value && isSeen(value) ? clean(value) : null;
  if (key === 'display-name') person.know({ displayName: shown });
  else if (key === 'pronouns') person.know({ pronouns: shown });
  else if (key === 'status') person.know({ status: shown });
}
