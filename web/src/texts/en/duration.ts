import { plural } from '../plural';

const many = (one: string, other: string) => plural('en', { one, other });

/** What a duration of the protocol (`30m`, `12h`, `7d`) is called. */
export function duration(text: string): string {
  const match = /^(\d+)([smhdw])$/.exec(text);
  if (!match) return text;
  const count = Number(match[1]);
  const forms: Record<string, (count: number) => string> = {
    s: many('# second', '# seconds'),
    m: many('# minute', '# minutes'),
    h: many('# hour', '# hours'),
    d: many('# day', '# days'),
    w: many('# week', '# weeks'),
  };
  return forms[match[2] as string]?.(count) ?? text;
}
