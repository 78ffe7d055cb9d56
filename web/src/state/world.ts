// What a conversation needs of everything around it.

import type { Item } from '../irc/batches';
import type { Connection, RequestOptions } from '../irc/connection';
import type { Isupport } from '../irc/isupport';
import type { ConversationState } from './conversation/conversation.svelte';
import type { Keeping } from './keeping';
import type { People, PersonState } from './people.svelte';
import type { ReadMarkers } from './read_markers';
import type { Sending } from './sending';
import type { Preferences } from './types';

export interface World {
  readonly people: People;
  readonly isupport: Isupport;
  readonly preferences: Preferences;
  readonly account: string | null;
  readonly sending: Sending;
  readonly keeping: Keeping;
  readonly readMarkers: ReadMarkers;
  /** Asks what people are called who may not be here; what does so comes then. */
  askNames(people: readonly PersonState[]): void;
  now(): number;
  /** The link, while it can be used. */
  connection(): Connection | null;
  has(capability: string): boolean;
  /** Rejected with a `Refused`, whose sentence a person can read. */
  request(command: string, params: readonly string[], options?: RequestOptions): Promise<Item[]>;
  /** The conversation has changed: it is shown when all that came together is dealt with. */
  touch(conversation: ConversationState): void;
  /** Shows all that is done in it at once. */
  together(work: () => void): void;
  /** When what is being done now is done, and shown. */
  later(run: () => void): void;
  /** The conversation of this name, if it is known here. */
  known(name: string): ConversationState | undefined;
  /** Whether the person has it before her eyes. */
  looksAt(conversation: ConversationState): boolean;
  isCurrent(conversation: ConversationState): boolean;
  command(conversation: ConversationState, line: string): Promise<void>;
  close(conversation: ConversationState): void;
  join(name: string, key?: string): Promise<ConversationState>;
  say(sentence: string): void;
}
