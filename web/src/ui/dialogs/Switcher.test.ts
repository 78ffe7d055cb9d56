import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { show } from '../testing';
import Switcher from './Switcher.svelte';

it('leads to whoever is called so, where nobody in the list is', async () => {
  const { view } = show(Switcher as never, () => ({ onclose: () => undefined }));
  const go = (view.go = vi.fn());
  const user = userEvent.setup();
  const field = await screen.findByRole('combobox');
  await user.type(field, '@zelda7');
  await user.click(await screen.findByRole('option', { name: 'Message zelda7' }));
  expect(go).toHaveBeenCalledWith('zelda7');
  await user.clear(field);
  await user.type(field, '@no/name');
  expect(screen.queryByRole('option', { name: /^Message/ })).toBeNull();
});

it('has whom one means before a room whose name only has the letters, here or not', async () => {
  show(Switcher as never, (chat) => {
    const tea = chat.conversations.find((conversation) => conversation.name === '#tea');
    const sam = tea?.members.find((member) => member.person.nick === 'sam');
    if (!tea || !sam) throw new Error('no sam in #tea');
    for (const other of chat.conversations) other.members = other.members.filter((member) => member !== sam && member.person.nick !== 'sam');
    tea.absentMembers = [sam];
    // All letters of "sam" in their order.
    tea.title = 'steam';
    return { onclose: () => undefined };
  });
  const user = userEvent.setup();
  await user.type(await screen.findByRole('combobox'), 'sam');
  const options = screen.getAllByRole('option').map((option) => option.textContent ?? '');
  expect(options.findIndex((text) => text.includes('Sam') || text.includes('sam'))).toBe(0);
  expect(options.some((text) => text.includes('steam'))).toBe(true);
});
