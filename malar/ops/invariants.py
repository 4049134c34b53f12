"""What must always be true, of the whole house: the book's own list, and what spans the apps.

One list, used three times: by `manage.py check_books`, by the machines of tests/ledger/machine.py and
tests/settlements/machine.py after every step, and at the end of runs in which things are made to fail.
"""

from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, Model
from django.utils.translation import gettext_lazy as _

from ledger.selectors.invariants import BOOK, Invariant
from settlements.selectors.invariants import SETTLED

EVENT_BOUND = "1 hour"
"""How old an event may become before somebody reacts to it; /readyz says much earlier that they wait."""

MESSAGES = (
    Invariant(
        "events_done",
        21,
        _("Everything that happened was handed on within the hour."),
        f"""
        SELECT shop_id, id::text, concat_ws(' ', name, at) FROM trail_event
        WHERE done_at IS NULL AND at < now() - interval '{EVENT_BOUND}'
        """,  # noqa: S608
    ),
    Invariant(
        "messages_have_events",
        21,
        _("No message was sent about something that did not happen to that farmer."),
        """
        SELECT m.shop_id, m.id::text, concat_ws(' ', m.kind, m.state, e.name)
        FROM notifications_message AS m LEFT JOIN trail_event AS e ON e.id = m.event_id
        WHERE e.id IS NULL OR e.shop_id <> m.shop_id
            OR coalesce(e.payload ->> 'farmer', m.farmer_id::text) <> m.farmer_id::text
        """,
    ),
)


def tracked() -> list[type[Model]]:
    """The models whose history the database keeps, by table."""
    models = {model.pgh_tracked_model for model in apps.get_models() if hasattr(model, "pgh_tracked_model")}
    return sorted(models, key=lambda model: model._meta.db_table)


def shop_of(model: type[Model]) -> str:
    """SQL for the shop of a row `x`."""
    names = {field.name for field in model._meta.concrete_fields}
    if model._meta.label == "accounts.Shop":
        return "x.id"
    return "x.shop_id" if "shop" in names else "NULL::uuid"


def kept(model: type[Model]) -> Invariant:
    """Every row has its last version in the history as it is now, and none vanished."""
    table, versions = model._meta.db_table, model.versions.rel.related_model._meta  # type: ignore[attr-defined]
    columns = [field.column for field in versions.concrete_fields if not field.name.startswith("pgh_")]
    now = ", ".join(f'x."{column}"' for column in columns)
    then = ", ".join(f'h."{column}"' for column in columns)
    gone_shop = shop_of(model).replace("x.", "h.")
    return Invariant(
        f"history_of_{model._meta.model_name}",
        19,
        _("Every row of money has its history, as it stands, and none is gone."),
        f"""
        SELECT {shop_of(model)}, x.id::text, coalesce(h.pgh_label, '–')
        FROM {table} AS x
        LEFT JOIN (SELECT DISTINCT ON (pgh_obj_id) * FROM {versions.db_table}
                   ORDER BY pgh_obj_id, pgh_id DESC) AS h ON h.pgh_obj_id = x.id
        WHERE h.pgh_id IS NULL OR h.pgh_label = 'delete' OR ROW({now}) IS DISTINCT FROM ROW({then})
        UNION ALL
        SELECT {gone_shop}, h.pgh_obj_id::text, h.pgh_label
        FROM {versions.db_table} AS h LEFT JOIN {table} AS x ON x.id = h.pgh_obj_id
        WHERE x.id IS NULL AND h.pgh_label = 'insert' AND NOT EXISTS (
            SELECT FROM {versions.db_table} AS d
            WHERE d.pgh_obj_id = h.pgh_obj_id AND d.pgh_label = 'delete')
        """,  # noqa: S608
    )


def ties() -> list[tuple[type[Model], Any]]:
    """(model, field) of everything of a shop that points at something of a shop."""
    return [
        (model, field)
        for model in apps.get_models()
        if shop_of(model) == "x.shop_id" and not hasattr(model, "pgh_tracked_model")
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and shop_of(field.remote_field.model) == "x.shop_id"
    ]


def _of_one_shop() -> Invariant:
    return Invariant(
        "one_shop",
        22,
        _("Nothing of one shop points at something of another."),
        " UNION ALL ".join(
            f"""
            SELECT x.shop_id, x.id::text, '{model._meta.model_name}.{field.name} → ' || o.id
            FROM {model._meta.db_table} AS x JOIN {field.related_model._meta.db_table} AS o
                ON o.id = x.{field.column} AND o.shop_id <> x.shop_id
            """  # noqa: S608
            for model, field in ties()
        ),
    )


def _answers() -> Invariant:
    """What a request said it made is there. Answers that carry no id made nothing that has one."""
    tables = sorted({model._meta.db_table for model in tracked()})
    made = " UNION ALL ".join(f"SELECT id FROM {table}" for table in tables)  # noqa: S608
    return Invariant(
        "answers",
        20,
        _("What a request was told it had made is in the book."),
        f"""
        SELECT a.shop_id, a.key::text, concat_ws(' ', a.at, a.answer ->> 'id')
        FROM trail_answeredrequest AS a LEFT JOIN ({made}) AS things ON things.id = (a.answer ->> 'id')::uuid
        WHERE a.answer ->> 'id' IS NOT NULL AND things.id IS NULL
        """,  # noqa: S608
    )


@cache
def invariants() -> tuple[Invariant, ...]:
    """The list."""
    return (*BOOK, *SETTLED, *MESSAGES, *map(kept, tracked()), _answers(), _of_one_shop())
