"""Pages about money given to farmers and taken back."""

import datetime as dt
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ledger.domain import MovementStatus
from ledger.forms.movements import MovementFilter, MovementForm, ReasonWhyForm
from ledger.models import Movement
from ledger.selectors.accounts import balance_of
from ledger.selectors.movements import (
    flow_of,
    may_reverse,
    movement_of,
    movements_asked,
    reversal_of,
    waiting_for_the_owner,
)
from ledger.services.movements import approve_movement, record_movement, refuse_movement, reverse_movement
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.errors import RuleBroken
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page, wants_fragment

MOVEMENTS_ON_A_PAGE = 50


@member_required(Role.STAFF)
@require_GET
def movement_list(request: ShopRequest) -> HttpResponse:
    """Today's money, or what the filters ask for; what waits for the owner is always on top."""
    today = _today(request)
    form = MovementFilter(request.GET, shop=request.shop, today=today)
    found = Movement.objects.none()
    if form.is_valid():
        found = movements_asked(request.member, **form.question())
    page = Paginator(found.order_by("-business_date", "-created_at"), MOVEMENTS_ON_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "form": form,
        "page": page,
        "flow": flow_of(found),
        "waiting": waiting_for_the_owner(request.member),
        "refusal": ReasonWhyForm(),
        "farmers": request.shop.farmers.active(),
    }
    return render_page(request, "ledger/movement_list.html", context, fragment="found")


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def movement_new(request: ShopRequest) -> HttpResponse:
    """Give money, or take it back. Over htmx a GET answers what he owes now and after it."""
    if request.method == "GET":
        typed = request.GET if wants_fragment(request) else None
        initial = {name: request.GET[name] for name in ("farmer", "kind") if request.GET.get(name)}
        form = MovementForm(typed, member=request.member, today=_today(request), initial=initial)
        return _form_page(request, form)
    form = MovementForm(request.POST, member=request.member, today=_today(request))
    if form.is_valid():
        with refusals_on(form):
            answer = record_movement(by=request.member, **form.movement())
            if answer.body["status"] == MovementStatus.WAITING:
                messages.warning(request, _("This waits for the owner. Nothing is in the book yet."))
            else:
                messages.success(request, _("Saved."))
            return redirect("ledger:movement_detail", answer.made)
    return _form_page(request, form, status=422)


def _form_page(request: ShopRequest, form: MovementForm, *, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "farmer": form.farmer_chosen,
        "outlook": form.outlook(),
        "farmers": request.shop.farmers.active(),
    }
    return render_page(request, "ledger/movement_new.html", context, fragment="hints", status=status)


@member_required(Role.FARMER)
@require_GET
def movement_detail(request: ShopRequest, movement_id: UUID) -> HttpResponse:
    """A voucher, in the farmer's language; he may open his own."""
    return _voucher_page(request, movement_of(request.member, movement_id))


def _voucher_page(
    request: ShopRequest, movement: Movement, *, form: ReasonWhyForm | None = None, status: int = 200
) -> HttpResponse:
    is_owner, waits = request.member.role == Role.ADMIN, movement.status == MovementStatus.WAITING
    stands = movement.status == MovementStatus.POSTED and not movement.reverses and not reversal_of(movement)
    context = {
        "movement": movement,
        "farmer": movement.farmer,
        "balance": balance_of(movement.farmer),
        "form": form or ReasonWhyForm(),
        "reversal": reversal_of(movement),
        "may_decide": is_owner and waits,
        "may_reverse": stands and may_reverse(request.member, movement),
        "as_of": timezone.now(),
    }
    return render_page(request, "ledger/movement_detail.html", context, status=status)


@member_required(Role.STAFF)
@require_POST
def movement_reverse(request: ShopRequest, movement_id: UUID) -> HttpResponse:
    """Take a movement back by its mirror."""
    movement = movement_of(request.member, movement_id)
    form = ReasonWhyForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            reverse_movement(by=request.member, movement_id=movement.pk, **form.cleaned_data)
            messages.success(request, _("%(voucher)s is taken back.") % {"voucher": movement.voucher})
            return redirect("ledger:movement_detail", movement.pk)
    return _voucher_page(request, movement_of(request.member, movement_id), form=form, status=422)


@member_required(Role.ADMIN)
@require_POST
def movement_approve(request: ShopRequest, movement_id: UUID) -> HttpResponse:
    """Let a waiting movement into the book."""
    movement = movement_of(request.member, movement_id)
    try:
        answer = approve_movement(by=request.member, movement_id=movement.pk)
        messages.success(request, _("It is in the book: %(voucher)s.") % {"voucher": answer.body["voucher"]})
    except RuleBroken as broken:
        messages.warning(request, broken.detail)
    return redirect("ledger:movement_detail", movement.pk)


@member_required(Role.ADMIN)
@require_POST
def movement_refuse(request: ShopRequest, movement_id: UUID) -> HttpResponse:
    """Say no to a waiting movement, with the reason."""
    movement = movement_of(request.member, movement_id)
    form = ReasonWhyForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            refuse_movement(
                by=request.member,
                movement_id=movement.pk,
                note=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
            )
            messages.success(request, _("It is refused. Nothing is in the book."))
            return redirect("ledger:movement_detail", movement.pk)
    return _voucher_page(request, movement_of(request.member, movement_id), form=form, status=422)


def _today(request: ShopRequest) -> dt.date:
    return business_date_of(timezone.now(), request.shop.turnover_hour)
