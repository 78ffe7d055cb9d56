// Keys on a message that were pressed before there was what deals with them (hand.svelte.ts): each when the one before it is done,
// as that may have opened what it is for.

import { tick } from 'svelte';
import { isText } from '../keys';
import { write, type Field } from '../parts/writing';
import type { View } from '../view.svelte';

let done = Promise.resolve();
let waiting = 0;
/** What had the focus when the first of them is dealt with. */
let from: Element | null = null;

export function pressedBefore(event: KeyboardEvent, view: View, act: () => void): void {
  if (waiting === 0) from = document.activeElement;
  waiting += 1;
  done = done.then(async () => {
    const at = document.activeElement;
    if (view.keyAhead(event)) {
      // It was for what is on its way.
    } else if (at !== from && isText(at)) {
      if (event.key.length === 1) write(at as Field, event.key);
    } else act();
    await tick();
    waiting -= 1;
  });
}
