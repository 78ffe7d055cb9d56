// What becomes of a message that the server did not take.

import type { Failure } from '../../irc/failure';
import type { Post } from '../outbox';
import { refused } from '../refusals';
import { keepsKeys, type Sender } from '../sending';
import type { World } from '../world';

export async function notTaken(chat: Sender & World, post: Post, error: Failure): Promise<void> {
  const { outbox } = chat;
  // It was posted, and its time is over; or it is known by its key.
  if (error.code === 'NOT_KEPT' || (error.code === 'TRY_AGAIN' && error.context[0] === keepsKeys)) return outbox.done(post.key);
  // The room got another name while it was under way.
  const moved = (outbox.find(post.key)?.target ?? post.target) !== post.target;
  await outbox.fail(post.key, (await refused(error)).message);
  if (moved) chat.sending.again(post.key);
  else chat.known(post.target)?.notTaken();
}
