"""Flowers, time slots and the rates called for them."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.contrib.postgres.fields.ranges import RangeBoundary
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.ids import new_id
from malar.kernel.quantities import Unit
from pricing.domain import EVERY_DAY, Glyph


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
    """A time of day as whole seconds, for ranges of times: PostgreSQL has none of its own."""

    template = "extract(epoch FROM %(expressions)s)::int"
    output_field = models.IntegerField()


class TimeSlot(models.Model):
    """A stretch of the morning with a rate of its own: `start` included, `end` not."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="time_slots")
    name = models.CharField(_("name"), max_length=40)
    name_ta: str
    name_en: str
    start = models.TimeField(_("from"))
    end = models.TimeField(_("until"))
    weekdays = models.PositiveSmallIntegerField(_("weekdays"), default=EVERY_DAY, editable=False)
    is_active = models.BooleanField(_("active"), default=True)

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
            # Two slots may share a time only on different weekdays; times are compared as seconds.
            ExclusionConstraint(
                name="slots_do_not_overlap",
                expressions=[
                    ("shop", RangeOperators.EQUAL),
                    (
                        Func(SecondsOfDay("start"), SecondsOfDay("end"), function="int4range"),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(is_active=True, weekdays=EVERY_DAY),
                violation_error_message=_("Another slot covers a part of this time."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


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
