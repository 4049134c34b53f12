"""Pages about farmers."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import NON_FIELD_ERRORS
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from ledger.forms.farmers import FarmerFilter, FarmerForm
from ledger.models import Farmer
from ledger.selectors.farmers import farmer_of, farmers_listed
from ledger.selectors.lists import last_lines_of
from ledger.services.farmers import add_farmer, edit_farmer
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page

FARMERS_ON_A_PAGE = 50


@member_required(Role.STAFF)
@require_GET
def farmer_list(request: ShopRequest) -> HttpResponse:
    """The shop's farmers, found by whatever is known of them."""
    form = FarmerFilter(request.GET)
    farmers = farmers_listed(request.shop, **form.question())
    page = Paginator(farmers, FARMERS_ON_A_PAGE).get_page(request.GET.get("page"))
    return render_page(request, "ledger/farmer_list.html", {"form": form, "page": page}, fragment="found")


@member_required(Role.STAFF)
@require_GET
def farmer_detail(request: ShopRequest, farmer_id: UUID) -> HttpResponse:
    """What is known of a farmer, and what he brought last."""
    farmer = farmer_of(request.member, farmer_id)
    context = {
        "farmer": farmer,
        "entries": last_lines_of(farmer),
        "today": business_date_of(timezone.now(), request.shop.turnover_hour),
    }
    return render_page(request, "ledger/farmer_detail.html", context)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def farmer_new(request: ShopRequest) -> HttpResponse:
    """Take a farmer into the book."""
    if request.method == "GET":
        return _form_page(request, FarmerForm(shop=request.shop))
    form = FarmerForm(request.POST, shop=request.shop)
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
    if request.method == "GET":
        return _form_page(request, FarmerForm(shop=request.shop, farmer=farmer), farmer=farmer)
    form = FarmerForm(request.POST, shop=request.shop, farmer=farmer)
    if form.is_valid():
        with refusals_on(form):
            version = form.cleaned_data["version"]
            edit_farmer(
                by=request.member, farmer_id=farmer.pk, version=version, particulars=form.particulars()
            )
            messages.success(request, _("The change is saved."))
            return redirect("ledger:farmer_detail", farmer.pk)
    if form.has_error(NON_FIELD_ERRORS, "stale"):
        present = FarmerForm(shop=request.shop, farmer=farmer)
        return _form_page(request, present, farmer=farmer, stale=form, status=409)
    return _form_page(request, form, farmer=farmer, status=422)


def _form_page(
    request: ShopRequest,
    form: FarmerForm,
    *,
    farmer: Farmer | None = None,
    stale: FarmerForm | None = None,
    status: int = 200,
) -> HttpResponse:
    template = "ledger/farmer_edit.html" if farmer else "ledger/farmer_new.html"
    return render_page(request, template, {"form": form, "farmer": farmer, "stale": stale}, status=status)
