import { screen } from '@testing-library/svelte';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { show } from '../testing';
import Composer from './Composer.svelte';

function composer() {
  const shown = show(Composer, (chat) => ({ conversation: chat.open('#tea') }));
  const room = shown.chat.open('#tea');
  const field = screen.getByRole<HTMLTextAreaElement>('textbox');
  return { ...shown, room, field, user: userEvent.setup() };
}

describe('the composer', () => {
  it('sends with Enter, and begins a line with Shift-Enter', async () => {
    const { room, field, user } = composer();
    await user.type(field, 'one{Shift>}{Enter}{/Shift}two{Enter}');
    expect(room.sent).toEqual(['one\ntwo']);
    expect(field.value).toBe('');
  });

  it('begins a line with Enter within a block of code, and sends with Ctrl-Enter', async () => {
    const { room, field, user } = composer();
    await user.type(field, '```{Enter}let x;{Control>}{Enter}{/Control}');
    expect(room.sent).toEqual(['```\nlet x;']);
  });

  it('sends with Enter what has backticks within a line, and goes on in a block that begins with a line', async () => {
    const { field, room, user } = composer();
    await user.type(field, 'use ``` for code{Enter}');
    expect(room.sent).toEqual(['use ``` for code']);
    await user.type(field, 'so{Shift>}{Enter}{/Shift}```ts{Enter}let x;{Enter}```{Enter}');
    expect(room.sent[1]).toBe('so\n```ts\nlet x;\n```');
  });

  it('begins a line with Enter where one wishes that', async () => {
    const { room, field, chat, user } = composer();
    chat.preferences.enterSends = false;
    await user.type(field, 'a{Enter}b');
    expect(room.sent).toEqual([]);
    expect(field.value).toBe('a\nb');
  });

  it('says nothing when there is nothing to say', async () => {
    const { room, field, user } = composer();
    await user.type(field, '   {Enter}');
    expect(room.sent).toEqual([]);
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Send' }).disabled).toBe(true);
  });

  it('keeps the draft with the conversation', async () => {
    const { room, field, user } = composer();
    await user.type(field, 'not yet');
    expect(room.draft).toBe('not yet');
  });

  it('gives back what was refused', async () => {
    const { room, field, chat, user } = composer();
    room.send = () => Promise.reject(new Error('You may not write here.'));
    await user.type(field, 'hello{Enter}');
    expect(field.value).toBe('hello');
    expect(chat.notices.map((notice) => notice.sentence)).toEqual(['You may not write here.']);
  });

  it('edits the last message of one’s own with Up, and keeps the draft out of it', async () => {
    const { room, field, view, user } = composer();
    await user.click(field);
    await user.keyboard('{ArrowUp}');
    expect(field.value).toBe('And yes, bring your own cup.');
    await user.keyboard(' Two!{Enter}');
    const edited = room.entries.findLast((entry) => entry.kind === 'message' && entry.own);
    expect(edited).toMatchObject({ text: 'And yes, bring your own cup. Two!', edited: true });
    expect([view.editing, field.value]).toEqual([null, '']);
  });

  it('leaves the edit with Escape, and has the draft again', async () => {
    const { room, field, view, user } = composer();
    await user.type(field, 'draft');
    view.editing = room.entries.findLast((entry) => entry.kind === 'message' && entry.own) as never;
    await user.keyboard('{Escape}');
    expect([view.editing, field.value]).toEqual([null, 'draft']);
  });

  it('has what is written behind an edit as something new, before the edit is answered', async () => {
    const { room, field, user } = composer();
    let answer: () => void = () => undefined;
    room.edit = () => new Promise((resolve) => (answer = resolve));
    await user.click(field);
    await user.keyboard('{ArrowUp} Two!{Enter}something new');
    answer();
    await Promise.resolve();
    expect([field.value, room.draft]).toEqual(['something new', 'something new']);
  });

  it('gives an edit back that was refused, at once or when one edits again', async () => {
    for (const meanwhile of ['', 'something new']) {
      const { room, field, view, user, unmount } = composer();
      let refuse: (error: Error) => void = () => undefined;
      room.edit = () => new Promise((_, reject) => (refuse = reject));
      await user.click(field);
      await user.keyboard(`{ArrowUp} Two!{Enter}${meanwhile}`);
      refuse(new Error('Too late.'));
      await vi.waitFor(() => expect(view.editing !== null).toBe(meanwhile === ''));
      expect(field.value).toBe(meanwhile || 'And yes, bring your own cup. Two!');
      if (meanwhile) {
        await user.clear(field);
        await user.keyboard('{ArrowUp}');
        expect(field.value).toBe('And yes, bring your own cup. Two!');
      }
      unmount();
    }
  });

  it('leaves the edit of what is deleted meanwhile, and keeps what was written', async () => {
    const { room, field, chat, view, user } = composer();
    await user.click(field);
    await user.keyboard('{ArrowUp} Two!');
    if (view.editing) await room.delete(view.editing as never);
    await vi.waitFor(() => expect(view.editing).toBe(null));
    expect(field.value).toBe('And yes, bring your own cup. Two!');
    expect(chat.notices.map((notice) => notice.sentence)).toEqual(['The message that you were editing was deleted.']);
  });

  it('asks before an edit that leaves nothing deletes the message', async () => {
    const { field, view, user } = composer();
    await user.click(field);
    await user.keyboard('{ArrowUp}');
    await user.clear(field);
    await user.keyboard('{Enter}');
    expect(view.dialog?.kind).toBe('delete');
  });

  it('answers the message that one replies to, once', async () => {
    const { room, field, user } = composer();
    const first = room.entries.find((entry) => entry.kind === 'message');
    if (first?.kind !== 'message') throw new Error('no message');
    room.replyingTo = first;
    await user.type(field, 'yes{Enter}no{Enter}');
    const said = room.entries.slice(-2).map((entry) => entry.kind === 'message' && entry.replyTo);
    expect(said).toEqual([first.id, null]);
  });

  it('completes a person, a room and a command', async () => {
    const { field, user } = composer();
    await user.type(field, 'hi @yu');
    expect(screen.getAllByRole('option').map((option) => option.textContent)).toEqual([expect.stringContaining('Yuki')]);
    await user.keyboard('{Enter}');
    expect(field.value).toBe('hi @yuki ');
    await user.type(field, 'in #kit{Enter}');
    expect(field.value).toBe('hi @yuki in #kitchen ');
    await user.clear(field);
    await user.type(field, '/to');
    await screen.findByRole('option', { name: /topic/ });
    await user.keyboard('{Tab}');
    expect(field.value).toBe('/topic ');
  });

  it('makes an emoji of a shortcode when it is complete, but not in code', async () => {
    const { room, field, user } = composer();
    await user.type(field, 'I :heart: it');
    await vi.waitFor(() => expect(field.value).toBe('I ❤️ it'));
    await user.type(field, ' :+1:{Enter}');
    await vi.waitFor(() => expect(room.sent).toEqual(['I ❤️ it 👍']));
    await user.type(field, '`:heart:` :nothing:{Enter}');
    await vi.waitFor(() => expect(room.sent.at(-1)).toBe('`:heart:` :nothing:'));
  });

  it('makes a name of its beginning with Tab, and lets Tab go on otherwise', async () => {
    const { field, user } = composer();
    await user.type(field, 'pri{Tab}');
    expect(field.value).toBe('priya: ');
    await user.keyboard('{Tab}');
    expect(document.activeElement).not.toBe(field);
  });

  it('sends nothing of which nothing would be seen', async () => {
    const { room, field, user } = composer();
    await user.type(field, '\u200b\u202e \u2800{Enter}');
    expect([room.sent, screen.getByRole<HTMLButtonElement>('button', { name: 'Send' }).disabled]).toEqual([[], true]);
    await user.type(field, '🍵{Enter}');
    expect(room.sent).toEqual(['\u200b\u202e \u2800🍵']);
  });

  it('says when a message is too long before it is sent', async () => {
    const { room, field, chat, user } = composer();
    Object.assign(chat.can, { messageBytes: 10 });
    await user.type(field, 'äöüäöü{Enter}');
    expect(screen.getByRole('status').textContent).toContain('2 bytes');
    expect(room.sent).toEqual([]);
  });

  it('says what is too long for one message in several, if one wishes that', async () => {
    const { room, field, chat, user } = composer();
    Object.assign(chat.can, { messageLines: 2 });
    await user.type(field, 'one{Shift>}{Enter}{/Shift}two{Shift>}{Enter}{/Shift}/three');
    await user.click(await screen.findByRole('button', { name: 'Send as 2 messages' }));
    expect(room.sent).toEqual(['one\ntwo', '//three']);
    expect(field.value).toBe('');
  });

  it('leaves the focus where one writes when the button is pressed: on a phone its keyboard would go', async () => {
    const { room, field, user } = composer();
    await user.type(field, 'hello');
    await user.click(screen.getByRole('button', { name: 'Send' }));
    expect(room.sent).toEqual(['hello']);
    expect(document.activeElement).toBe(field);
  });
});
