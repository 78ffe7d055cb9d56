// Times as people of the reader's place write them. Formatters are made once for a language: making one costs more than
// a thousand uses.

interface Formats {
  clock: Intl.DateTimeFormat;
  weekday: Intl.DateTimeFormat;
  date: Intl.DateTimeFormat;
  dateOfYear: Intl.DateTimeFormat;
  short: Intl.DateTimeFormat;
  shortOfYear: Intl.DateTimeFormat;
  full: Intl.DateTimeFormat;
  relative: Intl.RelativeTimeFormat;
}

const made = new Map<string, Formats>();

function formats(locale: string): Formats {
  let all = made.get(locale);
  if (!all) {
    const of = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
    all = {
      clock: of({ hour: 'numeric', minute: '2-digit' }),
      weekday: of({ weekday: 'long' }),
      date: of({ weekday: 'long', day: 'numeric', month: 'long' }),
      dateOfYear: of({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }),
      short: of({ day: 'numeric', month: 'short' }),
      shortOfYear: of({ day: 'numeric', month: 'short', year: 'numeric' }),
      full: of({ dateStyle: 'full', timeStyle: 'medium' }),
      relative: new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }),
    };
    made.set(locale, all);
  }
  return all;
}

/** The day that a moment is of, in the reader's zone: equal for moments of the same day. */
export function dayOf(time: number): number {
  const at = new Date(time);
  return at.getFullYear() * 10_000 + at.getMonth() * 100 + at.getDate();
}

function daysBetween(time: number, now: number): number {
  const midnight = (moment: number) => new Date(moment).setHours(0, 0, 0, 0);
  // Days with 23 or 25 hours are days, too.
  return Math.round((midnight(now) - midnight(time)) / 86_400_000);
}

export function clock(time: number, locale: string): string {
  return formats(locale).clock.format(time);
}

const capital = (text: string, locale: string) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);

/** For the line between two days: "Today", "Yesterday", "Monday, 3 March". */
export function dayLine(time: number, now: number, locale: string): string {
  const all = formats(locale);
  const days = daysBetween(time, now);
  if (days === 0 || days === 1) return capital(all.relative.format(-days, 'day'), locale);
  if (new Date(time).getFullYear() === new Date(now).getFullYear()) return all.date.format(time);
  return all.dateOfYear.format(time);
}

/** For a list: the clock today, the weekday this week, else the date. */
export function brief(time: number, now: number, locale: string): string {
  const all = formats(locale);
  const days = daysBetween(time, now);
  if (days <= 0) return all.clock.format(time);
  if (days === 1) return capital(all.relative.format(-1, 'day'), locale);
  if (days < 7) return all.weekday.format(time);
  if (new Date(time).getFullYear() === new Date(now).getFullYear()) return all.short.format(time);
  return all.shortOfYear.format(time);
}

/** Everything, for whoever wants to know exactly. */
export function exact(time: number, locale: string): string {
  return formats(locale).full.format(time);
}

/** "3 minutes ago", "in 2 days". */
export function ago(time: number, now: number, locale: string): string {
  const seconds = Math.round((time - now) / 1000);
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ['year', 31_536_000],
    ['month', 2_592_000],
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return formats(locale).relative.format(Math.trunc(seconds / length), unit);
  }
  return formats(locale).relative.format(0, 'second');
}
