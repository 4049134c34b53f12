"""What is taken off beside the flowers' price: commission rules and charges."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils.translation import gettext_lazy as _

from ledger.domain import ChargeStatus
from ledger.models.entries import DailyEntry, Rounded
from ledger.models.farmers import Farmer
from ledger.models.kept import kept
from ledger.models.rollups import marks_days
from malar.accounts.models import Membership, Shop
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from pricing.domain import FeeBasis, FeeIncome
from pricing.models import Days, FeeRule, Flower, Whom, ends_after_it_begins


class CommissionRule(models.Model):
    """What the shop keeps of a sale from a day on: percent of the amount and ₹ per unit, together.

    The nearest rule wins: farmer and flower, then the farmer, then the flower, then the shop; what is typed
    on a line wins over all, and where no rule holds the farmer's own percentage counts, then the shop's
    (`ledger.selectors.commission`). Never edited: the next one ends it. A line keeps what it was charged.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="commission_rules")
    farmer = models.ForeignKey(
        Farmer,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="commission_rules",
        verbose_name=_("farmer"),
    )
    flower = models.ForeignKey(
        Flower, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("flower")
    )
    pct = models.DecimalField(
        _("commission, percent"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    per_unit = models.DecimalField(
        _("commission, ₹ per unit"),
        max_digits=10,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0)],
    )
    valid_from = models.DateField(_("from day"))
    valid_to = models.DateField(_("until day"), null=True, blank=True)
    made_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("commission rule")
        verbose_name_plural = _("commission rules")
        ordering = ("-valid_from",)
        constraints = [
            models.CheckConstraint(
                name="commission_rule_is_possible",
                condition=Q(pct__gte=0, pct__lte=100, per_unit__gte=0),
            ),
            ends_after_it_begins("commission_rule_ends_after_it_begins"),
            ExclusionConstraint(
                name="one_commission_at_a_time",
                expressions=[
                    ("shop", RangeOperators.EQUAL),
                    (Whom("farmer"), RangeOperators.EQUAL),
                    (Whom("flower"), RangeOperators.EQUAL),
                    (Days(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pct} %"


class Charge(models.Model):
    """A fee that a farmer bears: coolie, luggage, toll. Automatic ones belong to an entry, others are typed.

    Basis, rate and whose income it is are frozen from the fee. `quantity` is sacks, kg, trips or pieces; of
    a percentage it is the amount in ₹ it is taken of, and `rate` the percentage. Only a standing one counts.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="charges")
    farmer = models.ForeignKey(
        Farmer, on_delete=models.PROTECT, related_name="charges", verbose_name=_("farmer")
    )
    fee = models.ForeignKey(FeeRule, on_delete=models.PROTECT, related_name="+", verbose_name=_("fee"))
    entry = models.ForeignKey(
        DailyEntry,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="charges",
        verbose_name=_("entry"),
    )
    business_date = models.DateField(_("date"))
    basis = models.CharField(_("charged"), max_length=14, choices=FeeBasis)
    income = models.CharField(_("whose money"), max_length=12, choices=FeeIncome)
    quantity = models.DecimalField(_("quantity"), max_digits=14, decimal_places=3)
    rate = models.DecimalField(_("₹, or percent"), max_digits=10, decimal_places=2)
    amount = models.GeneratedField(
        verbose_name=_("amount"),
        expression=Case(
            When(basis=FeeBasis.PERCENT, then=Rounded(F("quantity") * F("rate") / Value(100))),
            default=Rounded(F("quantity") * F("rate")),
        ),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
    )
    automatic = models.BooleanField(_("charged by itself"), default=False)
    status = models.CharField(_("status"), max_length=8, choices=ChargeStatus, default=ChargeStatus.STANDING)
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("entered by")
    )
    created_at = models.DateTimeField(_("entered"), auto_now_add=True)

    class Meta:
        verbose_name = _("charge")
        verbose_name_plural = _("charges")
        ordering = ("business_date", "created_at")
        constraints = [
            models.CheckConstraint(name="charge_is_possible", condition=Q(quantity__gte=0, rate__gte=0)),
            models.CheckConstraint(
                name="waived_charge_says_why", condition=~Q(status__in=["waived", "voided"]) | ~Q(reason="")
            ),
            models.CheckConstraint(
                name="automatic_charge_has_its_entry", condition=Q(automatic=False) | Q(entry__isnull=False)
            ),
        ]
        indexes = [
            models.Index(fields=["farmer", "business_date"], name="charges_of_farmer"),
            models.Index(fields=["shop", "business_date"], name="charges_of_day"),
            models.Index(fields=["entry"], name="charges_of_entry"),
        ]
        triggers: ClassVar = [
            *kept(
                "charge",
                changing=("status", "reason", "version"),
                while_standing="OLD.status = 'standing'",
                of_a_farmer=True,
                claimable=True,
                computed=("amount",),
            ),
            *marks_days("business_date"),
        ]

    def __str__(self) -> str:
        return f"{self.fee} ₹{self.amount}"


keep_history(CommissionRule)
keep_history(Charge, computed={"amount": models.DecimalField(max_digits=14, decimal_places=2, null=True)})
