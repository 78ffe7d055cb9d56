// What the chat has of the browser: the link, chance, time and turns. Tests have others.

import type { Socket } from '../irc/connection';

export interface Outside {
  socket(): Socket;
  random(): number;
  now(): number;
  /** Soon, in time for the next frame. */
  schedule(run: () => void): void;
  /** When what is being done now is done. */
  later(run: () => void): void;
  /** The page begins anew, with nothing of what it shows. */
  restart(): void;
}

export const browser: Outside = {
  socket: () => {
    const address = new URL('/ws', location.href);
    address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
    return new WebSocket(address, ['text.ircv3.net']) as Socket;
  },
  random: Math.random,
  now: Date.now,
  // Once a frame while somebody looks; at once otherwise, where frames do not come and timers are slow.
  schedule: (run) => {
    if (document.visibilityState === 'visible') requestAnimationFrame(run);
    else run();
  },
  // Not a timer: those of a tab in the background come once a second, or once a minute.
  later: (run) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      run();
    };
    port2.postMessage(null);
  },
  restart: () => location.replace('/'),
};
