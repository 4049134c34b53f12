"""Lines of an older book as a spreadsheet saves them, for `import_entries`."""

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from ledger.services.entries import NewLine
from ledger.services.entry_import import MOST_NAMED, in_row
from ledger.services.farmer_csv import cleaned, separator_of
from ledger.services.faults import refusal
from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import Fault, RuleBroken
from malar.kernel.quantities import TAMIL_DIGITS, read_decimal

COLUMNS = (
    "date",
    "time",
    "farmer",
    "flower",
    "gross_quantity",
    "tare",
    "quantity",
    "sacks",
    "rate",
    "commission_pct",
    "slip",
    "note",
)
NEEDED = ("date", "farmer", "flower")
MORNING = dt.time(6)
"""When a line was weighed whose book says no time."""
QUANTITIES = ("gross_quantity", "tare", "quantity")


def lines_in(text: str, shop: Shop) -> dict[int, NewLine]:
    """The lines of a file by the row they stand in, the headings being row 1.

    Headings are the names in COLUMNS. `date` is 2025-03-06 or 06.03.2025, `time` 05:30, `farmer` a number or a
    code, `flower` a code, weights kg, rates ₹ for one. What names nobody is left to the rules of a line.
    Raises RuleBroken `no_column`, or naming each cell that cannot be read (`/rows/7/date`). Two queries.
    """
    table = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=separator_of(text))
    headings = [cleaned(cell).casefold() for cell in next(table, [])]
    if missing := [name for name in NEEDED if name not in headings]:
        detail = _("There is no column “%(column)s”. The first row must be headings.") % {
            "column": missing[0]
        }
        raise RuleBroken(detail, code="no_column", pointer="/rows/1")
    farmers: dict[str, UUID] = {}
    for pk, number, code in shop.farmers.values_list("pk", "number", "code"):
        farmers |= {code.casefold(): pk}
        farmers.setdefault(str(number), pk)
    flowers = {code.casefold(): pk for pk, code in shop.flowers.values_list("pk", "code")}
    lines: dict[int, NewLine] = {}
    faults: list[Fault] = []
    for row, cells in enumerate(table, start=2):
        said = {name: cleaned(cell) for name, cell in zip(headings, cells, strict=False) if name in COLUMNS}
        if any(said.values()) and len(faults) < MOST_NAMED:
            line = _line(row, said, farmers, flowers, faults)
            if line is not None:
                lines[row] = line
    if faults:
        raise refusal(faults[:MOST_NAMED])
    return lines


def _line(
    row: int, said: dict[str, str], farmers: dict[str, UUID], flowers: dict[str, UUID], faults: list[Fault]
) -> NewLine | None:
    found: dict[str, Any] = {}
    wrong: list[Fault] = []
    for name, text in said.items():
        if not text:
            continue
        try:
            found[name] = _read(name, text)
        except ValueError:
            wrong.append(Fault(f"/{name}", "unreadable", _unreadable(name)))
    if "date" not in found and not wrong:
        wrong.append(Fault("/date", "required", _unreadable("date")))
    if wrong:
        faults += [in_row(row, fault) for fault in wrong]
        return None
    day, clock = found.pop("date"), found.pop("time", MORNING)
    return NewLine(
        farmer_id=farmers.get(found.pop("farmer", "")),
        flower_id=flowers.get(found.pop("flower", "")),
        captured_at=dt.datetime.combine(day, clock, tzinfo=KOLKATA),
        **found,
    )


def _read(name: str, text: str) -> Any:
    """A cell as a line takes it. Raises ValueError."""
    match name:
        case "date":
            digits = text.translate(TAMIL_DIGITS)
            if digits[:4].isdecimal():
                return dt.date.fromisoformat(digits)
            day, month, year = (int(part) for part in digits.replace("/", ".").split("."))
            return dt.date(year, month, day)
        case "time":
            return dt.time.fromisoformat(text.translate(TAMIL_DIGITS).zfill(5))
        case "sacks":
            return int(text.translate(TAMIL_DIGITS))
        case "farmer" | "flower":
            return text.translate(TAMIL_DIGITS).casefold()
        case "slip" | "note":
            return text
        case _:
            value: Decimal = read_decimal(text, comma_groups=name not in QUANTITIES)
            return value


def _unreadable(name: str) -> str:
    if name == "date":
        return _("Write the date as 2025-03-06 or 06.03.2025.")
    if name == "time":
        return _("Write the time as 05:30.")
    return _("Enter a number, for example 12.5.")
