"""The same request twice makes one thing and gives one answer."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from malar.accounts.models import Membership, Shop
from malar.kernel.copying import copy_into
from malar.kernel.errors import Conflict, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.transactions import in_unit, step
from malar.trail.domain import fingerprint
from malar.trail.models import AnsweredRequest

# In SQL, not with the ORM, because every sale pays for it; the model is AnsweredRequest.
KEEP = """
    INSERT INTO trail_answeredrequest (shop_id, key, body_hash, made, answer, at)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


@dataclass(frozen=True)
class Answer:
    """What a request made, as JSON. `replayed`: it had been answered before and nothing was done now."""

    made: UUID
    body: dict[str, Any]
    replayed: bool


def once(
    *,
    by: Membership,
    key: UUID,
    body: Mapping[str, Any],
    made: UUID,
    effect: Callable[[], dict[str, Any]],
    reason: str = "",
) -> Answer:
    """Run `effect` in a unit of work of its own and keep its answer under `key`, or give the earlier answer.

    `body` is the request's meaning (compared by hash), `made` the id of what `effect` makes.
    Raises RuleBroken `idempotency_key_reused` for a key that came with another body, Conflict
    `id_exists` for an id used before. A refused effect keeps nothing: its key is free again.
    """
    body_hash = fingerprint(body)

    def act() -> Answer:
        answer = effect()
        keep(by=by, key=key, body_hash=body_hash, made=made, answer=answer)
        return Answer(made=made, body=answer, replayed=False)

    # Nearly every request is a new one, so nothing is looked up first. One that was answered before
    # stumbles over its own key or id, or over a rule that has changed since; only then is it sought.
    try:
        return in_unit(act, by=by, reason=reason)
    except (IntegrityError, RuleBroken) as error:
        if earlier := answered(by=by, key=key, body_hash=body_hash):
            return earlier
        if isinstance(error, IntegrityError) and AnsweredRequest.objects.filter(made=made).exists():
            raise Conflict(
                _("Something with this id was made before."), code="id_exists", pointer="/id"
            ) from error
        raise


@step
def use_ids(made: Sequence[UUID], *, shop: Shop, within: UUID) -> None:
    """Note ids of rows that one request made beside its own `within`, so that none of them is used again."""
    answer, now = json.dumps({"within": str(within)}), timezone.now()
    copy_into(
        "trail_answeredrequest",
        ("shop_id", "key", "body_hash", "made", "answer", "at"),
        ((shop.pk, new_id(), "", each, answer, now) for each in made),
    )


@step
def keep(*, by: Membership, key: UUID, body_hash: str, made: UUID, answer: dict[str, Any]) -> None:
    """Keep an answer in the present transaction. IntegrityError where its key or `made` was used before."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [by.shop_id, key, body_hash, made, json.dumps(answer), timezone.now()])


def answered(*, by: Membership, key: UUID, body_hash: str) -> Answer | None:
    """The answer that a request had before; None: it had none. Raises RuleBroken `idempotency_key_reused`."""
    earlier = AnsweredRequest.objects.filter(shop_id=by.shop_id, key=key).first()
    if earlier is None:
        return None
    if earlier.body_hash != body_hash:
        raise RuleBroken(
            _("This idempotency key was used for another request."), code="idempotency_key_reused"
        )
    return Answer(made=earlier.made, body=earlier.answer, replayed=True)
