import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { tick } from 'svelte';
import { expect, it } from 'vitest';
import type { Profile as Changes } from '../../state/types';
import { show } from '../testing';
import Profile from './Profile.svelte';

it('shows what becomes known later, and changes nothing else than what was changed', async () => {
  const changes: Changes[] = [];
  const { chat } = show(Profile, (chat) => {
    chat.me = { ...chat.me, displayName: chat.me.nick, pronouns: null, status: null };
    chat.setProfile = (profile) => {
      changes.push(profile);
      return Promise.resolve();
    };
    return {};
  });
  const field = (name: string) => screen.getByRole<HTMLInputElement>('textbox', { name });
  expect(field('Display name').value).toBe('');
  chat.me = { ...chat.me, displayName: 'Alice Liddell', status: 'reading' };
  await tick();
  expect([field('Display name').value, field('Status').value]).toEqual(['Alice Liddell', 'reading']);
  const user = userEvent.setup();
  await user.type(field('Pronouns'), 'she/her');
  await user.click(screen.getByRole('button', { name: 'Save' }));
  expect(changes).toEqual([{ pronouns: 'she/her' }]);
});
