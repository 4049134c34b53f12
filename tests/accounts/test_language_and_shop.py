"""Which language is spoken and in which shop one works."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.accounts.services import invite_member
from tests.conftest import page_of

LOGIN = "/accounts/login/"


def language_of(client: Client, path: str = LOGIN) -> str:
    page = client.get(path).content.decode()
    return "ta" if '<html lang="ta">' in page else "en"


def test_a_stranger_is_greeted_in_tamil(db: None, client: Client) -> None:
    assert language_of(client) == "ta"


def test_a_stranger_s_choice_is_remembered(db: None, client: Client) -> None:
    answer = client.post("/language/", {"language": "en", "next": LOGIN})
    assert answer.headers["Location"] == LOGIN
    assert language_of(client) == "en"


def test_a_user_s_choice_goes_with_him_to_every_device(kumar: Membership) -> None:
    page_of(kumar).post("/language/", {"language": "ta", "next": "/accounts/email/"})
    assert language_of(page_of(kumar), "/accounts/email/") == "ta"


def test_the_choice_outlives_signing_out(kumar: Membership) -> None:
    client = page_of(kumar)
    client.post("/language/", {"language": "en"})
    client.post("/accounts/logout/")
    assert language_of(client) == "en"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_the_switch_leads_to_no_other_site(db: None, client: Client, elsewhere: str) -> None:
    assert client.post("/language/", {"language": "en", "next": elsewhere}).headers["Location"] == "/"


def test_an_unknown_language_changes_nothing(kumar: Membership) -> None:
    client = page_of(kumar)
    client.post("/language/", {"language": "fr"})
    kumar.user.refresh_from_db()
    assert kumar.user.language == "en"


def test_the_switch_wants_a_token(db: None) -> None:
    answer = Client(enforce_csrf_checks=True).post(
        "/language/", {"language": "en"}, headers={"accept-language": "en"}
    )
    assert answer.status_code == 403
    assert "This page was open for too long" in answer.content.decode()


@pytest.fixture
def meena_of_two(meena: Membership, devi: Membership) -> Membership:
    """Meena helps out in Devi's shop."""
    invite_member(by=devi, contact=meena.user.email or "", name="Meena", role=Role.STAFF)
    return meena


def test_who_has_several_shops_switches_between_them(meena_of_two: Membership, devi: Membership) -> None:
    client = page_of(meena_of_two)
    assert client.get("/accounts/email/").wsgi_request.shop == meena_of_two.shop  # type: ignore[attr-defined]
    assert client.post("/shop/", {"shop": str(devi.shop_id)}).headers["Location"] == "/"
    answer = client.get("/accounts/email/")
    assert answer.wsgi_request.shop == devi.shop  # type: ignore[attr-defined]
    assert "Meena Flowers" in answer.content.decode()  # the way back
    assert client.get("/members/").status_code == 403  # staff there, not owner


def test_who_has_one_shop_is_offered_no_switch(meena: Membership) -> None:
    assert "/shop/" not in page_of(meena).get("/accounts/email/").content.decode()


def test_a_shop_one_left_is_left_at_once(meena_of_two: Membership, devi: Membership) -> None:
    client = page_of(meena_of_two)
    client.post("/shop/", {"shop": str(devi.shop_id)})
    devi.shop.memberships.filter(user=meena_of_two.user).update(is_active=False)
    assert client.get("/accounts/email/").wsgi_request.shop == meena_of_two.shop  # type: ignore[attr-defined]


@pytest.mark.parametrize("whose", ["devi", "nonsense", "unknown"])
def test_nobody_enters_a_shop_he_does_not_belong_to(meena: Membership, devi: Membership, whose: str) -> None:
    chosen = {"devi": str(devi.shop_id), "nonsense": "x", "unknown": str(uuid4())}[whose]
    client = page_of(meena)
    assert client.post("/shop/", {"shop": chosen}).status_code == 404
    assert client.get("/accounts/email/").wsgi_request.shop == meena.shop  # type: ignore[attr-defined]


def test_the_switch_of_shops_costs_no_further_question(
    meena_of_two: Membership, django_assert_num_queries: Any
) -> None:
    client = page_of(meena_of_two)
    with django_assert_num_queries(2):  # user, memberships; the session is cached
        client.get("/accounts/logout/")
