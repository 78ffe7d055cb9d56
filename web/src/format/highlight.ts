// Code with colours. The library and its languages are loaded when the first block of code is shown.

import type { Token, TokenKind } from './nodes';

const longest = 20_000;

/** Pieces of the code, in order; all of it, whatever happens. Languages that are not known stay plain. */
export async function highlight(code: string, language: string | null): Promise<readonly Token[]> {
  const bare: Token[] = [{ kind: null, text: code }];
  if (!language || code.length > longest) return bare;
  const { tokens } = await import('./languages');
  return tokens(code, language) ?? (await import('./more_languages')).tokens(code, language) ?? bare;
}

/** The scopes of highlight.js, as our few kinds. */
export function kindOf(scope: string): TokenKind | null {
  switch (scope) {
    case 'keyword':
    case 'selector-tag':
    case 'tag':
    case 'operator':
      return 'keyword';
    case 'string':
    case 'regexp':
    case 'char':
    case 'quote':
    case 'link':
    case 'code':
      return 'string';
    case 'number':
      return 'number';
    case 'comment':
    case 'doctag':
      return 'comment';
    case 'title':
    case 'section':
    case 'name':
    case 'selector-id':
    case 'selector-class':
      return 'name';
    case 'type':
    case 'built_in':
    case 'class':
      return 'type';
    case 'literal':
    case 'symbol':
    case 'bullet':
      return 'literal';
    case 'attr':
    case 'attribute':
    case 'property':
    case 'variable':
    case 'template-variable':
    case 'selector-attr':
    case 'selector-pseudo':
      return 'attribute';
    case 'meta':
      return 'meta';
    case 'addition':
      return 'added';
    case 'deletion':
      return 'removed';
    case 'punctuation':
      return 'punctuation';
    default:
      return null;
  }
}
