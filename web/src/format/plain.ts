// A message in one line of plain text, for previews and for what is said aloud.
import type { Block, Inline } from './nodes';

function inline(nodes: readonly Inline[], hide: string): string {
  let text = '';
  for (const node of nodes) {
    if (node.kind === 'text' || node.kind === 'code' || node.kind === 'link' || node.kind === 'mention') text += node.text;
    else if (node.kind === 'room') text += node.name;
    else if (node.kind === 'break') text += ' ';
    else if (node.kind === 'spoiler') text += hide;
    else text += inline(node.children, hide);
  }
  return text;
}

/** `hide` stands in the place of what is hidden until it is asked for. */
export function plainOf(blocks: readonly Block[], hide = '▒▒▒'): string {
  const parts: string[] = [];
  for (const block of blocks) {
    if (block.kind === 'paragraph' || block.kind === 'heading') parts.push(inline(block.children, hide));
    else if (block.kind === 'code' || block.kind === 'emoji') parts.push(block.text.replace(/\s+/g, ' '));
    else if (block.kind === 'quote') parts.push(plainOf(block.children, hide));
    else if (block.kind === 'list') for (const item of block.items) parts.push(plainOf(item, hide));
    else parts.push('—');
  }
  return parts.join(' ').trim();
}

/** The text of a message that is one sentence without any marks, as most are; null of any other. */
export function sentenceOf(blocks: readonly Block[]): string | null {
  const [first, second] = blocks;
  if (first?.kind !== 'paragraph' || second !== undefined || first.children.length !== 1) return null;
  return first.children[0]?.kind === 'text' ? first.children[0].text : null;
}
