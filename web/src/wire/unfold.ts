// One chat line unfolded into what crosses the network, layer by layer. The same as crates/layers: both are checked against
// crates/layers/tests/lines.json.
import { byteLength } from '../irc/line';

/** Seen: it was in hand, or the server told it. Computed: it follows by a specification. Assumed: nothing told, so what is usual. */
export type Known = 'seen' | 'computed' | 'assumed';

export interface Part {
  /** One of the texts of parts, or with `of` a name of the line's own (a tag). */
  readonly name: string;
  readonly of?: string;
  readonly value: string;
  readonly bytes: number;
  readonly known: Known;
}

export type LayerName = 'text' | 'line' | 'websocket' | 'tls' | 'tcp' | 'ip' | 'ethernet';

export interface Layer {
  readonly name: LayerName;
  /** All of it: what it carries and what it adds. */
  readonly bytes: number;
  /** What it adds. */
  readonly own: number;
  /** Records, segments, packets, frames. */
  readonly pieces: number;
  readonly known: Known;
  readonly parts: readonly Part[];
}

export interface End {
  readonly address: string;
  readonly port: number;
}

export interface Path {
  readonly client: End;
  readonly server: End;
  readonly websocket: boolean;
  readonly tls: RecordProtection | null;
  /** What one segment carries at most; null: not told. */
  readonly segment: number | null;
  /** Null: not told. */
  readonly timestamps: boolean | null;
  readonly link: { readonly kind: 'loopback' | 'other' | 'unknown' } | { readonly kind: 'ethernet'; readonly client: string | null; readonly server: string | null };
}

export type Direction = 'to server' | 'to client';

/** Bytes that a TLS record adds besides its header. */
export interface RecordProtection {
  readonly nonce: number;
  readonly innerType: number;
  readonly tag: number;
}

/** By the suite's name, as the IANA registry or rustls writes it; null for one whose size is not fixed. */
export function protectionOf(suite: string): RecordProtection | null {
  const name = suite.toUpperCase();
  const is13 = name.startsWith('TLS13_') || (name.startsWith('TLS_') && !name.includes('_WITH_'));
  // RFC 6655 section 4 and RFC 8446 appendix B.4: the tag is cut to 8 bytes.
  const tag = name.includes('CCM_8') ? 8 : 16;
  if (is13) return { nonce: 0, innerType: 1, tag };
  // RFC 7905 section 2: all of the nonce is derived; RFC 5288 section 3: eight bytes of it are sent.
  if (name.includes('CHACHA20_POLY1305')) return { nonce: 0, innerType: 0, tag };
  if (name.includes('_GCM_') || name.includes('_CCM')) return { nonce: 8, innerType: 0, tag };
  return null;
}

const recordBytes = 1 << 14;
const ethernetLeast = 46;

export function unfold(line: string, hidden: number, direction: Direction, path: Path): Layer[] {
  const layers: Layer[] = [];
  const push = (name: LayerName, carried: number, pieces: number, known: Known, parts: Part[]): number => {
    const own = parts.reduce((sum, part) => sum + part.bytes, 0);
    layers.push({ name, bytes: carried + own, own, pieces, known, parts });
    return carried + own;
  };
  const text = hidden === 0 ? textOf(line) : null;
  const carried = text === null ? 0 : byteLength(text);
  if (text !== null) push('text', 0, 1, 'seen', [part('utf8', String([...text].length), carried, 'seen')]);
  const parts = partsOf(line);
  if (hidden > 0) parts.push(part('hidden', '', hidden, 'seen'));
  // A WebSocket message is a line without its ending (IRCv3 WebSocket).
  if (!path.websocket) parts.push(part('ending', 'CR LF', 2, 'seen'));
  let bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  layers.push({ name: 'line', bytes, own: bytes - carried, pieces: 1, known: 'seen', parts });
  if (path.websocket) {
    // RFC 6455 section 5.2.
    const more = bytes <= 125 ? 0 : bytes <= 65_535 ? 2 : 8;
    const frame = [part('frameKind', '', 1, 'computed'), part('length', String(bytes), 1 + more, 'computed')];
    if (direction === 'to server') frame.push(part('mask', '', 4, 'computed'));
    bytes = push('websocket', bytes, 1, 'computed', frame);
  }
  if (path.tls) {
    const pieces = Math.max(1, Math.ceil(bytes / recordBytes));
    const record = [
      part('recordHeader', '', pieces * 5, 'computed'),
      part('nonce', '', pieces * path.tls.nonce, 'computed'),
      part('contentType', '', pieces * path.tls.innerType, 'computed'),
      part('tagTls', '', pieces * path.tls.tag, 'computed'),
    ];
    bytes = push('tls', bytes, pieces, 'computed', record.filter((part) => part.bytes > 0));
  }
  return [...layers, ...below(bytes, direction, path)];
}

/** TCP, IP and, where there are frames, Ethernet. */
function below(payload: number, direction: Direction, path: Path): Layer[] {
  const isV6 = path.server.address.includes(':');
  const header = isV6 ? 40 : 20;
  const options = (path.timestamps ?? true) ? 12 : 0;
  const most = Math.max(1, path.segment ?? 1500 - header - 20 - options);
  const pieces = Math.max(1, Math.ceil(payload / most));
  const [from, to] = direction === 'to server' ? [path.client, path.server] : [path.server, path.client];
  const known: Known = path.segment === null ? 'assumed' : 'computed';
  const tcp = [
    part('sourcePort', String(from.port), pieces * 2, 'seen'),
    part('destinationPort', String(to.port), pieces * 2, 'seen'),
    part('numbers', '', pieces * 8, 'computed'),
    part('flags', '', pieces * 8, 'computed'),
  ];
  if (options > 0) tcp.push(part('timestamps', '', pieces * options, path.timestamps === null ? 'assumed' : 'seen'));
  const segments = payload + pieces * (20 + options);
  const address = isV6 ? 16 : 4;
  const ip = [
    part('ipHeader', isV6 ? 'IPv6' : 'IPv4', pieces * (header - 2 * address), 'computed'),
    part('sourceAddress', from.address, pieces * address, 'seen'),
    part('destinationAddress', to.address, pieces * address, 'seen'),
  ];
  const packets = segments + pieces * header;
  const layers: Layer[] = [
    { name: 'tcp', bytes: segments, own: segments - payload, pieces, known, parts: tcp },
    { name: 'ip', bytes: packets, own: packets - segments, pieces, known: 'computed', parts: ip },
  ];
  const { link } = path;
  if (link.kind === 'loopback' || link.kind === 'other') return layers;
  const frameKnown: Known = link.kind === 'ethernet' ? 'computed' : 'assumed';
  const macs = link.kind === 'ethernet' ? [link.client, link.server] : [null, null];
  const [source, destination] = direction === 'to server' ? macs : macs.toReversed();
  const mac = (name: string, address: string | null | undefined) => part(name, address ?? '', pieces * 6, address ? 'seen' : frameKnown);
  const last = payload - (pieces - 1) * most + 20 + options + header;
  const padding = Math.max(0, ethernetLeast - last) + (pieces - 1) * Math.max(0, ethernetLeast - most - 20 - options - header);
  const frame = [
    mac('destinationMac', destination),
    mac('sourceMac', source),
    part('etherType', isV6 ? '0x86DD' : '0x0800', pieces * 2, frameKnown),
    part('checksum', '', pieces * 4, frameKnown),
  ];
  if (padding > 0) frame.push(part('padding', '', padding, frameKnown));
  const own = frame.reduce((sum, part) => sum + part.bytes, 0);
  layers.push({ name: 'ethernet', bytes: packets + own, own, pieces, known: frameKnown, parts: frame });
  return layers;
}

/** The parts of a line by name; together they are all of it. A separator counts with the part that it begins. */
export function partsOf(line: string): Part[] {
  const parts: Part[] = [];
  const add = (name: string, value: string, counted: string, of?: string) => parts.push({ name, value, bytes: byteLength(counted), known: 'seen', ...(of === undefined ? {} : { of }) });
  let rest = line;
  const word = (): string => {
    const space = rest.indexOf(' ', rest.startsWith(' ') ? 1 : 0);
    const found = space < 0 ? rest : rest.slice(0, space);
    rest = rest.slice(found.length);
    return found;
  };
  if (rest.startsWith('@')) {
    for (const tag of word().slice(1).split(';')) {
      const [name = '', value = ''] = tag.split(/=(.*)/s);
      add('tag', value, `;${tag}`, name);
    }
  }
  if (/^ ?:/.test(rest)) {
    const whole = word();
    const source = whole.trimStart().slice(1);
    const [, nick = '', user, host] = /^([^!@]*)(![^@]*)?(@.*)?$/s.exec(source) ?? [];
    add(user || host ? 'sender' : 'source', nick, whole.slice(0, whole.length - (user ?? '').length - (host ?? '').length));
    if (user) add('user', user.slice(1), user);
    if (host) add('host', host.slice(1), host);
  }
  const verb = word();
  const command = verb.trimStart();
  const isNumeric = /^\d{3}$/.test(command);
  add(isNumeric ? 'numeric' : 'command', command, verb);
  const names = isNumeric ? ['yourNick'] : (parameterNames[command.toUpperCase()] ?? []);
  for (let index = 0; rest !== ''; index += 1) {
    const name = names[index] ?? 'parameter';
    const of = names[index] === undefined ? String(index + 1) : undefined;
    if (rest.startsWith(' :')) {
      add(name, rest.slice(2), rest, of);
      break;
    }
    const found = word();
    add(name, found.slice(1), found, of);
  }
  return parts;
}

const parameterNames: Record<string, readonly string[]> = {
  PRIVMSG: ['to', 'text'],
  NOTICE: ['to', 'text'],
  TAGMSG: ['to'],
  BATCH: ['reference', 'batchType'],
};

function textOf(line: string): string | null {
  const [, command = '', text] = /^(?:@[^ ]* +)?(?::[^ ]* +)?([^ ]+)(?: [^:][^ ]*)* :(.*)$/s.exec(line) ?? [];
  return text !== undefined && ['PRIVMSG', 'NOTICE', 'TOPIC', 'PART', 'QUIT', 'KICK', 'AWAY', 'WALLOPS'].includes(command.toUpperCase()) ? text : null;
}

function part(name: string, value: string, bytes: number, known: Known): Part {
  return { name, value, bytes, known };
}
