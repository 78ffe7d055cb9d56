// A message as a tree to be shown (format/): made once, as it is asked for whenever a row is drawn.

import { isSeen } from '../format/clean';
import type { Context } from '../format/context';
import { format, formatInline } from '../format/format';
import type { Block } from '../format/nodes';
import type { People } from './people.svelte';
import type { MessageEntry } from './types';

export class Formatted {
  readonly #context: Context;
  readonly #known = new WeakMap<MessageEntry, readonly Block[]>();

  constructor(people: People) {
    this.#context = { person: (word) => people.find(word)?.nick ?? null, isMe: (nick) => people.isMe(nick) };
  }

  of(message: MessageEntry): readonly Block[] {
    let blocks = this.#known.get(message);
    if (!blocks) {
      // Of signs that nobody sees there would be no row.
      const text = isSeen(message.text) ? message.text : '…';
      blocks = message.style === 'action' ? [{ kind: 'paragraph', children: formatInline(text, this.#context) }] : format(text, this.#context);
      this.#known.set(message, blocks);
    }
    return blocks;
  }
}
