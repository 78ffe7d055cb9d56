// A message as a tree to be shown (format/): made once, as it is asked for whenever a row is drawn.

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
      const isAction = message.style === 'action';
      blocks = isAction ? [{ kind: 'paragraph', children: formatInline(message.text, this.#context) }] : format(message.text, this.#context);
      this.#known.set(message, blocks);
    }
    return blocks;
  }
}
