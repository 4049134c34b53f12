"""The office's pages about flowers, time slots, how flowers are priced, what they have cost, and fees.

Django opens the transaction here: what is saved goes through the services' steps, and what they would refuse
is asked for beforehand, so that it stands at its field."""

import datetime as dt
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import dates
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin

from malar.accounts.admin_site import NAMES, OfficeForm, OfShop, ShopModelAdmin
from malar.accounts.models import Membership
from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import Fault
from malar.kernel.transactions import tell_database
from pricing.domain import EVERY_DAY, AdjustmentBasis, FeeBasis, bits_of, days_of
from pricing.models import FeeRule, Flower, MarketRate, PricingRule, RateAdjustment, TimeSlot
from pricing.selectors.rates import forget_board
from pricing.services.adjustments import adjustment_faults, begin_adjustment
from pricing.services.fees import begin_fee, change_faults, fee_faults
from pricing.services.modes import as_shop_faults, begin_mode, end_mode, mode_faults
from pricing.services.slots import (
    TIMES,
    a_slot,
    begin_slot,
    end_slot,
    ending_faults,
    follower_of,
    rename_slot,
    replace_slot,
    slot_faults,
)
from pricing.services.terms import today_of


class CatalogueAdmin(ShopModelAdmin, TranslationAdmin):
    """What the shop names itself, in both languages. A change shows on the rate board at once."""

    may_add = True
    may_change = True

    @admin.display(description=_("name in Tamil"), ordering="name_ta")
    def tamil(self, obj: Any) -> str:
        return str(obj.name_ta)

    @admin.display(description=_("name in English"), ordering="name_en")
    def english(self, obj: Any) -> str:
        return str(obj.name_en)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name in NAMES:
            field.label = NAMES[db_field.name]
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(partial(forget_board, obj.shop))


@admin.register(Flower)
class FlowerAdmin(CatalogueAdmin):
    list_display = (
        *("code", "tamil", "english", "short_name_ta", "short_name_en"),
        *("glyph", "unit", "position", "is_active"),
    )
    list_display_links = ("code", "tamil", "english")
    list_filter = ("is_active", "unit")
    search_fields = ("code", "name_ta", "name_en", "short_name_ta", "short_name_en", "botanical_name")
    fields = (
        *("code", "name", "short_name_ta", "short_name_en", "glyph"),
        *("botanical_name", "unit", "position", "is_active"),
    )


class TermForm(OfficeForm):
    """A form about terms of the shop: what their service would refuse stands at the field."""

    # Not the constraints between rows: they hold only after the row before has ended.
    checked_unseen: ClassVar[set[str]] = set()
    named: ClassVar[dict[str, str]] = {}
    """Fields of the form that are called otherwise than in the service's pointers."""

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            for fault in self.faults(said):
                pointer = fault.pointer.removeprefix("/")
                name = self.named.get(pointer, pointer)
                self.add_error(
                    name if name in self.fields else None, ValidationError(fault.detail, code=fault.code)
                )
        return said

    def faults(self, said: dict[str, Any]) -> list[Fault]:
        """What the service would refuse."""
        raise NotImplementedError


WEEKDAYS = [(day + 1, name) for day, name in dates.WEEKDAYS.items()]


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class TimeSlotForm(TermForm):
    named: ClassVar[dict[str, str]] = {"weekdays": "days", "valid_from": "from_day"}

    days = forms.TypedMultipleChoiceField(
        label=_("weekdays"), coerce=int, choices=WEEKDAYS, widget=forms.CheckboxSelectMultiple
    )
    from_day = forms.DateField(
        label=_("from day"),
        widget=DayInput(),
        help_text=_(
            "Until then everything stays as it is. Rates of a slot go on in the one that follows it."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("days", days_of(self.instance.weekdays))
        self.initial.setdefault("from_day", today_of(self.shop))
        self.stored = None if self.instance._state.adding else TimeSlot.objects.get(pk=self.instance.pk)

    def wanted(self, said: dict[str, Any]) -> TimeSlot:
        """The slot as it is to be from that day on."""
        figures = {name: said[name] for name in ("name_ta", "name_en", "start", "end")}
        figures["weekdays"] = bits_of(said["days"])
        if self.stored is None:
            return a_slot(self.shop, valid_from=said["from_day"], **figures)
        return follower_of(self.stored, said["from_day"], **figures)

    def is_retired(self, said: dict[str, Any]) -> bool:
        return self.stored is not None and not said["is_active"]

    def is_renamed(self, said: dict[str, Any]) -> bool:
        """Its times stay: nothing but its names changes, if anything does."""
        wanted = self.wanted(said)
        return self.stored is not None and all(
            getattr(self.stored, name) == getattr(wanted, name) for name in TIMES
        )

    def faults(self, said: dict[str, Any]) -> list[Fault]:
        if self.stored is not None and self.is_retired(said):
            return ending_faults(self.stored, said["from_day"])
        if self.is_renamed(said):
            return []
        return slot_faults(self.wanted(said), instead_of=self.stored)


@admin.register(TimeSlot)
class TimeSlotAdmin(CatalogueAdmin):
    """Times and weekdays are never edited: another slot follows from a day on. What is over is only read."""

    form = TimeSlotForm
    list_display = (
        *("tamil", "english", "start", "end", "shown_days"),
        *("valid_from", "valid_to", "is_active"),
    )
    list_display_links = ("tamil", "english")
    list_filter = ("is_active",)
    search_fields = ("name_ta", "name_en")
    fields = ("name", "start", "end", "days", "from_day")

    @admin.display(description=_("weekdays"))
    def shown_days(self, slot: TimeSlot) -> str:
        if slot.weekdays == EVERY_DAY:
            return gettext("every day")
        return ", ".join(str(name) for day, name in WEEKDAYS if day in days_of(slot.weekdays))

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        is_over = obj is not None and (obj.valid_to is not None or not obj.is_active)
        return super().has_change_permission(request, obj) and not is_over

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        if obj is None:
            return self.fields
        if not self.has_change_permission(request, obj):
            return ("name", "start", "end", "shown_days", "valid_from", "valid_to", "is_active")
        return (*self.fields, "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return () if self.has_change_permission(request, obj) else ("shown_days",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: Membership = request.member  # type: ignore[attr-defined]
        tell_database(by)
        said, stored = form.cleaned_data, form.stored
        if stored is None:
            obj.weekdays, obj.valid_from = bits_of(said["days"]), said["from_day"]
            begin_slot(obj)
        elif form.is_retired(said):
            end_slot(stored, said["from_day"])
        elif form.is_renamed(said):
            rename_slot(stored, said["name_ta"], said["name_en"])
        else:
            replace_slot(by, stored, form.wanted(said))


class PricingRuleForm(TermForm):
    valid_from = forms.DateField(label=_("from day"), widget=DayInput(), required=False)
    valid_to = forms.DateField(
        label=_("until day"),
        widget=DayInput(),
        required=False,
        help_text=_("From this day on the flower is priced as the shop."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial.setdefault("valid_from", today_of(self.shop))

    def faults(self, said: dict[str, Any]) -> list[Fault]:
        rule = self.instance
        if rule._state.adding:
            return mode_faults(
                self.shop, said["flower"], said["mode"], said["valid_from"] or today_of(self.shop)
            )
        day = said["valid_to"]
        if day is None or day < rule.valid_from:
            return [Fault("/valid_to", "required", gettext("Say from which day the shop's way holds again."))]
        return as_shop_faults(self.shop, rule.flower, day)


@admin.register(PricingRule)
class PricingRuleAdmin(ShopModelAdmin):
    """How flowers are priced, from a day on. Never edited: the next one ends it; a flower's own way can end
    without one, and then it is priced as the shop."""

    may_add = True
    may_change = True
    form = PricingRuleForm
    list_display = ("what", "mode", "valid_from", "valid_to", "clerk")
    list_display_links = ("what",)
    list_filter = ("mode", ("flower", OfShop))
    list_select_related = ("flower", "made_by__user")
    search_fields = ("flower__code", "flower__name_ta", "flower__name_en")
    fields = ("flower", "mode", "valid_from")

    @admin.display(description=_("flower"), ordering="flower__position")
    def what(self, rule: PricingRule) -> str:
        return str(rule.flower or gettext("all others"))

    @admin.display(description=_("made by"))
    def clerk(self, rule: PricingRule) -> str:
        return rule.made_by.user.name

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        may_end = obj is None or (obj.flower_id is not None and obj.valid_to is None)
        return super().has_change_permission(request, obj) and may_end

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return (
            ("flower", "mode", "valid_from") if obj is None else ("flower", "mode", "valid_from", "valid_to")
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return () if obj is None else ("flower", "mode", "valid_from")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        by: Membership = request.member  # type: ignore[attr-defined]
        tell_database(by)
        if change:
            end_mode(by, obj.flower, form.cleaned_data["valid_to"])
        else:
            obj.made_by, obj.valid_from = by, obj.valid_from or today_of(by.shop)
            begin_mode(obj)


class AdjustmentForm(TermForm):
    def faults(self, said: dict[str, Any]) -> list[Fault]:
        adding = self.instance._state.adding
        adjustment = (
            RateAdjustment(shop=self.shop) if adding else RateAdjustment.objects.get(pk=self.instance.pk)
        )
        for name, value in said.items():
            setattr(adjustment, name, value)
        return adjustment_faults(adjustment)


@admin.register(RateAdjustment)
class RateAdjustmentAdmin(CatalogueAdmin):
    """Named changes of a rate. What one is worth is never edited: put it out of use and add another."""

    form = AdjustmentForm
    list_display = ("code", "tamil", "english", "worth", "is_active")
    list_display_links = ("code", "tamil")
    list_filter = ("is_active", "basis")
    search_fields = ("code", "name_ta", "name_en")
    fields = ("code", "name", "basis", "value")

    @admin.display(description=_("value"), ordering="value")
    def worth(self, adjustment: RateAdjustment) -> str:
        size = abs(adjustment.value)
        is_share = adjustment.basis == AdjustmentBasis.PERCENT
        words = formatting.percent(size) if is_share else formatting.rupees(size)
        return f"{'−' if adjustment.value < 0 else '+'}{words}"

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return self.fields if obj is None else (*self.fields, "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return () if obj is None else ("code", "basis", "value")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        tell_database(request.member)  # type: ignore[attr-defined]
        if change:
            obj.save()
        else:
            begin_adjustment(obj)


class FeeForm(TermForm):
    named: ClassVar[dict[str, str]] = {"effective_from": "valid_from"}

    def faults(self, said: dict[str, Any]) -> list[Fault]:
        if self.instance._state.adding:
            return fee_faults(FeeRule(shop=self.shop, **said))
        fee = FeeRule.objects.get(pk=self.instance.pk)
        fee.automatic, fee.is_active = said["automatic"], said["is_active"]
        return change_faults(fee)


@admin.register(FeeRule)
class FeeRuleAdmin(CatalogueAdmin):
    """What farmers are charged. A new rate is a new fee with the same code, from a day on."""

    form = FeeForm
    list_display = (
        *("code", "tamil", "english", "basis", "worth", "automatic"),
        *("income", "valid_from", "valid_to", "is_active"),
    )
    list_display_links = ("code", "tamil")
    list_filter = ("is_active", "automatic", "basis", "income")
    search_fields = ("code", "name_ta", "name_en")
    fields = ("code", "name", "basis", "rate", "income", "valid_from", "automatic")

    @admin.display(description=_("₹, or percent"), ordering="rate")
    def worth(self, fee: FeeRule) -> str:
        return formatting.percent(fee.rate) if fee.basis == FeeBasis.PERCENT else formatting.rupees(fee.rate)

    def get_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return self.fields if obj is None else (*self.fields, "valid_to", "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any | None = None) -> Any:
        return () if obj is None else ("code", "basis", "rate", "income", "valid_from", "valid_to")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and db_field.name == "valid_from":
            field.help_text = gettext(
                "Empty: valid for all days. The fee of the same code ends where this begins."
            )
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        tell_database(request.member)  # type: ignore[attr-defined]
        if change:
            obj.save()
        else:
            begin_fee(obj)


@admin.register(MarketRate)
class MarketRateAdmin(ShopModelAdmin):
    """Every rate ever called or set. Rates are published on the rates page and never edited."""

    list_display = ("since", "flower", "slot", "rupees", "until", "publisher")
    list_filter = (("flower", OfShop), ("slot", OfShop))
    list_select_related = ("flower", "slot", "published_by__user")
    search_fields = ("flower__code", "flower__name_ta", "flower__name_en")
    date_hierarchy = "effective_from"
    fields = ("flower", "slot", "rupees", "since", "until", "publisher", "published_at")

    @admin.display(description=_("rate, ₹ per unit"), ordering="rate")
    def rupees(self, rate: MarketRate) -> str:
        return formatting.rupees(rate.rate)

    @admin.display(description=_("from"), ordering="effective_from")
    def since(self, rate: MarketRate) -> str:
        return _moment(rate.effective_from)

    @admin.display(description=_("until"), ordering="effective_to")
    def until(self, rate: MarketRate) -> str:
        return _moment(rate.effective_to) if rate.effective_to else "–"

    @admin.display(description=_("published by"))
    def publisher(self, rate: MarketRate) -> str:
        return rate.published_by.user.name


def _moment(at: dt.datetime) -> str:
    return f"{formatting.day(at.astimezone(KOLKATA).date())} {formatting.clock_time(at)}"
