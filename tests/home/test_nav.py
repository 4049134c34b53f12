"""Where somebody is, as the bar says it."""

import re

import pytest

from malar.accounts.models import Membership
from tests.conftest import page_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/reports/settlements/", "/reports/"),
        ("/settlements/runs/new/", "/settlements/"),
        ("/ledger/movements/new/", "/ledger/movements/"),
    ],
)
def test_one_place_is_marked_and_it_is_the_one_the_address_begins_with(
    meena: Membership, address: str, place: str
) -> None:
    page = page_of(meena).get(address).content.decode()
    bar = page[page.index("<nav") : page.index("</nav>")]
    assert re.findall(r'<a href="([^"]*)"[^>]* aria-current="true"', bar) == [place]
