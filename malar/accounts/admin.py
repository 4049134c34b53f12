"""The office's pages about the shop itself and its people."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from malar.accounts.admin_site import ShopModelAdmin
from malar.accounts.models import Membership, Shop


@admin.register(Shop)
class ShopAdmin(ShopModelAdmin):
    """The owner's own shop: names, papers, commission. There is nothing to list, so the list leads to it."""

    shop_lookup = "pk"
    may_change = True
    fieldsets = (
        (None, {"fields": ("name_ta", "name_en", "owner_name")}),
        (_("On papers"), {"fields": ("address_ta", "address_en", "phones")}),
        (_("Reckoning"), {"fields": ("commission_pct", "turnover_hour", "net_step")}),
        (_("Limits of money given"), {"fields": ("advance_limit", "hand_loan_limit", "draw_limit")}),
    )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("admin:accounts_shop_change", request.shop.pk)  # type: ignore[attr-defined]


@admin.register(Membership)
class MembershipAdmin(ShopModelAdmin):
    """Who belongs to the shop. They are invited and changed on the members' page, which knows the rules."""

    list_display = ("name", "contact", "role", "is_active", "created_at")
    list_filter = ("role", "is_active")
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email", "user__phone")
    ordering = ("user__name",)
    fields = ("name", "contact", "role", "is_active", "created_at")

    @admin.display(description=_("name"), ordering="user__name")
    def name(self, member: Membership) -> str:
        return member.user.name

    @admin.display(description=_("signs in with"))
    def contact(self, member: Membership) -> str:
        return member.user.contact

    def view_on_site(self, member: Membership) -> str:
        return reverse("accounts:member_edit", args=[member.pk])
