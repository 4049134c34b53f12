"""The tablets of a shop, and every operation they have sent: kept for good, because a tablet may lie in a drawer."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext_lazy as _

from malar.accounts.models import Membership, Shop
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from malar.sync.domain import Outcome, Way


class Device(models.Model):
    """A tablet. It minted its own id; the server gave it the series of its slip numbers (A1-0603-018)."""

    id = models.UUIDField(primary_key=True, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(_("name"), max_length=40, blank=True)
    series = models.CharField(_("slip series"), max_length=4)
    blocked_at = models.DateTimeField(_("blocked"), null=True, blank=True)
    registered_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("registered by")
    )
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    class Meta:
        verbose_name = _("tablet")
        verbose_name_plural = _("tablets")
        ordering = ("series",)
        constraints = [
            models.UniqueConstraint(fields=["shop", "series"], name="one_tablet_a_series"),
        ]

    def __str__(self) -> str:
        return self.name or self.series

    @property
    def is_blocked(self) -> bool:
        return self.blocked_at is not None


class Stream(models.Model):
    """The operations of one person on one tablet, numbered from 1 without a gap; new with each local database.

    What the tablet last said about its queue stands here: a number that was announced and never came is lost.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="streams")
    author = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    announced_seq = models.PositiveIntegerField(default=0)
    pending = models.PositiveIntegerField(default=0)
    stalled = models.PositiveIntegerField(default=0)
    conflicts = models.PositiveIntegerField(default=0)
    oldest_at = models.DateTimeField(null=True)
    last_seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.pk)


class SyncOp(models.Model):
    """An operation a tablet has sent, with what came of it. Its effect committed together with it, or not at all."""

    id = models.UUIDField(primary_key=True, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="ops")
    seq = models.PositiveIntegerField()
    author = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    body = models.JSONField()
    result = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "seq"], name="one_operation_a_number"),
        ]
        triggers: ClassVar = [pgtrigger.Protect(name="keep_operation", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return str(self.pk)


class HandedIn(models.Model):
    """An operation (`id` is its own) that came by another hand than its author's: sealed, or in a file.

    Its effect and its answer are SyncOp's, under its author. Here stands who brought it, and what could not be taken
    into the book is kept as it came: nothing that was brought is ever dropped.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="handed_in")
    stream_id = models.UUIDField()
    seq = models.PositiveIntegerField()
    author_id = models.UUIDField()
    """The user whom the tablet names; he may be nobody's."""
    brought_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    way = models.CharField(max_length=8, choices=Way)
    outcome = models.CharField(max_length=12, choices=Outcome)
    kept = models.JSONField(null=True)
    """The box or the operation as it came, while it is not SyncOp's."""
    received_at = models.DateTimeField()

    class Meta:
        triggers: ClassVar = [pgtrigger.Protect(name="keep_handed_in", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return str(self.pk)


class SyncEpoch(models.Model):
    """Which life of the database this is. Whoever restores it from a backup deletes the row (docs/operations.md):
    the next tablet that asks is told a new epoch, by which it knows to offer again what it had sent."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    epoch = models.UUIDField(default=new_id)

    class Meta:
        constraints = [models.CheckConstraint(name="one_epoch", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return str(self.epoch)


keep_history(Device)
