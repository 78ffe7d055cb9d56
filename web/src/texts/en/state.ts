// What the state says: refusals and events, as sentences.

export const state = {
  joined: (who: string) => `${who} joined`,
};
