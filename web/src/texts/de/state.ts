import type { state as english } from '../en/state';

export const state: typeof english = {
  joined: (who) => `${who} ist jetzt hier`,
};
