"""Who calls the API: a bearer token, or the session of a page of ours. Sets member and shop."""

from typing import Any
from uuid import UUID

from allauth.headless.contrib.rest_framework.authentication import JWTTokenAuthentication
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from malar.accounts.models import User
from malar.accounts.selectors import memberships_of


class UnknownShop(exceptions.PermissionDenied):
    """The caller is not a member of the shop he named, or of any."""

    default_detail = _("You do not belong to this shop.")
    default_code = "not_a_member"


class ShopNotNamed(exceptions.ParseError):
    """The caller has several shops and did not say which one he means."""

    default_detail = _("You belong to several shops. Name one in the X-Shop header.")
    default_code = "shop_required"


class ShopUnreadable(exceptions.ParseError):
    """X-Shop holds no UUID."""

    default_detail = _("The X-Shop header is not a UUID.")
    default_code = "shop_invalid"


class CsrfFailed(exceptions.PermissionDenied):
    """A session came without the token that shows it was one of our own pages that called."""

    default_detail = _("The page is too old or not ours. Reload it and try again.")
    default_code = "csrf_failed"


def attach_member(request: HttpRequest, user: User) -> None:
    """Set `member` and `shop`: the shop named by X-Shop, or the caller's only one.

    Raises UnknownShop for a shop he does not belong to, ShopNotNamed when he has to name one,
    ShopUnreadable for a name that is no UUID.
    """
    memberships = memberships_of(user)
    named = _shop_named(request)
    if named is None and len(memberships) > 1:
        raise ShopNotNamed
    member = next((m for m in memberships if named is None or m.shop_id == named), None)
    if member is None:
        raise UnknownShop
    request.member, request.shop = member, member.shop  # type: ignore[attr-defined]


def _shop_named(request: HttpRequest) -> UUID | None:
    named = request.headers.get("X-Shop")
    try:
        return UUID(named) if named is not None else None
    except ValueError as error:
        raise ShopUnreadable from error


class TokenAuthentication(JWTTokenAuthentication):
    """`Authorization: Bearer …`, allauth's access token."""

    def authenticate_credentials(self, key: str) -> tuple[Any, Any]:
        try:
            user, payload = super().authenticate_credentials(key)
        except exceptions.AuthenticationFailed as error:
            raise exceptions.AuthenticationFailed(
                _("The access token is not valid, or no longer. Sign in again."), code="token_invalid"
            ) from error
        return user, payload

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        result: tuple[Any, Any] | None = super().authenticate(request)
        if result is not None:
            if not result[0].is_active:
                raise exceptions.AuthenticationFailed
            attach_member(request._request, result[0])
        return result

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SessionAuthentication(authentication.SessionAuthentication):
    """The session cookie with CSRF. An expired session is 401, so that a tablet knows to ask for sign-in."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        result = super().authenticate(request)
        if result is not None:
            attach_member(request._request, result[0])
        return result

    def enforce_csrf(self, request: Request) -> None:
        try:
            super().enforce_csrf(request)
        except exceptions.PermissionDenied as error:
            raise CsrfFailed from error

    def authenticate_header(self, request: Request) -> str:
        return "Session"
