// A server that means no good, or one in which people can write more than in ours: what it answers, and what it tells by itself,
// has a payload in each place that has room for a text.

import type { Page, WebSocketRoute } from 'playwright-core';
import { escapeTag, parse } from '../src/irc/line';
import { payloads } from './payloads';

/** Where there can be no space, and no colon at the beginning. */
export const word = (text: string): string => text.replace(/[\s,]+/g, '/').replace(/^:+/, '') || 'x';

/** What a server that means no good answers: the text in each place that an answer has for one. `rest`: the question's parameters. */
const answers: Readonly<Record<string, (text: string, at: number, rest: readonly string[]) => readonly string[]>> = {
  LIST: (text, at) => [`322 alice #room-${at} 5 :${text}`],
  WHOIS: (text, at, [nick = '']) => [`311 alice ${nick} ${word(text)} ${word(text)} * :${text}`, `301 alice ${nick} :${text}`, `319 alice ${nick} :@#${at}-${word(text)}`, `330 alice ${nick} ${word(text)} :as`, `338 alice ${nick} ${word(text)} ${word(text)} :from`],
  EDITS: (text, _, [room = '', id = '']) => [`NOTICE alice :${room} ${id} until 2026-11-27T10:00:00.000Z:`, `NOTICE alice :${text}`],
  REPORTS: (text, at) => [`NOTE REPORTS REPORT ${at} #x m${at} 2026-11-27T10:00:00.000Z ${word(text)}!u@h ${word(text)}!u@h :${text}`, `NOTE REPORTS TEXT ${at} :${text}`],
  AUDIT: (text) => [`NOTE AUDIT ENTRY 2026-11-27T10:00:00.000Z ${word(text)} ${word(text)} * ${word(text)} ${word(text)} :${text}`],
  DEVICES: (text, at) => [`DEVICE ${at} other here ${word(text)} ${word(text)} 2026-11-27T10:00:00.000Z 2026-11-27T10:00:00.000Z :${text}`],
  SEARCH: (text, at) => [`@msgid=hit-${at};time=2026-11-27T10:00:00.000Z :bob!u@h PRIVMSG #x :${text}`],
  PINS: (text, at) => [`@time=2026-11-27T10:00:00.000Z :${word(text)}!u@h PIN #x pin-${at}`, `@msgid=pin-${at};time=2026-11-27T10:00:00.000Z :${word(text)}!u@h PRIVMSG #x :${text}`],
  INVITELINK: (text, at) => [`NOTE INVITELINK LINK #x ${at}-${word(text)} 3 2026-12-27T10:00:00.000Z :made by ${text}`],
  MODE: (text, at, [room = '', letter = '']) => [`${({ b: '367', e: '348', I: '346' })[letter] ?? '324'} alice ${room} ${at}-${word(text)} ${word(text)}!u@h 1800000000`],
  CONNECTION: (text) => [...['ADDRESS', 'TLS', 'TCP', 'LINK'].map((group) => `CONNECTION ${group} :yours=${word(text)} state=${word(text)} congestion=${word(text)} options=${word(text)} mtu=1500 kind=${word(text)} your-mac=${word(text)} suite=${word(text)} version=${word(text)} certificate=${word(text)}`)],
  CHATHISTORY: (text, at) => [`@msgid=w${at};time=2026-11-27T10:00:00.000Z;${escapeTag(word(text)).replace(/=/g, '-')}=${escapeTag(text)} :${word(text)}!u@h PRIVMSG #x :${text}`],
  SETNAME: (text) => [`FAIL SETNAME INVALID_REALNAME :${text}`],
};

/** What comes by itself: the text as whoever does something, as what it is done to, and as the reason. */
export const happenings = (text: string, at: number): readonly string[] => [
  `@msgid=n${at} :mallory!u@h NOTICE #x :${text}`,
  `@msgid=r${at};+draft/reply=n${at};draft/relaymsg=${escapeTag(text.slice(0, 60))} :${word(text)}!u@h PRIVMSG #x :${text}`,
  `:${word(text)}!u@h JOIN #x ${word(text)} :${text}`,
  `@+typing=active :${word(text)}!u@h TAGMSG #x`,
  `:${word(text)}!u@h AWAY :${text}`,
  `:mallory!u@h KICK #x ${word(text)} :${text}`,
  `@msgid=d${at} :mallory!u@h PRIVMSG #x :plain`,
  `:${word(text)}!u@h REDACT #x d${at} :${text}`,
  `:${word(text)}!u@h MODE #x +k ${word(text)}`,
  `:${word(text)}!u@h INVITE ${word(text)} #x`,
  `:${word(text)}!u@h INVITE alice #${word(text)}`,
  `710 #x #x ${word(text)}!u@h :${text}`,
  `:${word(text)}!u@h QUIT :${text}`,
  `NOTICE * :${text}`,
  `:mallory!u@h WALLOPS :${text}`,
  `FAIL X ${word(text)} ${word(text)} :${text}`,
  `404 alice #x :${text}`,
  `NOTE REPORTS REPORT ${at} ${word(text)} m${at} 2026-11-27T10:00:00.000Z a!u@h b!u@h :${text}`,
];

/** From now on she is between two: what she asks for is answered by somebody who means no good, all else by the server. */
export async function between(page: Page): Promise<(lines: readonly string[]) => Promise<void>> {
  let route: WebSocketRoute | undefined;
  await page.routeWebSocket('**/ws', (opened) => {
    route = opened;
    const server = opened.connectToServer();
    opened.onMessage((data) => {
      const line = parse(String(data));
      const label = line?.tags.get('label');
      const answer = line && label !== undefined ? answers[line.command] : undefined;
      // Lists of the room, and one message alone as the view of the wire asks for it; else the room is the server's.
      const [, second, , fourth] = line?.params ?? [];
      const isServers = (line?.command === 'MODE' && second === undefined) || (line?.command === 'CHATHISTORY' && fourth !== '1');
      if (!line || !answer || isServers) return server.send(data);
      const said = payloads.flatMap((text, at) => answer(text, at, line.params));
      const inner = { SEARCH: 'soju.im/search', PINS: 'parlor/pins' }[line.command];
      const batch = inner ? 's' : 'r';
      const told = said.map((text) => (text.startsWith('@') ? `@batch=${batch};${text.slice(1)}` : `@batch=${batch} :s ${text}`));
      opened.send([`@label=${label} BATCH +r labeled-response`, ...(inner ? [`@batch=r BATCH +s ${inner}`] : []), ...told, ...(inner ? ['BATCH -s'] : []), 'BATCH -r'].join('\r\n'));
    });
  });
  let sent = 0;
  return async (lines) => {
    if (!route) throw new Error('no link');
    const last = `told ${sent++}`;
    route.send([...lines, `TOPIC #x :${last}`].map((line) => (/^[:@]/.test(line) ? line : `:s ${line}`)).join('\r\n'));
    await page.getByText(last).first().waitFor();
  };
}
