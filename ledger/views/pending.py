"""Pages about lines that wait for their rate."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from ledger.forms.pending import PriceForm
from ledger.selectors.pending import affected_by, pending_of
from ledger.services import repricing
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page
from malar.kernel.money import to_paisa
from pricing.domain import meant_by

PRICED_IN_SESSION = "entries_priced"


@member_required(Role.STAFF)
@require_GET
def pending_list(request: ShopRequest) -> HttpResponse:
    """What waits for a rate, oldest first; after a pricing also what it did, and the way to put it right."""
    done = request.session.pop(PRICED_IN_SESSION, None)
    context = {
        "pending": pending_of(request.shop),
        "may_price": request.member.role == Role.ADMIN,
        "priced": _told(request, done) if done else None,
    }
    return render_page(request, "ledger/pending_list.html", context)


def _told(request: ShopRequest, done: dict[str, Any]) -> dict[str, Any]:
    """A pricing as the page tells it."""
    flower = request.shop.flowers.get(pk=done["flower"])
    figures = {name: Decimal(done[name]) for name in ("rate", "amount")}
    return {**done, **figures, "flower": flower, "farmers": len(done["farmers"])}


@member_required(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def price_entries(request: ShopRequest) -> HttpResponse:
    """One rate for lines that wait: who gets what is shown first, and done when that is confirmed."""
    if request.method == "GET":
        today = business_date_of(timezone.now(), request.shop.turnover_hour)
        return _price_page(request, PriceForm.asked(request.GET, shop=request.shop, today=today))
    form = PriceForm(request.POST, shop=request.shop)
    if form.is_valid() and (seen := form.cleaned_data["seen"]):
        with refusals_on(form):
            answer = repricing.price_entries(by=request.member, seen=seen, **form.pricing())
            told = {name: value for name, value in answer.body.items() if name != "entries"}
            request.session[PRICED_IN_SESSION] = told
            return redirect("ledger:pending_list")
    return _price_page(request, form)


def _price_page(request: ShopRequest, form: PriceForm) -> HttpResponse:
    """The form, and above it what it would do where it can be read."""
    context: dict[str, Any] = {"form": form}
    status = 200
    if form.is_bound:
        status = 422 if form.errors else 200
        if all(name in form.cleaned_data for name in (*form.FIELDS, "key")):
            with refusals_on(form):
                body = repricing.price_entries(by=request.member, dry_run=True, **form.pricing()).body
                context |= _shown(request, form, body)
        status = 422 if form.errors else status
    return render_page(request, "ledger/price_entries.html", context, status=status)


def _shown(request: ShopRequest, form: PriceForm, body: dict[str, Any]) -> dict[str, Any]:
    """A preview as the page shows it; `meant` is the rate that was probably meant by one that is far off."""
    rate, last = form.cleaned_data["rate"], body["last_rate"] and Decimal(body["last_rate"])
    meant = meant_by(rate, last) if body["rate_is_far"] else None
    return {
        "preview": body,
        "flower": form.cleaned_data["flower"],
        "rate": rate,
        "last": last,
        "meant": None if meant is None else to_paisa(meant),
        "quantity": Decimal(body["quantity"]),
        "amount": Decimal(body["amount"]),
        "before": Decimal(body["amount_before"]),
        "affected": affected_by(request.shop, body),
    }
