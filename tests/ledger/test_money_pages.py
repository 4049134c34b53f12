"""Pages about money: giving it, what waits, the voucher, the running account."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from ledger.models import Farmer, Movement
from ledger.services.movements import record_movement
from malar.accounts.models import Membership
from pricing.models import Flower
from tests.cast import at, recorded
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

NEW = "/ledger/movements/new/"
DAY = "2026-03-06"
HTMX = {"HX-Request": "true"}


def html(response: Any) -> str:
    """The page's text without its marks, its spaces straightened."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def form(farmer: Farmer, **fields: str) -> dict[str, str]:
    return {
        "id": str(uuid4()),
        "key": str(uuid4()),
        "farmer": str(farmer.number),
        "kind": "advance",
        "amount": "2,000",
        "mode": "cash",
        "business_date": DAY,
        **fields,
    }


def moved(by: Membership, farmer: Farmer, kind: str = "advance", amount: str = "2000") -> Movement:
    answer = record_movement(
        by=by,
        key=uuid4(),
        farmer_id=farmer.pk,
        kind=kind,
        amount=Decimal(amount),
        business_date=dt.date.fromisoformat(DAY),
        mode="cash",
    )
    return Movement.objects.get(pk=answer.made)


@pytest.fixture
def limit(meena: Membership) -> None:
    """Staff may let a farmer owe 5,000 of advance."""
    meena.shop.advance_limit = Decimal(5000)
    meena.shop.save()


class TestGiving:
    def test_money_is_given_and_its_voucher_shown(self, kumar: Membership, raja: Farmer) -> None:
        answer = page_of(kumar).post(NEW, form(raja, note="for the well"), follow=True)
        movement = Movement.objects.get()
        assert (movement.kind, movement.amount, movement.mode) == ("advance", Decimal(2000), "cash")
        assert answer.redirect_chain[-1][0] == f"/ledger/movements/{movement.pk}/"
        # The paper speaks the farmer's language.
        assert "பண ரசீது V2526-0001" in html(answer)
        assert "₹2,000.00" in html(answer)

    def test_the_form_sent_twice_gives_once(self, kumar: Membership, raja: Farmer) -> None:
        said = form(raja)
        for _ in range(2):
            page_of(kumar).post(NEW, said)
        assert Movement.objects.count() == 1

    def test_what_is_wrong_stands_at_its_field(self, kumar: Membership, raja: Farmer) -> None:
        answer = page_of(kumar).post(NEW, form(raja, kind="advance_repayment"))
        assert answer.status_code == 422
        assert "Nothing is outstanding." in html(answer)
        assert 'href="#id_amount"' in answer.content.decode()

    def test_the_owner_brings_over_what_the_farmer_owed_without_a_minus(
        self, meena: Membership, kumar: Membership, raja: Farmer
    ) -> None:
        assert page_of(kumar).post(NEW, form(raja, kind="opening_owed")).status_code == 422
        page_of(meena).post(NEW, form(raja, kind="opening_owed", amount="750"))
        movement = Movement.objects.get()
        assert (movement.kind, movement.amount, movement.mode) == ("opening_balance", Decimal(-750), "none")
        listed = html(page_of(meena).get("/ledger/movements/", {"from": DAY, "to": DAY}))
        assert "₹750.00 He owed us" in listed
        assert "−₹" not in listed

    @pytest.mark.usefixtures("limit")
    def test_what_he_owes_and_that_it_will_wait_is_said_before(self, kumar: Membership, raja: Farmer) -> None:
        moved(kumar, raja, amount="4000")
        said = {"farmer": str(raja.number), "kind": "advance", "amount": "1500"}
        hints = html(page_of(kumar).get(NEW, said, headers=HTMX))
        assert "Outstanding now ₹4,000.00 Outstanding after it ₹5,500.00" in hints
        assert "Over the limit of ₹5,000.00: it will wait for the owner." in hints
        assert "will wait" not in html(page_of(kumar).get(NEW, said | {"amount": "1000"}, headers=HTMX))
        draw = html(page_of(kumar).get(NEW, said | {"kind": "draw"}, headers=HTMX))
        assert "Account after it The farmer must pay us ₹1,500.00" in draw

    @pytest.mark.parametrize(
        "asked", [{}, {"farmer": "14"}, {"farmer": "x", "kind": "gift", "amount": "much"}]
    )
    def test_the_page_opens_with_whatever_the_address_says(
        self, kumar: Membership, raja: Farmer, asked: dict[str, str]
    ) -> None:
        for headers in ({}, HTMX):
            assert page_of(kumar).get(NEW, asked, headers=headers).status_code == 200


@pytest.mark.usefixtures("limit")
class TestWaiting:
    def test_the_owner_approves_on_top_of_the_list(
        self, kumar: Membership, meena: Membership, raja: Farmer
    ) -> None:
        movement = moved(kumar, raja, amount="6000")
        assert "Approve" not in html(page_of(kumar).get("/ledger/movements/"))
        listed = page_of(meena).get("/ledger/movements/")
        assert "Waits for the owner" in html(listed)
        answer = page_of(meena).post(f"/ledger/movements/{movement.pk}/approve/", follow=True)
        assert "It is in the book: V2526-0001." in html(answer)
        again = page_of(meena).post(f"/ledger/movements/{movement.pk}/approve/", follow=True)
        assert "This was decided already." in html(again)

    def test_the_owner_refuses_with_a_reason(
        self, kumar: Membership, meena: Membership, raja: Farmer
    ) -> None:
        movement = moved(kumar, raja, amount="6000")
        address = f"/ledger/movements/{movement.pk}/refuse/"
        assert page_of(meena).post(address, {"key": str(uuid4())}).status_code == 422
        said = {"key": str(uuid4()), "reason": "ask his brother"}
        assert "Meena refused it: ask his brother" in html(page_of(meena).post(address, said, follow=True))


class TestVoucher:
    def test_it_is_taken_back_with_a_reason(self, kumar: Membership, raja: Farmer) -> None:
        movement = moved(kumar, raja)
        address = f"/ledger/movements/{movement.pk}/reverse/"
        assert "Take it back" in html(page_of(kumar).get(f"/ledger/movements/{movement.pk}/"))
        assert page_of(kumar).post(address, {"key": str(uuid4())}).status_code == 422
        said = {"key": str(uuid4()), "reason": "wrong farmer"}
        answer = html(page_of(kumar).post(address, said, follow=True))
        assert "by Kumar: wrong farmer" in answer
        assert "Take it back" not in answer
        again = page_of(kumar).post(address, {"key": str(uuid4()), "reason": "again"})
        assert (again.status_code, "This was taken back already." in html(again)) == (422, True)

    def test_the_farmer_opens_his_own(self, meena: Membership, raja: Farmer, lakshmi: Farmer) -> None:
        own, other = moved(meena, raja), moved(meena, lakshmi)
        assert raja.member is not None
        grower = page_of(raja.member)
        assert grower.get(f"/ledger/movements/{own.pk}/").status_code == 200
        assert grower.get(f"/ledger/movements/{other.pk}/").status_code == 404


class TestAccount:
    @pytest.fixture
    def lines(self, kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
        """Raja brought jasmine for 8,555.00 and drew 300.00 on one day."""
        recorded(kumar, raja, jasmine, captured_at=at(DAY, "05:00"), rate=Decimal(1450))
        moved(kumar, raja, "draw", "300")
        moved(kumar, raja)

    @pytest.mark.usefixtures("lines")
    def test_who_owes_is_said_and_the_rows_come_to_the_closing_figure(
        self, kumar: Membership, raja: Farmer
    ) -> None:
        page = html(page_of(kumar).get(f"/ledger/farmers/{raja.pk}/account/", {"month": "2026-03"}))
        assert "We must pay the farmer ₹7,399.50" in page
        assert "Opening balance ₹0.00 The account is even" in page
        assert "1 entry · 5.900 kg · ₹8,555.00 − Commission ₹855.50 ₹7,699.50" in page
        assert "V2526-0001 · cash ₹300.00 ₹7,399.50 We must pay the farmer" in page
        assert "Closing balance ₹7,399.50 We must pay the farmer" in page
        assert "−₹" not in page

    @pytest.mark.usefixtures("lines")
    def test_the_farmer_reads_his_own_account_from_his_side(self, raja: Farmer, lakshmi: Farmer) -> None:
        assert raja.member is not None
        grower = page_of(raja.member)
        page = html(grower.get(f"/ledger/farmers/{raja.pk}/account/", {"month": "2026-03"}))
        assert "கடை உங்களுக்குக் கொடுக்க வேண்டியது ₹7,399.50" in page
        assert grower.get(f"/ledger/farmers/{lakshmi.pk}/account/").status_code == 404
        assert grower.get(f"/ledger/farmers/{lakshmi.pk}/account.csv").status_code == 404

    @pytest.mark.usefixtures("lines")
    def test_the_file_opens_in_a_spreadsheet(self, kumar: Membership, raja: Farmer) -> None:
        answer = page_of(kumar).get(f"/ledger/farmers/{raja.pk}/account.csv", {"month": "2026-03"})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.content.startswith(b"\xef\xbb\xbf")
        rows = answer.content.decode("utf-8-sig").splitlines()
        assert "2026-03-06,Flowers,1,5.900,8555.00,855.50,,,7699.50,,7699.50,We must pay the farmer" in rows
        assert "2026-03-06,Draw,,,,,V2526-0001,cash,,300.00,7399.50,We must pay the farmer" in rows
        assert "2026-03-06,Advance,,,,,V2526-0002,cash,,2000.00,2000.00" in rows

    @pytest.mark.parametrize("month", ["", "2026-02", "2099-01", "0001-01", "never", "2026-13"])
    def test_any_month_may_be_asked(self, kumar: Membership, raja: Farmer, month: str) -> None:
        assert page_of(kumar).get(f"/ledger/farmers/{raja.pk}/account/", {"month": month}).status_code == 200

    @pytest.mark.usefixtures("lines")
    def test_the_list_and_the_farmers_page_say_the_balance(self, kumar: Membership, raja: Farmer) -> None:
        listed = html(page_of(kumar).get("/ledger/farmers/"))
        assert "₹7,399.50 We must pay the farmer Advance ₹2,000.00" in listed
        page = page_of(kumar).get(f"/ledger/farmers/{raja.pk}/")
        assert f"/ledger/farmers/{raja.pk}/account/" in page.content.decode()
        assert "We must pay the farmer ₹7,399.50" in html(page)
