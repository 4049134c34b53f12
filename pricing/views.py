"""The rate board."""

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.errors import NotAllowed
from malar.kernel.formatting import rupees
from malar.kernel.forms import refusals_on
from malar.kernel.htmx import render_page
from pricing.forms import RateForm
from pricing.models import Flower, MarketRate
from pricing.selectors.rates import BoardRate, board_now, called_on, slot_at, slot_rates_at
from pricing.services.rates import publish_rate


@member_required(Role.STAFF)
@require_http_methods(["GET", "POST"])
def rate_board(request: ShopRequest) -> HttpResponse:
    """What flowers cost now and what was called today; the owner publishes here."""
    if request.method == "GET":
        return _board_page(request, RateForm(shop=request.shop))
    if request.member.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may publish rates."))
    form = RateForm(request.POST, shop=request.shop)
    if form.is_valid():
        with refusals_on(form):
            publish_rate(by=request.member, **form.cleaned_data)
            published = {
                "flower": form.cleaned_data["flower"].name,
                "rate": rupees(form.cleaned_data["rate"]),
            }
            messages.success(request, _("%(flower)s: %(rate)s is published.") % published)
            return redirect("pricing:rate_board")
    return _board_page(request, form, status=422)


@dataclass(frozen=True)
class Tile:
    """A flower on the board: the rate in force, its slots' rates, and a key to publish the next one with."""

    flower: Flower
    now: BoardRate
    slots: list[MarketRate]
    today: dt.date
    key: UUID = field(default_factory=uuid4)

    @property
    def is_new(self) -> bool:
        """The rate is of today: its time says more than its date."""
        return self.now.since is not None and timezone.localdate(self.now.since) == self.today


def _board_page(request: ShopRequest, form: RateForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    today = business_date_of(now, request.shop.turnover_hour)
    flowers = request.shop.flowers.in_bulk()
    slot_rates = slot_rates_at(request.shop, now)
    context = {
        "form": form,
        "tiles": [
            Tile(flowers[rate.flower_id], rate, slot_rates.get(rate.flower_id, []), today)
            for rate in board_now(request.shop, now)
            if rate.flower_id in flowers
        ],
        "slot": slot_at(request.shop, now),
        "calls": called_on(request.shop, today),
        "may_publish": request.member.role == Role.ADMIN,
    }
    return render_page(request, "pricing/rate_board.html", context, status=status)
