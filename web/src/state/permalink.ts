// The addresses of conversations and messages (ui/route.ts reads them).

/** `/r/tea`, `/r/+alice+bob`, `/r/@bob`, and the message behind it. `/r/@` before it: of two people, who call it each by the other's name. */
export function pathOf(name: string, messageId?: string | null): string {
  // A bare @ says that it is a person, so that a room whose name begins with one is not taken for her.
  const place = name.startsWith('#') ? encodeURIComponent(name.slice(1)).replaceAll('%2B', '+') : `@${encodeURIComponent(name)}`;
  return `/r/${place}${messageId ? `/${encodeURIComponent(messageId)}` : ''}`;
}

/** Where whoever may read the message finds it. */
export function linkTo({ kind, name }: { kind: string; name: string }, messageId: string): string {
  return new URL(kind === 'direct' ? `/r/@/${encodeURIComponent(messageId)}` : pathOf(name, messageId), location.origin).href;
}

export function pathOfInvite(room: string, token: string): string {
  return `/invite/${encodeURIComponent(room.replace(/^#/, ''))}/${encodeURIComponent(token)}`;
}
