"""Believable mornings of a made-up shop: what the demo writes, decided before anything is written.

Names are invented, villages are real, and there is no phone number anywhere, so that nothing the
demo does can reach a person.
"""

import datetime as dt
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from malar.kernel.clock import KOLKATA

LINES_A_FARMER = 2
IN_FIRST_HOUR = 0.40
CORRECTED = 0.05
ZERO_VALUE = 0.02
PRICED_AT_NINE = ("SEV", "SEN", "KOZ")
"""Flowers whose rate is fixed after the morning: about 8 % of the lines are unpriced until then."""
OFTEN_CALLED = ("MAL", "MUL", "KAN", "PIC")
OPENS = dt.time(4, 0)
NINE = dt.time(9, 0)
CLOSES_AFTER = dt.timedelta(hours=5, minutes=30)
SEEN_BY_NOW = dt.timedelta(minutes=90)
FAVOURITE = 0.6
"""How often a farmer brings the first of his flowers, where he has several."""
UNUSUAL = 0.03


@cache
def fixture() -> dict[str, Any]:
    """The shop, its slots, flowers (rates in ₹ per unit by slot) and thirty farmers."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("demo.json").read_text())
    return loaded


def farmers(count: int) -> list[dict[str, Any]]:
    """The thirty farmers, and more composed of the same initials, names and villages."""
    known = fixture()["farmers"]
    made = list(known[:count])
    while len(made) < count:
        n = len(made)
        # Strides without a common factor with 30: no two farmers get the same three parts.
        initial, name, village = known[n % 30], known[(n * 7 + n // 30) % 30], known[(n * 11 + 3) % 30]
        made.append(
            {
                "code": f"F{n + 1:03}",
                "name_ta": f"{initial['name_ta'].split(' ')[0]} {name['name_ta'].split(' ', 1)[1]}",
                "name_en": f"{initial['name_en'].split(' ')[0]} {name['name_en'].split(' ', 1)[1]}",
                "village_ta": village["village_ta"],
                "village_en": village["village_en"],
                "brings": name["brings"],
            }
        )
    return made


@dataclass(frozen=True)
class Call:
    """The owner calls a rate, ₹ per unit."""

    at: dt.datetime
    flower: str
    rate: Decimal


@dataclass(frozen=True)
class Sale:
    """A farmer's flowers on the scale, in the flower's unit. `corrected`: to this gross weight, later."""

    at: dt.datetime
    farmer: str
    flower: str
    gross: Decimal
    tare: Decimal
    sacks: int
    is_counted: bool
    rate: Decimal | None
    corrected: Decimal | None
    priced_at_nine: Decimal | None


def opens_at(day: dt.date, now: dt.datetime) -> dt.datetime:
    """Four o'clock. Who tries Malar before half past five finds a shop that opened ninety minutes ago."""
    at_four = dt.datetime.combine(day, OPENS, tzinfo=KOLKATA)
    midnight = dt.datetime.combine(day, dt.time(0), tzinfo=KOLKATA)
    return max(midnight, min(at_four, now.astimezone(KOLKATA) - SEEN_BY_NOW))


def morning(opens: dt.datetime, people: list[dict[str, Any]], chance: random.Random) -> Iterator[Call | Sale]:
    """A day in the order of its moments (load profile: domain research §5.1).

    Some flowers are called again and again, some have the rates of their slots until they are called
    once at the close, some are priced at nine; so whoever comes later in the day finds every rate.
    """
    day, closes = opens.date(), opens + CLOSES_AFTER
    nine = dt.datetime.combine(day, NINE, tzinfo=KOLKATA)
    flowers = {flower["code"]: flower for flower in fixture()["flowers"]}
    mood = {code: Decimal(str(round(chance.uniform(0.85, 1.25), 2))) for code in flowers}
    calls: list[Call | Sale] = [
        Call(
            opens + dt.timedelta(minutes=slot * 90 + chance.choice((0, 10, 25, 40))),
            code,
            _to_five(flowers[code]["slot_rates"][slot] * mood[code]),
        )
        for code in OFTEN_CALLED
        for slot in range(4)
    ]
    for code in flowers:
        if code in PRICED_AT_NINE:
            calls.append(Call(nine, code, _to_five(flowers[code]["slot_rates"][2] * mood[code])))
        elif code not in OFTEN_CALLED:
            calls.append(Call(closes, code, _to_five(flowers[code]["slot_rates"][3] * mood[code])))
    sales: list[Call | Sale] = [
        _sale(opens, person, code, flowers, chance, mood)
        for person in people
        if chance.random() < 0.9
        for code in _brought(person["brings"], chance)
    ]
    yield from sorted([*calls, *sales], key=lambda happening: happening.at)


def _brought(brings: list[str], chance: random.Random) -> list[str]:
    return [
        brings[0] if chance.random() < FAVOURITE else chance.choice(brings)
        for _ in range(chance.choice((1, LINES_A_FARMER, LINES_A_FARMER, 3)))
    ]


def _usual(person: str, flower: str, *, is_counted: bool) -> float:
    """What this farmer brings of that flower on most days, in its unit: the same on every morning."""
    his = random.Random(f"{person} {flower}")  # noqa: S311  # mornings, not secrets
    return his.choice((20, 30, 40, 60, 80)) if is_counted else his.uniform(3, 14)


def _sale(
    opens: dt.datetime,
    person: dict[str, Any],
    code: str,
    flowers: dict[str, Any],
    chance: random.Random,
    mood: dict[str, Decimal],
) -> Sale:
    minutes = chance.uniform(0, 60) if chance.random() < IN_FIRST_HOUR else chance.uniform(60, 330)
    counted = flowers[code]["unit"] != "kg"
    sacks = 0 if counted else chance.choice((1, 1, 1, 2))
    tare = Decimal(sacks) * Decimal("0.100") * chance.choice((1, 2))
    brought = _usual(person["code"], code, is_counted=counted) * chance.uniform(0.8, 1.25)
    if chance.random() < UNUSUAL:
        brought *= 2.2
    gross = Decimal(round(brought)) if counted else Decimal(round(brought * 20)) / 20 + tare
    late_rate = _to_five(flowers[code]["slot_rates"][2] * mood[code])
    return Sale(
        at=opens + dt.timedelta(minutes=minutes),
        farmer=person["code"],
        flower=code,
        gross=gross,
        tare=tare,
        sacks=sacks,
        is_counted=counted,
        rate=Decimal(0) if chance.random() < ZERO_VALUE else None,
        corrected=gross + (Decimal(1) if counted else Decimal("0.250"))
        if chance.random() < CORRECTED
        else None,
        priced_at_nine=late_rate if code in PRICED_AT_NINE else None,
    )


def _to_five(rate: Decimal) -> Decimal:
    """Rates are called in steps of ₹5."""
    return max(Decimal(5), (rate / 5).quantize(Decimal(1)) * 5)
