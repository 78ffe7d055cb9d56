import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { show } from '../testing';
import { confirmLeave } from './conversation_menu';
import Dialogs from './Dialogs.svelte';

describe('leaving a room', () => {
  const texts = { alone: /^Nobody else runs this room/, not: 'You can come back at any time.' };

  it('warns who alone runs it, and leads to where she can give a role first', async () => {
    const { chat, view } = show(Dialogs as never, () => ({}));
    const tea = chat.open('#tea');
    tea.members = tea.members.map((member) => (member.person.isMe ? member : { ...member, rank: 'voice' }));
    tea.leave = vi.fn(async () => undefined);
    confirmLeave(view, tea);
    await screen.findByText(texts.alone);
    await userEvent.setup().click(screen.getByRole('button', { name: 'Give somebody a role first' }));
    expect([view.dialog, view.panel]).toEqual([null, { kind: 'members' }]);
    expect(tea.leave).not.toHaveBeenCalled();
  });

  it('does not where somebody else runs it, or one does not', async () => {
    const { chat, view } = show(Dialogs as never, () => ({}));
    const tea = chat.open('#tea');
    const [me, other, ...others] = tea.members.toSorted((one, two) => Number(two.person.isMe) - Number(one.person.isMe)).map((member) => ({ ...member, rank: null }));
    if (!me || !other) throw new Error('nobody is there');
    tea.members = [me, ...others];
    tea.absentMembers = [{ ...other, rank: 'operator' }];
    confirmLeave(view, tea);
    expect((await screen.findByRole('dialog')).textContent).toContain(texts.not);
    tea.rank = null;
    tea.absentMembers = [];
    confirmLeave(view, tea);
    expect(view.dialog?.kind === 'confirm' && [view.dialog.text, view.dialog.instead]).toEqual([texts.not, undefined]);
  });
});
