// What components see of the conversation: plain data and actions, no protocol. `Chat` (chat.svelte.ts) is the one that
// talks to the server; the fields are read in components like any `$state` (they are getters of classes in `.svelte.ts`).
//
// Lists are never changed in place: a new array is a change, at most one a frame. Entries are plain objects that are
// replaced when something becomes of them; `key` stays, so keyed lists keep their row.
//
// Actions that ask the server for something return a promise, which is rejected with a `Refused`: its `message` is one
// sentence in the person's language. What needs the link and has none is refused at once; what is said is kept and sent.

import type { Block } from '../format/nodes';

export type Rank = 'owner' | 'admin' | 'operator' | 'half-operator' | 'voice';

/** The server's answer to `GET /session`. */
export interface SessionInfo {
  signedIn: boolean;
  username?: string;
  /** The account's; names change. */
  id?: string;
  device?: string;
  network: string;
  description: string;
  registration: 'open' | 'invite' | 'closed';
  guests: boolean;
  minimumPassword: number;
  /** How to come with another client, as the server says it. */
  addresses: unknown;
  serverName?: string;
  /** An account cannot be made without an e-mail address. */
  emailRequired?: boolean;
  /** False: no password may be sent from here, such as over http from elsewhere. */
  passwordLogin?: boolean;
  /** Where the same page is with encryption, if passwords may not be sent from here. */
  securePage?: string | null;
  /** Why one is not let in any more. */
  banned?: string;
  /** Rooms that everybody is brought into who is in none. */
  rooms?: readonly string[];
}

/**
 * Who is at the page. `loading`: not known yet. `out`: the entry screen is to be shown. `in`: there is a cookie.
 * `guest`: came with a name alone. `unreachable`: the server does not answer, and nobody was here before.
 */
export type EntryState = 'loading' | 'unreachable' | 'out' | 'in' | 'guest';

export interface Session {
  readonly state: EntryState;
  /** What the server said last; null until it has. */
  readonly info: SessionInfo | null;
  /** Why one is out, when it was not one's own doing ("You were logged out …"). */
  readonly sentence: string | null;
  /** What the guest wanted to be called who was not let in, for the reason in `sentence`. */
  readonly wanted: string | null;
  logIn(username: string, password: string): Promise<void>;
  register(username: string, password: string, more?: { invite?: string; email?: string }): Promise<void>;
  enterAsGuest(nick: string): Promise<void>;
  /** Ends the cookie, all links of this browser, and what it kept. */
  logOut(): Promise<void>;
  /** Asks the server again (`unreachable`). */
  retry(): Promise<void>;
}

/** What is said of the link, truthfully. */
export type LinkKind = 'connecting' | 'catching-up' | 'online' | 'offline';

export interface Link {
  readonly kind: LinkKind;
  /** `offline`: when it is tried again (Date.now()), or null when only the person can (`reconnect`). */
  readonly retryAt: number | null;
  /** Why there is no link, if it is known. */
  readonly sentence: string | null;
  /** Messages that the server does not have yet, and gets when there is a link. */
  readonly unsent: number;
  /** And those that wait for the person to send them again, or discard them. */
  readonly notSent: number;
  /** Milliseconds to the server and back, lately. */
  readonly roundTrip: number | null;
  /** Tries at once. */
  reconnect(): void;
}

export interface Person {
  /** The name folded as the server compares names. */
  readonly key: string;
  readonly nick: string;
  readonly account: string | null;
  /** The server's id of the person (`parlor/sender-id`), if known. */
  readonly id: string | null;
  /** What she calls herself; else the nick. */
  readonly displayName: string;
  readonly pronouns: string | null;
  readonly status: string | null;
  readonly realname: string | null;
  readonly isMe: boolean;
  readonly bot: boolean;
  /** `unknown`: nothing has told it. */
  readonly presence: 'here' | 'away' | 'gone' | 'unknown';
  readonly awayMessage: string | null;
  readonly blocked: boolean;
  /** Who said something is not called so any more, and nobody knows where she is: the name may be another's by now. */
  readonly isFormer: boolean;
  /** Somebody else is shown under this name, too, or called so. */
  readonly hasNamesake: boolean;
  /** For the generated avatar: see format/avatar.ts. */
  readonly seed: string;
}

export interface Member {
  readonly person: Person;
  readonly rank: Rank | null;
}

export interface Reaction {
  readonly text: string;
  /** Nicks. */
  readonly people: readonly string[];
  readonly own: boolean;
}

export interface MessageEntry {
  readonly kind: 'message';
  readonly key: string;
  /** The server's id; null while the server does not have it. */
  readonly id: string | null;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly sender: Person;
  readonly own: boolean;
  /** `action`: /me. `notice`: of programs. */
  readonly style: 'text' | 'action' | 'notice';
  /** As it was written (empty when deleted). For its display see `formatted`. */
  readonly text: string;
  readonly mentionsMe: boolean;
  /** The id of the message that it answers. */
  readonly replyTo: string | null;
  /** Answers to it that are known here. */
  readonly replyCount: number;
  readonly edited: boolean;
  readonly deleted: { readonly by: string; readonly reason: string | null } | null;
  readonly reactions: readonly Reaction[];
  readonly pinned: boolean;
  /** Only shown to members of this rank and above (STATUSMSG). */
  readonly onlyFor: Rank | null;
  /** Said for someone elsewhere, by this nick. */
  readonly relayedBy: string | null;
  /** `pending`: not on the server yet. `failed`: will not be; `failure` says why. */
  readonly status: 'sent' | 'pending' | 'failed';
  readonly failure: string | null;
}

/** Something happened. `quiet`: people come and go. */
export interface EventEntry {
  readonly kind: 'event';
  readonly key: string;
  readonly id: string | null;
  readonly time: number;
  readonly quiet: boolean;
  /** A sentence without a full stop, in the language of now; `called`: what whoever goes by a nick calls herself. */
  describe(called: (nick: string) => string): string;
}

export type Entry = MessageEntry | EventEntry;

export interface Thread {
  readonly rootId: string;
  /** Null where the root is not known here (it is asked for). */
  readonly root: MessageEntry | null;
  /** Oldest first; answers to answers are in it. */
  readonly replies: readonly MessageEntry[];
}

export interface Pin {
  readonly message: MessageEntry;
  readonly by: string;
  readonly at: number;
}

/** What one may do there: offer nothing else. */
export interface Rights {
  readonly speak: boolean;
  /** Why not, as a sentence; null if one may. */
  readonly whyNot: string | null;
  readonly topic: boolean;
  readonly invite: boolean;
  readonly inviteLinks: boolean;
  readonly pin: boolean;
  /** Delete what others said, see earlier texts, reports. */
  readonly moderate: boolean;
  readonly kick: boolean;
  readonly ban: boolean;
  readonly settings: boolean;
  readonly rename: boolean;
  /** Ranks that one may give and take. */
  readonly ranks: readonly Rank[];
}

/** A room's modes in words. */
export interface RoomSettings {
  /** +m */ readonly moderated: boolean;
  /** +A */ readonly announcements: boolean;
  /** +i */ readonly inviteOnly: boolean;
  /** +s */ readonly secret: boolean;
  /** +p */ readonly unlisted: boolean;
  /** +t */ readonly topicLocked: boolean;
  /** +n */ readonly membersOnly: boolean;
  /** +R */ readonly accountsOnly: boolean;
  /** +M */ readonly accountsSpeak: boolean;
  /** +P */ readonly kept: boolean;
  /** +J */ readonly historySinceJoin: boolean;
  /** +H, such as `30d`; null: as the server has it */ readonly historyKept: string | null;
  /** +C */ readonly noCtcp: boolean;
  /** +U */ readonly heldForModerators: boolean;
  /** +u */ readonly auditorium: boolean;
  /** +W, seconds */ readonly slowMode: number | null;
  /** +k; `true`: there is one that is not shown */ readonly key: string | true | null;
  /** +l */ readonly limit: number | null;
  /** +f */ readonly forwardTo: string | null;
}

export type SettingsChange = { -readonly [Name in keyof RoomSettings]?: RoomSettings[Name] };

export interface ListEntry {
  readonly mask: string;
  readonly by: string | null;
  readonly at: number | null;
  /** It ends by itself then. */
  readonly until: number | null;
}

export interface RoomLists {
  readonly bans: readonly ListEntry[];
  readonly mutes: readonly ListEntry[];
  readonly exceptions: readonly ListEntry[];
  readonly invitations: readonly ListEntry[];
}

export interface InviteLink {
  readonly id: string;
  readonly by: string | null;
  /** Null: never. */
  readonly expires: number | null;
  /** How often it can still be used; null: any number. */
  readonly usesLeft: number | null;
  /** To be opened in a browser; only known for links that were just made. */
  readonly url: string | null;
}

export type Paging = 'idle' | 'loading' | 'refused';

export interface Conversation {
  /** The name folded as the server compares names: for keys and comparison. */
  readonly key: string;
  /** `#tea`, `#+alice+bob`, or a person's nick. */
  readonly name: string;
  readonly kind: 'room' | 'group' | 'direct';
  /** For people: `tea`, the group's people, a display name. */
  readonly title: string;
  /** The other one (`direct`). */
  readonly person: Person | null;
  readonly topic: string;
  readonly topicBy: string | null;
  /** Rooms and groups. `out`: not in it (history that may be read is still there). */
  readonly membership: 'in' | 'joining' | 'out';
  /** Why one is not in it, if the server said. */
  readonly joinRefusal: Refused | null;
  /** Those who are here. */
  readonly members: readonly Member[];
  /** Accounts that belong to it and are not here. */
  readonly absentMembers: readonly Member[];
  /** All of these. */
  readonly memberCount: number;
  /** One's own rank there. */
  readonly rank: Rank | null;
  readonly rights: Rights;
  readonly settings: RoomSettings;

  readonly unread: number;
  /** There are at least so many. */
  readonly unreadIsMore: boolean;
  readonly mentions: number;
  readonly muted: boolean;
  readonly favourite: boolean;
  /** When something was last said (0: not known). */
  readonly lastActive: number;
  /** Nicks of those who write now. */
  readonly typing: readonly string[];
  /** Open reports there, for those who moderate. */
  readonly openReports: number;

  /** Oldest first. While `atEnd` it grows as people speak. */
  readonly entries: readonly Entry[];
  /** Counts up when they were replaced as a whole, not added to: the view finds its place anew. */
  readonly generation: number;
  /** Nothing was said before the first entry. */
  readonly beginsHere: boolean;
  /** The entries reach to the present; otherwise they are a part of the past, and new messages are not added. */
  readonly atEnd: boolean;
  readonly older: Paging;
  readonly newer: Paging;
  /** The entry before which the unread line stands: fixed when the conversation is opened, until it is opened again. */
  readonly unreadLine: string | null;
  /** So many were unread when it was opened, and the line above them was further up than what was known, and not seen since. */
  readonly missed: number;
  readonly pins: readonly Pin[];
  readonly pinCount: number;

  /** What is being written, kept over reloads. */
  draft: string;
  /** The message that is being answered. */
  replyingTo: MessageEntry | null;

  /** A message that is known here: among `entries`, or fetched to be quoted (see `fetch`). */
  find(id: string): MessageEntry | null;
  /** Asks for a message that is not known, so that `find` has it (to show what a message answers). Never rejected. */
  fetch(id: string): void;
  /** What is known of it; `loadThread` asks for all. */
  thread(rootId: string): Thread;
  loadThread(rootId: string): Promise<void>;
  /** The message at the root of the thread that this one is in (itself where it answers nothing). */
  threadRoot(message: MessageEntry): string;

  loadOlder(): Promise<void>;
  loadNewer(): Promise<void>;
  /** Goes to a message: afterwards it is among `entries`. Resolves to its entry. */
  goTo(id: string): Promise<MessageEntry>;
  goToEnd(): Promise<void>;
  /** Goes to the unread line where it is not known here (`missed`). */
  goToUnread(): Promise<void>;
  /** Whether the person sees the end now (conversation open, scrolled to the end, window in view): marks as read. */
  sees(end: boolean): void;
  markRead(): void;
  /** The unread line is before the eyes, or further down. */
  seesLine(): void;

  /** Says it, now or when the link is back. Beginning with `/` it is a command (see state/asked/commands.ts). */
  send(text: string, options?: { replyTo?: string | null; style?: 'text' | 'action' }): Promise<void>;
  /** Called as the person types; tells others at most every few seconds. */
  types(text: string): void;
  retry(message: MessageEntry): void;
  discard(message: MessageEntry): void;
  edit(message: MessageEntry, text: string): Promise<void>;
  delete(message: MessageEntry, reason?: string): Promise<void>;
  react(message: MessageEntry, reaction: string, on: boolean): Promise<void>;
  pin(message: MessageEntry, on: boolean): Promise<void>;
  loadPins(): Promise<readonly Pin[]>;
  report(message: MessageEntry, reason: string): Promise<void>;
  earlierTexts(message: MessageEntry): Promise<readonly { text: string; at: number }[]>;
  /** Has the server tell a message again, and what it sees of this connection. */
  onTheWire(message: MessageEntry): Promise<OnTheWire>;
  mayEdit(message: MessageEntry): boolean;
  mayDelete(message: MessageEntry): boolean;

  join(key?: string): Promise<void>;
  /** Asks those inside to be let in. */
  knock(): Promise<void>;
  leave(reason?: string): Promise<void>;
  /** Takes a direct conversation out of the list. */
  close(): void;
  setMuted(on: boolean): Promise<void>;
  setFavourite(on: boolean): Promise<void>;
  setTopic(topic: string): Promise<void>;
  rename(name: string): Promise<void>;
  invite(nick: string): Promise<void>;
  change(settings: SettingsChange): Promise<void>;
  setRank(nick: string, rank: Rank | null): Promise<void>;
  kick(nick: string, reason?: string): Promise<void>;
  /** `duration` such as `30m`, `12h`, `7d`; without: until it is lifted. `mute`: may read, not write. */
  ban(mask: string, options?: { duration?: string; mute?: boolean }): Promise<void>;
  lists(): Promise<RoomLists>;
  addToList(list: keyof RoomLists, mask: string): Promise<void>;
  removeFromList(list: keyof RoomLists, mask: string): Promise<void>;
  inviteLinks(): Promise<readonly InviteLink[]>;
  createInviteLink(options?: { duration?: string; uses?: number }): Promise<InviteLink>;
  revokeInviteLink(id: string): Promise<void>;
}

export interface SearchQuery {
  words: string;
  in?: string | undefined;
  from?: string | undefined;
  /** The first and the last day, as `2026-11-27`: days of the person who asks. */
  since?: string | undefined;
  until?: string | undefined;
  limit?: number | undefined;
}

export interface SearchHit {
  readonly conversation: string;
  readonly message: MessageEntry;
}

export interface ListedRoom {
  readonly name: string;
  readonly topic: string;
  readonly people: number;
  /** When something was last said there; null: not known. */
  readonly lastActive: number | null;
  readonly joined: boolean;
}

export interface Device {
  readonly id: string;
  readonly isThis: boolean;
  readonly state: 'here' | 'absent' | 'gone';
  readonly transport: string;
  readonly address: string;
  readonly since: number;
  readonly lastActive: number;
  readonly name: string | null;
}

export interface Report {
  readonly number: string;
  /** A room's name; `direct` where it is of a direct message. */
  readonly place: string;
  readonly messageId: string;
  readonly at: number;
  /** Nicks. */
  readonly said: string;
  readonly by: string;
  readonly reason: string;
  /** As it was when it was reported; null: gone. */
  readonly text: string | null;
}

export interface AuditLine {
  readonly at: number;
  /** kick, list, role, mode, rename, redact, invite-link, report, kill, server-ban, account, operator */
  readonly action: string;
  readonly by: string;
  readonly account: string | null;
  readonly room: string | null;
  readonly target: string | null;
  readonly detail: string;
}

export interface WhoIs {
  readonly nick: string;
  readonly account: string | null;
  readonly realname: string | null;
  readonly away: string | null;
  readonly here: boolean;
  readonly bot: boolean;
  readonly operator: boolean;
  readonly secure: boolean;
  readonly idleSeconds: number | null;
  readonly signedOn: number | null;
  readonly rooms: readonly { name: string; rank: Rank | null }[];
  /** Shown to oneself and to operators. */
  readonly address: string | null;
}

/** A short word to the person that belongs nowhere else; shown for a while. */
export interface Notice {
  readonly id: number;
  readonly tone: 'information' | 'refusal';
  readonly sentence: string;
  readonly at: number;
  /** A room that it invites to: offer to join it. */
  readonly room: string | null;
}

export interface Preferences {
  theme: 'system' | 'light' | 'dark';
  contrast: 'system' | 'high';
  motion: 'system' | 'reduced';
  density: 'comfortable' | 'compact';
  /** What makes a notification of the desktop; only after the person has allowed it. */
  notifications: 'none' | 'mentions' | 'all';
  /** A sound with it. */
  sound: boolean;
  /** Others see that one is writing. */
  sendTyping: boolean;
  /** Joins, leaves and the like are shown. */
  showComings: boolean;
  /** Enter sends (otherwise Ctrl/Cmd-Enter). */
  enterSends: boolean;
  /** Emoji used lately, newest first. */
  recentReactions: readonly string[];
}

export interface Profile {
  displayName?: string;
  pronouns?: string;
  status?: string;
}

export interface Chat {
  readonly session: Session;
  readonly link: Link;
  /** There was a link since the page was opened: what comes from now on is new. */
  readonly wasOnline: boolean;
  readonly preferences: Preferences;
  readonly me: Person;
  /** The server's operator, who sees reports of the whole server and the audit. */
  readonly isOperator: boolean;
  readonly isGuest: boolean;
  /** What the server can do (`search`, `edit`, …), so that nothing else is offered. */
  readonly can: ServerAbilities;

  /** Rooms, groups, people: everything of the list, in the order of names; the list view sorts and groups. */
  readonly conversations: readonly Conversation[];
  /** The one that is shown. */
  readonly current: Conversation | null;
  readonly notices: readonly Notice[];
  /** Unread and mentions over all that is not muted (for the title and the badge). */
  readonly totalUnread: number;
  readonly totalMentions: number;
  readonly openReports: number;

  /** Reads what was kept, asks who is here, opens the link. Once, at the start. */
  start(): Promise<void>;
  /** Shows a conversation; begins it where there is none (a room is not entered by that). */
  open(name: string): Conversation;
  find(name: string): Conversation | null;
  /**
   * What the conversation is called here in which the message stands; without one, what a room is called that had another name. Null:
   * there is none that one may read.
   */
  whereIs(message: string | null, room: string): Promise<string | null>;
  person(nick: string): Person;
  /** Shows none. */
  closeCurrent(): void;
  dismiss(notice: Notice): void;
  say(sentence: string): void;

  /** Enters a room (made if there is none) and shows it. `key`: a password or an invite link's token. */
  joinRoom(name: string, key?: string): Promise<Conversation>;
  /** Opens the group of these people and oneself. */
  openGroup(nicks: readonly string[]): Promise<Conversation>;
  listRooms(filter?: string): Promise<readonly ListedRoom[]>;
  /** People whose name, realname or account has this in it. */
  findPeople(words: string): Promise<readonly Person[]>;
  search(query: SearchQuery): Promise<readonly SearchHit[]>;
  whoIs(nick: string): Promise<WhoIs>;
  setBlocked(nick: string, on: boolean): Promise<void>;

  setNick(nick: string): Promise<void>;
  setProfile(profile: Profile): Promise<void>;
  /** Null: back. */
  setAway(message: string | null): Promise<void>;
  changePassword(old: string, wanted: string): Promise<void>;
  renameAccount(name: string, password: string): Promise<void>;
  deleteAccount(password: string): Promise<void>;
  /** A link to all that is kept of oneself; good once. */
  exportAccount(): Promise<string>;
  devices(): Promise<readonly Device[]>;
  endDevice(id: string): Promise<void>;
  /** Stays in the rooms when all devices are gone (draft/persistence). */
  alwaysOn(): Promise<{ wanted: 'on' | 'off' | 'default'; is: boolean }>;
  setAlwaysOn(wanted: 'on' | 'off' | 'default'): Promise<void>;

  /** All that were read last, which those that are closed or made meanwhile change; null: nobody has looked yet. */
  readonly reportQueue: readonly Report[] | null;
  reports(room?: string): Promise<readonly Report[]>;
  closeReport(report: Report, how: 'resolve' | 'dismiss', note?: string): Promise<void>;
  audit(query?: { by?: string; target?: string; room?: string; action?: string; since?: string; limit?: number }): Promise<
    readonly AuditLine[]
  >;

  /** A message as a tree to be shown; kept, so it costs nothing to ask again. */
  formatted(message: MessageEntry): readonly Block[];
  /** Asks the browser; true if it may. */
  askForNotifications(): Promise<boolean>;
}

export interface OnTheWire {
  /** Of the message, as they came. */
  readonly lines: readonly string[];
  /** What the server says of this connection, by group; null: it says nothing. */
  readonly connection: ReadonlyMap<string, ReadonlyMap<string, string>> | null;
}

export interface ServerAbilities {
  readonly search: boolean;
  readonly edit: boolean;
  readonly delete: boolean;
  readonly react: boolean;
  readonly pins: boolean;
  readonly reports: boolean;
  readonly devices: boolean;
  readonly groups: boolean;
  readonly metadata: boolean;
  readonly history: boolean;
  readonly rename: boolean;
  /** Bytes and lines of one message. */
  readonly messageBytes: number;
  readonly messageLines: number;
  readonly nickLength: number;
  readonly topicLength: number;
}

/** An action was refused. `message` is a sentence for the person. */
export class Refused extends Error {
  constructor(
    sentence: string,
    /** A numeric or a FAIL code, for code that must tell them apart. */
    readonly code: string,
    /** What stands behind the code: what it is about, and the server's text. */
    readonly context: readonly string[] = [],
  ) {
    super(sentence);
    this.name = 'Refused';
  }
}
