"""Taking a whole list of farmers into the book: looked at first, then in one unit of work."""

import datetime as dt
import enum
import hashlib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import override

from ledger.domain import Cadence
from ledger.events import FarmerReachable
from ledger.models import Farmer
from ledger.selectors.farmers import sound_of
from ledger.selectors.habits import bare_name
from ledger.selectors.history import Change
from ledger.services.farmer_csv import Sheet, SheetRow, sheet_in
from ledger.services.farmers import (
    NUMBERS,
    Particulars,
    code_for,
    faults_in,
    hold_list,
    number_changed,
    put_on,
)
from ledger.services.movements import LARGEST
from ledger.services.openings import Figures, Totals, bring_over, check_totals, standing_among
from malar.accounts.domain import Language, Role
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import Conflict, NotAllowed
from malar.kernel.ids import new_id
from malar.kernel.money import ZERO
from malar.kernel.quantities import TAMIL_DIGITS, read_decimal, significant_decimals
from malar.kernel.transliteration import to_latin, to_tamil
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record_all

LAST_NUMBER = 9999
# What a spreadsheet would run as a formula when the list is exported again.
FORMULA = "=+-@"
LANGUAGES = {Language.TAMIL.value: "தமிழ்/Tamil", Language.ENGLISH.value: "English/ஆங்கிலம்"}
SHOWN = ("number", "code", "name_ta", "name_en", "village_ta", "village_en", "phone", "whatsapp")
MONEY = ("we_owe", "he_owes", "advance")
TYPED = ("name_ta", "name_en", "village_ta", "village_en", "code")


class RowState(enum.StrEnum):
    """What a row of the list means for the book."""

    NEW = "new"
    SAME = "same"
    DIFFERS = "differs"
    """The same person, other particulars: ticked, the list's are taken."""
    TAKEN = "taken"
    """His number or code is somebody else's: ticked, he gets the next free number."""
    ALIKE = "alike"
    """Perhaps somebody who is in the book already: ticked, he is another person."""
    WRONG = "wrong"

    @property
    def asks(self) -> bool:
        """Whether somebody must decide; left alone, nothing is done."""
        return self in {RowState.DIFFERS, RowState.TAKEN, RowState.ALIKE}


@dataclass
class PlannedRow:
    """A row of the list and what would be done with it. `farmer` is not saved; `other` is in the book."""

    line: int
    cells: dict[str, str]
    state: RowState
    farmer: Farmer
    given: Particulars
    other: Farmer | None = None
    faults: dict[str, str] = field(default_factory=dict)
    suggested: set[str] = field(default_factory=set)
    differing: list[str] = field(default_factory=list)
    shares_name: bool = False
    figures: Figures = field(default_factory=Figures)
    """What an older book says of him, in ₹."""
    is_opened: bool = False
    """It stands in this book already, just so."""

    @property
    def person(self) -> Farmer:
        """Whom the row is about once it is taken in."""
        known = self.state in {RowState.SAME, RowState.DIFFERS}
        return cast(Farmer, self.other) if known else self.farmer

    @property
    def opens(self) -> bool:
        """Whether taking this row in writes opening figures."""
        return bool(self.figures) and not self.is_opened

    @property
    def shown(self) -> dict[str, str]:
        """Every particular as the page shows it: what would be kept, or what was typed where that is wrong."""
        kept = {name: str(getattr(self.farmer, name) or "") for name in SHOWN}
        return kept | {name: text for name, text in self.cells.items() if name in self.faults}

    @property
    def changes(self) -> list[Change]:
        """What the book says and what the list says, where they differ."""
        other = cast(Farmer, self.other)
        return [
            Change(
                capfirst(str(Farmer._meta.get_field(name).verbose_name)),  # type: ignore[union-attr]
                _said(other, name),
                _said(self.farmer, name),
            )
            for name in self.differing
        ]


def _said(farmer: Farmer, name: str) -> str:
    """A particular in words: the label of a choice, a dash for nothing."""
    display = getattr(farmer, f"get_{name}_display", None)
    value = display() if display else getattr(farmer, name)
    return "–" if value in (None, "") else str(value)


@dataclass
class Plan:
    """What importing a list would do, row by row in the list's order."""

    rows: list[PlannedRow]
    sheet: Sheet

    def of(self, *states: RowState) -> list[PlannedRow]:
        return [row for row in self.rows if row.state in states]

    @property
    def to_decide(self) -> int:
        """How many rows wait for a tick."""
        return sum(row.state.asks for row in self.rows)

    @property
    def has_money(self) -> bool:
        """Whether the list has columns for opening figures."""
        return bool(set(MONEY) & set(self.sheet.fields))

    @property
    def opening(self) -> list[PlannedRow]:
        """Of those who are in the book just so: whose opening figures would be brought over."""
        return [row for row in self.of(RowState.SAME) if row.opens]

    def taken(self, ticked: Collection[int], left: Collection[int], take_over_all: bool) -> list[PlannedRow]:
        """The rows that are taken in, and those of which nothing is left to take in."""
        asked, out = set(ticked), set(left)

        def is_in(row: PlannedRow) -> bool:
            match row.state:
                case RowState.NEW:
                    return row.line not in out
                case RowState.DIFFERS:
                    return take_over_all or row.line in asked
                case RowState.TAKEN | RowState.ALIKE:
                    return row.line in asked
            return row.state is RowState.SAME

        return [row for row in self.rows if is_in(row)]

    @property
    def fingerprint(self) -> str:
        """Whether the book is still as it was when somebody looked at the plan."""
        meant = [
            [row.line, row.state, row.farmer.number, str(row.other and row.other.pk), row.is_opened]
            for row in self.rows
        ]
        return hashlib.sha256(json.dumps(meant).encode()).hexdigest()


def import_farmers(
    *,
    by: Membership,
    key: UUID,
    text: str,
    expected: str,
    ticked: Collection[int] = (),
    left: Collection[int] = (),
    take_over_all: bool = False,
    totals: Totals | None = None,
    opened_on: dt.date | None = None,
    welcome: bool = False,
) -> Answer:
    """Take the list's farmers into the book: new ones but those in `left`, and the `ticked` of those that ask;
    with opening figures where the list has them, dated `opened_on`, for those who are in the book just so, too.

    `ticked` and `left` are lines of the list, `take_over_all` ticks every line that only differs, `expected`
    is the fingerprint of the plan that was looked at. `totals` is what the older book says at its end: what is
    taken in must come to just that, to the paisa; rows with mistakes and rows left out are not in it.
    `welcome`: the new ones who have a number are to hear of it.
    The answer is `{"added": …, "changed": …, "opened": …}`. Raises NotAllowed, Conflict `book_changed` where
    the plan is another one by now, RuleBroken `total_differs` at each total that does, `required`, and what
    `bring_over` raises; nothing is kept then.
    """
    demand_owner(by)

    def act() -> dict[str, Any]:
        hold_list(by)
        plan = plan_import(by.shop, sheet_in(text))
        if plan.fingerprint != expected:
            raise Conflict(
                _("Somebody changed the list of farmers meanwhile. Look at the list once more."),
                code="book_changed",
            )
        taken = plan.taken(ticked, left, take_over_all)
        if plan.has_money:
            check_totals([row.figures for row in taken], totals, opened_on)
        new = [row for row in taken if row.state in {RowState.NEW, RowState.TAKEN, RowState.ALIKE}]
        Farmer.objects.bulk_create([row.farmer for row in new], batch_size=500)
        if welcome:
            reachable = [row.farmer for row in new if row.farmer.is_reachable]
            record_all([FarmerReachable(farmer=farmer.pk) for farmer in reachable], shop=by.shop)
        changed = _take_over([row for row in taken if row.state is RowState.DIFFERS])
        figures = {row.person: row.figures for row in taken if row.opens}
        if figures and opened_on:
            bring_over(by=by, figures=figures, day=opened_on)
        return {"added": len(new), "changed": changed, "opened": len(figures)}

    digest = hashlib.sha256(text.encode()).hexdigest()
    body = {
        "list": digest,
        "ticked": sorted(ticked),
        "left": sorted(left),
        "take_over_all": take_over_all,
        "expected": expected,
    }
    if welcome:
        body["welcome"] = True
    if totals or opened_on:
        body |= {"totals": totals and vars(totals), "opened_on": opened_on}
    return once(by=by, key=key, body=body, made=new_id(), effect=act)


def demand_owner(by: Membership) -> None:
    """Raise NotAllowed unless he may import (docs/api.md, roles)."""
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may import a list of farmers."))


def _take_over(rows: list[PlannedRow]) -> int:
    """Write what the list says on people who are in the book already."""
    changed = []
    sound = Farmer._meta.get_field("sound")
    for row in rows:
        other = cast(Farmer, row.other)
        put_on(other, cast(Particulars, {name: getattr(row.farmer, name) for name in row.differing}))
        if not NUMBERS.isdisjoint(row.differing):
            number_changed(other)
        other.version += 1
        sound.pre_save(other, add=False)  # bulk_update goes past it
        changed.append(other)
    if changed:
        touched = {name for row in rows for name in row.differing}
        Farmer.objects.bulk_update(changed, [*sorted(touched), "sound", "version"], batch_size=200)
    return len(changed)


class _Book:
    """The shop's farmers, as rows of a list ask for them. One query."""

    def __init__(self, shop: Shop) -> None:
        farmers = list(shop.farmers.all())
        self.by_number = {farmer.number: farmer for farmer in farmers}
        self.by_code = {farmer.code.casefold(): farmer for farmer in farmers}
        self.by_name: dict[str, list[Farmer]] = {}
        self.bare: set[str] = set()
        self.villages: dict[str, str] = {}
        for farmer in farmers:
            self.add(farmer)

    def add(self, farmer: Farmer) -> None:
        """Know a farmer by his names and by how his village is written in either script."""
        for name in (farmer.name_ta, farmer.name_en):
            if name:
                self.by_name.setdefault(_key(name), []).append(farmer)
                self.bare.add(bare_name(name))
        if farmer.village_ta and farmer.village_en:
            self.villages.setdefault(_key(farmer.village_ta), farmer.village_en)
            self.villages.setdefault(_key(farmer.village_en), farmer.village_ta)

    def named(self, given: Particulars) -> list[Farmer]:
        """Who is called exactly so, initials included, in either script."""
        names = [_key(name) for name in (given.get("name_ta", ""), given.get("name_en", "")) if name]
        found = [farmer for name in names for farmer in self.by_name.get(name, [])]
        return list(dict.fromkeys(found))


def plan_import(shop: Shop, sheet: Sheet) -> Plan:
    """What each row of a list means for the book. One query, and one for opening figures; nothing is written."""
    book = _Book(shop)
    for each in sheet.rows:  # a row that has its village in both scripts helps the others
        villages = {name: each.cells.get(name, "") for name in ("village_ta", "village_en")}
        book.add(Farmer(**villages))
    planned = [_read(shop, each, book) for each in sheet.rows]
    _find_repeated(planned)
    for row in planned:
        if row.state is not RowState.WRONG:
            _compare(row, book)
    _compare_figures(planned)
    _number(planned, book)
    called: dict[str, int] = {}
    for row in planned:
        for name in {bare_name(row.farmer.name_ta), bare_name(row.farmer.name_en)} - {""}:
            called[name] = called.get(name, 0) + 1
    for row in planned:
        names = {bare_name(row.farmer.name_ta), bare_name(row.farmer.name_en)} - {""}
        row.shares_name = row.state is RowState.NEW and any(
            name in book.bare or called[name] > 1 for name in names
        )
    return Plan(planned, sheet)


def _read(shop: Shop, row: SheetRow, book: _Book) -> PlannedRow:
    """The row as particulars, with the other script filled in where it is missing."""
    given, faults = _given(row)
    farmer = Farmer(shop=shop)
    planned = PlannedRow(row.line, row.cells, RowState.NEW, farmer, given, faults=faults)
    planned.figures = _figures(row, faults)
    for name, source, spell in (
        ("name_ta", "name_en", to_tamil),
        ("name_en", "name_ta", to_latin),
        ("village_ta", "village_en", to_tamil),
        ("village_en", "village_ta", to_latin),
    ):
        typed = str(given.get(source, ""))
        if typed and not given.get(name) and source not in faults:
            known = book.villages.get(_key(typed)) if name.startswith("village") else None
            setattr(farmer, name, known or spell(typed))
            planned.suggested.add(name)
    for fault in put_on(farmer, given):
        faults.setdefault(fault.pointer[1:], fault.detail)
    if not given.get("name_ta") and not given.get("name_en"):
        faults.setdefault("name_ta", _("There is no name in this row."))
    if row.has_more_cells:
        faults.setdefault("row", _("This row has more cells than there are headings."))
    try:
        # Number and code are given at the end, when it is known which are free.
        farmer.clean_fields(exclude=["shop", "member", "number", "code"])
    except ValidationError as error:
        for fault in faults_in(error):
            faults.setdefault(fault.pointer[1:], fault.detail)
    if faults:
        planned.state = RowState.WRONG
    return planned


def _given(row: SheetRow) -> tuple[Particulars, dict[str, str]]:
    """What the cells say, and a sentence for each that cannot be read."""
    given: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, text in row.cells.items():
        if name in MONEY:
            continue
        try:
            given[name] = _value(name, text)
        except ValueError as error:
            faults[name] = str(error)
    return cast(Particulars, given), faults


def _figures(row: SheetRow, faults: dict[str, str]) -> Figures:
    """What the older book says in this row; a sentence for each amount that cannot be read."""
    said = dict.fromkeys(MONEY, ZERO)
    for name in MONEY:
        try:
            said[name] = _amount(row.cells.get(name, ""))
        except ValueError as error:
            faults[name] = str(error)
    if said["we_owe"] and said["he_owes"]:
        faults["he_owes"] = _("Either we owe him or he owes us, not both.")
    if faults.keys() & said.keys():
        return Figures()
    return Figures(said["we_owe"] - said["he_owes"], said["advance"])


def _amount(text: str) -> Decimal:
    """A cell in ₹: `1,23,456.50`, `₹500`, `-` or nothing for nothing. Raises ValueError with a sentence."""
    bare = text.removeprefix("₹").removeprefix("Rs.").removeprefix("Rs").removesuffix("/-").strip()
    if bare in {"", "-", "–"}:
        return ZERO
    try:
        # No letters: what a spreadsheet has shortened (1.2E5) has lost its last figures.
        amount = read_decimal(bare) if not any(sign.isalpha() for sign in bare) else None
    except ValueError:
        amount = None
    if amount is None:
        raise ValueError(_("Enter an amount, for example 1,250.50."))
    if amount < 0:
        raise ValueError(_("No minus here: the column says who owes whom."))
    if significant_decimals(amount) > 2:
        raise ValueError(_("An amount has at most two decimals."))
    if amount > LARGEST:
        raise ValueError(_("This number is too large."))
    return amount


def _value(name: str, text: str) -> Any:
    """A cell as the book keeps it. Raises ValueError with a sentence for whoever reads the list."""
    if name == "number":
        digits = text.translate(TAMIL_DIGITS).removesuffix(".0")
        if not digits.isdecimal() or not 1 <= int(digits[:6]) <= LAST_NUMBER:
            raise ValueError(_("A number is from 1 to 9999."))
        return int(digits)
    if name in {"phone", "whatsapp"}:
        if re.fullmatch(r"[0-9][.,]?[0-9]*[eE]\+?[0-9]+", text):
            raise ValueError(
                _("The spreadsheet has shortened this number. Format the column as text and type it again.")
            )
        return text.removesuffix(".0")
    if name == "commission_pct":
        try:
            return read_decimal(text.removesuffix("%"))
        except ValueError:
            raise ValueError(_("Enter a number, for example 12.5.")) from None
    if name == "language":
        return _chosen(text, LANGUAGES, _("Write ta or en."))
    if name == "cadence":
        words = " · ".join(str(label) for label in Cadence.labels)
        return _chosen(text, dict(Cadence.choices), _("Write one of these: %(words)s.") % {"words": words})
    if text.startswith(tuple(FORMULA)):
        raise ValueError(_("This cannot begin with %(sign)s.") % {"sign": text[0]})
    if name == "code" and len(text) > (Farmer._meta.get_field("code").max_length or 0):
        raise ValueError(_("A code has at most 12 signs."))
    return text


def _chosen(text: str, choices: dict[str, Any], sentence: str) -> str:
    """The choice that is meant, by its value or its word in either language."""
    said = text.casefold()
    for value, label in choices.items():
        words = {value}
        for language in ("ta", "en"):
            with override(language):
                words |= set(str(label).split("/"))
        if said in {word.casefold() for word in words}:
            return value
    raise ValueError(sentence)


def _find_repeated(rows: list[PlannedRow]) -> None:
    """A number, a code or a whole person that stands in the list twice: the second one is wrong."""
    first: dict[tuple[str, Any], int] = {}
    for row in rows:
        given = row.given
        person = (_key(row.farmer.name_ta), _key(row.farmer.village_ta), row.farmer.phone)
        marks: list[tuple[str, str, Any]] = [("number", "number", given.get("number"))]
        marks.append(("code", "code", given.get("code", "").casefold()))
        if not given.get("number") and not given.get("code"):
            marks.append(("row", "person", person))
        for where, kind, mark in marks:
            if not mark:
                continue
            line = first.setdefault((kind, mark), row.line)
            if line != row.line:
                row.faults.setdefault(where, _("This stands in row %(row)s already.") % {"row": line})
                row.state = RowState.WRONG


def _compare(row: PlannedRow, book: _Book) -> None:
    """Whether the row is somebody in the book, and in what it differs from him."""
    given = row.given
    holder = book.by_number.get(given.get("number", 0))
    coded = book.by_code.get(given.get("code", "").casefold())
    if holder and coded and holder != coded:
        row.state, row.other = RowState.WRONG, coded
        row.faults["code"] = _("Number and code belong to two different farmers.")
    elif other := holder or coded:
        row.other = other
        if _may_be(row, other):
            row.differing = _differing(row, other)
            row.state = RowState.DIFFERS if row.differing else RowState.SAME
        else:
            row.state = RowState.TAKEN
    else:
        _compare_by_name(row, book)


def _compare_by_name(row: PlannedRow, book: _Book) -> None:
    """The row's number is free, or it has none: only name, village and phone tell whether he is known."""
    for other in book.named(row.given):
        villages = {_key(other.village_ta), _key(other.village_en)} - {""}
        his = {_key(row.farmer.village_ta), _key(row.farmer.village_en)} - {""}
        is_certain = bool(villages & his) or bool(other.phone and other.phone == row.farmer.phone)
        if not is_certain and villages and his:
            continue  # from another village: another person, as so often
        row.other = other
        if is_certain and not row.given.get("number"):
            row.differing = _differing(row, other)
            row.state = RowState.DIFFERS if row.differing else RowState.SAME
        else:
            row.state = RowState.ALIKE
        return


def _may_be(row: PlannedRow, other: Farmer) -> bool:
    """Whether somebody with this number is the one the row means: called so, or nearly so."""
    his = {_key(name) for name in (other.name_ta, other.name_en) if name}
    said = {_key(name) for name in (row.given.get("name_ta", ""), row.given.get("name_en", "")) if name}
    if his & said:
        return True
    sounds = {sound_of(name) for name in (other.name_ta, other.name_en)} - {""}
    return bool(sounds & {sound_of(row.given.get("name_ta", "")), sound_of(row.given.get("name_en", ""))})


def _differing(row: PlannedRow, other: Farmer) -> list[str]:
    """In what the list says something else than the book. What it does not say changes nothing."""
    return [
        name
        for name in row.given
        if getattr(row.farmer, name) != getattr(other, name)
        and not (name in TYPED and _key(getattr(row.farmer, name)) == _key(getattr(other, name)))
    ]


def _compare_figures(rows: list[PlannedRow]) -> None:
    """Whether who is in the book has opening figures already: the same ones are left alone, others are wrong."""
    known = [row for row in rows if row.state in {RowState.SAME, RowState.DIFFERS} and row.figures]
    standing = standing_among([row.other for row in known if row.other]) if known else {}
    for row in known:
        his = standing.get(cast(Farmer, row.other))
        row.is_opened = his == row.figures
        if his and not row.is_opened:
            row.state = RowState.WRONG
            row.faults["figures"] = _("He has other opening figures in the book already.")


def _number(rows: list[PlannedRow], book: _Book) -> None:
    """Give numbers and codes to those who would be added: their own, or the next free ones in the list's order."""
    used = set(book.by_number) | {row.given["number"] for row in rows if "number" in row.given}
    codes = set(book.by_code) | {row.given["code"].casefold() for row in rows if "code" in row.given}
    free = _free_numbers(used)
    for row in rows:
        if row.state not in {RowState.NEW, RowState.TAKEN, RowState.ALIKE}:
            continue
        farmer, given = row.farmer, row.given
        if row.state is RowState.TAKEN or not given.get("number"):
            number = next(free, None)
            if number is None:
                row.state, row.faults["number"] = RowState.WRONG, _("All 9,999 farmer numbers are used.")
                continue
            farmer.number = number
        own = given.get("code", "") if row.state is not RowState.TAKEN else ""
        farmer.code = own or code_for(farmer.number)
        if not own and farmer.code.casefold() in codes:
            row.state = RowState.WRONG
            row.faults["code"] = _("The code %(code)s is somebody else's.") % {"code": farmer.code}
        codes.add(farmer.code.casefold())


def _free_numbers(used: set[int]) -> Iterator[int]:
    """Numbers nobody has: after the highest one first, then the gaps."""
    highest = max(used, default=0)
    yield from range(highest + 1, LAST_NUMBER + 1)
    yield from (number for number in range(1, highest) if number not in used)


def _key(name: str) -> str:
    """A name as it is compared: without spaces, dots and case."""
    return re.sub(r"[\s.]+", "", name).casefold()
