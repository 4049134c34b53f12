"""Work outside requests. Only dispatcher, tasks and commands may talk to the broker."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError

from malar.celery import app

BrokerAway = OperationalError
"""What `start` and `nothing_waits` raise while the broker does not answer."""


def defer(task: str, **arguments: Any) -> None:
    """Start a task by its registered name once the present transaction has committed.

    Never called in a request: a hung broker would hold the clerk. A request writes an event
    (malar.trail) and the dispatcher does the rest.
    """
    transaction.on_commit(partial(start, task, **arguments))


def start(task: str, **arguments: Any) -> None:
    """Hand a task to the broker now. Raises BrokerAway after some seconds while it does not answer."""
    # signature().apply_async() and not send_task(): the latter ignores eager mode in tests.
    app.signature(task, kwargs=arguments).apply_async()


def nothing_waits() -> bool:
    """Whether the broker's queue is empty: what was handed over long ago and is not done is lost then.

    While something waits, the workers are away or behind, and handing over again would only pile up
    more of the same. Raises BrokerAway.
    """
    if app.conf.task_always_eager:
        return True
    with app.connection_for_write() as link:
        try:
            # Not `passive`: kombu then looks for the key without our prefix and never finds it.
            queue = link.default_channel.queue_declare(app.conf.task_default_queue)
        except link.recoverable_connection_errors as error:
            raise BrokerAway(str(error)) from error
    return bool(queue.message_count == 0)


def registered_tasks() -> dict[str, Callable[..., Any]]:
    """Every task by name, for the test that no deferred name is misspelt."""
    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
