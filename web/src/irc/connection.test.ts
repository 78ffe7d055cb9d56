import { expect, test } from 'vitest';
import { isBatch } from './batches';
import { Connection, type Socket } from './connection';

test('what waits for a frame is dealt with when there will be none, and so is what comes then', () => {
  const socket: Socket = { readyState: 1, send: () => undefined, close: () => undefined, onopen: null, onmessage: null, onclose: null };
  const heard: string[] = [];
  const frames: (() => void)[] = [];
  const connection = new Connection({
    socket,
    nick: 'alice',
    realname: 'Alice',
    schedule: (run) => void frames.push(run),
    later: (run) => run(),
    events: { welcome: () => undefined, item: (item) => void (isBatch(item) || heard.push(item.command)), down: () => undefined, otherNick: () => null, refused: () => undefined },
  });
  const say = (line: string): void => socket.onmessage?.({ data: line });
  say(':s 001 alice :Welcome');
  say('JOIN #a');
  expect(heard).toEqual(['001']);
  connection.flush();
  expect(heard).toEqual(['001', 'JOIN']);
  say('PART #a');
  expect(frames).toHaveLength(2);
  connection.close();
});

test('nothing is said to a link that is gone and has not said so yet', async () => {
  const sent: string[] = [];
  const socket = { readyState: 1, send: (text: string) => void sent.push(text), close: () => undefined, onopen: null, onmessage: null, onclose: null } as Socket & { readyState: number };
  const connection = new Connection({
    socket,
    nick: 'alice',
    realname: 'Alice',
    schedule: (run) => run(),
    later: (run) => run(),
    events: { welcome: () => undefined, item: () => undefined, down: () => undefined, otherNick: () => null, refused: () => undefined },
  });
  socket.onmessage?.({ data: ':s 001 alice :Welcome' });
  sent.length = 0;
  socket.readyState = 3;
  socket.onmessage?.({ data: 'PING x' });
  const answer = connection.request('WHO', ['#tea']);
  expect(sent).toEqual([]);
  socket.onclose?.();
  await expect(answer).rejects.toThrow(expect.objectContaining({ code: 'LINK_LOST' }));
});
