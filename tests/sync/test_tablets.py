"""The owner's page of tablets: what is on them and not here, and what was lost with one."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import NotAllowed, NotFound, RuleBroken
from malar.sync.models import Device, Stream
from malar.sync.selectors.tablets import KnownTablet, tablets_of, unfinished_tablets
from malar.sync.services import block_tablet, name_tablet
from pricing.models import Flower
from tests.conftest import page_of
from tests.sync.test_ops import Tablet

pytestmark = pytest.mark.django_db

PAGE = "/tablets/"


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    now = timezone.now().astimezone(KOLKATA).replace(hour=10, minute=0) - dt.timedelta(days=1)
    with time_machine.travel(now):
        yield


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    return Tablet(kumar)


def told(tablet: Tablet, *ops: dict[str, Any], **queue: Any) -> None:
    """The tablet sends these, and what it says of its queue."""
    said = {"pending": 0, "stalled": 0, "conflicts": 0, "oldest_ms": None, "last_seq": tablet.seq, **queue}
    assert tablet.post("ops", tablet.batch(*ops, queue=said)).status_code == 200


def known(member: Membership) -> KnownTablet:
    (found,) = tablets_of(member.shop, timezone.now())
    return found


def gaps(member: Membership) -> list[tuple[int, int, str]]:
    return [(gap.first, gap.last, gap.name) for gap in known(member).missing]


def shown(client: Client, path: str = PAGE) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    text = re.sub(r"<[^>]+>", " ", answer.content.decode().partition("<main")[2])
    return " ".join(text.split())


def test_a_tablet_says_itself_what_waits_on_it(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 72."""
    first = tablet.sale(raja, jasmine)
    for _ in range(4):
        tablet.sale(raja, jasmine)
    oldest = timezone.now() - dt.timedelta(hours=2)
    told(tablet, first, pending=4, stalled=1, conflicts=2, oldest_ms=int(oldest.timestamp() * 1000))

    found = known(meena)
    assert (found.waiting, found.stalled, found.conflicts, found.missing) == (3, 1, 2, [])
    assert found.oldest_at == pytest.approx(oldest, abs=dt.timedelta(seconds=1))
    page = shown(page_of(meena))
    for words in ("Tablet A1", "not everything has arrived", "Wait to be sent 3", "Tried and not sent 1"):
        assert words in page
    assert "To be decided 2" in page


def test_what_came_with_its_batch_waits_no_longer(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """A tablet counts what it is just sending: nobody tells us afterwards that it came."""
    told(tablet, tablet.sale(raja, jasmine), tablet.sale(raja, jasmine), pending=2)

    assert known(meena).is_clear
    assert "everything has arrived" in shown(page_of(meena))


def test_a_storage_that_was_emptied_with_three_announced_sales_is_seen(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 25: at his next sign-in the owner reads which numbers of whom are missing."""
    ops = [tablet.sale(raja, jasmine) for _ in range(8)]
    told(tablet, *ops[:2], ops[3], pending=6)
    assert gaps(meena) == [], "they may still come"

    tablet.stream = uuid4()
    tablet.hello()

    assert gaps(meena) == [(3, 3, "Kumar"), (5, 8, "Kumar")]
    page = shown(page_of(meena))
    assert "Number 3 of Kumar is missing." in page
    assert "Numbers 5–8 of Kumar are missing." in page
    assert (known(meena).waiting, known(meena).is_clear) == (0, False)


def test_a_number_the_tablet_does_not_have_any_more_is_missing(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 25: it says itself that nothing waits on it."""
    ops = [tablet.sale(raja, jasmine) for _ in range(3)]
    told(tablet, ops[0], ops[2], pending=1)
    assert (gaps(meena), known(meena).waiting) == ([], 1)

    told(tablet)

    assert (gaps(meena), known(meena).waiting) == ([(2, 2, "Kumar")], 0)
    told(tablet, ops[1])
    assert known(meena).is_clear, "it came after all"


def test_a_queue_that_was_left_complete_is_no_loss(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    told(tablet, tablet.sale(raja, jasmine))
    tablet.stream = uuid4()
    tablet.hello()
    assert known(meena).is_clear


def test_what_could_not_be_read_is_not_missing(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    told(tablet, {**tablet.sale(raja, jasmine), "captured": None}, tablet.sale(raja, jasmine))
    assert known(meena).is_clear


def test_missing_numbers_are_told_for_sixty_days(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    tablet.sale(raja, jasmine)
    told(tablet)
    Stream.objects.update(left_at=timezone.now(), last_seen_at=timezone.now() - dt.timedelta(days=59))
    assert gaps(meena) == [(1, 1, "Kumar")]
    Stream.objects.update(last_seen_at=timezone.now() - dt.timedelta(days=61))
    assert gaps(meena) == []


def test_what_still_waits_on_a_tablet_in_a_drawer_is_never_forgotten(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    tablet.sale(raja, jasmine)
    told(tablet, pending=1)
    Stream.objects.update(last_seen_at=timezone.now() - dt.timedelta(days=400))
    assert known(meena).waiting == 1


def test_the_page_asks_the_same_few_questions_however_many_tablets_there_are(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, django_assert_num_queries: Any
) -> None:
    client = page_of(meena)
    for _ in range(3):
        one = Tablet(kumar)
        ops = [one.sale(raja, jasmine) for _ in range(3)]
        told(one, ops[1])
    with django_assert_num_queries(5):  # user, memberships; tablets, queues, gaps
        page = shown(client)
    assert page.count("is missing") == 6
    assert re.findall(r"Tablet (A\d)", page) == ["A1", "A2", "A3"]


# --- The owner's hand ------------------------------------------------------------------------------


def test_the_owner_names_a_tablet_where_it_stands(tablet: Tablet, meena: Membership) -> None:
    client = page_of(meena)
    answer = client.post(f"{PAGE}{tablet.id}/name/", {"name": "  by the   scale "})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert Device.objects.get().name == "by the scale"
    assert "by the scale" in shown(client)
    client.post(f"{PAGE}{tablet.id}/name/", {"name": ""})
    assert "Tablet A1" in shown(client)
    refused = client.post(f"{PAGE}{tablet.id}/name/", {"name": "x" * 41})
    assert refused.status_code == 422
    assert "x" * 41 in refused.content.decode(), "what was typed stays"


def test_a_lost_tablet_is_blocked_and_let_in_again(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 73's sibling: done at once, with undo instead of a question."""
    client = page_of(meena)
    answer = client.post(f"{PAGE}{tablet.id}/state/", {"is_lost": "yes"})
    assert answer["Location"] == f"{PAGE}?changed={tablet.id}"
    assert "Undo" in shown(client, answer["Location"])
    later = shown(client)
    assert "Let it in again" in later
    assert "Undo" not in later
    refused = tablet.post("ops", tablet.batch(tablet.sale(raja, jasmine)))
    assert (refused.status_code, refused.json()["code"]) == (403, "device_blocked")

    answer = client.post(f"{PAGE}{tablet.id}/state/")
    assert "It may send again." in shown(client, answer["Location"])
    assert tablet.send(tablet.sale(raja, jasmine))[0]["status"] == "applied"


def test_only_the_owner_and_only_his_own(
    tablet: Tablet, kumar: Membership, devi: Membership, meena: Membership
) -> None:
    acts: tuple[Callable[[Membership], Device], ...] = (
        lambda by: name_tablet(by=by, device_id=tablet.id, name="x"),
        lambda by: block_tablet(by=by, device_id=tablet.id, is_lost=True),
    )
    for act in acts:
        with pytest.raises(NotAllowed):
            act(kumar)
        with pytest.raises(NotFound):
            act(devi)
    with pytest.raises(RuleBroken) as refused:
        name_tablet(by=meena, device_id=tablet.id, name="x" * 41)
    assert refused.value.code == "too_long"
    device = Device.objects.get()
    assert (device.name, device.is_blocked) == ("", False)
    assert tablets_of(devi.shop, timezone.now()) == []


def test_the_way_there_is_beside_the_members(meena: Membership) -> None:
    assert f'href="{PAGE}"' in page_of(meena).get("/members/").content.decode()


def test_a_shop_without_tablets_is_told_how_one_comes_here(meena: Membership) -> None:
    page = shown(page_of(meena))
    assert "once somebody has opened the counter" in page


# --- At the end of the day -------------------------------------------------------------------------


def close_page(member: Membership) -> str:
    today = timezone.now().astimezone(KOLKATA).date()
    return shown(page_of(member), f"/ledger/days/{today}/")


@pytest.mark.parametrize(
    ("queue", "warns"),
    [
        ({"pending": 1, "last_seq": 1}, True),
        ({"stalled": 1, "last_seq": 1}, True),
        ({"conflicts": 1, "last_seq": 0}, True),
        ({"last_seq": 1}, True),  # missing
        ({"last_seq": 0}, False),
    ],
)
def test_who_closes_the_day_is_warned_of_what_is_not_here(
    tablet: Tablet, meena: Membership, kumar: Membership, queue: dict[str, int], warns: bool
) -> None:
    """Scenario 72."""
    told(tablet, **queue)
    for member in (kumar, meena):
        assert ("not everything has arrived" in close_page(member)) is warns
    assert ("Tablet A1" in close_page(kumar)) is warns


def test_a_lost_tablet_and_another_shops_do_not_warn(
    tablet: Tablet, meena: Membership, devi: Membership
) -> None:
    told(tablet, pending=1, last_seq=1)
    assert "not everything has arrived" not in close_page(devi)
    block_tablet(by=meena, device_id=tablet.id, is_lost=True)
    assert unfinished_tablets(meena.shop, timezone.now()) == []
    assert "not everything has arrived" not in close_page(meena)
