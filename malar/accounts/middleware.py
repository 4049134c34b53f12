"""Puts the member and the shop on every signed-in request, and speaks his language."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.http import urlencode
from django_htmx.middleware import HtmxDetails

from malar.accounts.models import Membership, Shop, User
from malar.accounts.selectors import memberships_of
from malar.kernel.transactions import through

SHOP_IN_SESSION = "shop"
DOORS_BY_PATH = {"admin": "admin", "sync": "sync"}


class ShopRequest(HttpRequest):
    """A request of a signed-in member, as views receive it."""

    user: User
    memberships: list[Membership]
    member: Membership
    shop: Shop


def member_of_shop(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """`request.member` and `request.shop` from the session; None for strangers. One query.

    `request.memberships` holds all of them, for the switch between shops.

    The API sets its own (authentication.py): it knows the user only after reading the token.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        request.member = request.shop = None  # type: ignore[attr-defined]
        request.memberships = []  # type: ignore[attr-defined]
        if request.path.startswith("/api/"):
            with through("api"):
                return get_response(request)
        user = request.user
        if isinstance(user, User):
            memberships = memberships_of(user)
            chosen = request.session.get(SHOP_IN_SESSION)
            # The shop chosen last, or his first one where he no longer belongs to it.
            member = next((each for each in memberships if str(each.shop_id) == chosen), None)
            member = member or next(iter(memberships), None)
            request.memberships = memberships  # type: ignore[attr-defined]
            if member is not None:
                request.member, request.shop = member, member.shop  # type: ignore[attr-defined]
            translation.activate(user.language)
            request.LANGUAGE_CODE = translation.get_language()
        with through(DOORS_BY_PATH.get(request.path.split("/", 2)[1], "page")):
            return get_response(request)

    return middleware


class SignInOnAPageOfItsOwn(LoginRequiredMiddleware):
    """Sends strangers to sign in. Where htmx asked for a part of a page, the page goes there, not the part:
    a sign-in form within a list is what people fill in wrongly."""

    def handle_no_permission(  # type: ignore[override]  # any answer will do
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase:
        htmx = HtmxDetails(request)
        if not htmx or htmx.boosted:
            return super().handle_no_permission(request, view_func)
        page = htmx.current_url_abs_path or "/"
        where = f"{resolve_url(self.get_login_url(view_func))}?{urlencode({'next': page})}"
        return HttpResponse(status=401, headers={"HX-Redirect": where})
