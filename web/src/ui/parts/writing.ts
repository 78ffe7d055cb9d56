// What is written for somebody, as if she had typed it: undo takes it back, and whoever listens hears of it.

export type Field = HTMLInputElement | HTMLTextAreaElement;

/** In the place of what is selected. */
export function write(field: Field, words: string): void {
  if (!words && field.selectionStart === field.selectionEnd) return;
  field.focus();
  // The only way that browsers keep in what they undo; where there is none it is written all the same.
  if (document.execCommand?.(words ? 'insertText' : 'delete', false, words)) return;
  field.setRangeText(words, field.selectionStart ?? 0, field.selectionEnd ?? 0, 'end');
  field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertText', data: words }));
}

/** Makes another text of it, by writing what differs; then this is selected. */
export function rewrite(field: Field, text: string, from: number, to: number): void {
  const before = field.value;
  const most = Math.min(before.length, text.length);
  let start = 0;
  while (start < most && before[start] === text[start]) start += 1;
  let rest = 0;
  while (rest < most - start && before.at(-1 - rest) === text.at(-1 - rest)) rest += 1;
  // Signs of two units stay whole.
  if (start > 0 && isIn(before[start - 1], 0xd800)) start -= 1;
  if (rest > 0 && isIn(before.at(-rest), 0xdc00)) rest -= 1;
  field.setSelectionRange(start, before.length - rest);
  write(field, text.slice(start, text.length - rest));
  field.setSelectionRange(from, to);
}

const isIn = (unit = '', surrogates: number): boolean => (unit.charCodeAt(0) & 0xfc00) === surrogates;

/** What was typed for a field of one line, and whether with Enter. */
export function firstLine(typed: string): { words: string; entered: boolean } {
  const [words = ''] = typed.split('\n');
  return { words, entered: typed.includes('\n') };
}
