/** A group that is called by those who are in it, with each name cut: two groups with the same first one are told apart. */
export const shortened = (title: string): string => (title.includes(', ') ? title.replace(/([^,]{9})[^,]{2,}/gu, '$1…') : title);
