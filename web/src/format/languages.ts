// Loaded by highlight.ts alone: lowlight (highlight.js as a tree instead of HTML) with the languages of most blocks of code; the
// others are in more_languages.ts.

import { createLowlight } from 'lowlight';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import dockerfile from 'highlight.js/lib/languages/dockerfile';
import go from 'highlight.js/lib/languages/go';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import lua from 'highlight.js/lib/languages/lua';
import markdown from 'highlight.js/lib/languages/markdown';
import php from 'highlight.js/lib/languages/php';
import plaintext from 'highlight.js/lib/languages/plaintext';
import python from 'highlight.js/lib/languages/python';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import shell from 'highlight.js/lib/languages/shell';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';
import { kindOf } from './highlight';
import type { Token, TokenKind } from './nodes';

export const lowlight = createLowlight({
  bash, c, cpp, csharp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, lua, markdown, php, plaintext,
  python, ruby, rust, shell, sql, swift, typescript, xml, yaml,
});
lowlight.registerAlias({ ini: ['toml'], xml: ['svelte', 'vue'] });

/** The part of lowlight's tree (hast) that is looked at. */
interface Node {
  readonly type: string;
  readonly value?: string;
  readonly properties?: { readonly className?: unknown };
  readonly children?: readonly unknown[];
}

export function tokens(code: string, language: string): Token[] | null {
  if (!lowlight.registered(language)) return null;
  const found: Token[] = [];
  const walk = (node: Node, kind: TokenKind | null): void => {
    if (node.type === 'text') {
      const last = found.at(-1);
      const text = node.value ?? '';
      if (last && last.kind === kind) found[found.length - 1] = { kind, text: last.text + text };
      else found.push({ kind, text });
      return;
    }
    const names = node.properties?.className;
    const scope = Array.isArray(names) ? String(names[0] ?? '').replace(/^hljs-/, '') : '';
    const own = scope ? (kindOf(scope) ?? kind) : kind;
    for (const child of node.children ?? []) walk(child as Node, own);
  };
  walk(lowlight.highlight(language, code) as Node, null);
  return found;
}
