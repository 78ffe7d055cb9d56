// What is negotiated before the welcome, and when the server has something new (IRCv3 capability-negotiation 302).

import type { Line } from './line';

/** Asked for where the server has them. `sasl` is not: the cookie says who one is. */
const wanted = [
  'account-notify',
  'account-tag',
  'away-notify',
  'batch',
  'cap-notify',
  'chghost',
  'echo-message',
  'extended-join',
  'extended-monitor',
  'invite-notify',
  'labeled-response',
  'message-tags',
  'multi-prefix',
  'no-implicit-names',
  'server-time',
  'setname',
  'standard-replies',
  'draft/channel-rename',
  'draft/chathistory',
  'draft/event-playback',
  'draft/extended-isupport',
  'draft/message-edit',
  'draft/message-redaction',
  'draft/metadata-2',
  'draft/multiline',
  'draft/persistence',
  'draft/read-marker',
  'draft/relaymsg',
  'soju.im/search',
  'parlor/unread',
  'parlor/pins',
  'parlor/reports',
  'parlor/devices',
  'parlor/connection',
  'parlor/activity',
  'parlor/groups',
  'parlor/members',
  'parlor/identity',
  'parlor/once',
];

/** What people say of themselves, and the marks on one's own conversations. */
const subscriptions = [
  'display-name',
  'pronouns',
  'status',
  'soju.im/muted',
  'soju.im/pinned',
  'soju.im/blocked',
];

/** The server refused a capability that ours has (an older page, a newer server): from then on it is asked what there is first. */
let serverIsOther = false;

/** The link that it is negotiated on. */
interface Link {
  readonly nick: string;
  /** The server has let us in. */
  readonly ready: boolean;
  send(command: string, params: readonly string[]): void;
  sendRaw(line: string): void;
}

export class Negotiation {
  /** What was granted, with the server's values. */
  readonly granted = new Map<string, string>();
  readonly #link: Link;
  readonly #realname: string;
  readonly #offered = new Map<string, string>();
  readonly #requested = new Set<string>();
  #introduced = false;

  constructor(link: Link, realname: string) {
    this.#link = link;
    this.#realname = realname;
  }

  /** Everything at once: the server answers in order, and what is wanted our own has. */
  begin(): void {
    this.#link.sendRaw('CAP LS 302');
    if (serverIsOther) return;
    this.#request(wanted);
    this.#introduce(true);
  }

  /** A line with CAP. False: it has to be begun anew, on another link. */
  take(line: Line): boolean {
    const subcommand = (line.params[1] ?? '').toUpperCase();
    const list = (line.params.at(-1) ?? '').split(' ').filter(Boolean);
    switch (subcommand) {
      case 'LS':
      case 'NEW': {
        for (const entry of list) {
          const [name = '', value = ''] = entry.split(/=(.*)/s);
          this.#offered.set(name, value);
          if (this.granted.has(name)) this.granted.set(name, value);
        }
        const moreFollow = line.params[2] === '*' && line.params.length > 3;
        if (subcommand === 'LS' && moreFollow) break;
        this.#request(wanted.filter((name) => this.#offered.has(name) && !this.granted.has(name) && !this.#requested.has(name)));
        if (subcommand === 'LS') this.#introduce(this.#offered.has('draft/metadata-2'));
        break;
      }
      case 'ACK':
        for (const entry of list) {
          const name = entry.replace(/^-/, '');
          this.#requested.delete(name);
          if (entry.startsWith('-')) this.granted.delete(name);
          else this.granted.set(name, this.#offered.get(name) ?? '');
        }
        break;
      case 'NAK':
        if (!this.#link.ready && !serverIsOther) {
          serverIsOther = true;
          return false;
        }
        // A request is granted or refused as a whole; one by one only the culprit is missed.
        if (list.length > 1) for (const name of list) this.#link.send('CAP', ['REQ', name]);
        else for (const name of list) this.#requested.delete(name);
        break;
      case 'DEL':
        for (const name of list) {
          this.#offered.delete(name);
          this.granted.delete(name);
        }
        break;
    }
    return true;
  }

  #request(names: readonly string[]): void {
    // A line has room for 510 bytes.
    let request: string[] = [];
    const say = (): void => {
      if (request.length > 0) this.#link.sendRaw(`CAP REQ :${request.join(' ')}`);
      request = [];
    };
    for (const name of names) {
      this.#requested.add(name);
      if (request.join(' ').length + name.length > 400) say();
      request.push(name);
    }
    say();
  }

  /** All at once: nobody has to wait for the answers to the requests. */
  #introduce(hasMetadata: boolean): void {
    if (this.#introduced) return;
    this.#introduced = true;
    const { nick } = this.#link;
    const user = nick.replace(/[^A-Za-z0-9]/g, '').slice(0, 10) || 'user';
    this.#link.send('NICK', [nick]);
    this.#link.sendRaw(`USER ${user} 0 * :${this.#realname.replace(/[\r\n\0]/g, ' ')}`);
    // Before the welcome, so that one's own marks (muted, favourite, blocked) come with it.
    if (hasMetadata) this.#link.send('METADATA', ['*', 'SUB', ...subscriptions]);
    this.#link.send('CAP', ['END']);
  }
}
