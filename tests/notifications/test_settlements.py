"""What a farmer hears of his settlements, and the owner of a farmer who does not agree."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from ledger.domain import Recovery
from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.models import Message, Note
from notifications.services import settlement_words
from notifications.services.queueing import react
from notifications.services.wishes import change_wishes
from settlements.models import Settlement
from settlements.services.approvals import cancel, change_recovery, dispute, reverse, submit
from settlements.services.payments import bounce_payment, record_payment
from tests.settlements.acts import agreed, settled, settlement_for
from tests.settlements.conftest import settlement_a, sunday

__all__ = ["settlement_a", "sunday"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sunday", "_link")]

TOKEN = "k7Qx2mPd9R" * 4 + "abc"


@pytest.fixture
def _link(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for `settlements.services.links.make_link`."""

    def make_link(settlement: Settlement, *, by: Membership | None) -> str:
        assert by is None
        return TOKEN

    monkeypatch.setattr(settlement_words, "link_maker", lambda: make_link)


@pytest.fixture
def settlement(settlement_a: Farmer, meena: Membership) -> Settlement:
    settlement_a.recovery, settlement_a.recovery_value = Recovery.FIXED, Decimal(5000)
    settlement_a.save()
    return settlement_for(settlement_a, settled(meena))


def told(name: str) -> list[Message]:
    """What the newest event of a name tells."""
    made = react(event_id=Event.objects.filter(name=name).latest("id").pk)
    return list(Message.objects.filter(pk__in=made))


def test_he_is_asked_with_figures_that_add_up_and_a_link_that_no_text_shows(
    settlement: Settlement, meena: Membership, settings: Any
) -> None:
    settings.PUBLIC_BASE_URL = "https://malar.example"
    submit(by=meena, settlement_id=settlement.pk)
    (message,) = told("SettlementReady")
    assert message.text == (
        "வணக்கம் பெ. ராஜா, 02/03/2026 முதல் 08/03/2026 வரையிலான உங்கள் கணக்கு தயாராக உள்ளது.\n"
        "விற்பனைத் தொகை: ₹46,193.97\n"
        "கமிஷன்: ₹4,619.40\n"
        "முன்பணப் பிடித்தம்: ₹5,000.00\n"
        "மற்ற வரவு, பிடித்தங்கள்: ₹3,449.57 குறைவு\n"
        "கைக்கு வரும் தொகை: ₹33,125.00\n"
        "கணக்கு எண் R1-F014. சரிபார்த்து உங்கள் பதிலைத் தெரிவிக்கவும்."
    )
    assert TOKEN not in message.text
    assert message.variables["token"] == TOKEN
    assert message.variables["link"] == f"https://malar.example/s/{TOKEN}/"
    assert (message.variables["net_rupees"], message.variables["net_paise"]) == ("33125", "00")


def test_in_a_house_without_such_pages_he_is_asked_without_a_link(
    settlement: Settlement, meena: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement_words, "link_maker", lambda: None)
    submit(by=meena, settlement_id=settlement.pk)
    (message,) = told("SettlementReady")
    assert "token" not in message.variables


def test_a_question_that_waits_is_not_asked_once_the_settlement_is_another(
    settlement: Settlement, meena: Membership
) -> None:
    submit(by=meena, settlement_id=settlement.pk)
    (message,) = told("SettlementReady")
    settlement.refresh_from_db()
    change_recovery(by=meena, settlement_id=settlement.pk, recovery=Decimal(4000), version=settlement.version)
    assert told("SettlementChanged") == []
    message.refresh_from_db()
    assert (message.state, message.error_code) == ("failed", "overtaken")
    submit(by=meena, settlement_id=settlement.pk)
    (again,) = told("SettlementReady")
    assert "₹34,125.00" in again.text


def test_who_is_not_asked_any_more_is_told_nothing(settlement: Settlement, meena: Membership) -> None:
    submit(by=meena, settlement_id=settlement.pk)
    cancel(by=meena, settlement_id=settlement.pk)
    assert told("SettlementReady") == []


def test_he_hears_that_he_agreed_was_paid_and_what_is_left(
    settlement: Settlement, meena: Membership, kumar: Membership
) -> None:
    agreed(settlement, meena, kumar)
    assert told("SettlementReady") == []
    (message,) = told("SettlementApproved")
    assert "கணக்கு எண் R1-F014, கைக்கு வரும் தொகை ₹33,125.00 - உங்கள் ஒப்புதல் 08/03/2026" in message.text

    paid = record_payment(
        by=kumar, key=uuid4(), settlement_id=settlement.pk, amount=Decimal(30000), mode="cash"
    )
    (message,) = told("SettlementPaid")
    assert "R1-F014-க்கு ₹30,000.00 தொகை" in message.text
    assert "மீதி: ₹3,125.00" in message.text
    assert message.variables["receipt"]  # the voucher, where the money has no number of its own

    bounce_payment(by=meena, key=uuid4(), payment_id=paid.made, reason="wrong account")
    reverse(by=meena, settlement_id=settlement.pk, reason="wrong weight")
    (message,) = told("SettlementReversed")
    assert "கணக்கு எண் R1-F014, தொகை ₹33,125.00 - திரும்ப எடுக்கப்பட்டது.\nகாரணம்: " in message.text


def test_a_payment_that_bounced_before_it_was_told_is_not_told(
    settlement: Settlement, meena: Membership, kumar: Membership
) -> None:
    agreed(settlement, meena, kumar)
    paid = record_payment(
        by=kumar, key=uuid4(), settlement_id=settlement.pk, amount=Decimal(30000), mode="cash"
    )
    bounce_payment(by=meena, key=uuid4(), payment_id=paid.made, reason="wrong account")
    assert told("SettlementPaid") == []


def test_a_no_is_confirmed_and_the_owner_sees_it(settlement: Settlement, meena: Membership) -> None:
    submit(by=meena, settlement_id=settlement.pk)
    dispute(by=meena, settlement_id=settlement.pk, reason="one bag is missing")
    (message,) = told("SettlementDisputed")
    assert "கணக்கு எண் R1-F014 பற்றிய உங்கள் புகார் 08/03/2026 அன்று பதிவு செய்யப்பட்டது." in message.text
    (note,) = Note.objects.filter(member=meena)
    assert note.words == "P. Raja does not agree with the settlement R1-F014: one bag is missing"
    react(event_id=note.event_id)
    assert Note.objects.filter(member=meena).count() == 1


def test_who_wants_no_question_costs_no_link(
    settlement: Settlement, meena: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement_words, "link_maker", lambda: pytest.fail("a link was made"))
    change_wishes(by=meena, farmer=settlement.farmer, wanted={"settlement_ready": False})
    submit(by=meena, settlement_id=settlement.pk)
    assert told("SettlementReady") == []
