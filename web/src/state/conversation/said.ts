// What a line, or a batch of several, says: the message in it, before it has a place in a conversation.

import { isBatch, type Item } from '../../irc/batches';
import type { Isupport } from '../../irc/isupport';
import { nickOf, timeOf, type Line } from '../../irc/line';
import { joined } from '../../irc/multiline';

export interface Said {
  readonly id: string | null;
  readonly time: number;
  readonly nick: string;
  readonly account: string | null;
  readonly personId: string | null;
  readonly fromServer: boolean;
  readonly bot: boolean;
  readonly target: string;
  /** The sign of the rank that alone is told. */
  readonly onlyFor: string | null;
  readonly text: string;
  readonly style: 'text' | 'action' | 'notice';
  readonly replyTo: string | null;
  readonly relayedBy: string | null;
  readonly edited: boolean;
  readonly label: string | null;
}

const ctcp = /^\x01([^\x01 ]+)(?: ([^\x01]*))?\x01?$/;

/** Null: no message, or a question between programs. */
export function said(item: Item, isupport: Isupport, now: number): Said | null {
  const line: Line = isBatch(item) ? item.opening : item;
  let text: string;
  let notice: boolean;
  let to: string | undefined;
  if (isBatch(item)) {
    if (item.type !== 'draft/multiline') return null;
    ({ text, notice } = joined(item));
    to = item.params[0];
  } else {
    if (item.command !== 'PRIVMSG' && item.command !== 'NOTICE') return null;
    notice = item.command === 'NOTICE';
    [to, text = ''] = item.params;
  }
  if (to === undefined) return null;
  let style: Said['style'] = notice ? 'notice' : 'text';
  const asked = ctcp.exec(text);
  if (asked) {
    if (asked[1] !== 'ACTION') return null;
    style = 'action';
    text = asked[2] ?? '';
  }
  const { target, sign } = isupport.withoutStatus(to);
  const { tags } = line;
  return {
    id: tags.get('msgid') || null,
    time: timeOf(tags.get('time')) ?? now,
    nick: nickOf(line.source),
    account: accountOf(line),
    personId: idOf(line),
    fromServer: !line.source.includes('!') && (line.source === '' || line.source.includes('.')),
    bot: tags.has('bot'),
    target,
    onlyFor: sign,
    text,
    style,
    replyTo: repliedTo(line),
    relayedBy: tags.get('draft/relaymsg') || null,
    edited: tags.has('parlor/edited'),
    label: tags.get('label') ?? null,
  };
}

export function accountOf(line: Line): string | null {
  const account = line.tags.get('account');
  return account && account !== '*' ? account : null;
}

/** Who did it, or whom it tells of. */
export function idOf(line: Line): string | null {
  return line.tags.get('parlor/sender-id') || null;
}

export function repliedTo(line: Line): string | null {
  return line.tags.get('+draft/reply') || line.tags.get('+reply') || null;
}

/** A reaction that is given or taken back. */
export function reactionOf(line: Line): { text: string; on: boolean; to: string } | null {
  const to = repliedTo(line);
  if (to === null) return null;
  for (const [key, on] of [['+draft/react', true], ['+react', true], ['+draft/unreact', false], ['+unreact', false]] as const) {
    const text = line.tags.get(key);
    if (text?.trim()) return { text, on, to };
  }
  return null;
}

/** The text of an EDIT, an action without its wrapping. */
export function editedText(line: Line): { id: string; text: string } | null {
  const id = line.tags.get('draft/target-msgid');
  const text = line.tags.get('draft/edit-text');
  if (!id || !text) return null;
  const action = ctcp.exec(text);
  return { id, text: action?.[1] === 'ACTION' ? (action[2] ?? '') : text };
}
