"""Units of work: the outermost transaction of everything that writes.

A *use case* is decorated with `unit_of_work`; it opens a durable transaction, so two of them can
never nest by accident. A *step* is called inside one and is decorated with `step`. Who does it,
by which door and in which request is told to the database once per unit; the history triggers
write it beside every row they keep (docs/architecture.md).
"""

import functools
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, Protocol, TypeVar, cast
from uuid import UUID

import structlog
from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext, gettext_lazy

from malar.kernel.errors import Conflict
from malar.kernel.ids import new_id

P = ParamSpec("P")
T = TypeVar("T")

door: ContextVar[str] = ContextVar("door", default="command")
"""Which door this work came through; DOORS has their words."""
DOORS = {
    "page": gettext_lazy("page"),
    "api": gettext_lazy("another program"),
    "sync": gettext_lazy("tablet"),
    "task": gettext_lazy("by itself"),
    "command": gettext_lazy("command"),
    "admin": gettext_lazy("office"),
    "demo": gettext_lazy("demo"),
}


class Actor(Protocol):
    """Who does something: a membership of a shop."""

    pk: UUID
    user_id: UUID


@contextmanager
def through(name: str) -> Iterator[None]:
    """Name the door for everything inside."""
    token = door.set(name)
    try:
        yield
    finally:
        door.reset(token)


RETRIED = frozenset({"40001", "40P01", "55P03"})
"""Serialization failure, deadlock, lock timeout: nothing was changed, trying again may succeed."""
TRIES = 3


def in_unit(act: Callable[[], T], *, by: Actor | None, reason: str = "") -> T:
    """Run `act` in one durable transaction, again from the start where a lock was lost.

    Raises Conflict `busy` when the third try fails too.
    """
    for left in reversed(range(TRIES)):
        try:
            with transaction.atomic(durable=True):
                tell_database(by, reason)
                return act()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in RETRIED:
                raise
            if left == 0:
                raise Conflict(
                    gettext("Somebody else is changing the same thing. Please try again."), code="busy"
                ) from error
            time.sleep(random.uniform(0.01, 0.05))  # noqa: S311  # spreads the next tries, hides nothing
    raise AssertionError("unreachable")


def tell_database(by: Actor | None, reason: str = "") -> None:
    """Set who, by which door, in which request and why, for the rest of this transaction."""
    context = {
        "user": str(by.user_id) if by else None,
        "member": str(by.pk) if by else None,
        "door": door.get(),
        "request": structlog.contextvars.get_contextvars().get("request_id"),
    }
    if reason:
        context["reason"] = reason
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('pghistory.context_id', %s, true),"
            " set_config('pghistory.context_metadata', %s, true)",
            [str(new_id()), json.dumps(context)],
        )


def unit_of_work(use_case: Callable[P, T]) -> Callable[P, T]:
    """Run a use case in its own durable transaction. It may take `by` and `reason` by keyword."""

    @functools.wraps(use_case)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        by = cast("Actor | None", kwargs.get("by"))
        return in_unit(lambda: use_case(*args, **kwargs), by=by, reason=str(kwargs.get("reason") or ""))

    return wrapped


def step(function: Callable[P, T]) -> Callable[P, T]:
    """Refuse to run outside a transaction: a step is part of somebody's unit of work."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        if not connection.in_atomic_block:
            raise transaction.TransactionManagementError(f"{function.__name__} outside a unit of work")
        return function(*args, **kwargs)

    return wrapped
