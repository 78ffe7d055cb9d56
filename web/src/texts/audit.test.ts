import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { more as german } from './de/more';
import { more as english } from './en/more';

test('all that the server writes down is called something in each language', () => {
  const source = readFileSync('../crates/chat/src/audit.rs', 'utf8');
  const actions = [...source.matchAll(/AuditAction::\w+ => "([a-z-]+)"/g)].map((match) => match[1]);
  expect(actions.length).toBeGreaterThan(10);
  for (const { auditActions } of [english, german]) expect(Object.keys(auditActions)).toEqual(actions);
});
