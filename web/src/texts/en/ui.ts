// What components say. Plain sentences; functions where something is filled in.

export const ui = {
  appName: 'parlor',
};
