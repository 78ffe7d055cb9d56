// Whether somebody looks at the page, and what the browser says of itself: that it has a network, that the page goes.

import type { ConversationState } from './conversation/conversation.svelte';
import type { Keeping } from './keeping';
import type { LinkState } from './link.svelte';
import type { Tabs } from './tabs';

/** Nobody looks for so long: nobody is at this device. */
const absentAfter = 5 * 60_000;

/** What is looked at. */
interface Watched {
  readonly tabs: Tabs;
  readonly link: LinkState;
  readonly keeping: Keeping;
  readonly current: ConversationState | null;
  /** The person has said that she is away. */
  readonly isAway: boolean;
  looksAt(conversation: ConversationState): boolean;
}

export class Attention {
  /** Nobody is at this device, and the server was told. */
  isAbsent = false;
  readonly #watched: Watched;
  #absence: ReturnType<typeof setTimeout> | undefined;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  start(): void {
    const { link, keeping } = this.#watched;
    window.addEventListener('online', () => link.reconnect());
    window.addEventListener('offline', () => link.check());
    document.addEventListener('visibilitychange', () => this.looked());
    window.addEventListener('focus', () => this.looked());
    window.addEventListener('pagehide', () => void keeping.keep());
    this.looked();
  }

  /** The person turns to the page, away from it, or to something else in it. */
  looked(): void {
    const { tabs, link, keeping, current, isAway } = this.#watched;
    const looks = document.visibilityState === 'visible';
    tabs.tell({ kind: 'looked', tab: tabs.id, conversation: looks ? (current?.key ?? '') : null });
    clearTimeout(this.#absence);
    link.flush();
    if (looks) {
      link.looked();
      if (this.isAbsent) {
        this.isAbsent = false;
        if (!isAway) link.connection?.send('AWAY');
      }
      if (current && this.#watched.looksAt(current)) current.looked();
    } else {
      void keeping.keep();
      this.#absence = setTimeout(() => this.#nobodyLooks(), absentAfter);
    }
  }

  #nobodyLooks(): void {
    const { isAway, link } = this.#watched;
    if (isAway || !link.connection) return;
    this.isAbsent = true;
    link.connection.send('AWAY', ['*']);
  }
}
