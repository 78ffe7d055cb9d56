import { describe, expect, test } from 'vitest';
import { Isupport, modeChanges } from './isupport';

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
