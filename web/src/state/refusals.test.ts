import { expect, test } from 'vitest';
import { Failure } from '../irc/failure';
import { refusals as german } from '../texts/de/refusals';
import { refusals as english } from '../texts/en/refusals';
import { sentenceOf } from './refusal_sentences';

test('are sentences with their mend, in both languages', () => {
  const check = (command: string, code: string, context: string[], expected: string): void => {
    expect(sentenceOf(english, new Failure(code, command, context))).toBe(expected);
  };
  check('', '473', ['#tea', 'Cannot join'], '#tea is by invitation only; ask someone inside to invite you.');
  const silent = 'Not sent: this room is in slow mode (+W): wait 10 seconds before your next message';
  check('', '404', ['#tea', silent], '#tea is in slow mode; you can write again in 10 s.');
  check('', '404', ['#tea', 'Cannot send'], 'You may not write in #tea (Cannot send); ask those who moderate.');
  check('EDIT', 'UNKNOWN_MSGID', ['#tea', 'x', 'text'], 'This message is not kept any more, or you may not read it.');
  check('METADATA', 'VALUE_INVALID', ['status', 'too long'], 'This cannot be the value (too long).');
  check('', '696', ['#tea', 'l', '-5', 'A limit is …'], '-5 is no number of people; write 1 or more.');
  check('', '696', ['#tea', 'z', 'x', 'A mend'], 'x is no value for that setting; choose another one (A mend).');
  check('ACCOUNT', 'INVALID_CREDENTIALS', ['wrong'], 'The password is wrong; nothing was changed.');
  expect(sentenceOf(english, new Failure('NEW_CODE', 'X', ['The mend']))).toBeUndefined();
  expect(Object.keys(german.numerics)).toEqual(Object.keys(english.numerics));
  expect(Object.keys(german.replies)).toEqual(Object.keys(english.replies));
  const places = (words: string): string => (words.match(/\{\w+\}/g) ?? []).sort().join();
  for (const [code, words] of Object.entries(english.numerics)) expect(places(german.numerics[code] ?? ''), code).toBe(places(words));
  for (const [code, words] of Object.entries(english.replies)) expect(places(german.replies[code] ?? ''), code).toBe(places(words));
});
