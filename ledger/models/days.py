"""The end of a day: what was spent, what was counted, and the lock."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.models.kept import kept
from ledger.models.movements import CashVoucher, voucher_constraints
from malar.accounts.models import Membership, Shop
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id


class Expense(CashVoucher):
    """What the shop spent, in ₹: tea, bus, thread."""

    what = models.CharField(_("what for"), max_length=60)

    class Meta:
        verbose_name = _("expense")
        verbose_name_plural = _("expenses")
        ordering = ("-business_date", "-created_at")
        constraints = [
            *voucher_constraints("expense"),
            models.CheckConstraint(
                name="expense_is_money", condition=Q(amount__gt=0) & ~Q(mode="none") & ~Q(voucher="")
            ),
        ]
        indexes = [models.Index(fields=["shop", "business_date"], name="expenses_of_day")]
        triggers: ClassVar = kept("expense")


class DayClose(models.Model):
    """A day that was counted and locked (domain.md §1.10). While it stands nothing is dated in it.

    All amounts are cash in ₹: opening + receipts − payments − expenses should be what was counted; the
    `difference` is recorded, not hidden, and posted, so that the next day opens with the counted sum.
    `denominations` is {"500": 12, …, "coins": "7.00"}: notes by their value, the rest as one sum.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="day_closes")
    business_date = models.DateField(_("date"))
    opening_cash = models.DecimalField(_("cash in the morning"), max_digits=14, decimal_places=2)
    receipts = models.DecimalField(_("received"), max_digits=14, decimal_places=2)
    payments = models.DecimalField(_("paid out"), max_digits=14, decimal_places=2)
    expenses = models.DecimalField(_("spent"), max_digits=14, decimal_places=2)
    counted = models.DecimalField(_("counted cash"), max_digits=14, decimal_places=2)
    denominations = models.JSONField(_("notes and coins"), default=dict)
    difference = models.GeneratedField(
        verbose_name=_("difference"),
        expression=F("counted") - F("opening_cash") - F("receipts") + F("payments") + F("expenses"),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
    )
    unpriced = models.PositiveIntegerField(_("lines without a rate"), default=0)
    note = models.CharField(_("note"), max_length=200, blank=True)
    closed_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("closed by")
    )
    closed_at = models.DateTimeField(_("closed"), auto_now_add=True)
    reopened_by = models.ForeignKey(
        Membership,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("reopened by"),
    )
    reopened_at = models.DateTimeField(_("reopened"), null=True, blank=True)
    reopen_reason = models.CharField(_("reason for reopening"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("day close")
        verbose_name_plural = _("day closes")
        ordering = ("-business_date", "-closed_at")
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "business_date"], condition=Q(reopened_at=None), name="a_day_is_closed_once"
            ),
            models.CheckConstraint(
                name="reopened_day_says_who_and_why",
                condition=Q(reopened_at=None, reopened_by=None, reopen_reason="")
                | (Q(reopened_at__isnull=False, reopened_by__isnull=False) & ~Q(reopen_reason="")),
            ),
            models.CheckConstraint(name="counted_cash_is_not_negative", condition=Q(counted__gte=0)),
        ]
        triggers: ClassVar = kept(
            "day_close",
            # Alone, while writers of the day wait or are waited for (`ledger_day_is_open`).
            first="PERFORM pg_advisory_xact_lock(3, hashtext(NEW.shop_id::text || NEW.business_date::text));",
            changing=("reopened_by_id", "reopened_at", "reopen_reason"),
            while_standing="OLD.reopened_at IS NULL",
            computed=("difference",),
        )

    def __str__(self) -> str:
        return f"{self.business_date}"


keep_history(Expense)
keep_history(
    DayClose, computed={"difference": models.DecimalField(max_digits=14, decimal_places=2, null=True)}
)
