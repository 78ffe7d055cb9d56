// Names in the order in which people look for them.

let collator: Intl.Collator | undefined;
/** Of these the order of their characters is everyone's; and a collator takes longer to be made than the page to be drawn. */
const plain = /^#?[A-Za-z]*$/;

/** Capitals and accents make no difference, and 10 comes behind 9. */
export function alphabetically(one: string, other: string): number {
  if (plain.test(one) && plain.test(other)) {
    const [low, high] = [one.toLowerCase(), other.toLowerCase()];
    return low < high ? -1 : low > high ? 1 : 0;
  }
  collator ??= new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });
  return collator.compare(one, other);
}
