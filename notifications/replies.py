"""What a farmer's few words mean (notifications: inbound text)."""

import re
import unicodedata
from enum import StrEnum


class Meaning(StrEnum):
    YES = "yes"
    NO = "no"
    STOP = "stop"
    START = "start"
    BALANCE = "balance"
    UNSURE = "unsure"
    """No, or no more messages: he must be asked."""
    UNCLEAR = "unclear"


WORDS: dict[Meaning, tuple[str, ...]] = {
    Meaning.YES: (
        *("ஆம்", "ஆமாம்", "ஆமா", "சரி", "சரிங்க", "ஓகே"),
        *("ok", "okay", "yes", "aam", "aama", "sari", "seri", "👍", "சரி 👍", "ok 👍"),
    ),
    Meaning.NO: ("இல்லை", "தவறு", "தப்பு", "no", "illai", "thavaru"),
    Meaning.STOP: ("stop", "unsubscribe", "நிறுத்து", "நிறுத்தவும்", "நிறுத்துங்கள்"),
    Meaning.START: ("start", "தொடங்கு", "தொடங்கவும்"),
    Meaning.BALANCE: ("நிலுவை", "பாக்கி", "balance", "niluvai", "baaki"),
    Meaning.UNSURE: ("வேண்டாம்", "vendam"),
}
HIDDEN = re.compile("[\u200b-\u200d\ufeff\ufe0f]")


def plain(text: str) -> str:
    """Composed, without what nobody sees, in small letters, without signs at its ends or between words.

    Marks of Tamil letters are no signs: `\\w` would tear them off (ஆம் → ஆம).
    """
    text = HIDDEN.sub("", unicodedata.normalize("NFC", text)).casefold()
    kept = [" " if unicodedata.category(char)[0] in "PZC" else char for char in text]
    # A thumb is the same in every colour.
    return " ".join(re.sub("[\U0001f3fb-\U0001f3ff]", "", "".join(kept)).split())


MEANINGS = {plain(word): meaning for meaning, words in WORDS.items() for word in words}


def meaning_of(text: str) -> Meaning:
    """What the whole of a text says; with a word more it is unclear: `சரி இல்லை` is no yes."""
    return MEANINGS.get(plain(text), Meaning.UNCLEAR)
