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

/** What was typed for a field of one line, and whether with Enter. */
export function firstLine(typed: string): { words: string; entered: boolean } {
  const [words = ''] = typed.split('\n');
  return { words, entered: typed.includes('\n') };
}
