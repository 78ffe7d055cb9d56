// What the server says no with: a numeric, or FAIL (IRCv3 standard-replies).

import { linesOf, type Item } from './batches';

/** Something asked for was not done. */
export class Failure extends Error {
  constructor(
    /** A numeric, a FAIL code, or `LINK_LOST`, `TIMEOUT`, `NO_LINK`. */
    readonly code: string,
    /** The command of a FAIL; empty for numerics. */
    readonly command: string,
    /** What stands behind: of a numeric without one's own nick. The last is the server's text. */
    readonly context: readonly string[],
  ) {
    super(context.at(-1) ?? code);
    this.name = 'Failure';
  }
}

/** Numerics that refuse, besides 400 to 599. */
const refusing = new Set(['696', '712', '713', '714', '716', '723', '734', '742', '902', '904', '905', '906', '907']);
/** Numerics from 400 to 599 that do not. */
const harmless = new Set(['422', '470']);

export function failureOf(items: readonly Item[]): Failure | null {
  for (const line of linesOf(items)) {
    if (line.command === 'FAIL') {
      const [command = '', code = '', ...context] = line.params;
      return new Failure(code, command, context);
    }
    const refuses = /^[45]\d\d$/.test(line.command) ? !harmless.has(line.command) : refusing.has(line.command);
    if (refuses) return new Failure(line.command, '', line.params.slice(1));
  }
  return null;
}
