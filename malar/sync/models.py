"""The tablets of a shop, and every operation they have sent: kept for good, because a tablet may lie in a drawer."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.models.kept import kept
from malar.accounts.models import Membership, Shop
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from malar.sync.domain import Outcome, Way
from malar.sync.merge import Choice, ConflictKind, Rule


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
        return self.label

    @property
    def label(self) -> str:
        """Its name, or what tells it from the others where it has none."""
        return self.name or gettext("Tablet %(series)s") % {"series": self.series}

    @property
    def is_blocked(self) -> bool:
        return self.blocked_at is not None


class Stream(models.Model):
    """The operations of one person on one tablet, numbered from 1 without a gap; new with each local database.

    What the tablet last said about its queue stands here: a number that was announced and never came is lost. `pending`
    is all that it has to send, `stalled` those of it that it tried in vain.
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
    left_at = models.DateTimeField(null=True)
    """Since when its author has another queue on this tablet: what had not come by then is no longer waited for."""

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


class StrayOp(models.Model):
    """What came and could not be taken: not to be read, or under an id or a number that another operation has.

    Kept as it came, because it may be the only copy, and so that its number does not look lost. The same again
    leaves no second row.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="strays")
    author = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    seq = models.PositiveIntegerField(null=True)
    code = models.CharField(max_length=20)
    sha256 = models.CharField(max_length=64)
    body = models.TextField()
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["stream", "sha256"], name="one_stray_a_body"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="keep_stray", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

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


class Conflict(models.Model):
    """A correction, or a cancellation, that no rule could put over what others did meanwhile: a person decides.

    `base`, `mine` and `theirs` are `Facts` as JSON: what the tablet saw (null where nobody knows), what it wanted,
    what stood when it came. Decided once; the database lets nobody decide again.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="conflicts")
    op = models.OneToOneField(SyncOp, on_delete=models.PROTECT, related_name="made_conflict")
    entity_id = models.UUIDField()
    kind = models.CharField(max_length=12, choices=ConflictKind)
    base = models.JSONField(null=True)
    mine = models.JSONField()
    theirs = models.JSONField()
    version = models.PositiveIntegerField()
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", null=True)
    choice = models.CharField(max_length=6, choices=Choice, blank=True)
    reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["shop", "opened_at"], name="conflict_open", condition=models.Q(resolved_at=None)
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="conflict_decided_wholly",
                condition=models.Q(resolved_at=None, resolved_by=None, choice="")
                | models.Q(resolved_at__isnull=False, resolved_by__isnull=False) & ~models.Q(choice=""),
            ),
        ]
        triggers: ClassVar = kept(
            "conflict",
            first="NULL;",  # of no day
            changing=("resolved_at", "resolved_by_id", "choice", "reason"),
            while_standing="OLD.resolved_at IS NULL",
        )

    def __str__(self) -> str:
        return str(self.pk)


class ConflictAudit(models.Model):
    """What became of an operation that was not simply the next version: kept as it was written, for good.

    One for each that was merged or that a person must decide, and one for each decision. `base`, `client`,
    `server` and `result` are `Facts` as JSON; `rules` says by field which rule decided (`Rule`), or under
    `choice` what the person chose.
    """

    class Decided(models.TextChoices):
        AUTO = "auto", _("by itself")
        USER = "user", _("by a person")

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="conflict_audits")
    op = models.ForeignKey(SyncOp, on_delete=models.PROTECT, related_name="audits")
    conflict = models.ForeignKey(Conflict, on_delete=models.PROTECT, related_name="audits", null=True)
    entity_id = models.UUIDField()
    base = models.JSONField(null=True)
    client = models.JSONField()
    server = models.JSONField()
    result = models.JSONField()
    rules = models.JSONField()
    decided = models.CharField(max_length=4, choices=Decided)
    by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+", null=True)
    reason = models.CharField(max_length=200, blank=True)
    captured_at = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["shop", "-at"], name="conflict_audit_newest")]
        triggers: ClassVar = kept("conflict_audit", first="NULL;")

    def __str__(self) -> str:
        return f"{self.entity_id} {self.at:%Y-%m-%d %H:%M}"

    @property
    def rule_words(self) -> list[str]:
        """Which rules decided, each once, in the reader's language."""
        return [str(rule.label) for rule in Rule if rule in self.rules.values()]


keep_history(Device)
