// A message's text as a tree of plain data (nodes.ts): a small Markdown, links, names and rooms, and the old formatting
// of IRC. Everything not understood is text. The work is bounded: about linear in the text, whatever it is.

import { blocks } from './blocks';
import { clean } from './clean';
import { nobody, type Context } from './context';
import { inline } from './inlines';
import type { Block, Inline } from './nodes';
import { plainOf } from './plain';

const mostLargeEmoji = 6;

export function format(text: string, context: Context): Block[] {
  const said = clean(text);
  const emoji = onlyEmoji(said);
  if (emoji) return [{ kind: 'emoji', text: emoji }];
  return blocks(said.split('\n'), context, 0);
}

/** For what stands on one line: topics, actions, quotations. */
export function formatInline(text: string, context: Context): Inline[] {
  return inline(clean(text).replaceAll('\n', ' '), context, 0, true);
}

/** Without any formatting, on one line: for previews, notifications, labels. */
export function plain(text: string): string {
  return plainOf(format(text, nobody)).replace(/\s+/g, ' ').trim();
}

const isAscii = /^[\0-\x7f]*$/;
const pictograph = /\p{Extended_Pictographic}|\p{Regional_Indicator}|\u20e3/u;
/** Made when there is a first pictograph: it takes longer than everything else here. */
let graphemes: Intl.Segmenter | undefined;

function onlyEmoji(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed === '' || trimmed.length > 80 || isAscii.test(trimmed) || !('Segmenter' in Intl) || !pictograph.test(trimmed)) return null;
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let count = 0;
  for (const { segment } of graphemes.segment(trimmed)) {
    if (/^\s+$/.test(segment)) continue;
    if (!pictograph.test(segment) || /^[©®™]$/.test(segment)) return null;
    count += 1;
  }
  return count <= mostLargeEmoji ? trimmed : null;
}
