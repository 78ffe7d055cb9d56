import { describe, expect, it, vi } from 'vitest';
import { linkTo, pathOfInvite } from '../state/permalink';
import { parse, pathOf } from './route';

describe('paths', () => {
  it.each(['#tea', '#+alice+bob', 'bob', '#tee-küche', '#50%', '#a/b', '#what?', '##double', '#@home', 'ünal'])('lead back to %s', (name) => {
    expect(parse(pathOf(name))).toEqual({ to: 'conversation', name, message: null });
    expect(parse(pathOf(name, '019a-b/c'))).toEqual({ to: 'conversation', name, message: '019a-b/c' });
  });

  it('stay legible', () => {
    expect(pathOf('#tea', '019a')).toBe('/r/tea/019a');
    expect(pathOf('#+alice+bob')).toBe('/r/+alice+bob');
    expect(pathOf('bob')).toBe('/r/@bob');
  });

  it('of a message between two people are the same for both', () => {
    vi.stubGlobal('location', { origin: 'https://parlor.example' });
    expect(linkTo({ kind: 'direct', name: 'bob' }, '019a')).toBe('https://parlor.example/r/@/019a');
    expect(parse('/r/@/019a')).toEqual({ to: 'message', message: '019a' });
    expect(linkTo({ kind: 'room', name: '#tea' }, '019a')).toBe('https://parlor.example/r/tea/019a');
    vi.unstubAllGlobals();
  });

  it('lead to an invitation', () => {
    expect(parse(pathOfInvite('#tea', 'aB-9_'))).toEqual({ to: 'invite', room: '#tea', token: 'aB-9_' });
  });

  it('lead nowhere when they are of no page', () => {
    for (const path of ['/r/%zz', '/r/a b', '/r/@', '/r', '/invite/tea', '/other', '/rooms/x']) {
      expect(parse(path).to, path).toBe('nowhere');
    }
    expect(parse('/').to).toBe('home');
    expect(parse('/search', '?q=a+b')).toEqual({ to: 'search', words: 'a b' });
  });
});
