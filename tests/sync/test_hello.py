"""Who is at the tablet."""

import datetime as dt
import json
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, User
from malar.sync.models import Stream
from tests.cast import a_member
from tests.conftest import page_of
from tests.sync.test_ops import Tablet

pytestmark = pytest.mark.django_db

HELLO, REF = "/sync/v1/hello/", "/sync/v1/ref/"


def test_hello_says_who_is_signed_in_where_and_what_time_it_is(kumar: Membership) -> None:
    answer = page_of(kumar).get(HELLO)
    said = answer.json()

    assert answer.status_code == 200
    about_us = {"server_time", "protocol", "min_protocol", "epoch", "app_version", "limits", "open_conflicts"}
    about_us |= {"seal"}
    assert set(said) == {"user", "shop", "csrf", "device", *about_us}
    assert said["user"] == {
        "id": str(kumar.user_id),
        "name": "Kumar",
        "role": "staff",
        "language": "en",
        "pin": None,
    }
    assert (said["shop"], said["protocol"]) == (str(kumar.shop_id), 1)
    assert said["seal"].keys() == {"kid", "jwk"}
    assert "d" not in said["seal"]["jwk"]
    assert said["server_time"].endswith("+05:30")
    assert abs(dt.datetime.fromisoformat(said["server_time"]) - timezone.now()) < dt.timedelta(minutes=1)


def test_the_token_of_hello_opens_the_door_for_writing(kumar: Membership) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(kumar.user)

    def code(**headers: str) -> str:
        answer = browser.post("/api/v1/daily-entries/", "{}", "application/json", headers=headers)
        return str(answer.json()["code"])

    assert code() == "csrf_failed"
    assert code(**{"X-CSRFToken": browser.get(HELLO).json()["csrf"]}) == "idempotency_key_required"


@pytest.mark.parametrize("path", [HELLO, REF])
def test_a_stranger_is_told_so_and_sent_nowhere(db: None, client: Client, path: str) -> None:
    answer = client.get(path)

    assert (answer.status_code, answer.json()) == (401, {"code": "auth_required"})


@pytest.mark.parametrize("path", [HELLO, REF])
def test_a_session_that_has_ended_is_told_so_and_sent_nowhere(kumar: Membership, path: str) -> None:
    client = page_of(kumar)
    assert client.get(path).status_code == 200
    Session.objects.all().delete()
    cache.clear()

    answer = client.get(path)

    assert (answer.status_code, answer.json()) == (401, {"code": "auth_required"})


@pytest.mark.parametrize("path", [HELLO, REF])
def test_a_user_who_may_no_longer_sign_in_is_a_stranger(kumar: Membership, path: str) -> None:
    client = page_of(kumar)
    User.objects.filter(pk=kumar.user_id).update(is_active=False)

    assert client.get(path).status_code == 401


@pytest.mark.parametrize("path", [HELLO, REF])
def test_farmers_and_people_without_a_shop_have_no_counter(
    raja: Farmer, kumar: Membership, path: str
) -> None:
    assert raja.member
    Membership.objects.filter(pk=kumar.pk).update(is_active=False)

    for member in (raja.member, kumar):
        answer = page_of(member).get(path)
        assert (answer.status_code, answer.json()) == (403, {"code": "not_allowed"})


@pytest.mark.parametrize("path", [HELLO, REF, f"{REF}?parts=names"])
def test_every_answer_is_marked_as_ours_and_never_kept(
    kumar: Membership, raja: Farmer, client: Client, path: str
) -> None:
    assert raja.member
    for asked in (page_of(kumar), page_of(raja.member), client):
        answer = asked.get(path)
        assert answer["X-Sync-Protocol"] == "1"
        assert answer["Cache-Control"] == "no-store"
        assert answer["Content-Type"] == "application/json"


def test_a_token_of_the_api_does_not_open_the_tablet_s_door(kumar: Membership, client: Client) -> None:
    answer = client.get(HELLO, headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401


def test_who_has_two_shops_is_in_the_one_he_chose(kumar: Membership, devi: Membership) -> None:
    beside = Membership.objects.create(user=kumar.user, shop=devi.shop, role=Role.STAFF)
    client = page_of(kumar)
    assert client.get(HELLO).json()["shop"] == str(kumar.shop_id)

    client.post("/shop/", {"shop": str(beside.shop_id)})

    assert client.get(HELLO).json()["shop"] == str(beside.shop_id)
    assert client.get(REF).json()["shop"]["id"] == str(beside.shop_id)
    # A header names a shop to programs; here the session says it.
    headers = {"X-Shop": str(kumar.shop_id)}
    assert client.get(HELLO, headers=headers).json()["shop"] == str(beside.shop_id)


def test_the_owner_is_at_the_counter_too(meena: Membership) -> None:
    assert page_of(meena).get(HELLO).json()["user"]["role"] == "admin"


def test_names_are_sent_as_they_are(shop: object, kumar: Membership) -> None:
    selvi = a_member(kumar.shop, "செல்வி", Role.STAFF, language="ta")

    assert page_of(selvi).get(HELLO).json()["user"]["name"] == "செல்வி"


def test_hello_names_the_version_of_the_worker_that_tablets_should_have(kumar: Membership) -> None:
    """Scenario 38: a tablet knows from it that a newer counter is there."""
    told = re.match(r"self\.malarShell = (.*);\n", Client().get("/sw.js").content.decode())
    assert told

    assert page_of(kumar).get(HELLO).json()["app_version"] == json.loads(told[1])["version"]


def test_hello_says_up_to_what_staff_may_lend(kumar: Membership) -> None:
    limits: dict[str, str | None] = {"advance": None, "draw": None, "hand_loan": None}
    assert page_of(kumar).get(HELLO).json()["limits"] == limits

    kumar.shop.advance_limit, kumar.shop.draw_limit = Decimal(5000), Decimal("0")
    kumar.shop.save()

    limits |= {"advance": "5000.00", "draw": "0.00"}
    assert page_of(kumar).get(HELLO).json()["limits"] == limits


# --- The tablet beside the session -------------------------------------------------------------------


@pytest.mark.parametrize("is_secure", [True, False])
def test_a_known_tablet_is_remembered_in_a_cookie_no_script_can_read(
    kumar: Membership, settings: Any, is_secure: bool
) -> None:
    """offline.md, d 69."""
    tablet = Tablet(kumar)
    settings.SESSION_COOKIE_SECURE = is_secure
    assert "device" not in page_of(kumar).get(HELLO).cookies

    for answer in (
        tablet.post("device", {"id": str(tablet.id)}),
        page_of(kumar).get(HELLO, headers={"X-Device-Id": str(tablet.id)}),
    ):
        cookie = answer.cookies["device"]
        assert (cookie.value, cookie["httponly"], cookie["samesite"]) == (str(tablet.id), True, "Lax")
        assert bool(cookie["secure"]) is is_secure
        assert cookie["max-age"] > 300 * 24 * 3600


def test_a_tablet_whose_storage_was_emptied_hears_who_it_is(kumar: Membership, devi: Membership) -> None:
    """Scenario 25: the cookie outlives the storage; another shop's people hear nothing of it."""
    tablet = Tablet(kumar)

    assert tablet.browser.get(HELLO).json()["device"] == {**tablet.answer, "stream": None}
    minted = {"X-Device-Id": str(uuid4())}
    assert tablet.browser.get(HELLO, headers=minted).json()["device"] is None, "it must register"

    tablet.browser.force_login(devi.user)
    assert tablet.browser.get(HELLO).json()["device"] is None
    tablet.browser.cookies["device"] = "x"
    assert tablet.browser.get(HELLO).json()["device"] is None


def left(tablet: Tablet) -> dict[str, bool]:
    """The tablet's queues, and whether their author has another one since."""
    streams = Stream.objects.filter(device=tablet.id)
    return {str(stream.pk): stream.left_at is not None for stream in streams}


@pytest.mark.parametrize("knows_itself", [True, False], ids=["by its id", "by its cookie"])
def test_a_new_queue_of_the_same_author_leaves_the_old_one(kumar: Membership, knows_itself: bool) -> None:
    """Scenario 25."""
    tablet = Tablet(kumar)
    tablet.send()
    tablet.hello()
    first = str(tablet.stream)
    assert left(tablet) == {first: False}, "its own queue"

    headers = {"X-Device-Id": str(tablet.id)} if knows_itself else {}
    tablet.browser.get(HELLO, {"stream": "x"}, headers=headers)
    assert left(tablet) == {first: False}, "no queue was named"
    tablet.browser.get(HELLO, {"stream": str(uuid4())}, headers=headers)
    assert left(tablet) == {first: True}

    tablet.send()
    assert left(tablet) == {first: False}, "it comes after all"


def test_another_author_on_the_same_tablet_leaves_nothing(kumar: Membership, meena: Membership) -> None:
    tablet = Tablet(kumar)
    tablet.send()
    headers = {"X-Device-Id": str(tablet.id)}

    page_of(meena).get(HELLO, {"stream": str(uuid4())}, headers=headers)

    assert left(tablet) == {str(tablet.stream): False}


def test_a_tablet_that_begins_anew_under_another_id_has_left_everybodys_queues(
    kumar: Membership, meena: Membership
) -> None:
    """Scenario 25: the whole storage was emptied."""
    tablet = Tablet(kumar)
    tablet.send()

    tablet.browser.force_login(meena.user)
    tablet.csrf = tablet.hello()["csrf"]
    tablet.post("device", {"id": str(tablet.id)})
    assert left(tablet) == {str(tablet.stream): False}, "the same tablet again"
    tablet.post("device", {"id": str(uuid4())})

    assert left(tablet) == {str(tablet.stream): True}
