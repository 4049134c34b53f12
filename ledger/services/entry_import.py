"""Taking lines of an older book over: the rules of `record_entry` for many lines, in one unit of work."""

import datetime as dt
import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import SHOP_SERIES, EarlierLine, shop_slip
from ledger.events import EntriesImported
from ledger.models import Charge, DailyEntry
from ledger.selectors.days_cash import closed_days
from ledger.selectors.entries import BAND_DAYS, BAND_LINES, LineAsked, line_backgrounds
from ledger.services import charges, entries
from ledger.services.charges import frozen_charges
from ledger.services.entries import NewLine, decided, mark_slip_taken
from ledger.services.faults import refusal, time_faults
from ledger.services.partitions import ensure_month, know_months
from ledger.services.posting import closed_day_refused, day_locked
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.copying import copy_into
from malar.kernel.errors import Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.money import line_amount
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once, use_ids
from malar.trail.services.events import record

MOST_LINES = 200_000
BATCH = 5_000
MOST_NAMED = 100
"""Faults that are told; who has more looks at the file, not at the list."""
NEXT_SLIPS = f"""
    INSERT INTO ledger_slipcounter (shop_id, business_date, series, last)
    SELECT %(shop)s, day, '{SHOP_SERIES}', lines FROM unnest(%(days)s::date[], %(lines)s::int[]) AS new (day, lines)
    ORDER BY day
    ON CONFLICT (shop_id, business_date, series) DO UPDATE SET last = ledger_slipcounter.last + EXCLUDED.last
    RETURNING business_date, last
"""  # noqa: S608  # a constant


def import_entries(
    *, by: Membership, key: UUID, rows: Mapping[int, NewLine], now: dt.datetime | None = None
) -> Answer:
    """Write lines of an older book, as `record_entry` would write each of them in the order of `rows`: priced,
    with commission, automatic charges, slip numbers and history, and the same questions asked about each.

    `rows` are the lines by the number of their row, which refusals name; a charge bears the time of the import.
    Farmers are told nothing: there is one event for all lines. All of it is one transaction, and the same
    request twice is answered alike. The answer is `{"lines": …, "first": …, "last": …}`, the days in ISO.

    Raises NotAllowed for others than the owner, RuleBroken naming each refused field of each row, a hundred at
    most (`/rows/7/farmer`), `empty` or `too_many_rows`. Nothing is kept then.
    """
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may take over entries of an older book."))
    if not rows:
        raise RuleBroken(
            _("There are no entries in this file, only headings."), code="empty", pointer="/rows"
        )
    if len(rows) > MOST_LINES:
        raise RuleBroken(
            _("This list has %(count)s rows; at most %(most)s can be imported at a time. Import it in parts.")
            % {"count": len(rows), "most": MOST_LINES},
            code="too_many_rows",
            pointer="/rows",
        )
    made, received_at = new_id(), now or timezone.now()
    numbered = list(rows.items())
    days = {number: business_date_of(line.captured_at, by.shop.turnover_hour) for number, line in numbered}
    written = {days[number] for number, line in numbered if not time_faults(line.captured_at, received_at)}
    for month in sorted({day.replace(day=1) for day in written}):
        ensure_month(month)

    def write() -> dict[str, Any]:
        faults: list[Fault] = []
        _check_keys_at_once()
        for start in range(0, len(numbered), BATCH):
            batch = numbered[start : start + BATCH]
            taken = _decided(by, batch, days, received_at, faults)
            if not faults:
                _write(by, taken, made)
                know_months({days[number] for number, _line in batch})
            elif len(faults) >= MOST_NAMED:
                break
        if faults:
            raise refusal(faults[:MOST_NAMED])
        first, last = min(written).isoformat(), max(written).isoformat()
        record(EntriesImported(taken=made, lines=len(numbered), first=first, last=last), shop=by.shop)
        return {"lines": len(numbered), "first": first, "last": last}

    return once(by=by, key=key, body={"lines": _digest(rows)}, made=made, effect=write)


@step
def _check_keys_at_once() -> None:
    """Foreign keys are checked with each statement, not at the commit: a long queue of checks makes each
    following statement slower (four times in the second batch, ten in the fourth)."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _digest(rows: Mapping[int, NewLine]) -> str:
    digest = hashlib.sha256()
    for number, line in rows.items():
        digest.update(f"{number} {line}\n".encode())
    return digest.hexdigest()


Taken = list[tuple[DailyEntry, list[Charge]]]


def _decided(
    by: Membership,
    batch: Sequence[tuple[int, NewLine]],
    days: Mapping[int, dt.date],
    received_at: dt.datetime,
    faults: list[Fault],
) -> Taken:
    """The batch as lines and charges, unsaved and without the shop's slip numbers; adds what is refused."""
    asked = [
        LineAsked(line.farmer_id, line.flower_id, line.captured_at, days[number], line.adjustments)
        for number, line in batch
    ]
    closed = closed_days(by.shop, {each.day for each in asked})
    used = _slips_used(by.shop, {(days[number], line.slip) for number, line in batch if line.slip})
    # What record_entry would find of the batch's own lines, had it written them one by one.
    beside: dict[tuple[UUID, UUID], list[tuple[dt.date, EarlierLine]]] = defaultdict(list)
    taken: Taken = []
    for (number, line), known in zip(batch, line_backgrounds(by.shop, asked), strict=True):
        day = days[number]
        own = beside[line.farmer_id, line.flower_id] if line.farmer_id and line.flower_id else []
        since = day - dt.timedelta(days=BAND_DAYS)
        newer = [earlier for its_day, earlier in own if since <= its_day <= day]
        if newer:
            earlier = sorted([*known.earlier, *newer], key=lambda each: each.captured_at, reverse=True)
            known = replace(known, earlier=earlier[:BAND_LINES])
        try:
            entry = decided(by, line, known, id=new_id(), day=day, received_at=received_at)
            if day in closed:
                raise day_locked(day, "/captured_at")
        except RuleBroken as broken:
            faults += [in_row(number, fault) for fault in broken.faults]
            continue
        if line.slip:
            if (day, line.slip) in used:
                mark_slip_taken(entry)
            used.add((day, line.slip))
        # What the database will compute: a fee may be a percentage of it.
        entry.amount = None if entry.rate is None else line_amount(entry.quantity, entry.rate)
        own.append((day, EarlierLine(entry.quantity, entry.captured_at)))
        taken.append((entry, frozen_charges(entry, by, known.fees)))
    return taken


def _slips_used(shop: Shop, said: set[tuple[dt.date, str]]) -> set[tuple[dt.date, str]]:
    """Those of some numbers that lines of their days have already. One query, none where nothing is said."""
    if not said:
        return set()
    theirs = shop.daily_entries.filter(business_date__in={day for day, _slip in said})
    # Compared here: a malformed number is still to be refused, and must not reach the database.
    return said & set(theirs.order_by().values_list("business_date", "slip_number"))


def in_row(number: int, fault: Fault) -> Fault:
    """A fault that says in which row."""
    detail = _("Row %(row)s: %(what)s") % {"row": number, "what": fault.detail}
    return Fault(f"/rows/{number}{fault.pointer}", fault.code, detail)


@step
def _write(by: Membership, taken: Taken, within: UUID) -> None:
    """Give the shop's numbers where none was said, and write lines, charges and used ids, a COPY each."""
    _number(by.shop, [entry for entry, _charges in taken if not entry.slip_number])
    # All days were open a moment ago; one that was closed meanwhile is named for all of the batch.
    with closed_day_refused(max(entry.business_date for entry, _charges in taken), "/rows"):
        copy_into(
            "ledger_dailyentry",
            [field.column for field in entries.WRITTEN],
            (list(entries.values_of(entry).values()) for entry, _charges in taken),
        )
        copy_into(
            "ledger_charge",
            [field.column for field in charges.WRITTEN],
            (charges.values_of(charge) for _entry, charged in taken for charge in charged),
        )
    use_ids([entry.pk for entry, _charges in taken], shop=by.shop, within=within)


@step
def _number(shop: Shop, without: Sequence[DailyEntry]) -> None:
    """Number lines of the shop's own series on from where each day's counter stands, in their order."""
    lines = Counter(entry.business_date for entry in without)
    with connection.cursor() as cursor:
        cursor.execute(NEXT_SLIPS, {"shop": shop.pk, "days": list(lines), "lines": list(lines.values())})
        running = {day: last - lines[day] for day, last in cursor.fetchall()}
    for entry in without:
        running[entry.business_date] += 1
        entry.slip_number = shop_slip(entry.business_date, running[entry.business_date])
