"""Runs, settlements, who approved them and what was paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.models import Farmer
from ledger.models.kept import kept
from ledger.models.movements import CashVoucher, voucher_constraints
from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from settlements.domain import NUMBERED, OPEN, Method, RunStatus, Side, Status


def rupees(name: Any) -> models.DecimalField[Decimal, Decimal]:
    """A column of ₹."""
    return models.DecimalField(name, max_digits=14, decimal_places=2)


class SettlementRun(models.Model):
    """One pass over the farmers, made in a worker where it is long.

    `farmers` are the ids asked for, None for all; `recovery` is {farmer id: ₹} where it is not his policy;
    `left_out` is [{"farmer", "code", "name_ta", "name_en", "reason"}].
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="settlement_runs")
    number = models.PositiveIntegerField(_("number"))
    period_start = models.DateField(_("from day"))
    period_end = models.DateField(_("until day"))
    farmers = models.JSONField(null=True, blank=True)
    recovery = models.JSONField(default=dict, blank=True)
    despite_tablets = models.BooleanField(default=False)
    status = models.CharField(_("status"), max_length=8, choices=RunStatus, default=RunStatus.QUEUED)
    tries = models.PositiveSmallIntegerField(default=0)
    settled = models.PositiveIntegerField(_("settled"), default=0)
    left_out = models.JSONField(default=list, blank=True)
    fault = models.CharField(_("what went wrong"), max_length=200, blank=True)
    created_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("begun"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("settlement run")
        verbose_name_plural = _("settlement runs")
        ordering = ("-number",)
        constraints = [
            models.UniqueConstraint(fields=["shop", "number"], name="run_number_in_shop"),
            models.UniqueConstraint(fields=["shop", "id"], name="run_of_its_shop"),
            models.CheckConstraint(
                name="run_ends_after_it_begins", condition=Q(period_end__gte=F("period_start"))
            ),
        ]

    def __str__(self) -> str:
        return f"R{self.number}"


class Settlement(models.Model):
    """What one farmer gets for a period (api.md, A settlement). Its id is its claim's.

    The figures are those of the paper: positive, but `brought_forward`, `rounding` and `carried`, which are below
    zero where the farmer owes. Draws and gross are below zero only where corrections exceed them.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="settlements")
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="settlements")
    farmer = models.ForeignKey(
        Farmer, on_delete=models.PROTECT, related_name="settlements", verbose_name=_("farmer")
    )
    reference = models.CharField(_("reference"), max_length=24)
    number = models.CharField(_("number"), max_length=16, null=True, blank=True)
    status = models.CharField(_("status"), max_length=9, choices=Status, default=Status.DRAFT)
    period_start = models.DateField(_("from day"))
    period_end = models.DateField(_("until day"))
    lines = models.PositiveIntegerField(_("lines"))
    late_lines = models.PositiveIntegerField(_("late lines"))
    gross = rupees(_("sale value"))
    commission = rupees(_("commission"))
    charges = rupees(_("charges"))
    passed_on = rupees(_("of them passed on"))
    draws = rupees(_("draws"))
    hand_loans = rupees(_("hand loans"))
    recovery = rupees(_("advance recovery"))
    brought_forward = rupees(_("brought forward"))
    rounding = rupees(_("rounding"))
    net = rupees(_("net"))
    carried = rupees(_("carried forward"))
    advance_before = rupees(_("advance before"))
    advance_after = rupees(_("advance after"))
    digest = models.CharField(max_length=200, help_text="Fingerprint of the rows it took.")
    content_hash = models.CharField(max_length=64)
    version = models.PositiveIntegerField(default=1)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    year = models.PositiveSmallIntegerField(_("financial year"), null=True, blank=True)
    running = models.PositiveIntegerField(_("running number"), null=True, blank=True)
    chain = models.CharField(max_length=64, blank=True)
    posted_on = models.DateField(_("approved"), null=True, blank=True)
    reversal = models.UUIDField(null=True, blank=True, help_text="The journal that took it back.")
    created_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("settlement")
        verbose_name_plural = _("settlements")
        ordering = ("-created_at",)
        constraints = [
            models.UniqueConstraint(fields=["shop", "reference"], name="settlement_reference_in_shop"),
            models.UniqueConstraint(fields=["shop", "id"], name="settlement_of_its_shop"),
            models.UniqueConstraint(fields=["shop", "number"], name="settlement_number_in_shop"),
            models.UniqueConstraint(fields=["shop", "year", "running"], name="settlement_running_in_year"),
            models.UniqueConstraint(
                fields=["farmer"], condition=Q(status__in=OPEN), name="one_open_settlement_of_a_farmer"
            ),
            models.CheckConstraint(
                name="settlement_adds_up",
                condition=Q(
                    net=F("gross")
                    - F("commission")
                    - F("charges")
                    - F("draws")
                    - F("hand_loans")
                    - F("recovery")
                    + F("brought_forward")
                    + F("rounding")
                    - F("carried")
                ),
            ),
            models.CheckConstraint(
                name="settlement_pays_no_less_than_nothing",
                condition=Q(net__gte=0, hand_loans__gte=0, recovery__gte=0, carried__lte=0),
            ),
            models.CheckConstraint(
                name="settlement_carries_or_pays", condition=Q(carried=0) | Q(net=0, rounding=0)
            ),
            models.CheckConstraint(
                name="settlement_recovers_what_is_owed",
                condition=Q(advance_after=F("advance_before") - F("recovery"), advance_after__gte=0),
            ),
            models.CheckConstraint(
                name="settlement_has_its_number_when_approved",
                condition=Q(
                    status__in=NUMBERED,
                    number__isnull=False,
                    year__isnull=False,
                    running__isnull=False,
                    posted_on__isnull=False,
                )
                | (~Q(status__in=NUMBERED) & Q(number=None, year=None, running=None, posted_on=None)),
            ),
            models.CheckConstraint(
                name="settlement_reversal_when_taken_back",
                condition=Q(status=Status.REVERSED, reversal__isnull=False)
                | (~Q(status=Status.REVERSED) & Q(reversal=None)),
            ),
        ]
        indexes = [
            models.Index(fields=["shop", "status", "created_at"], name="settlements_by_status"),
            models.Index(fields=["farmer", "created_at"], name="settlements_of_farmer"),
        ]
        triggers: ClassVar = kept(
            "settlement",
            first="""
                IF TG_OP = 'UPDATE' THEN
                    IF OLD.status <> NEW.status AND (OLD.status, NEW.status) NOT IN
                        (('draft', 'pending'), ('draft', 'cancelled'), ('pending', 'cancelled'),
                         ('pending', 'draft'), ('pending', 'disputed'), ('disputed', 'pending'),
                         ('disputed', 'cancelled'), ('disputed', 'draft'), ('pending', 'approved'),
                         ('approved', 'paid'), ('paid', 'approved'), ('approved', 'reversed'), ('paid', 'reversed'))
                    THEN RAISE EXCEPTION 'settlement %: % after %', OLD.id, NEW.status, OLD.status
                         USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    IF OLD.status NOT IN ('draft', 'pending', 'disputed') AND
                        (NEW.recovery, NEW.rounding, NEW.net, NEW.advance_after, NEW.content_hash) IS DISTINCT FROM
                        (OLD.recovery, OLD.rounding, OLD.net, OLD.advance_after, OLD.content_hash)
                        OR OLD.number IS NOT NULL AND (NEW.number, NEW.year, NEW.running, NEW.chain, NEW.posted_on)
                            IS DISTINCT FROM (OLD.number, OLD.year, OLD.running, OLD.chain, OLD.posted_on)
                    THEN RAISE EXCEPTION 'settlement %: its figures are fixed', OLD.id
                         USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    IF NEW.version <> OLD.version + 1 THEN
                        RAISE EXCEPTION 'settlement %: version % after %', OLD.id, NEW.version, OLD.version
                        USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                END IF;
            """,
            changing=(
                *(
                    "status",
                    "version",
                    "reason",
                    "recovery",
                    "rounding",
                    "net",
                    "advance_after",
                    "content_hash",
                ),
                *("number", "year", "running", "chain", "posted_on", "reversal"),
            ),
            while_standing="OLD.status NOT IN ('cancelled', 'reversed')",
        )

    def __str__(self) -> str:
        return self.number or self.reference

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class Approval(models.Model):
    """That a side agreed to a settlement as it stood then, by its `content_hash`. Never changed: after a change of
    the content it counts no more. `by` is who did it or, for a farmer's paper, who wrote it down."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="approvals")
    content_hash = models.CharField(max_length=64)
    side = models.CharField(_("side"), max_length=6, choices=Side)
    method = models.CharField(_("how"), max_length=8, choices=Method)
    by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("when"), auto_now_add=True)

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        ordering = ("at",)
        constraints = [
            models.UniqueConstraint(
                fields=["settlement", "content_hash", "side"], name="a_side_approves_a_content_once"
            ),
        ]
        triggers: ClassVar = kept("approval", first="NULL;")

    def __str__(self) -> str:
        return f"{self.side} {self.method}"


class SettlementCounter(models.Model):
    """The last number of a financial year, by the year it begins in, and the head of the shop's chain then."""

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "year"], name="one_settlement_counter_a_year")]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Payment(CashVoucher):
    """What was paid of an approved settlement, in ₹. One that bounced is reversed by another."""

    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="payments")

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ("created_at",)
        constraints = [
            *voucher_constraints("payment"),
            models.CheckConstraint(
                name="payment_is_money", condition=Q(amount__gt=0) & ~Q(mode="none") & ~Q(voucher="")
            ),
        ]
        indexes = [models.Index(fields=["shop", "business_date"], name="payments_of_day")]
        triggers: ClassVar = kept("payment")


class ApprovalLink(models.Model):
    """A farmer's way to his settlement without signing in. Only the SHA-256 of its token is kept; it answers for
    one content, once, until it expires."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    settlement = models.ForeignKey(Settlement, on_delete=models.PROTECT, related_name="links")
    content_hash = models.CharField(max_length=64)
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(_("valid until"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    created_by = models.ForeignKey(Membership, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("link")
        verbose_name_plural = _("links")

    def __str__(self) -> str:
        return str(self.pk)


class TamilMonth(models.Model):
    """When a Tamil month begins, as the shop's own calendar says: nothing here is reckoned (domain.md §4.4)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="tamil_months")
    name_ta = models.CharField(_("name in Tamil"), max_length=20)
    name_en = models.CharField(_("name in English"), max_length=20, blank=True)
    starts_on = models.DateField(_("begins"))

    class Meta:
        verbose_name = _("Tamil month")
        verbose_name_plural = _("Tamil months")
        ordering = ("starts_on",)
        constraints = [models.UniqueConstraint(fields=["shop", "starts_on"], name="one_month_begins_a_day")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """In the language of whoever reads."""
        return in_language(self.name_ta, self.name_en)


for model in (SettlementRun, Settlement, Approval, Payment, TamilMonth):
    keep_history(model)
