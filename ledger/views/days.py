"""Pages about the end of a day: the cash book, the count, the lock, and what the shop spent."""

import datetime as dt
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from ledger.domain import COINS, NOTES
from ledger.forms.days import CountForm, ExpenseForm
from ledger.forms.movements import ReasonWhyForm
from ledger.models import DayClose
from ledger.selectors.days_cash import (
    cash_book_of,
    cash_words,
    close_of,
    days_of,
    difference_words,
    expense_of,
    later_of,
    may_take_back_expense,
    reopened_closes_of,
    spent_on,
    spent_on_before,
    unpriced_on,
    waiting_on,
)
from ledger.services.days import close_day, record_expense, reopen_day, reverse_expense
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, NotFound
from malar.kernel.formatting import day as in_words
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page

DAYS_SHOWN = dt.timedelta(days=30)


@member_required(Role.STAFF)
@require_GET
def day_list(request: ShopRequest) -> HttpResponse:
    """The days up to today, or up to the one the address names: which are closed, by whom, with what difference."""
    today = _today(request)
    try:
        end = parse_date(request.GET.get("to", "")) or today
        start = end - DAYS_SHOWN
    except (ValueError, OverflowError):
        end, start = today, today - DAYS_SHOWN
    context = {
        "days": days_of(request.shop, start, end),
        "today": today,
        "start": start,
        "end": end,
        "earlier": start - dt.timedelta(days=1) if start > dt.date.min else None,
        "later": min(end + DAYS_SHOWN + dt.timedelta(days=1), today) if end < today else None,
    }
    return render_page(request, "ledger/day_list.html", context)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def day_close(request: ShopRequest, day: dt.date) -> HttpResponse:
    """The cash book of a day and the count that locks it; of a closed day what was counted. Without a script
    the button `count` answers the sum."""
    if day > _today(request):
        raise NotFound(_("This day has not come yet."))
    if close := close_of(request.shop, day):
        return _closed_page(request, close)
    book, before = cash_book_of(request.shop, day), reopened_closes_of(request.shop, day)
    form = CountForm(_sent(request), book=book, before=next(iter(before), None))
    if form.is_valid() and "count" not in request.POST:
        with refusals_on(form):
            try:
                close_day(by=request.member, day=day, **form.said())
                messages.success(request, _("%(day)s is closed.") % {"day": in_words(day)})
            except Conflict as closed:
                if closed.code != "closed":
                    raise
                messages.warning(request, closed.detail)
            return redirect("ledger:day_close", day)
    context = {
        "day": day,
        "book": book,
        "form": form,
        "opening": form.words["opening"],
        "is_counted": form.is_bound or bool(before),
        "later": later_of(request.shop, day),
        "before": before,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render_page(request, "ledger/day_close.html", context | _loud(request, day), status=status)


def _closed_page(
    request: ShopRequest, close: DayClose, form: ReasonWhyForm | None = None, status: int = 200
) -> HttpResponse:
    day = close.business_date
    context = {
        "day": day,
        "book": cash_book_of(request.shop, day),
        "close": close,
        "opening": cash_words(close.opening_cash),
        "words": difference_words(close.difference),
        "notes": [
            (note, close.denominations[str(note)]) for note in NOTES if str(note) in close.denominations
        ],
        "coins": close.denominations.get(COINS),
        "form": form or ReasonWhyForm(),
        "before": reopened_closes_of(request.shop, day),
    }
    return render_page(request, "ledger/day_close.html", context | _loud(request, day), status=status)


def _loud(request: ShopRequest, day: dt.date) -> dict[str, object]:
    """What is in no figure of the day, and must not be forgotten."""
    return {
        "unpriced": unpriced_on(request.shop, day).count(),
        "waiting": list(waiting_on(request.shop, day)),
    }


@member_required(Role.ADMIN)
@require_POST
def day_reopen(request: ShopRequest, day: dt.date) -> HttpResponse:
    """Open a closed day again, with the reason."""
    close = close_of(request.shop, day)
    if close is None:
        messages.warning(request, _("%(day)s is open already.") % {"day": in_words(day)})
        return redirect("ledger:day_close", day)
    form = ReasonWhyForm(request.POST)
    if form.is_valid():
        with refusals_on(form):
            reopen_day(
                by=request.member,
                close_id=close.pk,
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
            )
            messages.success(
                request, _("%(day)s is open again. Close it when it is right.") % {"day": in_words(day)}
            )
            return redirect("ledger:day_close", day)
    return _closed_page(request, close, form, status=422)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def expense_new(request: ShopRequest) -> HttpResponse:
    """Write down what the shop spent; below it what was spent on that day."""
    today = _today(request)
    try:
        day = min(parse_date(request.GET.get("day", "")) or today, today)
    except ValueError:
        day = today
    form = ExpenseForm(_sent(request), day=day, today=today)
    if form.is_valid():
        with refusals_on(form):
            answer = record_expense(by=request.member, **form.cleaned_data)
            messages.success(request, _("Saved: %(voucher)s.") % {"voucher": answer.body["voucher"]})
            spent = form.cleaned_data["business_date"]
            return redirect(f"{request.path}?day={spent:%Y-%m-%d}")
    context = {"form": form, "day": day, "spent": spent_on(request.member, day)}
    context["before"] = spent_on_before(request.shop)
    return render_page(request, "ledger/expense_new.html", context, status=422 if form.is_bound else 200)


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def expense_reverse(request: ShopRequest, expense_id: UUID) -> HttpResponse:
    """Take an expense back by its mirror."""
    expense = expense_of(request.member, expense_id)
    form = ReasonWhyForm(_sent(request))
    if form.is_valid():
        with refusals_on(form):
            reverse_expense(by=request.member, expense_id=expense.pk, **form.cleaned_data)
            messages.success(request, _("%(voucher)s is taken back.") % {"voucher": expense.voucher})
            return redirect("ledger:day_close", _today(request))
    context = {
        "expense": expense,
        "form": form,
        "may": may_take_back_expense(request.member, expense),
        "reversal": getattr(expense, "reversal", None),
    }
    return render_page(request, "ledger/expense_reverse.html", context, status=422 if form.is_bound else 200)


def _today(request: ShopRequest) -> dt.date:
    return business_date_of(timezone.now(), request.shop.turnover_hour)


def _sent(request: ShopRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None
