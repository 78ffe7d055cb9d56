// The parts of the page, for F6.

const regions = [
  ['#list a[aria-current]', '#list a', '#list button'],
  ['#messages article[tabindex="0"]', '#messages'],
  ['#composer'],
  ['#panel input', '#panel button'],
];
const roots = ['.side', '#messages', '.composer', '#panel'];

/** From one part to the next, as in a desktop's windows. */
export function region(step: 1 | -1): void {
  const found = regions
    .map((selectors, i) => ({ root: roots[i] as string, place: selectors.map((selector) => document.querySelector<HTMLElement>(selector)).find((place) => place !== null) }))
    .filter(({ place }) => place !== undefined && place.offsetParent !== null);
  const at = found.findIndex(({ root, place }) => place?.closest(root)?.contains(document.activeElement));
  const from = at < 0 && step < 0 ? 0 : at;
  found[(from + step + found.length) % found.length]?.place?.focus();
}
