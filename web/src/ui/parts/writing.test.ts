import { afterEach, expect, test, vi } from 'vitest';
import { firstLine, rewrite, write } from './writing';

afterEach(() => {
  document.body.replaceChildren();
  Reflect.deleteProperty(document, 'execCommand');
});

function field(value: string, from: number, to: number): HTMLTextAreaElement {
  const area = document.createElement('textarea');
  document.body.append(area);
  area.value = value;
  area.setSelectionRange(from, to);
  return area;
}

test('what is written for somebody stands in the place of what is selected, and is heard of', () => {
  const area = field('one two', 4, 7);
  const heard = vi.fn();
  area.addEventListener('input', heard);
  write(area, 'three');
  expect([area.value, area.selectionStart, heard.mock.calls.length]).toEqual(['one three', 9, 1]);
});

test('where the browser writes it, so that it can be undone, nothing else does', () => {
  const done = vi.fn(() => true);
  document.execCommand = done;
  const area = field('one two', 3, 7);
  write(area, '');
  write(area, 'x');
  expect(done.mock.calls).toEqual([['delete', false, ''], ['insertText', false, 'x']]);
  expect(area.value).toBe('one two');
});

test.each([
  ['hello world', '**hello world**', ['insertText', '**hello world**']],
  ['hi :tea', 'hi 🍵 ', ['insertText', '🍵 ']],
  ['al', 'alice: ', ['insertText', 'ice: ']],
  ['**bold** on', 'bold on', ['insertText', 'bold']],
  ['a 🍵 b', 'a 🍶 b', ['insertText', '🍶']],
  ['a 🍵🍵 b', 'a 🍵 b', ['delete', '']],
  ['same', 'same', undefined],
])('%s becomes %s by what differs', (before, after, did) => {
  const done = vi.fn((what: string, _: boolean, words: string) => {
    const [from, to] = [area.selectionStart, area.selectionEnd];
    area.value = area.value.slice(0, from) + (what === 'delete' ? '' : words) + area.value.slice(to);
    return true;
  });
  document.execCommand = done as typeof document.execCommand;
  const area = field(before, 0, 0);
  rewrite(area, after, 1, 2);
  expect([area.value, area.selectionStart, area.selectionEnd]).toEqual([after, 1, 2]);
  expect(done.mock.calls.map(([what, , words]) => [what, words])[0]).toEqual(did);
});

test('of what was typed for a field of one line there is what was before Enter', () => {
  expect([firstLine(''), firstLine('tea'), firstLine('tea\nmore')]).toEqual([
    { words: '', entered: false },
    { words: 'tea', entered: false },
    { words: 'tea', entered: true },
  ]);
});
