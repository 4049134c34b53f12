"""Pages about farmers."""

import datetime as dt
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ledger.forms.farmers import NAMESAKES_SHOWN, FarmerFilter, FarmerForm, StateForm
from ledger.models import Farmer
from ledger.selectors.accounts import balance_of
from ledger.selectors.farmer_history import history_of_farmer
from ledger.selectors.farmers import (
    bands_of,
    brought_in_month,
    farmer_of,
    farmers_listed,
    known,
    last_seen_of,
    namesakes_of,
)
from ledger.selectors.lists import last_lines_of
from ledger.services.farmers import add_farmer, edit_farmer
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page

FARMERS_ON_A_PAGE = 50
LINES_SHOWN = 12


@member_required(Role.STAFF)
@require_GET
def farmer_list(request: ShopRequest) -> HttpResponse:
    """The shop's farmers, found by whatever is known of them."""
    today = _today(request)
    form = FarmerFilter(request.GET, shop=request.shop)
    farmers = farmers_listed(request.shop, **form.question(today))
    page = Paginator(farmers, FARMERS_ON_A_PAGE).get_page(request.GET.get("page"))
    found = known(request.shop, list(page.object_list), today)
    context = {"form": form, "page": page, "found": found, "today": today}
    return render_page(request, "ledger/farmer_list.html", context, fragment="found")


@member_required(Role.STAFF)
@require_GET
def farmer_detail(request: ShopRequest, farmer_id: UUID) -> HttpResponse:
    """What is known of a farmer, and what he brought."""
    farmer, today = farmer_of(request.member, farmer_id), _today(request)
    namesakes = namesakes_of(
        request.shop, name_ta=farmer.name_ta, name_en=farmer.name_en, day=today, besides=farmer
    )
    context = {
        "farmer": farmer,
        "today": today,
        "month": brought_in_month(farmer, today),
        "balance": balance_of(farmer),
        "last_seen": last_seen_of(request.shop, [farmer], today).get(farmer.pk),
        "bands": bands_of(farmer, today),
        "namesakes": [same for same in namesakes if not same.by_sound][:NAMESAKES_SHOWN],
        "entries": last_lines_of(farmer, limit=LINES_SHOWN),
        # Who changed what is the owner's to read (docs/api.md, roles).
        "history": history_of_farmer(farmer) if request.member.role == Role.ADMIN else [],
    }
    return render_page(request, "ledger/farmer_detail.html", context)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def farmer_new(request: ShopRequest) -> HttpResponse:
    """Take a farmer into the book."""
    if request.method == "GET":
        return _form_page(request, _form(request))
    form = _form(request)
    if form.is_valid():
        with refusals_on(form):
            answer = add_farmer(
                by=request.member, key=form.cleaned_data["key"], particulars=form.particulars()
            )
            messages.success(request, _("The farmer is in the book."))
            return redirect("ledger:farmer_detail", answer.made)
    return _form_page(request, form, status=422)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def farmer_edit(request: ShopRequest, farmer_id: UUID) -> HttpResponse:
    """Change what is known of a farmer; if it changed meanwhile, show it as it is now."""
    farmer = farmer_of(request.member, farmer_id)
    form = _form(request, farmer)
    if request.method == "GET":
        return _form_page(request, form)
    if form.is_valid():
        with refusals_on(form):
            version = form.cleaned_data["version"]
            edit_farmer(
                by=request.member, farmer_id=farmer.pk, version=version, particulars=form.particulars()
            )
            messages.success(request, _("The change is saved."))
            return redirect("ledger:farmer_detail", farmer.pk)
    if form.has_error(NON_FIELD_ERRORS, "stale"):
        present = FarmerForm(shop=request.shop, today=form.today, farmer=farmer)
        return _form_page(request, present, stale=form, status=409)
    return _form_page(request, form, status=422)


@member_required(Role.STAFF)
@require_POST
def farmer_hints(request: ShopRequest) -> HttpResponse:
    """What there is to say about a farmer while somebody still types: whose number that is, who is called
    the same, how the name is written in the other script. POST keeps names and phones out of the logs."""
    asked = request.GET.get("farmer")
    farmer = farmer_of(request.member, UUID(asked)) if asked and _is_id(asked) else None
    form = FarmerForm(request.POST, shop=request.shop, today=_today(request), farmer=farmer)
    return render_page(request, "ledger/farmer_hints.html", {"form": form, "hints": form.hints})


@member_required(Role.STAFF)
@require_POST
def farmer_state(request: ShopRequest, farmer_id: UUID) -> HttpResponse:
    """Take a farmer off the counter's list, or put him back; the page then offers to undo it."""
    farmer = farmer_of(request.member, farmer_id)
    form = StateForm(request.POST)
    address = reverse("ledger:farmer_detail", args=[farmer.pk])
    if not form.is_valid():
        return redirect(address)
    try:
        edit_farmer(
            by=request.member,
            farmer_id=farmer.pk,
            version=form.cleaned_data["version"],
            particulars={"is_active": form.cleaned_data["is_active"]},
        )
    except Conflict as stale:
        messages.warning(request, stale.detail)
        return redirect(address)
    return redirect(f"{address}?changed=state")


def _today(request: ShopRequest) -> dt.date:
    return business_date_of(timezone.now(), request.shop.turnover_hour)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _form(request: ShopRequest, farmer: Farmer | None = None) -> FarmerForm:
    said = request.POST if request.method == "POST" else None
    return FarmerForm(said, shop=request.shop, today=_today(request), farmer=farmer)


def _form_page(
    request: ShopRequest, form: FarmerForm, *, stale: FarmerForm | None = None, status: int = 200
) -> HttpResponse:
    template = "ledger/farmer_edit.html" if form.farmer else "ledger/farmer_new.html"
    context = {
        "form": form,
        "farmer": form.farmer,
        "stale": stale,
        "typed": stale.typed_otherwise if stale else [],
        # Of what was typed; an untouched form has nothing to be told.
        "hints": form.hints if form.is_bound else None,
    }
    return render_page(request, template, context, status=status)
