"""What a wording may be: the messengers' rules, how long it is as an SMS, and the form in which it is approved.

Rules of WhatsApp templates as Meta, Twilio and Interakt share them; of SMS in India as TRAI's direction of
18 November 2025 has them (each variable is tagged with what it may hold).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from malar.accounts.domain import Language
from malar.kernel.errors import Fault
from notifications.domain import (
    ADVANCE_GIVEN,
    PAYMENT_PAID,
    PLACEHOLDER,
    RECEIPT,
    SETTLEMENT_READY,
    VARIABLES,
    filled,
    names_in,
)

# --- How long an SMS is -----------------------------------------------------------------------------

GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The GSM 7 bit default alphabet, 3GPP TS 23.038, 6.2.1."""
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Its extension table, 6.2.1.1: an escape goes before each, so that each takes two."""
GSM_ALONE, GSM_EACH = 160, 153
"""Septets that fit one SMS, and each part of a longer one: six octets of 140 tell the parts apart (TS 23.040)."""
UCS_ALONE, UCS_EACH = 70, 67
"""Code units of UCS-2, likewise."""
JOINER, SHADES = "\u200d", range(0x1F3FB, 0x1F400)


@dataclass(frozen=True)
class SmsSize:
    """How a text goes out as SMS: `units` are septets of GSM-7 or code units of UCS-2; each part is paid for."""

    is_gsm: bool
    units: int
    parts: int


def sms_size(text: str) -> SmsSize:
    """Count a text. What is read as one character is never torn between two parts."""
    is_gsm = all(char in GSM or char in GSM_EXTENSION for char in text)
    if is_gsm:
        sizes = [2 if char in GSM_EXTENSION else 1 for char in text]
        alone, each = GSM_ALONE, GSM_EACH
    else:
        sizes = [sum(map(_code_units, cluster)) for cluster in _clusters(text)]
        alone, each = UCS_ALONE, UCS_EACH
    units = sum(sizes)
    if units <= alone:
        return SmsSize(is_gsm, units, 1)
    parts, left = 1, each
    for size in sizes:
        if size > left:
            parts, left = parts + 1, each
        left -= size
    return SmsSize(is_gsm, units, parts)


def _code_units(char: str) -> int:
    return 2 if ord(char) > 0xFFFF else 1


def _clusters(text: str) -> Iterable[str]:
    """The text cut into what is read as one character: a letter with its marks, a composed picture."""
    found: list[str] = []
    for char in text:
        goes_on = unicodedata.category(char) in {"Mn", "Me", "Mc"} or char == JOINER or ord(char) in SHADES
        if found and (goes_on or found[-1].endswith(JOINER)):
            found[-1] += char
        else:
            found.append(char)
    return found


# --- What a wording may say -------------------------------------------------------------------------

LONGEST, LONGEST_BUTTON, MOST_BUTTONS, MOST_QUICK, MOST_PARTS = 1024, 25, 10, 3, 2
QUICK_REPLY, URL = "QUICK_REPLY", "URL"
ANSWERS = frozenset({"approve", "dispute"})
"""What a quick reply can mean."""

NUMERIC, ALPHANUMERIC, LINK = "numeric", "alphanumeric", "url"
"""Tags of a variable in a registered SMS: digits only; at most 40 letters and digits; a white-listed address."""
SMS_VARIABLES: Mapping[str, Mapping[str, str]] = {
    RECEIPT: {
        "slip_plain": ALPHANUMERIC,
        "quantity_whole": NUMERIC,
        "quantity_part": NUMERIC,
        "amount_rupees": NUMERIC,
        "amount_paise": NUMERIC,
    },
    ADVANCE_GIVEN: {
        "amount_rupees": NUMERIC,
        "amount_paise": NUMERIC,
        "balance_rupees": NUMERIC,
        "balance_paise": NUMERIC,
    },
    SETTLEMENT_READY: {
        "reference_plain": ALPHANUMERIC,
        "net_rupees": NUMERIC,
        "net_paise": NUMERIC,
        "link": LINK,
    },
    PAYMENT_PAID: {"reference_plain": ALPHANUMERIC, "amount_rupees": NUMERIC, "amount_paise": NUMERIC},
}
"""The templates that have a short form for SMS, and what each may say."""

SAMPLES: Mapping[str, tuple[str, str]] = {
    "farmer": ("பெ. முருகன்", "P. Murugan"),
    "shop": ("ஸ்ரீ மலர் ஸ்டோர்ஸ்", "Sri Malar Stores"),
    "date": ("22/11/2026", "22/11/2026"),
    "start": ("01/11/2026", "01/11/2026"),
    "end": ("15/11/2026", "15/11/2026"),
    "due": ("20/11/2026", "20/11/2026"),
    "at": ("16/11/2026 காலை 7:42", "16/11/2026 7:42 am"),
    "time": ("காலை 4:50", "4:50 am"),
    "flower": ("மல்லிகை", "Jasmine"),
    "flowers": ("மல்லிகை, முல்லை", "Jasmine, Mullai"),
    "quantity": ("12.500 கிலோ", "12.500 kg"),
    "rate": ("கிலோ ஒன்றுக்கு ₹480.00", "₹480.00 per kg"),
    "amount": ("₹6,000.00", "₹6,000.00"),
    "gross": ("₹1,84,250.00", "₹1,84,250.00"),
    "commission": ("₹18,425.00", "₹18,425.00"),
    "advance": ("₹10,000.00", "₹10,000.00"),
    "other": ("₹1,250.00 குறைவு", "₹1,250.00 less"),
    "deductions": ("₹19,675.00", "₹19,675.00"),
    "net": ("₹1,54,575.00", "₹1,54,575.00"),
    "balance": ("₹25,000.00", "₹25,000.00"),
    "difference": ("₹290.00 குறைவு", "₹290.00 less"),
    "was": (
        "மல்லிகை, 12.500 கிலோ, கிலோ ஒன்றுக்கு ₹480.00: ₹6,000.00",
        "Jasmine, 12.500 kg, ₹480.00 per kg: ₹6,000.00",
    ),
    "now": (
        "மல்லிகை, 12.500 கிலோ, கிலோ ஒன்றுக்கு ₹510.00: ₹6,375.00",
        "Jasmine, 12.500 kg, ₹510.00 per kg: ₹6,375.00",
    ),
    "reason": ("எடை தவறு", "wrong weight"),
    "mode": ("ரொக்கம்", "cash"),
    "slip": ("S1-2211-018", "S1-2211-018"),
    "slips": ("S1-2211-018, S1-2211-019", "S1-2211-018, S1-2211-019"),
    "voucher": ("V-2611-00318", "V-2611-00318"),
    "receipt": ("632104488123", "632104488123"),
    "reference": ("R12-F014", "R12-F014"),
    "slip_plain": ("S12211018", "S12211018"),
    "reference_plain": ("R12F014", "R12F014"),
    "quantity_whole": ("12", "12"),
    "quantity_part": ("500", "500"),
    "amount_rupees": ("6000", "6000"),
    "amount_paise": ("00", "00"),
    "balance_rupees": ("25000", "25000"),
    "balance_paise": ("00", "00"),
    "net_rupees": ("154575", "154575"),
    "net_paise": ("00", "00"),
    "link": ("https://malar.example/s/" + "k7Qx2mPd9R" * 4 + "abc",) * 2,
}
"""What is put in where a wording is looked at or sent in for approval, in Tamil and in English."""

HIDDEN = re.compile("[\u200b-\u200d\ufeff]")
DLT_ID = re.compile(r"[0-9]{19}")
PROVIDERS_ID = re.compile(r"[A-Za-z0-9]{1,60}")


def samples(language: str) -> dict[str, str]:
    """The sample values in a language."""
    which = 0 if language == Language.TAMIL else 1
    return {name: pair[which] for name, pair in SAMPLES.items()}


def faults_of(*, name: str, language: str, body: str, sms: str = "", buttons: Any = ()) -> list[Fault]:
    """What a messenger would refuse in a wording, or a farmer miss in it; pointers are `/body`, `/sms`, `/buttons`."""
    return [
        *_faults_of_body(name, language, body),
        *_faults_of_sms(name, language, sms),
        *_faults_of_buttons(buttons),
    ]


def _faults_of_body(name: str, language: str, body: str) -> list[Fault]:
    known, said = VARIABLES.get(name, frozenset()), names_in(body)
    unknown = [each for each in said if each not in known]
    missing = sorted(known - set(said))
    bare = PLACEHOLDER.sub("", body)
    rules = [
        (
            bool(unknown),
            "unknown",
            _("There is nothing to put in for %(names)s.") % {"names": ", ".join(unknown)},
        ),
        (bool(missing), "missing", _("It does not say %(names)s.") % {"names": ", ".join(missing)}),
        (
            bool(re.match(r"\s*\{|.*\}\s*\Z", body, re.DOTALL)),
            "edge",
            _("It begins or ends with a variable."),
        ),
        (bool(re.search(r"\}\s*\{", body)), "adjacent", _("Words must stand between two variables.")),
        (
            bool(said) and len(bare.split()) < 2 * len(set(said)) + 1,
            "few_words",
            _("There are too many variables for so few words."),
        ),
        *_of_any_text(body),
    ]
    found = [Fault("/body", code, words) for broken, code, words in rules if broken]
    if not unknown and len(filled(body, samples(language))) > LONGEST:
        words = _("It is too long: with its variables at most %(most)s characters.") % {"most": LONGEST}
        found.append(Fault("/body", "too_long", words))
    return found


def _faults_of_sms(name: str, language: str, sms: str) -> list[Fault]:
    if not sms:
        return []
    known = SMS_VARIABLES.get(name, {})
    unknown = [each for each in names_in(sms) if each not in known]
    rules = [
        (
            bool(unknown),
            "unknown",
            _("There is nothing to put in for %(names)s.") % {"names": ", ".join(unknown)},
        ),
        ("\n" in sms, "newline", _("An SMS is one line.")),
        *_of_any_text(sms),
    ]
    found = [Fault("/sms", code, words) for broken, code, words in rules if broken]
    if found:
        return found
    size = sms_size(filled(sms, samples(language)))
    if language == Language.ENGLISH and not size.is_gsm:
        found.append(
            Fault("/sms", "costly", _("One of its characters makes it twice as dear: write Rs. for ₹."))
        )
    if size.parts > MOST_PARTS:
        words = _("It takes %(parts)s parts; at most %(most)s are sent.")
        found.append(Fault("/sms", "too_long", words % {"parts": size.parts, "most": MOST_PARTS}))
    return found


def _of_any_text(text: str) -> list[tuple[bool, str, str]]:
    return [
        (not text.strip() or text != text.strip(), "blank", _("It begins or ends with nothing.")),
        (bool(re.search(r"[\t\r]| {5}|\n{3}", text)), "gaps", _("There are tabs or long gaps in it.")),
        (bool(HIDDEN.search(text)), "hidden", _("There are characters in it that nobody sees.")),
        (not unicodedata.is_normalized("NFC", text), "not_nfc", _("Its letters are put together unusually.")),
    ]


def _faults_of_buttons(buttons: Any) -> list[Fault]:
    shape = isinstance(buttons, list | tuple) and all(
        isinstance(each, dict)
        and set(each) == {"kind", "text", "means"}
        and all(isinstance(value, str) for value in each.values())
        and each["kind"] in {QUICK_REPLY, URL}
        and each["means"] in (ANSWERS if each["kind"] == QUICK_REPLY else {"link"})
        for each in buttons
    )
    if not shape:
        words = _("Each button has its kind, its text and what it means.")
        return [Fault("/buttons", "shape", words)]
    texts = [each["text"] for each in buttons]
    kinds = [each["kind"] for each in buttons]
    rules = [
        (
            len(buttons) > MOST_BUTTONS or kinds.count(QUICK_REPLY) > MOST_QUICK,
            "many",
            _("There are too many buttons."),
        ),
        (len(set(texts)) < len(texts), "same", _("Two buttons say the same.")),
        (
            any(
                not text.strip() or len(text) > LONGEST_BUTTON or re.search(r"[{}\n]", text) for text in texts
            ),
            "text",
            _("A button says at most %(most)s characters, without a variable.") % {"most": LONGEST_BUTTON},
        ),
        (kinds != sorted(kinds), "order", _("Answers come before addresses.")),
    ]
    return [Fault("/buttons", code, words) for broken, code, words in rules if broken]


# --- The forms in which it is approved --------------------------------------------------------------


def numbered(body: str) -> tuple[str, list[str]]:
    """A wording as WhatsApp's providers keep it, and whose value each number takes: `Hello {{1}}`, ["farmer"]."""
    order = list(dict.fromkeys(names_in(body)))
    return PLACEHOLDER.sub(lambda found: f"{{{{{order.index(found[1]) + 1}}}}}", body), order


def tagged(name: str, sms: str) -> str:
    """The short form as it is registered: `Rs.{#numeric#}.{#numeric#} paid`. Raises KeyError for an unknown name."""
    tags = SMS_VARIABLES.get(name, {})
    return PLACEHOLDER.sub(lambda found: f"{{#{tags[found[1]]}#}}", sms)


def marked(sms: str) -> str:
    """The short form as it is typed in at MSG91: `Rs.##net_rupees##.##net_paise## paid`."""
    return PLACEHOLDER.sub(r"##\1##", sms)


MAY_HOLD = {NUMERIC: r"\d{1,40}", ALPHANUMERIC: r"[A-Za-z0-9]{1,40}", LINK: r"https://\S+"}


def fits(tag: str, value: str) -> bool:
    """Whether an operator lets a value through in a variable with this tag."""
    return re.fullmatch(MAY_HOLD[tag], value, re.ASCII) is not None


def sms_filled(name: str, sms: str, variables: Mapping[str, str]) -> str:
    """The short form with its variables. Raises ValueError for one that is missing or that its tag does not allow:
    the operator would drop the SMS, paid for."""
    for each in names_in(sms):
        tag = SMS_VARIABLES.get(name, {}).get(each)
        if tag is None or not fits(tag, variables.get(each, "")):
            raise ValueError(f"{each} is not {tag}")
    return filled(sms, variables)
