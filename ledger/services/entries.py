"""Recording, correcting and cancelling lines: the one place that decides about them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, TypedDict
from uuid import UUID

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from ledger.domain import (
    CLOCK_SKEW,
    MOST_UNSURE,
    SHOP_SERIES,
    EntryKind,
    EntryStatus,
    ReviewReason,
    questions_about,
)
from ledger.events import EntryCorrected, EntryRecorded, EntryVoided
from ledger.models import DailyEntry, DayClose, Farmer
from ledger.selectors.answers import entry_answer
from ledger.selectors.commission import commission_for
from ledger.selectors.days_cash import first_open_day
from ledger.selectors.entries import (
    LineBackground,
    correction_of,
    entry_of,
    has_slip,
    is_settled,
    line_background,
    lines_beside,
    may_change,
)
from ledger.services.charges import make_automatic_charges, replace_automatic_charges, void_charges_of
from ledger.services.faults import (
    adjustment_faults,
    commission_faults,
    length_faults,
    rate_faults,
    refusal,
    slip_faults,
    time_faults,
)
from ledger.services.partitions import ensure_month
from ledger.services.posting import closed_day_refused
from ledger.services.quantities import weighed
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.money import line_amount, line_commission
from malar.kernel.transactions import in_unit, step, unit_of_work
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record
from pricing.domain import PricingMode, Quote, RateSource, adjusted
from pricing.models import Flower
from pricing.selectors.rates import rate_at, rates_at
from pricing.selectors.terms import adjustments_named

NOBODY = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class NewLine:
    """What is said of a line when it is written; what each means is told at `record_entry`."""

    farmer_id: UUID | None
    flower_id: UUID | None
    captured_at: dt.datetime
    gross_quantity: Decimal | None = None
    tare: Decimal | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    sacks: int | None = None
    sack_weights: Sequence[Decimal] | None = None
    rate: Decimal | None = None
    rate_reason: str = ""
    note: str = ""
    slip: str = ""
    adjustments: Sequence[UUID] = ()
    commission_pct: Decimal | None = None
    commission_per_unit: Decimal | None = None
    quoted_rate: Decimal | None = None
    already_weighed: bool = False
    """Kept whatever the shop has closed or put out of use since; somebody looks at it."""
    clock_was_ahead: bool = False
    unsure_by: dt.timedelta = dt.timedelta(0)
    """How far off the clock that told its time may have been."""


def record_entry(
    *,
    by: Membership,
    key: UUID,
    farmer_id: UUID | None,
    flower_id: UUID | None,
    captured_at: dt.datetime | None = None,
    gross_quantity: Decimal | None = None,
    tare: Decimal | None = None,
    quantity: Decimal | None = None,
    unit: str | None = None,
    sacks: int | None = None,
    sack_weights: Sequence[Decimal] | None = None,
    rate: Decimal | None = None,
    rate_reason: str = "",
    note: str = "",
    slip: str = "",
    id: UUID | None = None,
    now: dt.datetime | None = None,
    adjustments: Sequence[UUID] = (),
    commission_pct: Decimal | None = None,
    commission_per_unit: Decimal | None = None,
) -> Answer:
    """Write a line: weighed or counted, priced, with commission, automatic charges, slip number and event.

    Quantities are in the flower's unit (kg with three decimals, or a count), the rate in ₹ per unit.
    Without a rate the one in force at `captured_at` is taken, if the flower is priced by the board then,
    and the named `adjustments` applied to it, each by itself; with none in force, or where rates are
    typed for each lot or called after the day, the line is kept unpriced. What the owner types as
    commission (percent of the amount, ₹ per unit) replaces that figure of the rule's.
    `captured_at` defaults to `now`, and that to the clock. The answer is `entry_answer` of the line.

    Raises NotAllowed for a farmer, RuleBroken naming each refused field (contract, POST
    daily-entries), Conflict `id_exists`. Nothing is kept then.
    """
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may record flowers."))
    said: dict[str, Any] = {
        "farmer": farmer_id,
        "flower": flower_id,
        "captured_at": captured_at,
        "gross_quantity": gross_quantity,
        "tare": tare,
        "quantity": quantity,
        "unit": unit,
        "sacks": sacks,
        "sack_weights": sack_weights,
        "rate": rate,
        "rate_reason": rate_reason,
        "note": note,
        "slip": slip,
        "id": id,
    }
    # Only where they are said: a request stored before there were any must look the same when it comes again.
    later = {
        "adjustments": list(adjustments) or None,
        "commission_pct": commission_pct,
        "commission_per_unit": commission_per_unit,
    }
    said |= {name: value for name, value in later.items() if value is not None}
    made = id or new_id()
    received_at = now or timezone.now()
    at = captured_at or received_at
    day = business_date_of(at, by.shop.turnover_hour)
    if not time_faults(at, received_at):
        ensure_month(day)
    line = NewLine(
        farmer_id=farmer_id,
        flower_id=flower_id,
        captured_at=at,
        gross_quantity=gross_quantity,
        tare=tare,
        quantity=quantity,
        unit=unit,
        sacks=sacks,
        sack_weights=sack_weights,
        rate=rate,
        rate_reason=rate_reason,
        note=note,
        slip=slip,
        adjustments=adjustments,
        commission_pct=commission_pct,
        commission_per_unit=commission_per_unit,
    )

    def write() -> dict[str, Any]:
        return entry_answer(enter(by, line, id=made, day=day, received_at=received_at))

    return once(by=by, key=key, body=said, made=made, effect=write)


@step
def enter(by: Membership, line: NewLine, *, id: UUID, day: dt.date, received_at: dt.datetime) -> DailyEntry:
    """Write a new line with its charges and its event, dated `day`, whose month is there (`ensure_month`).

    Its rate, commission and fees are those of its own moment. Raises what `record_entry` raises.
    """
    own_day = business_date_of(line.captured_at, by.shop.turnover_hour)
    known = line_background(
        by.shop, line.farmer_id, line.flower_id, line.captured_at, own_day, line.adjustments
    )
    known = _as_far_as_clocks_tell(known, line, own_day, received_at)
    entry = decided(by, line, known, id=id, day=day, received_at=received_at)
    if line.slip and has_slip(by.shop, day, line.slip):
        mark_slip_taken(entry)
    with closed_day_refused(day, "/captured_at"):
        insert(entry)
        make_automatic_charges(entry, by, known.fees)
    record(EntryRecorded(entry=entry.pk, farmer=entry.farmer_id), shop=by.shop)
    return entry


def _as_far_as_clocks_tell(
    known: LineBackground, line: NewLine, day: dt.date, received_at: dt.datetime
) -> LineBackground:
    """Take the rate from before a change that the line's clock cannot tell it from, and know the one after it, too.

    A change is a boundary of slots, or a rate that was called. One question, of a line whose clock may be off.
    """
    if not line.unsure_by or line.rate is not None or known.flower is None:
        return known
    unsure_by = min(line.unsure_by, MOST_UNSURE)
    latest = max(min(line.captured_at + unsure_by, received_at), line.captured_at)
    earliest, last = rates_at(known.flower, [line.captured_at - unsure_by, latest], day)
    quotes = [earliest, known.quote, last]
    # Before the first slot and after the last one there is nothing to take it for.
    rated = [quote for quote in quotes if quote.rate is not None]
    if not rated or rated[0].rate == rated[-1].rate:
        return known
    return replace(known, quote=rated[0], after=rated[-1])


@step
def flag_duplicates(entry: DailyEntry, others: Sequence[DailyEntry]) -> None:
    """Ask somebody to look at lines that may be one delivery entered on two devices: none of them is merged or taken
    away. A line of a day that is closed meanwhile stays as it is; the new one says it."""
    closed = set(
        DayClose.objects.filter(
            shop_id=entry.shop_id, business_date__in={line.business_date for line in others}, reopened_at=None
        ).values_list("business_date", flat=True)
    )
    for line in [entry, *(line for line in others if line.business_date not in closed)]:
        if ReviewReason.DUPLICATE not in line.review_reasons:
            line.review_reasons = [*line.review_reasons, ReviewReason.DUPLICATE]
            DailyEntry.objects.filter(pk=line.pk, business_date=line.business_date).update(
                review_reasons=line.review_reasons
            )


def weighed_already(shop: Shop, line: NewLine, received_at: dt.datetime) -> tuple[NewLine, dt.date]:
    """The line as it is kept when it comes from a tablet, and its day: flowers that were weighed are never
    refused for what the shop did meanwhile (architecture §6).

    A moment that has not come yet is the one it was received at; a line of a closed day is dated on the first
    day after it that is open. `decided` says so on the line.
    """
    if line.captured_at > received_at + CLOCK_SKEW:
        line = replace(line, captured_at=received_at, clock_was_ahead=True)
    day = business_date_of(line.captured_at, shop.turnover_hour)
    return replace(line, already_weighed=True), first_open_day(shop, day)


def decided(
    by: Membership,
    line: NewLine,
    known: LineBackground,
    *,
    id: UUID,
    day: dt.date,
    received_at: dt.datetime,
) -> DailyEntry:
    """The line as the rules of the house leave it, unsaved: the one place where they decide about a new one.

    `known` is what `line_background` says of it, `day` the business date of its moment. Its slip number is
    what was said, or empty for the shop's next. Raises RuleBroken naming each refused field.
    """
    faults = [
        *time_faults(line.captured_at, received_at),
        *rate_faults(line.rate, line.rate_reason),
        *slip_faults(line.slip),
        *length_faults("/note", line.note),
        *commission_faults(by, line.commission_pct, line.commission_per_unit),
        *adjustment_faults(line.adjustments, known.adjustments, is_typed=line.rate is not None),
    ]
    kept = line.already_weighed
    farmer, flower = _farmer(known.farmer, faults, kept=kept), _flower(known.flower, faults, kept=kept)
    if farmer is None or flower is None:
        raise refusal(faults)
    try:
        figures = weighed(
            flower,
            gross_quantity=line.gross_quantity,
            tare=line.tare,
            quantity=line.quantity,
            unit=line.unit,
            sacks=line.sacks,
            sack_weights=line.sack_weights,
        )
    except RuleBroken as broken:
        raise refusal([*faults, *broken.faults]) from broken
    if faults:
        raise refusal(faults)
    priced = _priced(known.quote, line.rate, line.rate_reason, known.adjustments)
    pct, per_unit = known.commission
    questions = questions_about(
        quantity=figures.quantity,
        rate=priced.rate,
        called_rate=priced.called_rate,
        captured_at=line.captured_at,
        received_at=received_at,
        earlier=known.earlier,
    )
    other = _priced(known.after, None, "", known.adjustments).rate if known.after else None
    if known.after:
        questions.append(ReviewReason.TIME_UNSURE)
    is_otherwise = line.rate is None and line.quoted_rate is not None and line.quoted_rate != priced.rate
    if kept:
        questions += _questions_of_kept(
            line, day, by, is_active=farmer.is_active and flower.is_active, is_otherwise=is_otherwise
        )
    return DailyEntry(
        id=id,
        quoted_rate=line.quoted_rate if is_otherwise else None,
        shop=by.shop,
        farmer_id=farmer.pk,
        flower_id=flower.pk,
        business_date=day,
        captured_at=line.captured_at,
        received_at=received_at,
        commission_pct=pct if line.commission_pct is None else line.commission_pct,
        commission_per_unit=per_unit if line.commission_per_unit is None else line.commission_per_unit,
        note=line.note,
        slip_number=line.slip,
        review_reasons=list(questions),
        created_by=by,
        **vars(figures),
        **vars(priced),
        other_rate=other,
    )


def _questions_of_kept(
    line: NewLine, day: dt.date, by: Membership, *, is_active: bool, is_otherwise: bool
) -> list[ReviewReason]:
    """What somebody should look at in a line that was weighed before it came here."""
    asked = {
        ReviewReason.DAY_LOCKED: day != business_date_of(line.captured_at, by.shop.turnover_hour),
        ReviewReason.CLOCK: line.clock_was_ahead,
        ReviewReason.INACTIVE: not is_active,
        ReviewReason.RATE_DIFFERS: is_otherwise,
        ReviewReason.AUTHOR_LEFT: by.has_left,
    }
    return [reason for reason, holds in asked.items() if holds]


def mark_slip_taken(entry: DailyEntry) -> None:
    """Keep a number that another line of the day has already, and ask somebody to look."""
    entry.slip_is_taken = True
    entry.review_reasons.append(ReviewReason.SLIP_TAKEN)


WRITTEN = [field for field in DailyEntry._meta.concrete_fields if not field.generated]
INSERT = f"""
    WITH counter AS (
        INSERT INTO ledger_slipcounter (shop_id, business_date, series, last)
        SELECT %(shop_id)s, %(entry_date)s, '{SHOP_SERIES}', 1 WHERE %(sent)s = ''
        ON CONFLICT (shop_id, business_date, series) DO UPDATE SET last = ledger_slipcounter.last + 1
        RETURNING last)
    INSERT INTO ledger_dailyentry ({", ".join(field.column for field in WRITTEN)})
    VALUES ({", ".join(f"%({field.column})s" for field in WRITTEN)})
    RETURNING slip_number, amount, commission
""".replace(  # noqa: S608  # put together from the model's columns
    "%(slip_number)s",
    # A running number above 999 keeps all its digits.
    "coalesce((SELECT %(series)s || lpad(last::text, greatest(3, length(last::text)), '0') FROM counter), %(sent)s)",
)


@step
def insert(entry: DailyEntry) -> None:
    """Write a new line, with the next slip number of the shop's series where it brings none of its own.

    One statement in SQL because every sale waits for it, and others for its slip counter
    (docs/adr/0005-hot-path-in-sql.md). Sets what the database decides: number, amount, commission.
    """
    values = values_of(entry)
    values |= {"sent": entry.slip_number, "series": f"{SHOP_SERIES}-{entry.business_date:%d%m}-"}
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)
        entry.slip_number, entry.amount, entry.commission = cursor.fetchone()


def values_of(entry: DailyEntry) -> dict[str, Any]:
    """What is written of a line, by column in the order of WRITTEN, as psycopg takes it."""
    return {field.column: getattr(entry, field.attname) for field in WRITTEN} | {
        "unit": str(entry.unit),
        "rate_source": str(entry.rate_source),
        "rate_reason": str(entry.rate_reason),
        "status": str(entry.status),
        "review_reasons": [str(reason) for reason in entry.review_reasons],
        "sack_weights": Jsonb(entry.sack_weights) if entry.sack_weights else None,
        "kind": str(entry.kind),
        "adjustments": Jsonb(entry.adjustments),
    }


@dataclass(frozen=True)
class Priced:
    """A line's rate in ₹ per unit, where it came from, its slot, and what the board said.

    `adjustments` are what was applied to what the board said; on a line without a rate they wait for it.
    """

    slot_id: UUID | None
    called_rate: Decimal | None
    rate: Decimal | None
    rate_source: str
    rate_reason: str
    adjustments: list[dict[str, Any]]


def _priced(
    quote: Quote, typed: Decimal | None, reason: str, adjustments: Sequence[dict[str, Any]]
) -> Priced:
    if typed is not None:
        return Priced(quote.slot_id, quote.rate, typed, RateSource.MANUAL, reason, [])
    if quote.rate is None or quote.mode != PricingMode.CALLED:
        return Priced(quote.slot_id, quote.rate, None, "", "", waiting(adjustments))
    rate, applied = adjusted(quote.rate, adjustments)
    return Priced(quote.slot_id, quote.rate, rate, quote.source or "", "", applied)


def waiting(adjustments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Adjustments as a line without a rate keeps them: what they come to in ₹ is not known yet."""
    return [adjustment | {"per_unit": None} for adjustment in adjustments]


class Changes(TypedDict, total=False):
    """What may be corrected in a line. What is absent stays; `rate: None` asks the board again."""

    farmer_id: UUID | None
    flower_id: UUID | None
    gross_quantity: Decimal | None
    tare: Decimal | None
    quantity: Decimal | None
    unit: str | None
    sacks: int | None
    sack_weights: Sequence[Decimal] | None
    rate: Decimal | None
    rate_reason: str
    adjustments: Sequence[UUID]
    commission_pct: Decimal
    commission_per_unit: Decimal
    note: str


FIGURES = ("gross_quantity", "tare", "quantity", "unit", "sacks", "sack_weights")


@unit_of_work
def edit_entry(
    *, by: Membership, entry_id: UUID, version: int, changes: Changes, reason: str = ""
) -> DailyEntry:
    """Correct a line that is not settled: a new version, the old one stays in its history.

    The rate, its slot and source stay as frozen, unless the flower or the rate itself is corrected
    (architecture §5.3), the commission unless the farmer or the flower is. Automatic charges follow what
    they are charged for. Raises NotFound, NotAllowed for somebody else's line, Conflict `stale` with the
    present line, Conflict `voided`, `settled`, `corrected` or `mirror`, RuleBroken naming each refused field,
    or `day_locked`.
    """
    return correct_line(by, entry_id, version, changes)


@step
def correct_line(by: Membership, entry_id: UUID, version: int, changes: Changes) -> DailyEntry:
    """What `edit_entry` does, as a part of somebody's unit of work."""
    entry = _locked(by, entry_id, version)
    _check_is_no_mirror(entry)
    put_in(entry, changes, by)
    entry.version += 1
    with closed_day_refused(entry.business_date):
        entry.save()
        entry.refresh_from_db(fields=["amount", "commission"])
        replace_automatic_charges(entry, by)
    record(EntryCorrected(entry=entry.pk, farmer=entry.farmer_id, version=entry.version), shop=by.shop)
    return entry_of(by, entry_id)


def corrected_entry(*, by: Membership, entry_id: UUID, changes: Changes) -> DailyEntry:
    """The line as `edit_entry` would leave it, with amount and commission; nothing is written.

    Raises what `edit_entry` raises, but for a version that is no longer the present one.
    """
    entry = entry_of(by, entry_id)
    _check_may_change(by, entry)
    _check_is_no_mirror(entry)
    put_in(entry, changes, by)
    entry.amount = entry.commission = None
    if entry.rate is not None:
        entry.amount = line_amount(entry.quantity, entry.rate)
        entry.commission = line_commission(
            entry.amount, entry.quantity, entry.commission_pct, entry.commission_per_unit
        )
    return entry


def put_in(entry: DailyEntry, changes: Changes, by: Membership) -> None:
    """Put a correction into the line, unsaved. Raises RuleBroken naming each refused field."""
    faults: list[Fault] = [
        *rate_faults(changes.get("rate"), changes.get("rate_reason", "")),
        *length_faults("/note", changes.get("note", "")),
        *commission_faults(by, changes.get("commission_pct"), changes.get("commission_per_unit")),
    ]
    belonged = entry.farmer_id, entry.flower_id
    if "farmer_id" in changes and changes["farmer_id"] != entry.farmer_id:
        farmer = _farmer(by.shop.farmers.filter(pk=changes["farmer_id"] or NOBODY).first(), faults)
        if farmer is not None:
            entry.farmer = farmer
    reprice = "rate" in changes
    if "flower_id" in changes and changes["flower_id"] != entry.flower_id:
        flower = _flower(by.shop.flowers.filter(pk=changes["flower_id"] or NOBODY).first(), faults)
        if flower is not None:
            entry.flower, entry.unit = flower, flower.unit
            reprice = reprice or entry.rate_source != RateSource.MANUAL
    if any(name in changes for name in FIGURES) or "flower_id" in changes:
        try:
            figures = weighed(entry.flower, **_figures(entry, changes))
        except RuleBroken as broken:
            raise refusal([*faults, *broken.faults]) from broken
        _assign(entry, vars(figures))
    adjustments = _adjustments(entry, changes, by, faults)
    if faults:
        raise refusal(faults)
    if (entry.farmer_id, entry.flower_id) != belonged:
        entry.commission_pct, entry.commission_per_unit = commission_for(
            by.shop, entry.farmer_id, entry.flower_id, entry.business_date
        )
    entry.commission_pct = changes.get("commission_pct", entry.commission_pct)
    entry.commission_per_unit = changes.get("commission_per_unit", entry.commission_per_unit)
    if reprice:
        quote = rate_at(entry.flower, entry.captured_at, entry.business_date)
        reason = changes.get("rate_reason", "")
        _assign(entry, vars(_priced(quote, changes.get("rate"), reason, adjustments)))
    else:
        if "adjustments" in changes:
            _adjust(entry, adjustments)
        entry.rate_reason = changes.get("rate_reason", entry.rate_reason)
    if "note" in changes:
        entry.note = changes["note"]
    entry.review_reasons = _questions_again(entry, by)


def _adjustments(
    entry: DailyEntry, changes: Changes, by: Membership, faults: list[Fault]
) -> list[dict[str, Any]]:
    """Those the corrected line is to have: as it keeps them, else as they are named now."""
    if "adjustments" not in changes:
        return list(entry.adjustments)
    asked = list(changes["adjustments"])
    kept = {UUID(each["id"]): each for each in entry.adjustments}
    named = kept | {
        UUID(each["id"]): each for each in adjustments_named(by.shop, [pk for pk in asked if pk not in kept])
    }
    found = [named[pk] for pk in asked if pk in named]
    is_typed = changes["rate"] is not None if "rate" in changes else entry.rate_source == RateSource.MANUAL
    faults += adjustment_faults(asked, found, is_typed=is_typed)
    return found


def _adjust(entry: DailyEntry, adjustments: Sequence[dict[str, Any]]) -> None:
    """Take off the line's rate what was put on it before, and put these on."""
    if entry.rate is None:
        entry.adjustments = waiting(adjustments)
    elif entry.rate_source != RateSource.MANUAL:
        before = entry.rate - sum(Decimal(each["per_unit"]) for each in entry.adjustments)
        entry.rate, entry.adjustments = adjusted(before, adjustments)


STAYING = frozenset(
    {ReviewReason.LATE, ReviewReason.SLIP_TAKEN, ReviewReason.DUPLICATE, ReviewReason.TIME_UNSURE}
    | {ReviewReason.DAY_LOCKED, ReviewReason.CLOCK, ReviewReason.INACTIVE, ReviewReason.RATE_DIFFERS}
    | {ReviewReason.AUTHOR_LEFT}
)
"""What no correction of a line's figures answers."""


def _questions_again(entry: DailyEntry, by: Membership) -> list[str]:
    """What is to be asked about the line as corrected; how it came to the book stays so."""
    standing = STAYING & set(entry.review_reasons)
    if by.has_left:
        standing |= {ReviewReason.AUTHOR_LEFT}
    asked = questions_about(
        quantity=entry.quantity,
        rate=entry.rate,
        called_rate=entry.called_rate,
        captured_at=entry.captured_at,
        received_at=entry.received_at,
        earlier=lines_beside(entry),
    )
    return [reason for reason in ReviewReason.values if reason in standing or reason in asked]


def _figures(entry: DailyEntry, changes: Changes) -> dict[str, Any]:
    """The quantities to check: what was said now, over what stands. One kind of figure replaces another."""
    said = {name: changes[name] for name in FIGURES if name in changes}  # type: ignore[literal-required]
    standing: dict[str, Any] = {"sacks": entry.sacks}
    if "gross_quantity" in said or "sack_weights" in said:
        standing |= {"tare": entry.tare}
    elif "quantity" not in said:
        standing |= {
            "gross_quantity": entry.gross_quantity,
            "tare": entry.tare,
            "quantity": entry.quantity if entry.gross_quantity is None else None,
        }
        if entry.sack_weights and "sacks" not in said:
            standing["sack_weights"] = [Decimal(weight) for weight in entry.sack_weights]
    elif entry.gross_quantity is not None:
        # A weighed line whose net is typed: the sack is taken as it stands.
        standing |= {
            "tare": entry.tare,
            "gross_quantity": _plus(said["quantity"], said.get("tare", entry.tare)),
        }
    return standing | said


def _plus(quantity: Decimal | None, tare: Decimal | None) -> Decimal | None:
    return None if quantity is None else quantity + (tare or 0)


def _assign(entry: DailyEntry, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(entry, name, value)


def void_entry(
    *, by: Membership, entry_id: UUID, reason: str, version: int | None = None, key: UUID | None = None
) -> DailyEntry:
    """Cancel a line and its charges: they stay in the book, struck out, with the reason, and count for nothing.

    With a `key` the same request twice is answered alike. Raises NotFound, NotAllowed for somebody
    else's line, Conflict `stale`, `voided` or `reversed`, RuleBroken without a reason, or `day_locked`.
    """
    if key is None:
        in_unit(partial(strike, by, entry_id, reason, version), by=by, reason=reason)
    else:
        void_once(by=by, entry_id=entry_id, reason=reason, version=version, key=key)
    return entry_of(by, entry_id)


def void_once(
    *, by: Membership, entry_id: UUID, reason: str, key: UUID, version: int | None = None
) -> Answer:
    """`void_entry` for programs: answers `entry_answer` of the cancelled line, and whether it did so before."""
    return once(
        by=by,
        key=key,
        body={"void": entry_id, "reason": reason, "version": version},
        made=new_id(),
        effect=partial(strike, by, entry_id, reason, version),
        reason=reason,
    )


@step
def strike(by: Membership, entry_id: UUID, reason: str, version: int | None) -> dict[str, Any]:
    """What `void_entry` does, as a part of somebody's unit of work; answers `entry_answer`."""
    reason = reason.strip()
    if not reason:
        raise RuleBroken(_("Say why the slip is cancelled."), code="required", pointer="/reason")
    if faults := length_faults("/reason", reason):
        raise refusal(faults)
    entry = _locked(by, entry_id, version)
    if entry.kind == EntryKind.REVERSAL and (other := _replacement_beside(entry)):
        raise Conflict(
            _("First cancel %(slip)s, which was written in its place.") % {"slip": other.slip_label},
            code="has_replacement",
            current=entry_answer(entry),
        )
    entry.status, entry.void_reason = EntryStatus.VOIDED, reason
    entry.version += 1
    with closed_day_refused(entry.business_date):
        entry.save()
        void_charges_of(entry, by, reason)
    record(EntryVoided(entry=entry.pk, farmer=entry.farmer_id), shop=by.shop)
    return entry_answer(entry)


@step
def _locked(by: Membership, entry_id: UUID, version: int | None) -> DailyEntry:
    """The line, locked against other writers, if `by` may change it and it stands as he saw it."""
    entry = held(by, entry_id)
    if version is not None:
        check_version(entry, version)
    check_stands(entry)
    return entry


@step
def held(by: Membership, entry_id: UUID) -> DailyEntry:
    """The line, locked against other writers, if `by` may change it. Raises NotFound, NotAllowed."""
    entry = entry_of(by, entry_id, lock=True)
    _check_may_change(by, entry)
    return entry


def check_version(entry: DailyEntry, version: int) -> None:
    """Raise Conflict `stale`, with the present line, where somebody changed it since `version`."""
    if entry.version != version:
        raise Conflict(
            _("Somebody changed this slip meanwhile. Look at it and correct it again."),
            code="stale",
            current=entry_answer(entry),
        )


def check_stands(entry: DailyEntry) -> None:
    """Raise Conflict `voided`, `settled` or `corrected`, with the present line, where it is never changed again."""
    if entry.is_voided:
        raise Conflict(_("This slip is cancelled already."), code="voided", current=entry_answer(entry))
    if is_settled(entry):
        raise Conflict(
            _("This slip is settled. It stays; a reversing entry and a new one correct it."),
            code="settled",
            current=entry_answer(entry),
        )
    # Also when its settlement was reversed: else it would count beside what corrects it.
    if reversal := correction_of(entry):
        raise Conflict(
            _("This slip was corrected by %(slip)s. It stays as it is.") % {"slip": reversal.slip_label},
            code="corrected",
            current=entry_answer(entry),
        )


def _check_is_no_mirror(entry: DailyEntry) -> None:
    if entry.kind == EntryKind.REVERSAL:
        raise Conflict(
            _("A reversing entry mirrors another one and is never changed."),
            code="mirror",
            current=entry_answer(entry),
        )


def _replacement_beside(reversal: DailyEntry) -> DailyEntry | None:
    """What was written in the place of the line that this one reverses, where it stands."""
    beside = DailyEntry.objects.filter(shop_id=reversal.shop_id, business_date=reversal.business_date)
    return beside.standing().filter(corrects=reversal.corrects, kind=EntryKind.REPLACEMENT).first()


def _check_may_change(by: Membership, entry: DailyEntry) -> None:
    if not may_change(by, entry):
        raise NotAllowed(_("Only the owner may change what somebody else entered."))


def _farmer(farmer: Farmer | None, faults: list[Fault], *, kept: bool = False) -> Farmer | None:
    if farmer is None:
        faults.append(Fault("/farmer", "unknown_farmer", _("This farmer is not in your shop's list.")))
    elif not (farmer.is_active or kept):
        faults.append(Fault("/farmer", "inactive_farmer", _("This farmer is no longer active.")))
    return farmer


def _flower(flower: Flower | None, faults: list[Fault], *, kept: bool = False) -> Flower | None:
    if flower is None:
        faults.append(Fault("/flower", "unknown_flower", _("This flower is not in your shop's list.")))
    elif not (flower.is_active or kept):
        faults.append(Fault("/flower", "inactive_flower", _("This flower is no longer sold.")))
    return flower
