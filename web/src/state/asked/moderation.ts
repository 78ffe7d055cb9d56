// What is reported to moderators and operators, their queue of reports, and who did what.

import { isBatch, linesOf, type Item } from '../../irc/batches';
import { nickOf, timeOf, type Line } from '../../irc/line';
import { more } from '../../texts/more.svelte';
import type { ConversationState } from '../conversation/conversation.svelte';
import { said } from '../conversation/said';
import type { Receiver } from '../incoming';
import type { AuditLine, Report } from '../types';
import type { World } from '../world';

/** Reports whose message is asked for, so that its author is known. */
const mostLookedUp = 30;

export interface AuditQuery {
  by?: string;
  target?: string;
  room?: string;
  action?: string;
  since?: string;
  limit?: number;
}

export async function report(world: World, place: string, id: string, reason: string): Promise<void> {
  await world.request('REPORT', [place, id, reason], { quiet: true });
}

/** What is counted of them. */
interface Counted extends World {
  operatorReports: number;
  reportQueue: readonly Report[] | null;
  all(): Iterable<ConversationState>;
}

export async function reports(chat: Counted, room?: string): Promise<readonly Report[]> {
  const found = await readReports(chat, room);
  for (const conversation of chat.all()) {
    if (room !== undefined && !chat.isupport.same(room, conversation.name)) continue;
    conversation.openReports = found.filter((report) => chat.isupport.same(report.place, conversation.name)).length;
  }
  if (room === undefined) {
    chat.operatorReports = found.filter((report) => !chat.known(report.place)).length;
    chat.reportQueue = found;
  }
  return found;
}

async function readReports(world: World, room?: string): Promise<readonly Report[]> {
  const items = await world.request('REPORTS', room ? [room] : [], { quiet: true });
  const reports = new Map<string, { -readonly [Name in keyof Report]: Report[Name] }>();
  for (const { command, params } of linesOf(items)) {
    if (command !== 'NOTE' || params[0] !== 'REPORTS') continue;
    const [, code, number = '', ...rest] = params;
    if (code === 'REPORT') {
      const [place = '*', messageId = '', at, saidBy = '', by = '', reason = ''] = rest;
      reports.set(number, {
        number,
        place: place === '*' ? 'direct' : place,
        messageId,
        at: timeOf(at) ?? 0,
        said: nickOf(saidBy),
        by: nickOf(by),
        reason,
        text: null,
      });
    } else if (code === 'TEXT') {
      const report = reports.get(number);
      if (report) report.text = report.text === null ? (rest[0] ?? '') : `${report.text}\n${rest[0] ?? ''}`;
    }
  }
  return Promise.all([...reports.values()].map(async (report, index) => (index < mostLookedUp ? { ...report, said: (await authorOf(world, report)) ?? report.said } : report)));
}

/** The server has the name of then, which may be another's by now: the message itself says by id who said it. Null: it cannot be had. */
async function authorOf(world: World, { place, messageId }: Report): Promise<string | null> {
  const here = world.known(place)?.find(messageId);
  if (here) return here.sender.displayName;
  // What two others said to each other nobody reads.
  if (place === 'direct') return null;
  const items = await world.request('CHATHISTORY', ['AROUND', place, `msgid=${messageId}`, '1'], { quiet: true }).catch(() => []);
  const found = messagesIn(items).map((item) => said(item, world.isupport, world.now())).find((message) => message?.id === messageId);
  return found ? world.people.author(found.nick, found.account, found.personId, found.time).displayName : null;
}

function messagesIn(items: readonly Item[]): readonly Item[] {
  return items.flatMap((item) => (isBatch(item) && item.type !== 'draft/multiline' ? messagesIn(item.items) : [item]));
}

export async function closeReport(chat: Counted, report: Report, how: 'resolve' | 'dismiss', note?: string): Promise<void> {
  try {
    await chat.request('REPORTS', [how.toUpperCase(), report.number, ...(note ? [note] : [])], { quiet: true });
  } finally {
    // One answer ends all reports of the same message; and somebody else may have given it already.
    await reports(chat);
  }
}

export async function audit(world: World, query: AuditQuery): Promise<readonly AuditLine[]> {
  const filters = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([key, value]) => `${key}=${String(value).replace(/\s+/g, '?')}`);
  const items = await world.request('AUDIT', filters, { quiet: true });
  const lines: AuditLine[] = [];
  const orNull = (text: string | undefined): string | null => (text === undefined || text === '*' ? null : text);
  for (const { command, params } of linesOf(items)) {
    // NOTE AUDIT ENTRY <time> <action> <by> <account or *> <room or *> <target or *> :<detail>
    if (command !== 'NOTE' || params[1] !== 'ENTRY') continue;
    const [, , time, action = '', by = '', account, room, target, detail = ''] = params;
    lines.push({
      at: timeOf(time) ?? 0,
      action,
      by: nickOf(by),
      account: orNull(account),
      room: orNull(room),
      target: orNull(target),
      detail: detail === '-' ? '' : detail,
    });
  }
  return lines.reverse();
}

/** Who moderates is told of reports. */
export function noteCame(chat: Receiver, line: Line): void {
  const [, code, ...context] = line.params;
  const room = context[0] ?? '*';
  if (code === 'OPEN') {
    const count = Number(context[1]) || 0;
    const conversation = chat.known(room);
    if (conversation) conversation.openReports = count;
    else chat.operatorReports = count;
  } else if (code === 'REPORT' && !line.tags.has('batch') && !line.tags.has('label')) {
    // <number> <room> <msgid> <time> <said by> <reported by> :<reason>
    const place = context[1] ?? '*';
    const conversation = chat.known(place);
    if (conversation) conversation.openReports += 1;
    else chat.operatorReports += 1;
    chat.say(more.texts.newReport(place === '*' ? '…' : place));
    if (chat.reportQueue) chat.reportsChanged();
  } else if (code === 'CLOSED' && !line.tags.has('batch') && !line.tags.has('label')) {
    // By somebody else who moderates, or on another device: which and how many, the server tells.
    chat.reportsChanged();
  }
}
