// The texts of what comes right behind what is to be seen first: who writes, how the link is.
import { later } from './later.svelte';

export const soon = await later(async (tag) => (tag === 'de' ? (await import('./de/soon')).soon : (await import('./en/soon')).soon));
