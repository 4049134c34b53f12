"""Pages about buyers: the evening's collection, their accounts, what they took and paid."""

import csv
import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from ledger.documents import buyer_table
from ledger.domain import SaleStatus
from ledger.forms.buyers import BuyerForm, BuyerReceiptForm, BuyerSaleForm, DaysForm, proposed_amount
from ledger.forms.movements import ReasonWhyForm
from ledger.models import Buyer, BuyerReceipt, BuyerSale, DailyEntry
from ledger.selectors.buyers import (
    buyer_of,
    collection_list,
    find_buyer,
    may_take_back,
    owed_by,
    owed_by_buyer_words,
    receipt_of,
    sale_of,
    shrinkage_of,
    statement_of_buyer,
)
from ledger.services.buyers import (
    add_buyer,
    edit_buyer,
    record_buyer_sale,
    record_receipt,
    reverse_receipt,
    void_buyer_sale,
)
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page
from malar.kernel.money import ZERO

SALES_SHOWN = 8


@member_required(Role.STAFF)
@require_GET
def buyer_list(request: ShopRequest) -> HttpResponse:
    """The collection list: who owes how much, and since when; to print for the evening round."""
    today = _today(request)
    rows = collection_list(request.shop, today)
    total = sum((row.owed for row in rows if row.owed > 0), ZERO)
    return render_page(request, "ledger/buyer_list.html", {"rows": rows, "total": total, "today": today})


@member_required(Role.STAFF)
@require_GET
def buyer_detail(request: ShopRequest, buyer_id: UUID) -> HttpResponse:
    """A buyer's account: the previous balance, what he took and paid, what is left."""
    buyer, today = buyer_of(request.member, buyer_id), _today(request)
    form = _days(request, today)
    owed = owed_by(buyer)
    context = {
        "buyer": buyer,
        "today": today,
        "form": form,
        "owed": owed,
        "size": abs(owed),
        "words": owed_by_buyer_words(owed),
        "statement": statement_of_buyer(buyer, *form.days()),
    }
    return render_page(request, "ledger/buyer_detail.html", context)


@member_required(Role.STAFF)
@require_GET
def buyer_file(request: ShopRequest, buyer_id: UUID) -> HttpResponse:
    """A buyer's account for a spreadsheet, with the mark that Excel needs for Tamil."""
    buyer = buyer_of(request.member, buyer_id)
    statement = statement_of_buyer(buyer, *_days(request, _today(request)).days())
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    name = f"buyer-{buyer.number}-{statement.end:%Y-%m-%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    csv.writer(answer).writerows(buyer_table(statement))
    return answer


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def buyer_new(request: ShopRequest) -> HttpResponse:
    """Take a buyer into the book."""
    form = BuyerForm(_sent(request))
    if form.is_valid():
        with refusals_on(form):
            answer = add_buyer(
                by=request.member, key=form.cleaned_data["key"], particulars=form.particulars()
            )
            messages.success(request, _("The buyer is in the book."))
            return redirect("ledger:buyer_detail", answer.made)
    return _page(request, "ledger/buyer_form.html", form, {})


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def buyer_edit(request: ShopRequest, buyer_id: UUID) -> HttpResponse:
    """Change what is known of a buyer."""
    buyer = buyer_of(request.member, buyer_id)
    form = BuyerForm(_sent(request), buyer=buyer)
    if form.is_valid():
        with refusals_on(form):
            edit_buyer(
                by=request.member,
                buyer_id=buyer.pk,
                version=form.cleaned_data["version"],
                particulars=form.particulars(),
            )
            messages.success(request, _("The change is saved."))
            return redirect("ledger:buyer_detail", buyer.pk)
    return _page(request, "ledger/buyer_form.html", form, {"buyer": buyer})


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def buyer_sale_new(request: ShopRequest) -> HttpResponse:
    """Sell on credit; the page stays for the next sale to the same buyer."""
    asked = request.GET.get("entry", "")
    lot = DailyEntry.objects.filter(shop=request.shop, pk=asked).first() if _is_id(asked) else None
    initial = {name: request.GET[name] for name in ("buyer", "business_date") if request.GET.get(name)}
    form = BuyerSaleForm(_sent(request), shop=request.shop, today=_today(request), initial=initial, lot=lot)
    if form.is_valid():
        with refusals_on(form):
            record_buyer_sale(by=request.member, **form.said())
            buyer, day = form.cleaned_data["buyer"], form.cleaned_data["business_date"]
            messages.success(request, _("Saved. The next one for %(name)s.") % {"name": buyer.name})
            kept = QueryDict(mutable=True)
            kept.update({"buyer": str(buyer.number), "business_date": day.isoformat()})
            return redirect(f"{reverse('ledger:buyer_sale_new')}?{kept.urlencode()}")
    buyer = find_buyer(request.shop, str(form["buyer"].value() or ""))
    sales = BuyerSale.objects.filter(buyer=buyer, status=SaleStatus.STANDING).select_related("flower")
    latest = sales.order_by("-created_at")[:SALES_SHOWN] if buyer else []
    context = {"lot": lot, "latest": latest, **_known(buyer), "buyers": request.shop.buyers.all()}
    return _page(request, "ledger/buyer_sale_new.html", form, context)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def buyer_receipt_new(request: ShopRequest) -> HttpResponse:
    """Take a buyer's money; all he owes is proposed."""
    buyer = find_buyer(request.shop, request.GET.get("buyer", ""))
    known = _known(buyer)
    initial = {"buyer": str(buyer.number), **proposed_amount(known["owed"])} if buyer else {}
    form = BuyerReceiptForm(_sent(request), shop=request.shop, today=_today(request), initial=initial)
    if form.is_valid():
        with refusals_on(form):
            answer = record_receipt(by=request.member, **form.said())
            messages.success(request, _("Saved: %(voucher)s.") % {"voucher": answer.body["voucher"]})
            return redirect("ledger:buyer_detail", answer.body["buyer"])
    context = {**known, "buyers": request.shop.buyers.all()}
    return _page(request, "ledger/buyer_receipt_new.html", form, context)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def buyer_sale_void(request: ShopRequest, sale_id: UUID) -> HttpResponse:
    """Cancel a sale to a buyer, with the reason."""
    sale = sale_of(request.member, sale_id)
    form = ReasonWhyForm(_sent(request))
    if form.is_valid():
        with refusals_on(form):
            void_buyer_sale(by=request.member, sale_id=sale.pk, **form.cleaned_data)
            messages.success(request, _("The sale is cancelled."))
            return redirect("ledger:buyer_detail", sale.buyer_id)
    return _page(request, "ledger/buyer_take_back.html", form, _of(request, sale) | {"sale": sale})


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def buyer_receipt_reverse(request: ShopRequest, receipt_id: UUID) -> HttpResponse:
    """Take a receipt from a buyer back, with the reason."""
    receipt = receipt_of(request.member, receipt_id)
    form = ReasonWhyForm(_sent(request))
    if form.is_valid():
        with refusals_on(form):
            reverse_receipt(by=request.member, receipt_id=receipt.pk, **form.cleaned_data)
            messages.success(request, _("%(voucher)s is taken back.") % {"voucher": receipt.voucher})
            return redirect("ledger:buyer_detail", receipt.buyer_id)
    return _page(request, "ledger/buyer_take_back.html", form, _of(request, receipt) | {"receipt": receipt})


@member_required(Role.STAFF)
@require_GET
def shrinkage(request: ShopRequest) -> HttpResponse:
    """By day and flower: what was weighed in, what was sold on credit, and how far they are apart."""
    today = _today(request)
    form = DaysForm(request.GET, start=today, today=today)
    return render_page(
        request, "ledger/shrinkage.html", {"form": form, "rows": shrinkage_of(request.shop, *form.days())}
    )


def _today(request: ShopRequest) -> dt.date:
    return business_date_of(timezone.now(), request.shop.turnover_hour)


def _days(request: ShopRequest, today: dt.date) -> DaysForm:
    return DaysForm(request.GET, start=today.replace(day=1), today=today)


def _sent(request: ShopRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _known(buyer: Buyer | None) -> dict[str, Any]:
    owed = owed_by(buyer) if buyer else ZERO
    return {"buyer": buyer, "owed": owed, "words": owed_by_buyer_words(owed)}


def _of(request: ShopRequest, row: BuyerSale | BuyerReceipt) -> dict[str, Any]:
    return {"buyer": row.buyer, "may": may_take_back(request.member, row)}


def _page(request: ShopRequest, template: str, form: Any, context: dict[str, Any]) -> HttpResponse:
    return render_page(request, template, {"form": form} | context, status=422 if form.is_bound else 200)
