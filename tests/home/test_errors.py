"""What is shown when something goes wrong."""

from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.shortcuts import render
from django.test import Client, RequestFactory
from django.utils import translation

from malar.accounts.models import Membership
from malar.home import errors
from malar.kernel.errors import RuleBroken
from malar.urls import server_error
from tests.conftest import page_of


def test_an_unknown_address_says_so_inside_the_shop_s_own_page(kumar: Membership) -> None:
    answer = page_of(kumar).get("/no-such-page/")
    assert answer.status_code == 404
    page = answer.content.decode()
    assert "There is no such page" in page
    assert "/app/" in page  # the way on


def test_an_unknown_address_for_a_stranger_shows_no_shop(db: None, client: Client) -> None:
    answer = client.get("/no-such-page/", headers={"accept-language": "en"})
    assert answer.status_code == 404
    assert 'id="nav"' not in answer.content.decode()


def test_programs_get_a_problem_instead_of_a_page(db: None, client: Client) -> None:
    answer = client.get("/api/v1/no-such-thing/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    answer = server_error(RequestFactory().get("/api/v1/farmers/"))  # type: ignore[assignment]
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")


def test_our_own_mistake_is_admitted_without_asking_the_database(
    kumar: Membership, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        answer = server_error(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "It is our mistake, not yours." in answer.content.decode()


def test_a_view_that_breaks_shows_that_page(kumar: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    client = page_of(kumar)
    client.raise_request_exception = False
    monkeypatch.setattr("malar.accounts.views.speak", broken)
    answer = client.post("/language/", {"language": "en"})
    assert answer.status_code == 500
    assert "It is our mistake, not yours." in answer.content.decode()
    assert not connection.needs_rollback


def test_a_request_that_makes_no_sense_is_told_so() -> None:
    answer = errors.bad_request(RequestFactory().get("/"))
    assert answer.status_code == 400
    assert "Nothing was changed." in answer.content.decode()


def test_a_host_we_do_not_serve_gets_the_same_page(db: None, client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["malar.example"]
    answer = client.get("/accounts/login/", headers={"host": "evil.example", "accept-language": "en"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "page", ["400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html"]
)
@pytest.mark.parametrize("language", ["ta", "en"])
def test_each_page_speaks_the_reader_s_language(db: None, client: Client, page: str, language: str) -> None:
    request = client.get("/accounts/login/").wsgi_request
    with translation.override(language):
        answer = render(request, page)
    assert f'<html lang="{language}">' in answer.content.decode()


def test_a_rule_that_says_no_gets_a_page_or_above_the_page_a_line(meena: Membership) -> None:
    refuse = patch("malar.accounts.views.member_of", side_effect=RuleBroken("Not today.", code="not_today"))
    client = page_of(meena)
    with refuse:
        page = client.get(f"/members/{meena.pk}/")
        line = client.get(f"/members/{meena.pk}/", headers={"hx-request": "true"})
    assert (page.status_code, line.status_code) == (422, 422)
    assert "<h1>That is not possible</h1>" in page.content.decode()
    assert "HX-Retarget" not in page.headers
    assert line.headers["HX-Retarget"] == "#messages"
    assert "<html" not in line.content.decode()
    assert all("Not today." in answer.content.decode() for answer in (page, line))
