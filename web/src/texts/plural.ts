// Which form of a word goes with a number, by the rules of the language (CLDR, in Intl).

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

// Made when they are wanted, and once: there are dozens of texts with numbers, and making one takes longer than a frame has.
const rules = new Map<string, Intl.PluralRules>();
const numbers = new Map<string, Intl.NumberFormat>();

function ofTag<Made>(known: Map<string, Made>, tag: string, make: () => Made): Made {
  let made = known.get(tag);
  if (!made) known.set(tag, (made = make()));
  return made;
}

/** The number as the language writes it. */
export function numeral(tag: string, count: number): string {
  // Below a thousand the languages of the page write the same digits (texts.test.ts).
  return count < 1_000 ? String(count) : ofTag(numbers, tag, () => new Intl.NumberFormat(tag)).format(count);
}

/** A function of a number that yields the form for it, with `#` replaced by the number as the language writes it. */
export function plural(tag: string, forms: Forms): (count: number) => string {
  return (count) => {
    const form = ofTag(rules, tag, () => new Intl.PluralRules(tag)).select(count);
    return (forms[form] ?? forms.other).replace('#', numeral(tag, count));
  };
}
