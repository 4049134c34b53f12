"""The office's view of the book, for looking things up. Farmers and lines are changed on their own pages,
which know the rules."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ledger.models import CommissionRule, DailyEntry, Farmer
from ledger.services.commission import begin_commission, faults_of
from malar.accounts.admin_site import OfficeForm, OfShop, ShopModelAdmin
from malar.kernel import formatting
from malar.kernel.transactions import tell_database


@admin.register(Farmer)
class FarmerAdmin(ShopModelAdmin):
    list_display = ("number", "code", "name_ta", "name_en", "village_ta", "phone", "is_active")
    list_display_links = ("number", "code", "name_ta", "name_en")
    list_filter = ("is_active", "cadence")
    search_fields = ("code", "name_ta", "name_en", "village_ta", "village_en", "phone")
    fields = (
        ("number", "code"),
        ("name_ta", "name_en"),
        ("village_ta", "village_en"),
        ("phone", "whatsapp"),
        "language",
        "commission_pct",
        "cadence",
        ("recovery", "recovery_value"),
        "upi",
        "is_active",
    )

    def view_on_site(self, farmer: Farmer) -> str:
        return reverse("ledger:farmer_detail", args=[farmer.pk])


@admin.register(DailyEntry)
class DailyEntryAdmin(ShopModelAdmin):
    list_display = (
        "slip_number",
        "when",
        "farmer",
        "flower",
        "brought",
        "rupees",
        "earned",
        "withheld",
        "status",
    )
    list_display_links = ("slip_number",)
    list_filter = ("status", ("flower", OfShop), ("slot", OfShop))
    list_select_related = ("farmer", "flower")
    search_fields = ("slip_number", "farmer__code", "farmer__name_ta", "farmer__name_en")
    date_hierarchy = "business_date"
    ordering = ("-business_date", "-captured_at", "-id")
    fields = (
        "slip_number",
        "status",
        "void_reason",
        ("when", "received_at"),
        "farmer",
        ("flower", "slot"),
        ("gross_quantity", "tare", "brought", "sacks"),
        ("called_rate", "rupees", "rate_source", "rate_reason"),
        ("commission_pct", "earned", "withheld"),
        "note",
        ("clerk", "version"),
    )

    @admin.display(description=_("time"), ordering="captured_at")
    def when(self, entry: DailyEntry) -> str:
        return f"{formatting.day(entry.business_date)} {formatting.clock_time(entry.captured_at)}"

    @admin.display(description=_("quantity"), ordering="quantity")
    def brought(self, entry: DailyEntry) -> str:
        return f"{formatting.weight(entry.quantity, entry.unit)} {entry.get_unit_display()}"

    @admin.display(description=_("rate, ₹ per unit"), ordering="rate")
    def rupees(self, entry: DailyEntry) -> str:
        return formatting.rupees(entry.rate)

    @admin.display(description=_("amount"), ordering="amount")
    def earned(self, entry: DailyEntry) -> str:
        return formatting.rupees(entry.amount)

    @admin.display(description=_("commission"), ordering="commission")
    def withheld(self, entry: DailyEntry) -> str:
        return formatting.rupees(entry.commission)

    @admin.display(description=_("entered by"))
    def clerk(self, entry: DailyEntry) -> str:
        return entry.created_by.user.name

    def view_on_site(self, entry: DailyEntry) -> str:
        return reverse("ledger:entry_detail", args=[entry.pk])


class CommissionForm(OfficeForm):
    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            rule = CommissionRule(shop=self.shop, **said)
            for fault in faults_of(rule):
                self.add_error(
                    fault.pointer.removeprefix("/"), ValidationError(fault.detail, code=fault.code)
                )
        return said


@admin.register(CommissionRule)
class CommissionRuleAdmin(ShopModelAdmin):
    """What the shop keeps of a sale. A rule is never edited: the next one ends it."""

    may_add = True
    form = CommissionForm
    list_display = ("whose", "flower", "percentage", "rupees", "valid_from", "valid_to", "clerk")
    list_display_links = ("whose",)
    list_filter = (("flower", OfShop),)
    list_select_related = ("farmer", "flower", "made_by__user")
    search_fields = ("farmer__code", "farmer__name_ta", "farmer__name_en")
    fields = ("farmer", "flower", "pct", "per_unit", "valid_from")
    autocomplete_fields = ("farmer",)

    @admin.display(description=_("farmer"), ordering="farmer__number")
    def whose(self, rule: CommissionRule) -> str:
        return str(rule.farmer or _("everybody"))

    @admin.display(description=_("commission, percent"), ordering="pct")
    def percentage(self, rule: CommissionRule) -> str:
        return formatting.percent(rule.pct)

    @admin.display(description=_("commission, ₹ per unit"), ordering="per_unit")
    def rupees(self, rule: CommissionRule) -> str:
        return formatting.rupees(rule.per_unit)

    @admin.display(description=_("made by"))
    def clerk(self, rule: CommissionRule) -> str:
        return rule.made_by.user.name

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        tell_database(request.member)  # type: ignore[attr-defined]
        obj.made_by = request.member  # type: ignore[attr-defined]
        begin_commission(obj)
