import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import type { Person } from '../../state/types';
import { show } from '../testing';
import PeoplePicker from './PeoplePicker.svelte';

function picker(without: readonly string[] = []) {
  const onchange = vi.fn<(people: readonly Person[]) => void>();
  show(PeoplePicker as never, () => ({ chosen: [], max: 9, without: new Set(without), onchange, onsubmit: () => undefined }));
  return { onchange, field: screen.getByRole('combobox'), user: userEvent.setup() };
}

describe('choosing people', () => {
  it('takes a name that nobody in the list has, by pointer and with Enter', async () => {
    const { field, onchange, user } = picker();
    await user.type(field, '@zelda7');
    const row = await screen.findByRole('option', { name: 'Take the name as it is: zelda7' });
    await user.click(row);
    expect(onchange.mock.lastCall?.[0].map(({ nick }) => nick)).toEqual(['zelda7']);
    await user.type(field, 'zoe{Enter}');
    expect(onchange.mock.lastCall?.[0].map(({ nick }) => nick)).toEqual(['zoe']);
  });

  it('says that nobody is called so where it can be no name, and that somebody is a member', async () => {
    const { field, onchange, user } = picker(['mara']);
    await user.type(field, 'no body at all{Enter}');
    expect(screen.getByRole('option').textContent).toBe('Nobody of this name');
    await user.clear(field);
    await user.type(field, 'Mara{Enter}');
    expect(screen.getByRole('option').textContent).toBe('Mara is a member already.');
    expect(onchange).not.toHaveBeenCalled();
  });
});
