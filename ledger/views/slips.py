"""The daily slip (சிட்டை) to look at and to print."""

import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from ledger.documents import roll_length, sheets_of
from ledger.selectors.days_cash import is_locked
from ledger.selectors.entries import slips_on
from ledger.selectors.farmers import farmer_of
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.htmx import render_page


@member_required(Role.FARMER)
@require_GET
def slip(request: ShopRequest, day: dt.date, farmer_id: UUID) -> HttpResponse:
    """One farmer's lines of a day, in his language, on a roll of 80 mm or on A4. He may open his own."""
    farmer = farmer_of(request.member, farmer_id)
    paper = next(iter(slips_on(request.shop, day, farmer=farmer)), None)
    context = {
        "farmer": farmer,
        "day": day,
        "slip": paper,
        "paper": "a4" if request.GET.get("paper") == "a4" else "80mm",
        "roll": roll_length(paper) if paper else None,
        "as_of": timezone.now(),
    }
    return render_page(request, "ledger/slip.html", context)


@member_required(Role.STAFF)
@require_GET
def slip_sheet(request: ShopRequest, day: dt.date) -> HttpResponse:
    """The slips of all farmers of a day, six to a sheet of A4."""
    slips = slips_on(request.shop, day)
    locked = day if is_locked(request.shop, day) else None
    context = {"day": day, "slips": slips, "sheets": sheets_of(slips), "locked": locked}
    return render_page(request, "ledger/slip_sheet.html", context)
