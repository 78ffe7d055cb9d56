import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { show } from '../testing';
import OwnMenu from './OwnMenu.svelte';

describe('one’s own menu', () => {
  it('asks whoever logs out with messages that are not sent', async () => {
    for (const [unsent, notSent, asks] of [
      [0, 0, false],
      [2, 0, true],
      [0, 2, true],
      [1, 1, true],
    ] as const) {
      const { chat, view, unmount } = show(OwnMenu as never, () => ({ kind: 'mine', anchor: document.body, onclose: () => undefined }));
      Object.assign(chat.link, { unsent, notSent });
      chat.session.logOut = vi.fn(() => Promise.resolve());
      await userEvent.setup().click(await screen.findByRole('menuitem', { name: 'Log out' }));
      expect(chat.session.logOut).toHaveBeenCalledTimes(asks ? 0 : 1);
      const { dialog } = view;
      expect(dialog?.kind === 'confirm' && dialog.text).toBe(asks && '2 messages are not sent; they would be lost.');
      if (dialog?.kind === 'confirm') await dialog.run();
      expect(chat.session.logOut).toHaveBeenCalledTimes(1);
      unmount();
    }
  });
});
