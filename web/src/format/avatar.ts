// A generated avatar: initials on a colour that a name always gets. What the colours are is for the theme to say.

export interface Avatar {
  readonly initials: string;
  /** 0 to 359; readable in both themes is for the style sheet. */
  readonly hue: number;
  /** 0 to 3: one of four shapes behind the initials, so that colour is not all that tells people apart. */
  readonly shape: number;
}

/** Made for the first name that is not of plain letters: making it takes longer than drawing the page. */
let segments: Intl.Segmenter | undefined;

export function avatar(seed: string, name: string): Avatar {
  const hash = fnv1a(seed);
  // Twelve hues, far enough from each other to be told apart.
  return { initials: initials(name), hue: (hash % 12) * 30, shape: (hash >>> 8) % 4 };
}

function initials(name: string): string {
  if (/^[A-Za-z0-9]+$/.test(name)) return name.charAt(0).toUpperCase();
  const words = name.split(/[\s._\-+|[\]{}^`\\#]+/u).filter((word) => /[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(word));
  const first = (word: string): string => {
    if (!('Segmenter' in Intl)) return Array.from(word)[0] ?? '';
    segments ??= new Intl.Segmenter();
    return segments.segment(word)[Symbol.iterator]().next().value?.segment ?? '';
  };
  const taken = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  const letters = taken.map((word) => first((word ?? '').replace(/^[^\p{L}\p{N}\p{Extended_Pictographic}]+/u, '')));
  return letters.join('').toLocaleUpperCase() || '?';
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}
