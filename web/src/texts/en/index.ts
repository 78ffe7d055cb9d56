import { state } from './state';
import { ui } from './ui';

/** English: the language that the others are complete against (the type is taken from it). */
export const en = { ui, state };

export type Texts = typeof en;
