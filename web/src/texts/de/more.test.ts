import { expect, test } from 'vitest';
import { more } from './more';

test('devices are called in German what the server calls them in English', () => {
  for (const [name, called] of [
    ['Chrome on Linux', 'Chrome unter Linux'],
    ['Samsung Internet on Android', 'Samsung Internet unter Android'],
    ['Safari on iPhone', 'Safari auf dem iPhone'],
    ['a browser on Windows', 'Ein Browser unter Windows'],
    ['a browser', 'Ein Browser'],
    ['Firefox', 'Firefox'],
    // What somebody calls hers stays.
    ['Notes on paper', 'Notes on paper'],
  ] as const) expect(more.deviceName(name)).toBe(called);
  expect(more.transport('WebSocket over TLS')).toBe('WebSocket über TLS');
});
