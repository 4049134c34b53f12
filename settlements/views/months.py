"""The page of the shop's Tamil months."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page
from settlements.domain import MONTHS
from settlements.forms import MonthForm, MoveMonthForm, SendForm
from settlements.models import TamilMonth
from settlements.selectors.months import Months, month_of, months_of
from settlements.services.months import add_month, move_month, take_out_month


@member_required(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def month_list(request: ShopRequest) -> HttpResponse:
    """When each month begins, and writing down another one. `?name=…&starts_on=…` is one that was just taken out."""
    if request.method == "GET":
        return _page(request)
    form = MonthForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            said = form.cleaned_data
            add_month(by=request.member, key=said["key"], name=said["name"], starts_on=said["starts_on"])
            messages.success(request, _("The month is written down."))
            return redirect("settlements:month_list")
    return _page(request, form, status=422)


@member_required(Role.ADMIN)
@require_POST
def month_move(request: ShopRequest, month_id: UUID) -> HttpResponse:
    """Let a month begin on another day."""
    month = month_of(request.member, month_id)
    form = MoveMonthForm(request.POST, month=month)
    if form.is_valid():
        with refusals_on(form):
            said = form.cleaned_data
            move_month(by=request.member, key=said["key"], month_id=month.pk, starts_on=said["starts_on"])
            messages.success(request, _("The change is saved."))
            return redirect("settlements:month_list")
    return _page(request, moved=(month, form), status=422)


@member_required(Role.ADMIN)
@require_POST
def month_take_out(request: ShopRequest, month_id: UUID) -> HttpResponse:
    """Take a month out of the table; the page then offers to undo it."""
    month = month_of(request.member, month_id)
    form = SendForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            out = take_out_month(by=request.member, key=form.cleaned_data["key"], month_id=month.pk).body
            asked = QueryDict(mutable=True)
            asked.update({"name": out["name_ta"], "starts_on": out["starts_on"]})
            return redirect(f"{reverse('settlements:month_list')}?{asked.urlencode()}")
    return _page(request, refused=form, status=422)


def _page(
    request: ShopRequest,
    form: MonthForm | None = None,
    *,
    moved: tuple[TamilMonth, MoveMonthForm] | None = None,
    refused: SendForm | None = None,
    status: int = 200,
) -> HttpResponse:
    """The table with a form for each row; `form`, `moved` and `refused` are what was sent and is not right."""
    months = months_of(request.shop, business_date_of(timezone.now(), request.shop.turnover_hour))
    tried = {moved[0].pk: moved[1]} if moved else {}
    rows = [
        (row, tried.get(row.month.pk) or MoveMonthForm(month=row.month), SendForm(auto_id=False))
        for row in months.rows
    ]
    context = {
        "months": months,
        "rows": rows,
        "form": form or MonthForm(expected=months.expected),
        "faulty": form or refused or (moved[1] if moved else None),
        "taken_out": _taken_out(request, months),
    }
    return render_page(request, "settlements/month_list.html", context, status=status)


def _taken_out(request: ShopRequest, months: Months) -> tuple[TamilMonth, SendForm] | None:
    """A month that was just taken out, and the key of the form that puts it back."""
    said = MonthForm(request.GET)  # it has no key: that one is not asked for
    if request.method != "GET" or {"name", "starts_on"} & said.errors.keys():
        return None
    name, day = said.cleaned_data["name"], said.cleaned_data["starts_on"]
    if any(row.month.starts_on == day for row in months.rows):
        return None
    return TamilMonth(name_ta=name, name_en=MONTHS[name], starts_on=day), SendForm(auto_id=False)
