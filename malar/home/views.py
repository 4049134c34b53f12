"""What a member sees first: the shop's day, or a farmer's own; and a farmer's way to the rest of what is his."""

import datetime as dt
import json
from decimal import Decimal

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ledger.models import Farmer
from ledger.selectors.accounts import balance_of
from ledger.selectors.charges import charges_on, items_of, sum_of
from ledger.selectors.days import day_of, state_of
from ledger.selectors.days_cash import is_locked
from ledger.selectors.entries import entries_seen_by, totals_of
from ledger.selectors.farmers import days_of, farmers_seen_by
from ledger.selectors.lists import last_lines_on
from ledger.selectors.pending import waiting_in
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.formatting import clock_time
from malar.kernel.htmx import render_page, wants_fragment
from malar.kernel.words import rupees_in_words
from settlements.selectors.settlements import waiting_for_farmer

OLDEST = dt.date(2000, 1, 1)
"""No book is older, and each month shown has one before it."""
LAST_DAYS = dt.timedelta(days=7)
FARMERS_AT_ONCE = 12
"""How many farmers the board shows before somebody asks for all of them."""


@member_required(Role.FARMER)
@require_GET
def board(request: ShopRequest) -> HttpResponse:
    """The day's figures for the shop's people; for a farmer his own lines, at the same address.

    Over htmx `seen` tells what the reader has before him: while that stands nothing is sent but the
    time, and when the day is over the page begins the next one.
    """
    if request.member.role == Role.FARMER:
        return _my_day(request)
    day, today = _day(request)
    now = timezone.now()
    state = f"{day}-{state_of(request.shop, day)}-{now:%H}{now.minute // 15}"
    seen = request.GET.get("seen") if wants_fragment(request) else None
    if seen == state:
        return _unchanged(now)
    if seen and not seen.startswith(str(day)):
        return HttpResponse(headers={"HX-Refresh": "true"})
    figures = day_of(request.shop, day, now)
    context = _neighbours(day, today) | {
        "figures": figures,
        "farmers": figures.farmers[:FARMERS_AT_ONCE],
        "more_farmers": figures.farmers[FARMERS_AT_ONCE:],
        "lines": last_lines_on(request.shop, day),
        "waiting": waiting_in(request.shop, today),
        "is_locked": is_locked(request.shop, day),
        "state": state,
        "as_of": now,
    }
    return render_page(request, "home/board.html", context, fragment="figures")


def _unchanged(now: dt.datetime) -> HttpResponse:
    """Nothing to show but that it is still so; behaviours/quiet-refresh.js writes it down."""
    words = _("As of %(time)s") % {"time": clock_time(now)}
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"malar:unchanged": words})})


def _my_day(request: ShopRequest) -> HttpResponse:
    """A farmer's own lines of a day, and the way to his slip; of today also how he and the shop stand, what waits for
    his answer, and the days before."""
    day, today = _day(request)
    entries = entries_seen_by(request.member).on(day)
    farmer, totals = farmers_seen_by(request.member).first(), totals_of(entries)
    charges = charges_on(request.shop, day, farmer=farmer) if farmer else []
    left = totals.after_commission - sum_of(charges)
    context = _neighbours(day, today) | {
        "farmer": farmer,
        "entries": list(entries.with_names().order_by("captured_at", "id")),
        "totals": totals,
        "charged": items_of(charges),
        "left": abs(left),
        "is_owed": left < 0,
    }
    if farmer and day == today:
        balance = balance_of(farmer)
        context |= {
            "balance": balance,
            "in_words": rupees_in_words(balance.net, request.LANGUAGE_CODE),
            "days": days_of(farmer, day - LAST_DAYS, day - dt.timedelta(days=1)),
            "settlements": waiting_for_farmer(farmer),
        }
    return render_page(request, "home/my_day.html", context)


@member_required(Role.FARMER)
@require_GET
def my_month(request: ShopRequest) -> HttpResponse:
    """A farmer's days of a month, each the way to its lines."""
    farmer, today = _himself(request), _today(request)
    first = _month(request, today)
    after = (first + dt.timedelta(days=31)).replace(day=1)
    days = days_of(farmer, first, min(after - dt.timedelta(days=1), today))
    context = {
        "days": days,
        "kilograms": sum((each.kilograms for each in days), Decimal(0)),
        "left": sum((each.after_commission for each in days), Decimal(0)),
        "unpriced": sum(each.unpriced for each in days),
        "first": first,
        "today": today,
        "before": first - dt.timedelta(days=1),
        "after": after if after <= today else None,
    }
    return render_page(request, "home/my_month.html", context)


@member_required(Role.FARMER)
@require_GET
def my_account(request: ShopRequest) -> HttpResponse:
    """To his running account: the bar below his pages does not know his id."""
    return redirect("ledger:farmer_account", _himself(request).pk)


@member_required(Role.FARMER)
@require_GET
def my_wishes(request: ShopRequest) -> HttpResponse:
    """To what he wants to be told, likewise."""
    return redirect("notifications:wishes", _himself(request).pk)


def _himself(request: ShopRequest) -> Farmer:
    """The farmer who asks. Raises PermissionDenied for who is none."""
    farmer = farmers_seen_by(request.member).first() if request.member.role == Role.FARMER else None
    if farmer is None:
        raise PermissionDenied
    return farmer


def _month(request: ShopRequest, today: dt.date) -> dt.date:
    """The first of the month that the address names, else of this one; an address can be anything."""
    try:
        first = dt.date.fromisoformat(f"{request.GET.get('month', '')}-01")
    except ValueError:
        first = today
    return max(min(first, today), OLDEST).replace(day=1)


def _today(request: ShopRequest) -> dt.date:
    return business_date_of(timezone.now(), request.shop.turnover_hour)


def _day(request: ShopRequest) -> tuple[dt.date, dt.date]:
    """The day the address asks for, else today; and today."""
    today = _today(request)
    try:
        return parse_date(request.GET.get("day", "")) or today, today
    except ValueError:
        return today, today


def _neighbours(day: dt.date, today: dt.date) -> dict[str, object]:
    """The day with the one before and, unless it is today, the one after."""
    one = dt.timedelta(days=1)
    return {
        "day": day,
        "today": today,
        "is_today": day == today,
        "before": day - one if day > dt.date.min else None,
        "after": day + one if day < today else None,
    }
