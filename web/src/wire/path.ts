// What the server tells of this connection (CONNECTION), as a path that lines cross.
import { protectionOf, type Path } from './unfold';

/** The facts of each group (ADDRESS, TLS, TCP, LINK). */
export type Facts = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** `encrypted`: the page itself came by https, whatever stands before the server. */
export function pathOf(facts: Facts, encrypted: boolean): Path {
  const told = (group: string, name: string) => facts.get(group)?.get(name) ?? null;
  const suite = told('TLS', 'suite');
  const segment = Number(told('TCP', 'segment'));
  const options = told('TCP', 'options');
  return {
    client: { address: told('ADDRESS', 'yours') ?? '', port: Number(told('ADDRESS', 'your-port')) },
    server: { address: told('ADDRESS', 'server') ?? '', port: Number(told('ADDRESS', 'server-port')) },
    websocket: true,
    // Which suite a proxy has agreed on is not told; those of today add as much as this one.
    tls: suite !== null ? protectionOf(suite) : encrypted ? protectionOf('TLS_AES_128_GCM_SHA256') : null,
    segment: segment > 0 ? segment : null,
    timestamps: options === null ? null : options.split(',').includes('timestamps'),
    link: linkOf(told('LINK', 'kind'), told('LINK', 'your-mac'), told('LINK', 'server-mac')),
  };
}

function linkOf(kind: string | null, client: string | null, server: string | null): Path['link'] {
  switch (kind) {
    case 'ethernet':
    case 'wifi':
      return { kind: 'ethernet', client, server };
    case 'loopback':
    case 'other':
      return { kind };
    default:
      return { kind: 'unknown' };
  }
}
