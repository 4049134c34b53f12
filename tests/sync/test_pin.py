"""The PIN of a tablet's lock, as the server knows it: a hash, and how often it was guessed wrong."""

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from django.urls import reverse

from malar.accounts.models import Membership
from tests.sync.test_ops import Tablet

pytestmark = pytest.mark.django_db

PASSWORD = "flowers at four"


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    kumar.user.set_password(PASSWORD)
    kumar.user.save()
    return Tablet(kumar)


def choose(tablet: Tablet, pin: str, password: str = PASSWORD) -> tuple[int, dict[str, str]]:
    answer = tablet.post("pin", {"pin": pin, "password": password})
    return answer.status_code, answer.json()


def guess(tablet: Tablet, pin: str) -> tuple[int, dict[str, str]]:
    answer = tablet.post("pin/check", {"pin": pin})
    return answer.status_code, answer.json()


def test_only_a_hash_is_kept_and_hello_says_which_pin_it_is(tablet: Tablet, kumar: Membership) -> None:
    assert tablet.hello()["user"]["pin"] is None
    status, said = choose(tablet, "2580")
    kumar.user.refresh_from_db()
    assert (status, said) == (200, {"pin": str(kumar.user.pin_id)})
    assert "2580" not in kumar.user.pin
    assert identify_hasher(kumar.user.pin)
    assert tablet.hello()["user"]["pin"] == said["pin"]


def test_the_same_again_stays_the_same_pin_and_another_is_another(tablet: Tablet) -> None:
    first = choose(tablet, "2580")
    assert choose(tablet, "2580") == first
    assert choose(tablet, "25801") != first


def test_without_the_password_nobody_chooses_one(tablet: Tablet, kumar: Membership) -> None:
    status, said = choose(tablet, "2580", "flowers at five")
    assert (status, said["code"], said["pointer"]) == (422, "password_wrong", "/password")
    kumar.user.refresh_from_db()
    assert (kumar.user.pin, kumar.user.pin_id) == ("", None)


@pytest.mark.parametrize(
    ("pin", "code"),
    [
        ("258", "pin_shape"),
        ("2580258", "pin_shape"),
        ("25 80", "pin_shape"),
        ("௨௫௮௦", "pin_shape"),
        ("4444", "pin_easy"),
        ("1234", "pin_easy"),
        ("654321", "pin_easy"),
    ],
)
def test_what_is_no_pin_or_everybodys(tablet: Tablet, pin: str, code: str) -> None:
    status, said = choose(tablet, pin)
    assert (status, said["code"], said["pointer"]) == (422, code, "/pin")


def test_five_wrong_guesses_and_the_right_one_helps_no_more(tablet: Tablet) -> None:
    choose(tablet, "2580")
    assert guess(tablet, "2580")[0] == 200
    codes = [guess(tablet, "1111")[1]["code"] for _ in range(5)]
    assert codes == ["pin_wrong"] * 4 + ["pin_spent"]
    assert guess(tablet, "2580") == (422, {"code": "pin_spent"})


def test_a_right_one_and_a_sign_in_forget_the_wrong_ones(tablet: Tablet, kumar: Membership) -> None:
    choose(tablet, "2580")
    for _ in range(4):
        guess(tablet, "1111")
    assert guess(tablet, "2580")[0] == 200
    for _ in range(5):
        guess(tablet, "1111")
    browser = Client()
    said = {"login": kumar.user.email or kumar.user.phone, "password": PASSWORD}
    assert browser.post(reverse("account_login"), said).status_code == 302
    assert guess(tablet, "2580")[0] == 200


def test_nobody_without_a_pin_has_guessed_it(tablet: Tablet) -> None:
    assert guess(tablet, "") == (422, {"code": "pin_wrong"})
    assert guess(tablet, "2580") == (422, {"code": "pin_wrong"})


def test_what_is_no_request_of_ours_is_said(tablet: Tablet) -> None:
    assert tablet.post("pin", {"pin": "2580"}).status_code == 400
    assert tablet.post("pin", "{").status_code == 400
