"""A wording that is stopped between queue and call, and the other ways to a farmer who was not reached."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone, translation

from ledger.models import Farmer
from ledger.services.entries import edit_entry
from ledger.services.movements import record_movement
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import RuleBroken
from malar.kernel.ids import new_id
from malar.trail.models import Event
from notifications import tasks
from notifications.domain import Approval, Channel, Failure, Kind, OtherWay, State, code_of, other_way
from notifications.models import Attempt, Message, Note, Recipient, Sender, Spending, TemplateApproval
from notifications.providers import WordingStatus
from notifications.selectors import wishes_of
from notifications.services import fallback
from notifications.services.again import resend, resend_all
from notifications.services.approvals import doors, note_status
from notifications.services.fallback import take_other_ways
from notifications.services.queueing import react
from notifications.services.sending import send_again, sweep
from notifications.services.sign_in import ask_code
from notifications.services.statuses import take_statuses
from notifications.services.wishes import apply_inbound, change_wishes
from pricing.models import Flower
from tests.cast import recorded
from tests.notifications.fake_twilio import (
    Answer,
    FakeTwilio,
    approve,
    drops,
    fake_twilio,
    refuses,
    set_up,
    sid_of,
    status_of,
    tells,
)
from tests.notifications.messages import PHONE, sent

pytestmark = pytest.mark.django_db


class Door:
    """Twilio's, of which nothing is asked."""

    def submit(self, template: Any) -> str:
        raise AssertionError

    def status(self, ref: str) -> WordingStatus:
        raise AssertionError


@pytest.fixture
def fake(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        monkeypatch.setitem(doors, "twilio_whatsapp", Door())
        approve()
        yield fake


@pytest.fixture
def receipt(fake: FakeTwilio, kumar: Membership, raja: Farmer, jasmine: Flower) -> Message:
    """Waits for Raja, who has WhatsApp."""
    raja.phone = PHONE
    raja.save()
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get(name="EntryRecorded").pk)
    return Message.objects.get(pk=made)


# --- The wording, right before the call ---------------------------------------------------------


def test_it_is_sent_as_the_content_that_was_approved(receipt: Message, fake: FakeTwilio) -> None:
    approval = TemplateApproval.objects.get(template=receipt.template)
    assert sent(receipt).state == State.ACCEPTED
    assert fake.calls[0].fields["ContentSid"] == approval.ref


@pytest.mark.parametrize(
    "now", [{"state": "paused"}, {"state": "rejected"}, {"state": "disabled"}, {"category": "marketing"}]
)
def test_a_wording_that_is_stopped_while_its_message_waits_is_not_sent(
    receipt: Message, fake: FakeTwilio, now: dict[str, str]
) -> None:
    """Whoever wrote it down did not get to the messages that wait: the sender asks for himself."""
    TemplateApproval.objects.filter(template=receipt.template).update(**now)
    assert (sent(receipt).state, receipt.error_code) == (State.FAILED, "wording_stopped")
    assert fake.calls == []
    assert not Attempt.objects.exists(), "nobody was called"
    assert (receipt.cost_paise, Spending.objects.get().paise) == (0, 0)
    assert sent(receipt).state == State.FAILED, "and it does not go round and round"
    assert receipt.attempt == 1


def test_one_that_is_not_sent_says_nothing_of_a_sender_in_trouble(receipt: Message, fake: FakeTwilio) -> None:
    Sender.objects.create(code="twilio_whatsapp", open_until=Now(), opened=1)
    TemplateApproval.objects.update(state="paused")
    sent(receipt)
    assert Sender.objects.get().open_until is not None


# --- From WhatsApp to SMS to the counter --------------------------------------------------------

ADVANCE = "Malar Market: advance Rs.500.00 given. Total outstanding Rs.500.00. -MALARM"


@pytest.fixture
def by_sms(fake: FakeTwilio, settings: Any) -> None:
    """What does not arrive by WhatsApp goes by Twilio's SMS."""
    settings.MESSAGE_FALLBACK_PROVIDER = settings.MESSAGE_PROVIDERS["twilio_sms"]


@pytest.fixture
def advance(fake: FakeTwilio, meena: Membership, kumar: Membership, raja: Farmer) -> Message:
    """Waits for Raja, who reads English; Meena and Kumar keep the shop."""
    raja.phone, raja.language = PHONE, "en"
    raja.save()
    return advanced(meena, raja)


def advanced(by: Membership, farmer: Farmer) -> Message:
    record_movement(
        by=by,
        key=uuid4(),
        farmer_id=farmer.pk,
        kind="advance",
        amount=Decimal(500),
        business_date=timezone.now().astimezone(KOLKATA).date(),
        mode="cash",
    )
    react(event_id=Event.objects.filter(name="MovementPosted").latest("id").pk)
    return Message.objects.filter(fallback_of=None).latest("created_at", "id")


def instead_of(message: Message) -> Message | None:
    take_other_ways()
    return Message.objects.filter(fallback_of=message).first()


def told(message: Message, status: str, **fields: str) -> Message:
    """Twilio tells of its last call, and the worker reads it."""
    message.refresh_from_db()
    path = f"/webhooks/twilio/status/{message.pk}/{message.attempt}/"
    sid = message.provider_id or sid_of(message.attempt)
    assert tells(path, status_of(sid, status, **fields)) == 200
    take_statuses()
    message.refresh_from_db()
    return message


def asked_to_call() -> list[tuple[str, str]]:
    """Whom the notes ask to call somebody, and what they say."""
    notes = Note.objects.filter(kind="not_reached").order_by("member__user__name")
    return [(note.member.user.name, note.words) for note in notes]


def test_what_whatsapp_does_not_deliver_goes_by_sms_once(
    advance: Message, fake: FakeTwilio, by_sms: None, raja: Farmer
) -> None:
    fake.will(refuses(400, 63024))
    assert (sent(advance).state, advance.error_code) == (State.FAILED, "63024")
    sms = instead_of(advance)
    assert sms is not None
    assert (sms.channel, sms.address, sms.language, sms.text) == ("sms", PHONE, "en", ADVANCE)
    assert sweep() == [sms.pk]
    assert sent(sms).state == State.ACCEPTED
    assert (fake.calls[1].fields["To"], fake.calls[1].fields["Body"]) == (PHONE, ADVANCE)
    take_other_ways()
    assert Message.objects.count() == 2

    # WhatsApp tells late that it arrived after all.
    assert told(advance, "delivered").state == State.DELIVERED
    tasks.sweep()
    assert (Message.objects.count(), len(fake.calls), asked_to_call()) == (2, 2, [])


def test_one_that_arrives_before_the_sms_went_is_enough(
    advance: Message, fake: FakeTwilio, by_sms: None
) -> None:
    fake.will(refuses(400, 63032))
    sent(advance)
    sms = instead_of(advance)
    assert sms is not None
    told(advance, "read")
    assert sweep() == []
    assert (sent(sms).state, sms.error_code, len(fake.calls)) == (State.FAILED, "arrived", 1)
    assert take_other_ways() == 0


def test_one_that_arrives_before_anybody_saw_to_it_is_enough(
    advance: Message, fake: FakeTwilio, by_sms: None
) -> None:
    fake.will(refuses(400, 63032))
    assert sent(advance).other_way == "sms"
    told(advance, "delivered")
    assert (instead_of(advance), asked_to_call()) == (None, [])


def test_the_database_keeps_a_second_one_from_going_instead(
    advance: Message, fake: FakeTwilio, by_sms: None
) -> None:
    fake.will(refuses(400, 63024))
    sent(advance)
    sms = instead_of(advance)
    assert sms is not None
    fields = {field.attname: getattr(sms, field.attname) for field in Message._meta.concrete_fields}
    again = fields | {"id": uuid4(), "dedupe_key": "another"}
    with pytest.raises(IntegrityError, match="fallback_of"), transaction.atomic():
        Message.objects.bulk_create([Message(**again)])


def test_failed_after_sent_goes_by_sms(advance: Message, fake: FakeTwilio, by_sms: None) -> None:
    sent(advance)
    told(advance, "sent")
    assert told(advance, "undelivered", ErrorCode="63024").state == State.FAILED
    assert instead_of(advance) is not None


def test_a_code_to_sign_in_goes_by_sms_to_the_number_that_asked_and_nobody_is_asked_to_call(
    fake: FakeTwilio, by_sms: None, kumar: Membership, raja: Farmer
) -> None:
    raja.phone, raja.whatsapp, raja.language = "+919876500001", PHONE, "en"
    raja.save()
    ask_code(phone=PHONE)
    (made,) = react(event_id=Event.objects.get(name="SignInCodeAsked").pk)
    by_whatsapp = Message.objects.get(pk=made)
    fake.will(refuses(400, 63024))
    assert sent(by_whatsapp).state == State.FAILED
    sms = instead_of(by_whatsapp)
    assert sms is not None
    assert (sms.address, sms.expires_at) == (PHONE, by_whatsapp.expires_at)
    code = code_of(UUID(sms.event.payload["code"]))
    assert code not in f"{sms.text} {sms.variables}"
    fake.will(refuses(400, 21614))
    assert sent(sms).state == State.FAILED
    assert code in fake.calls[1].fields["Body"]
    take_other_ways()
    assert asked_to_call() == []


def test_of_a_message_and_what_went_in_its_stead_one_is_sent_again(
    advance: Message, fake: FakeTwilio, by_sms: None, kumar: Membership
) -> None:
    fake.will(refuses(400, 63024))
    sent(advance)
    sms = instead_of(advance)
    assert sms is not None
    fake.will(refuses(400, 21614))
    assert sent(sms).state == State.FAILED
    again = resend_all(by=kumar, message_ids=[advance.pk, sms.pk])
    assert (again.queued, len(again.refused)) == (1, 1)
    advance.refresh_from_db()
    sms.refresh_from_db()
    assert (advance.state, sms.state) == (State.QUEUED, State.FAILED)


def test_what_arrived_after_all_is_not_told_by_the_sms_that_was_stopped(
    advance: Message, fake: FakeTwilio, by_sms: None, kumar: Membership
) -> None:
    fake.will(refuses(400, 63032))
    sent(advance)
    sms = instead_of(advance)
    assert sms is not None
    told(advance, "read")
    with pytest.raises(RuleBroken) as broken:
        resend(by=kumar, key=uuid4(), message_id=sms.pk)
    assert broken.value.code == "arrived"
    assert send_again(messages=Message.objects.filter(pk=sms.pk)) == 0


def test_a_correction_that_no_way_brought_is_sent_again_when_the_number_is_right(
    fake: FakeTwilio, by_sms: None, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    """What went in its stead is no later message about the line."""
    raja.phone = PHONE
    raja.save()
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    react(event_id=Event.objects.get(name="EntryRecorded").pk)
    Message.objects.update(state=State.DELIVERED, next_attempt_at=None, sent_at=Now())
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"rate": Decimal(120)}, reason="agreed")
    (made,) = react(event_id=Event.objects.get(name="EntryCorrected").pk)
    correction = Message.objects.get(pk=made)
    fields = {field.attname: getattr(correction, field.attname) for field in Message._meta.concrete_fields}
    sms = {"id": new_id(), "dedupe_key": "sms", "fallback_of_id": correction.pk, "channel": "sms"}
    over = {"state": State.FAILED, "next_attempt_at": None}
    Message.objects.bulk_create([Message(**fields | sms | over)])
    Message.objects.filter(pk=correction.pk).update(**over)
    resend(by=kumar, key=uuid4(), message_id=correction.pk)
    correction.refresh_from_db()
    assert correction.state == State.QUEUED


def test_a_wording_that_whatsapp_stops_leaves_the_sms_alone(
    advance: Message, fake: FakeTwilio, by_sms: None
) -> None:
    fake.will(refuses(400, 63024))
    sent(advance)
    sms = instead_of(advance)
    assert sms is not None
    approval = TemplateApproval.objects.get(template=advance.template)
    note_status(provider=approval.provider, ref=approval.ref, status=WordingStatus(Approval.PAUSED))
    sms.refresh_from_db()
    assert sms.state == State.QUEUED


def test_a_code_that_is_void_by_now_goes_by_no_way(fake: FakeTwilio, by_sms: None, raja: Farmer) -> None:
    raja.whatsapp = PHONE
    raja.save()
    ask_code(phone=PHONE)
    (made,) = react(event_id=Event.objects.get(name="SignInCodeAsked").pk)
    first = Message.objects.get(pk=made)
    fake.will(refuses(400, 63024))
    assert sent(first).other_way == "sms"
    ask_code(phone=PHONE)
    assert instead_of(first) is None


def test_when_the_sms_fails_too_it_is_in_his_inbox_and_the_shop_is_asked_to_call(
    advance: Message, fake: FakeTwilio, by_sms: None, raja: Farmer
) -> None:
    fake.will(refuses(400, 63024), refuses(400, 21614))
    sent(advance)
    sms = instead_of(advance)
    assert sms is not None
    assert sent(sms).state == State.FAILED
    assert instead_of(sms) is None
    words = f"P. Raja could not be told: advance. Please call him: {PHONE}"
    assert asked_to_call() == [("Kumar", words), ("Meena", words)]
    (note,) = Note.objects.filter(member=raja.member)
    assert (note.message, note.place) == (advance, "")
    assert Note.objects.filter(kind="not_reached")[0].place == "/messages/"
    tasks.sweep()
    assert (Message.objects.count(), len(fake.calls), len(asked_to_call())) == (2, 2, 2)
    with translation.override("ta"):
        assert asked_to_call()[0][1].startswith("பெ. ராஜா")


def test_without_a_provider_of_sms_the_shop_is_asked_at_once(advance: Message, fake: FakeTwilio) -> None:
    fake.will(refuses(400, 63024))
    sent(advance)
    assert instead_of(advance) is None
    assert len(asked_to_call()) == 2


@pytest.mark.parametrize("answer", [refuses(400, 21211), refuses(400, 12345)])
def test_a_wrong_number_and_a_mistake_of_ours_are_left_to_people(
    advance: Message, fake: FakeTwilio, by_sms: None, answer: Answer
) -> None:
    fake.will(answer)
    sent(advance)
    assert instead_of(advance) is None
    assert len(asked_to_call()) == 2


@pytest.mark.parametrize("answer", [refuses(400, 21610), refuses(400, 63014), drops])
def test_who_wants_nothing_and_who_was_perhaps_told_is_told_by_no_other_way(
    advance: Message, fake: FakeTwilio, by_sms: None, answer: Answer
) -> None:
    fake.will(answer)
    sent(advance)
    assert take_other_ways() == 0
    assert (Message.objects.count(), asked_to_call()) == (1, [])


def test_who_says_stop_before_the_sms_is_made_gets_none(
    advance: Message, fake: FakeTwilio, by_sms: None, raja: Farmer
) -> None:
    fake.will(refuses(400, 63024))
    sent(advance)
    apply_inbound(raja, "STOP")
    assert (instead_of(advance), asked_to_call()) == (None, [])


def test_a_receipt_stays_in_his_inbox(receipt: Message, fake: FakeTwilio, by_sms: None, raja: Farmer) -> None:
    fake.will(refuses(400, 63024))
    sent(receipt)
    assert take_other_ways() == 0
    assert Note.objects.get(member=raja.member).message == receipt
    assert asked_to_call() == []


def test_one_that_grew_too_old_is_left_to_people(advance: Message, fake: FakeTwilio, by_sms: None) -> None:
    Message.objects.update(expires_at=Now())
    tasks.sweep()
    assert (instead_of(advance), len(asked_to_call())) == (None, 2)


def test_what_went_another_way_is_not_sent_again_by_hand(
    advance: Message, fake: FakeTwilio, by_sms: None
) -> None:
    fake.will(refuses(400, 63024), refuses(400, 21614))
    sent(advance)
    sms = instead_of(advance)
    assert sms is not None
    assert send_again(messages=Message.objects.filter(pk=advance.pk)) == 0
    sent(sms)
    assert send_again(messages=Message.objects.filter(pk=advance.pk)) == 1
    Recipient.objects.all().delete()
    fake.will(refuses(400, 63024))
    assert sent(advance).state == State.FAILED
    instead_of(advance)
    assert (Message.objects.count(), len(asked_to_call())) == (2, 2), "once is once"


def test_a_sweep_that_dies_leaves_it_to_the_next(
    advance: Message, fake: FakeTwilio, by_sms: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> bool:
        raise ZeroDivisionError

    fake.will(refuses(400, 63024))
    sent(advance)
    with monkeypatch.context() as dying:
        dying.setattr(fallback, "may_be_sent", dies)
        with pytest.raises(ZeroDivisionError):
            take_other_ways()
    assert instead_of(advance) is not None


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_many_sweeps_make_one_sms(advance: Message, fake: FakeTwilio, by_sms: None) -> None:
    fake.will(refuses(400, 63024))
    sent(advance)
    gate = threading.Barrier(6)

    def work(_: int) -> None:
        gate.wait()
        try:
            take_other_ways()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert Message.objects.filter(fallback_of=advance).count() == 1


# --- Wordings that are stopped ------------------------------------------------------------------


def says(message: Message, **status: Any) -> None:
    """Twilio tells something about the wording of a message."""
    approval = TemplateApproval.objects.get(template=message.template, provider="twilio_whatsapp")
    note_status(provider="twilio_whatsapp", ref=approval.ref, status=WordingStatus(**status))


@pytest.mark.parametrize(
    "status", [{"state": Approval.PAUSED}, {"state": Approval.APPROVED, "category": "marketing"}]
)
def test_what_must_be_heard_goes_by_sms_when_its_wording_is_stopped(
    advance: Message, fake: FakeTwilio, by_sms: None, meena: Membership, status: dict[str, Any]
) -> None:
    says(advance, **status)
    assert (sent(advance).state, advance.error_code) == (State.FAILED, "wording_stopped")
    sms = instead_of(advance)
    assert sms is not None
    assert sent(sms).state == State.ACCEPTED
    assert [call.fields["To"] for call in fake.calls] == [PHONE], "nothing by WhatsApp"
    assert Event.objects.filter(name="WordingStopped").count() == 1
    react(event_id=Event.objects.get(name="WordingStopped").pk)
    assert Note.objects.filter(member=meena, kind="wording_stopped").exists()


def test_a_receipt_whose_wording_is_stopped_goes_no_other_way(
    receipt: Message, fake: FakeTwilio, by_sms: None
) -> None:
    says(receipt, state=Approval.PAUSED)
    assert take_other_ways() == 0
    assert (sent(receipt).state, fake.calls) == (State.FAILED, [])


@pytest.fixture
def english_only(fake: FakeTwilio) -> None:
    """Twilio takes the Tamil wordings no more."""
    TemplateApproval.objects.filter(template__language="ta").update(state="rejected")


def test_in_the_other_language_where_he_allows_it(
    english_only: None, fake: FakeTwilio, by_sms: None, meena: Membership, raja: Farmer
) -> None:
    raja.phone = PHONE
    raja.save()
    change_wishes(by=meena, farmer=raja, either=True)
    message = advanced(meena, raja)
    assert (message.language, message.state) == ("en", State.QUEUED)
    assert message.text.startswith("Hello P. Raja, an advance of"), "what is put in is English, too"
    assert sent(message).state == State.ACCEPTED
    english = TemplateApproval.objects.get(template=message.template)
    assert fake.calls[0].fields["ContentSid"] == english.ref


def test_where_he_does_not_allow_it_he_is_told_by_sms_and_nothing_goes_round(
    english_only: None, fake: FakeTwilio, by_sms: None, meena: Membership, raja: Farmer
) -> None:
    raja.phone = PHONE
    raja.save()
    message = advanced(meena, raja)
    assert (message.language, message.state) == ("ta", State.FAILED)
    tasks.sweep()
    tasks.sweep()
    sms = Message.objects.get(fallback_of=message)
    assert sms.text == "மலர்: முன்பணம் ரூ.500.00 வழங்கப்பட்டது. பாக்கி ரூ.500.00 -MALARM"
    sent(sms)
    assert [call.fields["To"] for call in fake.calls] == [PHONE]


def test_what_he_wants_stays_as_it_is_when_he_allows_the_other_language(
    meena: Membership, raja: Farmer, kumar: Membership
) -> None:
    change_wishes(by=meena, farmer=raja, wanted={"advance_given": False})
    before = wishes_of(raja)
    change_wishes(by=kumar, farmer=raja, either=True)
    assert wishes_of(raja) == before
    change_wishes(by=kumar, farmer=raja, either=False)
    assert not raja.preferences.filter(either_language=True).exists()


# --- The rule -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "channel", "state", "failure", "code", "way"),
    [
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, Failure.NOT_THERE, "63024", OtherWay.SMS),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, Failure.DECLINED, "63032", OtherWay.SMS),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, Failure.TEMPLATE, "63040", OtherWay.SMS),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, None, "99999", OtherWay.SMS),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, Failure.OPTED_OUT, "63014", ""),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, None, "overtaken", ""),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, None, "no_address", ""),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.FAILED, Failure.WRONG_NUMBER, "21211", OtherWay.PEOPLE),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.DEAD, Failure.AWAY, "away", OtherWay.PEOPLE),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.UNKNOWN, Failure.LOST, "lost", ""),
        (Kind.PAYMENT_PAID, Channel.WHATSAPP, State.RETRY, Failure.BUSY, "429", ""),
        (Kind.PAYMENT_PAID, Channel.SMS, State.FAILED, Failure.HANDSET, "30003", OtherWay.PEOPLE),
        (Kind.PAYMENT_PAID, Channel.CONSOLE, State.FAILED, None, "x", ""),
        (Kind.ENTRY_RECEIPT, Channel.WHATSAPP, State.FAILED, Failure.NOT_THERE, "63024", ""),
        (Kind.DAY_SUMMARY, Channel.WHATSAPP, State.FAILED, Failure.NOT_THERE, "63024", ""),
    ],
)
def test_which_other_way_there_is(
    kind: Kind, channel: Channel, state: State, failure: Failure | None, code: str, way: str
) -> None:
    assert other_way(kind, channel, state, failure, code) == way
