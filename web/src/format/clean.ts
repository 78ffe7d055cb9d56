// Text without what is not seen and changes what is.

/** Colours of IRC in hexadecimal digits, turns of the direction of text, and control characters other than line feeds, tabs and IRC's other formatting. */
// eslint-disable-next-line no-control-regex
const unseen = /\u0004(?:[\da-f]{6}(?:,[\da-f]{6})?)?|[\u0000\u0001\u0004-\u0008\u000b-\u000e\u0010\u0012-\u0015\u0017-\u001c\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff]/giu;

/** Whether anything of it is seen: joiners, marks of direction and fillers by themselves are not. */
export function isSeen(text: string): boolean {
  return /[^\s\p{Cc}\p{DI}\u2800]/u.test(text);
}

export function clean(text: string): string {
  return text.replace(unseen, '');
}
