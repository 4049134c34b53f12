"""What the counter needs to know before somebody stands before it: reference data as it travels.

Names go in both languages and money and quantities as strings; what a part costs is said at each.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ledger.models import DailyEntry, Farmer
from ledger.selectors.entries import totals_of
from ledger.selectors.habits import Habit, habits_in, largest_in, namesakes_among
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA, business_date_of
from malar.kernel.wire import moment, money, quantity
from malar.sync.domain import Outcome, gaps_in
from malar.sync.models import Device, HandedIn, SyncEpoch, SyncOp
from pricing.selectors.rates import called_on, in_force

LAST_LINES = 30
"""Enough for a dozen different farmers among those who came last."""


def reference(member: Membership, parts: list[str], now: dt.datetime) -> dict[str, Any]:
    """The parts asked for (names of PARTS), with the shop and the time they are of."""
    shop = member.shop
    answer: dict[str, Any] = {
        "as_of": now.astimezone(KOLKATA).isoformat(timespec="milliseconds"),
        "shop": {
            "id": str(shop.pk),
            "name_ta": shop.name_ta,
            "name_en": shop.name_en,
            "number_digits": 4 if shop.farmers.filter(number__gt=999).exists() else 3,
            "turnover_hour": shop.turnover_hour,
        },
    }
    for part in parts:
        answer |= PARTS[part](member, now)
    return answer


def _farmers(member: Membership, now: dt.datetime) -> dict[str, Any]:
    """All farmers in order of their numbers, with their habits. Two queries."""
    habits: dict[UUID, list[Habit]] = {}
    for habit in habits_in(member.shop, business_date_of(now, member.shop.turnover_hour)):
        habits.setdefault(habit.farmer_id, []).append(habit)
    rows = list(
        member.shop.farmers.values_list(
            *("id", "number", "code", "name_ta", "name_en", "village_ta", "village_en", "phone", "is_active")
        )
    )
    namesakes = namesakes_among((row[0], row[3], row[4], row[8]) for row in rows)
    farmers = []
    for farmer_id, number, code, name_ta, name_en, village_ta, village_en, phone, is_active in rows:
        his = habits.get(farmer_id, [])
        farmers.append(
            {
                "id": str(farmer_id),
                "number": number,
                "code": code,
                "name_ta": name_ta,
                "name_en": name_en,
                "village_ta": village_ta,
                "village_en": village_en,
                "phone_last4": phone[-4:],
                "is_active": is_active,
                "namesakes": farmer_id in namesakes,
                "usual": [
                    {
                        "flower": str(habit.flower_id),
                        "lines": habit.lines,
                        "low": quantity(habit.low),
                        "high": quantity(habit.high),
                    }
                    for habit in his
                ],
                "last_seen": max(habit.last_seen for habit in his).isoformat() if his else None,
            }
        )
    return {"farmers": farmers}


def _flowers(member: Membership, now: dt.datetime) -> dict[str, Any]:
    """The flowers that are sold, in the shop's order. Two queries."""
    largest = largest_in(member.shop, business_date_of(now, member.shop.turnover_hour))
    flowers = [
        {
            "id": str(flower.pk),
            "code": flower.code,
            "name_ta": flower.name_ta,
            "name_en": flower.name_en,
            "short_ta": flower.short_name_ta or flower.name_ta,
            "short_en": flower.short_name_en or flower.name_en,
            "unit": flower.unit,
            "glyph": flower.glyph,
            "position": flower.position,
            "largest": quantity(largest.get(flower.pk)),
        }
        for flower in member.shop.flowers.active()
    ]
    return {"flowers": flowers}


def _rates(member: Membership, now: dt.datetime) -> dict[str, Any]:
    """The slots of this day; today's called rates, newest first; each slot's rate in force. Three queries."""
    shop = member.shop
    today = business_date_of(now, shop.turnover_hour)
    slots = list(shop.time_slots.on(today, now.astimezone(KOLKATA).weekday()))
    called = called_on(shop, today).filter(slot=None)
    slotted = shop.market_rates.filter(in_force(now), slot__in=slots)
    return {
        "slots": [
            {
                "id": str(slot.pk),
                "name_ta": slot.name_ta,
                "name_en": slot.name_en,
                "start": f"{slot.start:%H:%M}",
                "end": f"{slot.end:%H:%M}",
            }
            for slot in slots
        ],
        "rates": [
            {
                "flower": str(rate.flower_id),
                "slot": str(rate.slot_id) if rate.slot_id else None,
                "rate": money(rate.rate),
                "from": moment(rate.effective_from),
            }
            for rate in (*called, *slotted)
            if rate.effective_from != rate.effective_to  # put right in the same moment: never in force
        ],
    }


def _day(member: Membership, now: dt.datetime) -> dict[str, Any]:
    """The business day so far and its last lines, cancelled ones too. Two queries."""
    shop = member.shop
    today = business_date_of(now, shop.turnover_hour)
    lines = DailyEntry.objects.filter(shop=shop).on(today)
    totals = totals_of(lines)
    day = {
        "date": today.isoformat(),
        "lines": totals.lines,
        "kilograms": quantity(totals.kilograms),
        "amount": money(totals.amount),
        "last": [
            {
                "id": str(line.pk),
                "farmer": str(line.farmer_id),
                "flower": str(line.flower_id),
                "quantity": quantity(line.quantity),
                "unit": line.unit,
                "rate": money(line.rate),
                "amount": money(line.amount),
                "status": line.status,
                "version": line.version,
                "captured_at": moment(line.captured_at),
                "mine": line.created_by_id == member.pk,
            }
            for line in lines.order_by("-received_at", "-id")[:LAST_LINES]
        ],
    }
    return {"day": day}


PARTS: dict[str, Callable[[Membership, dt.datetime], dict[str, Any]]] = {
    "farmers": _farmers,
    "flowers": _flowers,
    "rates": _rates,
    "day": _day,
}


def device_of(shop: Shop, sent: str) -> Device | None:
    """The shop's tablet with this id; None for one that is not known here, or no id at all."""
    try:
        return Device.objects.filter(shop=shop, pk=UUID(sent)).first()
    except ValueError:
        return None


def device_answer(device: Device) -> dict[str, Any]:
    """A tablet as it hears of itself."""
    return {
        "id": str(device.pk),
        "name": device.name,
        "series": device.series,
        "is_blocked": device.is_blocked,
    }


def stream_answer(device: Device, sent: str) -> dict[str, Any] | None:
    """How much of a queue has come here, and which of its numbers never did; None for one that is new."""
    try:
        stream = device.streams.filter(pk=UUID(sent)).first()
    except ValueError:
        return None
    if stream is None:
        return None
    received = set(stream.ops.values_list("seq", flat=True))
    return {
        "last_seq": max(received, default=0),
        "received": len(received),
        "gaps": gaps_in(received, stream.announced_seq),
    }


def epoch() -> UUID:
    """Which life of the database this is."""
    found, _is_new = SyncEpoch.objects.get_or_create(pk=1)
    return found.epoch


@dataclass(frozen=True)
class Unclear:
    """Something that was brought by another hand and is not in the book as it stands."""

    row: HandedIn
    author: str
    """His name; empty where nobody knows him."""
    farmer: Farmer | None
    quantity: str
    """As it was typed; empty where it cannot be read."""
    reason: str


def to_look_at(shop: Shop) -> list[Unclear]:
    """What was brought and could not simply be taken, newest first. Four queries."""
    rows = list(
        HandedIn.objects.filter(shop=shop)
        .exclude(outcome=Outcome.TAKEN)
        .select_related("brought_by__user")
        .order_by("-received_at", "-seq")[:200]
    )
    ops = SyncOp.objects.filter(shop=shop).in_bulk([row.pk for row in rows])
    names = dict(
        Membership.objects.filter(shop=shop, user_id__in={row.author_id for row in rows}).values_list(
            "user_id", "user__name"
        )
    )
    said = {row.pk: _set_of(ops[row.pk].body if row.pk in ops else row.kept) for row in rows}
    named = {_farmer_in(each) for each in said.values()} - {None}
    farmers = {str(farmer.pk): farmer for farmer in shop.farmers.filter(pk__in=named)}
    return [
        Unclear(
            row=row,
            author=names.get(row.author_id, ""),
            farmer=farmers.get(str(said[row.pk].get("farmer"))),
            quantity=str(said[row.pk].get("gross_quantity") or said[row.pk].get("quantity") or ""),
            reason=_reason_of(row, ops.get(row.pk)),
        )
        for row in rows
    ]


def _set_of(body: Any) -> dict[str, Any]:
    said = body.get("set") if isinstance(body, dict) else None
    return said if isinstance(said, dict) else {}


def _farmer_in(said: dict[str, Any]) -> UUID | None:
    try:
        return UUID(said["farmer"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _reason_of(row: HandedIn, op: SyncOp | None) -> str:
    detail = ((op.result.get("error") or {}) if op else {}).get("detail", "")
    return str(detail or row.get_outcome_display())
