// What the server at the other end can, as far as components have to know it.

import type { Connection } from '../irc/connection';
import { multilineLimits } from '../irc/multiline';
import type { ServerAbilities } from './types';

export const noAbilities: ServerAbilities = {
  search: false,
  edit: false,
  delete: false,
  react: false,
  pins: false,
  reports: false,
  devices: false,
  groups: false,
  metadata: false,
  history: false,
  rename: false,
  messageBytes: 4_096,
  messageLines: 64,
  nickLength: 32,
  topicLength: 390,
};

export function abilitiesOf(connection: Connection): ServerAbilities {
  const { isupport } = connection;
  const limits = multilineLimits(connection.capabilities.get('draft/multiline'));
  return {
    search: connection.has('soju.im/search'),
    edit: connection.has('draft/message-edit'),
    delete: connection.has('draft/message-redaction'),
    react: connection.has('message-tags'),
    pins: connection.has('parlor/pins'),
    reports: connection.has('parlor/reports'),
    devices: connection.has('parlor/devices') && connection.account !== null,
    groups: connection.has('parlor/groups') && connection.account !== null,
    metadata: connection.has('draft/metadata-2'),
    history: connection.has('draft/chathistory'),
    rename: connection.has('draft/channel-rename'),
    messageBytes: limits?.bytes ?? noAbilities.messageBytes,
    messageLines: limits?.lines ?? noAbilities.messageLines,
    nickLength: isupport.nickLength,
    topicLength: isupport.topicLength,
  };
}
