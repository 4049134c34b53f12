"""A farmer's running account: to look at, to print, to take along."""

import csv
import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ledger.documents import account_table
from ledger.models import Farmer
from ledger.selectors.accounts import Statement, balance_of, statement_of
from ledger.selectors.farmers import farmer_of
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.htmx import render_page

OLDEST = dt.date(2000, 1, 1)
"""No book is older, and each month shown has one before it."""


@member_required(Role.FARMER)
@require_GET
def farmer_account(request: ShopRequest, farmer_id: UUID) -> HttpResponse:
    """What stands between a farmer and the shop, and a month of his account. He may open his own."""
    farmer, today = farmer_of(request.member, farmer_id), _today(request)
    statement = _month_of(request, farmer, today)
    after = (statement.start + dt.timedelta(days=31)).replace(day=1)
    context = {
        "farmer": farmer,
        "own": request.member.role == Role.FARMER,
        "balance": balance_of(farmer),
        "statement": statement,
        "loans": [(_("Advance"), statement.advance), (_("Hand loan"), statement.hand_loan)],
        "today": today,
        "before": statement.start - dt.timedelta(days=1),
        "after": after if after <= today else None,
    }
    return render_page(request, "ledger/farmer_account.html", context)


@member_required(Role.FARMER)
@require_GET
def farmer_account_file(request: ShopRequest, farmer_id: UUID) -> HttpResponse:
    """A month of a farmer's account for a spreadsheet, with the mark that Excel needs for Tamil."""
    farmer = farmer_of(request.member, farmer_id)
    statement = _month_of(request, farmer, _today(request))
    name = f"{farmer.code}-{statement.start:%Y-%m}.csv"
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    csv.writer(answer).writerows(account_table(statement))
    return answer


def _month_of(request: ShopRequest, farmer: Farmer, today: dt.date) -> Statement:
    """The account in the month that the address names, up to today; an address can be anything."""
    try:
        first = dt.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        first = today
    first = max(min(first, today), OLDEST).replace(day=1)
    last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    return statement_of(farmer, first, min(last, today))


def _today(request: ShopRequest) -> dt.date:
    return business_date_of(timezone.now(), request.shop.turnover_hour)
