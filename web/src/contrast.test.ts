// Whoever reads can read: each colour of text on each surface, also where the pointer is or something is chosen (WCAG 2.2, 1.4.3).
// axe sees only what a flow happens to have on the screen.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

type Colour = readonly [number, number, number];

/** Of the theme that everybody has who chose nothing; high contrast goes beyond it. */
const sheet = readFileSync('src/app.css', 'utf8').split(":root[data-theme='light']")[0] ?? '';

/** `oklch(L C h / alpha)` in linear sRGB (https://bottosson.github.io/posts/oklab). */
function linear(lightness: number, chroma: number, hue: number): Colour {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const within = (part: number): number => Math.min(1, Math.max(0, part));
  return [
    within(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    within(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    within(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

const encoded = (part: number): number => (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055);
const decoded = (part: number): number => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);

interface Token {
  readonly colour: Colour;
  readonly alpha: number;
}

function token(name: string, theme: 'light' | 'dark'): Token {
  const both = new RegExp(`--${name}: light-dark\\((oklch\\([^)]*\\)), (oklch\\([^)]*\\))\\)`).exec(sheet);
  const text = both?.[theme === 'light' ? 1 : 2] ?? '';
  const [lightness = NaN, chroma = NaN, hue = NaN, alpha = 1] = [...text.matchAll(/[\d.]+/g)].map(Number);
  return { colour: linear(lightness, chroma, hue), alpha };
}

/** Browsers mix what is shown through in sRGB as it is encoded. */
function over({ colour, alpha }: Token, ground: Colour): Colour {
  const mix = (at: 0 | 1 | 2): number => decoded(alpha * encoded(colour[at]) + (1 - alpha) * encoded(ground[at]));
  return [mix(0), mix(1), mix(2)];
}

const luminance = ([red, green, blue]: Colour): number => 0.2126 * red + 0.7152 * green + 0.0722 * blue;

function contrast(one: Colour, other: Colour): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

test('text can be read on every surface', () => {
  const tooFaint: string[] = [];
  let compared = 0;
  for (const theme of ['light', 'dark'] as const) {
    for (const surface of ['ground', 'surface', 'raised', 'sunken']) {
      const bare = token(surface, theme).colour;
      for (const above of [null, 'hover', 'pressed', 'accent-soft', 'mention-soft', 'danger-soft']) {
        const ground = above === null ? bare : over(token(above, theme), bare);
        for (const text of ['text', 'text-soft', 'text-faint', 'accent', 'accent-strong', 'danger']) {
          const ratio = contrast(token(text, theme).colour, ground);
          compared += 1;
          if (!(ratio >= 4.5)) tooFaint.push(`${theme}: ${text} on ${surface} with ${above ?? 'nothing'}: ${ratio.toFixed(2)}`);
        }
      }
    }
  }
  expect(tooFaint).toEqual([]);
  expect(compared).toBe(288);
});
