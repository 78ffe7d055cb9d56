// Times as people of the reader's place write them. Formatters are made once for a language: making one costs more than
// a thousand uses.

const kinds = {
  // As usual there: 02:31, or 2:31 AM.
  clock: { timeStyle: 'short' },
  weekday: { weekday: 'long' },
  date: { weekday: 'long', day: 'numeric', month: 'long' },
  dateOfYear: { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' },
  short: { day: 'numeric', month: 'short' },
  shortOfYear: { day: 'numeric', month: 'short', year: 'numeric' },
  full: { dateStyle: 'full', timeStyle: 'medium' },
} satisfies Record<string, Intl.DateTimeFormatOptions>;

const made = new Map<string, Intl.DateTimeFormat>();
const madeRelative = new Map<string, Intl.RelativeTimeFormat>();

export function write(kind: keyof typeof kinds, time: number, locale: string): string {
  const key = `${kind} ${locale}`;
  let format = made.get(key);
  if (!format) made.set(key, (format = new Intl.DateTimeFormat(locale, kinds[kind])));
  return format.format(time);
}

export function writeRelative(count: number, unit: Intl.RelativeTimeFormatUnit, locale: string): string {
  let format = madeRelative.get(locale);
  if (!format) madeRelative.set(locale, (format = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' })));
  return format.format(count, unit);
}

/** The day that a moment is of, in the reader's zone: equal for moments of the same day. */
export function dayOf(time: number): number {
  const at = new Date(time);
  return at.getFullYear() * 10_000 + at.getMonth() * 100 + at.getDate();
}

export function daysBetween(time: number, now: number): number {
  const midnight = (moment: number) => new Date(moment).setHours(0, 0, 0, 0);
  // Days with 23 or 25 hours are days, too.
  return Math.round((midnight(now) - midnight(time)) / 86_400_000);
}

export function clock(time: number, locale: string): string {
  return write('clock', time, locale);
}

export const capital = (text: string, locale: string) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);

/** For the line between two days: "Today", "Yesterday", "Monday, 3 March". */
export function dayLine(time: number, now: number, locale: string): string {
  const days = daysBetween(time, now);
  if (days === 0 || days === 1) return capital(writeRelative(-days, 'day', locale), locale);
  if (new Date(time).getFullYear() === new Date(now).getFullYear()) return write('date', time, locale);
  return write('dateOfYear', time, locale);
}

/** Everything, for whoever wants to know exactly. */
export function exact(time: number, locale: string): string {
  return write('full', time, locale);
}
