// The texts of the wire by layer, which few look at: apart from all others.
import { later } from './later.svelte';

export const wire = await later(async (tag) => (tag === 'de' ? (await import('./de/wire')).wire : (await import('./en/wire')).wire));
