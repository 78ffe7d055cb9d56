// Keys, as they are named on the keyboard that is there.

const apple = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.platform);

/** The one that commands have, as the keyboard of this language names it. */
export const modKey = (control: string): string => (apple ? '⌘' : control);
export const altKey = apple ? '⌥' : 'Alt';

/** The one that commands have: Command on a Mac, Control elsewhere. */
export function withMod(event: KeyboardEvent): boolean {
  return apple ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
}

/** Keys go into a text there. */
export function isText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select'));
}
