import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { Refused } from '../../state/types';
import { show } from '../testing';
import Join from './Join.svelte';

it('offers whoever is not let in to ask, and to look elsewhere', async () => {
  const { chat, view } = show(Join as never, (chat) => {
    const conversation = chat.open('#tea');
    conversation.membership = 'out';
    conversation.joinRefusal = new Refused('#tea is by invitation only; ask someone inside to invite you.', '473');
    conversation.knock = vi.fn(() => Promise.resolve());
    return { conversation, alone: true };
  });
  expect((await screen.findByRole('alert')).textContent).toBe('#tea is by invitation only; ask someone inside to invite you.');
  const user = userEvent.setup();
  await user.click(screen.getByRole('button', { name: 'Ask to be let in' }));
  expect(chat.open('#tea').knock).toHaveBeenCalledOnce();
  await user.click(screen.getByRole('button', { name: 'Browse rooms' }));
  expect(view.dialog?.kind).toBe('rooms');
});

it('says that a room may be new, and asks for no invitation there', async () => {
  show(Join as never, (chat) => {
    const conversation = chat.open('#tea');
    conversation.membership = 'out';
    conversation.joinRefusal = null;
    return { conversation, alone: true };
  });
  expect(await screen.findByText('If there is no room of this name, joining makes it.')).toBeTruthy();
  expect(screen.queryByRole('button', { name: 'Ask to be let in' })).toBeNull();
});
