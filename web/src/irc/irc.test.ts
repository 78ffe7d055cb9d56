import { describe, expect, test } from 'vitest';
import { Backoff, firstWait, longestWait, provenLink } from './backoff';
import { batchOf, Batches, isBatch, linesOf } from './batches';
import { fold } from './casefold';
import { Connection, type Socket } from './connection';
import { Isupport, modeChanges } from './isupport';
import { escapeTag, nickOf, parse, unescapeTag, write } from './line';
import { joined, messagesWithin, multilineLimits, pieces, textBudget, writeMessage } from './multiline';

describe('lines', () => {
  test('are read', () => {
    const line = parse('@time=2026-11-22T11:32:07.045Z;+draft/reply=a\\sb\\:\\\\;x :al!~a@h privmsg  #tea  :hello :there ');
    expect(line?.command).toBe('PRIVMSG');
    expect(line?.params).toEqual(['#tea', 'hello :there ']);
    expect([...(line?.tags ?? [])]).toEqual([
      ['time', '2026-11-22T11:32:07.045Z'],
      ['+draft/reply', 'a b;\\'],
      ['x', ''],
    ]);
    expect(nickOf(line?.source ?? '')).toBe('al');
    expect(parse('')).toBeNull();
    expect(parse('@a=b')).toBeNull();
    expect(parse(':server')).toBeNull();
    expect(parse('A :')?.params).toEqual(['']);
    expect(parse('A b ')?.params).toEqual(['b']);
  });

  test('are written so that they are read as they were meant', () => {
    const check = (params: string[], expected: string): void => {
      expect(write('X', params)).toBe(expected);
    };
    check(['a', 'b'], 'X a b');
    check(['a', ''], 'X a :');
    check(['a', ':b'], 'X a ::b');
    check(['a', 'b c'], 'X a :b c');
    check(['a b', 'c'], 'X ab c');
    check(['', 'c'], 'X * c');
    check(['a\r\nQUIT'], 'X :a  QUIT');
    expect(write('X', ['a'], { label: 'q1', '+typing': 'a;b c', none: null, flag: '' })).toBe('@label=q1;+typing=a\\:b\\sc;flag X a');
  });

  test('values of tags survive', () => {
    for (const value of ['', ' ', ';', '\\', '\r\n', 'a\\sb', 'é', '\\\\;']) {
      expect(unescapeTag(escapeTag(value))).toBe(value);
    }
    expect(unescapeTag('a\\')).toBe('a');
    expect(unescapeTag('\\b')).toBe('b');
  });
});

test('names are compared as the server says', () => {
  expect(fold('ascii', 'A[É')).toBe('a[É');
  expect(fold('rfc1459', 'A[]\\~')).toBe('a{}|^');
  expect(fold('rfc1459-strict', 'A~')).toBe('a~');
  expect(fold('precis', 'ÉTÉ ΟΔΟΣ')).toBe('été οδοσ');
});

describe('isupport', () => {
  const isupport = new Isupport();
  isupport.take(['me', 'CASEMAPPING=precis', 'PREFIX=(qaohv)~&@%+', 'STATUSMSG=~&@%+', 'CHANMODES=Ibe,k,HWfl,ACm', 'WHOX', 'x']);

  test('changes of modes take their parameters', () => {
    const check = (line: string, expected: string): void => {
      const changes = modeChanges(isupport, line.split(' '));
      expect(changes.map(({ on, letter, param }) => `${on ? '+' : '-'}${letter}${param ?? ''}`).join(' ')).toBe(expected);
    };
    check('+o bob', '+obob');
    check('+m-l+k key', '+m -l +kkey');
    check('-vl+lb bob 12 *!*@x', '-vbob -l +l12 +b*!*@x');
    check('+b', '+b');
  });

  test('a target may be for a rank', () => {
    expect(isupport.withoutStatus('@#tea')).toEqual({ target: '#tea', sign: '@' });
    expect(isupport.withoutStatus('#tea')).toEqual({ target: '#tea', sign: null });
    expect(isupport.withoutStatus('+bob')).toEqual({ target: '+bob', sign: null });
  });
});

test('the wait doubles up to its bound, and never is nothing', () => {
  const backoff = new Backoff();
  expect(Array.from({ length: 9 }, () => backoff.next(1) / 1000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  expect(backoff.next(0)).toBe(longestWait / 10);
  backoff.linkLived(provenLink - 1);
  expect(backoff.next(1)).toBe(longestWait);
  backoff.linkLived(provenLink);
  expect(backoff.next(1)).toBe(firstWait);
});

describe('batches', () => {
  const feed = (lines: string[]): (string | null)[] => {
    const batches = new Batches();
    return lines.map((text) => {
      const item = batches.take(parse(text)!);
      if (!item) return null;
      return isBatch(item) ? `${item.type}(${[...linesOf(item.items)].map((line) => line.command).join()})` : item.command;
    });
  };

  test('come as a whole, with what is between them left alone', () => {
    expect(feed(['BATCH +1 chathistory #a', '@batch=1 A', 'B', '@batch=1 C', 'BATCH -1'])).toEqual([null, null, 'B', null, 'chathistory(A,C)']);
    expect(feed(['BATCH +1 x', '@batch=1 BATCH +2 y', '@batch=2 A', 'BATCH -2', 'BATCH -1'])).toEqual([null, null, null, null, 'x(A)']);
    expect(feed(['BATCH -9', '@batch=9 A'])).toEqual([null, 'A']);
  });

  test('are found by their type', () => {
    const batches = new Batches();
    const lines = ['BATCH +1 labeled-response', '@batch=1 BATCH +2 parlor/pins', '@batch=2 A', 'BATCH -2', 'BATCH -1'];
    const item = lines.map((text) => batches.take(parse(text)!)).at(-1)!;
    expect(batchOf([item], 'parlor/pins')?.items).toHaveLength(1);
    expect(batchOf([item], 'other')).toBeNull();
  });
});

describe('messages of several lines', () => {
  test('become as few messages as the server takes', () => {
    const check = (text: string, bytes: number, lines: number, expected: string[]): void => {
      expect(messagesWithin(text, 20, { bytes, lines })).toEqual(expected);
    };
    check('one\n\ntwo', 100, 10, ['one\n\ntwo']);
    check('one\n\ntwo', 7, 10, ['one', 'two']);
    check('one\n\ntwo', 100, 2, ['one', 'two']);
    check('one\ntwo\nthree', 100, 2, ['one\ntwo', 'three']);
    check('\n\n', 100, 10, []);
    check('one two three four five six\nseven', 100, 2, ['one two three four five six', 'seven']);
    expect(messagesWithin('one\n\ntwo', 20, null)).toEqual(['one', 'two']);
  });

  test('lines are broken behind spaces and never within a character', () => {
    expect(pieces('one two three', 8)).toEqual(['one two ', 'three']);
    expect(pieces('éééé', 3)).toEqual(['é', 'é', 'é', 'é']);
    expect(pieces('👍👍', 4)).toEqual(['👍', '👍']);
    expect(pieces('', 8)).toEqual(['']);
  });

  test('are written and put together again', () => {
    const text = `one\n\n${'two '.repeat(150)}\n three`;
    const written = writeMessage('#tea', text, 'text', { label: 'q1' }, 'r1', 400);
    expect(written[0]).toBe('@label=q1 BATCH +r1 draft/multiline #tea');
    const batches = new Batches();
    const item = written.map((line) => batches.take(parse(line)!)).at(-1)!;
    if (!isBatch(item)) throw new Error('no batch');
    expect(joined(item)).toEqual({ text, notice: false });
    for (const line of written) expect(line.length).toBeLessThan(512);
    expect(writeMessage('#tea', 'hi', 'action', {}, 'r1', 400)).toEqual(['PRIVMSG #tea :\x01ACTION hi\x01']);
  });

  test('the server says how much it takes', () => {
    expect(multilineLimits('max-bytes=4096,max-lines=64')).toEqual({ bytes: 4096, lines: 64 });
    expect(multilineLimits('max-bytes=4096')).toEqual({ bytes: 4096, lines: 16 });
    expect(multilineLimits('')).toBeNull();
    expect(textBudget(32, '#tea', 'text')).toBeLessThan(400);
  });
});

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
