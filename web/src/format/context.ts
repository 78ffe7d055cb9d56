// What has to be known beside a text to read it.

export interface Context {
  /** The person of this name who is known here, spelled as she is; null: nobody. Asked for words behind an @, and for names that begin a message. */
  person(word: string): string | null;
  isMe(nick: string): boolean;
}

/** Where no person is known: of what is no message. */
export const nobody: Context = { person: () => null, isMe: () => false };

/** What stands within what: deeper it is text. */
export const deepest = 6;
