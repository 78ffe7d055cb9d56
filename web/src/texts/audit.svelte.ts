// The texts of the audit, with those of a room's modes.
import { later } from './later.svelte';

export const audit = await later(async (tag) => {
  const [audit, modes] = await Promise.all(tag === 'de' ? [import('./de/audit'), import('./de/modes')] : [import('./en/audit'), import('./en/modes')]);
  return { ...audit.audit, modes: modes.modes };
});
