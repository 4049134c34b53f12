"""A farmer's statement and the day's report over a book, and over one that is ten times as long."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from ledger.models import Farmer
from ledger.selectors.accounts import statement_of
from malar.kernel.clock import business_date_of
from malar.ops.benchmarks.entries import address, coolie_scene
from malar.ops.benchmarks.scene import Scene, own_database, percentile

LINES_A_DAY = 4_000
HIS_LINES_A_DAY = 80
TIMES = 10
WARM_UP = 12
"""Calls after each change of books that are not counted: a connection plans a statement anew the first times."""
MOST_GROWTH = 1.3
HIS_LINES = 20_000
"""Of the farmer whose statement is asked for; they are among the newest lines in both books."""
# Pages name their scripts without looking into the list of packed files, which is there in production only.
UNPACKED = settings.STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
MONTH = """
    CREATE TABLE {part} (LIKE ledger_dailyentry INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS);
    INSERT INTO {part} (id, shop_id, farmer_id, flower_id, entry_date, captured_at, received_at,
        gross_quantity, tare, quantity, unit, sacks, called_rate, rate, rate_source, rate_reason, commission_pct,
        commission_per_unit, note, slip_number, slip_is_taken, status, void_reason, review_reasons, version,
        created_by_id, kind, adjustments)
    SELECT gen_random_uuid(), '{shop}', CASE
               WHEN line <= {his_a_day} AND day >= '{his_first}' THEN '{his}'::uuid
               ELSE ('{{{farmers}}}'::uuid[])[1 + (line * 7919 + extract(doy FROM day)::int * 104729) % {count}] END,
           '{flower}', day::date, at, at, weight + 0.2, 0.2, weight, 'kg', 1, 500, 500, 'called', '', 10, 0, '',
           'B1-' || to_char(day, 'DDMM') || '-' || lpad(line::text, 4, '0'), false, 'confirmed', '', '{{}}', 1,
           '{clerk}', 'sale', '[]'
    FROM generate_series('{first}'::timestamp, '{last}'::timestamp, interval '1 day') AS day
    CROSS JOIN generate_series(1, {lines}) AS line
    CROSS JOIN LATERAL (SELECT (day + interval '4 hours' + line * interval '5 seconds') AT TIME ZONE 'Asia/Kolkata',
                               round(1 + line % 97 * 0.137, 3)) AS drawn (at, weight);
    ALTER TABLE ledger_dailyentry ATTACH PARTITION {part} FOR VALUES FROM ('{begins}') TO ('{ends}');
"""
CHARGES = """
    SET CONSTRAINTS ALL IMMEDIATE;
    ALTER TABLE ledger_charge DISABLE TRIGGER USER;
    INSERT INTO ledger_charge (id, shop_id, farmer_id, fee_id, entry_id, business_date, basis, income, quantity,
        rate, automatic, status, reason, note, version, created_by_id, created_at)
    SELECT gen_random_uuid(), line.shop_id, farmer_id, fee.id, line.id, entry_date, fee.basis, fee.income, 1,
        fee.rate, true, 'standing', '', '', 1, created_by_id, captured_at
    FROM ledger_dailyentry AS line JOIN pricing_feerule AS fee ON fee.shop_id = line.shop_id
    WHERE farmer_id = '{his}';
    ALTER TABLE ledger_charge ENABLE TRIGGER USER;
"""


def reports_over_a_long_book(*, rounds: int, each: int, entries: int = 1_000_000) -> dict[str, Any]:
    """p95 in ms over `entries` lines and over ten times as many, of ten times the days, as many a day; and how much
    slower the long book is. Both books are asked in turn; what is asked for lies in the newest days of both.

    The statement is of a farmer with 20,000 lines and as many charges, over all his days and of a month; the day is
    the whole first page through all of Django. `each` is divided by ten: these take long.

    The lines are put into their months before these are attached, so by no service and without history.
    """
    taken: dict[str, dict[str, list[float]]] = {}
    loaded: dict[str, float] = {}
    with own_database():
        scene = coolie_scene()
        with connection.cursor() as cursor:
            # The months that migrations made are empty: they are loaded aside and attached.
            cursor.execute(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'ledger_dailyentry'::regclass"
            )
            for (part,) in cursor.fetchall():
                if not part.endswith("_default"):
                    cursor.execute(f"DROP TABLE {part}")  # one of ours
        today = business_date_of(timezone.now(), scene.clerk.shop.turnover_hour)
        days = max(entries // LINES_A_DAY, 31)
        short = connection.settings_dict["NAME"]
        started = time.perf_counter()
        newest = _load(scene, _months(today - dt.timedelta(days=days - 1), today), today)
        loaded["short"] = time.perf_counter() - started
        client = Client(SERVER_NAME="127.0.0.1")
        client.force_login(scene.clerk.user)
        with _copy_of(short) as long, override_settings(STORAGES=UNPACKED):
            started = time.perf_counter()
            with _using(long):
                first = today - dt.timedelta(days=TIMES * days - 1)
                _load(scene, _months(first, newest - dt.timedelta(days=1)), today)
            loaded["long"] = time.perf_counter() - started
            asked = _questions(scene, client, today, today - dt.timedelta(days=days - 1))
            for turn in range(rounds + 1):
                for name in (short, long):
                    with _using(name):
                        for what, ask in asked.items():
                            for n in range(WARM_UP):
                                ask(n)
                            for n in range(max(each // 10, 4)):
                                started = time.perf_counter()
                                ask(n)
                                if turn:
                                    seconds = taken.setdefault(what, {}).setdefault(name, [])
                                    seconds.append(time.perf_counter() - started)
            lines = {name: _count(name) for name in (short, long)}
    p95 = {what: [percentile(books[name], 95) for name in (short, long)] for what, books in taken.items()}
    p50 = {what: [percentile(books[name], 50) for name in (short, long)] for what, books in taken.items()}
    return {
        "bench": "reports",
        "lines": [lines[short], lines[long]],
        "p95_ms": p95,
        "median_ms": p50,
        "growth": {what: round(long / short, 2) for what, (short, long) in p95.items()},
        "growth_of_medians": {what: round(long / short, 2) for what, (short, long) in p50.items()},
        "goal": MOST_GROWTH,
        "times": len(next(iter(taken.values()))[short]),
        "loaded_s": {name: round(value) for name, value in loaded.items()},
    }


def _months(first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
    """From the first day of the month that `first` lies in: first and last day of each month up to `last`."""
    months = []
    while first <= last:
        begins = first.replace(day=1)
        first = (begins + dt.timedelta(days=32)).replace(day=1)
        months.append((begins, min(first - dt.timedelta(days=1), last)))
    return months


def _load(scene: Scene, months: list[tuple[dt.date, dt.date]], today: dt.date) -> dt.date:
    """Fill the months; answers the first day. The farmer has his lines in the days of the short book only."""
    shop, his = scene.clerk.shop, scene.farmers[0]
    short_days = HIS_LINES // HIS_LINES_A_DAY
    with transaction.atomic(), connection.cursor() as cursor:
        for begins, last in months:
            cursor.execute(
                MONTH.format(
                    part=f"ledger_dailyentry_{begins:%Y_%m}",
                    shop=shop.pk,
                    his=his.pk,
                    his_a_day=HIS_LINES_A_DAY,
                    his_first=today - dt.timedelta(days=short_days - 1),
                    farmers=",".join(str(farmer.pk) for farmer in scene.farmers[1:]),
                    count=len(scene.farmers) - 1,
                    flower=scene.flower.pk,
                    clerk=scene.clerk.pk,
                    first=begins,
                    last=last,
                    lines=LINES_A_DAY,
                    begins=begins,
                    ends=(begins + dt.timedelta(days=32)).replace(day=1),
                )
            )
        if not his.charges.exists():
            cursor.execute(CHARGES.format(his=his.pk))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")  # as a database in use has had it
    return months[0][0]


@contextmanager
def _copy_of(name: str) -> Iterator[str]:
    """A second database with all that is in one, dropped at the end."""
    copy = f"{name}_long"
    connection.close()
    with closing(psycopg.connect(**address() | {"dbname": "postgres"}, autocommit=True)) as outside:
        outside.execute(f"CREATE DATABASE {copy} TEMPLATE {name}")
        try:
            yield copy
        finally:
            outside.execute(f"DROP DATABASE {copy}")


@contextmanager
def _using(name: str) -> Iterator[None]:
    """Ask another database for a while."""
    before = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = before


def _questions(
    scene: Scene, client: Client, today: dt.date, first: dt.date
) -> dict[str, Callable[[int], object]]:
    his = Farmer.objects.get(pk=scene.farmers[0].pk)
    his_page = reverse("ledger:farmer_account", args=[his.pk])

    def page(address: str, **asked: str) -> None:
        answer = client.get(address, asked)
        if answer.status_code != 200:
            raise RuntimeError(f"{address}: {answer.status_code}")

    def back(n: int) -> dt.date:
        return today - dt.timedelta(days=1 + n % 28)

    return {
        "statement": lambda n: statement_of(his, first, today),
        "statement_of_a_month": lambda n: page(his_page, month=f"{back(n):%Y-%m}"),
        "day_report": lambda n: page(reverse("home:board"), day=back(n).isoformat()),
    }


def _count(name: str) -> int:
    with _using(name), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_dailyentry")
        (count,) = cursor.fetchone()
        return int(count)
