// What components say. Plain sentences; functions where something is filled in.
import { plural } from '../plural';

const many = (one: string, other: string) => plural('en', { one, other });

const unreadCount = many('# unread message', '# unread messages');
const mentionCount = many('# mention', '# mentions');
const newMessages = many('# new message', '# new messages');
const replyCount = many('# reply', '# replies');
const memberCount = many('# member', '# members');
const lineCount = many('# line', '# lines');
const pinCount = many('# pinned message', '# pinned messages');
const openReports = many('# open report', '# open reports');
const reactions = many('# reaction', '# reactions');

export const ui = {
  appName: 'parlor',

  // Everywhere
  add: 'Add',
  copied: 'Copied',
  notCopied: 'The browser does not let this page copy; select it and copy it by hand',
  control: 'Ctrl',
  copy: 'Copy',
  discard: 'Discard',
  loading: 'Loading…',
  moreActions: 'More',
  partNotLoaded: 'This part could not be loaded. Is there a connection?',
  search: 'Search',
  tryAgain: 'Try again',
  you: 'you',

  // The entry
  guest: 'Guest',

  // The list
  away: 'Away',
  browseRooms: 'Browse rooms',
  conversations: 'Conversations',
  directMessages: 'People',
  draft: 'draft',
  favourites: 'Favourites',
  groups: 'Groups',
  here: 'Here',
  jumpTo: 'Jump to…',
  mentionCount,
  menuOf: (title: string) => `Menu of ${title}`,
  muted: 'muted',
  myMenu: 'Status and settings',
  noConversations: 'Nothing here yet. Find a room to begin with.',
  notHere: 'Not here',
  openReports,
  rooms: 'Rooms',
  settings: 'Settings',
  unreadCount,

  // The link

  // The conversation
  addReaction: 'Add a reaction',
  andMore: (count: number) => `${count} more`,
  announcements: 'New messages',
  backToList: 'Back to the list',
  bot: 'Bot',
  code: 'Code',
  codeIn: (language: string) => `Code in ${language}`,
  conversationActions: 'Conversation',
  deleted: 'This message was deleted',
  deletedBy: (name: string) => `This message was deleted by ${name}`,
  deletedShort: 'Deleted message',
  editedIsGone: 'The message that you were editing was deleted.',
  blockedMessage: 'A message of someone you blocked',
  showIt: 'Show',
  detailsOf: (title: string) => `Details of ${title}`,
  directBegins: (name: string) => `What you and ${name} say to each other is seen by you two alone.`,
  earlierMessage: 'An earlier message',
  edited: '(edited)',
  groupBegins: 'What is said here is seen by those in this group alone.',
  joining: 'Joining…',
  lost: 'There is nothing at this address',
  mayNotSpeak: 'You may read here, but not write.',
  lineCount,
  messagesIn: (title: string) => `Messages in ${title}`,
  newLine: 'New',
  newMessages,
  notSent: 'Not sent',
  onlyFor: (ranks: string) => `Only seen by ${ranks}`,
  pinned: 'Pinned',
  pinCount,
  memberCount,
  profileOf: (name: string) => `Profile of ${name}`,
  rank: { owner: 'Owner', admin: 'Admin', operator: 'Moderator', 'half-operator': 'Helper', voice: 'Voice' },
  ranks: { owner: 'owners', admin: 'admins', operator: 'moderators', 'half-operator': 'helpers', voice: 'those with a voice' },
  reactedWith: (names: string, emoji: string) => `${names}: ${emoji}`,
  reactionOf: (emoji: string, count: number) => `${emoji}, ${reactions(count)}`,
  reactions: 'Reactions',
  relayedBy: (nick: string) => `through ${nick}`,
  replyCount,
  inReplyTo: 'In reply to',
  roomBegins: 'This is where the room begins.',
  roomBeginsForYou: 'What was said before you joined is not shown.',
  sendAgain: 'Send again',
  sending: 'Sending…',
  showSpoiler: 'Hidden. Show it.',
  skipToComposer: 'To the message field',
  waitsForLink: 'Will be sent when you are back online',

  // Writing
  cancelEdit: 'Stop editing',
  cancelReply: 'Do not reply',
  editing: 'You are editing your message',
  insertEmoji: 'Insert an emoji',
  messageIn: (title: string) => `Message ${title}`,
  messageTo: (name: string) => `Message ${name}`,
  replyInThread: 'Reply in this thread',
  replyingTo: (name: string) => `Reply to ${name}`,
  saveEdit: 'Save',
  send: 'Send',
  sendAsSeveral: (count: number) => `Send as ${count} messages`,
  suggestions: 'Suggestions',
  tooLong: (bytes: number) => `Too long by ${bytes} bytes. Send it in several parts.`,
  tooLongForOne: 'Too long for one message.',
  tooManyLines: (lines: number) => `A message has at most ${lines} lines. Send it in several parts.`,

  // Panels
  invitePeople: 'Invite people',

  // A room
  setTopic: 'Set a topic',
};
