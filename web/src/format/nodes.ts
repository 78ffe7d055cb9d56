// A message as a tree of plain data. Components make elements of it, one by one; nothing in it is ever read as HTML.

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'strong'; readonly children: readonly Inline[] }
  | { readonly kind: 'emphasis'; readonly children: readonly Inline[] }
  | { readonly kind: 'underline'; readonly children: readonly Inline[] }
  | { readonly kind: 'strike'; readonly children: readonly Inline[] }
  | { readonly kind: 'spoiler'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  /** `href` is http, https or irc(s), made by the URL parser; `text` is what is shown. */
  | { readonly kind: 'link'; readonly href: string; readonly text: string; readonly title?: string }
  /** A person who is known here. */
  | { readonly kind: 'mention'; readonly nick: string; readonly me: boolean; readonly text: string }
  | { readonly kind: 'room'; readonly name: string }
  | { readonly kind: 'break' };

export type Block =
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'heading'; readonly level: 1 | 2 | 3; readonly children: readonly Inline[] }
  | { readonly kind: 'quote'; readonly children: readonly Block[] }
  | {
      readonly kind: 'list';
      readonly ordered: boolean;
      readonly start: number;
      readonly items: readonly (readonly Block[])[];
    }
  | { readonly kind: 'code'; readonly language: string | null; readonly text: string }
  | { readonly kind: 'rule' }
  /** Nothing but up to 6 emoji: shown large. */
  | { readonly kind: 'emoji'; readonly text: string };

/** A piece of highlighted code; `kind` is one of a closed list of words for CSS classes. */
export interface Token {
  readonly kind: TokenKind | null;
  readonly text: string;
}

export type TokenKind =
  | 'keyword'
  | 'string'
  | 'number'
  | 'comment'
  | 'name'
  | 'type'
  | 'literal'
  | 'attribute'
  | 'meta'
  | 'added'
  | 'removed'
  | 'punctuation';
