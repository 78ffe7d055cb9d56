// The addresses of conversations and messages (ui/route.ts reads them).

/** `/r/tea`, `/r/+alice+bob`, `/r/@bob`, and the message behind it. */
export function pathOf(name: string, messageId?: string | null): string {
  // A bare @ says that it is a person, so that a room whose name begins with one is not taken for her.
  const place = name.startsWith('#') ? encodeURIComponent(name.slice(1)).replaceAll('%2B', '+') : `@${encodeURIComponent(name)}`;
  return `/r/${place}${messageId ? `/${encodeURIComponent(messageId)}` : ''}`;
}

export function pathOfInvite(room: string, token: string): string {
  return `/invite/${encodeURIComponent(room.replace(/^#/, ''))}/${encodeURIComponent(token)}`;
}
