"""Importing lines of an older book against COPY of the same rows into the same tables."""

import datetime as dt
import statistics
import time
from contextlib import closing
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection
from django.utils import timezone

from ledger.services.charges import WRITTEN as OF_A_CHARGE
from ledger.services.entries import WRITTEN as OF_A_LINE
from ledger.services.entries import NewLine
from ledger.services.entry_import import import_entries
from malar.accounts.domain import Role
from malar.kernel.clock import KOLKATA
from malar.ops.benchmarks.entries import address, coolie_scene
from malar.ops.benchmarks.scene import Scene, own_database
from pricing.services.rates import publish_rate

DAYS = 100
"""Of each import; the next one is of the days before, so that the book grows as an older book is taken over."""
NEW_ID = "md5({column}::text || %(turn)s)::uuid"
COUNTED = (
    "ledger_dailyentry",
    "ledger_dailyentryevent",
    "ledger_charge",
    "ledger_chargeevent",
    "trail_answeredrequest",
)


def import_against_copy(*, rounds: int, each: int, entries: int = 100_000) -> dict[str, Any]:
    """Ratio of medians COPY / Malar for `entries` lines with a charge each, the sides in turn.

    COPY gets the rows that the import just wrote, as text with other ids and slip numbers, and writes them in one
    transaction into the same tables: triggers, locks, keys, generated columns and history are the same. It knows
    every answer beforehand. `each` is not used.
    """
    seconds: dict[str, list[float]] = {"malar": [], "copy": []}
    with own_database(), closing(psycopg.connect(**address())) as raw:
        scene = coolie_scene()
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as in a database that has been in use
        owner = scene.clerk.shop.memberships.select_related("user", "shop").get(role=Role.ADMIN)
        # Not counted: the first fills caches and plans, with a tenth of the lines.
        for turn, size in enumerate([max(entries // 10, DAYS), *[entries] * rounds]):
            last = timezone.now().astimezone(KOLKATA).date() - dt.timedelta(days=2 + turn * DAYS)
            rows = _older_book(scene, owner, last, size)
            before = _counts()
            started = time.perf_counter()
            made = import_entries(by=owner, key=uuid4(), rows=rows)
            by_malar = time.perf_counter() - started
            between = _counts()
            by_copy = _copy(raw, str(made.made), turn)
            after = _counts()
            written = {name: (between[name] - before[name], after[name] - between[name]) for name in after}
            if turn:
                seconds["malar"].append(by_malar)
                seconds["copy"].append(by_copy)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "bench": "import_entries",
        "ratio": round(medians["copy"] / medians["malar"], 3),
        "ratios": [round(c / m, 3) for m, c in zip(seconds["malar"], seconds["copy"], strict=True)],
        "goal": 0.20,
        "entries": entries,
        "median_s": {name: round(value, 2) for name, value in medians.items()},
        "rows_by_malar_and_by_copy": written,
    }


def _older_book(scene: Scene, owner: Any, last: dt.date, size: int) -> dict[int, NewLine]:
    """Lines of the hundred days up to `last`: weighed, half of them at the board's rate, half with their own."""
    rows: dict[int, NewLine] = {}
    a_day = size // DAYS
    for n in range(DAYS):
        day = last - dt.timedelta(days=DAYS - 1 - n)
        opens = dt.datetime.combine(day, dt.time(4), tzinfo=KOLKATA)
        publish_rate(by=owner, key=uuid4(), flower=scene.flower, rate=Decimal(500 + n), effective_from=opens)
        for line in range(a_day):
            number = len(rows)
            rows[number + 2] = NewLine(
                farmer_id=scene.farmers[number * 7919 % len(scene.farmers)].pk,
                flower_id=scene.flower.pk,
                captured_at=opens + dt.timedelta(seconds=line * 14_400 // a_day),
                gross_quantity=Decimal(number * 31 % 9000 + 500) / 1000,
                tare=Decimal("0.200"),
                sacks=1,
                rate=None if number % 2 else Decimal(400 + number % 300),
            )
    return rows


def _counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        counts = {}
        for table in COUNTED:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608  # names from the tuple above
            (counts[table],) = cursor.fetchone()
    return counts


def _copy(raw: psycopg.Connection[Any], within: str, turn: int) -> float:
    """Seconds of writing once more, by COPY, what an import wrote."""
    new = {column: NEW_ID.format(column=column) for column in ("key", "made", "entry_id")}
    new |= {"slip_number": f"'B{turn}' || substr(slip_number, 3)"}
    columns = {
        "ledger_dailyentry": [field.column for field in OF_A_LINE],
        "ledger_charge": [field.column for field in OF_A_CHARGE],
        "trail_answeredrequest": ["shop_id", "key", "body_hash", "made", "answer", "at"],
    }
    theirs = "SELECT made FROM trail_answeredrequest WHERE answer ->> 'within' = %(within)s"
    which = {"ledger_dailyentry": "id", "ledger_charge": "entry_id", "trail_answeredrequest": "made"}
    texts: dict[str, list[bytes]] = {}
    with raw.transaction(), psycopg.ClientCursor(raw) as cursor:
        for table, names in columns.items():
            chosen = ", ".join(
                NEW_ID.format(column=name) if name == "id" else new.get(name, name) for name in names
            )
            question = cursor.mogrify(
                f"COPY (SELECT {chosen} FROM {table} WHERE {which[table]} IN ({theirs})"  # noqa: S608
                f" ORDER BY {names[0]}) TO STDOUT",
                {"turn": str(turn), "within": within},
            )
            with cursor.copy(question) as out:
                texts[table] = [bytes(block) for block in out]
    blocks = {table: _blocks(text) for table, text in texts.items()}
    started = time.perf_counter()
    with raw.transaction(), raw.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pghistory.context_id', %s, true),"
            " set_config('pghistory.context_metadata', '{}', true)",
            [str(uuid4())],
        )
        for table, names in columns.items():
            with cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN") as copy:
                for block in blocks[table]:
                    copy.write(block)
    return time.perf_counter() - started


def _blocks(rows: list[bytes]) -> list[bytes]:
    """Rows of COPY put together to a thousand each, as a file would be read."""
    return [b"".join(rows[start : start + 1000]) for start in range(0, len(rows), 1000)]
