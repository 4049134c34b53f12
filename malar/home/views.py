"""What a member sees first: the shop's day, or a farmer's own."""

import datetime as dt

from django.http import HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from ledger.models import DailyEntry
from ledger.selectors.entries import by_flower, entries_seen_by, totals_of
from ledger.selectors.farmers import farmers_seen_by
from ledger.selectors.lists import by_farmer, last_lines_on
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.htmx import render_page


@member_required(Role.FARMER)
@require_GET
def board(request: ShopRequest) -> HttpResponse:
    """The day's figures for the shop's people; for a farmer his own lines, at the same address."""
    if request.member.role == Role.FARMER:
        return _my_day(request)
    day, today = _day(request)
    context = _neighbours(day, today) | {
        "totals": totals_of(DailyEntry.objects.filter(shop=request.shop).on(day)),
        "flowers": by_flower(request.shop, day),
        "farmers": by_farmer(request.shop, day),
        "lines": last_lines_on(request.shop, day),
        "as_of": timezone.now(),
    }
    return render_page(request, "home/board.html", context, fragment="figures")


def _my_day(request: ShopRequest) -> HttpResponse:
    """A farmer's own lines of a day, and the way to his slip."""
    day, today = _day(request)
    entries = entries_seen_by(request.member).on(day)
    context = _neighbours(day, today) | {
        "farmer": farmers_seen_by(request.member).first(),
        "entries": list(entries.with_names().order_by("captured_at", "id")),
        "totals": totals_of(entries),
    }
    return render_page(request, "home/my_day.html", context)


def _day(request: ShopRequest) -> tuple[dt.date, dt.date]:
    """The day the address asks for, else today; and today."""
    today = business_date_of(timezone.now(), request.shop.turnover_hour)
    try:
        return parse_date(request.GET.get("day", "")) or today, today
    except ValueError:
        return today, today


def _neighbours(day: dt.date, today: dt.date) -> dict[str, object]:
    """The day with the one before and, unless it is today, the one after."""
    one = dt.timedelta(days=1)
    return {
        "day": day,
        "is_today": day == today,
        "before": day - one if day > dt.date.min else None,
        "after": day + one if day < today else None,
    }
