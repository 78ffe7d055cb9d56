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
