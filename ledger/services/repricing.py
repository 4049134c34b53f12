"""Rate-later: one rate for the lines of a flower that wait for it (domain.md §1.5, mode C)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ledger.events import EntryPriced
from ledger.models import Charge, DailyEntry
from ledger.selectors.entries import corrected_among, settled_among
from ledger.selectors.pending import MIDNIGHT, last_day_rate, lines_to_price
from ledger.services.charges import replace_automatic_charges
from ledger.services.faults import length_faults, rate_faults, refusal
from ledger.services.posting import closed_day_refused
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.money import line_amount
from malar.kernel.transactions import in_unit, step
from malar.kernel.wire import money, quantity
from malar.trail.domain import fingerprint
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record_all
from pricing.domain import FeeBasis, RateSource, adjusted, is_far
from pricing.models import Flower

PRICED = ("rate", "called_rate", "rate_source", "rate_reason", "adjustments", "version")


@dataclass(frozen=True)
class Asked:
    """A pricing as it was asked for: which lines, at which rate (₹ per unit), and why."""

    day: dt.date
    flower_id: UUID
    from_time: dt.time
    to_time: dt.time
    rate: Decimal
    reason: str
    again: bool


@dataclass(frozen=True)
class Before:
    """What a line had before it was priced."""

    rate: Decimal | None
    amount: Decimal | None


def price_entries(
    *,
    by: Membership,
    key: UUID,
    day: dt.date,
    flower_id: UUID,
    from_time: dt.time,
    to_time: dt.time,
    rate: Decimal,
    reason: str = "",
    dry_run: bool = False,
    again: bool = False,
    seen: str = "",
) -> Answer:
    """Price the unpriced lines of a flower on a business day, captured in [from_time, to_time) local time.

    `rate` is ₹ per unit, as called; what is adjusted on a line (quality, wet) is taken off it there. From 00:00
    to 00:00 is the whole day. With `again` lines that were priced so before and are not settled get the new
    rate too, and a reason must be given; a typed or called rate always stays. Each line gets a version and
    an event. `dry_run` answers the same and keeps nothing.

    The answer lists every line, before and after, and what it comes to for each farmer; `seen` of a dry run
    may be given back: where other lines are concerned now, nothing is priced.

    Raises NotAllowed for others than the owner; RuleBroken naming each refused field, `nothing_to_price`,
    `day_locked`; Conflict `stale` for lines that are not those that were seen.
    """
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may price lines that wait."))
    asked = Asked(day, flower_id, from_time, to_time, rate, reason.strip(), again)
    if faults := _faults(asked):
        raise refusal(faults)
    if dry_run:
        body = in_unit(partial(_price, by, asked, dry_run=True, seen=""), by=by)
        return Answer(made=new_id(), body=body, replayed=False)
    effect = partial(_price, by, asked, dry_run=False, seen=seen)
    said = {"price": "entries", **vars(asked)}
    return once(by=by, key=key, body=said, made=new_id(), effect=effect, reason=asked.reason)


def _faults(asked: Asked) -> list[Fault]:
    faults = [*rate_faults(asked.rate, ""), *length_faults("/reason", asked.reason)]
    if asked.from_time == asked.to_time != MIDNIGHT:
        faults.append(Fault("/to_time", "empty_window", _("“Until” must be later than “from”.")))
    return faults


@step
def _price(by: Membership, asked: Asked, *, dry_run: bool, seen: str) -> dict[str, Any]:
    flower = by.shop.flowers.filter(pk=asked.flower_id).first()
    if flower is None:
        raise RuleBroken(
            _("This flower is not in your shop's list."), code="unknown_flower", pointer="/flower"
        )
    _demand_open(by, asked.day)
    lines = _lines(by, asked, lock=not dry_run)
    before = {line.pk: Before(line.rate, line.amount) for line in lines}
    mark = _mark(asked, lines)
    if not dry_run:
        _check(asked, lines, seen=seen, mark=mark)
    for line in lines:
        line.amount = line_amount(line.quantity, _put_rate(line, asked.rate))
    if not dry_run:
        _write(by, asked.day, lines, before)
    return _answer(asked, flower, lines, before, dry_run=dry_run, seen=mark)


@step
def _demand_open(by: Membership, day: dt.date) -> None:
    """Say at once that the day is closed, and keep it open until the commit: day first, then lines, as all do."""
    with closed_day_refused(day, "/date"), connection.cursor() as cursor:
        cursor.execute("SELECT ledger_day_is_open(%s, %s)", [by.shop_id, day])


@step
def _lines(by: Membership, asked: Asked, *, lock: bool) -> list[DailyEntry]:
    """The lines to price, those of a settlement and those that were corrected left out; locked in the order of
    their ids.

    Two pricings, or a pricing and an edit, of the same lines wait for each other: who comes second sees
    what the first one left and finds a line priced, cancelled, or of another flower no longer here.
    """
    lines = lines_to_price(
        by.shop, asked.day, asked.flower_id, asked.from_time, asked.to_time, again=asked.again
    ).order_by("pk")
    found = list(lines.select_for_update() if lock else lines)
    fixed = settled_among(found) | corrected_among(found)
    return [line for line in found if line.pk not in fixed]


def _mark(asked: Asked, lines: Sequence[DailyEntry]) -> str:
    """What was seen, in short: which lines in which version, at which rate."""
    return fingerprint({"rate": asked.rate, "lines": [[line.pk, line.version] for line in lines]})


def _check(asked: Asked, lines: Sequence[DailyEntry], *, seen: str, mark: str) -> None:
    if not lines:
        raise RuleBroken(_("No entry waits for a rate in this time."), code="nothing_to_price")
    if any(line.rate is not None for line in lines) and not asked.reason:
        raise RuleBroken(
            _("Say why lines that have a rate get another one."), code="required", pointer="/reason"
        )
    if seen and seen != mark:
        raise Conflict(
            ngettext(
                "Lines changed meanwhile: now it is %(count)s line. Look at it and confirm again.",
                "Lines changed meanwhile: now it is %(count)s lines. Look at them and confirm again.",
                len(lines),
            )
            % {"count": len(lines)},
            code="stale",
        )


def _put_rate(line: DailyEntry, called: Decimal) -> Decimal:
    """Give a line the rate that was called (₹ per unit), less or plus what is adjusted on it; returns that."""
    try:
        rate, line.adjustments = adjusted(called, line.adjustments)
    except RuleBroken as broken:
        detail = _(
            "Entry %(slip)s: with its adjustments the rate would be below zero. Take them off that entry first."
        )
        raise RuleBroken(detail % {"slip": line.slip_number}, code=broken.code, pointer="/rate") from broken
    line.rate, line.called_rate = rate, called
    line.rate_source, line.rate_reason = RateSource.DAY, ""
    line.version += 1
    return rate


@step
def _write(by: Membership, day: dt.date, lines: Sequence[DailyEntry], before: dict[UUID, Before]) -> None:
    """Keep the new rates and tell about them, in as many statements for one line as for five hundred."""
    book = DailyEntry.objects.filter(shop=by.shop).on(day)
    book.bulk_update(lines, PRICED)
    amounts = dict(book.filter(pk__in=before).values_list("pk", "amount"))
    for line in lines:
        line.amount = amounts[line.pk]
    _charge_percentages(by, lines)
    record_all(
        [
            EntryPriced(
                entry=line.pk,
                farmer=line.farmer_id,
                version=line.version,
                before=money(before[line.pk].rate) or "",
                after=money(line.rate) or "",
            )
            for line in lines
        ],
        shop=by.shop,
    )


@step
def _charge_percentages(by: Membership, lines: Sequence[DailyEntry]) -> None:
    """Charge anew what is a percentage of an amount that has changed. One query where no line has such."""
    of_amounts = set(
        Charge.objects.filter(entry__in=lines, automatic=True, basis=FeeBasis.PERCENT).values_list(
            "entry", flat=True
        )
    )
    for line in lines:
        if line.pk in of_amounts:
            replace_automatic_charges(line, by)


def _answer(
    asked: Asked,
    flower: Flower,
    lines: Sequence[DailyEntry],
    before: dict[UUID, Before],
    *,
    dry_run: bool,
    seen: str,
) -> dict[str, Any]:
    """What was, or would be, priced. Money in ₹ and quantities in the flower's unit, as strings."""
    last = last_day_rate(flower, asked.day)
    farmers: dict[UUID, list[DailyEntry]] = {}
    for line in lines:
        farmers.setdefault(line.farmer_id, []).append(line)
    return {
        "date": asked.day.isoformat(),
        "flower": str(flower.pk),
        "from_time": f"{asked.from_time:%H:%M}",
        "to_time": f"{asked.to_time:%H:%M}",
        "rate": money(asked.rate),
        "reason": asked.reason,
        "again": asked.again,
        "dry_run": dry_run,
        "last_rate": money(last),
        "rate_is_far": is_far(asked.rate, last),
        "seen": seen,
        **_sums(lines, before),
        "farmers": [{"farmer": str(farmer), **_sums(his, before)} for farmer, his in farmers.items()],
        "entries": [
            {
                "id": str(line.pk),
                "slip_number": line.slip_number,
                "farmer": str(line.farmer_id),
                "version": line.version,
                "quantity": quantity(line.quantity),
                "rate_before": money(before[line.pk].rate),
                "rate": money(line.rate),
                "amount_before": money(before[line.pk].amount),
                "amount": money(line.amount),
            }
            for line in lines
        ],
    }


def _sums(lines: Sequence[DailyEntry], before: dict[UUID, Before]) -> dict[str, Any]:
    return {
        "lines": len(lines),
        "quantity": quantity(sum((line.quantity for line in lines), Decimal(0))),
        "amount_before": money(sum((before[line.pk].amount or Decimal(0) for line in lines), Decimal(0))),
        "amount": money(sum((line.amount or Decimal(0) for line in lines), Decimal(0))),
    }
