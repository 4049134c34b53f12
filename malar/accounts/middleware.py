"""Puts the member and the shop on every signed-in request, and speaks his language."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation

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
