import { screen } from '@testing-library/svelte';
import { expect, it } from 'vitest';
import { show } from '../testing';
import PersonPanel from './PersonPanel.svelte';

it('says once what somebody is called', async () => {
  show(PersonPanel as never, (chat) => {
    Object.assign(chat.me, { displayName: 'alice', nick: 'alice', account: 'alice' });
    return { conversation: chat.open('#tea'), nick: 'alice' };
  });
  const name = await screen.findByRole('heading', { name: 'alice' });
  expect(name.parentElement?.querySelector('.nick')?.textContent ?? '').not.toContain('alice');
  expect(screen.queryByText('Account')).toBeNull();
});
