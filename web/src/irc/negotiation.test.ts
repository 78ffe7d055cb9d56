import { expect, test } from 'vitest';
import { parse } from './line';
import { Negotiation } from './negotiation';

function begun(ready: boolean): { sent: string[]; negotiation: Negotiation; take(line: string): boolean } {
  const sent: string[] = [];
  const link = {
    nick: 'Ada Lovelace',
    ready,
    send: (command: string, params: readonly string[]) => void sent.push(`${command} ${params.join(' ')}`),
    sendRaw: (line: string) => void sent.push(line),
  };
  const negotiation = new Negotiation(link, 'Ada\r\nQUIT');
  negotiation.begin();
  return { sent, negotiation, take: (line) => negotiation.take(parse(line)!) };
}

test('everything is said at once, each line within its bounds', () => {
  const { sent, negotiation, take } = begun(false);
  expect(sent[0]).toBe('CAP LS 302');
  expect(sent.at(-1)).toBe('CAP END');
  expect(sent.some((line) => line === 'USER AdaLovelac 0 * :Ada  QUIT')).toBe(true);
  for (const line of sent) expect(line.length).toBeLessThan(510);
  const before = sent.length;
  take(':s CAP * LS * :batch draft/multiline=max-bytes=4096');
  take(':s CAP * LS :server-time sasl');
  expect(sent).toHaveLength(before);
  take(':s CAP * ACK :batch draft/multiline');
  expect([...negotiation.granted]).toEqual([['batch', ''], ['draft/multiline', 'max-bytes=4096']]);
});

test('what the server has only now is asked for, and what it has no more is not relied on', () => {
  const { sent, negotiation, take } = begun(true);
  take(':s CAP me ACK :batch soju.im/search');
  take(':s CAP me DEL :soju.im/search');
  expect(negotiation.granted.has('soju.im/search')).toBe(false);
  sent.length = 0;
  take(':s CAP me NEW :soju.im/search tea');
  expect(sent).toEqual(['CAP REQ :soju.im/search']);
  // Refused as a whole: each is asked for alone.
  expect(take(':s CAP me NAK :soju.im/search setname')).toBe(true);
  expect(sent.slice(1)).toEqual(['CAP REQ soju.im/search', 'CAP REQ setname']);
});
