/**
 * Finding a farmer while somebody types: by number, name in either script, sound, code, end of the phone
 * number, village. The rules of sound are those of malar/kernel/sound.py, the table is the same file.
 * Pure; an index of 2,000 farmers is made once and then asked at every key.
 */

/**
 * @typedef {{tamil: Record<string, string>, latin: Record<string, string>, folds: [string, string][],
 *   unfinished: Record<string, string>}} Table
 * @typedef {{id: string, number: number, code: string, name_ta: string, name_en: string, village_ta: string,
 *   village_en: string, phone_last4?: string, is_active: boolean, last_seen?: string | null}} Farmer
 * @typedef {"number" | "code" | "name" | "sound" | "like" | "phone" | "village"} Why what of him was meant
 * @typedef {{written: string, sound: string, bones: string, letters: number, ofNames: number[],
 *   ofVillages: number[]}} Word
 *   a word of the index and the places of the farmers that have it
 * @typedef {{farmers: Farmer[], words: Word[], phonetics: Phonetics}} Index
 */

// What a match costs; less is better. A wrong consonant costs CONSONANT, vowels hardly count.
const SAME_SOUND = 2;
const BEGINS = 10;
const SOUNDS = 20;
const SOUND_BEGINS = 40;
const WITHIN = 60;
const SOUND_WITHIN = 80;
const LIKE = 120;
const VILLAGE = 400;
const INACTIVE = 1000;
const NOTHING = 1e6;

const CONSONANT = 100;
const OTHER_VOWEL = 3;
const ONE_VOWEL = 4;

const WORD = /[\u0b80-\u0bff]+|[a-z]+|[0-9]+/g;
const VOWELS = /[aeiou]/g;

/** The text in one form: composed, small letters, no accents, 0-9 for Tamil digits. @param {string} text */
export function normal(text) {
  return text
    .normalize("NFD")
    .replace(/[\u0300-\u036f\u200b-\u200d]/g, "")
    .normalize("NFC")
    .toLowerCase()
    .replace(/[\u0be6-\u0bef]/g, (digit) => String(digit.charCodeAt(0) - 0x0be6));
}

/** The words of a text: runs of Tamil letters, of Latin letters, of digits. @param {string} text @returns {string[]} */
export function wordsOf(text) {
  return normal(text).match(WORD) ?? [];
}

/** A sound without its vowels; `a` stands for whichever it begins with. @param {string} sound */
export function bones(sound) {
  return (isVowel(sound) ? "a" : "") + sound.replace(VOWELS, "");
}

/** A sound, its bones, and which consonants are in it, a bit for each. @param {string} sound */
function parsed(sound) {
  let letters = 0;
  for (const letter of sound.replace(VOWELS, "")) letters |= 1 << (letter.charCodeAt(0) - 97);
  return { sound, bones: bones(sound), letters };
}

/** @param {number} bits */
function bitsIn(bits) {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count += 1;
  return count;
}

/** Whether a sound begins with a vowel. @param {string} sound */
function isVowel(sound) {
  return sound !== "" && "aeiou".includes(sound[0]);
}

/** The table, made ready. */
export class Phonetics {
  /** @param {Table} table */
  constructor(table) {
    this.table = table;
    /** @type {[RegExp, string][]} */
    this.folds = table.folds.map(([pattern, sound]) => [new RegExp(pattern, "g"), sound]);
    /** @type {(pieces: Record<string, string>) => number} */
    const longest = (pieces) =>
      Math.max(...Object.keys(pieces).map((piece) => piece.replace(/[\^$]/g, "").length));
    this.longest = { tamil: longest(table.tamil), latin: longest(table.latin) };
    /** @type {Map<string, string>} */
    this.known = new Map();
  }

  /** How one word of `wordsOf` sounds, with its vowels. @param {string} word @returns {string} */
  spoken(word) {
    let sound = this.known.get(word);
    if (sound === undefined) {
      sound = this.heard(word);
      this.known.set(word, sound);
    }
    return sound;
  }

  /** @param {string} word @returns {string} */
  heard(word) {
    if (word[0] <= "9") return word;
    const script = word[0] <= "z" ? "latin" : "tamil";
    let sound = rewritten(word, this.table[script], this.longest[script]);
    for (const [pattern, folded] of this.folds) sound = sound.replace(pattern, folded);
    return sound.replace(/(.)\1+/g, "$1");
  }

  /** All longer words of a name written together, if there are several. @param {string[]} words @returns {string[]} */
  together(words) {
    const whole = words.filter((word) => word[0] > "9" && bones(this.spoken(word)).length > 1);
    return whole.length > 1 ? [whole.join("")] : [];
  }

  /**
   * What a typed word may sound like. Its end may be half of a letter: `paz` is also the start of `pazh…`.
   * @param {string} word @returns {string[]}
   */
  readings(word) {
    const endings = this.table.unfinished;
    const sounds = [this.spoken(word)];
    for (let at = 0; at < word.length; at++) {
      if (!Object.hasOwn(endings, word.slice(at))) continue;
      const more = this.heard(word.slice(0, at) + endings[word.slice(at)]);
      return more === sounds[0] ? sounds : [...sounds, more];
    }
    return sounds;
  }
}

/**
 * The word piece by piece, the longest known piece first.
 * @param {string} word @param {Record<string, string>} pieces @param {number} longest
 */
function rewritten(word, pieces, longest) {
  let out = "";
  let at = 0;
  while (at < word.length) {
    let length = Math.min(longest, word.length - at);
    let piece = "";
    /** @type {string | undefined} */
    let sound;
    for (; length > 0; length--) {
      piece = word.slice(at, at + length);
      const starts = at === 0;
      const ends = at + length === word.length;
      if (starts && ends) sound = pieces[`^${piece}$`];
      if (sound === undefined && starts) sound = pieces[`^${piece}`];
      if (sound === undefined && ends) sound = pieces[`${piece}$`];
      if (sound === undefined) sound = pieces[piece];
      if (sound !== undefined) break;
    }
    at += Math.max(length, 1);
    out += sound ?? "";
    const last = piece[piece.length - 1];
    const next = word[at] ?? "";
    // A Tamil consonant without a sign is spoken with a.
    if (last >= "\u0b95" && last <= "\u0bb9" && !(next >= "\u0bbe" && next <= "\u0bcd")) out += "a";
  }
  return out;
}

/**
 * The index of a shop's farmers.
 * @param {Farmer[]} farmers @param {Table} table @returns {Index}
 */
export function makeIndex(farmers, table) {
  const phonetics = new Phonetics(table);
  /** @type {Map<string, Word>} */
  const words = new Map();
  /** @param {string} written @returns {Word} */
  const entry = (written) => {
    let word = words.get(written);
    if (!word) {
      const sound = phonetics.spoken(written);
      word = { written, ...parsed(sound), ofNames: [], ofVillages: [] };
      words.set(written, word);
    }
    return word;
  };
  /** @type {Map<string, Word[]>} */
  const entries = new Map();
  /** @param {string} text @returns {Word[]} */
  const entriesOf = (text) => {
    let known = entries.get(text);
    if (!known) {
      const parts = wordsOf(text);
      known = [...parts, ...phonetics.together(parts)].map(entry);
      entries.set(text, known);
    }
    return known;
  };
  farmers.forEach((farmer, place) => {
    for (const name of [farmer.name_ta, farmer.name_en]) {
      for (const word of entriesOf(name)) word.ofNames.push(place);
    }
    for (const village of [farmer.village_ta, farmer.village_en]) {
      for (const word of entriesOf(village)) word.ofVillages.push(place);
    }
  });
  return { farmers, words: [...words.values()], phonetics };
}

/**
 * The farmers meant by what is typed, best first. Without words nobody is.
 * Equal matches: those seen last first (`recent`, then `last_seen`), then by number.
 *
 * @param {Index} index @param {string} query
 * @param {{limit?: number, recent?: string[]}} [options] recent: ids, the newest first
 * @returns {{farmer: Farmer, why: Why}[]}
 */
export function find(index, query, { limit = 8, recent = [] } = {}) {
  const typed = wordsOf(query);
  if (typed.length === 0) return [];
  let found = meant(index, typed, false);
  // Slips of the finger are looked for where there is room left for them: it takes longest.
  if (found.costs.filter((cost) => cost < VILLAGE).length < limit) found = meant(index, typed, true);
  byCode(index, normal(query).replace(/\s/g, ""), found);

  const seen = new Map(recent.map((id, place) => [id, place]));
  const rows = [];
  for (let place = 0; place < index.farmers.length; place++) {
    if (found.costs[place] >= NOTHING) continue;
    const farmer = index.farmers[place];
    const leftOut = farmer.is_active || found.why[place] === "number" ? 0 : INACTIVE;
    rows.push({
      farmer,
      why: found.why[place],
      cost: found.costs[place] + leftOut,
      recent: seen.get(farmer.id) ?? recent.length,
      rest: found.rests[place],
    });
  }
  rows.sort(
    (a, b) =>
      a.cost - b.cost ||
      a.recent - b.recent ||
      compare(b.farmer.last_seen ?? "", a.farmer.last_seen ?? "") ||
      a.rest - b.rest ||
      a.farmer.number - b.farmer.number,
  );
  return rows.slice(0, limit).map(({ farmer, why }) => ({ farmer, why }));
}

/** @param {string} one @param {string} other */
function compare(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

/** @typedef {{costs: Float64Array, rests: Float64Array, why: Why[]}} Found what each farmer costs, by place */

/** @param {number} count @returns {Found} */
function nobody(count) {
  return {
    costs: new Float64Array(count).fill(NOTHING),
    rests: new Float64Array(count),
    why: new Array(count).fill("like"),
  };
}

/**
 * Who is meant by the typed words as they are, or written together.
 * @param {Index} index @param {string[]} typed @param {boolean} nearly whether also by names that are only like it
 * @returns {Found}
 */
function meant(index, typed, nearly) {
  const found = match(index, typed, nearly);
  const apart = index.phonetics.together(typed);
  // Written in two words what the book has in one.
  if (apart.length > 0) keepBetter(found, match(index, apart, nearly));
  return found;
}

/**
 * Every typed word must be found on a farmer.
 * @param {Index} index @param {string[]} typed @param {boolean} nearly @returns {Found}
 */
function match(index, typed, nearly) {
  const { farmers } = index;
  const total = nobody(farmers.length);
  total.costs.fill(0);
  const worst = new Float64Array(farmers.length).fill(-1);
  for (const word of typed) {
    const one = word[0] <= "9" ? byDigits(index, word) : byWord(index, word, nearly);
    for (let place = 0; place < farmers.length; place++) {
      if (one.costs[place] > worst[place]) {
        worst[place] = one.costs[place];
        total.why[place] = one.why[place];
      }
      total.costs[place] += one.costs[place];
      total.rests[place] += one.rests[place];
    }
  }
  return total;
}

/**
 * @param {Found} found @param {number} place @param {number} cost @param {number} rest @param {Why} why
 */
function offer(found, place, cost, rest, why) {
  if (cost > found.costs[place] || (cost === found.costs[place] && rest >= found.rests[place])) return;
  found.costs[place] = cost;
  found.rests[place] = rest;
  found.why[place] = why;
}

/** @param {Found} found @param {Found} other */
function keepBetter(found, other) {
  for (let place = 0; place < found.costs.length; place++) {
    if (other.costs[place] < NOTHING) {
      offer(found, place, other.costs[place], other.rests[place], other.why[place]);
    }
  }
}

/** @param {Index} index @param {string} digits @returns {Found} */
function byDigits({ farmers }, digits) {
  const found = nobody(farmers.length);
  const asked = Number(digits);
  const bare = String(asked);
  farmers.forEach((farmer, place) => {
    const number = String(farmer.number);
    if (farmer.number === asked) offer(found, place, 0, 0, "number");
    else if (digits.length === 4 && farmer.phone_last4 === digits) offer(found, place, 1, 0, "phone");
    else if (asked > 0 && number.startsWith(bare)) offer(found, place, BEGINS, number.length, "number");
  });
  return found;
}

/** @param {Index} index @param {string} typed without blanks @param {Found} found */
function byCode({ farmers }, typed, found) {
  farmers.forEach((farmer, place) => {
    const code = farmer.code.toLowerCase();
    if (code === typed) offer(found, place, 0, 0, "code");
    else if (typed.length > 1 && code.startsWith(typed)) offer(found, place, BEGINS, code.length, "code");
  });
}

/** @param {Index} index @param {string} typed @param {boolean} nearly @returns {Found} */
function byWord({ farmers, words, phonetics }, typed, nearly) {
  const found = nobody(farmers.length);
  const readings = phonetics.readings(typed).filter((sound) => sound !== "");
  const asked = readings.map(parsed);
  for (const word of words) {
    const match = nearness(typed, asked, word, nearly);
    if (!match) continue;
    const { cost, rest, why } = match;
    for (const place of word.ofNames) offer(found, place, cost, rest, why);
    // One cost for all: its people stay in one order, however each of them has it written.
    // A village that only sounds a little like it would bring in half the shop.
    if (why !== "like") for (const place of word.ofVillages) offer(found, place, VILLAGE, 0, "village");
  }
  return found;
}

/**
 * How near a typed word is to a word of the index; null where it is not meant.
 * @param {string} typed @param {ReturnType<typeof parsed>[]} asked its readings @param {Word} word
 * @param {boolean} nearly whether also where it is only like it
 * @returns {{cost: number, rest: number, why: Why} | null} rest: how many letters are still to be typed
 */
function nearness(typed, asked, word, nearly) {
  const left = word.written.length - typed.length;
  if (word.written.startsWith(typed)) return { cost: left === 0 ? 0 : BEGINS, rest: left, why: "name" };
  let cost = NOTHING;
  let rest = 0;
  for (const reading of asked) {
    const consonants = reading.bones.length;
    let near = NOTHING;
    let more = 0;
    if (word.bones.startsWith(reading.bones)) {
      const { whole, begun } = distance(reading.sound, word.sound, 0);
      more = word.bones.length - consonants;
      if (more > 0) near = SOUND_BEGINS + Math.min(begun, 19);
      // An initial has one consonant: its vowel is rarely written in Latin, மு. is M.
      else near = whole === 0 || consonants === 1 ? SAME_SOUND : SOUNDS + Math.min(whole, 19);
    } else if (consonants > 2 && word.bones.includes(reading.bones)) {
      near = SOUND_WITHIN;
    } else if (nearly && consonants > 2 && word.ofNames.length > 0) {
      const allowed = consonants < 5 ? 1 : 2;
      if (word.bones.length < consonants - allowed || bitsIn(reading.letters & ~word.letters) > allowed)
        continue;
      const { whole, begun } = distance(reading.sound, word.sound, allowed);
      const apart = Math.min(whole, begun + BEGINS);
      if (apart < (allowed + 1) * CONSONANT) near = LIKE + apart;
    }
    if (near < cost) {
      cost = near;
      rest = more;
    }
  }
  if (typed.length > 2 && cost > WITHIN && word.written.includes(typed))
    return { cost: WITHIN, rest: left, why: "name" };
  return cost < NOTHING ? { cost, rest, why: cost < LIKE ? "sound" : "like" } : null;
}

const above = new Int32Array(128);

/**
 * How far two sounds are apart: CONSONANT for each consonant that is wrong, missing or too many, a little
 * for each vowel; `begun` is to the nearest beginning of `sound`. More than `allowed` consonants is NOTHING.
 * @param {string} asked @param {string} sound @param {number} allowed
 */
function distance(asked, sound, allowed) {
  const width = Math.min(sound.length, above.length - 1);
  const most = (allowed + 1) * CONSONANT;
  above[0] = 0;
  for (let j = 0; j < width; j++) above[j + 1] = above[j] + weight(sound.charCodeAt(j));
  for (let i = 0; i < asked.length; i++) {
    const letter = asked.charCodeAt(i);
    const one = weight(letter);
    let corner = above[0];
    let least = corner + one;
    above[0] = least;
    for (let j = 0; j < width; j++) {
      const other = sound.charCodeAt(j);
      const their = weight(other);
      let cost = corner;
      if (letter !== other) {
        cost +=
          one === ONE_VOWEL && their === ONE_VOWEL
            ? OTHER_VOWEL
            : one === their
              ? CONSONANT
              : CONSONANT + ONE_VOWEL;
      }
      corner = above[j + 1];
      cost = Math.min(cost, corner + one, above[j] + their);
      above[j + 1] = cost;
      if (cost < least) least = cost;
    }
    if (least >= most) return { whole: NOTHING, begun: NOTHING };
  }
  let begun = NOTHING;
  for (let j = 0; j <= width; j++) begun = Math.min(begun, above[j]);
  return { whole: above[width], begun };
}

/** What leaving out a letter costs. @param {number} code */
function weight(code) {
  // a e i o u
  return code === 97 || code === 101 || code === 105 || code === 111 || code === 117 ? ONE_VOWEL : CONSONANT;
}
