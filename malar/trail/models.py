"""The outbox, and the requests that were answered."""

from typing import ClassVar

import pgtrigger
from django.db import models

from malar.accounts.models import Shop
from malar.kernel.ids import new_id

CHANNEL = "malar_events"
"""PostgreSQL's NOTIFY channel; the dispatcher listens there."""


class EventQuerySet(models.QuerySet["Event"]):
    def undone(self) -> "EventQuerySet":
        return self.filter(done_at=None)


class Event(models.Model):
    """Something that happened, written in the transaction that made it happen.

    The dispatcher hands its id to Celery and stamps `handed_at`; the task that reacts stamps
    `done_at` in the transaction of its effect. Whatever was handed over and not done within half
    a minute is handed over again, so a flushed broker or a killed worker loses nothing.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="events")
    name = models.CharField(max_length=40)
    payload = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)
    handed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="event_undone", condition=models.Q(done_at=None)),
        ]
        triggers: ClassVar = [
            # NOTIFY inside the writing transaction is delivered at its commit, never before.
            pgtrigger.Trigger(
                name="wake_dispatcher",
                level=pgtrigger.Statement,
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                func=f"PERFORM pg_notify('{CHANNEL}', ''); RETURN NULL;",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.id}"


class AnsweredRequest(models.Model):
    """A request that made something, with the answer it got (api.md, conventions; draft IETF Idempotency-Key).

    Key, body, effect and answer commit together. Kept for good: a tablet may repeat a request
    weeks later.
    """

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    key = models.UUIDField()
    body_hash = models.CharField(max_length=64)
    made = models.UUIDField(help_text="Id of what was made; never used twice.")
    answer = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shop", "key"], name="one_answer_per_key"),
            models.UniqueConstraint(fields=["made"], name="one_making_per_id"),
        ]

    def __str__(self) -> str:
        return str(self.key)


class Pulse(models.Model):
    """When a process that answers no request was last alive. In the database: Redis may be what is away."""

    process = models.CharField(max_length=20, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.process


class BooksCheck(models.Model):
    """One run of `check_books`: whether every invariant of the book held, and if not, which rows break it."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True)
    milliseconds = models.PositiveIntegerField()
    checked = models.PositiveSmallIntegerField(help_text="How many invariants were looked at.")
    findings = models.JSONField(default=list, help_text='[{"invariant", "says", "rows": [...]}]')

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}: {len(self.findings)}"

    @property
    def is_sound(self) -> bool:
        return not self.findings
