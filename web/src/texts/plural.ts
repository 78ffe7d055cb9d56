// Which form of a word goes with a number, by the rules of the language (CLDR, in Intl).

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** A function of a number that yields the form for it, with `#` replaced by the number as the language writes it. */
export function plural(tag: string, forms: Forms): (count: number) => string {
  const rules = new Intl.PluralRules(tag);
  const numbers = new Intl.NumberFormat(tag);
  return (count) => (forms[rules.select(count)] ?? forms.other).replace('#', numbers.format(count));
}
