// What is typed into the search: words, and filters as other programs have them (`from:bob in:tea before:2026-11-27`).

export interface Sought {
  words: string;
  from?: string;
  /** A room's name or a person's. */
  in?: string;
  /** The first and the last day of which messages are sought, as `2026-11-27`. */
  since?: string;
  until?: string;
}

/** By language, as whoever reads the page would write them. */
const filters: Record<string, 'from' | 'in' | 'after' | 'before' | 'since' | 'until'> = {
  from: 'from',
  von: 'from',
  in: 'in',
  after: 'after',
  nach: 'after',
  before: 'before',
  vor: 'before',
  since: 'since',
  seit: 'since',
  until: 'until',
  bis: 'until',
  on: 'since',
  am: 'since',
};

/** A day as `2026-11-27` or `27.11.2026`, so many days later; null if it is none. */
function day(text: string, later: number): string | null {
  const iso = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text);
  const german = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  const [year, month, date] = (iso ? iso.slice(1) : german ? german.slice(1).toReversed() : []).map(Number);
  if (year === undefined || month === undefined || date === undefined || month < 1 || month > 12 || date < 1 || date > 31) return null;
  return new Date(Date.UTC(year, month - 1, date + later)).toISOString().slice(0, 10);
}

export function sought(text: string): Sought {
  const found: Sought = { words: '' };
  const words: string[] = [];
  // What stands in quotation marks is sought as it is.
  for (const [part] of text.matchAll(/"[^"]*"?|[^\s"]+/g)) {
    const [, name = '', value = ''] = /^(\p{L}+):(.+)$/u.exec(part) ?? [];
    const filter = filters[name.toLowerCase()];
    const on = /^(?:on|am)$/i.test(name);
    const when = filter === undefined ? null : day(value, filter === 'after' ? 1 : filter === 'before' ? -1 : 0);
    if (filter === 'from') found.from = value.replace(/^@/, '');
    else if (filter === 'in') found.in = value.replace(/^@/, '');
    else if ((filter === 'since' || filter === 'after') && when) found.since = when;
    else if ((filter === 'until' || filter === 'before') && when) found.until = when;
    else words.push(part);
    if (on && when) found.until = when;
  }
  found.words = words.join(' ');
  return found;
}
