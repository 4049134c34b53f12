"""The office's pages about flowers, time slots and what flowers have cost."""

import datetime as dt
from functools import partial
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin

from malar.accounts.admin_site import NAMES, OfficeForm, OfShop, ShopModelAdmin
from malar.kernel import formatting
from malar.kernel.clock import KOLKATA
from pricing.models import Flower, MarketRate, TimeSlot
from pricing.selectors.rates import forget_board


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


class TimeSlotForm(OfficeForm):
    checked_unseen = {"shop", "weekdays", "valid_from", "valid_to"}  # whether slots overlap depends on them


@admin.register(TimeSlot)
class TimeSlotAdmin(CatalogueAdmin):
    form = TimeSlotForm
    list_display = ("tamil", "english", "start", "end", "is_active")
    list_display_links = ("tamil", "english")
    list_filter = ("is_active",)
    search_fields = ("name_ta", "name_en")
    fields = ("name", "start", "end", "is_active")


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
