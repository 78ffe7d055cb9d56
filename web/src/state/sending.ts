// Messages on their way: written, kept in the outbox, sent in order under their keys, and taken out when the server has them.

import type { Connection } from '../irc/connection';
import { Failure } from '../irc/failure';
import { messagesWithin, pieces, textBudget, writeMessage } from '../irc/multiline';
import { language } from '../texts/language.svelte';
import { asking } from './asked/asking';
import type { ConversationState } from './conversation/conversation.svelte';
import type { Receiver } from './incoming';
import type { Outbox, Post } from './outbox';
import { Refused, type ServerAbilities } from './types';

/** The server knows a repetition by its key. Without labels nothing could be told apart; every server of ours has both. */
export const keepsKeys = 'parlor/once';

export interface Sender extends Receiver {
  readonly outbox: Outbox;
  readonly can: ServerAbilities;
  readonly link: Receiver['link'] & { unsent: number; notSent: number };
}

export class Sending {
  readonly #chat: Sender;
  readonly #postOfLabel = new Map<string, string>();
  #isSending = false;
  #nextReference = 1;

  constructor(chat: Sender) {
    this.#chat = chat;
  }

  async post(conversation: ConversationState, text: string, style: Post['style'], replyTo: string | null): Promise<void> {
    const { isupport, can, outbox } = this.#chat;
    const budget = textBudget(isupport.nickLength, conversation.name, style);
    const limits = { bytes: can.messageBytes, lines: can.messageLines };
    const messages = style === 'action' ? pieces(text.replaceAll('\n', ' '), budget) : messagesWithin(text, budget, limits);
    for (const [index, message] of messages.entries()) {
      const post = await outbox.add(conversation.name, conversation.id, message, style, index === 0 ? replyTo : null);
      if (!post) throw new Refused(language.texts.state.refused.tooMany, 'TOO_MANY');
    }
    if (this.#chat.link.kind !== 'online') outbox.tellOthers();
    this.go();
  }

  again(key: string): void {
    void this.#chat.outbox.again(key).then(() => this.go());
  }

  discard(key: string): void {
    void this.#chat.outbox.discard(key);
  }

  /** The post that a label of an echo is of. */
  postOf(label: string): string | null {
    return this.#postOfLabel.get(label) ?? null;
  }

  /** Another tab has said it, or thrown it away. What was said waits here for its message. */
  posted(key: string, id: string | null): void {
    const { outbox } = this.#chat;
    const post = outbox.find(key);
    if (post && id) this.#chat.known(post.target)?.saidElsewhere(key, id);
    outbox.forget(key);
  }

  linkLost(): void {
    this.#postOfLabel.clear();
  }

  /** Sends what may go. */
  go(): void {
    void this.#send();
  }

  postsChanged(): void {
    const { link, outbox } = this.#chat;
    link.unsent = outbox.unsent;
    link.notSent = outbox.posts.filter(({ failure }) => failure !== null).length;
    const byConversation = new Map<string, Post[]>();
    for (const post of outbox.posts) {
      const key = this.#chat.isupport.fold(post.target);
      const posts = byConversation.get(key);
      if (posts) posts.push(post);
      else byConversation.set(key, [post]);
    }
    this.#chat.together(() => {
      for (const posts of byConversation.values()) if (posts[0] && !this.#chat.known(posts[0].target)) this.#chat.ensure(posts[0].target);
      for (const conversation of this.#chat.all()) {
        const posts = byConversation.get(conversation.key);
        if (posts || conversation.hasPosts) conversation.showPosts(posts ?? []);
      }
    });
  }

  /** Sends what may go, in order. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (;;) {
        const connection = this.#chat.connection();
        if (!connection || this.#chat.link.kind !== 'online') return;
        const keys = connection.has(keepsKeys);
        const post = await this.#chat.outbox.next(keys, (target) => {
          const conversation = this.#chat.known(target);
          return !this.#chat.isupport.isRoom(target) || !conversation || conversation.membership === 'out' || conversation.isConfirmed;
        });
        if (!post) return;
        if (this.#chat.connection() !== connection) {
          await this.#chat.outbox.linkLost(true, '');
          return;
        }
        void this.#sendPost(connection, post, keys);
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #sendPost(connection: Connection, post: Post, keys: boolean): Promise<void> {
    const budget = textBudget(this.#chat.isupport.nickLength, post.target, post.style);
    const reference = `m${this.#nextReference++}`;
    let label = '';
    const answer = connection.ask((given) => {
      label = given;
      this.#postOfLabel.set(label, post.key);
      const tags = { label, [keepsKeys]: keys ? post.key : null, '+draft/reply': post.replyTo };
      return writeMessage(post.target, post.text, post.style, tags, reference, budget);
    }, false);
    try {
      await answer;
      await this.#chat.outbox.done(post.key);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.code === 'TIMEOUT') connection.close();
      // What becomes of it where the link is gone is decided where that is (`linkLost`).
      else if (error.code !== 'LINK_LOST' && error.code !== 'NO_LINK') {
        // Without the part it is said again on another link, under its key.
        await asking().then(({ notTaken }) => notTaken(this.#chat, post, error), () => connection.close());
      }
    } finally {
      this.#postOfLabel.delete(label);
      this.go();
    }
  }

  /** What waits for this conversation cannot be sent. */
  fail(conversation: ConversationState, sentence: string): void {
    for (const post of this.#chat.outbox.posts) {
      if (this.#chat.isupport.same(post.target, conversation.name) && post.failure === null) void this.#chat.outbox.fail(post.key, sentence);
    }
  }
}
