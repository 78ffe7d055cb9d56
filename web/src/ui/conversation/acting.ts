// What acts on messages (hand.svelte.ts).

export { actionsOf } from './actions';
export { default as MessageMenus } from './MessageMenus.svelte';
export { default as MessageTools } from './MessageTools.svelte';
