// Addresses that may be followed, and that say where they lead.

import { clean } from './clean';
import type { Inline } from './nodes';

/** The address if it is one that may be followed. */
export function safeAddress(text: string): string | null {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  const may = ['http:', 'https:', 'irc:', 'ircs:'].includes(url.protocol);
  // `https://bank.example@evil.example/` is for deceiving.
  if (!may || url.username || url.password || (url.protocol.startsWith('http') && !url.hostname)) return null;
  return url.href;
}

/** An address as it stands in a sentence: without the signs that end that. */
export function plainLink(text: string): Inline & { kind: 'link' } | null {
  let address = text;
  for (;;) {
    const shorter = address.replace(/[.,:;!?'*_~|…»”’]+$/u, '');
    const last = shorter.at(-1) ?? '';
    const open = { ')': '(', ']': '[', '}': '{' }[last];
    if (open && count(shorter, last) > count(shorter, open)) {
      address = shorter.slice(0, -1);
      continue;
    }
    address = shorter;
    break;
  }
  const href = safeAddress(/^www\./i.test(address) ? `https://${address}` : address);
  return href ? { kind: 'link', href, text: address } : null;
}

export function namedLink(text: string, address: string, title?: string): Inline | null {
  const href = safeAddress(address);
  if (!href) return null;
  // A text that looks like another address is for deceiving: the address itself is shown.
  const looksLikeAddress = /^(?:[a-z]+:\/\/|www\.)|^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+(?:\/|$)/iu.test(text.trim());
  return { kind: 'link', href, text: looksLikeAddress ? address : clean(text), title };
}

function count(text: string, character: string): number {
  return text.split(character).length - 1;
}
