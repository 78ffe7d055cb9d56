// What the server writes down of who did what (crates/chat/src/audit.rs), in words.

import { flags, whomOf } from '../../state/conversation/modes';
import type { AuditLine, Rank } from '../../state/types';
import { apart } from '../../texts/apart';
import type { audit as english } from '../../texts/en/audit';
import type { modes } from '../../texts/en/modes';

export interface Told {
  /** Goes on behind the name of whoever did it. */
  readonly says: string;
  /** Why, in somebody's own words. */
  readonly reason: string;
  /** The message that it is about. */
  readonly message: string | null;
}

interface Words {
  readonly texts: typeof english & { readonly modes: typeof modes };
  readonly ranks: Readonly<Record<Rank, string>>;
}

/** By what the server calls them there (`RoomFlag`). */
const flagNames: Readonly<Record<string, keyof typeof flags>> = {
  Moderated: 'm',
  MembersSpeak: 'n',
  Secret: 's',
  TopicLocked: 't',
  InviteOnly: 'i',
  NoCtcp: 'C',
  AccountsJoin: 'R',
  AccountsSpeak: 'M',
  Registered: 'P',
  HistorySinceJoin: 'J',
  Announcements: 'A',
  Unlisted: 'p',
  OpModerated: 'U',
  Auditorium: 'u',
};

const rankNames: Readonly<Record<string, Rank>> = { Owner: 'owner', Admin: 'admin', Operator: 'operator', HalfOperator: 'half-operator', Voice: 'voice' };

/** What is new, and unknown here, is told as the server tells it. */
const asItIs = ({ target, detail }: AuditLine): string => [target, detail].filter(Boolean).join(' · ');

export function told(line: AuditLine, words: Words): Told {
  const { texts } = words;
  const { action, detail } = line;
  const plain = (says: string, reason = '', message: string | null = null): Told => ({ says, reason, message });
  const whom = apart(line.target ?? '?');
  switch (action) {
    case 'kick':
      return plain(texts.kicked(whom), detail);
    case 'kill':
      return plain(texts.killed(whom), detail);
    case 'topic':
      return plain(detail === 'removed' ? texts.topicRemoved : texts.topicSet);
    case 'pin':
      return plain(detail === 'unpinned' ? texts.unpinned : texts.pinned, '', line.target);
    case 'rename':
      return plain(texts.renamed(apart(detail.replace(/^was /, '')), apart(line.room ?? '?')));
    case 'redact':
      return plain(texts.deleted, detail);
    case 'invite-link':
      return plain(detail === 'revoked' ? texts.linkEnded : texts.linkMade);
    case 'report': {
      const [, , closed, open = ''] = /^(\d+)(?: (resolved|dismissed))?(?:: ([^]*))?$/.exec(detail) ?? ['', '', undefined, detail];
      return plain(closed === 'resolved' ? texts.resolved : closed === 'dismissed' ? texts.dismissed : texts.reported, open, line.target);
    }
    case 'server-ban': {
      const [, kind = '', what = ''] = /^(\S+)\s([^]*)$/.exec(line.target ?? '') ?? [];
      const on = texts.banOn[kind]?.(apart(what)) ?? whom;
      return detail === 'lifted' ? plain(texts.unbanned(on)) : plain(texts.banned(on), detail.replace(/^set: ?/, ''));
    }
    case 'operator':
      return plain(texts.becameOperator(apart(detail)));
    case 'account':
      return plain(ofAccount(line, whom, words) ?? asItIs(line));
    default: {
      const phrase = ofRoom(line, words);
      return plain(phrase === null ? asItIs(line) : texts.setting(phrase));
    }
  }
}

function ofAccount({ detail }: AuditLine, name: string, { texts }: Words): string | null {
  const [, word = '', rest = ''] = /^(renamed to|rights:)\s*(.*)$/.exec(detail) ?? ['', detail];
  switch (word) {
    case 'created':
      return texts.accountMade(name);
    case 'deleted':
      return texts.accountDeleted(name);
    case 'disabled':
      return texts.disabled(name);
    case 'enabled':
      return texts.enabled(name);
    case 'password set':
      return texts.passwordSet(name);
    case 'certificate added':
      return texts.certificateAdded(name);
    case 'certificate removed':
      return texts.certificateRemoved(name);
    case 'owns the server':
      return texts.ownsServer(name);
    case 'renamed to':
      return texts.accountRenamed(name, apart(rest));
    case 'rights:':
      return rest ? texts.rightsGiven(name, rest.split(' ').map((right) => texts.rights[right] ?? right).join(', ')) : texts.rightsTaken(name);
    default:
      return null;
  }
}

function ofRoom({ action, target, detail }: AuditLine, { texts, ranks }: Words): string | null {
  const { modes } = texts;
  const on = detail.startsWith('+');
  const name = detail.slice(1);
  const whom = whomOf(target ?? '?', apart);
  if (action === 'role') {
    const rank = rankNames[name];
    return rank ? (on ? modes.rankGiven : modes.rankTaken)(whom, ranks[rank]) : null;
  }
  if (action === 'list') {
    if (name === 'ban' && /^~?m:/.test(target ?? '')) return (on ? modes.muted : modes.unmuted)(whom);
    if (name === 'ban') return (on ? modes.banned : modes.unbanned)(whom);
    if (name === 'exception') return (on ? modes.exempted : modes.unexempted)(whom);
    return name === 'invitation' ? (on ? modes.letIn : modes.letInNoMore)(whom) : null;
  }
  const flag = flags[flagNames[name] ?? ''];
  if (flag) return modes.flags[flag]?.[on ? 0 : 1] ?? null;
  const [, what = detail, count = ''] = /^(set a limit of|slow mode|forward to) (\S+)/.exec(detail) ?? [];
  switch (what) {
    case 'set a key':
      return modes.key;
    case 'removed the key':
      return modes.noKey;
    case 'set a limit of':
      return modes.limit(count);
    case 'removed the limit':
      return modes.noLimit;
    case 'slow mode':
      return modes.slow(count);
    case 'ended slow mode':
      return modes.notSlow;
    case 'forward to':
      return modes.forward(apart(count));
    case 'ended the forward':
      return modes.noForward;
    case 'changed how long messages are kept':
      return texts.keptOtherwise;
    default:
      return null;
  }
}
