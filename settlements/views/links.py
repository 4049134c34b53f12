"""The farmer's page: his settlement on his phone without signing in, and his answer."""

from allauth.core.internal.ratelimit import consume
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.http import require_http_methods

from malar.kernel.errors import NotFound, RuleBroken
from settlements.domain import LinkState
from settlements.forms import LinkDisputeForm
from settlements.models import ApprovalLink
from settlements.selectors.pages import fees_of, kilograms_of, string_of
from settlements.selectors.settlements import charges_of, draws_of, lines_of
from settlements.services.links import (
    LinkClosed,
    agree_by_link,
    disagree_by_link,
    hashed,
    link_of,
    state_of,
)

LANGUAGES = ("ta", "en")
GONE = frozenset({LinkState.AGREED, LinkState.DISAGREED, LinkState.EXPIRED})
"""The link itself is spent; in the other states it is the settlement that has moved on."""


@login_not_required
@require_http_methods(["GET", "POST"])
def farmer_link(request: HttpRequest, token: str) -> HttpResponse:
    """His account, and the two answers. Only a POST with its CSRF token answers; whatever else opens the address,
    a messenger that fetches it for a picture, changes nothing."""
    if _is_too_often(request, token):
        return _bare(request, None, _("Too many attempts. Wait a minute and try again."), 429)
    try:
        link = link_of(token)
    except NotFound:
        return _bare(request, None, _("This link is not known here. Ask the shop for a new one."), 404)
    with override(_language(request, link)):
        if request.method == "POST":
            return _answered(request, token, link)
        state = state_of(link, timezone.now())
        return _account(request, link) if state == LinkState.OPEN else _closed(request, link, state)


def _answered(request: HttpRequest, token: str, link: ApprovalLink) -> HttpResponse:
    form = LinkDisputeForm(request.POST)
    try:
        if request.POST.get("answer") == "yes":
            agree_by_link(token)
            return _bare(request, link, LinkState.AGREED.label, 200, done=True)
        if form.is_valid():
            disagree_by_link(token, form.reason())
            return _bare(request, link, LinkState.DISAGREED.label, 200, done=True)
    except LinkClosed as closed:
        return _closed(request, link, closed.state)
    except RuleBroken:
        # Why the accounts refused it is the shop's business: a day that is closed, money that moved since.
        words = _("The shop must look at this account first. Nothing was changed. Please ask the shop.")
        return _bare(request, link, words, 409)
    state = state_of(link, timezone.now())
    if state != LinkState.OPEN:
        return _closed(request, link, state)
    return _account(request, link, form, status=422)


def _account(
    request: HttpRequest, link: ApprovalLink, form: LinkDisputeForm | None = None, *, status: int = 200
) -> HttpResponse:
    settlement = link.settlement
    lines, charges = list(lines_of(settlement)), list(charges_of(settlement))
    context = {
        **_about(link),
        "settlement": settlement,
        "beads": string_of(settlement, lines),
        "lines": lines,
        "kilograms": kilograms_of(lines),
        "charges": charges,
        "fees": fees_of(charges),
        "draws": list(draws_of(settlement)),
        "own": True,
        "form": form or LinkDisputeForm(),
    }
    return _unseen(render(request, "settlements/link.html", context, status=status))


def _closed(request: HttpRequest, link: ApprovalLink, state: LinkState) -> HttpResponse:
    return _bare(request, link, state.label, 410 if state in GONE else 409, done=state == LinkState.AGREED)


def _bare(
    request: HttpRequest, link: ApprovalLink | None, words: object, status: int, *, done: bool = False
) -> HttpResponse:
    """What happened, and what to do; without a figure."""
    about = _about(link) if link else {}
    context = {**about, "words": words, "done": done}
    return _unseen(render(request, "settlements/link_said.html", context, status=status))


def _about(link: ApprovalLink) -> dict[str, object]:
    return {"farmer": link.settlement.farmer, "shop": link.settlement.shop}


def _unseen(response: HttpResponse) -> HttpResponse:
    """Keep the address to the phone that has it.

    Not `no-referrer`: browsers then send `Origin: null` with the form, which the CSRF check refuses. With
    `strict-origin` other pages and our own files hear the name of the site, and nothing of the address.
    """
    response["Referrer-Policy"] = "strict-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Cache-Control"] = "private, no-store"
    return response


def _language(request: HttpRequest, link: ApprovalLink) -> str:
    """The one he chose on the page, else his own."""
    asked = request.GET.get("lang", "")
    return asked if asked in LANGUAGES else link.settlement.farmer.language


def _is_too_often(request: HttpRequest, token: str) -> bool:
    """Whether this address, or whoever has this link, asks too often. Counted by allauth, as sign-ins are, and in
    the database while Redis is away."""
    usage = consume(
        request,
        app="settlements",
        action="farmer_link",
        config=settings.LINK_RATES,
        key=hashed(token),
        limit_get=True,
    )
    return usage is None
