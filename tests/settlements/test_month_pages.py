"""The page of Tamil months, and where others say that one is missing."""

import datetime as dt
import re
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
import time_machine
from django.test import Client

from ledger.domain import Cadence
from ledger.models import Farmer
from malar.accounts.models import Membership, Shop
from settlements.services.due import settle_due
from settlements.services.months import add_month
from tests.cast import at
from tests.conftest import page_of
from tests.settlements.test_pages import sent, words_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("friday")]

PAGE = "/settlements/months/"


@pytest.fixture
def friday() -> Iterator[None]:
    """The morning of 6 March 2026, in Maasi."""
    with time_machine.travel(at("2026-03-06", "09:00"), tick=True):
        yield


@pytest.fixture
def maasi(meena: Membership) -> UUID:
    """The present month, which began after Thai."""
    for name, day in (("தை", dt.date(2026, 1, 15)), ("மாசி", dt.date(2026, 2, 13))):
        made = add_month(by=meena, key=uuid4(), name=name, starts_on=day).made
    return made


@pytest.fixture
def by_months(raja: Farmer) -> Farmer:
    raja.cadence = Cadence.TAMIL_MONTH
    raja.save()
    return raja


def read(client: Client, address: str = PAGE) -> str:
    return client.get(address).content.decode()


def table(shop: Shop) -> list[tuple[str, str]]:
    return [(month.name_ta, str(month.starts_on)) for month in shop.tamil_months.all()]


def chosen(page: str) -> str:
    """The name that is chosen for the next month."""
    found = re.search(r'<option value="([^"]*)" selected', page)
    assert found
    return found[1]


def test_an_empty_table_says_what_to_do(meena: Membership, shop: Shop) -> None:
    client = page_of(meena)
    page = read(client)
    assert "No month yet. Take your calendar" in page
    assert re.search(r'name="starts_on"[^>]*value=', page) is None, "no day is proposed"
    status, page = sent(client, PAGE, name="மாசி", starts_on="2026-02-13")
    assert (status, table(shop)) == (200, [("மாசி", "2026-02-13")])
    assert "Maasi now Friday, 13 February 2026 – not known yet" in words_of(page)
    assert chosen(page) == "பங்குனி", "the one that follows"


def test_the_next_ones_stand_first_with_the_day_of_their_run(
    meena: Membership, by_months: Farmer, maasi: UUID
) -> None:
    client = page_of(meena)
    _status, page = sent(client, PAGE, name="பங்குனி", starts_on="2026-03-15")
    shown = words_of(page)
    assert "Next run due now" in shown
    rows = (
        "Maasi now Friday, 13 February 2026 30 15/03/2026",
        "Panguni Sunday, 15 March 2026 –",
        "Thai Thursday",
    )
    places = [shown.index(row) for row in rows]
    assert places == sorted(places)
    settle_due(meena.shop)
    page = read(client)
    assert "Next run 15/03/2026" in words_of(page)
    assert "a run was made by it" in page
    assert page.count("/move/") == 1, "only the month to come can still be moved"


def test_a_refused_month_keeps_what_was_typed(meena: Membership, maasi: UUID) -> None:
    status, page = sent(page_of(meena), PAGE, name="பங்குனி", starts_on="2026-02-13")
    assert (status, "Maasi begins on that day." in page, chosen(page)) == (422, True, "பங்குனி")
    assert 'value="2026-02-13"' in page
    status, page = sent(page_of(meena), PAGE, name="March", starts_on="")
    assert (status, page.count("Choose one of the twelve months.")) == (422, 2)


def test_a_month_is_moved_in_its_row(meena: Membership, shop: Shop, maasi: UUID) -> None:
    client = page_of(meena)
    status, page = sent(client, f"{PAGE}{maasi}/move/", starts_on="2026-01-15")
    assert (status, "Thai begins on that day." in page) == (422, True)
    assert '<details class="months__change" open>' in page
    status, page = sent(client, f"{PAGE}{maasi}/move/", starts_on="2026-03-25")
    assert (status, table(shop)[1]) == (200, ("மாசி", "2026-03-25"))
    assert "69 is that right?" in words_of(page), "a warning, no refusal"


def test_taking_out_is_undone_where_it_is_said(meena: Membership, shop: Shop, maasi: UUID) -> None:
    client = page_of(meena)
    status, page = sent(client, f"{PAGE}{maasi}/take-out/")
    assert (status, table(shop)) == (200, [("தை", "2026-01-15")])
    assert "Maasi, 13/02/2026, is taken out." in page
    notice = page[page.index("is taken out.") :].partition("</form>")[0]
    said = dict(re.findall(r'name="(key|name|starts_on)" value="([^"]+)"', notice))
    status, page = sent(client, PAGE, **said)
    assert (status, table(shop)) == (200, [("தை", "2026-01-15"), ("மாசி", "2026-02-13")])
    assert "is taken out." not in read(client, f"{PAGE}?name=மாசி&starts_on=2026-02-13"), "it is there again"
    assert "is taken out." not in read(client, f"{PAGE}?name=x&starts_on=y")


def test_a_month_with_a_run_is_refused_on_the_page(meena: Membership, by_months: Farmer, maasi: UUID) -> None:
    settle_due(meena.shop)
    status, page = sent(page_of(meena), f"{PAGE}{maasi}/take-out/")
    assert (status, "A run was made by this month. It stays as it is." in page) == (422, True)


def test_the_list_of_settlements_says_that_the_next_month_is_missing(
    meena: Membership, kumar: Membership, raja: Farmer, by_months: Farmer
) -> None:
    assert "No Tamil month is known." in read(page_of(meena), "/settlements/")
    add_month(by=meena, key=uuid4(), name="மாசி", starts_on=dt.date(2026, 2, 13))
    for address, who in (("/settlements/", meena), ("/settlements/", kumar), (PAGE, meena)):
        shown = words_of(read(page_of(who), address))
        assert "After Maasi no Tamil month is known. 1 farmer who is settled by it waits" in shown, (
            address,
            who,
        )
    assert raja.member is not None
    assert "no Tamil month is known" not in read(page_of(raja.member), "/settlements/")
    assert PAGE not in read(page_of(kumar), "/settlements/"), "he may not open it"
    add_month(by=meena, key=uuid4(), name="பங்குனி", starts_on=dt.date(2026, 3, 15))
    assert "no Tamil month is known" not in read(page_of(meena), "/settlements/")


def test_the_page_is_reached_from_where_a_cadence_is_chosen(
    meena: Membership, kumar: Membership, by_months: Farmer
) -> None:
    owner, clerk = page_of(meena), page_of(kumar)
    for address in (
        "/settlements/",
        "/settlements/runs/new/",
        "/ledger/farmers/new/",
        f"/ledger/farmers/{by_months.pk}/",
        f"/ledger/farmers/{by_months.pk}/edit/",
    ):
        assert PAGE in read(owner, address), address
        assert PAGE not in read(clerk, address), address
