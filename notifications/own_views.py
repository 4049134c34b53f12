"""A farmer's own doors: signing in by a code to his number, and what he wants to be told."""

import datetime as dt
from uuid import UUID

from allauth.core.internal.ratelimit import consume
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ledger.models import Farmer
from ledger.selectors.farmers import farmer_of, farmers_by_phone
from malar.accounts.access import member_required
from malar.accounts.domain import Role
from malar.accounts.middleware import ShopRequest
from malar.kernel.htmx import render_page, wants_fragment
from notifications.domain import CODE_VALID_FOR
from notifications.forms import AskCodeForm, GiveCodeForm, WhoForm, WishesForm
from notifications.selectors import takes_either, wants_messages, wishes_of
from notifications.services.sign_in import ask_code, give_code, user_who_signs_in
from notifications.services.wishes import change_wishes

ASKED = "code_asked"
"""In the session: the number to which a code was sent, perhaps."""
PROVED = "code_proved"
"""In the session: the number whose code was right, and when."""


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def code_ask(request: HttpRequest) -> HttpResponse:
    """A farmer says his number. Whoever does is sent on, and a code goes out where the number is a farmer's."""
    if request.user.is_authenticated:
        return redirect("home:board")
    form = AskCodeForm(request.POST or None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        phone = form.cleaned_data["phone"]
        if not _is_too_often(request, "ask_code", phone):
            ask_code(phone=phone)
            request.session[ASKED] = phone
            return redirect("notifications:code_give")
        form.add_error(None, _("Too many codes were asked for. Wait ten minutes and try again."))
        status = 429
    return render(request, "notifications/code_ask.html", {"form": form}, status=status)


@login_not_required
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code_give(request: HttpRequest) -> HttpResponse:
    """He types the code. What is wrong with it is not told apart: it would say whether the number is known."""
    phone = request.session.get(ASKED)
    if phone is None:
        return redirect("notifications:code_ask")
    form = GiveCodeForm(request.POST or None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        if _is_too_often(request, "give_code"):
            form.add_error("code", _("Too many attempts. Wait a minute and try again."))
            status = 429
        elif give_code(phone=phone, said=form.cleaned_data["code"]):
            del request.session[ASKED]
            request.session[PROVED] = [phone, timezone.now().timestamp()]
            return _signed_in(request, phone)
        else:
            form.add_error(
                "code",
                _(
                    "This code is not right, or too old. After five wrong ones, or ten minutes, ask for another."
                ),
            )
    context = {"form": form, "phone": phone}
    return render(request, "notifications/code_give.html", context, status=status)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def code_who(request: HttpRequest) -> HttpResponse:
    """Where one phone is several farmers', he says which of them he is."""
    phone, at = request.session.get(PROVED, ("", 0))
    if timezone.now() - dt.datetime.fromtimestamp(at, dt.UTC) > CODE_VALID_FOR:
        return redirect("notifications:code_ask")
    farmers = farmers_by_phone(phone)
    form = WhoForm(request.POST or None, farmers=farmers)
    if form.is_valid():
        return _as(request, phone, form.cleaned_data["farmer"])
    status = 422 if form.is_bound else 200
    return render(request, "notifications/code_who.html", {"form": form, "farmers": farmers}, status=status)


def _signed_in(request: HttpRequest, phone: str) -> HttpResponse:
    """At his own page, or at the question which of several he is."""
    farmers = farmers_by_phone(phone)
    if len(farmers) == 1:
        return _as(request, phone, farmers[0].pk)
    return redirect("notifications:code_who")


def _as(request: HttpRequest, phone: str, farmer_id: UUID) -> HttpResponse:
    user = user_who_signs_in(phone=phone, farmer_id=farmer_id)
    request.session.pop(PROVED, None)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect("home:board")


def _is_too_often(request: HttpRequest, action: str, key: str = "") -> bool:
    """Whether this address asks too often, or somebody for this number. Counted as sign-ins are, and in the database
    while Redis is away."""
    usage = consume(request, app="notifications", action=action, config=settings.CODE_RATES, key=key)
    return usage is None


# --- What he wants to be told -----------------------------------------------------------------------


@member_required(Role.FARMER)
@require_http_methods(["GET", "HEAD", "POST"])
def wishes(request: ShopRequest, farmer_id: UUID) -> HttpResponse:
    """Which messages a farmer wants, and in which language: he says it, or staff for him. Each choice is so at once."""
    farmer = farmer_of(request.member, farmer_id)
    own = request.member.role == Role.FARMER
    context = {"farmer": farmer, "own": own}
    if request.method == "POST":
        form = WishesForm(request.POST)
        if form.is_valid():
            before = said_by(farmer)
            change_wishes(by=request.member, farmer=farmer, **form.said())
            farmer.refresh_from_db()
            if own and form.cleaned_data["language"]:
                return _anew(request, farmer)
            return _saved(request, farmer, before, context)
        return render_page(request, "notifications/wishes.html", context | _choices(farmer), status=422)
    return render_page(request, "notifications/wishes.html", context | _choices(farmer), fragment="choices")


def _anew(request: ShopRequest, farmer: Farmer) -> HttpResponse:
    """The whole page in the language he has chosen."""
    translation.activate(farmer.language)
    messages.success(request, _("Saved."))
    return HttpResponse(headers={"HX-Refresh": "true"}) if wants_fragment(request) else redirect(request.path)


def _saved(
    request: ShopRequest, farmer: Farmer, before: dict[str, str], context: dict[str, object]
) -> HttpResponse:
    """The choices as they are now, and the way back."""
    if not wants_fragment(request):
        messages.success(request, _("Saved."))
        return redirect(request.path)
    now = said_by(farmer)
    undo = {name: value for name, value in before.items() if now[name] != value}
    context |= _choices(farmer) | {"undo": undo, "is_saved": True}
    return render_page(request, "notifications/wishes.html", context, fragment="choices")


def said_by(farmer: Farmer) -> dict[str, str]:
    """All that the page can change, by the names of its fields."""
    kinds = {str(kind): _yes(is_wanted) for kind, is_wanted in wishes_of(farmer).items()}
    said = {"messages": _yes(wants_messages(farmer)), "either": _yes(takes_either(farmer))}
    return {**said, "language": farmer.language, **kinds}


def _choices(farmer: Farmer) -> dict[str, object]:
    wanted = wishes_of(farmer)
    groups = [
        (title, [(kind, words, wanted[kind]) for kind, words in kinds.items()])
        for title, kinds in WishesForm.GROUPS
    ]
    return {
        "groups": groups,
        "wants_messages": wants_messages(farmer),
        "takes_either": takes_either(farmer),
    }


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
