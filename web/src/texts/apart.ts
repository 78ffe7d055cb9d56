/** A name within a sentence: letters that run from right to left take nothing of what is beside them with them. */
export function apart(name: string): string {
  return /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name;
}
