"""What a name sounds like, whichever script it is written in: முருகேசன் and Murugesan are one sound.

Tamil writes k and g, c, s and j, t and d, p and b with one letter each, and Latin spellings of Tamil names
follow no rule, so both are rewritten into one small alphabet (`k c t p n m r l v y` and `a i u e o`).
`sound.json` is the one table; `static/js/counter/search.js` reads the same file and takes the same steps,
so that the tablet and the server find the same farmer.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from malar.kernel.quantities import TAMIL_DIGITS

TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("sound.json").read_text(encoding="utf-8"))
"""Pieces of each script and what they sound like, `^` at a word's start and `$` at its end; then folds, in order."""

WORD = re.compile("[\u0b80-\u0bff]+|[a-z]+|[0-9]+")
_NEVER_HEARD = re.compile("[\u0300-\u036f\u200b-\u200d]")
_TWICE = re.compile(r"(.)\1+")
_VOWELS = re.compile("[aeiou]")
_FOLDS = [(re.compile(pattern), sound) for pattern, sound in TABLE["folds"]]
_LONGEST = {script: max(len(piece.strip("^$")) for piece in TABLE[script]) for script in ("tamil", "latin")}


def normal(text: str) -> str:
    """The text in one form: composed, small letters, no accents, 0-9 for Tamil digits."""
    bare = _NEVER_HEARD.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare).lower().translate(TAMIL_DIGITS)


def words_of(text: str) -> list[str]:
    """The words of a text, normalised: runs of Tamil letters, of Latin letters, of digits. `M.Raja` is two."""
    return WORD.findall(normal(text))


@lru_cache(maxsize=20_000)
def spoken(word: str) -> str:
    """How one word of `words_of` sounds, with its vowels: `murugesan` and `முருகேசன்` → `murukecan`."""
    if word.isdecimal():
        return word
    script = "latin" if word[0] <= "z" else "tamil"
    sound = _rewritten(word, TABLE[script], _LONGEST[script])
    for pattern, folded in _FOLDS:
        sound = pattern.sub(folded, sound)
    return _TWICE.sub(r"\1", sound)


def _rewritten(word: str, pieces: dict[str, str], longest: int) -> str:
    """The word piece by piece, the longest known piece first."""
    out, at = [], 0
    while at < len(word):
        for length in range(min(longest, len(word) - at), 0, -1):
            piece = word[at : at + length]
            starts, ends = at == 0, at + length == len(word)
            sound = pieces.get(f"^{piece}$") if starts and ends else None
            if sound is None and starts:
                sound = pieces.get(f"^{piece}")
            if sound is None and ends:
                sound = pieces.get(f"{piece}$")
            if sound is None:
                sound = pieces.get(piece)
            if sound is not None:
                break
        at += length
        out.append(sound or "")
        # A Tamil consonant without a sign is spoken with a.
        if "\u0b95" <= piece[-1] <= "\u0bb9" and not "\u0bbe" <= word[at : at + 1] <= "\u0bcd":
            out.append("a")
    return "".join(out)


def bones(sound: str) -> str:
    """What is left of a sound without its vowels; `a` stands for whichever it begins with. `murukecan` → `mrkcn`."""
    first = "a" if _VOWELS.match(sound) else ""
    return first + _VOWELS.sub("", sound)


def together(words: Iterable[str]) -> list[str]:
    """All longer words of a name written together, if there are several: அப்துல் ரகுமான் is also Abdulrahman."""
    whole = [word for word in words if not word.isdecimal() and len(bones(spoken(word))) > 1]
    return ["".join(whole)] if len(whole) > 1 else []


def readings(word: str, *, unfinished: bool = True) -> list[str]:
    """What a typed word may sound like. Its end may be half of a letter: `paz` is also read as the start of `pazh…`."""
    endings = TABLE["unfinished"]
    ends = (word[-length:] for length in range(len(word), 0, -1))
    end = next((end for end in ends if end in endings), None) if unfinished else None
    more = [spoken(word[: -len(end)] + endings[end])] if end else []
    return list(dict.fromkeys([spoken(word), *more]))
