// What the server says of itself (005, Modern IRC "RPL_ISUPPORT Parameters").

import { caseMapping, fold, type CaseMapping } from './casefold';

export class Isupport {
  caseMapping: CaseMapping = 'rfc1459';
  /** Rank letters, highest first, and their signs. */
  rankLetters = 'ov';
  rankSigns = '@+';
  statusSigns = '';
  /** Letters of modes: lists, always with a parameter, with one when set, without. */
  listModes = 'b';
  paramModes = 'k';
  setParamModes = 'l';
  flagModes = 'imnpst';
  /** Messages that the server tells at once. */
  historyPage = 100;
  nickLength = 30;
  topicLength = 390;
  kickLength = 390;
  modesAtOnce = 3;
  whox = false;
  network = '';

  /** `params` of the line: one's nick first, the text last. */
  take(params: readonly string[]): void {
    for (const token of params.slice(1, -1)) {
      if (token.startsWith('-')) continue;
      const [name = '', value = ''] = token.split(/=(.*)/s);
      const number = Number.parseInt(value, 10);
      switch (name) {
        case 'CASEMAPPING':
          this.caseMapping = caseMapping(value);
          break;
        case 'PREFIX': {
          const found = /^\(([^)]*)\)(.*)$/.exec(value);
          this.rankLetters = found?.[1] ?? '';
          this.rankSigns = found?.[2] ?? '';
          break;
        }
        case 'STATUSMSG':
          this.statusSigns = value;
          break;
        case 'CHANMODES':
          [this.listModes = '', this.paramModes = '', this.setParamModes = '', this.flagModes = ''] = value.split(',');
          break;
        case 'CHATHISTORY':
          // 0: any number.
          this.historyPage = number > 0 ? Math.min(number, 100) : 100;
          break;
        case 'NICKLEN':
          this.nickLength = number || this.nickLength;
          break;
        case 'TOPICLEN':
          this.topicLength = number || this.topicLength;
          break;
        case 'KICKLEN':
          this.kickLength = number || this.kickLength;
          break;
        case 'MODES':
          this.modesAtOnce = number || 12;
          break;
        case 'WHOX':
          this.whox = true;
          break;
        case 'NETWORK':
          this.network = value;
          break;
      }
    }
  }

  fold(name: string): string {
    return fold(this.caseMapping, name);
  }

  same(one: string, other: string): boolean {
    return one === other || this.fold(one) === this.fold(other);
  }

  isRoom(name: string): boolean {
    return name.startsWith('#');
  }

  /** `@#tea`: the room, and the sign of those to whom it is said. */
  withoutStatus(target: string): { target: string; sign: string | null } {
    let at = 0;
    while (at < target.length && this.statusSigns.includes(target.charAt(at))) at += 1;
    const rest = target.slice(at);
    if (at === 0 || !this.isRoom(rest)) return { target, sign: null };
    return { target: rest, sign: target.slice(0, 1) };
  }
}

/** One change of MODE. */
export interface ModeChange {
  readonly on: boolean;
  readonly letter: string;
  readonly param: string | null;
}

export function modeChanges(isupport: Isupport, params: readonly string[]): ModeChange[] {
  const [letters = '', ...rest] = params;
  const changes: ModeChange[] = [];
  let on = true;
  for (const letter of letters) {
    if (letter === '+' || letter === '-') {
      on = letter === '+';
      continue;
    }
    const always =
      isupport.rankLetters.includes(letter) || isupport.listModes.includes(letter) || isupport.paramModes.includes(letter);
    const takes = always || (on && isupport.setParamModes.includes(letter));
    changes.push({ on, letter, param: takes ? (rest.shift() ?? null) : null });
  }
  return changes;
}
