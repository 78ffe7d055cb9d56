import { more } from '../../texts/more.svelte';

/** The commands that are offered where one writes; what they do is state/commands.ts. */
export function commands(): readonly { readonly name: string; readonly does: string }[] {
  return Object.entries(more.texts.commands).map(([name, does]) => ({ name, does }));
}
