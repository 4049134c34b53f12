"""A month's report over a long book: from the sums of days, and from the entries themselves."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from ledger.domain import RollupKind
from ledger.models import DailyRollup, Farmer
from ledger.selectors.rollups import Sums, figures, months_of_flowers, sums_of
from ledger.services.rollups import renew_months, sum_up_days
from malar.accounts.models import Shop
from malar.kernel.clock import business_date_of
from malar.ops.benchmarks.scene import in_turn, own_database, percentile, set_scene
from malar.ops.mornings import fixture
from pricing.models import Flower

DAYS = 300
FARMERS = 2_000
GOAL_MS = 100
"""p95 of a month by farmer over ten million lines."""
# Every farmer has three flowers, the first of them mostly. One line in fifty waits for its rate.
LINES = """
    CREATE TABLE {part} (LIKE ledger_dailyentry INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS);
    INSERT INTO {part} (id, shop_id, farmer_id, flower_id, entry_date, captured_at, received_at,
        tare, quantity, unit, sacks, rate, rate_source, rate_reason, commission_pct, commission_per_unit, note,
        slip_number, slip_is_taken, status, void_reason, review_reasons, version, created_by_id, kind, adjustments)
    SELECT gen_random_uuid(), %(shop)s, (%(farmers)s::uuid[])[farmer],
           (%(flowers)s::uuid[])[1 + (farmer * 5
               + CASE WHEN line %% 10 < 7 THEN 0 WHEN line %% 10 < 9 THEN 4 ELSE 9 END)
               %% cardinality(%(flowers)s::uuid[])],
           day::date, at, at, 0, round(1 + line %% 97 * 0.137, 3), 'kg', 1,
           CASE WHEN line %% 50 > 0 THEN 300 + line %% 700 END,
           CASE WHEN line %% 50 > 0 THEN 'manual' ELSE '' END, '', 10, 0, '',
           'B1-' || to_char(day, 'DDMM') || '-' || line, false, 'confirmed', '', '{{}}', 1, %(clerk)s, 'sale', '[]'
    FROM generate_series(%(first)s::timestamp, %(last)s::timestamp, interval '1 day') AS day
    CROSS JOIN generate_series(1, %(lines)s) AS line
    CROSS JOIN LATERAL (SELECT (day + interval '4 hours' + line * interval '1 second') AT TIME ZONE 'Asia/Kolkata',
        1 + (line * 7919 + extract(doy FROM day)::int * 104729) %% cardinality(%(farmers)s::uuid[]))
        AS drawn (at, farmer);
    ALTER TABLE ledger_dailyentry ATTACH PARTITION {part} FOR VALUES FROM ('{begins}') TO ('{ends}');
"""


def month_from_sums_against_entries(*, rounds: int, each: int, entries: int = 10_000_000) -> dict[str, Any]:
    """p50 and p95 in ms of a month by farmer, from sums and from entries, over `entries` lines of 300 days; and
    how long it takes to sum a day up again. Refuses to answer where the two sides differ in any figure.

    The lines are put into their months before these are attached, so by no service and without history.
    """
    with own_database():
        scene = set_scene()
        shop = scene.clerk.shop
        farmers = Farmer.objects.bulk_create(
            Farmer(shop=shop, number=n, code=f"F{n:04}", name_ta=f"விவசாயி {n}", name_en=f"Farmer {n}")
            for n in range(len(scene.farmers) + 1, FARMERS + 1)
        )
        for n, flower in enumerate(fixture()["flowers"]):
            Flower.objects.create(shop=shop, code=f"B{n}", name=flower["name_ta"])
        today = business_date_of(timezone.now(), shop.turnover_hour)
        started = time.perf_counter()
        _load(
            today,
            {
                "shop": shop.pk,
                "clerk": scene.clerk.pk,
                "farmers": [farmer.pk for farmer in (*scene.farmers, *farmers)],
                "flowers": [flower.pk for flower in shop.flowers.all()],
                "lines": max(entries // DAYS, 1),
            },
        )
        loaded = time.perf_counter() - started
        started = time.perf_counter()
        days = sum_up_days()
        summed = time.perf_counter() - started
        started = time.perf_counter()
        renew_months()
        renewed = time.perf_counter() - started
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) ledger_dailyrollup, ledger_monthlyrollup, ledger_dirtyday")
        end = today.replace(day=1) - dt.timedelta(days=1)
        month = (shop, end.replace(day=1), end)
        _must_be_the_same(month)
        sides: dict[str, Callable[[int], object]] = {
            "sums": lambda n: sums_of(shop, RollupKind.FARMER, month[1], end, by_subject=True),
            "entries": lambda n: from_entries(RollupKind.FARMER, *month),
            # No whole month, so from the sums of its days; and the year before it, of which the book has 300 days.
            "but_a_day": lambda n: sums_of(
                shop, RollupKind.FARMER, month[1] + dt.timedelta(1), end, by_subject=True
            ),
            "year": lambda n: sums_of(shop, RollupKind.FARMER, end - dt.timedelta(365), end, by_subject=True),
            "by_day": lambda n: sums_of(shop, RollupKind.FARMER, month[1], end, by_day=True),
            "by_flower": lambda n: sums_of(shop, RollupKind.FLOWER, month[1], end, by_subject=True),
            "year_by_flower": lambda n: sums_of(
                shop, RollupKind.FLOWER, end - dt.timedelta(365), end, by_subject=True
            ),
            "all_months": lambda n: months_of_flowers(shop, end - dt.timedelta(3650), end),
        }
        times = in_turn(sides, rounds=rounds, each=max(each // 10, 4))  # type: ignore[arg-type]
        again = []
        for n in range(max(each // 10, 4)):
            _mark(shop, end - dt.timedelta(days=n % 28))
            started = time.perf_counter()
            sum_up_days()
            again.append(time.perf_counter() - started)
        _must_be_the_same(month)
        _mark(shop, end)
        fresh = []
        for _n in range(max(each // 10, 4)):
            started = time.perf_counter()
            sums_of(shop, RollupKind.FARMER, month[1], end, by_subject=True)
            fresh.append(time.perf_counter() - started)
        kept = DailyRollup.objects.count()
    p95 = {name: percentile(seconds, 95) for name, seconds in times.items()}
    return {
        "bench": "month_report",
        "lines": entries // DAYS * DAYS,
        "days": days,
        "rows_of_sums": kept,
        "p95_ms": p95,
        "median_ms": {name: percentile(seconds, 50) for name, seconds in times.items()},
        "p95_with_a_dirty_day_ms": percentile(fresh, 95),
        "a_day_again_ms": percentile(again, 50),
        "same": True,
        "loaded_s": round(loaded),
        "summed_s": round(summed, 1),
        "months_renewed_ms": round(renewed * 1000),
        "times": len(times["sums"]),
        "table": [
            {
                "what": "a month by farmer, from sums",
                "ms": p95["sums"],
                "goal": GOAL_MS,
                "met": p95["sums"] <= GOAL_MS,
            }
        ],
    }


def from_entries(kind: RollupKind, shop: Shop, start: dt.date, end: dt.date) -> list[tuple[Any, ...]]:
    """Lines, quantity, amount, commission and charges of each subject, added up from what is in the book."""
    which = "shop_id = %(shop)s AND {day} BETWEEN %(start)s AND %(end)s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT subject, sum(lines), sum(quantity), sum(amount), sum(commission), sum(charges)"  # noqa: S608
            f" FROM ({figures(kind, which)}) AS figures GROUP BY subject",
            {"shop": shop.pk, "start": start, "end": end},
        )
        return list(cursor.fetchall())


def _must_be_the_same(month: tuple[Shop, dt.date, dt.date]) -> None:
    """Stop where a sum is not what the entries come to."""
    for kind in RollupKind:
        kept: list[Sums] = sums_of(month[0], kind, *month[1:], by_subject=True)
        told = {(s.subject, s.lines, s.quantity, s.amount, s.commission, s.charges) for s in kept}
        if told != set(from_entries(kind, *month)):
            raise AssertionError(f"the sums by {kind} are not those of the entries")


def _mark(shop: Shop, day: dt.date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_dirtyday (shop_id, business_date) VALUES (%s, %s)", [shop.pk, day])


def _load(today: dt.date, scene: dict[str, Any]) -> None:
    """Fill the months from 300 days ago to today, and mark their days as the migration does."""
    first = today - dt.timedelta(days=DAYS - 1)
    with connection.cursor() as cursor:
        # The months that migrations made are empty: they are loaded aside and attached.
        cursor.execute(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ledger_dailyentry'::regclass"
        )
        for (part,) in cursor.fetchall():
            if not part.endswith("_default"):
                cursor.execute(f"DROP TABLE {part}")  # one of ours
    while first <= today:
        begins = first.replace(day=1)
        ends = (begins + dt.timedelta(days=32)).replace(day=1)
        last = min(ends - dt.timedelta(days=1), today)
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in LINES.format(
                part=f"ledger_dailyentry_{begins:%Y_%m}", begins=begins, ends=ends
            ).split(";\n"):
                if statement.strip():
                    cursor.execute(
                        statement, scene | {"first": first, "last": last} if "%(" in statement else None
                    )
        first = ends
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")  # as a database in use has had it
        cursor.execute(
            "INSERT INTO ledger_dirtyday (shop_id, business_date)"
            " SELECT DISTINCT shop_id, entry_date FROM ledger_dailyentry"
        )
