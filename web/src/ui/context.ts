import { getContext, setContext } from 'svelte';
import type { Chat } from '../state/types';
import type { View } from './view.svelte';

const chatKey = Symbol('chat');
const viewKey = Symbol('view');

export function provide(chat: Chat, view: View): void {
  setContext(chatKey, chat);
  setContext(viewKey, view);
}

export const useChat = (): Chat => getContext<Chat>(chatKey);
export const useView = (): View => getContext<View>(viewKey);
