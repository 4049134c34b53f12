"""The papers say what the settlement in the book says: the same lines in the order of his slips, the same paise."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.models import Farmer
from malar.accounts.models import Membership
from settlements.documents import files
from settlements.documents.html import render_html
from settlements.documents.made import statement_of, statements_of
from settlements.services.approvals import cancel, submit
from settlements.views import papers
from tests.conftest import page_of
from tests.settlement_a import LINES
from tests.settlements.acts import agreed, paid, settled, settlement_for
from tests.settlements.pdf_text import pages_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("sunday")]


def test_the_statement_is_the_settlement(settlement_a: Farmer, meena: Membership, kumar: Membership) -> None:
    settlement = agreed(settlement_for(settlement_a, settled(meena)), meena, kumar)
    made = statement_of(settlement)

    assert [(str(line.business_date), line.amount) for line in made.lines] == [
        (line.day, Decimal(line.amount)) for line in LINES
    ]
    assert sum(line.amount for line in made.lines) == made.gross == settlement.gross
    assert sum(line.commission for line in made.lines) == made.commission
    assert sum(charge.amount for charge in made.charge_lines) == made.charges == Decimal(450)
    assert [draw.amount for draw in made.draw_lines] == [Decimal(3000)]
    assert (made.net, made.number, made.payments) == (settlement.net, "2526-0001", ())
    assert "ரூபாய்" in render_html(made, "ta")

    paid(settlement, kumar, "100")
    assert [payment.amount for payment in statement_of(settlement).payments] == [Decimal(100)]


def test_many_are_asked_for_at_once(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership, kumar: Membership
) -> None:
    settled(meena)
    both = [settlement_for(farmer) for farmer in (settlement_b, settlement_a)]
    for each in both:
        _named = each.farmer.name, each.shop.name
    with CaptureQueriesContext(connection) as many:
        made = statements_of(both)
    with CaptureQueriesContext(connection) as one:
        statement_of(both[1])
    assert len(many) == len(one) == 5
    assert [each.farmer_code for each in made] == ["F015", "F014"]
    assert [len(each.lines) for each in made] == [1, 15]


def test_one_that_was_called_off_keeps_its_paper(settlement_a: Farmer, meena: Membership) -> None:
    first = settlement_for(settlement_a, settled(meena))
    cancel(by=meena, settlement_id=first.pk)
    second = settlement_for(settlement_a, settled(meena))
    first.refresh_from_db()
    both = statements_of([first, second])
    assert [(each.status, len(each.lines)) for each in both] == [("cancelled", 15), ("draft", 15)]


def test_a_payment_app_is_told_whom_how_much_and_what_for(
    settlement_a: Farmer, meena: Membership, kumar: Membership
) -> None:
    settlement = settlement_for(settlement_a, settled(meena))
    settlement_a.upi = "raja@okbank"
    settlement_a.save()
    assert statement_of(settlement_for(settlement_a)).upi == "", "nothing is paid of a draft"
    agreed(settlement, meena, kumar)
    assert statement_of(settlement_for(settlement_a)).upi == (
        "upi://pay?pa=raja@okbank&pn=P.%20Raja&am=38125.00&cu=INR&tn=2526-0001"
    )


def test_the_papers_of_a_run_a_hundred_at_a_time(
    settlement_a: Farmer, settlement_b: Farmer, meena: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "AT_ONCE", 1)
    monkeypatch.setattr(papers, "AT_ONCE", 1)
    run = settled(meena)
    page = page_of(meena)
    shown = page.get(f"/settlements/runs/{run.pk}/").content.decode()
    for layout in ("six", "a5"):
        texts = []
        for part in (1, 2):
            address = f"/settlements/runs/{run.pk}/papers/{layout}/{part}/"
            assert address in shown
            answer = page.get(address)
            assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
            texts.append("".join(pages_of(answer.content)))
        assert ["F014" in text for text in texts] == [True, False]
        assert ["F015" in text for text in texts] == [False, True]
    assert page.get(f"/settlements/runs/{run.pk}/papers/six/3/").status_code == 302
    assert page.get(f"/settlements/runs/{run.pk}/papers/seven/1/").status_code == 404


def test_the_square_leads_to_his_page(settlement_a: Farmer, meena: Membership) -> None:
    settlement = settlement_for(settlement_a, settled(meena))
    html = page_of(meena).get(f"/settlements/{settlement.pk}/document/html/").content.decode()
    assert "<svg" in html
    submit(by=meena, settlement_id=settlement.pk)
    assert settlement_a.member is not None
    his = page_of(settlement_a.member)
    assert his.get(f"/settlements/{settlement.pk}/").status_code == 200, "where the square leads"
    assert his.get(f"/settlements/{settlement.pk}/document/pdf/").status_code == 200
    assert his.get(f"/settlements/runs/{settlement.run_id}/papers/six/1/").status_code == 403


def test_a_flower_or_fee_without_an_english_name_has_its_tamil_one(
    settlement_a: Farmer, meena: Membership
) -> None:
    settlement_a.shop.flowers.update(name_en=None)
    settlement_a.shop.fees.update(name_en=None)
    made = statement_of(settlement_for(settlement_a, settled(meena)))
    assert {line.flower_en for line in made.lines} == {line.flower_ta for line in made.lines}
    assert "மல்லி" in render_html(made, "en")
