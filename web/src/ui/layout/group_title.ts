/** A group that is called by those who are in it, with each name cut: two groups with the same first one are told apart. */
export function shortened(title: string): string {
  const names = title.split(', ');
  if (names.length < 2) return title;
  const most = Math.max(6, Math.floor(26 / names.length) - 2);
  return names.map((name) => name.replace(new RegExp(`^(.{${most}})..+`, 'u'), '$1…')).join(', ');
}
