import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Refused, type SessionInfo } from '../../state/types';
import { show } from '../testing';
import Entry from './Entry.svelte';

function entry(info: Partial<SessionInfo> = {}, change: (shown: ReturnType<typeof show>) => void = () => undefined) {
  let made: ReturnType<typeof show> | undefined;
  const shown = show(
    Entry as never,
    (chat) => {
      Object.assign(chat.session.info as SessionInfo, info);
      return {};
    },
    { state: 'out' },
  );
  made = shown;
  change(made);
  return { ...shown, user: userEvent.setup() };
}

const tabs = () => screen.queryAllByRole('tab').map((tab) => tab.textContent);

describe('the entry', () => {
  beforeAll(() => {
    window.matchMedia ??= ((query: string) => ({ matches: false, media: query })) as never;
  });

  // Where a link leads cannot be asked.
  beforeEach(() => void vi.stubGlobal('fetch', () => Promise.reject(new TypeError('unreachable'))));
  afterEach(() => void vi.unstubAllGlobals());

  it('offers the ways in that there are', () => {
    entry();
    expect(tabs()).toEqual(['Log in', 'Sign up', 'As a guest']);
    expect(screen.getByRole('heading', { level: 1 }).textContent).toBe('Teahouse');
  });

  it('offers no sign-up without an invitation where one is needed', () => {
    entry({ registration: 'invite', guests: false });
    expect(tabs()).toEqual([]);
    expect(screen.queryByText(/invite link/)).not.toBeNull();
  });

  it('says where an invitation leads by now, or at once that it leads nowhere', async () => {
    const come = (room: string | null) => {
      vi.stubGlobal('fetch', vi.fn(() => Promise.resolve(new Response(JSON.stringify({ room })))));
      const shown = entry({ registration: 'invite', guests: false }, ({ view }) => (view.invitation = { room: '#tea', token: 'inv-a' }));
      return shown;
    };
    const led = come('#pot');
    await screen.findByText('You are invited to #pot');
    expect(fetch).toHaveBeenCalledWith('/session?invite=inv-a', expect.anything());
    expect(tabs()).toEqual(['Log in', 'Sign up']);
    led.unmount();
    const { view } = come(null);
    await screen.findByText('This invite link is used up, too old or not whole; ask for another one.');
    expect([tabs(), view.invitation]).toEqual([[], null]);
    expect(screen.queryByText(/You are invited/)).toBeNull();
  });

  it('says what was wrong, and asks for the password again', async () => {
    const { user } = entry();
    await user.type(screen.getByLabelText('Username'), 'ada');
    const password = screen.getByLabelText<HTMLInputElement>('Password');
    await user.type(password, 'wrong{Enter}');
    expect((await screen.findByRole('alert')).textContent).toBe('The username or the password is wrong.');
    expect([password.value, document.activeElement]).toEqual(['', password]);
  });

  it('keeps the password where there was no link', async () => {
    const { chat, user } = entry();
    chat.session.logIn = vi.fn(() => Promise.reject(new Refused('There is no connection.', 'NO_LINK')));
    await user.type(screen.getByLabelText('Username'), 'ada');
    const password = screen.getByLabelText<HTMLInputElement>('Password');
    await user.type(password, 'right{Enter}');
    await screen.findByRole('alert');
    expect(password.value).toBe('right');
  });

  it('tries again by itself where the server does not answer', async () => {
    const { chat } = entry({}, ({ chat }) => (chat.session.state = 'unreachable'));
    chat.session.retry = vi.fn(() => Promise.resolve());
    await screen.findByText(/does not answer/);
    window.dispatchEvent(new Event('online'));
    expect(chat.session.retry).toHaveBeenCalledTimes(1);
    await vi.waitFor(() => expect(chat.session.retry).toHaveBeenCalledTimes(2), 3_000);
  });

  it('leads whoever signs up to the field that is to be mended, with the sentence', async () => {
    for (const [code, label] of [
      ['ACCOUNT_EXISTS', 'Username'],
      ['WEAK_PASSWORD', 'Password'],
    ] as const) {
      const { chat, user, unmount } = entry();
      let refuse: (error: Error) => void = () => undefined;
      chat.session.register = () => new Promise((_, reject) => (refuse = reject));
      await user.click(screen.getByRole('tab', { name: 'Sign up' }));
      await user.type(screen.getByLabelText('Username'), 'ada');
      await user.type(screen.getByLabelText('Password'), 'a long one');
      const button = screen.getByRole('button', { name: 'Create account' });
      await user.click(button);
      expect([document.activeElement, button.textContent?.trim()]).toEqual([button, 'One moment…']);
      refuse(new Refused('Choose another one.', code));
      const alert = await screen.findByRole('alert');
      const field = screen.getByLabelText<HTMLInputElement>(label);
      await vi.waitFor(() => expect(document.activeElement).toBe(field));
      expect([alert.textContent, field.getAttribute('aria-invalid'), field.getAttribute('aria-describedby')?.split(' ')[0]]).toEqual(['Choose another one.', 'true', alert.id]);
      expect(screen.getByLabelText<HTMLInputElement>('Password').value).toBe('a long one');
      unmount();
    }
  });

  it('lets the guest mend the name that could not be hers', async () => {
    show(Entry as never, (chat) => (Object.assign(chat.session, { sentence: 'The name ada is taken.', wanted: 'ada' }), {}), { state: 'out' });
    const field = screen.getByLabelText<HTMLInputElement>('What shall others call you?');
    expect([field.value, document.activeElement, screen.getByRole('alert').textContent]).toEqual(['ada', field, 'The name ada is taken.']);
    expect(screen.getByRole('tab', { selected: true }).textContent).toBe('As a guest');
    expect(screen.queryByRole('status')).toBeNull();
  });

  it('signs up, with the invitation and the address where they are needed', async () => {
    const { chat, view, user } = entry({ registration: 'invite', emailRequired: true }, ({ view }) => (view.invitation = { room: '#tea', token: 'abc' }));
    chat.session.register = vi.fn(() => Promise.resolve());
    await screen.findByText('You are invited to #tea');
    await user.type(screen.getByLabelText('Username'), 'ada');
    await user.type(screen.getByLabelText('Password'), 'a long one');
    await user.type(screen.getByLabelText('E-mail address'), 'ada@example.org{Enter}');
    expect(chat.session.register).toHaveBeenCalledWith('ada', 'a long one', { invite: 'abc', email: 'ada@example.org' });
    expect(view.invitation?.token).toBe('abc');
  });

  it('asks for no password where none may be sent', () => {
    entry({ passwordLogin: false });
    expect(tabs()).toEqual([]);
    expect(screen.queryByLabelText('Password')).toBeNull();
    expect(screen.queryByLabelText('What shall others call you?')).not.toBeNull();
  });

  it('leads to the encrypted page, where there is one, with the invitation', async () => {
    entry({ passwordLogin: false, securePage: 'https://192.168.1.5:8443/' }, ({ view }) => (view.invitation = { room: '#tea', token: 'abc' }));
    await screen.findByText('You are invited to #tea');
    expect(screen.getByRole('link', { name: 'Log in or sign up on the encrypted page' }).getAttribute('href')).toBe('https://192.168.1.5:8443/invite/tea/abc');
    expect(screen.queryByLabelText('What shall others call you?')).not.toBeNull();
  });

  it('tells who is not let in why', () => {
    entry({ banned: 'spam' });
    expect(screen.queryByText('You are not let in any more: spam')).not.toBeNull();
    expect(screen.queryByRole('textbox')).toBeNull();
  });
});
