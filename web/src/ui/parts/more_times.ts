// Times as panels, menus and dialogs write them, which no first visit shows.

import { capital, clock, daysBetween, write, writeRelative } from './times';

/** For a list: the clock today, the weekday this week, else the date. */
export function brief(time: number, now: number, locale: string): string {
  const days = daysBetween(time, now);
  if (days <= 0) return clock(time, locale);
  if (days === 1) return capital(writeRelative(-1, 'day', locale), locale);
  if (days < 7) return write('weekday', time, locale);
  if (new Date(time).getFullYear() === new Date(now).getFullYear()) return write('short', time, locale);
  return write('shortOfYear', time, locale);
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
    if (Math.abs(seconds) >= length) return writeRelative(Math.trunc(seconds / length), unit, locale);
  }
  return writeRelative(0, 'second', locale);
}
