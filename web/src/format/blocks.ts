// Paragraphs, lists, quotations, code: what stands on lines of its own.

import { deepest, type Context } from './context';
import { inline } from './inlines';
import type { Block } from './nodes';

const fence = /^\s{0,3}(`{3,}|~{3,})\s*([!-_a-~]*)\s*$/;
const bullet = /^(\s*)([-*•])\s+(?=\S)(.*)$/;
const ordinal = /^(\s*)(\d{1,9})[.)]\s+(?=\S)(.*)$/;
const heading = /^(#{1,3})\s+(?=\S)(.*?)\s*#*$/;
const rule = /^\s{0,3}(?:-{3,}|\*{3,}|_{3,})\s*$/;
const quote = /^\s{0,3}>(?:\s|$)(.*)$/;

export function blocks(lines: readonly string[], context: Context, depth: number): Block[] {
  const found: Block[] = [];
  let paragraph: string[] = [];
  const endParagraph = (): void => {
    const text = paragraph.join('\n').replace(/^\n+|\n+$/g, '');
    paragraph = [];
    if (text) found.push({ kind: 'paragraph', children: inline(text, context, 0, found.length === 0 && depth === 0) });
  };
  const nests = depth < deepest;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const opened = fence.exec(line);
    if (opened) {
      const end = endOfFence(lines, at + 1, opened[1] ?? '```');
      const text = lines.slice(at + 1, end).join('\n');
      // One that does not end goes on to the end, if there is anything behind it.
      if (end < lines.length || text.trim()) {
        endParagraph();
        found.push({ kind: 'code', language: languageOf(opened[2]), text });
        at = end;
        continue;
      }
    }
    if (line.trim() === '') {
      endParagraph();
      continue;
    }
    if (rule.test(line)) {
      endParagraph();
      found.push({ kind: 'rule' });
      continue;
    }
    const head = heading.exec(line);
    if (head) {
      endParagraph();
      const level = Math.min(head[1]?.length ?? 1, 3) as 1 | 2 | 3;
      found.push({ kind: 'heading', level, children: inline(head[2] ?? '', context, 0, false) });
      continue;
    }
    if (nests && quote.test(line)) {
      endParagraph();
      const quoted: string[] = [];
      for (; at < lines.length; at += 1) {
        const next = quote.exec(lines[at] ?? '');
        if (!next) break;
        quoted.push(next[1] ?? '');
      }
      at -= 1;
      found.push({ kind: 'quote', children: blocks(quoted, context, depth + 1) });
      continue;
    }
    const item = nests ? (bullet.exec(line) ?? ordinal.exec(line)) : null;
    if (item) {
      endParagraph();
      const ordered = /\d/.test(item[2] ?? '');
      const indent = (item[1] ?? '').length;
      const items: string[][] = [];
      /** How far in the text of the last item is. */
      let inset = indent + 2;
      let empty = 0;
      for (; at < lines.length; at += 1) {
        const next = lines[at] ?? '';
        if (next.trim() === '') {
          empty += 1;
          continue;
        }
        const one = (ordered ? ordinal : bullet).exec(next);
        const begins = one !== null && (one[1] ?? '').length <= indent + 1;
        if (!begins && leading(next) <= indent + 1) break;
        // Behind empty lines it is the next paragraph of the same item.
        items.at(-1)?.push(...Array<string>(empty).fill(''));
        empty = 0;
        if (begins) {
          inset = next.length - (one[3] ?? '').length;
          items.push([one[3] ?? '']);
        } else items.at(-1)?.push(next.slice(Math.min(leading(next), inset)));
      }
      at -= 1;
      found.push({
        kind: 'list',
        ordered,
        start: ordered ? Number(item[2]) : 1,
        items: items.map((lines) => blocks(lines, context, depth + 1)),
      });
      continue;
    }
    paragraph.push(line);
  }
  endParagraph();
  return found;
}

function leading(line: string): number {
  return line.length - line.trimStart().length;
}

function endOfFence(lines: readonly string[], from: number, mark: string): number {
  for (let at = from; at < lines.length; at += 1) {
    const line = (lines[at] ?? '').trim();
    if (line.length >= mark.length && line === mark.charAt(0).repeat(line.length)) return at;
  }
  return lines.length;
}

function languageOf(word: string | undefined): string | null {
  const name = (word ?? '').toLowerCase().replace(/[^a-z0-9+#-]/g, '');
  return name.slice(0, 24) || null;
}
