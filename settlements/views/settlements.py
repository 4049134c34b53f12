"""Pages about settlements: the list, one of them, and everything people do with it but pay."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from ledger.forms.movements import ReasonWhyForm
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, NotAllowed
from malar.kernel.forms import USED_BEFORE, refusals_on
from malar.kernel.htmx import render_page
from settlements.documents.squares import square
from settlements.domain import Method, Side, Status
from settlements.forms import ApproveForm, CancelForm, RecoveryForm, SendForm, SettlementFilter
from settlements.models import Settlement
from settlements.selectors.months import next_missing
from settlements.selectors.pages import (
    approvals_of,
    fees_of,
    kilograms_of,
    listed,
    next_for,
    payments_of,
    runs_under_way,
    settlements_shown,
    tally_of,
)
from settlements.selectors.settlements import (
    charges_of,
    draws_of,
    lines_of,
    outstanding_of,
    settlement_of,
    waits_for,
)
from settlements.services import approvals
from settlements.services.links import link_for

SETTLEMENTS_ON_A_PAGE = 50


@member_required(Role.FARMER)
@require_GET
def settlement_list(request: ShopRequest) -> HttpResponse:
    """Settlements as the filters ask for them; a farmer sees his own."""
    own = request.member.role == Role.FARMER
    form = SettlementFilter(request.GET, shop=request.shop)
    if own:
        del form.fields["farmer"]
    found = Settlement.objects.none()
    if form.is_valid():
        form.cleaned_data.setdefault("farmer", None)
        found = settlements_shown(request.member, **form.question())
    page = Paginator(found, SETTLEMENTS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "own": own,
        "page": page,
        "rows": listed(page.object_list),
        "tally": tally_of(found),
        "missing": None
        if own
        else next_missing(request.shop, business_date_of(timezone.now(), request.shop.turnover_hour)),
        "under_way": [] if own else runs_under_way(request.shop),
        "farmers": () if own else request.shop.farmers.active(),
    }
    return render_page(request, "settlements/settlement_list.html", context, fragment="found")


@member_required(Role.FARMER)
@require_GET
def settlement_detail(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """A settlement with all that is in it; a farmer may open his own once it was shown to him."""
    return _page(request, settlement_of(request.member, settlement_id))


def _page(
    request: ShopRequest,
    settlement: Settlement,
    *,
    typed: Mapping[str, forms.Form] | None = None,
    meanwhile: str = "",
    link: str = "",
    status: int = 200,
) -> HttpResponse:
    """The settlement as it stands, with a form for all that this member may do. `meanwhile` says what he did not
    know when he sent something; `link` is the farmer's, made just now."""
    lines, charges = list(lines_of(settlement)), list(charges_of(settlement))
    context = {
        "settlement": settlement,
        "farmer": settlement.farmer,
        "own": request.member.role == Role.FARMER,
        "lines": lines,
        "charges": charges,
        "fees": fees_of(charges),
        "draws": list(draws_of(settlement)),
        "kilograms": kilograms_of(lines),
        "approvals": approvals_of(settlement),
        "waits": waits_for(settlement) if settlement.status == Status.PENDING else [],
        "payments": payments_of(settlement),
        "outstanding": outstanding_of(settlement) if settlement.status == Status.APPROVED else None,
        "meanwhile": meanwhile,
        "link": link,
        "square": square(link) if link else "",
        "as_of": timezone.now(),
        **_deeds(request, settlement),
    }
    context["forms"] = _forms(settlement) | dict(typed or {})
    context["faulty"] = next((form for form in (typed or {}).values() if form.errors), None)
    return render_page(request, "settlements/settlement_detail.html", context, status=status)


def _deeds(request: ShopRequest, settlement: Settlement) -> dict[str, object]:
    """What this member may do with it now, and where he may not approve, why."""
    member, is_open = request.member, settlement.is_open
    owner, own = member.role == Role.ADMIN, member.role == Role.FARMER
    pending = settlement.status == Status.PENDING
    waits = waits_for(settlement) if pending else []
    deeds = {
        "may_submit": owner and settlement.status in (Status.DRAFT, Status.DISPUTED),
        "may_recover": owner and is_open and settlement.advance_before > 0,
        "may_dispute": pending,
        "may_cancel": owner and is_open,
        "may_reverse": owner and settlement.status in (Status.APPROVED, Status.PAID),
        "may_pay": not own and settlement.status == Status.APPROVED,
        "may_link": not own and Side.FARMER in waits,
        "may_agree": own and Side.FARMER in waits,
        "may_approve": False,
        "may_record": False,
        "why_not": "",
    }
    if own or not pending:
        return deeds
    for deed, side in (("may_approve", Side.SHOP), ("may_record", Side.FARMER)):
        if side in waits:
            try:
                approvals.check_may_approve(member, settlement, side)
                deeds[deed] = True
            except NotAllowed as refused:
                deeds["why_not"] = refused.detail
    return deeds | {"next": next_for(member, settlement)}


def _forms(settlement: Settlement) -> dict[str, forms.Form]:
    """Empty forms; each has ids of its own, for all of them stand on one page."""
    return {
        "submit": SendForm(auto_id="submit-%s"),
        "approve": ApproveForm(initial={"content_hash": settlement.content_hash}, auto_id="approve-%s"),
        "paper": ApproveForm(initial={"content_hash": settlement.content_hash}, auto_id="paper-%s"),
        "recovery": RecoveryForm(
            initial={"recovery": settlement.recovery, "version": settlement.version}, auto_id="recovery-%s"
        ),
        "dispute": ReasonWhyForm(auto_id="dispute-%s"),
        "cancel": CancelForm(auto_id="cancel-%s"),
        "reverse": ReasonWhyForm(auto_id="reverse-%s"),
    }


def _act(
    request: ShopRequest,
    settlement: Settlement,
    name: str,
    form: forms.Form,
    act: Callable[[], Any],
    done: str,
) -> HttpResponse:
    """Do it and show the settlement again; what was changed meanwhile is shown as it stands now."""
    if form.is_valid():
        with refusals_on(form):
            try:
                act()
            except Conflict as conflict:
                if conflict.code in USED_BEFORE:
                    raise
                now = settlement_of(request.member, settlement.pk)
                return _page(request, now, meanwhile=conflict.detail, status=409)
            messages.success(request, done)
            return redirect("settlements:settlement_detail", settlement.pk)
    return _page(request, settlement, typed={name: form}, status=422)


@member_required(Role.ADMIN)
@require_POST
def settlement_submit(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Send it for approval."""
    settlement = settlement_of(request.member, settlement_id)
    form = SendForm(request.POST, auto_id="submit-%s")

    def act() -> None:
        approvals.submit(by=request.member, settlement_id=settlement.pk, key=form.cleaned_data["key"])

    return _act(request, settlement, "submit", form, act, _("It is sent for approval."))


@member_required(Role.FARMER)
@require_POST
def settlement_approve(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Say yes: for the shop, or the farmer himself for his side."""
    settlement = settlement_of(request.member, settlement_id)
    form = ApproveForm(request.POST, auto_id="approve-%s")

    def act() -> None:
        approvals.approve(by=request.member, settlement_id=settlement.pk, **form.cleaned_data)

    return _act(request, settlement, "approve", form, act, _("Your yes is noted."))


@member_required(Role.STAFF)
@require_POST
def settlement_paper(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Write down that the farmer said yes on paper."""
    settlement = settlement_of(request.member, settlement_id)
    form = ApproveForm(request.POST, auto_id="paper-%s")

    def act() -> None:
        approvals.approve(
            by=request.member,
            settlement_id=settlement.pk,
            for_farmer=True,
            method=Method.PAPER,
            **form.cleaned_data,
        )

    return _act(request, settlement, "paper", form, act, _("The farmer's yes is noted."))


@member_required(Role.ADMIN)
@require_POST
def settlement_recovery(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Recover another amount of the advance."""
    settlement = settlement_of(request.member, settlement_id)
    form = RecoveryForm(request.POST, auto_id="recovery-%s")

    def act() -> None:
        approvals.change_recovery(by=request.member, settlement_id=settlement.pk, **form.cleaned_data)

    return _act(
        request, settlement, "recovery", form, act, _("The recovery is changed. Both sides must look again.")
    )


@member_required(Role.FARMER)
@require_POST
def settlement_dispute(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Say that it is not right: the farmer, or staff for him."""
    settlement = settlement_of(request.member, settlement_id)
    form = ReasonWhyForm(request.POST, auto_id="dispute-%s")

    def act() -> None:
        approvals.dispute(by=request.member, settlement_id=settlement.pk, **form.cleaned_data)

    return _act(request, settlement, "dispute", form, act, _("It is noted that something is not right."))


@member_required(Role.ADMIN)
@require_POST
def settlement_cancel(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Call it off; its lines are free again."""
    settlement = settlement_of(request.member, settlement_id)
    form = CancelForm(request.POST, auto_id="cancel-%s")

    def act() -> None:
        approvals.cancel(by=request.member, settlement_id=settlement.pk, **form.cleaned_data)

    return _act(
        request, settlement, "cancel", form, act, _("It is called off. Its entries fall into the next one.")
    )


@member_required(Role.ADMIN)
@require_POST
def settlement_reverse(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """Take an approved one back."""
    settlement = settlement_of(request.member, settlement_id)
    form = ReasonWhyForm(request.POST, auto_id="reverse-%s")

    def act() -> None:
        approvals.reverse(by=request.member, settlement_id=settlement.pk, **form.cleaned_data)

    return _act(
        request, settlement, "reverse", form, act, _("It is taken back. Its entries fall into the next one.")
    )


@member_required(Role.STAFF)
@require_POST
def settlement_link(request: ShopRequest, settlement_id: UUID) -> HttpResponse:
    """A link for the farmer, to be shown to him now: nobody can be told it again."""
    settlement = settlement_of(request.member, settlement_id)
    try:
        token = link_for(by=request.member, settlement_id=settlement.pk)
    except Conflict as conflict:
        return _page(request, settlement, meanwhile=conflict.detail, status=409)
    return _page(
        request, settlement, link=request.build_absolute_uri(reverse("links:farmer_link", args=[token]))
    )
