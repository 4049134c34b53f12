"""A list of farmers as a spreadsheet saves it: CSV in whatever encoding with whatever separator, or a workbook."""

import csv
import io
import re
import unicodedata
from dataclasses import dataclass

from django.utils.translation import gettext as _

from ledger.services.workbooks import csv_of
from malar.kernel.errors import RuleBroken

LARGEST_FILE = 2_000_000
MOST_ROWS = 5_000
SEPARATORS = ",;\t"
# The columns, in the order of the template, with what people write above them (see `_plain`). `name` and
# `village` are for a list that has one column for both scripts: each cell says by its letters which it is.
COLUMNS: dict[str, tuple[str, ...]] = {
    "number": ("number", "no", "farmer number", "sno", "எண்", "விவசாயி எண்", "வ எண்"),
    "code": ("code", "farmer code", "குறி", "குறியீடு", "விவசாயி குறி"),
    "name_ta": (
        "name in tamil",
        "name ta",
        "tamil name",
        "name tamil",
        "பெயர் தமிழில்",
        "தமிழில் பெயர்",
        "பெயர் தமிழ்",
        "தமிழ் பெயர்",
    ),
    "name_en": (
        "name in english",
        "name en",
        "english name",
        "name english",
        "பெயர் ஆங்கிலத்தில்",
        "ஆங்கிலத்தில் பெயர்",
        "பெயர் ஆங்கிலம்",
        "ஆங்கிலப் பெயர்",
    ),
    "name": ("name", "farmer", "farmer name", "பெயர்", "விவசாயி", "விவசாயி பெயர்"),
    "village_ta": (
        "village in tamil",
        "village ta",
        "tamil village",
        "village tamil",
        "ஊர் தமிழில்",
        "தமிழில் ஊர்",
        "ஊர் தமிழ்",
    ),
    "village_en": (
        "village in english",
        "village en",
        "english village",
        "village english",
        "ஊர் ஆங்கிலத்தில்",
        "ஆங்கிலத்தில் ஊர்",
        "ஊர் ஆங்கிலம்",
    ),
    "village": ("village", "place", "town", "ஊர்", "கிராமம்"),
    "phone": (
        "phone",
        "mobile",
        "mobile number",
        "phone number",
        "mobile no",
        "கைபேசி எண்",
        "கைபேசி",
        "போன் நம்பர்",
        "போன்",
    ),
    "whatsapp": ("whatsapp", "whatsapp number", "whatsapp no", "வாட்ஸ்அப் எண்", "வாட்ஸ்அப்"),
    "language": ("language", "மொழி"),
    "commission_pct": ("commission", "commission percent", "commission pct", "கமிஷன்", "கமிஷன் சதவீதம்"),
    "we_owe": (
        "we owe",
        "we owe him",
        "we owe the farmer",
        "opening balance we owe",
        "நாம் கொடுக்க வேண்டியது",
        "கொடுக்க வேண்டியது",
    ),
    "he_owes": (
        "he owes",
        "he owes us",
        "farmer owes",
        "farmer owes us",
        "opening balance he owes",
        "அவர் தர வேண்டியது",
        "விவசாயி தர வேண்டியது",
        "தர வேண்டியது",
    ),
    "advance": (
        "advance",
        "opening advance",
        "advance outstanding",
        "advance from before",
        "முன்பணம்",
        "நிலுவை முன்பணம்",
        "மீதி முன்பணம்",
    ),
    "cadence": ("settled", "cadence", "settlement", "கணக்கு முடிப்பு", "கணக்கு முடிப்பது", "கணக்கு"),
    "upi": ("upi", "upi id", "upi address", "upi no", "யுபிஐ", "யுபிஐ முகவரி"),
}
# Which way round such a figure is meant, nobody can tell: one book writes it so, another the other way.
UNCLEAR = frozenset(
    {"balance", "opening balance", "closing balance", "outstanding", "due", "dues", "amount"}
    | {"நிலுவை", "மீதி", "பாக்கி", "இருப்பு", "ஆரம்ப இருப்பு", "தொகை"}
)
KEPT_SIGNS = "\t\n\u200c\u200d"
NAMES = frozenset({"name", "name_ta", "name_en"})


@dataclass(frozen=True)
class SheetRow:
    """One row as it stands in the file: `line` as the spreadsheet counts, cells by the field they belong to."""

    line: int
    cells: dict[str, str]
    has_more_cells: bool = False


@dataclass(frozen=True)
class Sheet:
    """A list that could be read: its rows, the fields it has columns for, the headings nobody knows."""

    rows: list[SheetRow]
    fields: list[str]
    unknown: list[str]


def text_of(raw: bytes, largest: int = LARGEST_FILE) -> str:
    """A file's text, whichever Unicode encoding it was saved in; of an Excel workbook what its CSV would be.

    Raises RuleBroken `too_large`, `empty`, `workbook` (Excel's older format), `unreadable` or `not_unicode`.
    """
    if len(raw) > largest:
        raise _refused("too_large", _("This file is larger than 2 MB. Import the list in parts."))
    if not raw.strip():
        raise _refused("empty", _("This file is empty."))
    if raw.startswith(b"PK\x03\x04"):
        return unicodedata.normalize("NFC", csv_of(raw))
    if raw.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refused(
            "workbook",
            _(
                "This is an old Excel workbook, or one with a password."
                " In Excel choose “Save as” and there “Excel workbook (.xlsx)”, then import that."
            ),
        )
    try:
        text = raw.decode(_encoding(raw))
    except UnicodeDecodeError as error:
        raise _refused("not_unicode", _not_unicode()) from error
    if "\0" in text:
        raise _refused("not_unicode", _not_unicode())
    return unicodedata.normalize("NFC", text)


def _encoding(raw: bytes) -> str:
    """By its mark; without one, UTF-16 shows by every other byte: 0 of Latin signs, 11 of Tamil letters."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    head = raw[:4000]
    for start, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        upper = head[start::2]
        if upper.count(0) + upper.count(11) > 0.9 * len(upper):
            return encoding
    return "utf-8-sig"


def _not_unicode() -> str:
    return _(
        "The letters of this file cannot be read: it is in an old Tamil or Windows encoding. Save it as CSV UTF-8."
    )


def sheet_in(text: str) -> Sheet:
    """The rows of a list. Blank rows are left out, headings are understood in Tamil and English.

    Raises RuleBroken `empty`, `no_names`, `unclear`, `twice`, `too_many_rows` or `unreadable`.
    """
    lines = text.lstrip("\ufeff\r\n \t")
    if match := re.match(r"(?i)\"?sep=([,;\t])\"?\r?\n", lines):
        separator, lines = match[1], lines[match.end() :]
    else:
        separator = separator_of(lines)
    try:
        table = list(csv.reader(io.StringIO(lines, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise _refused(
            "unreadable", _("This file is not a list in rows and columns: a quotation mark is left open.")
        ) from error
    filled = [(line, row) for line, row in enumerate(table, start=1) if any(cell.strip() for cell in row)]
    if not filled:
        raise _refused("empty", _("This file is empty."))
    (_line, heading), rows = filled[0], filled[1:]
    fields = _fields(heading)
    if not rows:
        raise _refused("empty", _("There are no farmers in this file, only headings."))
    if len(rows) > MOST_ROWS:
        raise _refused(
            "too_many_rows",
            _("This list has %(count)s rows; at most %(most)s can be imported at a time. Import it in parts.")
            % {"count": len(rows), "most": MOST_ROWS},
        )
    return Sheet(
        rows=[_row(line, cells, fields) for line, cells in rows],
        fields=[field for field in fields if field],
        unknown=[
            head.strip() for head, field in zip(heading, fields, strict=True) if not field and head.strip()
        ],
    )


def separator_of(text: str) -> str:
    """What parts the headings: the sign that stands among them most often."""
    heading = text.partition("\n")[0]
    return max(SEPARATORS, key=heading.count)


def _fields(heading: list[str]) -> list[str]:
    """For each column the field it is for, or nothing."""
    meant = {_plain(word): field for field, words in COLUMNS.items() for word in (field, *words)}
    fields = [meant.get(_plain(head), "") for head in heading]
    for field in filter(None, fields):
        if fields.count(field) > 1:
            twice = [head for head, each in zip(heading, fields, strict=True) if each == field]
            raise _refused(
                "twice", _("Two columns mean the same: %(columns)s.") % {"columns": " · ".join(twice)}
            )
    unclear = [head.strip() for head in heading if _plain(head) in UNCLEAR]
    if unclear:
        raise _refused(
            "unclear",
            _("Who owes whom in the column “%(column)s”? Call it “We owe” or “He owes”, or “Advance”.")
            % {"column": unclear[0]},
        )
    if not NAMES & set(fields):
        raise _refused(
            "no_names",
            _(
                "No column has the farmers' names. The first row must be headings, as in the empty list below."
            ),
        )
    return fields


def _plain(heading: str) -> str:
    """A heading without case, signs and spelling of its spaces: `Mobile_No.` is `mobile no`."""
    letters = unicodedata.normalize("NFC", heading).casefold()
    kept = (sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in letters)
    return " ".join("".join(kept).split())


def _row(line: int, cells: list[str], fields: list[str]) -> SheetRow:
    found: dict[str, str] = {}
    for field, cell in zip(fields, cells, strict=False):
        text = cleaned(cell)
        if not field or not text:
            continue
        if field in {"name", "village"}:
            field = f"{field}_ta" if is_tamil(text) else f"{field}_en"
        found.setdefault(field, text)
    return SheetRow(line, found, any(cell.strip() for cell in cells[len(fields) :]))


def cleaned(cell: str) -> str:
    """A cell without what spreadsheets wrap around it: `="0987"`, `'0987`, marks that nobody sees."""
    seen = (sign for sign in cell if unicodedata.category(sign) not in {"Cc", "Cf"} or sign in KEPT_SIGNS)
    text = " ".join("".join(seen).split())
    if match := re.fullmatch(r'="(.*)"', text):
        text = match[1]
    return text.removeprefix("'").strip()


def is_tamil(text: str) -> bool:
    """Whether it is written in Tamil letters."""
    return any("\u0b80" <= sign <= "\u0bff" for sign in text)


def _refused(code: str, sentence: str) -> RuleBroken:
    return RuleBroken(sentence, code=code, pointer="/file")
