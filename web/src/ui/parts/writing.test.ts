import { afterEach, expect, test, vi } from 'vitest';
import { firstLine, write } from './writing';

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

test('of what was typed for a field of one line there is what was before Enter', () => {
  expect([firstLine(''), firstLine('tea'), firstLine('tea\nmore')]).toEqual([
    { words: '', entered: false },
    { words: 'tea', entered: false },
    { words: 'tea', entered: true },
  ]);
});
