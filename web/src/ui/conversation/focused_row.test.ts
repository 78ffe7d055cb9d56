import { tick } from 'svelte';
import { afterEach, expect, test, vi } from 'vitest';
import type { Entry } from '../../state/types';
import { FocusedRow } from './focused_row.svelte';
import type { Listed } from './place.svelte';

afterEach(() => document.body.replaceChildren());

/** A list of messages (`m…`) and of what else happened. */
function list(...keys: readonly string[]): { focus: FocusedRow; press: (key: string) => Promise<string | undefined>; leave: () => void } {
  const scroller = document.createElement('div');
  document.body.append(scroller);
  for (const key of keys) {
    const row = document.createElement(key.startsWith('m') ? 'article' : 'p');
    if (row.tagName === 'ARTICLE') row.tabIndex = -1;
    row.dataset['key'] = key;
    scroller.append(row);
  }
  const entries = keys.map((key) => ({ key, kind: key.startsWith('m') ? 'message' : 'event' }) as Entry);
  const rowOf = (key: string): HTMLElement | null => scroller.querySelector(`[data-key="${key}"]`);
  const leave = vi.fn();
  const listed = { entries, scroller, rowOf, list: { scrollToIndex: () => undefined } } as unknown as Listed;
  const focus = new FocusedRow(listed, { acts: () => false, leave, toLatest: () => Promise.resolve(), touch: () => undefined });
  scroller.addEventListener('focusin', focus.focusCame);
  scroller.addEventListener('keydown', focus.keyed);
  const press = async (key: string): Promise<string | undefined> => {
    document.activeElement?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
    await tick();
    await tick();
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return (document.activeElement as HTMLElement).dataset['key'];
  };
  return { focus, press, leave };
}

test('one walks from message to message, over what else happened', async () => {
  const { focus, press, leave } = list('joined', 'm1', 'm2', 'left', 'm3', 'came');
  focus.focus('m2');
  await tick();
  await new Promise((resolve) => requestAnimationFrame(resolve));
  expect(await press('ArrowDown')).toBe('m3');
  expect(await press('k')).toBe('m2');
  expect(await press('Home')).toBe('m1');
  expect(await press('End')).toBe('m3');
  expect(focus.tabStop).toBe('m3');
  expect(await press('ArrowUp')).toBe('m2');
  expect(await press('End')).toBe('m3');
  await press('ArrowDown');
  expect(leave).toHaveBeenCalledOnce();
});
