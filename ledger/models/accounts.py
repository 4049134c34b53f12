"""The accounts of the book and what moves between them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from ledger.domain import OF_A_FARMER, AccountKind, JournalKind
from ledger.models.buyers import Buyer
from ledger.models.farmers import Farmer
from ledger.models.kept import kept
from malar.accounts.models import Membership, Shop
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id


class Account(models.Model):
    """One account of a shop. Its balance is the sum of its transfers and stands nowhere (architecture §5.4)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="accounts")
    kind = models.CharField(_("kind"), max_length=16, choices=AccountKind)
    farmer = models.ForeignKey(
        Farmer, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    buyer = models.ForeignKey(Buyer, on_delete=models.PROTECT, null=True, blank=True, related_name="accounts")

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "kind", "farmer", "buyer"], name="one_account_of_a_kind", nulls_distinct=False
            ),
            models.UniqueConstraint(fields=["shop", "id"], name="account_of_its_shop"),
            models.CheckConstraint(
                name="account_belongs_to_whom_its_kind_says",
                condition=Q(kind__in=OF_A_FARMER, farmer__isnull=False, buyer=None)
                | Q(kind=AccountKind.BUYER, farmer=None, buyer__isnull=False)
                | (~Q(kind__in=[*OF_A_FARMER, AccountKind.BUYER]) & Q(farmer=None, buyer=None)),
            ),
        ]
        indexes = [models.Index(fields=["farmer"], name="accounts_of_farmer")]

    def __str__(self) -> str:
        return str(self.get_kind_display())


class Transfer(models.Model):
    """One amount in ₹ from one account to another: `debit` gets it, `credit` gives it. A posting that does
    not balance cannot be written, and nothing is changed: the wrong one is reversed (architecture §5.4)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="transfers")
    journal_kind = models.CharField(_("written by"), max_length=16, choices=JournalKind)
    journal = models.UUIDField(help_text="Id of the movement, sale, receipt, … that wrote it.")
    seq = models.PositiveSmallIntegerField(default=1)
    debit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="debits")
    credit = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="credits")
    amount = models.DecimalField(_("amount, ₹"), max_digits=14, decimal_places=2)
    value_date = models.DateField(_("date"))
    reverses = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="reversal"
    )
    created_by = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        ordering = ("value_date", "created_at", "seq")
        constraints = [
            models.UniqueConstraint(
                fields=["journal_kind", "journal", "seq"], name="one_posting_of_a_journal"
            ),
            models.CheckConstraint(name="transfer_is_above_zero", condition=Q(amount__gt=0)),
            models.CheckConstraint(name="transfer_moves", condition=~Q(debit=F("credit"))),
        ]
        indexes = [
            models.Index(fields=["debit", "value_date"], name="transfers_in"),
            models.Index(fields=["credit", "value_date"], name="transfers_out"),
        ]
        triggers: ClassVar = kept("transfer", day="value_date")

    def __str__(self) -> str:
        return f"{self.debit} ← {self.credit} ₹{self.amount}"


keep_history(Account)
keep_history(Transfer)
