"""`record_entry` at one connection against the same rows written by psycopg alone."""

import datetime as dt
import json
import statistics
from decimal import Decimal
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import connection
from django.utils import timezone

from ledger.services.entries import record_entry
from malar.kernel.clock import business_date_of
from malar.kernel.ids import new_id
from malar.ops.benchmarks.scene import Scene, in_turn, set_scene

COUNTED = (
    "ledger_dailyentry",
    "ledger_dailyentryevent",
    "ledger_slipcounter",
    "trail_event",
    "trail_answeredrequest",
    "pghistory_context",
)


def record_entry_against_psycopg(*, rounds: int, each: int) -> dict[str, Any]:
    """Ratio of medians raw / Malar, and the rows each side wrote in each table.

    Both sides write one transaction an entry with the same triggers, the same lock (taken by the
    table's trigger) and synchronous_commit as the server has it. The raw side knows everything
    beforehand: it looks up no farmer, no rate, no earlier lines, and checks nothing.
    """
    scene = set_scene()
    raw = psycopg.connect(**_address())
    written: dict[str, dict[str, int]] = {}

    def malar(n: int) -> None:
        farmer = scene.farmers[n % len(scene.farmers)]
        record_entry(
            by=scene.clerk,
            key=uuid4(),
            farmer_id=farmer.pk,
            flower_id=scene.flower.pk,
            gross_quantity=Decimal(n % 9000 + 500) / 1000,
            tare=Decimal("0.200"),
            sacks=1,
        )

    def psycopg_alone(n: int) -> None:
        _write_raw(raw, scene, n)

    for name, act in (("malar", malar), ("psycopg", psycopg_alone)):
        before = _row_counts()
        act(0)
        written[name] = {table: count - before[table] for table, count in _row_counts().items()}
    seconds = in_turn({"malar": malar, "psycopg": psycopg_alone}, rounds=rounds, each=each)
    raw.close()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        (synchronous_commit,) = cursor.fetchone()
    return {
        "bench": "record_entry",
        "ratio": round(medians["psycopg"] / medians["malar"], 3),
        "goal": 0.30,
        "median_ms": {name: round(value * 1000, 3) for name, value in medians.items()},
        "entries_each": rounds * each,
        "rows_per_entry": written,
        "synchronous_commit": synchronous_commit,
    }


def _address() -> dict[str, Any]:
    database = settings.DATABASES["default"]
    return {
        "host": database["HOST"],
        "port": database["PORT"],
        "dbname": connection.settings_dict["NAME"],
        "user": database["USER"],
        "password": database["PASSWORD"],
        "options": database["OPTIONS"]["options"],
    }


def _row_counts() -> dict[str, int]:
    counts = {}
    with connection.cursor() as cursor:
        for table in COUNTED:
            # SlipCounter is updated, not inserted into: its running numbers tell the same.
            column = "coalesce(sum(last), 0)" if table == "ledger_slipcounter" else "count(*)"
            cursor.execute(f"SELECT {column} FROM {table}")  # noqa: S608  # names from the tuple above
            (counts[table],) = cursor.fetchone()
    return {table: int(count) for table, count in counts.items()}


def _write_raw(raw: psycopg.Connection[Any], scene: Scene, n: int) -> None:
    farmer, shop, now = scene.farmers[n % len(scene.farmers)], scene.clerk.shop, timezone.now()
    day = business_date_of(now, shop.turnover_hour)
    entry, gross = new_id(), Decimal(n % 9000 + 500) / 1000
    context = json.dumps({"user": str(scene.clerk.user_id), "member": str(scene.clerk.pk), "door": "bench"})
    with raw.transaction(), raw.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pghistory.context_id', %s, true),"
            " set_config('pghistory.context_metadata', %s, true)",
            [str(new_id()), context],
        )
        cursor.execute(
            "INSERT INTO ledger_slipcounter (shop_id, business_date, series, last) VALUES (%s, %s, 'S1', 1)"
            " ON CONFLICT (shop_id, business_date, series)"
            " DO UPDATE SET last = ledger_slipcounter.last + 1 RETURNING last",
            [shop.pk, day],
        )
        (running,) = cursor.fetchone() or (0,)
        cursor.execute(
            "INSERT INTO ledger_dailyentry (id, shop_id, farmer_id, flower_id, entry_date, captured_at,"
            " received_at, gross_quantity, tare, quantity, unit, sacks, called_rate, rate, rate_source,"
            " rate_reason, commission_pct, commission_per_unit, note, slip_number, slip_is_taken, status,"
            " void_reason, review_reasons, version, created_by_id) VALUES (%s, %s, %s, %s, %s, %s, %s, %s,"
            " 0.200, %s, 'kg', 1, 900, 900, 'called', '', 10, 0, '', %s, false, 'confirmed', '', '{}', 1, %s)"
            " RETURNING amount, commission",
            [
                entry, shop.pk, farmer.pk, scene.flower.pk, day, now, now, gross,
                gross - Decimal("0.200"), f"S1-{day:%d%m}-{running:03}", scene.clerk.pk,
            ],
        )  # fmt: skip
        amount, commission = cursor.fetchone() or (None, None)
        cursor.execute(
            "INSERT INTO trail_event (id, shop_id, name, payload, at) VALUES (%s, %s, 'EntryRecorded', %s, %s)",
            [new_id(), shop.pk, json.dumps({"entry": str(entry), "farmer": str(farmer.pk)}), now],
        )
        answer = {"id": str(entry), "amount": str(amount), "commission": str(commission), "pad": "x" * 700}
        cursor.execute(
            "INSERT INTO trail_answeredrequest (shop_id, key, body_hash, made, answer, at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [shop.pk, uuid4(), "0" * 64, entry, json.dumps(answer), dt.datetime.now(dt.UTC)],
        )
