import { screen } from '@testing-library/svelte';
import { tick } from 'svelte';
import { expect, it } from 'vitest';
import { show } from '../testing';
import SidebarItem from './SidebarItem.svelte';

it.each([
  { muted: false, unread: 0, mentions: 0, number: '', aloud: '' },
  { muted: false, unread: 3, mentions: 0, number: '3', aloud: ', 3 unread messages' },
  { muted: false, unread: 3, mentions: 2, number: '2', aloud: ', 2 mentions, 3 unread messages' },
  // A muted room's number is that of mentions alone; how much is unread is said all the same.
  { muted: true, unread: 3, mentions: 0, number: '', aloud: ', 3 unread messages, muted' },
  { muted: true, unread: 3, mentions: 2, number: '2', aloud: ', 2 mentions, 3 unread messages, muted' },
])('shows what waits: muted $muted, $unread unread, $mentions mentions', async ({ muted, unread, mentions, number, aloud }) => {
  const { chat, container } = show(SidebarItem, (chat) => {
    const conversation = chat.conversations.find(({ name, key }) => name.startsWith('#') && key !== chat.current?.key);
    if (!conversation) throw new Error('no room');
    return { conversation: Object.assign(conversation, { muted, unread, mentions, unreadIsMore: false, draft: '' }), onmenu: () => undefined };
  });
  await tick();
  expect(chat.current).toBeNull();
  const link = screen.getByRole('link');
  expect(link.querySelector('.unseen')?.textContent ?? '').toBe(aloud);
  const badge = link.querySelector(':scope > span[aria-hidden="true"]');
  expect(badge?.textContent?.trim() ?? '').toBe(number);
  expect(badge?.classList.contains('mention') ?? false).toBe(mentions > 0);
  // Nothing makes a muted room stand out.
  expect(container.querySelector('.item')?.classList.contains('unread')).toBe(!muted && unread > 0);
});
