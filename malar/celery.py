"""The Celery application. Workers and beat find it as `malar.celery`; tasks stay in their apps."""

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as RedisLost

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "malar.settings.dev")


class QoS(kombu_redis.QoS):
    """Kombu's list of tasks under way, which drops a task also when Redis does not hear that it is done.

    Else it holds a place for good (kombu 5.7.0), and when all places are held the worker lives on and
    takes no task any more: two tasks that end while Redis hangs are enough. Redis gives such a task out
    again after the visibility timeout; each of ours may run twice.
    """

    def ack(self, delivery_tag: str) -> None:
        try:
            super().ack(delivery_tag)
        finally:
            self._quick_ack(delivery_tag)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        try:
            super().reject(delivery_tag, requeue)
        finally:
            self._quick_ack(delivery_tag)


class Channel(kombu_redis.Channel):
    """Kombu's channel to Redis, which says that it is closed with an error that Celery expects.

    A worker that loses Redis closes its channel and only then hears how the tasks under way ended, or
    closes it twice; kombu 5.7.0 raises AttributeError there, and the worker dies of it.
    """

    QoS = QoS

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.connection is None or self.connection.client is None:
            raise RedisLost("This channel is closed.")
        return super()._connparams(asynchronous=asynchronous)


class Transport(kombu_redis.Transport):
    """Kombu's Redis with our channel."""

    Channel = Channel


TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "malar.celery:Transport"))

app = Celery("malar")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@task_prerun.connect
def look_at_connections(task: Any, **_: Any) -> None:
    """Keep the database connection from task to task, unless it is broken or too old.

    Opening one costs more than most tasks do. A task that runs where it is called leaves it alone.
    """
    if not task.request.is_eager:
        close_old_connections()
