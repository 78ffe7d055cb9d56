// All emoji, loaded when someone looks for one. Names are Unicode's; a few words that people use are added, German ones
// as well, since the data has English names only.
import type { LanguageTag } from '../../texts/language.svelte';
import { shortcodes } from './shortcodes';

export interface Emoji {
  readonly text: string;
  readonly name: string;
  /** For `:name:`; the first is the one that is shown. */
  readonly codes: readonly string[];
  /** All that it is found by, in lower case. */
  readonly words: string;
}

export interface EmojiGroup {
  readonly name: string;
  readonly emoji: readonly Emoji[];
}

/** Words besides the name. The first group of each line is English, the second German. */
const added: Record<string, readonly [string, string]> = {
  '👍': ['+1 yes ok like approve', 'daumen hoch ja gut einverstanden'],
  '👎': ['-1 no dislike', 'daumen runter nein schlecht'],
  '😀': ['smile happy', 'lachen froh'],
  '😂': ['lol laugh tears', 'lachen tränen'],
  '🤣': ['rofl lol', 'lachen kugeln'],
  '🙂': ['smile', 'lächeln'],
  '😉': ['wink', 'zwinkern'],
  '😊': ['blush smile', 'lächeln rot'],
  '😍': ['love', 'verliebt herz'],
  '😘': ['kiss', 'kuss'],
  '😎': ['cool', 'cool sonnenbrille'],
  '🤔': ['think hmm', 'denken nachdenken hm'],
  '🙄': ['eyeroll', 'augenrollen'],
  '😅': ['phew', 'schweiß puh'],
  '😢': ['sad cry', 'traurig weinen'],
  '😭': ['cry sob', 'weinen heulen'],
  '😡': ['angry mad', 'wütend sauer'],
  '😱': ['scream omg', 'schrei angst'],
  '😴': ['sleep tired', 'schlafen müde'],
  '🤯': ['mindblown', 'umwerfend'],
  '🥳': ['party celebrate', 'feiern party'],
  '🤷': ['dunno idk shrug', 'schulterzucken keine ahnung'],
  '🤦': ['facepalm', 'stirn'],
  '🙏': ['thanks please pray', 'danke bitte'],
  '👏': ['clap bravo applause', 'klatschen applaus'],
  '👋': ['hello hi bye wave', 'hallo winken tschüss'],
  '💪': ['strong muscle', 'stark muskel'],
  '👀': ['look see watching', 'augen schauen'],
  '🤝': ['deal agree', 'abgemacht hände'],
  '✌️': ['peace', 'frieden'],
  '🤞': ['luck hope', 'glück daumen drücken'],
  '👌': ['ok perfect', 'ok perfekt'],
  '❤️': ['heart love', 'herz liebe'],
  '💔': ['broken heart', 'gebrochenes herz'],
  '🔥': ['lit hot', 'feuer heiß'],
  '✨': ['shine new magic', 'glitzer neu'],
  '🎉': ['tada party hooray congrats', 'feier glückwunsch hurra'],
  '🎂': ['birthday', 'geburtstag kuchen torte'],
  '🎁': ['present gift', 'geschenk'],
  '✅': ['done check yes', 'fertig erledigt haken ja'],
  '❌': ['no wrong cross', 'nein falsch kreuz'],
  '⚠️': ['warning careful', 'warnung achtung'],
  '❓': ['question', 'frage'],
  '❗': ['important exclamation', 'wichtig ausrufezeichen'],
  '💯': ['100 perfect', 'hundert perfekt'],
  '🚀': ['ship launch fast', 'rakete schnell'],
  '🐛': ['bug', 'fehler käfer raupe'],
  '💡': ['idea light', 'idee licht'],
  '📌': ['pin', 'anheften'],
  '📎': ['clip attach', 'klammer'],
  '🔒': ['lock secure', 'schloss sicher'],
  '🔑': ['key', 'schlüssel'],
  '⏰': ['alarm time', 'wecker zeit'],
  '📅': ['calendar date', 'kalender datum'],
  '☕': ['coffee tea break', 'kaffee tee pause'],
  '🍵': ['tea', 'tee'],
  '🍕': ['pizza', 'pizza'],
  '🍺': ['beer cheers', 'bier prost'],
  '🍷': ['wine', 'wein'],
  '🍰': ['cake', 'kuchen'],
  '☀️': ['sun weather', 'sonne wetter'],
  '🌧️': ['rain weather', 'regen wetter'],
  '❄️': ['snow cold', 'schnee kalt'],
  '🐱': ['cat', 'katze'],
  '🐶': ['dog', 'hund'],
  '🏠': ['home house', 'haus zuhause'],
  '🚗': ['car', 'auto'],
  '🚲': ['bike', 'fahrrad'],
  '✈️': ['plane flight holiday', 'flugzeug urlaub'],
  '🎵': ['music', 'musik'],
  '⚽': ['football soccer', 'fußball'],
  '💻': ['computer laptop code', 'rechner'],
  '📱': ['phone mobile', 'handy telefon'],
  '💰': ['money', 'geld'],
  '🏆': ['win trophy', 'pokal sieg'],
  '🌈': ['rainbow', 'regenbogen'],
  '🌍': ['world earth', 'welt erde'],
  '➕': ['plus', 'plus'],
  '➡️': ['arrow right', 'pfeil rechts'],
  '⬅️': ['arrow left', 'pfeil links'],
};

const taken = new Set(Object.values(shortcodes).flatMap((codes) => codes.split(' ')));
let loaded: Promise<readonly EmojiGroup[]> | undefined;

export function groups(): Promise<readonly EmojiGroup[]> {
  loaded ??= import('unicode-emoji-json/data-by-group.json')
    .then((module) =>
      module.default.map((group) => ({
        name: group.slug,
        emoji: group.emojis.map((one) => {
          const usual = shortcodes[one.emoji]?.split(' ') ?? [];
          // As elsewhere: the cat's face is :cat:, the cat :cat2:.
          const codes = usual.includes(one.slug) ? usual : [...usual, taken.has(one.slug) ? `${one.slug}2` : one.slug];
          return { text: one.emoji, name: one.name, codes, words: `${one.name} ${codes.join(' ')} ${added[one.emoji]?.join(' ') ?? ''}`.toLowerCase() };
        }),
      })),
    )
    .catch((error: unknown) => {
      // The next one who asks may have a link.
      loaded = undefined;
      throw error;
    });
  return loaded;
}

/** What fits all words: exactly before only at its beginning, what is called so before what may be; shorter names first. */
export function find(all: readonly EmojiGroup[], words: string, limit = Infinity): Emoji[] {
  const wanted = words.toLowerCase().split(/[\s_]+/).filter(Boolean);
  if (wanted.length === 0) return [];
  const found: { emoji: Emoji; fit: number }[] = [];
  for (const group of all) {
    for (const emoji of group.emoji) {
      if (wanted.every((word) => emoji.words.includes(word))) found.push({ emoji, fit: fitOf(emoji, wanted) });
    }
  }
  return found
    .sort((a, b) => a.fit - b.fit || a.emoji.name.length - b.emoji.name.length)
    .slice(0, limit)
    .map(({ emoji }) => emoji);
}

function fitOf({ text, codes, words }: Emoji, wanted: readonly string[]): number {
  const code = wanted.join('_');
  if (codes.includes(code)) return 0;
  const tags = (added[text] ?? []).map((of) => of.split(' '));
  // Its first word is what it is, the others what it may mean.
  if (tags.some(([first]) => first === code)) return 1;
  if (tags.some((of) => of.includes(code))) return 2;
  if (codes.some((of) => of.startsWith(code))) return 3;
  return wanted.every((word) => ` ${words}`.includes(` ${word}`) || `_${words}`.includes(`_${word}`)) ? 4 : 5;
}

/** The emoji that is called so between colons; null: none is. */
export async function ofCode(code: string): Promise<string | null> {
  const called = code.toLowerCase();
  for (const { emoji } of await groups()) {
    for (const { codes, text } of emoji) if (codes.includes(called)) return text;
  }
  return null;
}

/** A word in the reader's language that says what it is, where there is one. */
export function described(emoji: Emoji, tag: LanguageTag): string {
  const german = tag === 'de' ? added[emoji.text]?.[1] : undefined;
  return german ? `${emoji.name} (${german})` : emoji.name;
}
