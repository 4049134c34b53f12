"""History by the database: every insert, update and delete of a business row, also in bulk and in raw SQL."""

from __future__ import annotations

from typing import Any

import pghistory
from django.db import models


def keep_history(
    model: type[models.Model],
    *,
    computed: dict[str, models.Field[Any, Any]] | None = None,
    never: tuple[str, ...] = (),
) -> type[models.Model]:
    """Keep each version of the model's rows, with who made it, by which door and why.

    Statement-level triggers, insert, update and delete asked for by name (architecture §5.14).
    `computed` names generated columns: the history keeps their value, it does not compute them.
    `never` names columns that are not kept.
    """
    computed = computed or {}
    tracked: type[models.Model] = pghistory.track(
        pghistory.InsertEvent(),
        pghistory.UpdateEvent(),
        pghistory.DeleteEvent(),
        exclude=[*computed, *never] or None,
        # Years of mornings outgrow the library's 32-bit key.
        attrs={"pgh_id": models.BigAutoField(primary_key=True), **computed},
        append_only=True,
        level=pghistory.Statement,
        obj_field=pghistory.ObjForeignKey(
            related_name="versions", related_query_name="versions", db_index=True
        ),
    )(model)
    return tracked
