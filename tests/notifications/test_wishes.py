"""What a farmer says he wants is so at once, and is kept."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from ledger.models import DailyEntry, Farmer
from ledger.services.days import close_day, reopen_day
from ledger.services.entries import edit_entry
from ledger.services.movements import record_movement
from malar.accounts.models import Membership
from malar.kernel.errors import NotAllowed, RuleBroken
from malar.trail.models import Event
from notifications.domain import Kind
from notifications.models import Consent, Message, Note
from notifications.replies import Meaning
from notifications.selectors import wants, wishes_of
from notifications.services.queueing import react
from notifications.services.wishes import apply_inbound, change_wishes
from pricing.models import Flower
from tests.cast import a_farmer, at, recorded

pytestmark = pytest.mark.django_db

EARLY = at("2026-03-06", "04:50")
DAY = dt.date(2026, 3, 6)


def told(name: str = "EntryRecorded") -> list[Message]:
    made = react(event_id=Event.objects.filter(name=name).latest("id").pk)
    return list(Message.objects.filter(pk__in=made))


def test_stop_is_so_at_once_and_start_turns_it_round(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    (waiting,) = told()
    reply = apply_inbound(raja, "நிறுத்து.")
    assert reply.meaning == Meaning.STOP
    assert "START" in reply.text
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error_code) == ("failed", "opted_out")
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    assert told() == []

    assert apply_inbound(raja, "STOP").text == ""
    assert apply_inbound(raja, " start ").meaning == Meaning.START
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    assert len(told()) == 1
    kept = [(each.is_in, each.source, each.said) for each in Consent.objects.order_by("at")]
    assert kept == [(False, "word", "நிறுத்து."), (True, "word", " start ")]


def test_what_he_agreed_to_is_never_rewritten(kumar: Membership, raja: Farmer) -> None:
    apply_inbound(raja, "STOP")
    for statement in ("UPDATE notifications_consent SET is_in = true", "DELETE FROM notifications_consent"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_he_asks_for_his_balance(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(1000))
    record_movement(
        by=kumar,
        key=uuid4(),
        farmer_id=raja.pk,
        kind="advance",
        amount=Decimal(500),
        business_date=DAY,
        mode="cash",
    )
    raja.language = "en"
    raja.save()
    reply = apply_inbound(raja, "நிலுவை?")
    assert reply.meaning == Meaning.BALANCE
    assert reply.text == "P. Raja, you get ₹5,310.00 from us. Advance outstanding: ₹500.00."


def test_no_and_no_more_messages_are_asked_apart(raja: Farmer) -> None:
    reply = apply_inbound(raja, "வேண்டாம்")
    assert "STOP" in reply.text
    assert not Consent.objects.exists()


@pytest.mark.parametrize("text", ["சரி", "இல்லை", "hello"])
def test_what_is_an_answer_to_something_is_left_to_who_knows_to_what(raja: Farmer, text: str) -> None:
    assert apply_inbound(raja, text).text == ""


def test_he_takes_the_summary_of_the_day_instead_of_receipts(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    assert raja.member is not None
    change_wishes(by=raja.member, farmer=raja, wanted={"day_summary": True})
    assert (wants(raja, Kind.ENTRY_RECEIPT), wants(raja, Kind.DAY_SUMMARY)) == (False, True)
    line = recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(1000))
    assert told() == []
    recorded(kumar, raja, lotus, captured_at=EARLY, quantity=Decimal(60))
    recorded(kumar, lakshmi, jasmine, captured_at=EARLY)
    edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"rate": Decimal(1200)}, reason="wrong_rate")
    assert told("EntryCorrected") == []

    closed = close_day(by=meena, key=uuid4(), day=DAY, denominations={}, opening_cash=Decimal(0))
    (message,) = told("DayClosed")
    assert message.farmer == raja
    assert message.text == (
        "வணக்கம் பெ. ராஜா, 06/03/2026 தேதிக்கான உங்கள் வரவு விவரம்:\n"
        "மொத்த அளவு: 5.900 கிலோ, 60 எண்\n"
        "விற்பனைத் தொகை: ₹7,080.00 (1 பதிவுக்கு விலை போடவில்லை. அது இங்கே சேரவில்லை.)\n"
        "கமிஷன் மற்றும் பிடித்தங்கள்: ₹708.00\n"
        "உங்களுக்கு வர வேண்டியது: ₹6,372.00\n"
        "சந்தேகம் இருந்தால் கடையைத் தொடர்பு கொள்ளவும்."
    )
    reopen_day(by=meena, close_id=closed.made, reason="forgot one")
    close_day(by=meena, key=uuid4(), day=DAY, denominations={}, opening_cash=Decimal(0))
    assert told("DayClosed") == [], "nothing of it is new"


def test_receipts_beside_the_summary_where_he_says_so(raja: Farmer, meena: Membership) -> None:
    change_wishes(by=meena, farmer=raja, wanted={"day_summary": True, "entry_receipt": True})
    assert wishes_of(raja)[Kind.ENTRY_RECEIPT]


def test_nobody_says_it_for_another(raja: Farmer, lakshmi: Farmer, devi: Membership) -> None:
    assert raja.member is not None
    with pytest.raises(NotAllowed):
        change_wishes(by=raja.member, farmer=lakshmi, messages=False)
    with pytest.raises(RuleBroken, match="no such kind"):
        change_wishes(by=raja.member, farmer=raja, wanted={"gossip": True})


def test_what_he_is_sent_is_in_his_inbox_too(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    recorded(kumar, raja, jasmine, captured_at=EARLY)
    (message,) = told()
    (note,) = Note.objects.all()
    assert (note.member, note.words, note.language) == (raja.member, message.text, "ta")
    other = a_farmer(kumar.shop, 77, "வேறு", "Other")
    recorded(kumar, other, jasmine, captured_at=EARLY)
    assert len(told()) == 1
    assert Note.objects.count() == 1, "who does not sign in has no inbox"
    assert DailyEntry.objects.count() == 2
