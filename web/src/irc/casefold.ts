// Which names are the same, by the server's CASEMAPPING. It has prepared the names that it sends, so lower case is enough.

export type CaseMapping = 'ascii' | 'rfc1459' | 'rfc1459-strict' | 'precis';

export function caseMapping(token: string): CaseMapping {
  switch (token.toLowerCase()) {
    case 'precis':
    case 'rfc7613':
    case 'rfc8265':
      return 'precis';
    case 'rfc1459':
      return 'rfc1459';
    case 'rfc1459-strict':
    case 'strict-rfc1459':
      return 'rfc1459-strict';
    default:
      return 'ascii';
  }
}

const capitals: Record<string, string> = { '[': '{', ']': '}', '\\': '|', '~': '^' };

export function fold(mapping: CaseMapping, name: string): string {
  switch (mapping) {
    case 'precis':
      // Each character by itself, so that a final sigma is no special case (RFC 8265 section 3.3).
      return /^[\0-\x7f]*$/.test(name) ? name.toLowerCase() : Array.from(name, (c) => c.toLowerCase()).join('');
    case 'ascii':
      return lowerAscii(name);
    case 'rfc1459':
      return lowerAscii(name).replace(/[[\]\\~]/g, (c) => capitals[c] ?? c);
    case 'rfc1459-strict':
      return lowerAscii(name).replace(/[[\]\\]/g, (c) => capitals[c] ?? c);
  }
}

function lowerAscii(name: string): string {
  return name.replace(/[A-Z]/g, (c) => c.toLowerCase());
}
