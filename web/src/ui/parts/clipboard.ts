/**
 * Copies a text; whether the browser let it. Where the page comes without encryption (the page of a LAN) browsers have no clipboard for scripts, but still
 * the command that copies what is selected.
 */
export async function copyText(text: string): Promise<boolean> {
  if (isSecureContext) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.className = 'unseen';
  field.value = text;
  // Within what is open: elsewhere nothing can have the focus while a dialog is.
  (document.querySelector('dialog[open]') ?? document.body).append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  return copied;
}
