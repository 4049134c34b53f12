"""`record_entry` at one connection and at eight, against the same statements by psycopg alone."""

import datetime as dt
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import psycopg
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone
from psycopg.types.json import Jsonb

from ledger.models import Charge, DailyEntry
from ledger.selectors.entries import BAND_DAYS, LINE_QUESTION
from ledger.services import charges, entries
from ledger.services.entries import record_entry
from malar.accounts.models import Shop
from malar.kernel.clock import business_date_of
from malar.kernel.ids import new_id
from malar.ops.benchmarks.scene import Scene, in_turn, set_scene
from malar.trail.services.answers import KEEP
from pricing.models import FeeRule
from pricing.selectors.rates import quote_question

COUNTED = (
    "ledger_dailyentry",
    "ledger_dailyentryevent",
    "ledger_charge",
    "ledger_chargeevent",
    "ledger_slipcounter",
    "trail_event",
    "trail_answeredrequest",
    "pghistory_context",
)
AT_ONCE = 8


def record_entry_against_psycopg(*, rounds: int, each: int) -> dict[str, Any]:
    """Ratio of medians raw / Malar, and the rows each side wrote in each table.

    Both sides send the same statements, one transaction an entry, with the same triggers, the same locks
    (taken by the tables' triggers) and synchronous_commit as the server has it. The raw side knows every
    answer beforehand: it decides and checks nothing. `writes` leaves out the question, too.
    """
    scene = coolie_scene()
    raw = psycopg.connect(**address())
    sides: dict[str, Callable[[int], None]] = {
        "malar": lambda n: _by_malar(scene, n),
        "psycopg": lambda n: _by_psycopg(raw, scene, n, asks=True),
        "writes": lambda n: _by_psycopg(raw, scene, n, asks=False),
    }
    written: dict[str, dict[str, int]] = {}
    for name, act in sides.items():
        before = row_counts()
        act(0)
        written[name] = {table: count - before[table] for table, count in row_counts().items()}
    seconds = in_turn(sides, rounds=rounds, each=each)
    raw.close()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        (synchronous_commit,) = cursor.fetchone()
    return {
        "bench": "record_entry",
        "ratio": round(medians["psycopg"] / medians["malar"], 3),
        "ratio_of_writes": round(medians["writes"] / medians["malar"], 3),
        "goal": 0.30,
        "median_ms": {name: round(value * 1000, 3) for name, value in medians.items()},
        "entries_each": rounds * each,
        "rows_per_entry": written,
        "synchronous_commit": synchronous_commit,
    }


def record_entry_at_eight_connections(*, rounds: int, each: int) -> dict[str, Any]:
    """Ratio of entries a second, Malar / raw, from eight processes at once, each with a connection.

    Median of the rounds, the two sides in turn. All write into one shop, so they share its slip counter.
    """
    scene = coolie_scene()
    share = max(each // AT_ONCE, 10)
    a_second: dict[str, list[float]] = {"malar": [], "psycopg": []}
    for _ in range(rounds):
        for side, rates in a_second.items():
            rates.append(AT_ONCE * share / _at_once(side, scene, share))
    medians = {side: statistics.median(rates) for side, rates in a_second.items()}
    return {
        "bench": "record_entry_at_eight_connections",
        "ratio": round(medians["malar"] / medians["psycopg"], 3),
        "goal": 0.20,
        "entries_a_second": {side: round(rate, 1) for side, rate in medians.items()},
        "entries_each": rounds * share * AT_ONCE,
    }


def _at_once(side: str, scene: Scene, share: int) -> float:
    """Seconds from when all processes stand ready until the last has written its share."""
    connections.close_all()
    forks = multiprocessing.get_context("fork")
    ready = forks.Barrier(AT_ONCE + 1)
    workers = [
        forks.Process(target=_write_a_share, args=(side, scene, share, place, ready))
        for place in range(AT_ONCE)
    ]
    for worker in workers:
        worker.start()
    ready.wait(timeout=60)
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    if any(worker.exitcode for worker in workers):
        raise RuntimeError(f"{side}: a process failed")
    return seconds


def _write_a_share(side: str, scene: Scene, share: int, place: int, ready: Any) -> None:
    connections.close_all()
    raw = psycopg.connect(**address()) if side == "psycopg" else None

    def act(n: int) -> None:
        if raw is None:
            _by_malar(scene, n)
        else:
            _by_psycopg(raw, scene, n, asks=True)

    first = place * 10_000
    for n in range(5):
        act(first + n)
    ready.wait(timeout=60)
    for n in range(share):
        act(first + n)


def coolie_scene() -> Scene:
    """A shop that charges coolie with every entry."""
    scene = set_scene()
    FeeRule.objects.create(
        shop=scene.clerk.shop,
        code="coolie",
        name="கூலி",
        basis="per_sack",
        rate=Decimal("10.00"),
        automatic=True,
    )
    return scene


def _by_malar(scene: Scene, n: int) -> None:
    record_entry(
        by=scene.clerk,
        key=uuid4(),
        farmer_id=scene.farmers[n % len(scene.farmers)].pk,
        flower_id=scene.flower.pk,
        gross_quantity=Decimal(n % 9000 + 500) / 1000,
        tare=Decimal("0.200"),
        sacks=1,
    )


def address() -> dict[str, Any]:
    """Where the database is that Django uses just now, as psycopg wants it."""
    database = settings.DATABASES["default"]
    return {
        "host": database["HOST"],
        "port": database["PORT"],
        "dbname": connection.settings_dict["NAME"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "options": database["OPTIONS"]["options"],
    }


def row_counts(*more: str) -> dict[str, int]:
    """How many rows are in the tables that a sale writes into, and in those named."""
    counts = {}
    with connection.cursor() as cursor:
        for table in (*COUNTED, *more):
            # SlipCounter is updated, not inserted into: its running numbers tell the same.
            column = "coalesce(sum(last), 0)" if table == "ledger_slipcounter" else "count(*)"
            cursor.execute(f"SELECT {column} FROM {table}")  # noqa: S608  # names of our own
            (counts[table],) = cursor.fetchone()
    return {table: int(count) for table, count in counts.items()}


COOLIE: dict[Any, Any] = {}
"""The fee of each shop, read once: the raw side knows everything beforehand."""


def _coolie(shop: Shop) -> Any:
    if shop.pk not in COOLIE:
        COOLIE[shop.pk] = shop.fees.get().pk
    return COOLIE[shop.pk]


def _by_psycopg(raw: psycopg.Connection[Any], scene: Scene, n: int, *, asks: bool) -> None:
    """An entry by the statements of the service, every value known beforehand."""
    with raw.transaction(), raw.cursor() as cursor:
        sale_by_psycopg(
            cursor,
            scene,
            id=new_id(),
            key=uuid4(),
            farmer=scene.farmers[n % len(scene.farmers)].pk,
            gross=Decimal(n % 9000 + 500) / 1000,
            asks=asks,
        )


def sale_by_psycopg(
    cursor: psycopg.Cursor[Any],
    scene: Scene,
    *,
    id: UUID,
    key: UUID,
    farmer: UUID,
    gross: Decimal,
    slip: str = "",
    asks: bool,
) -> None:
    """What a sale writes, in the transaction that is open; with no `slip` it draws the shop's next number."""
    shop, clerk = scene.clerk.shop, scene.clerk
    now = timezone.now()
    day = business_date_of(now, shop.turnover_hour)
    context = json.dumps({"user": str(clerk.user_id), "member": str(clerk.pk), "door": "bench"})
    line = NOTHING_LINE | {
        "id": id,
        "shop_id": shop.pk,
        "farmer_id": farmer,
        "flower_id": scene.flower.pk,
        "entry_date": day,
        "captured_at": now,
        "received_at": now,
        "gross_quantity": gross,
        "quantity": gross - Decimal("0.200"),
        "created_by_id": clerk.pk,
        "series": f"S1-{day:%d%m}-",
        "sent": slip,
    }
    charge = NOTHING_CHARGED | {
        "id": new_id(),
        "shop_id": shop.pk,
        "farmer_id": farmer,
        "fee_id": _coolie(shop),
        "entry_id": id,
        "business_date": day,
        "created_by_id": clerk.pk,
        "created_at": now,
    }
    cursor.execute(
        "SELECT set_config('pghistory.context_id', %s, true),"
        " set_config('pghistory.context_metadata', %s, true)",
        [str(new_id()), context],
    )
    if asks:
        question = quote_question(shop.pk, scene.flower.pk, now, day)
        since = day - dt.timedelta(days=BAND_DAYS)
        cursor.execute(LINE_QUESTION, question | {"farmer": farmer, "since": since, "adjustments": []})
        cursor.fetchone()
    cursor.execute(entries.INSERT, line)
    _, amount, commission = cursor.fetchone() or (None, None, None)
    cursor.execute(f"{charges.INSERT}{charges.ROW} RETURNING amount", list(charge.values()))
    cursor.fetchone()
    cursor.execute(
        "INSERT INTO trail_event (id, shop_id, name, payload, at) VALUES (%s, %s, 'EntryRecorded', %s, %s)",
        [new_id(), shop.pk, json.dumps({"entry": str(id), "farmer": str(farmer)}), now],
    )
    answer = {"id": str(id), "amount": str(amount), "commission": str(commission), "pad": "x" * 900}
    cursor.execute(KEEP, [shop.pk, key, "0" * 64, id, json.dumps(answer), dt.datetime.now(dt.UTC)])


NOTHING_LINE: dict[str, Any] = {
    **{field.column: getattr(DailyEntry(), field.attname) for field in entries.WRITTEN},
    "unit": "kg",
    "sacks": 1,
    "tare": Decimal("0.200"),
    "called_rate": 900,
    "rate": 900,
    "rate_source": "called",
    "commission_pct": 10,
    "status": "confirmed",
    "kind": "sale",
    "adjustments": Jsonb([]),
    "review_reasons": [],
}
NOTHING_CHARGED: dict[str, Any] = {
    **{field.column: getattr(Charge(), field.attname) for field in charges.WRITTEN},
    "basis": "per_sack",
    "income": "shop",
    "quantity": 1,
    "rate": 10,
    "automatic": True,
    "status": "standing",
}
"""Lines and charges in the order of their columns, before anybody is named in them."""
