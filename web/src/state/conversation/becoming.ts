// What becomes of messages, and what happens between them, by the lines that tell it: the same lines come live and in history.

import { modeChanges, type Isupport } from '../../irc/isupport';
import type { Line } from '../../irc/line';
import { mentions } from '../../format/mentions';
import type { Happening } from './happenings';
import { editedText, reactionOf } from './said';
import type { MessageEntry, Reaction } from '../types';

export const mostReactions = 50;
const mostReacting = 200;

/** Whose line it is, and who reads it. */
export interface Who {
  readonly nick: string;
  readonly own: boolean;
  readonly me: string;
}

/** What may become of a message that is known or comes with a page; done again when the page is there. */
export type Change = (find: (id: string) => MessageEntry | undefined, put: (entry: MessageEntry) => void) => void;

/** EDIT, REDACT, PIN, reactions: what becomes of a message. */
export function changeOf(line: Line, { nick, own, me }: Who): Change | null {
  const on = (id: string | null | undefined, become: (entry: MessageEntry) => MessageEntry): Change | null => {
    if (!id) return null;
    return (find, put) => {
      const entry = find(id);
      if (entry) put(become(entry));
    };
  };
  switch (line.command) {
    case 'TAGMSG': {
      const reaction = reactionOf(line);
      return reaction ? on(reaction.to, (entry) => reacted(entry, nick, own, reaction.text, reaction.on)) : null;
    }
    case 'EDIT': {
      const edited = editedText(line);
      return edited ? on(edited.id, (entry) => editedTo(entry, edited.text, me)) : null;
    }
    case 'REDACT':
      return on(line.params[1], (entry) => deleted(entry, nick, line.params[2] || null));
    case 'PIN':
    case 'UNPIN':
      return on(line.params[1], (entry) => ({ ...entry, pinned: line.command === 'PIN' }));
    default:
      return null;
  }
}

/** What is shown of it between the messages. */
export function happeningOf(line: Line, { nick: who, own }: Who, isupport: Isupport): Happening | null {
  const [, first = '', second = ''] = line.params;
  switch (line.command) {
    case 'JOIN':
      return own ? null : { kind: 'joined', who };
    case 'PART':
      return own ? null : { kind: 'left', who, reason: first || null };
    case 'QUIT':
      return own ? null : { kind: 'quit', who, reason: line.params[0] || null };
    case 'KICK':
      return { kind: 'kicked', who: first, by: who, reason: reasonOfKick(second, who) };
    case 'NICK':
      return { kind: 'renamed', from: who, to: line.params[0] ?? '' };
    case 'TOPIC':
      return { kind: 'topic', by: who, topic: first };
    case 'MODE':
      return { kind: 'modes', by: who, changes: modeChanges(isupport, line.params.slice(1)) };
    case 'RENAME':
      return { kind: 'room-renamed', by: who, from: line.params[0] ?? '', to: first };
    case 'INVITE':
      return { kind: 'invited', who: line.params[0] ?? '', by: who };
    case 'REDACT':
      return { kind: 'deleted', by: who, reason: second || null };
    default:
      return null;
  }
}

/** Where none was given the server gives the name of whoever did it. */
export function reasonOfKick(reason: string, by: string): string | null {
  return reason === by ? null : reason || null;
}

function editedTo(entry: MessageEntry, text: string, me: string): MessageEntry {
  if (entry.deleted) return entry;
  return { ...entry, text, edited: true, mentionsMe: !entry.own && mentions(text, me) };
}

function reacted(entry: MessageEntry, nick: string, own: boolean, text: string, on: boolean): MessageEntry {
  const known = entry.reactions.find((reaction) => reaction.text === text);
  let reactions: Reaction[];
  if (on) {
    if (!known) {
      if (entry.reactions.length >= mostReactions || entry.deleted) return entry;
      reactions = [...entry.reactions, { text, people: [nick], own }];
    } else if (known.people.includes(nick)) {
      return entry;
    } else {
      const people = known.people.length < mostReacting ? [...known.people, nick] : known.people;
      reactions = entry.reactions.map((reaction) => (reaction === known ? { text, people, own: reaction.own || own } : reaction));
    }
  } else {
    if (!known) return entry;
    const people = known.people.filter((name) => name !== nick);
    reactions = entry.reactions
      .map((reaction) => (reaction === known ? { text, people, own: reaction.own && !own } : reaction))
      .filter((reaction) => reaction.people.length > 0);
  }
  return { ...entry, reactions };
}

function deleted(entry: MessageEntry, by: string, reason: string | null): MessageEntry {
  return { ...entry, text: '', reactions: [], mentionsMe: false, edited: false, pinned: false, deleted: { by, reason } };
}
