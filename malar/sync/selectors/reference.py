"""What the counter needs to know before somebody stands before it: reference data as it travels.

Names go in both languages and money and quantities as strings; what a part costs is said at each.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import connection

from ledger.models import DailyEntry
from ledger.selectors.entries import totals_of
from ledger.selectors.farmers import farmers_changed
from ledger.selectors.habits import Habit, habits_in, largest_in, namesakes_among
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA, business_date_of
from malar.kernel.wire import moment, money, quantity
from malar.sync.selectors.tablets import epoch
from malar.trail.domain import fingerprint
from pricing.domain import FeeBasis
from pricing.selectors.fees import fees_on
from pricing.selectors.rates import called_on, in_force

LAST_LINES = 30
"""Enough for a dozen different farmers among those who came last."""


def reference(member: Membership, parts: list[str], now: dt.datetime, since: str = "") -> dict[str, Any]:
    """The parts asked for (names of PARTS), with the shop and the time they are of; of the farmers only those
    changed since the cursor that an earlier answer gave."""
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
        answer |= PARTS[part](member, now, since)
    return answer


# The cursor is the oldest transaction that was still writing when the farmers were read: what any later one commits,
# and whatever that one itself commits, however late, is newer. What was committed meanwhile comes twice.
OLDEST_WRITER = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, (SELECT epoch FROM sync_syncepoch WHERE id = 1)
"""
OLDEST_CURSOR = 2**30
"""Transactions after which a cursor is no longer known: their numbers begin anew after 2³²."""


def _farmers(member: Membership, now: dt.datetime, since: str) -> dict[str, Any]:
    """The farmers in order of their numbers, with their habits: all, or those changed since that cursor was given.

    A cursor holds for one life of the database, one shop and one business day, because habits change with the day;
    with any other all farmers come. Three queries, or four.
    """
    shop, day = member.shop, business_date_of(now, member.shop.turnover_hour)
    with connection.cursor() as cursor:
        cursor.execute(OLDEST_WRITER)
        writer, life = cursor.fetchone()
    place = fingerprint({"epoch": life or epoch(), "shop": shop.pk, "day": day})[:16]
    told, _mark, earlier = since.partition("-")
    changed = None
    if told == place and earlier.isdecimal() and 0 <= writer - int(earlier) < OLDEST_CURSOR:
        changed = farmers_changed(shop, int(earlier), day)
    rows = list(
        shop.farmers.values_list(
            *("id", "number", "code", "name_ta", "name_en", "village_ta", "village_en", "phone", "is_active"),
            *("language", "version"),
        )
    )
    namesakes = namesakes_among((row[0], row[3], row[4], row[8]) for row in rows)
    if changed is not None:
        rows = [row for row in rows if changed.touches(row[0], row[3], row[4])]
    habits: dict[UUID, list[Habit]] = {}
    asked = None if changed is None else [row[0] for row in rows]
    for habit in habits_in(shop, day, farmers=asked):
        habits.setdefault(habit.farmer_id, []).append(habit)
    farmers = []
    for farmer_id, number, code, name_ta, name_en, village_ta, village_en, phone, is_active, *more in rows:
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
                "language": more[0],
                "version": more[1],
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
    return {"farmers": farmers, "farmers_complete": changed is None, "cursor": f"{place}-{writer}"}


def _flowers(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
    """What can be written down: the flowers that are sold, in the shop's order, and the fees that can be charged by
    hand, those first that are charged with no entry. Three queries."""
    day = business_date_of(now, member.shop.turnover_hour)
    largest = largest_in(member.shop, day)
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
    by_hand = fees_on(member.shop, day).exclude(basis=FeeBasis.PER_SETTLEMENT).order_by("automatic", "code")
    fees = [
        {
            "id": str(fee.pk),
            "name_ta": fee.name_ta,
            "name_en": fee.name_en,
            "basis": fee.basis,
            "rate": money(fee.rate),
        }
        for fee in by_hand
    ]
    return {"flowers": flowers, "fees": fees}


def _rates(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
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


def _day(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
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
        "last": [_line_in(line, member) for line in lines.order_by("-received_at", "-id")[:LAST_LINES]],
    }
    return {"day": day}


def _lines(member: Membership, now: dt.datetime, _since: str) -> dict[str, Any]:
    """All lines of the business day, cancelled ones too, for whoever looks at the day: as many as there are. One
    query."""
    today = business_date_of(now, member.shop.turnover_hour)
    lines = DailyEntry.objects.filter(shop=member.shop).on(today).order_by("-received_at", "-id")
    said = [_line_in(line, member) for line in lines]
    return {"lines": {"at": moment(now), "date": today.isoformat(), "all": said}}


def _line_in(line: DailyEntry, member: Membership) -> dict[str, Any]:
    return {
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
        "slip_number": line.slip_number,
        "mine": line.created_by_id == member.pk,
    }


PARTS: dict[str, Callable[[Membership, dt.datetime, str], dict[str, Any]]] = {
    "farmers": _farmers,
    "flowers": _flowers,
    "rates": _rates,
    "day": _day,
    "lines": _lines,
}


def limits_answer(shop: Shop) -> dict[str, str | None]:
    """Up to how many ₹ one farmer may owe by staff's own decision; null: there is no limit."""
    return {
        "advance": money(shop.advance_limit),
        "draw": money(shop.draw_limit),
        "hand_loan": money(shop.hand_loan_limit),
    }
