import type { Texts } from '../../texts/en';

/** The commands that are offered where one writes; what they do is state/commands.ts. */
export function commands(w: Texts['ui']): readonly { readonly name: string; readonly does: string }[] {
  return Object.entries(w.commands).map(([name, does]) => ({ name, does }));
}
