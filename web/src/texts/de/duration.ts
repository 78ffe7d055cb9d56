import { plural } from '../plural';

const many = (one: string, other: string) => plural('de', { one, other });

export function duration(text: string): string {
  const match = /^(\d+)([smhdw])$/.exec(text);
  if (!match) return text;
  const count = Number(match[1]);
  const forms: Record<string, (count: number) => string> = {
    s: many('# Sekunde', '# Sekunden'),
    m: many('# Minute', '# Minuten'),
    h: many('# Stunde', '# Stunden'),
    d: many('# Tag', '# Tage'),
    w: many('# Woche', '# Wochen'),
  };
  return forms[match[2] as string]?.(count) ?? text;
}
