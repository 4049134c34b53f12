"""The rate board at the counter, and the one on the wall."""

import csv
from typing import Any

from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import KOLKATA, business_date_of
from malar.kernel.errors import NotAllowed
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page
from pricing.forms import HistoryFilter, RatesForm
from pricing.selectors.rate_history import rate_history
from pricing.selectors.rates import (
    Board,
    Row,
    called_on,
    entries_that_keep,
    published,
    rate_board_at,
    standings,
)
from pricing.services.rates import Question, RateQuestioned, publish_rates

PUBLISHED_IN_SESSION = "rates_published"


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def rate_board(request: ShopRequest) -> HttpResponse:
    """What flowers cost now, before and in every slot; the owner publishes here."""
    board = rate_board_at(request.shop, timezone.now())
    if request.method == "GET":
        return _board_page(request, RatesForm(board=board))
    if request.member.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may publish rates."))
    form = RatesForm(request.POST, board=board)
    again = reverse("pricing:rate_board", query={"flower": _flower_asked(request)})
    if form.is_valid():
        if form.is_withdrawn():
            return redirect(again)
        with refusals_on(form):
            try:
                answer = publish_rates(by=request.member, **form.asked())
            except RateQuestioned as asked:
                return _board_page(request, form, question=asked.questions[0], status=422)
            request.session[PUBLISHED_IN_SESSION] = [rate["id"] for rate in answer.body["rates"]]
            return redirect(again)
    return _board_page(request, form, status=422)


@member_required(Role.STAFF)
@require_GET
def rate_wall(request: ShopRequest) -> HttpResponse:
    """The board to hang up: read from the other end of the stall, it renews itself."""
    now = timezone.now()
    known, flowers = standings(request.shop, now)
    context = {"standings": flowers, "slot": known.slot_at(now), "now": now}
    return render_page(request, "pricing/rate_wall.html", context, fragment="wall")


@member_required(Role.STAFF)
@require_GET
def rate_history_page(request: ShopRequest) -> HttpResponse:
    """What a flower cost, day by day: a picture of steps, and the same as a table."""
    form = _history_form(request)
    asked = form.asked()
    context = {
        "form": form,
        "history": rate_history(**asked, now=timezone.now()) if asked else None,
        "asked": form.query,
    }
    return render_page(request, "pricing/rate_history.html", context, fragment="found")


@member_required(Role.STAFF)
@require_GET
def rate_history_csv(request: ShopRequest) -> HttpResponse:
    """The table for a spreadsheet, oldest first; the heads are English words for programs."""
    asked = _history_form(request).asked()
    if asked is None:
        return HttpResponseBadRequest(_("Choose a flower and days."))
    history = rate_history(**asked, now=timezone.now())
    name = f"rates-{history.flower.code}-{history.start}.csv"
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    written = csv.writer(answer)
    written.writerow(["day", "from", "until", "flower", "slot", "rate", "unit", "published_by"])
    for row in reversed(history.rows):
        rate = row.rate
        until = (
            rate.effective_to.astimezone(KOLKATA).isoformat(timespec="seconds") if rate.effective_to else ""
        )
        written.writerow(
            [
                row.day.isoformat(),
                rate.effective_from.astimezone(KOLKATA).isoformat(timespec="seconds"),
                until,
                history.flower.name_en or history.flower.name_ta,
                (rate.slot.name_en or rate.slot.name_ta) if rate.slot else "",
                f"{rate.rate:.2f}",
                history.flower.unit,
                rate.published_by.user.name,
            ]
        )
    return answer


def _history_form(request: ShopRequest) -> HistoryFilter:
    today = business_date_of(timezone.now(), request.shop.turnover_hour)
    return HistoryFilter(request.GET, shop=request.shop, today=today)


def _flower_asked(request: ShopRequest) -> str:
    return str((request.POST or request.GET).get("flower", ""))


def _chosen(request: ShopRequest, board: Board) -> Row | None:
    """The flower whose rate stands large: the one asked for, else the first."""
    asked = _flower_asked(request)
    return next((row for row in board.rows if str(row.flower.pk) == asked), next(iter(board.rows), None))


def _board_page(
    request: ShopRequest, form: RatesForm, *, question: Question | None = None, status: int = 200
) -> HttpResponse:
    board = form.board
    context: dict[str, Any] = {
        "board": board,
        "form": form,
        "question": question,
        "chosen": _chosen(request, board),
        "calls": called_on(request.shop, board.known.day),
        "may_publish": request.member.role == Role.ADMIN,
    }
    if request.method == "GET" and (ids := request.session.pop(PUBLISHED_IN_SESSION, None)):
        news = published(request.shop, ids, board)
        context["published"] = news
        context["kept"] = entries_that_keep(request.shop, [each.rate for each in news], board.known.day)
    return render_page(request, "pricing/rate_board.html", context, fragment="rates", status=status)
