"""Who changed what: every version of every row that the database keeps, over all tables, the newest first."""

import base64
import binascii
import datetime as dt
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql

from ledger.selectors.tables import Table, tables
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from malar.kernel.wire import moment

KEPT_BY_HISTORY = ("pgh_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "pgh_context_id")


@dataclass(frozen=True)
class Question:
    """What is asked for: one table (by its name), one row, one person (membership or user), from one moment up to
    another, which is not included."""

    table: str | None = None
    row: UUID | None = None
    actor: UUID | None = None
    start: dt.datetime | None = None
    end: dt.datetime | None = None


@dataclass(frozen=True)
class Place:
    """A place between two pages: for each table up to which version its rows come on later pages, itself
    included. Versions are numbered as they are written, so nothing is shown twice or left out, whatever is
    written while somebody turns pages; that two tables agree on the time is only needed for the order."""

    last: Mapping[str, int] = field(default_factory=dict)
    is_back: bool = False

    def __str__(self) -> str:
        text = json.dumps([int(self.is_back), self.last], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Place":
        """The place of a cursor. Raises RuleBroken `invalid_cursor`."""
        try:
            back, last = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            return cls({str(name): int(number) for name, number in last.items()}, bool(back))
        except (ValueError, TypeError, AttributeError, binascii.Error) as error:
            raise RuleBroken(
                _("This cursor is not one of ours. Begin without it."),
                code="invalid_cursor",
                pointer="/cursor",
            ) from error


@dataclass(frozen=True)
class Audited:
    """A page of versions, and the places before and after it where there are more."""

    events: list[dict[str, Any]]
    previous: Place | None
    next: Place | None


def audited_tables() -> list[str]:
    """The tables whose changes are kept."""
    return sorted(table.history_of for table in tables() if table.history_of)


def audit_page(member: Membership, asked: Question, place: Place | None, size: int) -> Audited:
    """`size` versions from a place on, or from the newest. Three queries. Raises NotAllowed unless the member
    is the owner."""
    if member.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may see who changed what."))
    kept = {
        table.name: table
        for table in tables()
        if table.history_of and (asked.table is None or table.history_of == asked.table)
    }
    back = place is not None and place.is_back
    keys = _keys(member, list(kept.values()), asked, place, size + 1)
    chosen, more = _merged(keys, size, back=back)
    # What was not come to yet begins at its newest version; what is written later is on no later page.
    start = {
        name: place.last.get(name, 0) if place else max((key[2] for key in keys if key[1] == name), default=0)
        for name in kept
    }
    first, last = dict(start), dict(start)
    for _at, name, number in chosen:
        if back:
            first[name] = max(first[name], number)
        else:
            last[name] = min(last[name], number - 1)
    events = _events(member, kept, chosen[::-1] if back else chosen)
    newer, older = Place(first, is_back=True), Place(last)
    if back:
        return Audited(events, previous=newer if more else None, next=older)
    return Audited(events, previous=newer if place else None, next=older if more else None)


Key = tuple[dt.datetime, str, int]


def _keys(
    member: Membership, kept: Sequence[Table], asked: Question, place: Place | None, most: int
) -> list[Key]:
    """The nearest versions of each table at a place: when, in which table, and their numbers."""
    if not kept:
        return []
    back = place is not None and place.is_back
    parts = []
    for table in kept:
        conditions = [table.of_shop(member.shop)]
        if place is not None:
            limit = sql.Literal(place.last.get(table.name, 0))
            conditions.append(sql.SQL("pgh_id > {}" if back else "pgh_id <= {}").format(limit))
        if asked.row is not None:
            conditions.append(sql.SQL("pgh_obj_id = {}").format(sql.Literal(asked.row)))
        if asked.start is not None:
            conditions.append(sql.SQL("pgh_created_at >= {}").format(sql.Literal(asked.start)))
        if asked.end is not None:
            conditions.append(sql.SQL("pgh_created_at < {}").format(sql.Literal(asked.end)))
        if asked.actor is not None:
            conditions.append(
                sql.SQL(
                    "EXISTS (SELECT FROM pghistory_context AS said WHERE said.id = pgh_context_id"
                    " AND {actor} IN (said.metadata ->> 'member', said.metadata ->> 'user'))"
                ).format(actor=sql.Literal(str(asked.actor)))
            )
        parts.append(
            sql.SQL(
                "(SELECT pgh_created_at, {name}, pgh_id FROM {table} WHERE {conditions}"
                " ORDER BY pgh_id {way} LIMIT {most})"
            ).format(
                name=sql.Literal(table.name),
                table=sql.Identifier(table.name),
                conditions=sql.SQL(" AND ").join(conditions),
                way=sql.SQL("ASC" if back else "DESC"),
                most=sql.Literal(most),
            )
        )
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        return list(cursor.fetchall())


def _merged(keys: Sequence[Key], size: int, *, back: bool) -> tuple[list[Key], bool]:
    """The first `size` of all tables, each table's in the order of their numbers, and whether there are more."""
    heads: dict[str, list[Key]] = defaultdict(list)
    for key in sorted(keys, key=lambda key: key[2], reverse=not back):
        heads[key[1]].append(key)
    chosen: list[Key] = []
    nearest = min if back else max
    while heads and len(chosen) < size:
        name = nearest(heads, key=lambda name: (heads[name][0][0], name))
        chosen.append(heads[name].pop(0))
        if not heads[name]:
            del heads[name]
    return chosen, bool(heads)


def _events(member: Membership, kept: Mapping[str, Table], chosen: Sequence[Key]) -> list[dict[str, Any]]:
    """The chosen versions as they are told, each with what it changed."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for _at, name, number in chosen:
        numbers[name].append(number)
    if not numbers:
        return []
    parts = []
    for name, found in numbers.items():
        table = kept[name]
        figures = [column for column in table.columns if column not in KEPT_BY_HISTORY]
        row = sql.SQL("(SELECT to_jsonb(each) FROM (SELECT {}) AS each)")
        now = row.format(sql.SQL(", ").join(table.column(column, as_json=True) for column in figures))
        then = sql.SQL(
            "(SELECT to_jsonb(each) FROM (SELECT {columns} FROM {table} WHERE {table}.pgh_obj_id = now.pgh_obj_id"
            " AND {table}.pgh_id < now.pgh_id ORDER BY {table}.pgh_id DESC LIMIT 1) AS each)"
        ).format(
            columns=sql.SQL(", ").join(table.column(column, as_json=True) for column in figures),
            table=sql.Identifier(name),
        )
        parts.append(
            sql.SQL(
                "SELECT {name}, now.pgh_id, now.pgh_obj_id::text, now.pgh_label, now.pgh_created_at,"
                " context.metadata, {now}, {then}"
                " FROM {table} AS now JOIN {table} ON {table}.pgh_id = now.pgh_id"
                " LEFT JOIN pghistory_context AS context ON context.id = now.pgh_context_id"
                " WHERE now.pgh_id = ANY({found})"
            ).format(
                name=sql.Literal(name),
                now=now,
                then=then,
                table=sql.Identifier(name),
                found=sql.Literal(found),
            )
        )
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(" UNION ALL ").join(parts))
        told = {(row[0], row[1]): row for row in cursor.fetchall()}
    rows = [told[name, number] for _at, name, number in chosen]
    contexts = [_json(row[5]) or {} for row in rows]
    names = _names(member, {context.get("member") for context in contexts} - {None})
    return [_event(kept[row[0]], row, context, names) for row, context in zip(rows, contexts, strict=True)]


def _event(
    table: Table, row: Sequence[Any], context: Mapping[str, Any], names: Mapping[str, str]
) -> dict[str, Any]:
    _name, number, of, action, at, _context, now, then = row
    before, after = _json(then) if action == "update" else None, _json(now)
    if action == "delete":
        before, after = after, None
    if before is not None and after is not None:
        changed = [column for column in after if before.get(column) != after[column]]
        before, after = ({column: side.get(column) for column in changed} for side in (before, after))
    return {
        "id": f"{table.history_of}:{number}",
        "table": table.history_of,
        "row": of,
        "action": action,
        "at": moment(at),
        "actor": context.get("member"),
        "actor_name": names.get(str(context.get("member")), ""),
        "door": context.get("door") or "",
        "request": context.get("request"),
        "reason": context.get("reason") or "",
        "before": before,
        "after": after,
    }


def _json(value: Any) -> Any:
    """Django leaves JSON of raw queries as text."""
    return json.loads(value) if isinstance(value, str) else value


def _names(member: Membership, members: set[Any]) -> dict[str, str]:
    found = Membership.objects.filter(shop=member.shop, pk__in=members).values_list("pk", "user__name")
    return {str(pk): name for pk, name in found}
