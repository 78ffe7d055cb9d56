// What somebody did to a room's modes; loaded when the first of it is told (state/conversation/mode_texts.svelte.ts).

import { duration } from './duration';

export const modes = {
  rankGiven: (who: string, rank: string) => `made ${who} ${rank}`,
  rankTaken: (who: string, rank: string) => `took the role ${rank} from ${who}`,
  banned: (mask: string) => `banned ${mask}`,
  unbanned: (mask: string) => `lifted the ban on ${mask}`,
  muted: (mask: string) => `muted ${mask}`,
  unmuted: (mask: string) => `unmuted ${mask}`,
  exempted: (mask: string) => `exempted ${mask} from bans`,
  unexempted: (mask: string) => `ended the exemption of ${mask} from bans`,
  letIn: (mask: string) => `lets ${mask} in without an invitation`,
  letInNoMore: (mask: string) => `lets ${mask} in only with an invitation again`,
  key: 'set a password for the room',
  noKey: 'removed the room’s password',
  limit: (people: string) => `allowed ${people} people at most`,
  noLimit: 'allowed any number of people',
  slow: (seconds: string) => `lets each member speak every ${seconds} seconds`,
  notSlow: 'ended slow mode',
  forward: (room: string) => `sends those who are kept out to ${room}`,
  noForward: 'sends nobody to another room any more',
  kept: (time: string) => `has messages kept for ${duration(time)}`,
  keptAsUsual: 'has messages kept as everywhere on this server',
  /** Switched on, switched off. */
  flags: {
    moderated: ['lets only members with a role speak', 'lets everyone speak'],
    announcements: ['made this a room for announcements', 'lets others than moderators speak again'],
    inviteOnly: ['closed the room to those who are not invited', 'opened the room to everyone'],
    secret: ['hid the room', 'shows the room again'],
    unlisted: ['took the room off the list', 'put the room on the list'],
    topicLocked: ['lets only moderators change the topic', 'lets everyone change the topic'],
    membersOnly: ['refuses messages from outside', 'allows messages from outside'],
    accountsOnly: ['lets only people with an account in', 'lets guests in'],
    accountsSpeak: ['lets only people with an account speak', 'lets guests speak'],
    kept: ['has the room kept for ever', 'lets the room go when nobody owns it'],
    historySinceJoin: ['hides what was said before someone joined', 'shows newcomers what was said before'],
    noCtcp: ['refuses questions between programs', 'allows questions between programs'],
    heldForModerators: [
      'has messages of members without a role shown to moderators only',
      'has messages of all members shown to everyone',
    ],
    auditorium: ['shows members without a role only those who have one', 'shows all members to everyone'],
  } as Record<string, readonly [string, string]>,
};
