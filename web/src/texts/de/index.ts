import type { Texts } from '../en';
import { state } from './state';
import { ui } from './ui';

export const de: Texts = { ui, state };
