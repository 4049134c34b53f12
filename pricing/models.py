"""Flowers, time slots and the rates called for them."""

from __future__ import annotations

import datetime as dt

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    DateRangeField,
    DateTimeRangeField,
    IntegerRangeField,
    RangeOperators,
)
from django.contrib.postgres.fields.ranges import RangeBoundary
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import GreaterThan
from django.utils.translation import gettext_lazy as _

from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.ids import new_id
from malar.kernel.quantities import Unit
from pricing.domain import EVERY_DAY, AdjustmentBasis, FeeBasis, FeeIncome, Glyph, PricingMode


class FlowerQuerySet(models.QuerySet["Flower"]):
    def active(self) -> FlowerQuerySet:
        return self.filter(is_active=True)


class Flower(models.Model):
    """What is sold. Each shop names its own: சாமந்தி is another flower in the north of the state."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="flowers")
    code = models.SlugField(_("code"), max_length=8)
    name = models.CharField(_("name"), max_length=60)
    name_ta: str
    name_en: str
    # The names on the tiles of the counter, where a dozen letters have room.
    short_name_ta = models.CharField(_("short name in Tamil"), max_length=24, blank=True)
    short_name_en = models.CharField(_("short name in English"), max_length=24, blank=True)
    botanical_name = models.CharField(_("botanical name"), max_length=80, blank=True)
    glyph = models.CharField(_("picture"), max_length=12, choices=Glyph, default=Glyph.POO)
    unit = models.CharField(_("unit"), max_length=6, choices=Unit, default=Unit.KG)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    objects = FlowerQuerySet.as_manager()

    class Meta:
        verbose_name = _("flower")
        verbose_name_plural = _("flowers")
        ordering = ("position", "code")
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "code"],
                name="flower_code_in_shop",
                violation_error_message=_("Another flower has this code."),
            ),
            models.UniqueConstraint(fields=["shop", "id"], name="flower_of_its_shop"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def short_name(self) -> str:
        """In the language of whoever reads; the whole name where there is no short one."""
        return in_language(self.short_name_ta or self.name_ta or "", self.short_name_en or self.name_en or "")


class SecondsOfDay(Func):
    """A time of day as whole seconds. Only the first migration names it any more."""

    template = "extract(epoch FROM %(expressions)s)::int"
    output_field = models.IntegerField()


class Days(Func):
    """The days a rule holds: `valid_from` included, `valid_to` not; open where they are empty."""

    function = "daterange"
    output_field = DateRangeField()

    def __init__(self) -> None:
        super().__init__("valid_from", "valid_to", RangeBoundary())


class Whom(Func):
    """Whom or what a rule is about, for constraints: all the same id where it names nobody."""

    function = "coalesce"
    output_field = models.UUIDField()

    def __init__(self, name: str) -> None:
        super().__init__(name, Value("00000000-0000-0000-0000-000000000000", output_field=models.UUIDField()))


class TimesOfWeek(Func):
    """A slot's stretches of the week in seconds since Monday's midnight; the migration defines it."""

    function = "pricing_times_of_week"
    output_field = IntegerRangeField()


def ends_after_it_begins(name: str) -> models.CheckConstraint:
    """Of rows that hold from one day to another."""
    return models.CheckConstraint(
        name=name,
        condition=Q(valid_to=None) | Q(valid_from=None) | Q(valid_to__gt=F("valid_from")),
        violation_error_message=_("“Until” must be later than “from”."),
    )


class TimeSlotQuerySet(models.QuerySet["TimeSlot"]):
    def standing(self, day: dt.date) -> TimeSlotQuerySet:
        """In use and not over by a business day; some of them may begin later."""
        return self.filter(Q(valid_to=None) | Q(valid_to__gt=day), is_active=True)

    def on(self, day: dt.date, weekday: int | None = None) -> TimeSlotQuerySet:
        """That hold on a business day; `weekday` (Monday 0) where a moment's is another than the day's."""
        bit = 1 << (day.weekday() if weekday is None else weekday)
        return self.standing(day).filter(
            Q(valid_from=None) | Q(valid_from__lte=day), GreaterThan(F("weekdays").bitand(bit), 0)
        )


class TimeSlot(models.Model):
    """A stretch of the morning with a rate of its own: `start` included, `end` not.

    It holds on its weekdays from `valid_from` until before `valid_to`; its times are never edited, another
    row follows it (`pricing.services.slots`) and takes its rates over.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="time_slots")
    name = models.CharField(_("name"), max_length=40)
    name_ta: str
    name_en: str
    start = models.TimeField(_("from"))
    end = models.TimeField(_("until"))
    weekdays = models.PositiveSmallIntegerField(_("weekdays"), default=EVERY_DAY, editable=False)
    valid_from = models.DateField(_("from day"), null=True, blank=True)
    valid_to = models.DateField(_("until day"), null=True, blank=True)
    follows = models.OneToOneField(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="followed_by",
        verbose_name=_("follows"),
    )
    is_active = models.BooleanField(_("active"), default=True)

    objects = TimeSlotQuerySet.as_manager()

    class Meta:
        verbose_name = _("time slot")
        verbose_name_plural = _("time slots")
        ordering = ("start",)
        constraints = [
            models.CheckConstraint(
                name="slot_ends_after_it_starts",
                condition=Q(end__gt=F("start")),
                violation_error_message=_("“Until” must be later than “from”."),
            ),
            models.UniqueConstraint(fields=["shop", "id"], name="slot_of_its_shop"),
            ends_after_it_begins("slot_ends_after_it_begins"),
            # Two slots may share a time only on different weekdays, or one after the other.
            ExclusionConstraint(
                name="slots_do_not_overlap",
                expressions=[
                    ("shop", RangeOperators.EQUAL),
                    (TimesOfWeek("weekdays", "start", "end"), RangeOperators.OVERLAPS),
                    (Days(), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_active=True),
                violation_error_message=_("Another slot covers a part of this time."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def holds_on(self, day: dt.date, weekday: int | None = None) -> bool:
        """As `TimeSlotQuerySet.on` says, of a slot in use."""
        return (
            self.is_active
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or self.valid_to > day)
            and bool(self.weekdays >> (day.weekday() if weekday is None else weekday) & 1)
        )


class Period(Func):
    function = "tstzrange"
    output_field = DateTimeRangeField()


class MarketRate(models.Model):
    """What a flower costs from a moment on: called on the board (no slot), or set for a slot.

    A called rate holds until the next call or the end of its business day; a slot's rate until
    the next one for that slot. Rates are never edited: a new one ends the one before it. Two of
    the same moment leave the first with an empty period: it stays on record and was never in force.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="market_rates")
    flower = models.ForeignKey(
        Flower, on_delete=models.PROTECT, related_name="rates", verbose_name=_("flower")
    )
    slot = models.ForeignKey(
        TimeSlot,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="rates",
        verbose_name=_("time slot"),
    )
    rate = models.DecimalField(_("rate, ₹ per unit"), max_digits=12, decimal_places=2)
    effective_from = models.DateTimeField(_("from"))
    effective_to = models.DateTimeField(_("until"), null=True)
    published_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("published by")
    )
    published_at = models.DateTimeField(_("published"), auto_now_add=True)

    class Meta:
        verbose_name = _("rate")
        verbose_name_plural = _("rates")
        ordering = ("-effective_from", "-id")
        constraints = [
            models.CheckConstraint(name="rate_is_not_negative", condition=Q(rate__gte=0)),
            models.CheckConstraint(
                name="rate_ends_after_it_starts",
                condition=Q(effective_to=None) | Q(effective_to__gte=F("effective_from")),
            ),
            ExclusionConstraint(
                name="one_rate_at_a_time",
                expressions=[
                    ("flower", RangeOperators.EQUAL),
                    (
                        Coalesce(
                            "slot",
                            Value("00000000-0000-0000-0000-000000000000"),
                            output_field=models.UUIDField(),
                        ),
                        RangeOperators.EQUAL,
                    ),
                    (
                        Period("effective_from", "effective_to", RangeBoundary()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]
        indexes = [models.Index(fields=["shop", "-effective_from"], name="rates_of_shop")]

    def __str__(self) -> str:
        return f"{self.flower}: ₹{self.rate}"


class PricingRule(models.Model):
    """How a flower is priced from a day on; without a flower, all that have no rule of their own.

    Where a shop has none, rates are called (`PricingMode.CALLED`). Never edited: the next one ends it.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="pricing_rules")
    flower = models.ForeignKey(
        Flower,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="pricing_rules",
        verbose_name=_("flower"),
    )
    mode = models.CharField(_("how it is priced"), max_length=6, choices=PricingMode)
    valid_from = models.DateField(_("from day"))
    valid_to = models.DateField(_("until day"), null=True, blank=True)
    made_by = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    made_at = models.DateTimeField(_("made"), auto_now_add=True)

    class Meta:
        verbose_name = _("way of pricing")
        verbose_name_plural = _("ways of pricing")
        ordering = ("-valid_from",)
        constraints = [
            ends_after_it_begins("pricing_rule_ends_after_it_begins"),
            ExclusionConstraint(
                name="one_way_of_pricing_at_a_time",
                expressions=[
                    ("shop", RangeOperators.EQUAL),
                    (Whom("flower"), RangeOperators.EQUAL),
                    (Days(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_mode_display())


class RateAdjustment(models.Model):
    """A named, disclosed change of a rate: quality, wet. Shop-defined; its value is never edited, and a
    line keeps a copy of what was applied (domain.md §0.12: no hidden multipliers).

    `value` is signed: −10 percent, −15.00 ₹ per unit.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="rate_adjustments")
    code = models.SlugField(_("code"), max_length=12)
    name = models.CharField(_("name"), max_length=40)
    name_ta: str
    name_en: str
    basis = models.CharField(_("measured in"), max_length=8, choices=AdjustmentBasis)
    value = models.DecimalField(
        _("value"), max_digits=8, decimal_places=2, help_text=_("Below zero takes off the rate.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("rate adjustment")
        verbose_name_plural = _("rate adjustments")
        ordering = ("code",)
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "code"],
                condition=Q(is_active=True),
                name="adjustment_code_in_shop",
                violation_error_message=_("Another adjustment has this code."),
            ),
            models.CheckConstraint(
                name="adjustment_changes_something_and_not_all",
                condition=~Q(value=0) & (~Q(basis="percent") | Q(value__gt=-100)),
                violation_error_message=_("An adjustment is not 0 and takes off less than 100 percent."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class FeeRule(models.Model):
    """A fee of the shop (domain.md §1.7): coolie per sack, luggage per trip, toll, cess, a sack sold.

    `rate` is ₹ per sack, kg, trip, piece or settlement, or a percentage. An automatic one is charged with
    every line; others are charged by hand. A new rate is a new row from a day on (judged by the entry's
    business date); the one before ends there.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="fees")
    code = models.SlugField(_("code"), max_length=12)
    name = models.CharField(_("name"), max_length=40)
    name_ta: str
    name_en: str
    basis = models.CharField(_("charged"), max_length=14, choices=FeeBasis)
    rate = models.DecimalField(_("₹, or percent"), max_digits=10, decimal_places=2)
    automatic = models.BooleanField(_("charged with every entry"), default=False)
    income = models.CharField(_("whose money"), max_length=12, choices=FeeIncome, default=FeeIncome.SHOP)
    valid_from = models.DateField(_("from day"), null=True, blank=True)
    valid_to = models.DateField(_("until day"), null=True, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("fee")
        verbose_name_plural = _("fees")
        ordering = ("code", "-valid_from")
        constraints = [
            models.UniqueConstraint(fields=["shop", "id"], name="fee_of_its_shop"),
            models.CheckConstraint(
                name="fee_is_not_negative",
                condition=Q(rate__gte=0) & (~Q(basis="percent") | Q(rate__lte=100)),
                violation_error_message=_("A fee is not below zero, and a percentage not above 100."),
            ),
            ends_after_it_begins("fee_ends_after_it_begins"),
            ExclusionConstraint(
                name="one_rate_of_a_fee_at_a_time",
                expressions=[
                    ("shop", RangeOperators.EQUAL),
                    ("code", RangeOperators.EQUAL),
                    (Days(), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_active=True),
                violation_error_message=_("Another fee with this code holds on some of these days."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
