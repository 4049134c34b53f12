"""Rupees written out, as on a cheque: in Tamil as a Madurai shop writes it, and in Indian English.

Tamil numbers join: whatever is followed by more takes its oblique form (நூறு → நூற்று), and thousands
grow together (பத்து ஆயிரம் → பத்தாயிரம்). No library does both rightly (docs/adr/0002-libraries.md).
"""

from decimal import Decimal

from malar.kernel.money import PAISA, to_paisa

LAKH = 1_00_000
CRORE = 1_00_00_000

_TAMIL_SMALL = [
    *("பூஜ்யம்", "ஒன்று", "இரண்டு", "மூன்று", "நான்கு", "ஐந்து", "ஆறு", "ஏழு", "எட்டு", "ஒன்பது"),
    *("பத்து", "பதினொன்று", "பன்னிரண்டு", "பதிமூன்று", "பதினான்கு", "பதினைந்து", "பதினாறு", "பதினேழு"),
    *("பதினெட்டு", "பத்தொன்பது"),
]
_TAMIL_TENS = [
    *("", "பத்து", "இருபது", "முப்பது", "நாற்பது", "ஐம்பது", "அறுபது", "எழுபது", "எண்பது", "தொண்ணூறு"),
]
_TAMIL_HUNDREDS = [
    *("", "நூறு", "இருநூறு", "முந்நூறு", "நானூறு", "ஐநூறு", "அறுநூறு", "எழுநூறு", "எண்ணூறு", "தொள்ளாயிரம்"),
]
_OBLIQUE_ENDINGS = {"பது": "பத்து", "ூறு": "ூற்று", "யிரம்": "யிரத்து", "லட்சம்": "லட்சத்து"}

_ENGLISH_SMALL = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_ENGLISH_TENS = [
    *("", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
]


def rupees_in_words(amount: Decimal, language: str) -> str:
    """₹33,125.00 as “Rupees thirty-three thousand one hundred and twenty-five only”, in Tamil for "ta".

    `amount` is in ₹ and not below zero: who owes whom is said beside it. Paise only where there are some.
    Raises ValueError for a negative amount.
    """
    if amount < 0:
        raise ValueError(f"an amount in words is not below zero: {amount}")
    rupees, paise = divmod(int(to_paisa(amount) / PAISA), 100)
    if language == "ta":
        if not paise:
            return f"ரூபாய் {tamil_number(rupees)} மட்டும்"
        left = f"{tamil_number(rupees)} ரூபாய் " if rupees else ""
        return f"{left}{tamil_number(paise)} பைசா மட்டும்"
    if not paise:
        return f"Rupees {english_number(rupees)} only"
    if not rupees:
        return f"Paise {english_number(paise)} only"
    return f"Rupees {english_number(rupees)} and paise {english_number(paise)} only"


def tamil_number(number: int) -> str:
    """A whole number from 0 upwards in Tamil words: 14,683 → பதினான்காயிரத்து அறுநூற்று எண்பத்து மூன்று."""
    if number < 20:
        return _TAMIL_SMALL[number]
    if number < 100:
        return _tamil_joined(_TAMIL_TENS[number // 10], number % 10)
    if number < 1000:
        return _tamil_joined(_TAMIL_HUNDREDS[number // 100], number % 100)
    if number < LAKH:
        return _tamil_joined(_tamil_thousands(number // 1000), number % 1000)
    if number < CRORE:
        lakhs, rest = divmod(number, LAKH)
        return _tamil_joined(f"{_before_noun(lakhs)} லட்சம்", rest)
    crores, rest = divmod(number, CRORE)
    return f"{_before_noun(crores)} கோடியே {_after_more(rest)}" if rest else f"{_before_noun(crores)} கோடி"


def _tamil_joined(head: str, rest: int) -> str:
    if not rest:
        return head
    for ending, oblique in _OBLIQUE_ENDINGS.items():
        if head.endswith(ending):
            head = head.removesuffix(ending) + oblique
            break
    return f"{head} {_after_more(rest) if head.endswith('லட்சத்து') else tamil_number(rest)}"


def _after_more(rest: int) -> str:
    """After lakhs or crores a single thousand is counted: ஒரு லட்சத்து ஓராயிரம், where ஆயிரம் stands alone."""
    words = tamil_number(rest)
    return f"ஓர்{words}".replace("ஓர்ஆ", "ஓரா") if 1000 <= rest < 2000 else words


def _tamil_thousands(thousands: int) -> str:
    """1 → ஆயிரம், 9 → ஒன்பதாயிரம், 11 → பதினோராயிரம், 21 → இருபத்து ஓராயிரம்."""
    if thousands == 1:
        return "ஆயிரம்"
    words = tamil_number(thousands)
    if thousands == 11:
        return "பதினோராயிரம்"
    if words.endswith("ஒன்று"):
        return words.removesuffix("ஒன்று") + "ஓராயிரம்"
    return words.removesuffix("ு") + "ாயிரம்"


def _before_noun(number: int) -> str:
    """The counting form before லட்சம் and கோடி: ஒன்று → ஒரு, பதினொன்று → பதினொரு."""
    words = tamil_number(number)
    if words.endswith("ஒன்று"):
        return words.removesuffix("ஒன்று") + "ஒரு"
    return words.removesuffix("ொன்று") + "ொரு" if words.endswith("ொன்று") else words


def english_number(number: int) -> str:
    """A whole number from 0 upwards in Indian English: 1,23,456 → one lakh twenty-three thousand …"""
    if number < 20:
        return _ENGLISH_SMALL[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return f"{_ENGLISH_TENS[tens]}-{_ENGLISH_SMALL[ones]}" if ones else _ENGLISH_TENS[tens]
    steps: list[tuple[int, str]] = [(CRORE, "crore"), (LAKH, "lakh"), (1000, "thousand"), (100, "hundred")]
    size, name = next(step for step in steps if number >= step[0])
    count, rest = divmod(number, size)
    head = f"{english_number(count)} {name}"
    if not rest:
        return head
    return f"{head} {'and ' if rest < 100 else ''}{english_number(rest)}"
