// What acts on messages, and what completes where one writes (hand.svelte.ts).

export { actionsOf } from './actions';
export * as completion from './completion';
export { default as Hint } from './Hint.svelte';
export { default as MessageMenus } from './MessageMenus.svelte';
export { default as MessageTools } from './MessageTools.svelte';
export { rewrite } from '../parts/writing';
export { pressedBefore } from './pressed_before';
