import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { Refused } from '../../state/types';
import { show } from '../testing';
import Invite from './Invite.svelte';

describe('inviting people', () => {
  it('makes a link for as many as was said, and says what is no number of people', async () => {
    const conversation = show(Invite as never, (chat) => ({ conversation: chat.open('#tea'), onclose: () => undefined })).chat.open('#tea');
    const create = (conversation.createInviteLink = vi.fn(conversation.createInviteLink.bind(conversation)));
    const user = userEvent.setup();
    await user.click(await screen.findByRole('button', { name: 'Invite link' }));
    const people = screen.getByLabelText<HTMLInputElement>('People');
    for (const wrong of ['0', '-1', 'abc', '1.5', '100001']) {
      await user.clear(people);
      await user.type(people, `${wrong}{Enter}`);
      expect((await screen.findByRole('alert')).textContent).toBe('Say how many people may use it, 1 to 100,000; or nothing, for any number.');
    }
    expect(create).not.toHaveBeenCalled();
    await user.clear(people);
    await user.type(people, '3{Enter}');
    expect(create).toHaveBeenCalledWith({ duration: '7d', uses: 3 });
  });

  it('tells who was invited, and leaves those who were not: who is not here can be let in for good', async () => {
    const onclose = vi.fn();
    const shown = show(Invite as never, (chat) => ({ conversation: chat.open('#tea'), onclose }));
    const conversation = shown.chat.open('#tea');
    const say = (shown.chat.say = vi.fn());
    const add = (conversation.addToList = vi.fn(async () => undefined));
    conversation.invite = vi.fn(async (nick: string) => {
      if (nick !== 'zoe') throw new Refused(`${nick} is not here, so no invitation would be seen.`, 'NOT_HERE');
    });
    const user = userEvent.setup();
    const field = await screen.findByRole('combobox');
    await user.type(field, 'zelda{Enter}zoe{Enter}');
    await user.click(screen.getByRole('button', { name: 'Invite' }));
    expect((await screen.findByRole('alert')).textContent).toBe('zelda is not here, so no invitation would be seen.');
    expect(say).toHaveBeenCalledWith('Invited: zoe');
    expect(screen.queryByRole('button', { name: 'Remove zoe' })).toBeNull();
    await user.click(screen.getByRole('button', { name: 'Always let zelda in' }));
    expect(add).toHaveBeenCalledWith('invitations', 'a:zelda');
    expect(onclose).toHaveBeenCalled();
  });
});
