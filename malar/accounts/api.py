"""Tokens for programs, and the view for members that the other rooms' operations build on."""

import contextlib
from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.headless.internal.sessionkit import new_session
from allauth.headless.tokens.strategies.jwt import internal as jwt
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from malar.accounts.domain import Role, normal_phone
from malar.accounts.middleware import ShopRequest
from malar.accounts.models import Membership, Shop, User
from malar.accounts.tokens import ShopTokenStrategy
from malar.kernel.drf import Body, NotSignedIn, Text
from malar.kernel.errors import RuleBroken
from malar.kernel.rest import ApiView, ListView, RateLimit, read

PAUSE_AFTER_FAILURES_S = 300
"""allauth's longest window for failed sign-ins (ACCOUNT_RATE_LIMITS): after it there is room again."""


class MemberView(ApiView):
    """An address for members: who asks, and in which shop."""

    @property
    def member(self) -> Membership:
        """The caller's membership of the shop he works in, set by authentication."""
        return cast(ShopRequest, self.request).member

    @property
    def shop(self) -> Shop:
        return self.member.shop


class MemberListView(MemberView, ListView):
    """A list for members."""


class BearerScheme(OpenApiAuthenticationExtension):
    """How the token is described in the OpenAPI document."""

    target_class = "malar.accounts.authentication.TokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


class SessionScheme(OpenApiAuthenticationExtension):
    """How the session is described in the OpenAPI document."""

    target_class = "malar.accounts.authentication.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "Pages and tablets; what changes something also needs the X-CSRFToken header.",
        }


# --- Shapes ---------------------------------------------------------------------------------


class SignIn(Body):
    username = Text(help_text="Mobile number or e-mail address.")
    password = Text(trim_whitespace=False)


class RefreshToken(Body):
    refresh = Text()


class Tokens(serializers.Serializer[Any]):
    access = serializers.CharField(
        help_text="Bearer token for 15 minutes; claims sub, role, shop, iat, exp, jti."
    )
    refresh = serializers.CharField(help_text="For one use within 7 days, at token/refresh/.")


class Me(serializers.Serializer[Any]):
    user = serializers.UUIDField()
    name = serializers.CharField()
    language = serializers.CharField()
    member = serializers.UUIDField()
    role = serializers.ChoiceField(Role.choices)
    shop = serializers.UUIDField()


# --- Operations -----------------------------------------------------------------------------


class AuthLimit(RateLimit):
    """By address: whoever signs in is nobody yet."""

    def budgets(self, request: Request) -> dict[str, int]:
        address = get_adapter().get_client_ip(request._request)
        return {f"auth:{address}": settings.API_RATES["auth"]}


class PublicView(ApiView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = [AuthLimit]


class TokenCreate(PublicView):
    @extend_schema(request=SignIn, responses=Tokens, tags=["auth"], operation_id="token_create")
    def post(self, request: Request) -> Response:
        """Sign in: an access token and a refresh token."""
        said = read(SignIn, request.data)
        user = _signed_in(request._request, said["username"], said["password"])
        return Response(_tokens_for(user))


class TokenRefresh(PublicView):
    @extend_schema(request=RefreshToken, responses=Tokens, tags=["auth"], operation_id="token_refresh")
    def post(self, request: Request) -> Response:
        """A new pair for a refresh token, which is then used up. Using it again ends the new pair too."""
        token = read(RefreshToken, request.data)["refresh"]
        pair = ShopTokenStrategy().refresh_token(token)
        if pair is None:
            # Used twice: one of the two holders has stolen it, and nobody knows which.
            _end_session_of(token)
            raise NotSignedIn(
                _("This token is not valid, or no longer. Sign in again."), code="token_invalid"
            )
        access, refresh = pair
        return Response({"access": access, "refresh": refresh})


class TokenRevoke(PublicView):
    @extend_schema(request=RefreshToken, responses={204: None}, tags=["auth"], operation_id="token_revoke")
    def post(self, request: Request) -> Response:
        """Sign out: this token and every access token that came of it end now. An unknown one is no error."""
        _end_session_of(read(RefreshToken, request.data)["refresh"])
        return Response(status=204)


class WhoAmI(MemberView):
    @extend_schema(responses=Me, tags=["auth"], operation_id="who_am_i")
    def get(self, request: Request) -> Response:
        """Who holds this token, and what he is in which shop."""
        user = self.member.user
        return Response(
            {
                "user": str(user.pk),
                "name": user.name,
                "language": user.language,
                "member": str(self.member.pk),
                "role": self.member.role,
                "shop": str(self.shop.pk),
            }
        )


def _signed_in(request: HttpRequest, username: str, password: str) -> User:
    """The user with that phone or e-mail and password, through allauth and its limits, as on the page."""
    credentials = {"email": username.strip().lower()}
    if "@" not in username:
        # What is no number either is asked for all the same, so that guesses are counted and take as long.
        with contextlib.suppress(ValueError):
            credentials = {"phone": normal_phone(username)}
    try:
        user = get_adapter().authenticate(request, password=password, **credentials)
    except ValidationError as error:
        raise Throttled(PAUSE_AFTER_FAILURES_S, detail=" ".join(error.messages)) from error
    if user is None:
        raise NotSignedIn(_("Number, e-mail or password is wrong."), code="invalid_credentials")
    if not user.is_active:
        raise NotSignedIn(_("This account is closed. Ask the owner of your shop."), code="account_inactive")
    if "email" in credentials and not EmailAddress.objects.is_verified(credentials["email"]):
        raise _Unverified(_("Open the link in the e-mail we sent you first."), code="email_unverified")
    return cast(User, user)


class _Unverified(RuleBroken):
    status = 403


def _tokens_for(user: User) -> dict[str, str]:
    """Tokens on a session of their own, as allauth's app client has them; cookies stay as they are."""
    strategy = ShopTokenStrategy()
    inner = HttpRequest()
    inner.user = AnonymousUser()
    inner.session = new_session()
    login(inner, user, backend="allauth.account.auth_backends.AuthenticationBackend")
    pair = strategy.create_access_token_payload(inner)
    inner.session.save()
    return {"access": pair["access_token"], "refresh": pair["refresh_token"]}


def _end_session_of(token: str) -> None:
    """End the session a refresh token belongs to, used or not; its access tokens end with it."""
    payload = jwt.decode_token(token, "refresh")
    session: SessionBase | None = jwt.get_token_session(payload) if payload else None
    if session is not None:
        session.flush()


urlpatterns = [
    path("auth/token/", TokenCreate.as_view(), name="token_create"),
    path("auth/token/refresh/", TokenRefresh.as_view(), name="token_refresh"),
    path("auth/me/", WhoAmI.as_view(), name="who_am_i"),
    path("auth/token/revoke/", TokenRevoke.as_view(), name="token_revoke"),
]
