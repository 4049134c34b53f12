"""Daily entries: what was brought, its rate and what follows from it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Value
from django.utils.translation import gettext_lazy as _

from ledger.domain import EntryKind, EntryStatus, RateReason, ReviewReason, reason_words
from ledger.models.farmers import Farmer
from ledger.models.kept import NOT_CLAIMED
from ledger.models.rollups import marks_days
from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from malar.kernel.quantities import Unit
from pricing.domain import RateSource
from pricing.models import Flower, TimeSlot


class Rounded(Func):
    """`round(…, 2)` in PostgreSQL: halves away from zero."""

    function = "round"
    template = "%(function)s(%(expressions)s, 2)"
    output_field = models.DecimalField(max_digits=14, decimal_places=2)


@dataclass(frozen=True)
class Applied:
    """An adjustment of a rate: its name, and the signed ₹ per unit it came to; None while there is no rate."""

    name: str
    per_unit: Decimal | None


class DailyEntryQuerySet(models.QuerySet["DailyEntry"]):
    def on(self, day: dt.date) -> DailyEntryQuerySet:
        return self.filter(business_date=day)

    def standing(self) -> DailyEntryQuerySet:
        """Not cancelled."""
        return self.exclude(status=EntryStatus.VOIDED)

    def unpriced(self) -> DailyEntryQuerySet:
        return self.standing().filter(rate=None)

    def with_names(self) -> DailyEntryQuerySet:
        return self.select_related("farmer", "flower", "slot", "created_by__user")


class DailyEntry(models.Model):
    """One line in the book: what a farmer brought, its rate, and what follows from them.

    The table is partitioned by month on `entry_date`; its physical key is (`entry_date`, `id`)
    (architecture §5.13), which is why its migration is SQL. `amount` and `commission` are computed
    by the database and by nothing else. A line without a rate has NULL there, not 0.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="daily_entries")
    farmer = models.ForeignKey(
        Farmer, on_delete=models.PROTECT, related_name="daily_entries", verbose_name=_("farmer")
    )
    flower = models.ForeignKey(
        Flower, on_delete=models.PROTECT, related_name="daily_entries", verbose_name=_("flower")
    )
    slot = models.ForeignKey(
        TimeSlot,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="daily_entries",
        verbose_name=_("time slot"),
    )
    business_date = models.DateField(_("date"), db_column="entry_date")
    kind = models.CharField(_("kind"), max_length=11, choices=EntryKind, default=EntryKind.SALE)
    # Of a correction after settlement (architecture §5.6): the line it puts right, and that line's day.
    corrects = models.UUIDField(_("corrects"), null=True, blank=True)
    corrects_date = models.DateField(null=True, blank=True)
    captured_at = models.DateTimeField(_("time"))
    received_at = models.DateTimeField(_("received"))
    gross_quantity = models.DecimalField(
        _("weight with sack"), max_digits=10, decimal_places=3, null=True, blank=True
    )
    tare = models.DecimalField(_("sack weight"), max_digits=10, decimal_places=3, default=Decimal(0))
    quantity = models.DecimalField(_("quantity"), max_digits=10, decimal_places=3)
    unit = models.CharField(_("unit"), max_length=6, choices=Unit)
    sacks = models.PositiveSmallIntegerField(_("sacks"), default=0)
    sack_weights = models.JSONField(_("weight of each sack"), null=True, blank=True)
    called_rate = models.DecimalField(
        _("rate on the board"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    rate = models.DecimalField(_("rate, ₹ per unit"), max_digits=12, decimal_places=2, null=True, blank=True)
    # What a tablet showed when the flowers were weighed, where the board said something else by then.
    quoted_rate = models.DecimalField(
        _("rate the tablet showed"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    # What it would be had it been weighed after a change of the rate that its clock cannot tell it from.
    other_rate = models.DecimalField(
        _("rate after the change"), max_digits=12, decimal_places=2, null=True, blank=True
    )
    rate_source = models.CharField(_("rate from"), max_length=8, choices=RateSource, blank=True)
    rate_reason = models.CharField(_("reason for the rate"), max_length=12, choices=RateReason, blank=True)
    # What was taken off or added, as it was then: [{"id", "code", "name_ta", "name_en", "basis", "value", "per_unit"}],
    # `per_unit` being the ₹ it came to. `rate` is the rate after all of them.
    adjustments = models.JSONField(_("adjustments of the rate"), default=list)
    commission_pct = models.DecimalField(_("commission, percent"), max_digits=5, decimal_places=2)
    commission_per_unit = models.DecimalField(
        _("commission, ₹ per unit"), max_digits=10, decimal_places=2, default=Decimal(0)
    )
    amount = models.GeneratedField(
        verbose_name=_("amount"),
        expression=Rounded(F("quantity") * F("rate")),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
    )
    commission = models.GeneratedField(
        verbose_name=_("commission"),
        expression=Rounded(Rounded(F("quantity") * F("rate")) * F("commission_pct") / Value(100))
        + Rounded(F("quantity") * F("commission_per_unit")),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
    )
    note = models.CharField(_("note"), max_length=200, blank=True)
    slip_number = models.CharField(_("slip number"), max_length=24)
    slip_is_taken = models.BooleanField(_("slip number used before"), default=False)
    status = models.CharField(_("status"), max_length=9, choices=EntryStatus, default=EntryStatus.CONFIRMED)
    void_reason = models.CharField(_("reason for cancelling"), max_length=200, blank=True)
    review_reasons = ArrayField(
        models.CharField(max_length=12, choices=ReviewReason), verbose_name=_("to look at"), default=list
    )
    version = models.PositiveIntegerField(_("version"), default=1)
    created_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("entered by")
    )

    objects = DailyEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("daily entry")
        verbose_name_plural = _("daily entries")
        ordering = ("-captured_at", "-id")
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="guard_line",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                # The lock: writers of a farmer's lines share it, a settlement run takes it alone
                # (architecture §5.11). The rest is what never changes once it is written.
                func=f"""
                    PERFORM pg_advisory_xact_lock_shared(1, hashtext(NEW.farmer_id::text) & 1023);
                    PERFORM ledger_day_is_open(NEW.shop_id, NEW.entry_date);
                    IF TG_OP = 'UPDATE' THEN
                        IF (NEW.id, NEW.entry_date, NEW.shop_id, NEW.captured_at, NEW.received_at,
                            NEW.slip_number, NEW.created_by_id, NEW.kind, NEW.corrects, NEW.corrects_date)
                           IS DISTINCT FROM
                           (OLD.id, OLD.entry_date, OLD.shop_id, OLD.captured_at, OLD.received_at,
                            OLD.slip_number, OLD.created_by_id, OLD.kind, OLD.corrects, OLD.corrects_date)
                        THEN RAISE EXCEPTION 'daily_entry %: this column never changes', OLD.id
                             USING ERRCODE = 'integrity_constraint_violation';
                        END IF;
                        -- What somebody should look at may be added without a correction, and nothing else.
                        IF NEW.version <> OLD.version + 1 AND NOT (
                            NEW.review_reasons @> OLD.review_reasons
                            AND NEW.review_reasons <> OLD.review_reasons
                            AND to_jsonb(NEW) - ARRAY['review_reasons', 'amount', 'commission']
                              = to_jsonb(OLD) - ARRAY['review_reasons', 'amount', 'commission'])
                        THEN
                            RAISE EXCEPTION 'daily_entry %: version % after %', OLD.id, NEW.version, OLD.version
                            USING ERRCODE = 'integrity_constraint_violation';
                        END IF;
                        IF OLD.status = 'voided' THEN
                            RAISE EXCEPTION 'daily_entry % is voided', OLD.id
                            USING ERRCODE = 'integrity_constraint_violation';
                        END IF;
                        IF NEW.version <> OLD.version THEN
                            {NOT_CLAIMED}
                        END IF;
                        IF NEW.farmer_id <> OLD.farmer_id THEN
                            PERFORM pg_advisory_xact_lock_shared(1, hashtext(OLD.farmer_id::text) & 1023);
                        END IF;
                    END IF;
                    RETURN NEW;
                """,
            ),
            # By row, so that each partition has it too; TRUNCATE knows no rows.
            pgtrigger.Protect(name="keep_line", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="keep_lines",
                level=pgtrigger.Statement,
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                func="RAISE EXCEPTION 'daily entries are never truncated';",
            ),
            *marks_days("entry_date"),
        ]

    def __str__(self) -> str:
        return self.slip_number

    @property
    def slip_label(self) -> str:
        """The number as papers and messages print it: a corrected slip says which correction it is (…/2)."""
        return f"{self.slip_number}/{self.version}" if self.version > 1 else self.slip_number

    @property
    def needs_review(self) -> bool:
        return bool(self.review_reasons)

    @property
    def rate_pending(self) -> bool:
        return self.rate is None

    @property
    def is_voided(self) -> bool:
        return self.status == EntryStatus.VOIDED

    @property
    def review_words(self) -> list[str]:
        """Why somebody should look at it, in the reader's language."""
        return [str(ReviewReason(reason).label) for reason in self.review_reasons]

    @property
    def applied(self) -> list[Applied]:
        """What the rate was changed by, named in the reader's language."""
        return [
            Applied(
                name=in_language(each["name_ta"], each["name_en"]),
                per_unit=None if each["per_unit"] is None else Decimal(each["per_unit"]),
            )
            for each in self.adjustments
        ]

    @property
    def rate_before(self) -> Decimal | None:
        """₹ per unit before any adjustment."""
        if self.rate is None:
            return self.called_rate
        return self.rate - sum((each.per_unit or Decimal(0) for each in self.applied), Decimal(0))

    @property
    def void_words(self) -> str:
        """Why it was cancelled, in the reader's language where the page offered that reason."""
        return reason_words(self.void_reason)


class SlipCounter(models.Model):
    """The last running number of a series on a business date."""

    id = models.BigAutoField(primary_key=True)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="+")
    business_date = models.DateField()
    series = models.CharField(max_length=4)
    last = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "business_date", "series"], name="one_counter_per_series_and_day"
            )
        ]

    def __str__(self) -> str:
        return f"{self.series} {self.business_date}: {self.last}"


keep_history(
    DailyEntry,
    computed={
        "amount": models.DecimalField(max_digits=14, decimal_places=2, null=True),
        "commission": models.DecimalField(max_digits=14, decimal_places=2, null=True),
    },
)
