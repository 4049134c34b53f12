"""Names in the other script: a suggestion that a person looks at and corrects, never a translation.

A name that `transliteration.json` knows is written as it is there. Of any other the known beginnings and ends are
taken, and the rest is written letter by letter. Both directions pass through one notation with a sign for
each Tamil letter (`k ṅ c ñ ṭ ṇ t n p m y r l v ḻ ḷ ṟ ṉ j ṣ s h`, `a ā i ī u ū e ē ê o ō ô`), so that pieces can be
put together without thinking of vowel signs.
"""

import json
import re
import unicodedata
from collections import defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from malar.kernel.sound import spoken

_TABLE: dict[str, Any] = json.loads(
    Path(__file__).with_name("transliteration.json").read_text(encoding="utf-8")
)

_LETTERS = dict(zip("கஙசஞடணதநபமயரலவழளறனஜஷஸஹஃ", "kṅcñṭṇtnpmyrlvḻḷṟṉjṣshq", strict=True))
_VOWELS = dict(zip("அஆஇஈஉஊஎஏஐஒஓஔ", "aāiīuūeēêoōô", strict=True))
_SIGNS = dict(zip("ாிீுூெேைொோௌ", "āiīuūeēêoōô", strict=True))
_LETTER_OF = {sign: letter for letter, sign in _LETTERS.items()}
_VOWEL_OF = {sign: letter for letter, sign in _VOWELS.items()}
_SIGN_OF = {sign: letter for letter, sign in _SIGNS.items()} | {"a": ""}
_PULLI = "்"

_VOWEL_SIGNS = "".join(_VOWEL_OF)

Rules = list[tuple[re.Pattern[str], str]]


def _rules(name: str) -> Rules:
    return [(re.compile(pattern), written) for pattern, written in _TABLE[name]]


_TO_NOTATION, _FROM_NOTATION = _rules("latin_rules"), _rules("tamil_rules")
"""What a piece of a Latin word becomes in the notation, and of the notation in Latin letters. Rules look at
the letters around; the first that fits is taken."""

_WORD = re.compile("[\u0b80-\u0bff]+|[A-Za-z]+")


def to_tamil(name: str) -> str:
    """How a name in Latin letters is probably written in Tamil: `M. Murugesan` → `மு. முருகேசன்`.

    Whatever else is in it (Tamil, digits, dots) stays as it is.
    """
    plain = unicodedata.normalize(
        "NFC", re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", name.strip()))
    )
    return _WORD.sub(lambda found: _in_tamil(found[0]), plain)


def to_latin(name: str) -> str:
    """How a name in Tamil letters is probably written in Latin letters: `மு. முருகேசன்` → `M. Murugesan`.

    Whatever else is in it (Latin, digits, dots) stays as it is.
    """
    plain = unicodedata.normalize("NFC", name.strip())
    initials = re.compile("([\u0b80-\u0bff]+)(?=\\s*\\.)")
    plain = initials.sub(lambda found: _initial(found[1]), plain)
    return _WORD.sub(lambda found: _in_latin(found[0]), plain)


def _in_tamil(word: str) -> str:
    if not word.isascii():
        return word
    if len(word) == 1:
        return str(_TABLE["initials"][word.upper()])
    word = word.lower()
    known = _known()["latin"].get(word) or _sounding(word, "latin_sounds")
    return known or _written(_pieces(word, _known()["latin_begins"], _known()["latin_ends"], _TO_NOTATION))


def _in_latin(word: str) -> str:
    if word.isascii():
        return word
    known = _known()["tamil"].get(word) or _sounding(word, "tamil_sounds")
    if known is None:
        begins, ends = _known()["tamil_begins"], _known()["tamil_ends"]
        known = _pieces(_notation(word), begins, ends, _FROM_NOTATION)
    return known[:1].upper() + known[1:]


def _sounding(word: str, kind: str) -> str | None:
    """The known name that sounds like the word; short ones sound like too many."""
    sound = spoken(word)
    return _known()[kind].get(sound) if len(sound) > 4 else None


def _initial(word: str) -> str:
    """The Latin initial of a Tamil one: மு → M, இரா → R, கோ → G. A longer word is no initial and stays."""
    known = _TABLE["tamil_initials"].get(word)
    bare = re.sub(f"[{_VOWEL_SIGNS}]", "", _notation(word))
    if known or len(bare) > 1:
        return known or word
    sign = (bare or _notation(word))[0]
    return unicodedata.normalize("NFD", {"c": "S", "ḻ": "Z"}.get(sign, sign))[0].upper()


def _notation(tamil: str) -> str:
    """Tamil letters in the notation: முருகன் → murukaṉ."""
    out = []
    for at, letter in enumerate(tamil):
        following = tamil[at + 1 : at + 2]
        if letter in _LETTERS:
            out.append(_LETTERS[letter])
            if following != _PULLI and following not in _SIGNS and letter != "ஃ":
                out.append("a")
        elif letter != _PULLI:
            out.append(_VOWELS.get(letter) or _SIGNS.get(letter) or "")
    return "".join(out)


def _written(notation: str) -> str:
    """The notation in Tamil letters: murukaṉ → முருகன்."""
    out = []
    for at, sign in enumerate(notation):
        if sign in _LETTER_OF:
            following = notation[at + 1 : at + 2]
            pulli = "" if following in _SIGN_OF or sign == "q" else _PULLI
            out.append(_LETTER_OF[sign] + pulli)
        elif sign in _VOWEL_OF:
            before = notation[at - 1] if at else ""
            if before in _LETTER_OF and before != "q":
                out.append(_SIGN_OF[sign])
            elif not before:
                out.append(_VOWEL_OF[sign])
            else:
                # Two vowels never meet in a Tamil word.
                out.append("ய" + _SIGN_OF[sign])
    return "".join(out)


def _pieces(word: str, begins: dict[str, str], ends: dict[str, str], rules: Rules) -> str:
    """The word with its longest known beginning and end written as known and the rest by rules."""
    # An end leaves at least two letters before it. Of a beginning and an end that meet, the end is kept.
    last = next((start for start in range(2, len(word)) if word[start:] in ends), len(word))
    first = next((length for length in range(last, 1, -1) if word[:length] in begins), 0)
    out, at = [begins.get(word[:first], "")], first
    while at < last:
        for pattern, written in rules:
            found = pattern.match(word, at)
            if found:
                out.append(found.expand(written))
                at = max(found.end(), at + 1)
                break
    out.append(ends.get(word[last:], ""))
    return "".join(out)


@lru_cache(maxsize=1)
def _known() -> dict[str, dict[str, str]]:
    """The tables of transliteration.json by what is looked up in them: words, their sounds, and pieces of words
    in the notation. The first that is written there wins."""
    known: dict[str, dict[str, str]] = defaultdict(dict)
    for tamil, *spellings in _TABLE["names"]:
        latin = spellings[0].lower()
        known["tamil"].setdefault(tamil, latin)
        known["tamil_sounds"].setdefault(spoken(tamil), latin)
        known["latin_sounds"].setdefault(spoken(tamil), tamil)
        for spelling in spellings:
            known["latin"].setdefault(spelling.lower(), tamil)
    for part, rows in (("begins", _TABLE["begins"]), ("ends", [*_TABLE["ends"], *_names_as_ends()])):
        for tamil, *spellings in rows:
            notation, latin = _notation(tamil), spellings[0].lower()
            known[f"tamil_{part}"].setdefault(notation, latin)
            if part == "ends" and notation[0] in "kctp":
                # Doubled where it is joined: வெற்றி, செல்வி → வெற்றிச்செல்வி.
                known["tamil_ends"].setdefault(notation[0] + notation, latin)
            for spelling in spellings:
                known[f"latin_{part}"].setdefault(spelling.lower(), notation)
    return known


def _names_as_ends() -> list[list[str]]:
    """Names that may be the second half of another: சந்திர + மோகன். Short ones would be found by accident."""
    return [
        row
        for row in _TABLE["names"]
        if row[0][0] in _LETTERS and len(row[1]) > 3 and row[1][0].lower() not in "aeiou"
    ]
