"""Money that changes hands outside a settlement, and the papers that say so."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ledger.domain import Mode, MovementKind, MovementStatus
from ledger.models.farmers import Farmer
from ledger.models.kept import kept
from malar.accounts.models import Membership, Shop
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id


class CashVoucher(models.Model):
    """A paper about money, in ₹, dated by the business day. Never changed: the wrong one is reversed by
    another of its kind that names it in `reverses` and counts the other way."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="%(class)ss")
    amount = models.DecimalField(_("amount, ₹"), max_digits=14, decimal_places=2)
    business_date = models.DateField(_("date"))
    mode = models.CharField(_("how it was paid"), max_length=6, choices=Mode)
    reference = models.CharField(_("cheque or payment number"), max_length=40, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    voucher = models.CharField(_("voucher number"), max_length=16, blank=True)
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversal"
    )
    created_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("entered by")
    )
    created_at = models.DateTimeField(_("entered"), auto_now_add=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.voucher or str(self.pk)


def voucher_constraints(name: str) -> list[models.BaseConstraint]:
    """Of every kind of voucher: its number is unique in the shop where it has one; it does not reverse itself."""
    return [
        models.UniqueConstraint(
            fields=["shop", "voucher"], condition=~Q(voucher=""), name=f"{name}_voucher_in_shop"
        ),
        models.CheckConstraint(
            name=f"{name}_does_not_reverse_itself", condition=Q(reverses=None) | ~Q(reverses=models.F("id"))
        ),
    ]


class Movement(CashVoucher):
    """An advance, hand loan or draw, what is paid back of them, or an opening figure (`MovementKind`).

    A posted one has exactly one `Transfer`. `amount` is above zero, but for an opening balance, where below
    zero says that the farmer owes the shop.
    """

    farmer = models.ForeignKey(
        Farmer, on_delete=models.PROTECT, related_name="movements", verbose_name=_("farmer")
    )
    kind = models.CharField(_("kind"), max_length=20, choices=MovementKind)
    status = models.CharField(
        _("status"), max_length=8, choices=MovementStatus, default=MovementStatus.POSTED
    )
    decided_by = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("decided by"),
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decision_note = models.CharField(_("reason of the decision"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("movement")
        verbose_name_plural = _("movements")
        ordering = ("-business_date", "-created_at")
        constraints = [
            *voucher_constraints("movement"),
            models.CheckConstraint(
                name="movement_amount_has_its_sign",
                condition=Q(amount__gt=0) | (Q(kind="opening_balance") & Q(amount__lt=0)),
            ),
            models.CheckConstraint(
                name="movement_opening_moves_no_money",
                condition=Q(kind__in=["opening_balance", "opening_advance"], mode="none")
                | (~Q(kind__in=["opening_balance", "opening_advance"]) & ~Q(mode="none")),
            ),
            models.CheckConstraint(
                name="movement_posted_has_its_number",
                condition=Q(status="posted") & ~Q(voucher="") | ~Q(status="posted") & Q(voucher=""),
            ),
        ]
        indexes = [
            models.Index(fields=["farmer", "business_date"], name="movements_of_farmer"),
            models.Index(fields=["shop", "business_date"], name="movements_of_day"),
        ]
        triggers: ClassVar = kept(
            "movement",
            changing=(
                *("status", "voucher", "business_date"),
                *("decided_by_id", "decided_at", "decision_note"),
            ),
            while_standing="OLD.status = 'waiting'",
            of_a_farmer=True,
        )

    @property
    def size(self) -> Decimal:
        """The amount without its sign."""
        return abs(self.amount)


class VoucherCounter(models.Model):
    """The last voucher number of a financial year (April to March), by the year it begins in."""

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["shop", "year"], name="one_voucher_counter_a_year")]

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


keep_history(Movement)
