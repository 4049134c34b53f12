"""The rate board as pages: with and without JavaScript, in both languages, and on the wall."""

import datetime as dt
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower, MarketRate, TimeSlot
from tests.cast import a_flower, a_member, a_slot, at, called, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

BOARD, WALL = "/pricing/rates/", "/pricing/rates/wall/"
MORNING = at("2026-03-06", "05:52")


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    """Shortly before six, and time goes on."""
    with time_machine.travel(MORNING):
        yield


def html(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def words(response: Any) -> str:
    """What stands on the page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def name_of(flower: Flower, slot: TimeSlot | None = None) -> str:
    """What a place is called in the form."""
    return f"rate-{flower.code}-{f'{slot.start:%H%M}' if slot else 'called'}"


def sent(*rates: tuple[Flower, str], **more: str) -> dict[str, str]:
    return {"key": str(uuid4()), **{name_of(flower): rate for flower, rate in rates}, **more}


def ago(minutes: int) -> dt.datetime:
    return timezone.now() - dt.timedelta(minutes=minutes)


# --- Reading ---------------------------------------------------------------------------------


def test_it_shows_the_rate_in_force_since_when_and_what_it_was(
    meena: Membership, kumar: Membership, jasmine: Flower, lotus: Flower
) -> None:
    called(jasmine, "880", ago(60 * 24), meena)
    called(jasmine, "900", ago(10), meena)
    shown = words(page_of(kumar).get(BOARD))

    assert "₹900" in shown
    assert "Called at 5:42 am" in shown
    assert "Yesterday at this time ₹880. In 7 days always ₹880." in shown
    assert "No rate yet." not in shown, "that is for fields only"


def test_the_chosen_flower_stands_large_and_is_chosen_by_a_link(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    called(lotus, "12", ago(1), meena)
    shown = html(page_of(meena).get(BOARD, {"flower": str(lotus.pk)}))
    assert "<span data-hero>₹12</span>" in shown
    assert f'href="?flower={jasmine.pk}"' in shown
    # Whatever else is asked for, the first flower stands there.
    assert "<span data-hero>–</span>" in html(page_of(meena).get(BOARD, {"flower": "nothing"}))


def test_without_a_call_the_slot_s_rate_stands_large(meena: Membership, jasmine: Flower) -> None:
    slot = a_slot(meena.shop, "05:30", "07:00")
    page = page_of(meena)
    page.post(BOARD, {"key": str(uuid4()), name_of(jasmine, slot): "640"})
    shown = html(page.get(BOARD))
    assert "<span data-hero>₹640</span>" in shown
    assert re.search(r"data-where>\s*05:30 rate\s*</p>", shown)
    assert 'class="grid__now" aria-current="time"' in shown


def test_staff_read_the_board_and_are_told_who_publishes(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    assert raja.member is not None
    page = page_of(kumar)
    shown = page.get(BOARD)
    assert "data-place" not in html(shown)
    assert "The owner publishes the rates." in words(shown)
    assert page.post(BOARD, sent((jasmine, "900"))).status_code == 403
    assert page_of(raja.member).get(BOARD).status_code == 403
    assert page_of(raja.member).get(WALL).status_code == 403
    assert MarketRate.objects.count() == 0


def test_a_board_without_flowers_or_slots_leads_the_owner_to_the_office(
    meena: Membership, kumar: Membership
) -> None:
    assert 'href="/admin/pricing/flower/add/"' in html(page_of(meena).get(BOARD))
    assert "/admin/" not in html(page_of(kumar).get(BOARD))
    a_flower(meena.shop, "MAL", "மல்லி", "Jasmine")
    assert 'href="/admin/pricing/timeslot/add/"' in html(page_of(meena).get(BOARD))
    a_slot(meena.shop, "04:00", "06:00")
    assert 'href="/admin/pricing/timeslot/add/"' not in html(page_of(meena).get(BOARD))


def test_a_tamil_reader_reads_tamil(meena: Membership, jasmine: Flower) -> None:
    owner = a_member(meena.shop, "Ponni", Role.ADMIN, language="ta")
    called(jasmine, "880", ago(60 * 24), meena)
    called(jasmine, "900", ago(10), meena)
    shown = page_of(owner).get(BOARD)
    assert "காலை 5:42-க்குச் சொன்ன விலை" in words(shown)
    assert "நேற்று இதே நேரம் ₹880." in words(shown)
    assert 'aria-label="மல்லிகை: புதிதாகச் சொல்லும் விலை, ₹"' in html(shown)


def test_today_s_calls_are_listed_with_who_made_them(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "777", ago(60 * 24 * 3), meena)
    called(jasmine, "900", ago(10), meena)
    called(jasmine, "820", ago(1), meena)
    shown = html(page_of(meena).get(BOARD))
    calls = shown[shown.index("Published today") :]
    assert re.findall(r"₹[\d,.]+", calls) == ["₹820", "₹900"]
    assert "Meena" in calls


def test_more_flowers_slots_and_calls_cost_no_more_queries(meena: Membership, jasmine: Flower) -> None:
    page = page_of(meena)

    def queries(address: str) -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            page.get(address)
        return len(captured)

    called(jasmine, "900", ago(10), meena)
    few = queries(BOARD), queries(WALL)
    a_slot(meena.shop, "04:00", "06:00")
    for number in range(3):
        flower = a_flower(meena.shop, f"F{number}", f"பூ {number}", f"Flower {number}")
        called(flower, "900", ago(10), meena)
        called(flower, "920", ago(5), meena)
    assert (queries(BOARD), queries(WALL)) == few


# --- Publishing, as a browser without JavaScript does -----------------------------------------


def test_the_owner_publishes_several_rates_at_once_and_everybody_sees_them(
    meena: Membership, kumar: Membership, jasmine: Flower, lotus: Flower
) -> None:
    staff = page_of(kumar)
    assert "₹1,450" not in html(staff.get(BOARD))
    answer = page_of(meena).post(BOARD, sent((jasmine, "1,450.00"), (lotus, "12.50")), follow=True)
    told = words(answer)
    assert "Jasmine called rate: ₹1,450 from 5:52 am" in told
    assert "Lotus called rate: ₹12.50 from 5:52 am" in told
    assert "₹1,450" in html(staff.get(BOARD))
    assert "from 5:52 am" not in words(page_of(meena).get(BOARD)), "said once"


def test_afterwards_it_says_who_keeps_the_old_rate_and_offers_it_again(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    called(jasmine, "700", ago(30), meena)
    recorded(kumar, raja, jasmine, captured_at=ago(20))
    recorded(kumar, raja, jasmine, captured_at=ago(10))
    page = page_of(meena)
    answer = page.post(BOARD, sent((jasmine, "640")), follow=True)
    assert "2 entries of today keep their rate." in words(answer)

    again = re.search(r'name="answer" value="([^"]+)">Publish ₹700 again<', html(answer))
    assert again
    page.post(BOARD, {"key": str(uuid4()), "answer": again[1]})
    assert list(MarketRate.objects.order_by("effective_from").values_list("rate", flat=True)) == [
        700,
        640,
        700,
    ]


def test_the_same_form_twice_publishes_once_and_says_the_same(meena: Membership, jasmine: Flower) -> None:
    page, form = page_of(meena), sent((jasmine, "900"))
    first, again = (words(page.post(BOARD, form, follow=True)) for _each in range(2))
    assert MarketRate.objects.count() == 1
    assert "Jasmine called rate: ₹900" in first
    assert "Jasmine called rate: ₹900" in again


def test_a_form_of_before_with_other_rates_says_so_and_publishes_the_next_time(
    meena: Membership, jasmine: Flower
) -> None:
    page, form = page_of(meena), sent((jasmine, "900"))
    page.post(BOARD, form)
    answer = page.post(BOARD, form | {name_of(jasmine): "910"})
    assert answer.status_code == 422
    key = re.search(r'name="key" value="([^"]+)"', html(answer))
    assert key
    assert page.post(BOARD, form | {name_of(jasmine): "910", "key": key[1]}).status_code == 302
    assert MarketRate.objects.count() == 2


def test_a_rate_can_be_published_for_another_moment(meena: Membership, jasmine: Flower) -> None:
    page = page_of(meena)
    page.post(BOARD, sent((jasmine, "700"), effective_from="2099-01-01T05:30"))
    assert MarketRate.objects.get().effective_from.isoformat() == "2099-01-01T00:00:00+00:00"
    assert "<span data-hero>–</span>" in html(page.get(BOARD))


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("nine", "Enter a number, for example 12.5."),
        ("-5", "A rate cannot be below zero."),
        ("9.005", "A rate has at most two decimals."),
        ("", "Type at least one rate."),
    ],
)
def test_what_is_refused_is_said_nothing_is_published_and_what_was_typed_stays(
    meena: Membership, jasmine: Flower, lotus: Flower, rate: str, said: str
) -> None:
    typed = sent((jasmine, rate), (lotus, "12")) if rate else sent()
    answer = page_of(meena).post(BOARD, typed)
    assert answer.status_code == 422
    assert said in words(answer)
    assert MarketRate.objects.count() == 0
    if rate:
        assert f'name="{name_of(jasmine)}" value="{rate}"' in html(answer)
        assert f'name="{name_of(lotus)}" value="12"' in html(answer)
        assert f'href="#id_{name_of(jasmine)}"' in html(answer)


def test_another_shop_s_places_are_not_read(meena: Membership, jasmine: Flower, mullai: Flower) -> None:
    page = page_of(meena)
    assert page.post(BOARD, sent((mullai, "900"))).status_code == 422
    assert "Mullai" not in html(page.get(BOARD))
    assert MarketRate.objects.count() == 0


# --- The question ----------------------------------------------------------------------------


def answers(response: Any) -> dict[str, str]:
    """The answers a page offers: their words and what they send, the likely one first."""
    found = re.findall(r'name="answer" value="([^"]+)"><b>[^<]+</b><span>([^<]+)</span>', html(response))
    return {said: value for value, said in found}


def hidden(response: Any) -> list[str]:
    return re.findall(r'name="sure" value="([^"]+)"', html(response))


def test_a_rate_far_from_yesterday_s_is_asked_about_in_place_and_nothing_is_published(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    called(jasmine, "700", ago(60 * 24), meena)
    answer = page_of(meena).post(BOARD, sent((jasmine, "6400"), (lotus, "12")))
    assert answer.status_code == 422
    assert "₹6,400 for Jasmine?" in words(answer)
    assert list(answers(answer)) == ["Change to ₹640", "₹6,400 is right"]
    assert f'name="{name_of(lotus)}" value="12"' in html(answer)
    assert MarketRate.objects.count() == 1


@pytest.mark.parametrize(("answer", "rate"), [("Change to ₹640", 640), ("₹6,400 is right", 6400)])
def test_either_answer_publishes_everything(
    meena: Membership, jasmine: Flower, lotus: Flower, answer: str, rate: int
) -> None:
    called(jasmine, "700", ago(60 * 24), meena)
    page, form = page_of(meena), sent((jasmine, "6400"), (lotus, "12"))
    asked = answers(page.post(BOARD, form))
    assert page.post(BOARD, form | {"answer": asked[answer]}).status_code == 302
    assert MarketRate.objects.get(flower=jasmine, effective_from__gte=ago(1)).rate == rate
    assert MarketRate.objects.filter(flower=lotus).exists()


def test_a_rate_no_slip_explains_is_likely_right_and_can_be_taken_back(
    meena: Membership, jasmine: Flower
) -> None:
    called(jasmine, "700", ago(60 * 24), meena)
    called(jasmine, "650", ago(60), meena)
    page, form = page_of(meena), sent((jasmine, "1500"))
    asked = answers(page.post(BOARD, form))
    assert list(asked) == ["₹1,500 is right", "Keep ₹650"]
    kept = page.post(BOARD, form | {"answer": asked["Keep ₹650"]})
    assert kept.status_code == 302
    assert MarketRate.objects.count() == 2


def test_two_doubtful_rates_are_asked_about_one_after_the_other(
    meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    called(jasmine, "700", ago(60 * 24), meena)
    called(lotus, "10", ago(60 * 24), meena)
    page, form = page_of(meena), sent((jasmine, "1500"), (lotus, "30"))
    first = page.post(BOARD, form)
    second = page.post(BOARD, form | {"answer": answers(first)["₹1,500 is right"]})
    assert second.status_code == 422
    assert "₹30 for Lotus?" in words(second)
    done = page.post(BOARD, form | {"sure": hidden(second), "answer": answers(second)["₹30 is right"]})
    assert done.status_code == 302


def test_an_answer_is_good_for_its_own_rate_only(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "700", ago(60 * 24), meena)
    page = page_of(meena)
    for sure in (f"{name_of(jasmine)}=1500", f"{name_of(jasmine)}=x", "nonsense"):
        assert page.post(BOARD, sent((jasmine, "1600"), sure=sure)).status_code == 422
    assert MarketRate.objects.count() == 1


# --- Fragments and the wall ------------------------------------------------------------------


def test_htmx_gets_the_board_without_the_page_around_it(meena: Membership, jasmine: Flower) -> None:
    page = Client(headers={"HX-Request": "true"})
    page.force_login(meena.user)
    answer = page.post(BOARD, sent((jasmine, "900")), follow=True)
    assert html(answer).strip().startswith('<div id="rates"')
    assert "Jasmine called rate: ₹900" in words(answer)
    assert html(page.get(WALL)).strip().startswith('<div id="wall"')


def test_the_wall_shows_every_flower_in_both_languages_with_its_change(
    meena: Membership, kumar: Membership, jasmine: Flower, lotus: Flower
) -> None:
    slot = a_slot(meena.shop, "05:30", "07:00")
    called(jasmine, "900", ago(20), meena)
    called(jasmine, "880", ago(10), meena)
    shown = page_of(kumar).get(WALL)
    assert "Jasmine மல்லிகை down by −₹20 ₹880" in words(shown)
    assert "Lotus தாமரை no rate yet" in words(shown)
    assert f"{slot.name_ta} {slot.name_en}" in words(shown)
    assert '<b lang="en">Jasmine</b><span lang="ta">மல்லிகை</span>' in html(shown)


def test_the_wall_of_one_shop_knows_nothing_of_another(
    meena: Membership, devi: Membership, jasmine: Flower, mullai: Flower
) -> None:
    called(mullai, "500", ago(10), devi)
    shown = html(page_of(meena).get(WALL))
    assert "Mullai" not in shown
    assert "₹500" not in shown


def test_without_its_cache_the_board_says_the_same(
    meena: Membership, kumar: Membership, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_of(meena).post(BOARD, sent((jasmine, "900")))
    kept = re.findall(r"₹[\d,.]+", html(page_of(kumar).get(BOARD)))
    cache.clear()
    monkeypatch.setattr(cache, "set", lambda *args: None)
    assert re.findall(r"₹[\d,.]+", html(page_of(kumar).get(BOARD))) == kept != []
