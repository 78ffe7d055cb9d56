import { screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, it } from 'vitest';
import { show } from '../testing';
import Header from './Header.svelte';

it('counts on a narrow screen what is meant for one elsewhere, each once', async () => {
  const { chat, view } = show(Header, (chat) => ({ conversation: chat.open('#tea') }));
  for (const conversation of chat.conversations) Object.assign(conversation, { unread: 0, mentions: 0, muted: false });
  const direct = chat.conversations.find((conversation) => conversation.kind === 'direct');
  Object.assign(direct ?? {}, { unread: 2, mentions: 2 });
  view.narrow = true;
  await tick();
  expect(screen.getByRole('button', { name: /^Back to the list/ }).getAttribute('aria-label')).toBe('Back to the list, 2 unread messages');
});

it('says how many are in a room once that is known: without a link nobody is not there', async () => {
  const { chat } = show(Header, (chat) => ({ conversation: chat.open('#tea') }));
  expect(screen.getByRole('button', { name: /^\d+ members$/ })).toBeTruthy();
  Object.assign(chat.conversations.find((conversation) => conversation.name === '#tea') ?? {}, { members: [] });
  await tick();
  expect(screen.queryByRole('button', { name: /members?$/ })).toBeNull();
});
