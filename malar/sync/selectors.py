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
from malar.sync.domain import gaps_in
from malar.sync.models import Device, Stream, SyncEpoch
from malar.trail.domain import fingerprint
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
    told, _dash, earlier = since.partition("-")
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


PARTS: dict[str, Callable[[Membership, dt.datetime, str], dict[str, Any]]] = {
    "farmers": _farmers,
    "flowers": _flowers,
    "rates": _rates,
    "day": _day,
}


def limits_answer(shop: Shop) -> dict[str, str | None]:
    """Up to how many ₹ one farmer may owe by staff's own decision; null: there is no limit."""
    return {
        "advance": money(shop.advance_limit),
        "draw": money(shop.draw_limit),
        "hand_loan": money(shop.hand_loan_limit),
    }


def device_of(shop: Shop, sent: str) -> Device | None:
    """The shop's tablet with this id; None for one that is not known here, or no id at all."""
    id = id_of(sent)
    return Device.objects.filter(shop=shop, pk=id).first() if id else None


def id_of(sent: str) -> UUID | None:
    """An id as tablets send it; None for what is none."""
    try:
        return UUID(sent)
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
    id = id_of(sent)
    stream = device.streams.filter(pk=id).first() if id else None
    if stream is None:
        return None
    received = received_of(stream)
    return {
        "last_seq": max(received, default=0),
        "received": len(received),
        "gaps": gaps_in(received, stream.announced_seq),
    }


def received_of(stream: Stream) -> set[int]:
    """The numbers of a queue that came here, also of what could not be taken. One query."""
    taken, strayed = stream.ops.values_list("seq"), stream.strays.exclude(seq=None).values_list("seq")
    return {seq for (seq,) in taken.union(strayed)}


def epoch() -> UUID:
    """Which life of the database this is."""
    found, _is_new = SyncEpoch.objects.get_or_create(pk=1)
    return found.epoch
