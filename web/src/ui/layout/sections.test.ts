import { describe, expect, it } from 'vitest';
import { FixtureChat } from '../fixture/chat.svelte';
import { neighbour } from './neighbour';
import { sections } from './sections';

describe('the list', () => {
  it('has favourites, rooms by name, groups and people, what is muted last', () => {
    const chat = new FixtureChat();
    const shown = sections(chat.conversations).map((section) => [section.name, section.conversations.map((one) => one.name)]);
    expect(shown).toEqual([
      ['favourites', ['#tea']],
      ['rooms', ['#a-room-with-a-really-long-name-that-does-not-fit', '#announcements', '#design-review', '#kitchen', '#rust']],
      ['groups', ['#+alice+mara+jonas']],
      ['people', ['mara', 'tobias', 'yuki']],
    ]);
  });

  it('is walked in its order, round at the ends', () => {
    const chat = new FixtureChat();
    expect(neighbour(chat.conversations, chat.find('#tea'), 1)?.name).toBe('#a-room-with-a-really-long-name-that-does-not-fit');
    expect(neighbour(chat.conversations, chat.find('#tea'), -1)?.name).toBe('yuki');
    expect(neighbour(chat.conversations, null, 1)?.name).toBe('#tea');
  });

  it('goes to what waits: unread, but what is muted only when one is mentioned', () => {
    const chat = new FixtureChat();
    const walk = ['#design-review', '#kitchen', 'mara', '#design-review'];
    let at = chat.find('#tea');
    for (const name of walk) {
      at = neighbour(chat.conversations, at, 1, true) as typeof at;
      expect(at?.name).toBe(name);
    }
    for (const one of chat.conversations) one.markRead();
    expect(neighbour(chat.conversations, chat.find('#tea'), 1, true)).toBeNull();
  });
});
