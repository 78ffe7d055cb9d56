import type { ui as english } from '../en/ui';
import { plural } from '../plural';

const many = (one: string, other: string) => plural('de', { one, other });

const unreadCount = many('# ungelesene Nachricht', '# ungelesene Nachrichten');
const mentionCount = many('# Erwähnung', '# Erwähnungen');
const newMessages = many('# neue Nachricht', '# neue Nachrichten');
const replyCount = many('# Antwort', '# Antworten');
const memberCount = many('# Mitglied', '# Mitglieder');
const lineCount = many('# Zeile', '# Zeilen');
const pinCount = many('# angeheftete Nachricht', '# angeheftete Nachrichten');
const openReports = many('# offene Meldung', '# offene Meldungen');
const reactions = many('# Reaktion', '# Reaktionen');

export const ui: typeof english = {
  appName: 'parlor',

  add: 'Hinzufügen',
  copied: 'Kopiert',
  notCopied: 'Der Browser lässt diese Seite nicht kopieren; markiere es und kopiere es von Hand',
  control: 'Strg',
  copy: 'Kopieren',
  discard: 'Verwerfen',
  loading: 'Lädt …',
  moreActions: 'Mehr',
  partNotLoaded: 'Dieser Teil ließ sich nicht laden. Besteht eine Verbindung?',
  search: 'Suchen',
  tryAgain: 'Noch einmal',
  you: 'du',

  guest: 'Gast',

  away: 'Abwesend',
  browseRooms: 'Räume entdecken',
  conversations: 'Unterhaltungen',
  directMessages: 'Personen',
  draft: 'Entwurf',
  favourites: 'Favoriten',
  groups: 'Gruppen',
  here: 'Da',
  jumpTo: 'Springen zu …',
  mentionCount,
  menuOf: (title) => `Menü von ${title}`,
  muted: 'stummgeschaltet',
  myMenu: 'Status und Einstellungen',
  noConversations: 'Noch nichts hier. Such dir einen Raum für den Anfang.',
  notHere: 'Nicht da',
  openReports,
  rooms: 'Räume',
  settings: 'Einstellungen',
  unreadCount,


  addReaction: 'Reagieren',
  andMore: (count) => `${count} weitere`,
  announcements: 'Neue Nachrichten',
  backToList: 'Zurück zur Liste',
  bot: 'Bot',
  code: 'Code',
  codeIn: (language) => `Code in ${language}`,
  conversationActions: 'Unterhaltung',
  deleted: 'Diese Nachricht wurde gelöscht',
  deletedBy: (name) => `Diese Nachricht wurde von ${name} gelöscht`,
  deletedShort: 'Gelöschte Nachricht',
  editedIsGone: 'Die Nachricht, die du bearbeitet hast, wurde gelöscht.',
  blockedMessage: 'Eine Nachricht von jemandem, den du blockiert hast',
  showIt: 'Zeigen',
  detailsOf: (title) => `Details zu ${title}`,
  directBegins: (name) => `Was du und ${name} einander sagt, seht nur ihr beide.`,
  earlierMessage: 'Eine frühere Nachricht',
  edited: '(bearbeitet)',
  groupBegins: 'Was hier gesagt wird, sehen nur die in dieser Gruppe.',
  joining: 'Tritt bei …',
  lost: 'Unter dieser Adresse gibt es nichts',
  mayNotSpeak: 'Hier darfst du lesen, aber nicht schreiben.',
  lineCount,
  messagesIn: (title) => `Nachrichten in ${title}`,
  newLine: 'Neu',
  newMessages,
  notSent: 'Nicht gesendet',
  onlyFor: (ranks) => `Nur zu sehen für ${ranks}`,
  pinned: 'Angeheftet',
  pinCount,
  memberCount,
  profileOf: (name) => `Profil von ${name}`,
  rank: { owner: 'Besitz', admin: 'Admin', operator: 'Moderation', 'half-operator': 'Hilfe', voice: 'Stimme' },
  ranks: { owner: 'Besitzende', admin: 'Admins', operator: 'die Moderation', 'half-operator': 'Helfende', voice: 'die mit einer Stimme' },
  reactedWith: (names, emoji) => `${names}: ${emoji}`,
  reactionOf: (emoji, count) => `${emoji}, ${reactions(count)}`,
  reactions: 'Reaktionen',
  relayedBy: (nick) => `über ${nick}`,
  replyCount,
  inReplyTo: 'Antwort auf',
  roomBegins: 'Hier beginnt der Raum.',
  roomBeginsForYou: 'Was vor deinem Beitritt gesagt wurde, ist nicht zu sehen.',
  sendAgain: 'Noch einmal senden',
  sending: 'Sendet …',
  showSpoiler: 'Verborgen. Zeigen.',
  skipToComposer: 'Zum Nachrichtenfeld',
  waitsForLink: 'Wird gesendet, sobald du wieder online bist',

  cancelEdit: 'Nicht mehr bearbeiten',
  cancelReply: 'Nicht antworten',
  editing: 'Du bearbeitest deine Nachricht',
  insertEmoji: 'Emoji einfügen',
  messageIn: (title) => `Nachricht in ${title}`,
  messageTo: (name) => `Nachricht an ${name}`,
  replyInThread: 'In diesem Strang antworten',
  replyingTo: (name) => `Antwort an ${name}`,
  saveEdit: 'Speichern',
  send: 'Senden',
  sendAsSeveral: (count) => `Als ${count} Nachrichten senden`,
  suggestions: 'Vorschläge',
  tooLong: (bytes) => `${bytes} Bytes zu lang. Sende sie in mehreren Teilen.`,
  tooLongForOne: 'Zu lang für eine Nachricht.',
  tooManyLines: (lines) => `Eine Nachricht hat höchstens ${lines} Zeilen. Sende sie in mehreren Teilen.`,

  invitePeople: 'Einladen',

  setTopic: 'Thema setzen',
};
