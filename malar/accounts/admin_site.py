"""The office: Django's admin for owners, opened by the role in the shop, and never showing another shop.

Whatever is registered there starts from ShopModelAdmin. What does not is not let in: admin pages of
other packages know nothing of shops.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib.admin import AdminSite, ModelAdmin, RelatedFieldListFilter, ShowFacets
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.utils import display_for_field, unquote
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _

from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA
from malar.kernel.transactions import DOORS, tell_database

if TYPE_CHECKING:
    AnyAdmin = ModelAdmin[Any]
    AnyForm = ModelForm[Any]
else:  # neither is a generic class at run time
    AnyAdmin, AnyForm = ModelAdmin, ModelForm

NAMES = {"name_ta": _("Name in Tamil"), "name_en": _("Name in English")}
"""Instead of modeltranslation's “name [ta]”."""


class ShopAdminSite(AdminSite):
    """Django admin behind allauth's sign-in (and so behind its limits)."""

    site_header = _("Malar")
    site_title = _("Malar")
    index_title = _("Office")
    site_url = "/"
    enable_nav_sidebar = False  # our own bar leads on; its script would only keep its width

    def register(
        self,
        model_or_iterable: type[models.Model] | Iterable[type[models.Model]],
        admin_class: type[ModelAdmin[Any]] | None = None,
        **options: Any,
    ) -> None:
        """Let in what starts from the shop; leave out what other packages bring along."""
        if admin_class is None or not issubclass(admin_class, ShopModelAdmin):
            return
        super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        member = getattr(request, "member", None)
        return member is not None and member.role == Role.ADMIN

    def get_urls(self) -> list[URLPattern | URLResolver]:
        # "View on site" finds any row of any shop by its type and id; our pages have addresses of their own.
        return [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]

    @method_decorator(login_not_required)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next", "/admin/"))

    # Django's types promise a page of its own for these two; any response does.
    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_logout")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")


class OfficeForm(AnyForm):
    """A form whose row belongs to the shop before it is checked, so that "once per shop" is checked too."""

    shop: ClassVar[Shop]
    checked_unseen: ClassVar[set[str]] = {"shop"}
    """Fields that are not in the form, and that constraints ask for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if hasattr(self.instance, "shop_id") and self.instance.shop_id is None:
            self.instance.shop = self.shop

    def _get_validation_exclusions(self) -> set[str]:
        # Django leaves out constraints over fields the form does not show. The database would refuse
        # the second flower of a code all the same, but with an error page.
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]  # private in Django
        return exclusions - self.checked_unseen


class OfShop(RelatedFieldListFilter):
    """A filter whose choices are the shop's own."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> list[tuple[str, Any]]:
        shop = request.shop  # type: ignore[attr-defined]
        choices: list[tuple[str, Any]] = field.get_choices(
            include_blank=False, limit_choices_to={"shop": shop}
        )
        return choices


@dataclass(frozen=True)
class Step:
    """One version in a row's history: when, who, by which door, and (field, before, after)."""

    at: dt.datetime
    by: str
    door: str
    changes: list[tuple[str, str, str]]


class ShopModelAdmin(AnyAdmin):
    """What an owner sees of one model: his own shop's rows, and nothing he could delete.

    Reading only, unless `may_add` or `may_change` say otherwise. `shop_lookup` leads from a row to
    its shop.
    """

    form = OfficeForm
    shop_lookup = "shop"
    may_add = False
    may_change = False
    actions: Sequence[str] | None = None
    list_per_page = 50
    show_facets = ShowFacets.NEVER  # a count for each choice would be a query for each
    show_full_result_count = False
    object_history_template = "admin/object_history.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        """The start of everything: lists, single rows, pickers, autocompletion, history."""
        return super().get_queryset(request).filter(**{self.shop_lookup: request.shop.pk})  # type: ignore[attr-defined]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.admin_site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        return self.admin_site.has_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_add and self.admin_site.has_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        return self.may_change and self.admin_site.has_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any | None = None) -> bool:
        return False

    def get_form(
        self, request: HttpRequest, obj: Any | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[Any]]:
        form = super().get_form(request, obj, change=change, **kwargs)
        form.shop = request.shop  # type: ignore[attr-defined]
        return form

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = self._choices(db_field, request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = self._choices(db_field, request)
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def _choices(self, db_field: Any, request: HttpRequest) -> models.QuerySet[Any]:
        """What a picker offers: what the other model's own list would show, or nothing."""
        other = db_field.remote_field.model
        try:
            return self.admin_site.get_model_admin(other).get_queryset(request)
        except NotRegistered:
            none: models.QuerySet[Any] = other._default_manager.none()
            return none

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Tell the history who it was; Django's own transaction around this is the unit of work."""
        tell_database(request.member)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing: the database keeps the history, with who and by which door."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Nothing, as above."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The row's versions as the database kept them, newest first."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            redirected: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
            return redirected
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %(name)s") % {"name": obj},
            "opts": self.opts,
            "object": obj,
            "steps": self.steps_of(obj)[::-1],
        }
        return TemplateResponse(request, self.object_history_template, context)

    def steps_of(self, obj: Any) -> list[Step]:
        """A row's versions, first to last, with what changed from each to the next."""
        fields = {field.name: field for field in obj.versions.model._meta.fields}
        shown = [
            field
            for name, field in fields.items()
            # Of a name in two languages its two columns are shown, not the one modeltranslation keeps beside.
            if not (name.startswith("pgh_") or name in {"id", "shop"} or f"{name}_ta" in fields)
        ]
        related = [field.name for field in shown if field.is_relation]
        rows = list(obj.versions.select_related("pgh_context", *related).order_by("pgh_id"))
        contexts = [row.pgh_context.metadata if row.pgh_context else {} for row in rows]
        who = _names_of({context.get("member") for context in contexts} - {None})
        written = [
            {NAMES.get(field.name, field.verbose_name): _written(row, field) for field in shown}
            for row in rows
        ]
        return [
            Step(
                at=row.pgh_created_at.astimezone(KOLKATA),
                by=who.get(UUID(context["member"]), "") if context.get("member") else "",
                door=str(DOORS.get(context.get("door", ""), "")),
                changes=[
                    (str(label), str(before[label]), str(now[label]))
                    for label in now
                    if before[label] != now[label]
                ],
            )
            for row, context, before, now in zip(
                rows, contexts, [*written[:1], *written], written, strict=False
            )
        ]


def _names_of(members: set[Any]) -> dict[UUID, str]:
    return dict(Membership.objects.filter(pk__in=members).values_list("pk", "user__name"))


def _written(row: models.Model, field: models.Field[Any, Any]) -> str:
    value = getattr(row, field.name)
    return str(value if field.is_relation else display_for_field(value, field, "–"))
