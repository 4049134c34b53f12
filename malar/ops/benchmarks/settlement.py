"""A settlement run over a large book against the bare statements that claim and sum, and against a peer."""

import datetime as dt
import json
import math
import multiprocessing
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.ids import new_id
from malar.ops.benchmarks.entries import address
from malar.ops.benchmarks.scene import Scene, own_database, set_scene
from settlements.models import Settlement, SettlementRun
from settlements.services.runs import Order, begin_run, make_run

FARMERS, DAYS = 2_000, 15
MOST, MOST_MEMORY_MB, LEAST_TIMES_PEER = 2.4, 300, 15
PEER_ENTRIES, PEER_SETTLEMENTS = 20_000, 200
PEER = Path(".venv-peers/bin/python")
LINES = """
    INSERT INTO ledger_dailyentry (id, shop_id, farmer_id, flower_id, entry_date, captured_at, received_at,
        tare, quantity, unit, sacks, rate, rate_source, rate_reason, commission_pct, commission_per_unit,
        note, slip_number, slip_is_taken, status, void_reason, review_reasons, version, created_by_id,
        kind, adjustments)
    SELECT gen_random_uuid(), %(shop)s, farmer.id, %(flower)s, %(first)s::date + line %% %(days)s, at, at,
           0, round(1 + line %% 97 * 0.137, 3), 'kg', 1, 500, 'called', '', 10, 0, '',
           'B1-' || line, false, 'confirmed', '', '{}', 1, %(clerk)s, 'sale', '[]'
    FROM generate_series(%(from)s::int, %(to)s::int) AS line
    JOIN ledger_farmer AS farmer ON farmer.shop_id = %(shop)s AND farmer.number = 1 + line %% %(farmers)s
    CROSS JOIN LATERAL (SELECT %(first)s::timestamptz + line * interval '1 second') AS drawn (at)
"""
CLAIM = """
    INSERT INTO ledger_claimedrow (claim_id, kind, row, released)
    SELECT who.claim, 'line', line.id, false
    FROM unnest(%(farmers)s::uuid[], %(claims)s::uuid[]) AS who (farmer, claim)
    JOIN ledger_dailyentry AS line ON line.farmer_id = who.farmer
"""
SUM = """
    SELECT taken.claim_id, count(*), sum(line.amount), sum(line.commission)
    FROM ledger_claimedrow AS taken JOIN ledger_dailyentry AS line ON line.id = taken.row
    GROUP BY taken.claim_id
"""
TABLES = ("ledger_claimedrow", "settlements_settlement", "settlements_settlementrun", "ledger_claim")


def settle_against_sql(*, rounds: int, each: int, entries: int = 1_000_000) -> dict[str, Any]:
    """Seconds of a run over `entries` lines of 2,000 farmers, and of claiming and summing the same lines with two
    bare statements into the same tables, in turn; the memory of the process that makes the run; how both grow from a
    hundredth of the lines on; and django-hordak's seconds for the same facts, from 20,000 entries.

    `rounds` of each (at most three); `each` is not used. The lines are put in without history or charges.
    """
    rounds = min(rounds, 3)
    taken: dict[int, dict[str, list[float]]] = {}
    with own_database():
        scene = scene_of_two_thousand()
        today = business_date_of(timezone.now(), scene.clerk.shop.turnover_hour)
        order = Order(start=today - dt.timedelta(days=DAYS - 1), end=today)
        loaded = 0
        memory = 0.0
        for size in sorted({max(entries // 100, 1000), max(entries // 10, 1000), entries}):
            load(scene, order.start, loaded + 1, size)
            loaded = size
            for turn in range(rounds + 1):
                for name, act in (("sql", _bare(scene)), ("malar", _run(scene, order))):
                    _forget()
                    seconds, mb = _apart(act)
                    if name == "malar":
                        _check(size)
                        memory = max(memory, mb)
                    if turn:
                        taken.setdefault(size, {}).setdefault(name, []).append(seconds)
    medians = {
        size: {name: statistics.median(each) for name, each in sides.items()} for size, sides in taken.items()
    }
    smallest, largest = min(medians), max(medians)
    run = medians[largest]["malar"]
    decades = math.log(largest / smallest)
    peer = _peer(largest)
    return {
        "bench": "settle",
        "entries": largest,
        "farmers": FARMERS,
        "rounds": rounds,
        "malar_s": round(run, 2),
        "sql_s": round(medians[largest]["sql"], 2),
        "ratio": round(run / medians[largest]["sql"], 2),
        "goal": MOST,
        "memory_mb": round(memory),
        "memory_goal_mb": MOST_MEMORY_MB,
        "grows_with_power": {
            name: round(math.log(medians[largest][name] / medians[smallest][name]) / decades, 2)
            for name in ("malar", "sql")
        },
        "seconds": {
            size: {name: round(each, 3) for name, each in sides.items()} for size, sides in medians.items()
        },
        "hordak_s_extrapolated": round(peer, 1) if peer else "not installed: make peers",
        "times_faster_than_hordak": round(peer / run, 1) if peer else None,
        "times_goal": LEAST_TIMES_PEER,
    }


def scene_of_two_thousand() -> Scene:
    """A shop with as many farmers."""
    scene = set_scene()
    shop = scene.clerk.shop
    Farmer.objects.bulk_create(
        Farmer(shop=shop, number=n, code=f"F{n:04}", name_ta=f"விவசாயி {n}", name_en=f"Farmer {n}")
        for n in range(501, FARMERS + 1)
    )
    return Scene(scene.clerk, scene.flower, list(shop.farmers.all()))


def load(scene: Scene, first: dt.date, start: int, end: int) -> None:
    """Put lines of those numbers into the book, spread over the farmers and fifteen days from `first` on."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_dailyentry DISABLE TRIGGER USER")
        cursor.execute(
            LINES,
            {
                "shop": scene.clerk.shop_id,
                "flower": scene.flower.pk,
                "clerk": scene.clerk.pk,
                "first": first,
                "days": DAYS,
                "farmers": FARMERS,
                "from": start,
                "to": end,
            },
        )
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE ledger_dailyentry ENABLE TRIGGER USER")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) ledger_dailyentry")


def _forget() -> None:
    """Free everything that was taken; the space is given back too, so that each round finds the same tables."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  # ours
        for table in TABLES:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) ledger_claimedrow")


def _bare(scene: Scene) -> Callable[[], None]:
    farmers = [farmer.pk for farmer in scene.farmers]
    claims = [new_id() for _ in farmers]

    def act() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(CLAIM, {"farmers": farmers, "claims": claims})
            cursor.execute(SUM)
            cursor.fetchall()

    return act


def _run(scene: Scene, order: Order) -> Callable[[], None]:
    owner: UUID = scene.clerk.shop.memberships.get(role=Role.ADMIN).pk

    def act() -> None:
        by = Membership.objects.select_related("shop", "user").get(pk=owner)
        make_run(begin_run(by=by, key=uuid4(), order=order).made)

    return act


def _apart(act: Callable[[], None]) -> tuple[float, float]:
    """Seconds that `act` takes in a process of its own, as a worker would, and that process's memory in MB."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    connection.close()

    def child() -> None:
        connection.ensure_connection()
        started = time.perf_counter()
        act()
        seconds = time.perf_counter() - started
        theirs.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    theirs.close()
    try:
        said: tuple[float, float] = ours.recv()
    finally:
        process.join()
    return said


def _check(size: int) -> None:
    """A run that took less than everything would be quick for nothing."""
    run = SettlementRun.objects.get()
    lines = sum(Settlement.objects.values_list("lines", flat=True))
    if (run.status, lines) != ("done", size):
        raise RuntimeError(f"the run is {run.status}, and took {lines} of {size} lines: {run.fault}")


def _peer(entries: int) -> float | None:
    """django-hordak's seconds for so many entries and the settlements of all farmers, from those that were timed."""
    if not PEER.exists():
        return None
    with own_database():
        place = {key: str(value) for key, value in address().items()}
        with connection.cursor() as cursor:
            cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        script = Path(__file__).with_name("peer_hordak.py")
        done = subprocess.run(
            [PEER, "-P", script, json.dumps(place), str(PEER_ENTRIES), str(PEER_SETTLEMENTS)],
            capture_output=True,
            text=True,
            check=True,
        )
    said: dict[str, float] = json.loads(done.stdout)
    return said["entries_s"] * entries / PEER_ENTRIES + said["settlements_s"] * FARMERS / PEER_SETTLEMENTS
