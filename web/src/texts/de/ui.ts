import type { ui as english } from '../en/ui';

export const ui: typeof english = {
  appName: 'parlor',
};
