// The addresses of conversations and messages (ui/route.ts reads them).

/** `/r/tea`, `/r/+alice+bob`, `/r/@bob`, and the message behind it. */
export function pathOf(name: string, messageId?: string): string {
  const place = name.startsWith('#') ? name.slice(1) : `@${name}`;
  return `/r/${encodeURIComponent(place)}${messageId === undefined ? '' : `/${encodeURIComponent(messageId)}`}`;
}

export function pathOfInvite(room: string, token: string): string {
  return `/invite/${encodeURIComponent(room.replace(/^#/, ''))}/${encodeURIComponent(token)}`;
}
