"""What nobody understood: who of the shop sees it, sees to it, and takes that back."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, NotFound
from notifications.models import Answer
from notifications.selectors import unanswered
from notifications.services.inbound import see_to, take_inbound
from tests.conftest import page_of
from tests.notifications.fake_twilio import FakeTwilio, fake_twilio, set_up, tells
from tests.notifications.farmers_phone import INBOUND, OTHER, PHONE, comes, fields_of, has

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fake(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def answer(raja: Farmer) -> Answer:
    """Raja writes something that no program understands."""
    has(raja, PHONE)
    return comes(fields_of("நேத்து 5 கிலோ குறைவு", "SMa"))


def shown(client: Client, address: str = "/messages/answers/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_is_seen_seen_to_and_opened_again(answer: Answer, kumar: Membership) -> None:
    clerk = page_of(kumar)
    assert '<span class="badge badge--wait">1</span>' in shown(clerk, "/messages/")
    page = shown(clerk)
    for words in ("நேத்து 5 கிலோ குறைவு", "P. Raja (F014)", f"tel:{PHONE}", "1 answer waits"):
        assert words in page
    address = f"/messages/answers/{answer.pk}/"
    done = clerk.post(address, {"is_done": "yes"})
    assert done["Location"] == f"/messages/answers/?changed={answer.pk}"
    page = shown(clerk, done["Location"])
    assert "நேத்து" not in page
    assert "Undo" in page
    assert "நேத்து" in shown(clerk, "/messages/answers/?show=done")
    answer.refresh_from_db()
    assert (answer.done_by, unanswered(kumar)) == (kumar, 0)
    clerk.post(address, {"is_done": "no"})
    answer.refresh_from_db()
    assert (answer.done_at, answer.done_by, unanswered(kumar)) == (None, None, 1)
    kept = answer.versions.order_by("pgh_id")  # type: ignore[attr-defined]  # keep_history
    assert [each.done_by_id for each in kept] == [None, kumar.pk, None]


@pytest.mark.parametrize(
    "asked", ["?changed=x", "?show=x", "?page=x", "?changed=00000000-0000-0000-0000-000000000000"]
)
def test_whatever_is_asked_it_is_shown(answer: Answer, kumar: Membership, asked: str) -> None:
    assert "நேத்து" in shown(page_of(kumar), f"/messages/answers/{asked}")


def test_what_is_no_choice_changes_nothing(answer: Answer, kumar: Membership) -> None:
    assert page_of(kumar).post(f"/messages/answers/{answer.pk}/", {"is_done": "maybe"}).status_code == 302
    assert unanswered(kumar) == 1


def test_another_shop_neither_sees_nor_touches_it(answer: Answer, devi: Membership, raja: Farmer) -> None:
    assert "நேத்து" not in shown(page_of(devi))
    with pytest.raises(NotFound):
        see_to(by=devi, answer_id=answer.pk, is_done=True)
    assert raja.member is not None
    with pytest.raises(NotAllowed):
        see_to(by=raja.member, answer_id=answer.pk, is_done=True)


def test_a_stranger_is_seen_by_the_only_shop_and_of_several_by_the_houses_keeper(
    kumar: Membership, request: pytest.FixtureRequest
) -> None:
    comes(fields_of("பூ இருக்கு", "SMa", OTHER))
    assert "பூ இருக்கு" in shown(page_of(kumar))
    devi = request.getfixturevalue("devi")
    assert (unanswered(kumar), unanswered(devi)) == (0, 0)
    devi.user.is_superuser = True
    devi.user.save()
    assert unanswered(devi) == 1


def test_whoever_has_the_number_is_named(
    raja: Farmer, lakshmi: Farmer, selvi: Farmer, kumar: Membership
) -> None:
    for farmer in (raja, lakshmi, selvi):
        has(farmer, PHONE)
    assert tells(INBOUND, fields_of("நேத்து 5 கிலோ குறைவு", "SMa")) == 200
    take_inbound()
    page = shown(page_of(kumar))
    assert "P. Raja" in page
    assert "S. Lakshmi" in page
    assert "K. Selvi" not in page


def test_a_picture_without_words_is_shown_as_one(raja: Farmer, kumar: Membership) -> None:
    has(raja, PHONE)
    comes(fields_of("", "SMa", NumMedia="1"))
    assert "No words" in shown(page_of(kumar))
