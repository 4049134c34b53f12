"""Amounts in words. The Tamil vectors come from a checked generator, not from this code."""

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from malar.kernel.words import english_number, rupees_in_words, tamil_number

TAMIL = {
    0: "பூஜ்யம்",
    90: "தொண்ணூறு",
    99: "தொண்ணூற்று ஒன்பது",
    100: "நூறு",
    101: "நூற்று ஒன்று",
    405: "நானூற்று ஐந்து",
    900: "தொள்ளாயிரம்",
    999: "தொள்ளாயிரத்து தொண்ணூற்று ஒன்பது",
    1_000: "ஆயிரம்",
    1_500: "ஆயிரத்து ஐநூறு",
    9_000: "ஒன்பதாயிரம்",
    10_000: "பத்தாயிரம்",
    11_000: "பதினோராயிரம்",
    21_000: "இருபத்து ஓராயிரம்",
    50_000: "ஐம்பதாயிரம்",
    14_683: "பதினான்காயிரத்து அறுநூற்று எண்பத்து மூன்று",
    33_125: "முப்பத்து மூன்றாயிரத்து நூற்று இருபத்து ஐந்து",
    90_000: "தொண்ணூறாயிரம்",
    1_00_000: "ஒரு லட்சம்",
    1_01_000: "ஒரு லட்சத்து ஓராயிரம்",
    11_00_000: "பதினொரு லட்சம்",
    1_23_456: "ஒரு லட்சத்து இருபத்து மூன்றாயிரத்து நானூற்று ஐம்பத்து ஆறு",
    1_00_00_000: "ஒரு கோடி",
    1_00_01_500: "ஒரு கோடியே ஓராயிரத்து ஐநூறு",
    1_23_45_678: "ஒரு கோடியே இருபத்து மூன்று லட்சத்து நாற்பத்து ஐந்தாயிரத்து அறுநூற்று எழுபத்து எட்டு",
}

ENGLISH = {
    0: "zero",
    40: "forty",
    101: "one hundred and one",
    1_005: "one thousand and five",
    42_997: "forty-two thousand nine hundred and ninety-seven",
    1_23_456: "one lakh twenty-three thousand four hundred and fifty-six",
    10_00_00_000: "ten crore",
    1_23_45_678: "one crore twenty-three lakh forty-five thousand six hundred and seventy-eight",
}


@pytest.mark.parametrize(("number", "words"), TAMIL.items())
def test_a_number_reads_in_tamil(number: int, words: str) -> None:
    assert tamil_number(number) == words


@pytest.mark.parametrize(("number", "words"), ENGLISH.items())
def test_a_number_reads_in_indian_english(number: int, words: str) -> None:
    assert english_number(number) == words


@pytest.mark.parametrize(
    ("amount", "language", "words"),
    [
        ("33125.00", "ta", "ரூபாய் முப்பத்து மூன்றாயிரத்து நூற்று இருபத்து ஐந்து மட்டும்"),
        ("0.00", "ta", "ரூபாய் பூஜ்யம் மட்டும்"),
        ("927.50", "ta", "தொள்ளாயிரத்து இருபத்து ஏழு ரூபாய் ஐம்பது பைசா மட்டும்"),
        ("0.43", "ta", "நாற்பத்து மூன்று பைசா மட்டும்"),
        ("33125.00", "en", "Rupees thirty-three thousand one hundred and twenty-five only"),
        ("927.50", "en", "Rupees nine hundred and twenty-seven and paise fifty only"),
        ("0.43", "en", "Paise forty-three only"),
    ],
)
def test_an_amount_reads_as_on_a_cheque(amount: str, language: str, words: str) -> None:
    assert rupees_in_words(Decimal(amount), language) == words


def test_an_amount_below_zero_has_no_words() -> None:
    with pytest.raises(ValueError, match="below zero"):
        rupees_in_words(Decimal("-27.00"), "ta")


def test_no_two_amounts_share_their_words() -> None:
    for number_in_words in (tamil_number, english_number):
        assert len({number_in_words(number) for number in range(1_30_000)}) == 1_30_000


STANDING = {"இருபது", "முப்பது", "நாற்பது", "ஐம்பது", "எண்பது", "தொண்ணூறு", "நூறு", "நானூறு", "ஐநூறு", "ஆயிரம்"}
"""Words that end a number, or a count of lakhs or crores, and are joined otherwise before anything else."""


@given(st.integers(min_value=0, max_value=99_99_99_999))
def test_what_is_followed_by_more_is_joined(number: int) -> None:
    words = tamil_number(number).split()
    followed = {word for word, after in pairwise(words) if after[:2] not in ("லட", "கோ")}
    assert not followed & STANDING


# --- Another's words --------------------------------------------------------------------------------

SPELT = {
    **{"இலட்ச": "லட்ச", "பூஜ்ஜியம்": "பூஜ்யம்", "பனிரண்டு": "பன்னிரண்டு"},
    **{"நூற்றி ": "நூற்று ", "முன்னூ": "முந்நூ", "நாநூ": "நானூ", "தொன்னூ": "தொண்ணூ"},
}
"""How Open-Tamil spells what domain.md §4.4 spells otherwise."""
SIGNS = {"அ": "", "ஆ": "ா", "இ": "ி", "எ": "ெ", "ஏ": "ே", "ஐ": "ை", "ஒ": "ொ", "ஓ": "ோ"}
COUNTED = {
    "ொன்றாயிர": "ோராயிர",
    "ொன்றுலட்ச": "ொருலட்ச",
    "ொன்றுகோடி": "ொருகோடி",
    "ஓர்ஆயிர": "ஓராயிர",
    "ோர்ஆயிர": "ோராயிர",
}
"""It says “twenty and one thousand” where we say “twenty one-thousand”."""


def without_joins(words: str) -> str:
    """Number words with nothing left of how they are spelt, parted and joined: which numbers they say."""
    for theirs, ours in SPELT.items():
        words = words.replace(theirs, ours)
    words = re.sub("ு([அஆஇஎஏஐஒஓ])", lambda found: SIGNS[found[1]], "".join(words.split()))
    for theirs, ours in COUNTED.items():
        words = words.replace(theirs, ours)
    return re.sub("^ஓராயிர", "ஆயிர", words)


# `number<tab>words` of tamil.numeral.num2tamilstr, Open-Tamil 1.1 (MIT): all to 130, the round ones, and 1,200 by lot
# below ten crore. The package has no wheel, so that the tests do not install it.
THEIRS = {
    int(number): words
    for number, words in (
        line.split("\t")
        for line in (Path(__file__).parent / "open_tamil.tsv").read_text(encoding="utf-8").splitlines()
    )
}


def test_open_tamil_says_the_same_numbers() -> None:
    assert len(THEIRS) > 1_300
    ours = {number: without_joins(tamil_number(number)) for number in THEIRS}
    assert ours == {number: without_joins(words) for number, words in THEIRS.items()}


def test_what_is_forgiven_is_spelling_and_no_figure() -> None:
    assert len({without_joins(words) for words in THEIRS.values()}) == len(THEIRS)
