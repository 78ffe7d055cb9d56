import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { byteLength } from '../irc/line';
import { partsOf, protectionOf, unfold, type Direction, type LayerName, type Path } from './unfold';

interface Row {
  line: string;
  direction: Direction;
  path: string;
  hidden?: number;
  layers: string[];
}

const names: Record<LayerName, string> = {
  text: 'Text',
  line: 'IRC line',
  websocket: 'WebSocket frame',
  tls: 'TLS record',
  tcp: 'TCP segment',
  ip: 'IP packet',
  ethernet: 'Ethernet frame',
};

function pathOf(words: string[]): Path {
  const value = (name: string) => words.find((word) => word.startsWith(name))?.slice(name.length) ?? null;
  const address = words.includes('v6') ? '2001:db8::1' : '192.0.2.1';
  const segment = value('mss=');
  return {
    client: { address, port: 50_000 },
    server: { address, port: 6697 },
    websocket: words.includes('ws'),
    tls: protectionOf(value('tls=') ?? ''),
    segment: segment === null ? null : Number(segment),
    timestamps: words.includes('ts') ? true : words.includes('no-ts') ? false : null,
    link: words.includes('lo') ? { kind: 'loopback' } : words.includes('eth') ? { kind: 'ethernet', client: '02:00:00:00:00:01', server: null } : { kind: 'unknown' },
  };
}

// The table of the terminal's crate, so that both show the same.
const rows = JSON.parse(readFileSync('../crates/layers/tests/lines.json', 'utf8')) as Row[];

test.each(rows.map((row) => [`${row.line.slice(0, 40)} over ${row.path}`, row] as const))('%s', (_, row) => {
  const line = row.line.replace('{5000 x}', 'x'.repeat(5_000));
  const layers = unfold(line, row.hidden ?? 0, row.direction, pathOf(row.path.split(' ')));
  expect(layers.map((layer) => `${names[layer.name]}: ${layer.bytes} = +${layer.own}, ${layer.pieces}`)).toEqual(row.layers);
  for (const layer of layers) {
    const sum = layer.parts.reduce((sum, part) => sum + part.bytes, 0);
    expect(sum).toBe(layer.name === 'line' ? layer.bytes : layer.own);
  }
});

test.each([
  '@time=12:00;msgid=a;+x :bob!~b@host PRIVMSG #tea :hi :there',
  ':irc.example 353 bob = #tea :a b',
  ':bob@h JOIN #tea',
  'PRIVMSG  #tea  grüße',
  'QUIT',
  '',
])('%j is all of its parts', (line) => {
  expect(partsOf(line).reduce((sum, part) => sum + part.bytes, 0)).toBe(byteLength(line));
});

test('parts have their names', () => {
  const shown = partsOf('@time=12:00;msgid=a :bob!~b@host PRIVMSG #tea :hi').map(({ name, of, value }) => `${name}${of ? ` ${of}` : ''}=${value}`);
  expect(shown).toEqual(['tag time=12:00', 'tag msgid=a', 'sender=bob', 'user=~b', 'host=host', 'command=PRIVMSG', 'to=#tea', 'text=hi']);
});
