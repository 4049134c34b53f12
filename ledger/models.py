"""Farmers and daily entries."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import reduce
from operator import add
from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, Exists, F, Func, Q, Value, When
from django.db.models.functions import Least
from django.utils.translation import gettext_lazy as _

from ledger.domain import Cadence, EntryStatus, RateReason, Recovery, ReviewReason, reason_words
from malar.accounts.domain import Language
from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from malar.kernel.quantities import Unit
from malar.kernel.sound import together, words_of
from malar.kernel.sound_field import Heard, SoundField, heard
from pricing.domain import RateSource
from pricing.models import Flower, TimeSlot


class FarmerQuerySet(models.QuerySet["Farmer"]):
    def active(self) -> FarmerQuerySet:
        return self.filter(is_active=True)

    def matching(self, words: str) -> FarmerQuerySet:
        """Whoever is meant by what somebody typed, the nearest first: number, code, end of the phone number,
        name or village in either script as they are spelled or sound.

        Every word must fit. Names that only sound nearly so come where no other does. Lazy, one query.
        """
        typed = words_of(words)
        if not typed:
            return self.none()
        asked = [_numbered(word) if word.isdecimal() else heard(word) for word in typed]
        begun, exact, alike = Q(), Q(), Q()
        for one in asked:
            begun, exact, alike = begun & one.begun, exact & one.exact, alike & one.alike
        rank = reduce(add, (one.rank for one in asked))
        # Written in two words what the book has in one.
        for one in map(heard, together(typed)):
            begun, exact, alike = begun | one.begun, exact | one.exact, alike | one.alike
            rank = Case(When(one.exact, then=Least(rank, one.rank)), default=rank)
        coded = Q(code__iexact="".join(words.split()))
        nobody_begun = Q(~Exists(self.filter(begun | coded).order_by()))
        found = self.filter(exact | coded | (nobody_begun & alike))
        return found.order_by(Case(When(coded, then=Value(0)), default=rank), "-is_active", "number")


def _numbered(digits: str) -> Heard:
    """Rows that have a typed number: their own, or the end of a phone number."""
    number = Q(number=int(digits)) if len(digits) <= 4 else Q(pk__in=[])
    exact = number | Q(phone__endswith=digits) if len(digits) >= 4 else number
    rank = Case(When(number, then=Value(0)), default=Value(1))
    return Heard(begun=exact, exact=exact, alike=exact, rank=rank)


class Farmer(models.Model):
    """A grower. His names are kept as he is called in either script; they are never translated."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="farmers")
    member = models.OneToOneField(
        Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="farmer"
    )
    code = models.CharField(_("farmer code"), max_length=12)
    number = models.PositiveSmallIntegerField(
        _("number"), validators=[MinValueValidator(1), MaxValueValidator(9999)]
    )
    name_ta = models.CharField(_("name in Tamil"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80, blank=True)
    village_ta = models.CharField(_("village in Tamil"), max_length=60, blank=True)
    village_en = models.CharField(_("village in English"), max_length=60, blank=True)
    phone = models.CharField(_("mobile number"), max_length=16, blank=True)
    whatsapp = models.CharField(_("WhatsApp number"), max_length=16, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.TAMIL)
    commission_pct = models.DecimalField(
        _("commission, percent"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Empty: as the shop."),
    )
    cadence = models.CharField(_("settled"), max_length=12, choices=Cadence, default=Cadence.ON_DEMAND)
    recovery = models.CharField(_("advance recovery"), max_length=8, choices=Recovery, default=Recovery.NONE)
    recovery_value = models.DecimalField(
        _("recovery, ₹ or percent"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    sound = SoundField(names=("name_ta", "name_en"), places=("village_ta", "village_en"))

    objects = FarmerQuerySet.as_manager()

    class Meta:
        verbose_name = _("farmer")
        verbose_name_plural = _("farmers")
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "code"],
                name="farmer_code_in_shop",
                violation_error_code="code_taken",
                violation_error_message=_("Another farmer has this code."),
            ),
            models.UniqueConstraint(
                fields=["shop", "number"],
                name="farmer_number_in_shop",
                violation_error_code="number_taken",
                violation_error_message=_("Another farmer has this number."),
            ),
            models.UniqueConstraint(fields=["shop", "id"], name="farmer_of_his_shop"),
            models.CheckConstraint(
                name="farmer_number_on_keypad", condition=Q(number__gte=1, number__lte=9999)
            ),
            models.CheckConstraint(
                name="farmer_commission_is_a_percentage",
                condition=Q(commission_pct=None) | Q(commission_pct__gte=0, commission_pct__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    @property
    def name(self) -> str:
        return in_language(self.name_ta, self.name_en)

    @property
    def village(self) -> str:
        return in_language(self.village_ta, self.village_en)


class Rounded(Func):
    """`round(…, 2)` in PostgreSQL: halves away from zero."""

    function = "round"
    template = "%(function)s(%(expressions)s, 2)"
    output_field = models.DecimalField(max_digits=14, decimal_places=2)


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
    rate_source = models.CharField(_("rate from"), max_length=8, choices=RateSource, blank=True)
    rate_reason = models.CharField(_("reason for the rate"), max_length=12, choices=RateReason, blank=True)
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
                func="""
                    PERFORM pg_advisory_xact_lock_shared(1, hashtext(NEW.farmer_id::text) & 1023);
                    IF TG_OP = 'UPDATE' THEN
                        IF (NEW.id, NEW.entry_date, NEW.shop_id, NEW.captured_at, NEW.received_at,
                            NEW.slip_number, NEW.created_by_id)
                           IS DISTINCT FROM
                           (OLD.id, OLD.entry_date, OLD.shop_id, OLD.captured_at, OLD.received_at,
                            OLD.slip_number, OLD.created_by_id)
                        THEN RAISE EXCEPTION 'daily_entry %: this column never changes', OLD.id
                             USING ERRCODE = 'integrity_constraint_violation';
                        END IF;
                        IF NEW.version <> OLD.version + 1 THEN
                            RAISE EXCEPTION 'daily_entry %: version % after %', OLD.id, NEW.version, OLD.version
                            USING ERRCODE = 'integrity_constraint_violation';
                        END IF;
                        IF OLD.status = 'voided' THEN
                            RAISE EXCEPTION 'daily_entry % is voided', OLD.id
                            USING ERRCODE = 'integrity_constraint_violation';
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
        ]

    def __str__(self) -> str:
        return self.slip_number

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


keep_history(Farmer, never=("sound",))
keep_history(
    DailyEntry,
    computed={
        "amount": models.DecimalField(max_digits=14, decimal_places=2, null=True),
        "commission": models.DecimalField(max_digits=14, decimal_places=2, null=True),
    },
)
