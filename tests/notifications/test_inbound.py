"""What farmers write and tap: done where it is certain who says it and to what, and otherwise changes nothing."""

import datetime as dt
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now

from ledger.domain import Recovery
from ledger.models import Farmer
from ledger.services.days import close_day
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.domain import MOST_REPLIES, WINDOW
from notifications.models import Answer, Callback, Consent, Message
from notifications.services import inbound
from notifications.services.inbound import take_inbound
from notifications.services.queueing import react
from notifications.services.sending import send
from notifications.services.statuses import forget
from notifications.services.wishes import change_wishes
from pricing.models import Flower
from settlements.models import Approval, Settlement
from settlements.services.approvals import approve, cancel, change_recovery, dispute, submit
from settlements.services.links import agree_by_link, link_for
from tests.cast import a_farmer, at, recorded
from tests.notifications.fake_twilio import FakeTwilio, fake_twilio, set_up, tells
from tests.notifications.farmers_phone import (
    INBOUND,
    OTHER,
    PHONE,
    asked,
    comes,
    delivered,
    fields_of,
    has,
    pressed,
    replies,
    told,
)
from tests.settlements.acts import settled, settlement_for
from tests.settlements.conftest import settlement_a, sunday

__all__ = ["settlement_a", "sunday"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sunday", "fake")]


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def settlement(settlement_a: Farmer, meena: Membership) -> Settlement:
    settlement_a.recovery, settlement_a.recovery_value = Recovery.FIXED, Decimal(5000)
    has(settlement_a, PHONE)
    return settlement_for(settlement_a, settled(meena))


@pytest.fixture
def question(settlement: Settlement, meena: Membership) -> Message:
    """He is asked, and it is on his phone."""
    return asked(settlement, meena)


def another(owner: Membership, number: int, phone: str, sid: str) -> Message:
    """One more farmer's question, on that phone."""
    farmer = a_farmer(owner.shop, number, f"வி {number}", f"V {number}", phone=phone)
    recorded(owner, farmer, malli(), captured_at=at("2026-03-06", "05:00"), rate=Decimal(1000))
    return asked(settlement_for(farmer, settled(owner)), owner, sid)


def malli() -> Flower:
    """The flower of the worked settlement."""
    return Flower.objects.get(code="MAL")


def said_yes(settlement: Settlement) -> bool:
    return Approval.objects.filter(settlement=settlement, side="farmer").exists()


def became(answer: Answer) -> tuple[bool, str]:
    return answer.is_applied, answer.why


def words() -> list[str]:
    """What he is answered, without what stands around it."""
    return [message.variables["text"] for message in replies()]


# --- Yes and no ---------------------------------------------------------------------------------


def test_the_button_says_yes_to_what_the_message_told(settlement: Settlement, question: Message) -> None:
    answer = comes(pressed("approve", "SMa", answers=question.provider_id))
    assert became(answer) == (True, "done")
    approval = Approval.objects.get()
    assert (approval.side, approval.method, approval.by) == ("farmer", "whatsapp", None)
    assert approval.content_hash == question.variables["content_hash"] == settlement.content_hash
    assert (answer.farmer, answer.message, answer.said) == (settlement.farmer, question, "சரி, ஒப்புதல்")
    assert words() == ["கணக்கு எண் R1-F014, கைக்கு வரும் தொகை ₹33,125.00 - உங்கள் ஒப்புதல் பதிவு செய்யப்பட்டது."]


def test_where_the_shop_was_first_his_yes_puts_it_into_the_accounts_and_he_hears_it_once(
    settlement: Settlement, question: Message, kumar: Membership
) -> None:
    approve(by=kumar, settlement_id=settlement.pk, content_hash=settlement.content_hash)
    comes(pressed("approve", "SMa", answers=question.provider_id))
    settlement.refresh_from_db()
    assert settlement.status == "approved"
    assert words() == []
    assert "ஒப்புதல்" in told("SettlementApproved").text


def test_the_other_button_says_no(settlement: Settlement, question: Message) -> None:
    answer = comes(pressed("dispute", "SMa", answers=question.provider_id))
    settlement.refresh_from_db()
    assert (became(answer), settlement.status, settlement.reason) == (
        (True, "done"),
        "disputed",
        "தவறு உள்ளது",
    )
    assert words() == []
    assert "புகார்" in told("SettlementDisputed").text


@pytest.mark.parametrize(("text", "status"), [("சரி, ஒப்புதல்", "yes"), ("There is a mistake", "disputed")])
def test_a_provider_that_hands_back_the_words_of_the_button_only(
    settlement: Settlement, question: Message, text: str, status: str
) -> None:
    assert became(comes(fields_of(text, "SMa", answers=question.provider_id))) == (True, "done")
    settlement.refresh_from_db()
    assert (said_yes(settlement), settlement.status) == (
        (True, "pending") if status == "yes" else (False, status)
    )


@pytest.mark.parametrize(
    "text",
    ["சரி", "சரி.", "சரி 👍", "👍🏽", "SARI", "Ok ", "ஆம்!", "ச\u200cரி", "ஆ\u200dம்", "சரிங்க", "ஓகே"],
)
def test_however_he_types_his_yes_it_is_one(settlement: Settlement, question: Message, text: str) -> None:
    assert became(comes(fields_of(text, "SMa", answers=question.provider_id))) == (True, "done")
    assert said_yes(settlement)


@pytest.mark.parametrize("text", ["சரி இல்லை", "ok but wrong", "ஆம", "சர", "சரியா?", "", "5 கிலோ குறைவு"])
def test_with_a_word_more_or_a_mark_less_it_is_none_and_he_is_asked(
    settlement: Settlement, question: Message, text: str
) -> None:
    answer = comes(fields_of(text, "SMa", answers=question.provider_id))
    assert (became(answer), answer.is_for_people) == ((False, "unclear"), True)
    settlement.refresh_from_db()
    assert (said_yes(settlement), settlement.status) == (False, "pending")
    (reply,) = words()
    assert "பொத்தானை" in reply


def test_a_yes_to_a_receipt_is_polite_and_a_no_to_one_is_for_people(
    settlement: Settlement, question: Message, kumar: Membership
) -> None:
    recorded(kumar, settlement.farmer, malli(), captured_at=at("2026-03-08", "05:00"))
    receipt = delivered(told("EntryRecorded"), "SMreceipt")
    yes = comes(fields_of("சரி", "SMa", answers=receipt.provider_id))
    no = comes(fields_of("தவறு", "SMb", answers=receipt.provider_id))
    assert (became(yes), yes.is_for_people) == ((False, "nothing"), False)
    assert (became(no), no.is_for_people) == ((False, "unclear"), True)
    settlement.refresh_from_db()
    assert (said_yes(settlement), settlement.status) == (False, "pending")


# --- Twice, and too late --------------------------------------------------------------------------


def test_a_second_press_is_kept_and_answered_and_the_first_one_counts(
    settlement: Settlement, question: Message
) -> None:
    comes(pressed("approve", "SMa", answers=question.provider_id))
    again = comes(pressed("approve", "SMb", answers=question.provider_id))
    other = comes(pressed("dispute", "SMc", answers=question.provider_id))
    assert became(again) == became(other) == (False, "second")
    assert (again.is_for_people, other.is_for_people) == (False, True), "who finds a mistake late is called"
    settlement.refresh_from_db()
    assert (settlement.status, Approval.objects.count(), Answer.objects.count()) == ("pending", 1, 3)
    first, second, third = words()
    assert "ஒப்புதல் பதிவு செய்யப்பட்டது" in first
    assert second == third
    assert "ஏற்கனவே" in second


def test_a_yes_after_the_no_does_not_count(settlement: Settlement, question: Message) -> None:
    comes(pressed("dispute", "SMa", answers=question.provider_id))
    assert became(comes(pressed("approve", "SMb", answers=question.provider_id))) == (False, "second")
    settlement.refresh_from_db()
    assert (settlement.status, said_yes(settlement)) == ("disputed", False)


def test_whoever_was_first_by_another_door_counts(
    settlement: Settlement, question: Message, kumar: Membership
) -> None:
    agree_by_link(link_for(by=kumar, settlement_id=settlement.pk))
    assert became(comes(pressed("dispute", "SMa", answers=question.provider_id))) == (False, "second")
    settlement.refresh_from_db()
    assert settlement.status == "pending"


def test_an_old_versions_button_approves_nothing_and_he_is_told_so(
    settlement: Settlement, question: Message, meena: Membership
) -> None:
    change_recovery(by=meena, settlement_id=settlement.pk, recovery=Decimal(4000), version=settlement.version)
    assert became(comes(pressed("approve", "SMa", answers=question.provider_id))) == (False, "changed")
    new = asked(settlement, meena, "SMnew")
    assert became(comes(pressed("approve", "SMb", answers=question.provider_id))) == (False, "changed")
    assert became(comes(fields_of("சரி", "SMc", answers=question.provider_id))) == (False, "changed")
    assert not Approval.objects.exists()
    assert all("மாற்றப்பட்டது" in each for each in words())
    assert became(comes(pressed("approve", "SMd", answers=new.provider_id))) == (True, "done")


def test_a_yes_that_was_on_its_way_while_he_disagreed_by_phone_is_none(
    settlement: Settlement, question: Message, meena: Membership
) -> None:
    """The same content is asked about anew: its hash is the same, and his last word was a no."""
    dispute(by=meena, settlement_id=settlement.pk, reason="he called")
    submit(by=meena, settlement_id=settlement.pk)
    assert became(comes(pressed("approve", "SMa", answers=question.provider_id))) == (False, "changed")
    assert not said_yes(settlement)


def test_what_was_called_off_is_not_answered_any_more(
    settlement: Settlement, question: Message, meena: Membership
) -> None:
    cancel(by=meena, settlement_id=settlement.pk)
    assert became(comes(pressed("approve", "SMa", answers=question.provider_id))) == (False, "called_off")
    assert len(words()) == 1


def test_what_the_books_refuse_is_for_people(
    settlement: Settlement, question: Message, meena: Membership, kumar: Membership
) -> None:
    approve(by=kumar, settlement_id=settlement.pk, content_hash=settlement.content_hash)
    close_day(by=meena, key=settlement.pk, day=dt.date(2026, 3, 8), denominations={}, opening_cash=Decimal(0))
    answer = comes(pressed("approve", "SMa", answers=question.provider_id))
    assert (became(answer), answer.is_for_people, said_yes(settlement)) == ((False, "refused"), True, False)
    assert len(words()) == 1


def test_a_question_from_before_it_kept_what_it_told_answers_nothing(
    settlement: Settlement, question: Message
) -> None:
    Message.objects.filter(pk=question.pk).update(variables={"farmer": "x"})
    assert became(comes(pressed("approve", "SMa", answers=question.provider_id))) == (False, "no_message")
    assert not said_yes(settlement)


# --- A word alone -----------------------------------------------------------------------------------


def test_a_word_alone_counts_where_it_can_only_mean_one_thing(
    settlement: Settlement, question: Message
) -> None:
    answer = comes(fields_of("சரி", "SMa"))
    assert (became(answer), answer.message) == ((True, "done"), question)
    assert said_yes(settlement)


def test_a_word_alone_with_two_open_asks_him_to_press_the_button(
    settlement: Settlement, question: Message, meena: Membership
) -> None:
    two = another(meena, 31, PHONE, "SMtwo")
    answer = comes(fields_of("சரி", "SMa"))
    assert became(answer) == (False, "asked")
    assert not Approval.objects.exists()
    (reply,) = words()
    assert "பொத்தானை" in reply
    # The button, or the message itself, says which.
    assert became(comes(pressed("approve", "SMb", answers=two.provider_id))) == (True, "done")
    assert Approval.objects.get().settlement.farmer == two.farmer
    assert not said_yes(settlement)


def test_a_word_alone_with_none_open_does_nothing(settlement: Settlement) -> None:
    yes = comes(fields_of("சரி", "SMa"))
    assert (became(yes), yes.is_for_people, words()) == ((False, "nothing"), False, [])
    assert not Approval.objects.exists()


def test_a_word_alone_after_something_else_may_mean_that(
    settlement: Settlement, question: Message, kumar: Membership
) -> None:
    recorded(kumar, settlement.farmer, malli(), captured_at=at("2026-03-08", "05:00"))
    receipt = delivered(told("EntryRecorded"), "SMreceipt")
    Message.objects.filter(pk=receipt.pk).update(sent_at=Now(), delivered_at=Now())
    assert became(comes(fields_of("சரி", "SMa"))) == (False, "asked")
    assert not said_yes(settlement)


@pytest.mark.parametrize("state", ["sent", "accepted"])
def test_a_word_alone_before_the_question_has_come_is_none(
    settlement: Settlement, question: Message, state: str
) -> None:
    Message.objects.filter(pk=question.pk).update(state=state, delivered_at=None)
    assert became(comes(fields_of("சரி", "SMa"))) == (False, "asked")
    assert not said_yes(settlement)


def test_a_button_without_its_message_is_not_guessed(settlement: Settlement, question: Message) -> None:
    """Some come without what they answer: it might be the button of an old version."""
    for sid, fields in (("SMa", pressed("approve", "SMa")), ("SMb", fields_of("சரி, ஒப்புதல்", "SMb"))):
        answer = comes(fields)
        assert (became(answer), answer.is_for_people, answer.provider_id) == (
            (False, "no_message"),
            True,
            sid,
        )
    assert not said_yes(settlement)


def test_an_answer_that_comes_before_we_know_its_message_waits_for_it(
    settlement: Settlement, question: Message
) -> None:
    question.attempts.update(provider_id="")
    fields = pressed("approve", "SMa", answers="SMquestion")
    assert tells(INBOUND, fields) == 200
    take_inbound()
    callback = Callback.objects.get()
    assert (callback.state, callback.tries, Answer.objects.count()) == ("orphan", 1, 0)
    take_inbound()
    callback.refresh_from_db()
    assert callback.tries == 1, "not before its time"
    question.attempts.update(provider_id="SMquestion")
    Callback.objects.update(next_try_at=Now())
    take_inbound()
    assert said_yes(settlement)


def test_an_answer_to_nothing_we_know_is_for_people_in_the_end(
    settlement: Settlement, question: Message
) -> None:
    assert tells(INBOUND, fields_of("சரி", "SMa", answers="SMnothing")) == 200
    for _ in range(4):
        Callback.objects.filter(state__in=["new", "orphan"]).update(next_try_at=Now())
        take_inbound()
    assert became(Answer.objects.get()) == (False, "no_message")
    assert not said_yes(settlement), "though one settlement is open"


# --- Forged -----------------------------------------------------------------------------------------

FORGED = {
    "another number": (pressed("approve", "SMa", OTHER, "SMquestion"), "not_his"),
    "another farmer's number": (fields_of("சரி", "SMa", OTHER, "SMquestion"), "not_his"),
    "another number, a word alone": (fields_of("சரி", "SMa", OTHER), "nothing"),
    "a stranger": (pressed("approve", "SMa", "+919800000000", "SMquestion"), "unknown"),
    "forwarded": (fields_of("சரி", "SMa", answers="SMquestion", Forwarded="true"), "forwarded"),
    "forwarded often": (fields_of("சரி, ஒப்புதல்", "SMa", FrequentlyForwarded="true"), "forwarded"),
    "by SMS": (fields_of("சரி", "SMa", answers="SMquestion") | {"From": PHONE}, "by_sms"),
    "a name for a number": (fields_of("சரி", "SMa", "IN.12345"), "unknown"),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_yes_is_none(settlement: Settlement, question: Message, how: str, lakshmi: Farmer) -> None:
    has(lakshmi, OTHER)
    fields, why = FORGED[how]
    answer = comes(fields)
    assert became(answer) == (False, why)
    assert not Approval.objects.exists()
    assert words() == []
    # The same from his own phone is one.
    assert became(comes(pressed("approve", "SMhis", answers="SMquestion"))) == (True, "done")


def test_whose_message_it_was_sees_what_another_number_answered(
    settlement: Settlement, question: Message, selvi: Farmer
) -> None:
    """Selvi sells to another shop."""
    has(selvi, OTHER)
    answer = comes(pressed("approve", "SMa", OTHER, question.provider_id))
    assert (answer.shop, answer.farmer, answer.message) == (settlement.shop, None, question)


def test_the_number_that_he_had_before_does_not_answer_for_him(
    settlement: Settlement, question: Message
) -> None:
    has(settlement.farmer, OTHER)
    assert became(comes(pressed("approve", "SMa", answers=question.provider_id))) == (False, "unknown")
    assert became(comes(pressed("approve", "SMb", OTHER, question.provider_id))) == (False, "not_his")
    assert not said_yes(settlement)


def test_what_is_not_signed_and_what_is_told_again_does_nothing(
    settlement: Settlement, question: Message, meena: Membership
) -> None:
    fields = pressed("dispute", "SMa", answers=question.provider_id)
    assert tells(INBOUND, fields, token="guessed") == 403
    take_inbound()
    assert not Answer.objects.exists()
    comes(fields)
    submit(by=meena, settlement_id=settlement.pk)
    assert tells(INBOUND, fields) == 200
    take_inbound()
    settlement.refresh_from_db()
    assert (settlement.status, Answer.objects.count()) == ("pending", 1)


def test_told_again_after_its_callback_was_forgotten_it_still_does_nothing(
    settlement: Settlement, question: Message, meena: Membership
) -> None:
    """Twilio's signature is good for ever: what was recorded can be played again."""
    fields = fields_of("STOP", "SMa")
    comes(fields)
    comes(fields_of("START", "SMb"))
    Callback.objects.update(received_at=Now() - dt.timedelta(days=300))
    assert forget() + Callback.objects.all().delete()[0] == 2
    assert tells(INBOUND, fields) == 200
    assert take_inbound() == 1
    assert Callback.objects.get().state == "done"
    assert Consent.objects.order_by("-at", "-id").values_list("is_in", flat=True)[0]


# --- Who has no number ------------------------------------------------------------------------------


def test_who_hides_his_number_is_known_by_the_message_that_he_answers(
    settlement: Settlement, question: Message
) -> None:
    answer = comes(pressed("approve", "SMa", "IN.1234567890", question.provider_id))
    assert (became(answer), answer.farmer, answer.address) == ((True, "done"), settlement.farmer, "")
    (reply,) = replies()
    assert reply.address == PHONE


def test_a_stranger_is_for_people_and_not_answered(settlement: Settlement) -> None:
    answer = comes(fields_of("வணக்கம், பூ இருக்கு", "SMa", OTHER))
    assert (became(answer), answer.is_for_people) == ((False, "unknown"), True)
    assert (answer.shop, answer.farmer, answer.said) == (None, None, "வணக்கம், பூ இருக்கு")
    assert words() == []


# --- Messages or none, and the balance --------------------------------------------------------------


def test_stop_is_so_at_once_is_confirmed_once_and_start_turns_it_round(
    settlement: Settlement, question: Message, kumar: Membership, fake: FakeTwilio
) -> None:
    farmer = settlement.farmer
    recorded(kumar, farmer, malli(), captured_at=at("2026-03-08", "05:00"))
    waiting = told("EntryRecorded")
    assert became(comes(fields_of("STOP", "SMa"))) == (True, "done")
    waiting.refresh_from_db()
    assert (waiting.state, waiting.error_code) == ("failed", "opted_out")
    (reply,) = replies()
    send(message_id=reply.pk)
    call = fake.calls[-1].fields
    assert call["To"] == f"whatsapp:{PHONE}"
    assert (call["Body"], "ContentSid" in call) == (reply.text, False)
    assert "START" in reply.text

    assert became(comes(fields_of("stop.", "SMb"))) == (False, "already")
    assert words() == []
    apart = unicodedata.normalize("NFD", "தொடங்கு")
    assert apart != "தொடங்கு", "some keyboards write one sign as two"
    assert became(comes(fields_of(apart, "SMc"))) == (True, "done")
    assert len(words()) == 1
    recorded(kumar, farmer, malli(), captured_at=at("2026-03-08", "05:10"))
    assert told("EntryRecorded").state == "queued"


def test_one_phone_of_two_farmers(settlement: Settlement, lakshmi: Farmer, meena: Membership) -> None:
    raja = settlement.farmer
    has(lakshmi, PHONE)
    change_wishes(by=meena, farmer=lakshmi, messages=False)
    asked_which = comes(fields_of("நிலுவை", "SMa"))
    assert (became(asked_which), asked_which.farmer) == ((False, "asked"), None)
    (reply,) = words()
    assert "₹" not in reply
    assert became(comes(fields_of("STOP", "SMb"))) == (True, "done")
    assert became(comes(fields_of("START", "SMc"))) == (True, "done")
    assert len(words()) == 2
    said = Consent.objects.order_by("at", "id").values_list("farmer", "is_in", "source")
    assert list(said) == [
        (lakshmi.pk, False, "page"),
        (raja.pk, False, "word"),
        (raja.pk, True, "word"),
    ], "START gives nobody messages who stopped them himself"


def test_one_phone_in_two_shops_is_kept_for_both(settlement: Settlement, selvi: Farmer) -> None:
    has(selvi, PHONE)
    assert tells(INBOUND, fields_of("STOP", "SMa")) == 200
    take_inbound()
    assert {each.shop for each in Answer.objects.all()} == {settlement.shop, selvi.shop}
    assert Consent.objects.filter(is_in=False).count() == 2
    assert len(words()) == 1


def test_he_asks_for_his_balance(settlement: Settlement) -> None:
    assert became(comes(fields_of("நிலுவை?", "SMa"))) == (True, "done")
    (reply,) = words()
    assert reply.startswith("பெ. ராஜா")


def test_no_and_no_more_messages_are_asked_apart(settlement: Settlement) -> None:
    assert became(comes(fields_of("வேண்டாம்", "SMa"))) == (False, "asked")
    (reply,) = words()
    assert "STOP" in reply


def test_stop_by_sms_counts_and_is_not_answered(settlement: Settlement) -> None:
    assert became(comes(fields_of("STOP", "SMa") | {"From": PHONE})) == (True, "done")
    assert Consent.objects.get().is_in is False
    assert words() == []


# --- Answering --------------------------------------------------------------------------------------


def test_after_whatsapps_day_he_is_not_answered(settlement: Settlement) -> None:
    answer = comes(fields_of("நிலுவை", "SMa"))
    event = Event.objects.get(name="FarmerAnswered")
    late = answer.received_at + WINDOW
    with time_machine.travel(late):
        assert react(event_id=event.pk) == []
    assert not Message.objects.filter(kind="reply").exists()


def test_an_answer_goes_by_the_number_he_wrote_to_or_not_at_all(
    settlement: Settlement, settings: Any
) -> None:
    comes(fields_of("நிலுவை", "SMa"))
    settings.MESSAGE_PROVIDERS = {
        name: path for name, path in settings.MESSAGE_PROVIDERS.items() if name != "twilio_whatsapp"
    }
    settings.MESSAGE_PROVIDER = settings.MESSAGE_PROVIDERS["console"]
    assert replies() == []


def test_a_machine_that_answers_us_is_not_answered_for_ever(settlement: Settlement) -> None:
    for number in range(MOST_REPLIES + 3):
        comes(fields_of("வேண்டாம்", f"SM{number}"))
    assert len(words()) == MOST_REPLIES


def test_an_answer_is_made_once_however_often_its_event_is_handed_over(settlement: Settlement) -> None:
    comes(fields_of("நிலுவை", "SMa"))
    event = Event.objects.get(name="FarmerAnswered")
    assert len(react(event_id=event.pk)) == 1
    Event.objects.filter(pk=event.pk).update(done_at=None)
    assert react(event_id=event.pk) == []


# --- One at a time ----------------------------------------------------------------------------------


def test_what_makes_no_sense_is_set_aside(settlement: Settlement) -> None:
    Callback.objects.create(provider="twilio", about="inbound", dedupe_key="in:", body={"Body": "சரி"})
    Callback.objects.create(provider="nobody", about="inbound", dedupe_key="in:1", body={"MessageSid": "1"})
    assert take_inbound() == 2
    assert set(Callback.objects.values_list("state", flat=True)) == {"bad"}


def test_one_that_breaks_is_put_off_and_holds_up_nobody(
    settlement: Settlement, question: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = inbound.decide

    def decide(said: inbound.Said) -> inbound.Verdict:
        if said.inbound.provider_id == "SMbad":
            raise RuntimeError("broken")
        return sound(said)

    monkeypatch.setattr(inbound, "decide", decide)
    assert tells(INBOUND, fields_of("சரி", "SMbad")) == 200
    assert became(comes(pressed("approve", "SMa", answers=question.provider_id))) == (True, "done")
    broken = Callback.objects.get(dedupe_key="in:SMbad")
    assert (broken.state, broken.tries) == ("orphan", 1)
    for _ in range(3):
        Callback.objects.filter(pk=broken.pk).update(next_try_at=Now())
        take_inbound()
    broken.refresh_from_db()
    assert (broken.state, broken.next_try_at) == ("bad", None)


def test_what_he_said_is_never_rewritten(settlement: Settlement) -> None:
    comes(fields_of("STOP", "SMa"))
    for statement in (
        "UPDATE notifications_answer SET is_applied = false",
        "UPDATE notifications_answer SET said = ''",
        "DELETE FROM notifications_answer",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
