import { expect, it } from 'vitest';
import { lookupOf } from './lookup';

it('tells how the name became an address', () => {
  const check = (host: string, took: number | undefined, expected: ReturnType<typeof lookupOf>) =>
    expect(lookupOf(host, took === undefined ? undefined : { domainLookupStart: 5, domainLookupEnd: 5 + took }), host).toEqual(expected);
  check('192.0.2.1', 3, { kind: 'none needed' });
  check('[2001:db8::1]', 3, { kind: 'none needed' });
  check('localhost', 0, { kind: 'none needed' });
  check('chat.example', 12.5, { kind: 'dns', name: 'chat.example', milliseconds: 12.5 });
  check('chat.example', 0, { kind: 'dns', name: 'chat.example', milliseconds: null });
  check('chat.example', undefined, { kind: 'dns', name: 'chat.example', milliseconds: null });
  check('raspberrypi.local', 3, { kind: 'mdns', name: 'raspberrypi.local', milliseconds: 3 });
});
