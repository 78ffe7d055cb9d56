// The texts of what is loaded when it is opened.
import { later } from './later.svelte';

export const more = await later(async (tag) => (tag === 'de' ? (await import('./de/more')).more : (await import('./en/more')).more));
