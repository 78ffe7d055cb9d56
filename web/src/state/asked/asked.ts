// What the server is asked for when somebody looks: loaded then (asking.ts), not with the page.

export * as account from './account';
export * as commands from './commands';
export * as directory from './directory';
export * as joining from '../joining';
export * as messageFacts from './message_facts';
export * as moderation from './moderation';
export * as profile from './profile';
export * as roomAccess from './room_access';
export * as roomSettings from './room_settings';
export { readAbsent } from './absent_members';
export { notTaken } from './not_taken';
export { recount } from './recount';
export { search } from './search';
export { loadThread } from './thread';
export { readPins } from './pins';
export { lineBehind } from './unread_line';
