// What somebody may be called.

/** As the server has it (crates/chat/src/name.rs): whether anybody is, only it knows. */
export function mayBeAName(text: string): boolean {
  return /^(?![$#&~@%+\-\d])[^\s,*?!@.:;'"<>/=]{1,32}$/u.test(text);
}
