// What can be asked of one message: its earlier texts, and what crossed the network for it.

import { linesOf } from '../../irc/batches';
import { timeOf } from '../../irc/line';
import type { OnTheWire } from '../types';
import type { World } from '../world';

export async function earlierTexts(world: World, place: string, id: string): Promise<readonly { text: string; at: number }[]> {
  const items = await world.request('EDITS', [place, id], { quiet: true });
  const texts: { text: string; at: number }[] = [];
  const head = `${place} ${id} until `;
  const end = `${place} ${id}: `;
  for (const line of linesOf(items)) {
    const text = line.params[1] ?? '';
    if (line.command !== 'NOTICE' || text.startsWith(end)) continue;
    if (text.startsWith(head)) texts.push({ text: '', at: timeOf(text.slice(head.length, -1)) ?? 0 });
    else {
      const last = texts.at(-1);
      if (last) last.text += last.text ? `\n${text}` : text;
    }
  }
  return texts;
}

export async function onTheWire(world: World, place: string, id: string): Promise<OnTheWire> {
  const [said, seen] = await Promise.all([
    world.request('CHATHISTORY', ['AROUND', place, `msgid=${id}`, '1'], { quiet: true }),
    world.has('parlor/connection') ? world.request('CONNECTION', [], { quiet: true }) : null,
  ]);
  const lines = [...linesOf(said)].filter((line) => line.command === 'PRIVMSG' || line.command === 'NOTICE').map((line) => line.raw);
  if (!seen) return { lines, connection: null };
  const connection = new Map<string, ReadonlyMap<string, string>>();
  for (const { command, params } of linesOf(seen)) {
    if (command !== 'CONNECTION') continue;
    const facts = (params[1] ?? '').split(' ').map((fact) => fact.split(/=(.*)/s));
    connection.set(params[0] ?? '', new Map(facts.map(([name = '', value = '']) => [name, value])));
  }
  return { lines, connection };
}
