"""Everything a shop has with us, in one archive it may take away: each table as CSV and as JSON lines."""

import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from psycopg import sql

from ledger.events import ShopExported
from ledger.selectors.tables import Table, tables
from malar.accounts.domain import Language, Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import NotAllowed
from malar.kernel.formatting import clock_time, day
from malar.kernel.transactions import unit_of_work
from malar.trail.services.events import record


@unit_of_work
def note_export(*, by: Membership) -> None:
    """Leave a trace of who took everything away. Raises NotAllowed unless `by` is the owner."""
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may take everything away."))
    record(ShopExported(member=by.pk), shop=by.shop)


def write_archive(shop: Shop, file: IO[bytes]) -> dict[str, Any]:
    """Write everything of a shop into `file`, as it is at one moment, and answer what the manifest says.

    One row at a time: a large shop takes longer, not more memory. Who may is `note_export`'s question.
    """
    made_at = timezone.now().astimezone(KOLKATA)
    manifest: dict[str, Any] = {
        "shop": str(shop.pk),
        "name": shop.name_en,
        "made_at": made_at.isoformat(),
        "tables": [],
    }
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, _one_moment():
        archive.writestr(_entry("README.txt", made_at), _readme(shop, made_at))
        for table in tables():
            csv, objects = f"csv/{table.name}.csv", f"json/{table.name}.jsonl"
            _lines, csv_hash = _copy(archive, _entry(csv, made_at), _csv(shop, table))
            rows, json_hash = _copy(archive, _entry(objects, made_at), _json_lines(shop, table))
            manifest["tables"].append(
                {
                    "table": table.name,
                    "rows": rows,
                    "csv": csv,
                    "csv_sha256": csv_hash,
                    "json": objects,
                    "json_sha256": json_hash,
                }
            )
        archive.writestr(_entry("manifest.json", made_at), json.dumps(manifest, ensure_ascii=False, indent=1))
    return manifest


@contextmanager
def _one_moment() -> Iterator[None]:
    """All questions inside see the same book, however long they take; inside a transaction, that one's."""
    is_outermost = not connection.in_atomic_block
    with transaction.atomic():
        if is_outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def _csv(shop: Shop, table: Table) -> Iterator[bytes]:
    yield "\ufeff".encode()  # by which Excel knows that it is Tamil
    yield from _copied(table.rows(shop, as_json=False), "FORMAT csv, HEADER")


def _json_lines(shop: Shop, table: Table) -> Iterator[bytes]:
    rows = table.rows(shop, as_json=True)
    objects = sql.SQL("SELECT to_json(each) FROM ({}) AS each").format(rows)
    # JSON has no control characters, so nothing in a line is ever quoted.
    yield from _copied(objects, "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'")


def _copied(rows: sql.Composed, form: str) -> Iterator[bytes]:
    """What PostgreSQL copies out, a row at a time."""
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("COPY ({}) TO STDOUT ({})").format(rows, sql.SQL(form))) as copy,
    ):
        for row in copy:
            yield bytes(row)


def _copy(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, pieces: Iterator[bytes]) -> tuple[int, str]:
    """Write the pieces into an entry of the archive; how many there were, and the SHA-256 of them all."""
    digest, count = hashlib.sha256(), 0
    # Nobody knows how large it will be: 64-bit sizes from the start.
    with archive.open(entry, "w", force_zip64=True) as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            count += 1
    return count, digest.hexdigest()


def _entry(name: str, made_at: dt.datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, made_at.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _readme(shop: Shop, made_at: dt.datetime) -> str:
    """What is in the archive, in both languages."""
    said = []
    for language in Language.values:
        with translation.override(language):
            when = {"shop": shop.name, "day": day(made_at.date()), "time": clock_time(made_at)}
            said += [
                _("Everything of %(shop)s, as it was on %(day)s, %(time)s.") % when,
                "",
                _("csv: each table for a spreadsheet. The first row names the columns."),
                _("json: the same for programs, an object a line. Amounts are text: no paisa is lost."),
                _("Tables that end in “event” are the history: every version of every row."),
                _("Under “context” they say who made it, by which door, and why."),
                _("manifest.json: the number of rows of each table, and a check sum of each file."),
                _("Amounts are in ₹, weights in kg; times are in UTC. Passwords are not in it."),
                "",
            ]
    return "\n".join(said)


def file_name_of(shop: Shop, when: dt.datetime) -> str:
    """What the archive is called: malar-2026-03-06.zip, with the beginning of the shop's id."""
    return f"malar-{str(shop.pk)[:8]}-{when.astimezone(KOLKATA):%Y-%m-%d}.zip"
