import { describe, expect, it } from 'vitest';
import { en } from '../../texts/en';
import { more } from '../../texts/en/more';
import { FixtureChat, reader } from '../fixture/chat.svelte';
import { View } from '../view.svelte';
import { actionsOf, whyNotKey } from './actions';

function names(change: (chat: FixtureChat) => void = () => undefined, which = (entry: { own: boolean }) => !entry.own) {
  const chat = new FixtureChat();
  change(chat);
  const conversation = chat.open('#tea');
  const message = conversation.entries.findLast((entry) => entry.kind === 'message' && which(entry));
  if (message?.kind !== 'message') throw new Error('no message');
  return actionsOf(message, { chat, view: new View(chat), conversation, w: en.ui, pick: () => undefined }).map((action) => action.name);
}

describe('what can be done with a message', () => {
  it('is what one may', () => {
    expect(names()).toEqual(['react', 'reply', 'thread', 'copy', 'link', 'pin', 'wire', 'report', 'delete']);
    expect(names(undefined, (entry) => entry.own)).toEqual(['react', 'reply', 'thread', 'edit', 'copy', 'link', 'pin', 'wire', 'delete']);
  });

  it('is less for whoever has no role, and for whoever may only read', () => {
    expect(names((chat) => (chat.open('#tea').rights = reader))).toEqual(['react', 'reply', 'thread', 'copy', 'link', 'wire', 'report']);
    expect(names((chat) => (chat.open('#tea').rights = { ...reader, speak: false }))).toEqual(['thread', 'copy', 'link', 'wire', 'report']);
  });

  it('is less where the server can do less', () => {
    expect(names((chat) => Object.assign(chat.can, { react: false, pins: false, reports: false }))).toEqual(['reply', 'thread', 'copy', 'link', 'wire', 'delete']);
  });

  it('is said no to in words, where a key of the sheet does nothing', () => {
    const chat = new FixtureChat();
    const conversation = chat.open('#tea');
    conversation.rights = reader;
    const message = conversation.entries.findLast((entry) => entry.kind === 'message' && !entry.own && !entry.deleted && entry.status === 'sent');
    if (message?.kind !== 'message') throw new Error('no message');
    const why = (key: string, rights = reader) => whyNotKey(key, message, { ...conversation, rights } as typeof conversation);
    expect([why('p'), why('e'), why('Delete'), why('x')]).toEqual([more.mayNot.pin, more.mayNot.editOther, more.mayNot.deleteOther, null]);
    expect(why('r', { ...reader, speak: false, whyNot: 'Nobody may.' })).toBe('Nobody may.');
  });

  it('of a deleted message is nearly nothing', () => {
    expect(names(undefined, (entry) => 'deleted' in entry && entry.deleted !== null)).toEqual(['thread', 'link']);
  });

  it('of one that was refused is to try again, or to let it go', () => {
    const chat = new FixtureChat({ link: 'offline' });
    const conversation = chat.open('#tea');
    const context = { chat, view: new View(chat), conversation, w: en.ui, pick: () => undefined };
    const [pending, failed] = conversation.entries.slice(-2).map((entry) => (entry.kind === 'message' ? actionsOf(entry, context).map((action) => action.name) : []));
    expect([pending, failed]).toEqual([[], ['retry', 'copy', 'discard']]);
  });

  it('has each key once', () => {
    const chat = new FixtureChat();
    const conversation = chat.open('#tea');
    for (const entry of conversation.entries) {
      if (entry.kind !== 'message') continue;
      const keys = actionsOf(entry, { chat, view: new View(chat), conversation, w: en.ui, pick: () => undefined }).flatMap((action) => action.key ?? []);
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  it('has its keys on the sheet', () => {
    const chat = new FixtureChat({ link: 'offline' });
    const conversation = chat.open('#tea');
    const context = { chat, view: new View(chat), conversation, w: en.ui, pick: () => undefined };
    const keys = new Set(conversation.entries.flatMap((entry) => (entry.kind === 'message' ? actionsOf(entry, context) : [])).map((action) => action.key?.toLowerCase()));
    keys.delete(undefined);
    expect(keys.size).toBeGreaterThan(6);
    const onSheet = more.keys('Ctrl', 'Alt', true).at(-1)?.keys.map(([key]) => key.toLowerCase());
    expect(onSheet).toEqual(expect.arrayContaining([...keys]));
  });
});
