"""Signing in as a program: issue, refresh, revoke."""

import base64
import json
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop, User
from tests import cast
from tests.api.calls import NO_KEY, get, post, program_of, tokens_of

pytestmark = pytest.mark.django_db


def sign_in(username: str, password: str = cast.PASSWORD, language: str = "en") -> Any:
    body = {"username": username, "password": password}
    return post(APIClient(), "auth/token/", body, key=NO_KEY, language=language)


def refresh(token: str) -> Any:
    return post(APIClient(), "auth/token/refresh/", {"refresh": token}, key=NO_KEY)


def program_with(access: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def claims_of(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def test_a_token_opens_the_api_and_says_who_and_where(kumar: Membership) -> None:
    tokens = tokens_of(kumar)

    claims = claims_of(tokens["access"])
    assert {"sub", "role", "shop", "iat", "exp", "jti"} <= claims.keys()
    assert (claims["sub"], claims["role"], claims["shop"]) == (
        str(kumar.user_id),
        "staff",
        str(kumar.shop_id),
    )
    assert claims["exp"] - claims["iat"] == 15 * 60
    refresh_claims = claims_of(tokens["refresh"])
    assert refresh_claims["exp"] - refresh_claims["iat"] == 7 * 24 * 3600
    assert get(program_with(tokens["access"]), "farmers/").status_code == 200


def test_a_program_may_ask_who_it_is(kumar: Membership) -> None:
    assert get(program_of(kumar), "auth/me/").json() == {
        "user": str(kumar.user_id),
        "name": "Kumar",
        "language": "en",
        "member": str(kumar.pk),
        "role": "staff",
        "shop": str(kumar.shop_id),
    }


def test_signing_in_sets_no_cookie(kumar: Membership) -> None:
    answer = sign_in(kumar.user.email or "")

    assert answer.status_code == 200
    assert not answer.cookies


def test_a_phone_number_signs_in_as_people_write_it(shop: Shop) -> None:
    user = User.objects.create_user(phone="+919800000014", password=cast.PASSWORD, name="Mani")
    Membership.objects.create(shop=shop, user=user, role=Role.STAFF)

    assert sign_in("98000 00014").status_code == 200


@pytest.mark.parametrize("username", ["meena@example.com", "9800000099", "neither", "", "a@b@c", "x" * 5000])
def test_wrong_names_and_wrong_passwords_are_answered_alike(username: str, kumar: Membership) -> None:
    unknown = sign_in(username)
    wrong = sign_in(kumar.user.email or "", "guess")

    assert (unknown.status_code, unknown.json()["code"]) == (401, "invalid_credentials")
    assert unknown.json() == wrong.json()
    assert unknown["WWW-Authenticate"] == "Bearer"


def test_a_closed_account_does_not_sign_in_and_its_tokens_end(kumar: Membership) -> None:
    tokens = tokens_of(kumar)
    User.objects.filter(pk=kumar.user_id).update(is_active=False)

    assert (sign_in(kumar.user.email or "").status_code, refresh(tokens["refresh"]).status_code) == (401, 401)
    assert get(program_with(tokens["access"]), "farmers/").status_code == 401


def test_an_address_nobody_has_verified_does_not_sign_in(kumar: Membership) -> None:
    EmailAddress.objects.filter(user=kumar.user).update(verified=False)

    answer = sign_in(kumar.user.email or "")

    assert (answer.status_code, answer.json()["code"]) == (403, "email_unverified")


def test_a_missing_password_cannot_be_read(db: None) -> None:
    answer = post(APIClient(), "auth/token/", {"username": "meena@example.com"}, key=NO_KEY)

    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"pointer": "/password", "code": "required", "detail": "This field is required."}
    ]


def test_refreshing_gives_a_new_pair_and_uses_the_old_token_up(kumar: Membership) -> None:
    first = tokens_of(kumar)

    second = refresh(first["refresh"])
    assert second.status_code == 200
    assert get(program_with(second.json()["access"]), "farmers/").status_code == 200

    again = refresh(first["refresh"])
    assert (again.status_code, again.json()["code"]) == (401, "token_invalid")


def test_a_refresh_token_used_twice_ends_what_came_of_it(kumar: Membership) -> None:
    first, other = tokens_of(kumar), tokens_of(kumar)
    second = refresh(first["refresh"]).json()

    refresh(first["refresh"])

    assert refresh(second["refresh"]).status_code == 401
    assert get(program_with(second["access"]), "farmers/").status_code == 401
    # His other device signed in by itself and stays.
    assert get(program_with(other["access"]), "farmers/").status_code == 200


def test_revoking_signs_out_at_once(kumar: Membership) -> None:
    tokens = tokens_of(kumar)

    answer = post(APIClient(), "auth/token/revoke/", {"refresh": tokens["refresh"]}, key=NO_KEY)

    assert answer.status_code == 204
    assert get(program_with(tokens["access"]), "farmers/").status_code == 401
    assert refresh(tokens["refresh"]).status_code == 401
    assert post(APIClient(), "auth/token/revoke/", {"refresh": "nonsense"}, key=NO_KEY).status_code == 204


def test_tokens_run_out(kumar: Membership) -> None:
    tokens = tokens_of(kumar)
    started = claims_of(tokens["access"])["iat"]

    with time_machine.travel(started + 15 * 60 + 1, tick=False):
        late = get(program_with(tokens["access"]), "farmers/")
        assert (late.status_code, late.json()["code"]) == (401, "token_invalid")
        assert refresh(tokens["refresh"]).status_code == 200
    with time_machine.travel(started + 7 * 24 * 3600 + 1, tick=False):
        assert refresh(tokens["refresh"]).status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Bearer a.b.c", "Basic bWVlbmE6eA=="])
def test_whoever_is_not_signed_in_is_asked_to(header: str, db: None) -> None:
    client = APIClient()
    if header:
        client.credentials(HTTP_AUTHORIZATION=header)

    answer = get(client, "farmers/")

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"


def test_a_refresh_token_is_no_access_token(kumar: Membership) -> None:
    assert get(program_with(tokens_of(kumar)["refresh"]), "farmers/").status_code == 401


def test_guessing_is_stopped_by_the_limit_of_the_sign_in_page(kumar: Membership, settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "3/5m/key"}
    for _ in range(3):
        assert sign_in(kumar.user.email or "", "guess").status_code == 401

    # Now even the right password waits.
    answer = sign_in(kumar.user.email or "")

    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert answer["Retry-After"] == "300"


def test_a_session_needs_its_csrf_token_to_write(kumar: Membership) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(kumar.user)
    assert browser.get("/api/v1/farmers/").status_code == 200

    answer = browser.post("/api/v1/farmers/", {}, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")


def test_who_belongs_to_several_shops_names_one(kumar: Membership, devi: Membership) -> None:
    Membership.objects.create(shop=devi.shop, user=kumar.user, role=Role.STAFF)
    program = program_of(kumar)

    unnamed = get(program, "farmers/")
    named = get(program, "farmers/", X_Shop=str(devi.shop_id))

    assert (unnamed.status_code, unnamed.json()["code"]) == (400, "shop_required")
    assert named.status_code == 200


def test_somebody_elses_shop_is_closed(kumar: Membership, devi: Membership) -> None:
    program = program_of(kumar)

    foreign = get(program, "farmers/", X_Shop=str(devi.shop_id))
    garbled = get(program, "farmers/", X_Shop="mine")

    assert (foreign.status_code, foreign.json()["code"]) == (403, "not_a_member")
    assert (garbled.status_code, garbled.json()["code"]) == (400, "shop_invalid")


def test_whoever_left_the_shop_is_out_at_once(kumar: Membership) -> None:
    program = program_of(kumar)
    Membership.objects.filter(pk=kumar.pk).update(is_active=False)

    assert get(program, "farmers/").status_code == 403
