// What is said by parts that come right behind what is to be seen first.
import { plural } from '../plural';

const many = (one: string, other: string) => plural('en', { one, other });

const messageCount = many('# message', '# messages');
const seconds = many('# second', '# seconds');

export const soon = {
  catchingUp: 'Catching up…',
  connecting: 'Connecting…',
  offline: 'You are offline.',
  offlineNow: 'The link is gone. What you write is kept, and sent when it is back.',
  willBeSent: (count: number) => `${count} to be sent.`,
  onlineAgain: 'You are online again.',
  retryIn: (count: number) => `Next try in ${seconds(count)}`,
  tryNow: 'Try now',
  unsentCount: (count: number) => `${messageCount(count)} will be sent when you are back`,
  areWriting: (names: string, count: number) => `${names} ${count === 1 ? 'is' : 'are'} writing…`,
  severalWrite: 'Several people are writing…',
  loadingOlder: 'Loading earlier messages…',
  dismiss: 'Dismiss',
  saysAloud: (name: string, text: string) => `${name}: ${text}`,
  waitsElsewhere: (where: string, count: number) => `${where}: ${many('# new for you', '# new for you')(count)}`,
  spoiler: 'hidden',
  toLatest: 'To the latest',
  markRead: 'Mark as read',
  shift: 'Shift',
  join: 'Join',
};
