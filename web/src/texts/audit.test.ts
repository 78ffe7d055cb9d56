import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { AuditLine } from '../state/types';
import { told } from '../ui/dialogs/audit_words';
import { audit as germanAudit } from './de/audit';
import { modes as germanModes } from './de/modes';
import { more as german } from './de/more';
import { ui as germanUi } from './de/ui';
import { audit as englishAudit } from './en/audit';
import { modes as englishModes } from './en/modes';
import { more as english } from './en/more';
import { ui as englishUi } from './en/ui';

const hub = (name: string): string => readFileSync(`../crates/chat/src/${name}.rs`, 'utf8');

const inEnglish = { texts: { ...englishAudit, modes: englishModes }, ranks: englishUi.rank };
const inGerman = { texts: { ...germanAudit, modes: germanModes }, ranks: germanUi.rank };
const line = (action: string, target: string | null, detail: string, room: string | null = '#tea'): AuditLine => ({ at: 0, by: 'alice', account: 'alice', action, room, target, detail });

test('all that the server writes down is called something in each language', () => {
  const actions = [...hub('audit').matchAll(/AuditAction::\w+ => "([a-z-]+)"/g)].map((match) => match[1]);
  expect(actions.length).toBeGreaterThan(10);
  for (const { auditActions } of [english, german]) expect(Object.keys(auditActions)).toEqual(actions);
});

describe('what was done is told in words', () => {
  test.each<[AuditLine, string, string]>([
    [line('kick', 'bob', 'loud'), 'put bob out of the room', 'hat bob aus dem Raum gewiesen'],
    [line('list', 'bob!*@*', '+ban'), 'banned bob', 'hat eingestellt: bob gesperrt'],
    [line('list', '~a:bob', '-ban'), 'lifted the ban on bob', 'hat eingestellt: Sperre von bob aufgehoben'],
    [line('list', 'm:a:bob', '+ban'), 'muted bob', 'hat eingestellt: bob stummgeschaltet'],
    [line('list', '*!*@home', '+invitation'), 'lets *!*@home in without an invitation', 'hat eingestellt: *!*@home darf ohne Einladung herein'],
    [line('role', 'bob', '+HalfOperator'), 'made bob Helper', 'hat eingestellt: bob hat jetzt die Rolle Hilfe'],
    [line('mode', null, '+InviteOnly'), 'closed the room to those who are not invited', 'hat eingestellt: Zutritt nur mit Einladung'],
    [line('mode', null, 'set a key'), 'set a password for the room', 'hat eingestellt: Passwort für den Raum gesetzt'],
    [line('mode', null, 'set a limit of 20'), 'allowed 20 people at most', 'hat eingestellt: höchstens 20 Personen'],
    [line('mode', null, 'slow mode 30 s'), 'lets each member speak every 30 seconds', 'hat eingestellt: jedes Mitglied schreibt höchstens alle 30 Sekunden'],
    [line('mode', null, 'forward to #lobby'), 'sends those who are kept out to #lobby', 'hat eingestellt: wer nicht herein darf, kommt nach #lobby'],
    [line('topic', null, 'removed'), 'removed the topic', 'hat das Thema entfernt'],
    [line('rename', null, 'was #pot'), 'renamed #pot to #tea', 'hat #pot in #tea umbenannt'],
    [line('invite-link', '9c2729a1', 'revoked'), 'ended an invite link', 'hat einen Einladungslink beendet'],
    [line('kill', 'bob', 'enough', null), 'disconnected bob', 'hat bob vom Server getrennt'],
    [line('server-ban', 'account bob', 'set: spam', null), 'banned bob from the server', 'hat bob vom Server ausgeschlossen'],
    [line('server-ban', 'range\u00a010.0.0.0/8', 'lifted', null), 'lifted the ban of the addresses 10.0.0.0/8 from the server', 'hat den Ausschluss vom Server aufgehoben: die Adressen 10.0.0.0/8'],
    [line('account', 'bob', 'rights: kill see-all', null), 'gave bob these rights on the server: disconnecting and banning people, seeing all rooms and addresses', 'hat bob diese Rechte auf dem Server gegeben: Personen trennen und ausschließen, alle Räume und Adressen sehen'],
    [line('account', 'bob', 'renamed to rob', null), 'renamed the account bob to rob', 'hat das Konto bob in rob umbenannt'],
    [line('operator', 'alice', 'root', null), 'took the rights of the operator root', 'hat die Rechte des Operators root übernommen'],
  ])('%o', (what, inWords, inGermanWords) => {
    expect(told(what, inEnglish).says).toBe(inWords);
    expect(told(what, inGerman).says).toBe(inGermanWords);
  });

  test('why, in the words of whoever did it, and about which message', () => {
    expect(told(line('kick', 'bob', 'loud'), inEnglish).reason).toBe('loud');
    expect(told(line('server-ban', 'account bob', 'set: spam', null), inEnglish).reason).toBe('spam');
    expect(told(line('report', 'id1', '5787: It is rude: very'), inEnglish)).toEqual({ says: 'reported a message', reason: 'It is rude: very', message: 'id1' });
    expect(told(line('report', 'id1', '5787 resolved'), inEnglish)).toEqual({ says: 'dealt with a report', reason: '', message: 'id1' });
    expect(told(line('report', 'id1', '5787 dismissed: fine'), inEnglish)).toEqual({ says: 'closed a report: nothing to do', reason: 'fine', message: 'id1' });
    expect(told(line('pin', 'id1', 'pinned'), inEnglish)).toEqual({ says: 'pinned a message', reason: '', message: 'id1' });
    // It is not there any more.
    expect(told(line('redact', 'id1', 'rude'), inEnglish)).toEqual({ says: 'deleted a message of somebody else', reason: 'rude', message: null });
  });

  // By the server's own source: whoever adds one there is told here.
  const details: AuditLine[] = [
    ...[...(/ALL: \[RoomFlag; \d+\] = \[([^\]]+)/.exec(hub('chatroom'))?.[1] ?? '').matchAll(/RoomFlag::(\w+)/g)].map((match) => line('mode', null, `+${match[1]}`)),
    ...[...(/ALL: \[Role; \d+\] = \[([^\]]+)/.exec(hub('membership'))?.[1] ?? '').matchAll(/Role::(\w+)/g)].map((match) => line('role', 'bob', `-${match[1]}`)),
    ...[...hub('hub/audit').matchAll(/AuditAction::Mode, "", (?:format!\()?"([^"]+)"/g)].filter((match) => !match[1]?.startsWith('{}')).map((match) => line('mode', null, (match[1] ?? '').replace(/\{\w+\}/, '7'))),
    ...[...hub('hub/audit').matchAll(/ListKind::\w+ => "(\w+)"/g)].map((match) => line('list', 'bob', `+${match[1]}`)),
    ...[...(/fn words_of[^]*?\n\}/.exec(hub('hub/accounts'))?.[0] ?? '').matchAll(/(?:=> |format!\()"([^"]+)"/g)].map((match) => line('account', 'bob', (match[1] ?? '').replace(/\{\}/, ''), null)),
  ];
  test('nothing of it as the server writes it', () => {
    expect(details.length).toBeGreaterThan(35);
    for (const words of [inEnglish, inGerman]) {
      for (const what of details) {
        const { says } = told(what, words);
        expect(says).not.toContain('·');
        // In English some is told as the server writes it.
        if (words === inGerman) expect(says).not.toBe(what.detail);
      }
    }
    const rights = [...hub('refusal').matchAll(/Right::\w+ => "([a-z-]+)"/g)].map((match) => match[1]);
    expect(rights.length).toBe(9);
    for (const texts of [englishAudit, germanAudit]) expect(Object.keys(texts.rights)).toEqual(rights);
  });
});
