"""Pages about charges: one by hand, those of a day, and letting a farmer off."""

import datetime as dt
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from ledger.domain import ChargeStatus
from ledger.forms.charges import ChargeFilter, ChargeForm, WaiveForm, again_with
from ledger.models import Charge
from ledger.selectors.charges import charge_of, charges_asked, items_of, sum_of
from ledger.services.charges import record_charge, waive_charge
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.errors import NotFound
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def charge_new(request: ShopRequest) -> HttpResponse:
    """Charge a farmer a fee by hand."""
    today = _today(request)
    if request.method == "GET":
        form = ChargeForm.fresh(shop=request.shop, today=today, kept=request.GET)
        return _form_page(request, form, saved=_named(request.member, request.GET.get("saved")))
    form = ChargeForm(request.POST, shop=request.shop, today=today)
    if form.is_valid():
        with refusals_on(form):
            answer = record_charge(by=request.member, **form.charge())
            handed_on = form.handed_on() | {"saved": str(answer.made)}
            return redirect(f"{reverse('ledger:charge_new')}?{urlencode(handed_on)}")
    return _form_page(request, form, status=422)


def _form_page(
    request: ShopRequest, form: ChargeForm, *, saved: Charge | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "has_fees": form.fields["fee"].queryset.exists(),  # type: ignore[attr-defined]
        "farmers": request.shop.farmers.active(),
        "saved": saved,
        "item": items_of([saved])[0] if saved else None,
    }
    return render_page(request, "ledger/charge_new.html", context, status=status)


def _named(member: Membership, charge_id: str | None) -> Charge | None:
    """The charge the address names; an address can be anything."""
    try:
        return charge_of(member, UUID(charge_id)) if charge_id else None
    except (ValueError, NotFound):
        return None


@member_required(Role.STAFF)
@require_GET
def charge_list(request: ShopRequest) -> HttpResponse:
    """What farmers are charged on a day, with lines and by hand; what was waived stays to be seen."""
    form = ChargeFilter(request.GET, shop=request.shop, today=_today(request))
    charges: list[Charge] = []
    if form.is_valid():
        farmer = form.cleaned_data["farmer"]
        asked = charges_asked(
            request.member, date=form.cleaned_data["day"], farmer=farmer.pk if farmer else None
        )
        seen = [ChargeStatus.STANDING, ChargeStatus.WAIVED]
        charges = list(
            asked.filter(status__in=seen)
            .select_related("entry", "created_by__user")
            .order_by("farmer__number", "created_at", "pk")
        )
    standing = [charge for charge in charges if charge.status == ChargeStatus.STANDING]
    context = {
        "form": form,
        "rows": [(charge, items_of([charge])[0], urlencode(again_with(charge))) for charge in charges],
        "items": items_of(standing),
        "sum": sum_of(standing),
        "farmers": request.shop.farmers.active(),
    }
    return render_page(request, "ledger/charge_list.html", context, fragment="found")


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def charge_waive(request: ShopRequest, charge_id: UUID) -> HttpResponse:
    """Let a farmer off a charge, with a reason."""
    charge = charge_of(request.member, charge_id)
    day = f"{reverse('ledger:charge_list')}?day={charge.business_date}"
    if charge.status != ChargeStatus.STANDING:
        if request.method == "POST":
            messages.warning(request, _("This charge does not count any more."))
        return redirect(day)
    form = WaiveForm(request.POST or None, initial={"version": charge.version})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            waive_charge(by=request.member, charge_id=charge.pk, **form.cleaned_data)
            messages.success(request, _("The charge is waived."))
            return redirect(day)
    if form.has_error(NON_FIELD_ERRORS, "not_charged"):
        messages.warning(request, _("This charge does not count any more."))
        return redirect(day)
    context = {"charge": charge, "item": items_of([charge])[0], "form": form, "day": day}
    status = 422 if request.method == "POST" else 200
    return render_page(request, "ledger/charge_waive.html", context, status=status)


def _today(request: ShopRequest) -> dt.date:
    return business_date_of(timezone.now(), request.shop.turnover_hour)
