"""Buyers: what they took on credit, what they paid, what is to be collected."""

import contextlib
import datetime as dt
import threading
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection

from ledger.domain import AccountKind
from ledger.models import Buyer, BuyerReceipt, BuyerSale, Farmer, Transfer
from ledger.selectors.buyers import collection_list, owed_by, shrinkage_of, statement_of_buyer
from ledger.services import buyers
from ledger.services.buyers import (
    BuyerParticulars,
    add_buyer,
    edit_buyer,
    record_buyer_sale,
    record_receipt,
    reverse_receipt,
    void_buyer_sale,
)
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.kernel.money import ZERO
from malar.trail.services.answers import Answer
from pricing.models import Flower
from tests.cast import at, recorded
from tests.conftest import page_of
from tests.ledger.test_posting import closed

pytestmark = pytest.mark.django_db

DAY = dt.date(2026, 3, 6)


@pytest.fixture
def mani(meena: Membership) -> Buyer:
    """Buys jasmine from Meena on credit."""
    answer = add_buyer(
        by=meena, key=uuid4(), particulars={"name_ta": "மணி", "name_en": "Mani", "phone": "9876543210"}
    )
    return Buyer.objects.get(pk=answer.made)


def sold(by: Membership, buyer: Buyer, flower: Flower, **said: Any) -> Answer:
    given: dict[str, Any] = {
        "quantity": Decimal("5.800"),
        "rate": Decimal(900),
        "business_date": DAY,
        "key": uuid4(),
    }
    return record_buyer_sale(by=by, buyer_id=buyer.pk, flower_id=flower.pk, **given | said)


def paid(by: Membership, buyer: Buyer, amount: str, **said: Any) -> Answer:
    given: dict[str, Any] = {"business_date": DAY, "mode": "cash", "key": uuid4()}
    return record_receipt(by=by, buyer_id=buyer.pk, amount=Decimal(amount), **given | said)


def code_of(act: Any) -> str:
    with pytest.raises(RuleBroken) as caught:
        act()
    return caught.value.code


def test_a_buyer_gets_the_next_number_and_a_readable_phone(meena: Membership, mani: Buyer) -> None:
    assert (mani.number, mani.phone) == (1, "+919876543210")
    answer = add_buyer(by=meena, key=uuid4(), particulars={"name_ta": "செல்வம்"})
    assert answer.body["number"] == 2
    taken: BuyerParticulars = {"name_ta": "குமார்", "number": 2}
    assert code_of(lambda: add_buyer(by=meena, key=uuid4(), particulars=taken)) == "number_taken"


def test_a_stale_change_of_a_buyer_is_refused(meena: Membership, mani: Buyer) -> None:
    edit_buyer(by=meena, buyer_id=mani.pk, version=1, particulars={"place_ta": "திண்டுக்கல்"})
    with pytest.raises(Conflict):
        edit_buyer(by=meena, buyer_id=mani.pk, version=1, particulars={"place_ta": "மதுரை"})


def test_a_credit_sale_is_owed_by_the_buyer_and_posted_to_sales(
    kumar: Membership, mani: Buyer, jasmine: Flower
) -> None:
    answer = sold(kumar, mani, jasmine)
    assert answer.body["amount"] == "5220.00"
    moved = Transfer.objects.get()
    assert (moved.debit.buyer, moved.credit.kind) == (mani, AccountKind.SALES)
    assert (moved.amount, moved.value_date, moved.journal) == (Decimal("5220.00"), DAY, answer.made)
    assert owed_by(mani) == Decimal("5220.00")


def test_what_is_worth_nothing_is_kept_and_posts_nothing(
    kumar: Membership, mani: Buyer, jasmine: Flower
) -> None:
    sold(kumar, mani, jasmine, rate=Decimal(0))
    assert BuyerSale.objects.count() == 1
    assert not Transfer.objects.exists()
    assert [row.sale.amount for row in statement_of_buyer(mani, DAY, DAY).rows if row.sale] == [0]


def test_a_lot_names_its_entry_and_its_quantity_need_not_match(
    kumar: Membership, raja: Farmer, mani: Buyer, jasmine: Flower
) -> None:
    lot = recorded(kumar, raja, jasmine, rate=Decimal(900), captured_at=at("2026-03-06", "05:00"))
    sold(kumar, mani, jasmine, entry_id=lot.pk, quantity=Decimal("5.700"))
    sale = BuyerSale.objects.get()
    assert (sale.entry_id, sale.quantity, lot.quantity) == (lot.pk, Decimal("5.700"), Decimal("5.900"))


def test_the_same_key_sells_once(kumar: Membership, mani: Buyer, jasmine: Flower) -> None:
    key = uuid4()
    assert [sold(kumar, mani, jasmine, key=key).replayed for _ in range(2)] == [False, True]
    assert owed_by(mani) == Decimal("5220.00")
    key = uuid4()
    assert [paid(kumar, mani, "100", key=key).replayed for _ in range(2)] == [False, True]
    assert owed_by(mani) == Decimal("5120.00")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"quantity": Decimal(0)}, "not_positive"),
        ({"quantity": Decimal("1.0001")}, "too_precise"),
        ({"rate": Decimal(-1)}, "not_positive"),
        ({"rate": None}, "not_positive"),
        ({"entry_id": uuid4()}, "unknown_entry"),
        ({"business_date": dt.date(2999, 1, 1)}, "in_future"),
        ({"note": "x" * 201}, "too_long"),
        ({"quantity": Decimal(9999999), "rate": Decimal(9999999999)}, "too_large"),
    ],
)
def test_a_sale_that_cannot_be_is_refused_in_words(
    kumar: Membership, mani: Buyer, jasmine: Flower, said: dict[str, Any], code: str
) -> None:
    assert code_of(lambda: sold(kumar, mani, jasmine, **said)) == code
    assert not BuyerSale.objects.exists()


def test_counted_flowers_are_sold_whole(kumar: Membership, mani: Buyer, lotus: Flower) -> None:
    assert code_of(lambda: sold(kumar, mani, lotus, quantity=Decimal("1.5"))) == "too_precise"


def test_a_cancelled_sale_is_mirrored_today_and_once(meena: Membership, mani: Buyer, jasmine: Flower) -> None:
    sale = sold(meena, mani, jasmine).made
    void_buyer_sale(by=meena, key=uuid4(), sale_id=sale, reason="taken back")
    assert owed_by(mani) == 0
    assert owed_by(mani, until=DAY) == Decimal("5220.00")
    mirror = Transfer.objects.exclude(reverses=None).get()
    assert mirror.value_date == buyers._today(meena)
    assert code_of(lambda: void_buyer_sale(by=meena, key=uuid4(), sale_id=sale, reason="again")) == "voided"
    rows = statement_of_buyer(mani, DAY, mirror.value_date).rows
    assert [(row.up, row.down, row.is_back) for row in rows] == [
        (Decimal(5220), ZERO, False),
        (ZERO, Decimal(5220), True),
    ]
    assert shrinkage_of(meena.shop, DAY, DAY) == []


def test_staff_take_back_only_what_they_wrote_today(
    kumar: Membership, meena: Membership, mani: Buyer, jasmine: Flower
) -> None:
    old, new = (
        sold(kumar, mani, jasmine).made,
        paid(kumar, mani, "5", business_date=buyers._today(kumar)).made,
    )
    with pytest.raises(NotAllowed):
        void_buyer_sale(by=kumar, key=uuid4(), sale_id=old, reason="wrong")
    reverse_receipt(by=kumar, key=uuid4(), receipt_id=new, reason="wrong")


def test_a_receipt_lowers_what_he_owes_and_is_taken_back_by_its_mirror(
    meena: Membership, mani: Buyer, jasmine: Flower
) -> None:
    sold(meena, mani, jasmine)
    answer = paid(meena, mani, "3000", mode="upi")
    assert answer.body["voucher"] == "V2526-0001"
    moved = Transfer.objects.get(journal=answer.made)
    assert (moved.debit.kind, moved.credit.buyer) == (AccountKind.BANK, mani)
    assert owed_by(mani) == Decimal("2220.00")
    mirror = reverse_receipt(by=meena, key=uuid4(), receipt_id=answer.made, reason="bounced")
    assert owed_by(mani) == Decimal("5220.00")
    assert BuyerReceipt.objects.get(pk=mirror.made).reverses_id == answer.made
    again: dict[str, Any] = {"by": meena, "key": uuid4(), "reason": "bounced"}
    assert code_of(lambda: reverse_receipt(receipt_id=answer.made, **again)) == "reversed"
    assert code_of(lambda: reverse_receipt(receipt_id=mirror.made, **again)) == "reversal"
    assert code_of(lambda: reverse_receipt(receipt_id=answer.made, **again | {"reason": " "})) == "required"


def test_complaint_12_a_part_payment_counts_at_once_and_nothing_stored_says_paid_or_pending(
    meena: Membership, mani: Buyer, jasmine: Flower
) -> None:
    """A cash sale shown as pending, a part payment seen on the screen and never stored: both came of a status
    kept beside the money. Here what is owed follows from the rows and from nothing else."""
    sale = BuyerSale.objects.get(pk=sold(meena, mani, jasmine).made)
    part = paid(meena, mani, "300").made
    assert owed_by(mani) == Decimal("4920.00")
    assert [row.receipt.amount for row in statement_of_buyer(mani, DAY, DAY).rows if row.receipt] == [300]
    paid(meena, mani, "4920")
    assert owed_by(mani) == 0
    assert [(each.buyer, each.owed) for each in collection_list(meena.shop, DAY) if each.owed] == []
    reverse_receipt(by=meena, key=uuid4(), receipt_id=part, reason="the note was torn")
    assert owed_by(mani) == Decimal("300.00")
    assert sale.versions.count() == 1  # type: ignore[attr-defined]  # no payment ever touched the sale
    kept = {field.name for model in (BuyerSale, BuyerReceipt, Buyer) for field in model._meta.concrete_fields}
    assert not {
        name for name in kept if "paid" in name or "pending" in name or "owed" in name or "balance" in name
    }


def test_more_than_he_owes_is_kept_and_said_in_words(meena: Membership, mani: Buyer) -> None:
    paid(meena, mani, "500")
    assert owed_by(mani) == -500
    statement = statement_of_buyer(mani, DAY, DAY)
    assert statement.closing_words == "We must pay the buyer ₹500.00"
    assert "−" not in statement.closing_words


def test_nothing_is_written_into_a_closed_day(meena: Membership, mani: Buyer, jasmine: Flower) -> None:
    sale = sold(meena, mani, jasmine).made
    closed(meena, DAY)
    assert code_of(lambda: sold(meena, mani, jasmine)) == "day_locked"
    assert code_of(lambda: paid(meena, mani, "100")) == "day_locked"
    assert code_of(lambda: void_buyer_sale(by=meena, key=uuid4(), sale_id=sale, reason="x")) == "day_locked"
    assert owed_by(mani) == Decimal("5220.00")


def test_another_shops_buyer_flower_and_rows_are_not_there(
    meena: Membership, devi: Membership, mani: Buyer, jasmine: Flower, mullai: Flower
) -> None:
    sale, receipt = sold(meena, mani, jasmine).made, paid(meena, mani, "10").made
    assert code_of(lambda: sold(devi, mani, mullai)) == "unknown_buyer"
    assert code_of(lambda: sold(meena, mani, mullai)) == "unknown_flower"
    assert code_of(lambda: paid(devi, mani, "10")) == "unknown_buyer"
    with pytest.raises(NotFound):
        void_buyer_sale(by=devi, key=uuid4(), sale_id=sale, reason="x")
    with pytest.raises(NotFound):
        reverse_receipt(by=devi, key=uuid4(), receipt_id=receipt, reason="x")
    with pytest.raises(NotFound):
        edit_buyer(by=devi, buyer_id=mani.pk, version=1, particulars={"name_ta": "x"})


def test_a_farmer_writes_nothing_about_buyers(raja: Farmer, mani: Buyer) -> None:
    assert raja.member is not None
    with pytest.raises(NotAllowed):
        paid(raja.member, mani, "10")


def test_the_statement_carries_the_previous_balance(meena: Membership, mani: Buyer, jasmine: Flower) -> None:
    sold(meena, mani, jasmine, business_date=DAY - dt.timedelta(days=1))
    sold(meena, mani, jasmine, quantity=Decimal(1))
    paid(meena, mani, "120")
    statement = statement_of_buyer(mani, DAY, DAY)
    assert statement.opening == Decimal("5220.00")
    assert [(row.up, row.down, row.owed) for row in statement.rows] == [
        (Decimal(900), ZERO, Decimal(6120)),
        (ZERO, Decimal(120), Decimal(6000)),
    ]
    assert statement.closing == owed_by(mani) == 6000


def test_the_collection_list_says_who_owes_most_and_since_when(
    meena: Membership, mani: Buyer, jasmine: Flower
) -> None:
    second = add_buyer(by=meena, key=uuid4(), particulars={"name_ta": "செல்வம்"}).made
    selvam = Buyer.objects.get(pk=second)
    first_day = DAY - dt.timedelta(days=2)
    sold(meena, mani, jasmine, business_date=first_day, quantity=Decimal(1))
    sold(meena, mani, jasmine, business_date=DAY - dt.timedelta(days=1), quantity=Decimal(1))
    sold(meena, selvam, jasmine, quantity=Decimal(3))
    paid(meena, mani, "900")
    rows = collection_list(meena.shop, DAY)
    assert [(row.buyer, row.owed, row.taken_today) for row in rows] == [
        (selvam, Decimal(2700), Decimal(2700)),
        (mani, Decimal(900), ZERO),
    ]
    assert [row.last_receipt for row in rows] == [None, DAY]
    assert [row.unpaid_since for row in rows] == [DAY, DAY - dt.timedelta(days=1)]
    assert sum(row.owed for row in rows) == owed_by(mani) + owed_by(selvam)


def test_the_collection_list_asks_no_more_for_more_buyers(
    meena: Membership, mani: Buyer, django_assert_num_queries: Any
) -> None:
    for name in ("அ", "ஆ", "இ"):
        add_buyer(by=meena, key=uuid4(), particulars={"name_ta": name})
    with django_assert_num_queries(4):
        assert len(collection_list(meena.shop, DAY)) == 4


def test_shrinkage_says_what_came_and_what_was_sold(
    meena: Membership, raja: Farmer, mani: Buyer, jasmine: Flower, lotus: Flower
) -> None:
    recorded(meena, raja, jasmine, rate=Decimal(900), captured_at=at("2026-03-06", "05:00"))
    assert shrinkage_of(meena.shop, DAY, DAY)[0].word == "nothing sold on credit"
    sold(meena, mani, jasmine, quantity=Decimal("5.700"))
    sold(meena, mani, lotus, quantity=Decimal(60), rate=Decimal(5))
    rows = {row.flower: row for row in shrinkage_of(meena.shop, DAY, DAY)}
    assert (rows[jasmine].difference, rows[jasmine].word) == (Decimal("0.200"), "shrinkage")
    assert (rows[lotus].difference, rows[lotus].word) == (Decimal(60), "more sold than came")


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["with the counter's lock", "negative control"])
def test_two_receipts_at_once_are_both_kept(
    meena: Membership, mani: Buyer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """No balance is stored, so none can be lost; the voucher's number is all they share."""
    sold(meena, mani, jasmine)
    paid(meena, mani, "20")  # opens the accounts, which two at once would wait for
    together = threading.Barrier(2)

    def unguarded(shop: Shop, day: dt.date) -> str:
        number = BuyerReceipt.objects.filter(shop=shop).count() + 1
        together.wait(20)
        return f"V2526-{number:04}"

    if not guarded:
        monkeypatch.setattr(buyers, "next_voucher", unguarded)

    def pay(amount: str) -> None:
        try:
            if guarded:
                together.wait(20)
            with contextlib.suppress(IntegrityError):
                paid(meena, mani, amount)
        finally:
            connection.close()

    threads = [threading.Thread(target=pay, args=(amount,)) for amount in ("1000", "1000")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert owed_by(mani) == (3200 if guarded else 4200)
    assert BuyerReceipt.objects.count() == (3 if guarded else 2)


# --- Pages ------------------------------------------------------------------------------------


def test_the_sale_page_stays_for_the_next_one_with_the_buyer_kept(
    kumar: Membership, mani: Buyer, jasmine: Flower
) -> None:
    page = page_of(kumar)
    form = {
        **{"id": str(uuid4()), "key": str(uuid4()), "buyer": "1", "flower": str(jasmine.pk)},
        **{"quantity": "5,8", "rate": "900", "business_date": DAY.isoformat()},
    }
    answer = page.post("/ledger/buyers/sales/new/", form)
    assert answer["Location"] == "/ledger/buyers/sales/new/?buyer=1&business_date=2026-03-06"
    assert page.post("/ledger/buyers/sales/new/", form).status_code == 302
    assert owed_by(mani) == Decimal("5220.00")
    shown = page.get(answer["Location"]).content.decode()
    assert "The buyer must pay us ₹5,220.00" in shown
    wrong = page.post("/ledger/buyers/sales/new/", form | {"key": str(uuid4()), "buyer": "9"})
    assert wrong.status_code == 422
    assert "This buyer is not in your shop&#x27;s list." in wrong.content.decode()


def test_a_lot_proposes_its_flower_and_quantity(
    kumar: Membership, raja: Farmer, mani: Buyer, jasmine: Flower
) -> None:
    lot = recorded(kumar, raja, jasmine, rate=Decimal(900), captured_at=at("2026-03-06", "05:00"))
    shown = page_of(kumar).get(f"/ledger/buyers/sales/new/?entry={lot.pk}").context["form"]
    assert (shown["flower"].value(), shown["quantity"].value()) == (jasmine.pk, "5.900")


def test_money_is_taken_and_taken_back_on_the_pages(meena: Membership, mani: Buyer, jasmine: Flower) -> None:
    sale = sold(meena, mani, jasmine).made
    page = page_of(meena)
    proposed = page.get("/ledger/buyers/receipts/new/?buyer=1").context["form"]
    assert proposed["amount"].value() == "5220.00"
    form = {
        **{"id": str(uuid4()), "key": str(uuid4()), "buyer": "1", "amount": "5,000"},
        **{"mode": "cash", "business_date": DAY.isoformat()},
    }
    page.post("/ledger/buyers/receipts/new/", form)
    assert owed_by(mani) == 220
    receipt = BuyerReceipt.objects.get().pk
    for address in (f"receipts/{receipt}/reverse/", f"sales/{sale}/void/"):
        assert page.get(f"/ledger/buyers/{address}").status_code == 200
        sent = page.post(f"/ledger/buyers/{address}", {"key": str(uuid4()), "reason": "wrong buyer"})
        assert sent.status_code == 302
    assert owed_by(mani) == 0
    shown = page.get(f"/ledger/buyers/{mani.pk}/?from=2026-03-01").content.decode()
    assert "taken back" in shown
    assert "−₹" not in shown


def test_the_account_goes_into_a_spreadsheet_with_who_owes_in_words(
    meena: Membership, mani: Buyer, jasmine: Flower
) -> None:
    sold(meena, mani, jasmine)
    file = page_of(meena).get(f"/ledger/buyers/{mani.pk}/account.csv?from=2026-03-01&to=2026-03-06")
    text = file.content.decode()
    assert text.startswith("\ufeff1,")
    assert "2026-03-06,Jasmine,5.8 kg,,5220.00,0.00,5220.00" in text
    assert "The buyer must pay us" in text


def test_the_collection_and_shrinkage_pages_say_it_in_words(
    meena: Membership, mani: Buyer, jasmine: Flower
) -> None:
    page = page_of(meena)
    assert "The account is even" in page.get("/ledger/buyers/").content.decode()
    sold(meena, mani, jasmine)
    assert "₹5,220.00" in page.get("/ledger/buyers/").content.decode()
    shown = page.get("/ledger/shrinkage/?from=2026-03-06&to=2026-03-06").content.decode()
    assert "more sold than came" in shown
    assert page.get("/ledger/shrinkage/?from=nonsense").status_code == 200


def test_a_buyer_is_added_and_changed_on_the_pages(meena: Membership) -> None:
    page = page_of(meena)
    page.post("/ledger/buyers/new/", {"key": str(uuid4()), "name_ta": "மணி"})
    buyer = Buyer.objects.get()
    assert buyer.is_active
    form = {"key": str(uuid4()), "name_ta": "மணி", "number": "7", "version": "1", "is_active": "on"}
    page.post(f"/ledger/buyers/{buyer.pk}/edit/", form)
    buyer.refresh_from_db()
    assert (buyer.number, buyer.version) == (7, 2)
    stale = page.post(f"/ledger/buyers/{buyer.pk}/edit/", form)
    assert stale.status_code == 422
    assert "Somebody changed this buyer meanwhile" in stale.content.decode()
