"""Buyers: what they took on credit and what they have paid."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.domain import SaleStatus
from ledger.models.entries import DailyEntry, Rounded
from ledger.models.kept import kept
from ledger.models.movements import CashVoucher, voucher_constraints
from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from malar.kernel.quantities import Unit
from pricing.models import Flower


class Buyer(models.Model):
    """Who buys on credit. His names are kept as he is called in either script."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="buyers")
    number = models.PositiveSmallIntegerField(
        _("number"), validators=[MinValueValidator(1), MaxValueValidator(9999)]
    )
    name_ta = models.CharField(_("name in Tamil"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80, blank=True)
    place_ta = models.CharField(_("place in Tamil"), max_length=60, blank=True)
    place_en = models.CharField(_("place in English"), max_length=60, blank=True)
    phone = models.CharField(_("mobile number"), max_length=16, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("buyer")
        verbose_name_plural = _("buyers")
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "number"],
                name="buyer_number_in_shop",
                violation_error_code="number_taken",
                violation_error_message=_("Another buyer has this number."),
            ),
            models.UniqueConstraint(fields=["shop", "id"], name="buyer_of_his_shop"),
            models.CheckConstraint(
                name="buyer_number_on_keypad", condition=Q(number__gte=1, number__lte=9999)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def name(self) -> str:
        return in_language(self.name_ta, self.name_en)

    @property
    def place(self) -> str:
        return in_language(self.place_ta, self.place_en)


class BuyerSale(models.Model):
    """What a buyer took on credit: a lot (then `entry` names the farmer's line) or a flower's quantity of a
    day. It need not match what was weighed in: flowers lose moisture (domain.md §1.4)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="buyer_sales")
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, related_name="sales", verbose_name=_("buyer"))
    flower = models.ForeignKey(Flower, on_delete=models.PROTECT, related_name="+", verbose_name=_("flower"))
    entry = models.ForeignKey(
        DailyEntry,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="buyer_sales",
        verbose_name=_("lot"),
    )
    business_date = models.DateField(_("date"))
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=6, choices=Unit)
    rate = models.DecimalField(_("rate, ₹ per unit"), max_digits=12, decimal_places=2)
    amount = models.GeneratedField(
        verbose_name=_("amount"),
        expression=Rounded(F("quantity") * F("rate")),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=8, choices=SaleStatus, default=SaleStatus.STANDING)
    void_reason = models.CharField(_("reason for cancelling"), max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("entered by")
    )
    created_at = models.DateTimeField(_("entered"), auto_now_add=True)

    class Meta:
        verbose_name = _("sale to a buyer")
        verbose_name_plural = _("sales to buyers")
        ordering = ("-business_date", "-created_at")
        constraints = [
            models.CheckConstraint(
                name="sale_is_of_something", condition=Q(quantity__gt=0, rate__gte=Decimal(0))
            ),
            models.CheckConstraint(
                name="voided_sale_says_why",
                condition=Q(status="voided") & ~Q(void_reason="") | Q(status="standing", void_reason=""),
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "business_date"], name="sales_of_buyer"),
            models.Index(fields=["shop", "business_date"], name="sales_of_day"),
        ]
        triggers: ClassVar = kept(
            "buyer_sale",
            changing=("status", "void_reason", "version"),
            while_standing="OLD.status = 'standing'",
            computed=("amount",),
        )

    def __str__(self) -> str:
        return str(self.pk)


class BuyerReceipt(CashVoucher):
    """Money a buyer has paid, in ₹."""

    buyer = models.ForeignKey(
        Buyer, on_delete=models.PROTECT, related_name="receipts", verbose_name=_("buyer")
    )

    class Meta:
        verbose_name = _("receipt from a buyer")
        verbose_name_plural = _("receipts from buyers")
        ordering = ("-business_date", "-created_at")
        constraints = [
            *voucher_constraints("buyer_receipt"),
            models.CheckConstraint(
                name="buyer_receipt_is_money", condition=Q(amount__gt=0) & ~Q(mode="none") & ~Q(voucher="")
            ),
        ]
        indexes = [models.Index(fields=["buyer", "business_date"], name="receipts_of_buyer")]
        triggers: ClassVar = kept("buyer_receipt")


keep_history(Buyer)
keep_history(BuyerSale, computed={"amount": models.DecimalField(max_digits=14, decimal_places=2, null=True)})
keep_history(BuyerReceipt)
