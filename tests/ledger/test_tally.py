"""The accounts as TallyPrime takes them: whole files that were looked at once, and what must hold of any."""

import datetime as dt
import re
import zipfile
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.core.management import call_command

from ledger.models import Farmer, Transfer
from ledger.selectors.tally import ledgers_as_tally, vouchers_as_tally
from malar.accounts.models import Membership
from malar.trail.models import Event
from tests.book import a_whole_book
from tests.conftest import page_of
from tests.ledger.worked import moved

pytestmark = pytest.mark.django_db

GOLDEN = Path(__file__).with_name("golden")
EVER = (dt.date(2026, 1, 1), dt.date(2026, 12, 31))
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


def numbered(text: str) -> str:
    """Ids as numbers in the order they come: they are others each time."""
    known: dict[str, str] = {}
    return ID.sub(lambda found: known.setdefault(found[0], f"id-{len(known) + 1}"), text)


def vouchers(text: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(text).findall(".//VOUCHER")  # noqa: S314  # our own


def amounts(voucher: ElementTree.Element) -> list[Decimal]:
    return [Decimal(leg.text or "") for leg in voucher.findall(".//AMOUNT")]


@pytest.mark.parametrize("which", ["ledgers", "vouchers"])
def test_a_whole_book_is_the_file_that_was_looked_at(meena: Membership, raja: Farmer, which: str) -> None:
    """A draw, an advance and what was paid back of it. To make the files anew, delete them and run this twice."""
    for kind, amount, day, mode in (
        ("draw", "3000", "2026-03-04", "cash"),
        ("advance", "2000", "2026-03-05", "upi"),
        ("advance_repayment", "500.50", "2026-04-02", "cash"),
        ("opening_balance", "-27", "2026-03-01", "none"),
    ):
        moved(meena, raja, kind, amount, day, mode)
    lines = ledgers_as_tally(meena.shop) if which == "ledgers" else vouchers_as_tally(meena.shop, *EVER)
    text = numbered("\n".join(lines)) + "\n"
    golden = GOLDEN / f"tally_{which}.xml"
    if not golden.exists():
        golden.write_text(text)
        pytest.fail("written anew: look at it, and run again")
    assert text == golden.read_text()


def test_the_legs_of_every_voucher_sum_to_nothing_and_carry_their_side(meena: Membership) -> None:
    a_whole_book(meena)
    found = vouchers("\n".join(vouchers_as_tally(meena.shop, *EVER)))
    assert {each.get("VCHTYPE") for each in found} == {"Payment", "Receipt", "Journal"}
    for voucher in found:
        assert sum(amounts(voucher)) == 0
        for leg in voucher.findall("ALLLEDGERENTRIES.LIST"):
            amount = Decimal(leg.findtext("AMOUNT", ""))
            assert leg.findtext("ISDEEMEDPOSITIVE") == ("Yes" if amount < 0 else "No")
    ids = [each.get("REMOTEID") for each in found]
    assert len(set(ids)) == len(ids)
    journals = set(Transfer.objects.filter(shop=meena.shop).values_list("journal", flat=True))
    assert {ID.findall(each or "")[0] for each in ids} <= {str(each) for each in journals}


def test_the_same_book_twice_is_the_same_file(meena: Membership) -> None:
    a_whole_book(meena)
    assert list(vouchers_as_tally(meena.shop, *EVER)) == list(vouchers_as_tally(meena.shop, *EVER))


def test_every_account_has_its_ledger_and_no_two_have_one_name(meena: Membership) -> None:
    a_whole_book(meena)
    names = re.findall(r'LEDGER NAME="([^"]*)"', "\n".join(ledgers_as_tally(meena.shop)))
    assert len(names) == meena.shop.accounts.count() == len(set(names))
    used = set(re.findall(r"<LEDGERNAME>([^<]*)<", "\n".join(vouchers_as_tally(meena.shop, *EVER))))
    assert used <= set(names)


def test_a_name_is_text_and_nothing_else(meena: Membership, raja: Farmer) -> None:
    Farmer.objects.filter(pk=raja.pk).update(name_en='</LEDGER> "&\x0b')
    moved(meena, raja, "draw", "10", "2026-03-04")
    for lines in (ledgers_as_tally(meena.shop), vouchers_as_tally(meena.shop, *EVER)):
        ElementTree.fromstring("\n".join(lines))  # noqa: S314


def test_only_the_days_asked_for_and_only_this_shop(
    meena: Membership, raja: Farmer, devi: Membership
) -> None:
    moved(meena, raja, "draw", "10", "2026-03-04")
    moved(meena, raja, "draw", "20", "2026-03-05")
    one = "\n".join(vouchers_as_tally(meena.shop, dt.date(2026, 3, 5), dt.date(2026, 3, 5)))
    assert [amounts(each) for each in vouchers(one)] == [[Decimal(-20), Decimal(20)]]
    assert vouchers("\n".join(vouchers_as_tally(devi.shop, *EVER))) == []


def test_the_command_writes_both_files(meena: Membership, raja: Farmer, tmp_path: Path) -> None:
    moved(meena, raja, "draw", "10", "2026-03-04")
    call_command("export_tally", str(tmp_path / "tally"), stdout=StringIO())
    assert len(vouchers((tmp_path / "tally/vouchers.xml").read_text())) == 1
    assert "Cash-in-Hand" in (tmp_path / "tally/ledgers.xml").read_text()


def test_the_owner_takes_both_files_away_and_it_is_noted(meena: Membership, raja: Farmer) -> None:
    moved(meena, raja, "draw", "10", "2026-03-04")
    page = page_of(meena)
    days = {"start": "2026-03-01", "end": "2026-03-31"}
    answer = page.post("/ledger/export/tally/", days)
    archive = zipfile.ZipFile(BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert archive.namelist() == ["1-ledgers.xml", "2-vouchers.xml"]
    assert len(vouchers(archive.read("2-vouchers.xml").decode())) == 1
    assert Event.objects.filter(name="ShopExported").count() == 1

    refused = page.post("/ledger/export/tally/", days | {"end": "2026-02-28"})
    assert refused.status_code == 422
    assert "The last day is before the first." in refused.content.decode()
