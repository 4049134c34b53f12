"""Pages about paying settlements: giving the money, the voucher, and what did not arrive."""

from decimal import Decimal
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ledger.domain import Mode
from ledger.forms.movements import ReasonWhyForm
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict
from malar.kernel.forms import USED_BEFORE, refusals_on
from malar.kernel.htmx import render_page, wants_fragment
from settlements.documents.squares import square, upi_order
from settlements.domain import Status
from settlements.forms import PaymentForm
from settlements.models import Payment, Settlement
from settlements.selectors.pages import payment_seen_by, payments_of
from settlements.selectors.settlements import outstanding_of, settlement_of
from settlements.services.payments import bounce_payment, record_payment


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def payment_new(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Pay an approved settlement, all or a part. Over htmx a GET answers the square to pay by UPI with."""
    settlement = settlement_of(request.member, settlement_id)
    data = request.POST if request.method == "POST" else None
    if data is None and wants_fragment(request):
        data = request.GET
    today = business_date_of(timezone.now(), request.shop.turnover_hour)
    form = PaymentForm(data, today=today, outstanding=_outstanding(settlement))
    if request.method == "GET":
        return _form_page(request, settlement, form)
    if form.is_valid():
        with refusals_on(form):
            try:
                answer = record_payment(by=request.member, settlement_id=settlement.pk, **form.cleaned_data)
            except Conflict as conflict:
                if conflict.code in USED_BEFORE:
                    raise
                now = settlement_of(request.member, settlement.pk)
                return _form_page(request, now, form, meanwhile=conflict.detail, status=409)
            messages.success(request, _("Paid. Here is the voucher."))
            return redirect("settlements:payment_detail", answer.made)
    return _form_page(request, settlement, form, status=422)


def _outstanding(settlement: Settlement) -> Decimal:
    return outstanding_of(settlement) if settlement.status == Status.APPROVED else Decimal(0)


def _form_page(
    request: ShopRequest, settlement: Settlement, form: PaymentForm, *, meanwhile: str = "", status: int = 200
) -> HttpResponse:
    farmer, amount = settlement.farmer, form.peek_amount()
    order = (
        upi_order(
            address=farmer.upi, name=farmer.name_en or farmer.name_ta, amount=amount, note=str(settlement)
        )
        if farmer.upi and amount
        else ""
    )
    context = {
        "settlement": settlement,
        "farmer": farmer,
        "form": form,
        "is_payable": settlement.status == Status.APPROVED,
        "outstanding": _outstanding(settlement),
        "payments": payments_of(settlement),
        "by_upi": form["mode"].value() == Mode.UPI,
        "amount": amount,
        "order": order,
        "square": square(order) if order else "",
        "meanwhile": meanwhile,
    }
    return render_page(request, "settlements/payment_new.html", context, fragment="upi", status=status)


@member_required(Role.FARMER)
@require_GET
def payment_detail(request: ShopRequest, payment_id: UUID) -> HttpResponse:
    """The voucher of a payment, in the farmer's language; he may open his own."""
    return _voucher_page(request, payment_seen_by(request.member, payment_id))


def _voucher_page(
    request: ShopRequest,
    payment: Payment,
    *,
    form: ReasonWhyForm | None = None,
    meanwhile: str = "",
    status: int = 200,
) -> HttpResponse:
    stands = payment.reverses is None and not hasattr(payment, "reversal")
    settlement = payment.settlement
    context = {
        "payment": payment,
        "settlement": settlement,
        "farmer": settlement.farmer,
        "reversal": getattr(payment, "reversal", None),
        "outstanding": _outstanding(settlement),
        "form": form or ReasonWhyForm(),
        "may_bounce": request.member.role == Role.ADMIN and stands,
        "meanwhile": meanwhile,
        "as_of": timezone.now(),
    }
    return render_page(request, "settlements/payment_detail.html", context, status=status)


@member_required(Role.ADMIN)
@require_POST
def payment_bounce(request: ShopRequest, payment_id: UUID) -> HttpResponse:
    """Write that a payment did not arrive: it is owed again."""
    payment, form = payment_seen_by(request.member, payment_id), ReasonWhyForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            try:
                bounce_payment(by=request.member, payment_id=payment.pk, **form.cleaned_data)
            except Conflict as conflict:
                if conflict.code in USED_BEFORE:
                    raise
                now = payment_seen_by(request.member, payment.pk)
                return _voucher_page(request, now, meanwhile=conflict.detail, status=409)
            messages.success(request, _("It is noted: the money is owed again."))
            return redirect("settlements:settlement_detail", payment.settlement_id)
    return _voucher_page(request, payment_seen_by(request.member, payment_id), form=form, status=422)
