import type { soon as english } from '../en/soon';
import { plural } from '../plural';

const many = (one: string, other: string) => plural('de', { one, other });

const messageCount = many('# Nachricht', '# Nachrichten');
const inSeconds = many('# Sekunde', '# Sekunden');

export const soon: typeof english = {
  catchingUp: 'Holt Verpasstes nach …',
  connecting: 'Verbindet …',
  offline: 'Du bist offline.',
  offlineNow: 'Die Verbindung ist weg. Was du schreibst, bleibt und wird gesendet, sobald sie wieder da ist.',
  willBeSent: (count) => `${count} zu senden.`,
  onlineAgain: 'Du bist wieder online.',
  retryIn: (count) => `Nächster Versuch in ${inSeconds(count)}`,
  tryNow: 'Jetzt versuchen',
  unsentCount: (count) => `${messageCount(count)} ${count === 1 ? 'wird' : 'werden'} gesendet, sobald du zurück bist`,
  areWriting: (names, count) => `${names} ${count === 1 ? 'schreibt' : 'schreiben'} …`,
  severalWrite: 'Mehrere schreiben …',
  loadingOlder: 'Lädt frühere Nachrichten …',
  dismiss: 'Ausblenden',
  saysAloud: (name, text) => `${name}: ${text}`,
  waitsElsewhere: (where, count) => `${where}: ${many('# neue für dich', '# neue für dich')(count)}`,
  spoiler: 'verborgen',
  toLatest: 'Zum Neuesten',
  markRead: 'Als gelesen markieren',
  shift: 'Umschalt',
  join: 'Beitreten',
};
