"""The shop's pages of settlements: from the preview to the voucher, and what was changed meanwhile."""

import datetime as dt
import re
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.domain import Cadence, Recovery
from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower
from settlements.documents.squares import upi_order
from settlements.models import Payment, Settlement, SettlementRun
from settlements.services import runs as run_services
from settlements.services.approvals import approve, change_recovery, submit, submit_run
from settlements.services.payments import bounce_payment
from settlements.services.runs import Order, begin_run, make_run
from tests.cast import a_farmer, a_member, at, recorded
from tests.conftest import page_of
from tests.settlements.acts import WEEK, agreed, paid, settled, settlement_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sunday")]


def words_of(page: str) -> str:
    """A page as it is read."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def sent(client: Client, address: str, **said: object) -> tuple[int, str]:
    answer = client.post(address, {"key": str(uuid4()), **said}, follow=True)
    return answer.status_code, answer.content.decode()


ALL = {"period": "this_week", "who": "all"}


def test_the_preview_shows_the_figures_and_keeps_nothing(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership
) -> None:
    status, page = sent(page_of(meena), "/settlements/runs/new/", **ALL, preview="yes")
    read = words_of(page)
    assert status == 200
    for figure in ("₹46,193.97", "−₹4,619.40", "−₹450.00", "−₹3,000.00", "of ₹17,000.00", "₹38,125.00"):
        assert figure in read, figure
    assert "The farmer must pay us ₹27.00" in read
    assert "Settle 2 farmers" in read
    assert not SettlementRun.objects.exists()
    assert not Settlement.objects.exists()


def test_a_recovery_is_typed_over_in_the_preview_and_holds_in_the_run(
    settlement_a: Farmer, meena: Membership
) -> None:
    client, typed = page_of(meena), {f"recovery-{settlement_a.pk}": "5,000"}
    _status, page = sent(client, "/settlements/runs/new/", **ALL, **typed, preview="yes")
    assert "₹33,125.00" in page
    assert 'value="5,000"' in page
    status, page = sent(client, "/settlements/runs/new/", **ALL, **typed, settle="yes")
    settlement = Settlement.objects.get()
    assert (status, settlement.recovery, settlement.net) == (200, Decimal(5000), Decimal(33125))
    assert "Send 1 for approval" in page


@pytest.mark.parametrize(
    ("typed", "said"),
    [("many", "“many” is no amount."), ("-5", "“-5” is no amount."), ("0.005", "“0.005” is no amount.")],
)
def test_a_recovery_that_is_none_is_refused_in_words(
    settlement_a: Farmer, meena: Membership, typed: str, said: str
) -> None:
    field = {f"recovery-{settlement_a.pk}": typed}
    status, page = sent(page_of(meena), "/settlements/runs/new/", **ALL, **field, settle="yes")
    assert (status, said in page) == (422, True)
    assert f'value="{typed}"' in page, "it stands there still, beside all the others"
    assert not SettlementRun.objects.exists()


def test_which_days_and_farmers(settlement_a: Farmer, settlement_b: Farmer, meena: Membership) -> None:
    client = page_of(meena)

    def settled_by(**said: str) -> tuple[int, str, SettlementRun | None]:
        status, page = sent(client, "/settlements/runs/new/", **said, settle="yes")
        return status, words_of(page), SettlementRun.objects.first()

    status, page, run = settled_by(period="this_week", who="chosen", farmers="15, 99 F014")
    assert (status, "Nobody has the number 99." in page, run) == (422, True, None)
    status, page, run = settled_by(period="this_week", who="cadence", cadence=Cadence.DAILY)
    assert (status, "No farmer is settled that often." in page, run) == (422, True, None)
    status, page, run = settled_by(period="days", who="all")
    assert (status, page.count("Choose a day."), run) == (422, 4, None)
    status, page, run = settled_by(
        period="days", who="all", period_start="2026-03-06", period_end="2026-03-09"
    )
    assert (status, "This day has not come yet." in page, run) == (422, True, None)

    status, page, run = settled_by(period="last_week", who="chosen", farmers="15")
    assert run is not None
    assert (status, run.period_start, run.period_end) == (200, dt.date(2026, 2, 23), dt.date(2026, 3, 1))
    assert (run.settled, "Nobody was settled." in page) == (0, True)
    status, page, run = settled_by(period="this_week", who="chosen", farmers="15")
    assert run is not None
    assert (run.period_start, run.period_end, run.settled) == (dt.date(2026, 3, 2), dt.date(2026, 3, 8), 1)


def test_who_is_left_out_is_named_with_what_helps(
    settlement_a: Farmer, lakshmi: Farmer, kumar: Membership, meena: Membership
) -> None:
    flower = meena.shop.flowers.get(code="MAL")
    moment = at("2026-03-06", "05:00")
    recorded(kumar, lakshmi, flower, captured_at=moment, rate=None, quantity=Decimal(3))
    a_farmer(meena.shop, 16, "கு. வேலு", "K. Velu")
    _status, page = sent(page_of(meena), "/settlements/runs/new/", **ALL, preview="yes")
    read = words_of(page)
    assert "Lines still have no rate." in read
    assert "F015 S. Lakshmi" in read
    assert '/ledger/pending/"' in page
    assert "There is nothing to settle. 1 farmer F016 K. Velu" in read
    settled(meena)
    _status, page = sent(page_of(meena), "/settlements/runs/new/", **ALL, preview="yes")
    assert "He has an open settlement." in page
    assert "/settlements/?status=open" in page


def test_a_long_run_is_left_to_a_worker_and_its_page_waits(
    settlement_a: Farmer, meena: Membership, kumar: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_services, "AT_ONCE", 14)  # he has 15 lines
    client = page_of(meena)
    _status, page = sent(client, "/settlements/runs/new/", **ALL, settle="yes")
    run = SettlementRun.objects.get()
    assert run.status == "queued"
    assert 'hx-trigger="every 1s"' in page
    assert "You may leave this page." in page
    assert "Run R1 is being made: 0 %" in words_of(page_of(kumar).get("/settlements/").content.decode())
    make_run(run.pk)
    part = client.get(f"/settlements/runs/{run.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "hx-trigger" not in part
    assert "R1-F014" in part


def test_a_run_that_could_not_be_made_says_so(meena: Membership) -> None:
    run = SettlementRun.objects.get(pk=begin_run(by=meena, key=uuid4(), order=WEEK).made)
    run.status, run.fault = "failed", "It could not be made. Nothing was changed."
    run.save()
    page = page_of(meena).get(f"/settlements/runs/{run.pk}/").content.decode()
    assert "It could not be made. Nothing was changed." in page
    assert 'hx-trigger="every 1s"' not in page


def test_from_the_run_to_the_voucher(settlement_a: Farmer, meena: Membership, kumar: Membership) -> None:
    owner, clerk, his = page_of(meena), page_of(kumar), page_of(settlement_a.member)  # type: ignore[arg-type]
    sent(owner, "/settlements/runs/new/", **ALL, settle="yes")
    run, settlement = SettlementRun.objects.get(), Settlement.objects.get()
    at_ = f"/settlements/{settlement.pk}/"
    assert his.get(at_).status_code == 404, "a draft is nobody's but the shop's"

    _status, page = sent(owner, f"/settlements/runs/{run.pk}/submit/")
    assert "1 settlement is sent for approval." in words_of(page)
    assert "waits for: the shop, the farmer" in words_of(page)
    settlement.refresh_from_db()
    said = {"content_hash": settlement.content_hash}

    page = owner.get(at_).content.decode()
    assert "Approve for the shop" not in page
    assert "somebody else of the shop must approve it" in page
    _status, page = sent(owner, f"{at_}paper/", **said)
    assert "The farmer’s yes is noted." in page or "The farmer&#x27;s yes is noted." in page
    _status, page = sent(clerk, f"{at_}approve/", **said)
    settlement.refresh_from_db()
    assert (settlement.status, settlement.number) == ("approved", "2526-0001")
    assert f'href="{at_}pay/"' in page

    page = clerk.get(f"{at_}pay/").content.decode()
    assert 'value="38125.00"' in page, "what is outstanding stands there already"
    status, page = sent(
        clerk,
        f"{at_}pay/",
        id=uuid4(),
        amount="30,000",
        mode="upi",
        business_date="2026-03-08",
        reference="4711",
    )
    payment = Payment.objects.get()
    assert (status, payment.amount, payment.mode) == (200, Decimal(30000), "upi")
    assert "Pay the other ₹8,125.00" in words_of(page)
    assert '<article class="slip slip--roll roll-180" data-theme="day" lang="ta">' in page
    status, page = sent(
        clerk, f"{at_}pay/", id=uuid4(), amount="9000", mode="cash", business_date="2026-03-08"
    )
    assert (status, "Only ₹8,125.00 is outstanding." in page) == (422, True)
    sent(clerk, f"{at_}pay/", id=uuid4(), amount="8125", mode="cash", business_date="2026-03-08")
    settlement.refresh_from_db()
    assert settlement.status == "paid"
    assert "₹38,125.00" in his.get(at_).content.decode()
    assert his.get(f"/settlements/payments/{payment.pk}/").status_code == 200

    status, page = sent(owner, f"/settlements/payments/{payment.pk}/bounce/", reason="wrong number")
    assert "did not arrive" in page
    assert "₹30,000.00 of it is outstanding." in words_of(page)
    assert "Was it wrong?" in page
    assert "take the payments back first" in page


@pytest.fixture
def agreed_run(settlement_a: Farmer, settlement_b: Farmer, meena: Membership) -> SettlementRun:
    """Meena made it and sent it, and wrote down that both farmers agree."""
    run = settled(meena)
    submit_run(by=meena, run_id=run.pk)
    for each in run.settlements.all():
        approve(by=meena, settlement_id=each.pk, content_hash=each.content_hash, for_farmer=True)
    return run


def contents(page: str) -> list[str]:
    return re.findall(r'name="content" value="([^"]+)"', page)


def states(run: SettlementRun) -> list[tuple[str, str | None]]:
    """By the farmers' numbers."""
    found = run.settlements.order_by("farmer__number")
    return [(each.status, each.number) for each in found]


def test_what_farmers_agreed_to_is_approved_in_one_go(
    agreed_run: SettlementRun, meena: Membership, kumar: Membership
) -> None:
    address = f"/settlements/runs/{agreed_run.pk}/"
    assert not contents(page_of(meena).get(address).content.decode()), (
        "she made it: it is not hers to approve"
    )
    clerk, key = page_of(kumar), uuid4()
    page = clerk.get(address).content.decode()
    assert "Approve 2 for the shop" in page
    said = {"content": contents(page), "key": str(key)}
    _status, page = sent(clerk, f"{address}approve/", **said)
    assert "2 settlements are approved for the shop." in page
    # What comes to nothing is paid at once.
    assert states(agreed_run) == [("approved", "2526-0001"), ("paid", "2526-0002")]
    status, page = sent(clerk, f"{address}approve/", **said)
    assert (status, "Not approved:" in page) == (200, False), "the same form again is the same yes"
    assert not contents(page)


def test_only_what_the_page_showed_is_approved_in_one_go(
    agreed_run: SettlementRun, settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    address = f"/settlements/runs/{agreed_run.pk}/"
    clerk = page_of(kumar)
    shown = contents(clerk.get(address).content.decode())
    his = settlement_for(settlement_a)
    change_recovery(by=meena, settlement_id=his.pk, recovery=Decimal(100), version=his.version)
    submit(by=meena, settlement_id=his.pk)
    assert len(contents(clerk.get(address).content.decode())) == 1, "he has not agreed to that yet"
    status, page = sent(clerk, f"{address}approve/", content=shown)
    assert status == 409
    assert "It was changed meanwhile. Look at it again." in page
    assert "1 settlement is approved for the shop." in page
    assert [state for state, _number in states(agreed_run)] == ["pending", "paid"]
    status, page = sent(clerk, f"{address}approve/", content="x=y")
    assert (status, "Nothing waits for your yes here." in page) == (422, True)


def test_what_was_changed_meanwhile_is_shown_as_it_is_now(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    settlement = settlement_for(settlement_a, settled(meena))
    submit(by=meena, settlement_id=settlement.pk)
    settlement.refresh_from_db()
    seen = settlement.content_hash
    approve(by=meena, settlement_id=settlement.pk, content_hash=seen, for_farmer=True, method="paper")
    change_recovery(by=meena, settlement_id=settlement.pk, recovery=Decimal(5000), version=settlement.version)
    submit(by=meena, settlement_id=settlement.pk)

    clerk, address = page_of(kumar), f"/settlements/{settlement.pk}/"
    status, page = sent(clerk, f"{address}approve/", content_hash=seen)
    assert (status, "It was changed meanwhile." in page) == (409, True)
    assert "₹33,125.00" in page
    assert "counts no more: the settlement was changed afterwards" in words_of(page)
    settlement.refresh_from_db()
    assert settlement.status == "pending"
    status, page = sent(page_of(meena), f"{address}recovery/", recovery="4000", version="1")
    assert status == 409
    status, page = sent(
        page_of(meena), f"{address}recovery/", recovery="99000", version=str(settlement.version)
    )
    assert (status, "At most ₹17,000.00 can be recovered here." in page) == (422, True)
    status, page = sent(
        clerk, f"{address}pay/", id=uuid4(), amount="1", mode="cash", business_date="2026-03-08"
    )
    assert (status, "Only an approved settlement can be paid." in page) == (409, True)


def test_paid_by_two_at_once_one_hears_of_the_other(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    settlement = agreed(settlement_for(settlement_a, settled(meena)), meena, kumar)
    paid(settlement, meena)
    address = f"/settlements/{settlement.pk}/pay/"
    status, page = sent(
        page_of(kumar), address, id=uuid4(), amount="38125", mode="cash", business_date="2026-03-08"
    )
    assert (status, "It is paid already." in page) == (409, True)
    payment = Payment.objects.get()
    bounce_payment(by=meena, key=uuid4(), payment_id=payment.pk, reason="cheque")
    status, page = sent(page_of(meena), f"/settlements/payments/{payment.pk}/bounce/", reason="cheque")
    assert (status, "This was taken back already." in page) == (409, True)


def test_disputed_called_off_and_taken_back(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    owner = page_of(meena)
    settlement = settlement_for(settlement_a, settled(meena))
    address = f"/settlements/{settlement.pk}/"
    sent(owner, f"{address}submit/")
    assert sent(page_of(kumar), f"{address}dispute/")[0] == 422
    _status, page = sent(page_of(kumar), f"{address}dispute/", reason="8 kg are missing")
    assert "Somebody says it is not right: 8 kg are missing" in words_of(page)
    _status, page = sent(owner, f"{address}submit/")
    assert "8 kg are missing" not in page
    _status, page = sent(owner, f"{address}cancel/")
    assert "It was called off." in page
    again = agreed(settlement_for(settlement_a, settled(meena)), meena, kumar)
    address = f"/settlements/{again.pk}/"
    assert sent(owner, f"{address}reverse/")[0] == 422
    _status, page = sent(owner, f"{address}reverse/", reason="the wrong week")
    assert "It was taken back." in page
    again.refresh_from_db()
    assert again.status == "reversed"


def test_who_keeps_the_shop_alone_does_all_of_it(
    settlement_b: Farmer, kumar: Membership, meena: Membership
) -> None:
    kumar.is_active = False
    kumar.save()
    settlement = settlement_for(settlement_b, settled(meena))
    owner, address = page_of(meena), f"/settlements/{settlement.pk}/"
    sent(owner, f"{address}submit/")
    said = {"content_hash": settlement.content_hash}
    _status, page = sent(owner, f"{address}approve/", **said)
    assert "The farmer has signed the paper" in page
    sent(owner, f"{address}paper/", **said)
    settlement.refresh_from_db()
    assert settlement.status == "paid", "there is nothing to pay"


def test_the_next_that_waits_is_one_tap_away(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership, kumar: Membership
) -> None:
    run = settled(meena)
    first, second = settlement_for(settlement_a, run), settlement_for(settlement_b, run)
    sent(page_of(meena), f"/settlements/runs/{run.pk}/submit/")
    assert "Next that waits" not in page_of(meena).get(f"/settlements/{first.pk}/").content.decode()
    page = page_of(kumar).get(f"/settlements/{first.pk}/").content.decode()
    assert "Next that waits: 15 S. Lakshmi" in page
    approve(by=kumar, settlement_id=second.pk, content_hash=second.content_hash)
    assert "Next that waits" not in page_of(kumar).get(f"/settlements/{first.pk}/").content.decode()


def test_the_list_is_filtered_by_its_address_and_summed(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership, kumar: Membership
) -> None:
    run = settled(meena)
    agreed(settlement_for(settlement_a, run), meena, kumar)
    client = page_of(kumar)

    def found(query: str) -> set[str]:
        return set(
            re.findall(r"R1-F01[45]|2526-\d{4}", client.get(f"/settlements/?{query}").content.decode())
        )

    assert found("") == {"2526-0001", "R1-F015"}
    assert found("status=open") == {"R1-F015"}
    assert found("status=approved") == {"2526-0001"}
    assert found("farmer=15") == {"R1-F015"}
    assert found("from=2026-03-09") == found("to=2026-03-01") == set()
    assert found("from=2026-03-08&to=2026-03-08") == {"2526-0001", "R1-F015"}
    assert "Approved, to be paid ₹38,125.00" in words_of(
        client.get("/settlements/").content.decode()
    ).replace("₹38,125.00 Approved, to be paid", "Approved, to be paid ₹38,125.00")
    paid(settlement_for(settlement_a, run), meena, "8125")
    assert "₹30,000.00 outstanding" in words_of(client.get("/settlements/").content.decode())


def test_a_list_asks_no_more_for_more(
    shop: object, meena: Membership, kumar: Membership, jasmine: Flower
) -> None:
    def several(first: int, count: int) -> int:
        for number in range(first, first + count):
            farmer = a_farmer(meena.shop, number, f"வி {number}", f"V {number}")
            recorded(kumar, farmer, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(100))
        run = settled(meena)
        sent(page_of(meena), f"/settlements/runs/{run.pk}/submit/")
        client = page_of(kumar)
        client.get("/settlements/")
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get("/settlements/")
        return len(asked)

    assert several(100, 2) == several(200, 6)


def test_a_farmer_sees_his_own_once_he_is_asked(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership
) -> None:
    run = settled(meena)
    mine, other = settlement_for(settlement_a, run), settlement_for(settlement_b, run)
    assert settlement_a.member is not None
    client = page_of(settlement_a.member)
    assert "R1-F014" not in client.get("/settlements/").content.decode()
    sent(page_of(meena), f"/settlements/runs/{run.pk}/submit/")
    page = client.get("/settlements/").content.decode()
    assert ("R1-F014" in page, "R1-F015" in page, 'name="farmer"' in page) == (True, False, False)
    assert client.get(f"/settlements/{other.pk}/").status_code == 404
    page = client.get(f"/settlements/{mine.pk}/").content.decode()
    assert "/ledger/entries/" not in page
    status, _page = sent(client, f"/settlements/{mine.pk}/approve/", content_hash=mine.content_hash)
    approval = mine.approvals.get()
    assert (status, approval.side, approval.method) == (200, "farmer", "page")


def test_late_entries_and_corrections_are_marked_in_words(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    order = Order(start=dt.date(2026, 3, 7), end=dt.date(2026, 3, 8))
    settlement = settlement_for(settlement_a, settled(meena, order))
    page = words_of(page_of(kumar).get(f"/settlements/{settlement.pk}/").content.decode())
    assert (settlement.lines, settlement.late_lines) == (15, 11)
    assert page.count("late entry") == 11
    assert "11 of them late" in page


def test_how_upi_is_asked_to_pay(settlement_a: Farmer, meena: Membership, kumar: Membership) -> None:
    order = upi_order(address="raja@okbank", name="P. Raja", amount=Decimal("38125"), note="2526-0001")
    assert order == "upi://pay?pa=raja@okbank&pn=P.%20Raja&am=38125.00&cu=INR&tn=2526-0001"
    settlement = agreed(settlement_for(settlement_a, settled(meena)), meena, kumar)
    client, address = page_of(kumar), f"/settlements/{settlement.pk}/pay/"
    assert "has no UPI address" in client.get(address).content.decode()
    settlement_a.upi = "raja@okbank"
    settlement_a.save()
    page = client.get(address).content.decode()
    assert order.replace("&", "&amp;") in page
    assert 'class="square"' in page
    part = client.get(f"{address}?mode=upi&amount=12.50", headers={"HX-Request": "true"}).content.decode()
    assert "am=12.50" in part
    assert "<html" not in part


def test_another_shop_has_none_of_it(settlement_a: Farmer, meena: Membership, devi: Membership) -> None:
    settlement = settlement_for(settlement_a, settled(meena))
    client = page_of(devi)
    for address in (f"/settlements/{settlement.pk}/", f"/settlements/runs/{settlement.run_id}/"):
        assert client.get(address).status_code == 404
    assert "R1-F014" not in client.get("/settlements/").content.decode()
    clerk = page_of(a_member(devi.shop, "Ravi", Role.STAFF))
    assert clerk.get("/settlements/runs/new/").status_code == 403


def test_what_the_settlement_took_is_linked_from_his_pages(settlement_a: Farmer, meena: Membership) -> None:
    client = page_of(meena)
    for address in (f"/ledger/farmers/{settlement_a.pk}/", f"/ledger/farmers/{settlement_a.pk}/account/"):
        assert "/settlements/?farmer=14" in client.get(address).content.decode()
    assert isinstance(settlement_a.pk, UUID)
    assert settlement_a.recovery == Recovery.NONE
