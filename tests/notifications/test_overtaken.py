"""A question about a settlement that is another by now is not asked, whoever has heard of the change."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from ledger.domain import Recovery
from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.domain import State
from notifications.models import Message, Recipient
from notifications.services.fallback import take_other_ways
from notifications.services.queueing import react
from notifications.services.sending import send, send_again
from settlements.domain import Method
from settlements.models import Settlement
from settlements.services.approvals import approve, cancel, change_recovery, dispute, submit
from tests.notifications.fake_twilio import FakeTwilio, fake_twilio, refuses, set_up
from tests.notifications.fake_twilio import approve as approve_wordings
from tests.settlements.acts import settled, settlement_for
from tests.settlements.conftest import settlement_a, sunday

__all__ = ["settlement_a", "sunday"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sunday")]


@pytest.fixture
def fake(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


@pytest.fixture
def settlement(settlement_a: Farmer, meena: Membership) -> Settlement:
    settlement_a.recovery, settlement_a.recovery_value = Recovery.FIXED, Decimal(5000)
    settlement_a.phone = "+919876500000"
    settlement_a.save()
    return settlement_for(settlement_a, settled(meena))


@pytest.fixture
def question(settlement: Settlement, meena: Membership, fake: FakeTwilio) -> Message:
    """Waits to be asked by WhatsApp."""
    approve_wordings()
    return asked(settlement, meena)


def asked(settlement: Settlement, by: Membership) -> Message:
    submit(by=by, settlement_id=settlement.pk)
    settlement.refresh_from_db()
    (made,) = react(event_id=Event.objects.filter(name="SettlementReady").latest("id").pk)
    # The day is another one here than by the database's clock.
    Message.objects.filter(pk=made).update(
        next_attempt_at=Now(), created_at=Now(), expires_at=Now() + dt.timedelta(days=1)
    )
    return Message.objects.get(pk=made)


def sent(message: Message) -> Message:
    Recipient.objects.all().delete()  # as if he had heard nothing for six seconds
    send(message_id=message.pk)
    message.refresh_from_db()
    return message


def change(settlement: Settlement, by: Membership, **_: Membership) -> None:
    change_recovery(by=by, settlement_id=settlement.pk, recovery=Decimal(4000), version=settlement.version)


def change_and_submit(settlement: Settlement, by: Membership, **_: Membership) -> None:
    change(settlement, by)
    submit(by=by, settlement_id=settlement.pk)


def call_off(settlement: Settlement, by: Membership, **_: Membership) -> None:
    cancel(by=by, settlement_id=settlement.pk)


def say_no(settlement: Settlement, by: Membership, **_: Membership) -> None:
    dispute(by=by, settlement_id=settlement.pk, reason="one bag is missing")


def say_yes(settlement: Settlement, by: Membership, **_: Membership) -> None:
    approve(
        by=by,
        settlement_id=settlement.pk,
        content_hash=settlement.content_hash,
        for_farmer=True,
        method=Method.PAPER,
    )


@pytest.mark.parametrize("act", [change, change_and_submit, call_off, say_no, say_yes])
def test_it_is_not_asked_though_nobody_has_heard_of_the_change(
    question: Message,
    settlement: Settlement,
    meena: Membership,
    fake: FakeTwilio,
    act: Callable[..., None],
) -> None:
    act(settlement, meena)
    assert (sent(question).state, question.error_code) == (State.FAILED, "overtaken")
    assert fake.calls == []


def test_one_that_is_as_it_was_is_asked_in_six_statements(
    question: Message, fake: FakeTwilio, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(6):
        send(message_id=question.pk)
    assert len(fake.calls) == 1


def test_it_is_not_asked_at_the_next_try(
    question: Message, settlement: Settlement, meena: Membership, fake: FakeTwilio
) -> None:
    fake.will(refuses(429, 20429))
    assert sent(question).state == State.RETRY
    change(settlement, meena)
    Message.objects.update(next_attempt_at=Now())
    assert (sent(question).state, len(fake.calls)) == (State.FAILED, 1)


def test_it_is_not_asked_when_somebody_sends_it_again(
    question: Message, settlement: Settlement, meena: Membership, fake: FakeTwilio
) -> None:
    change_and_submit(settlement, meena)
    sent(question)
    assert send_again(messages=Message.objects.all()) == 1
    Message.objects.update(next_attempt_at=Now(), expires_at=Now() + dt.timedelta(days=1))
    assert (sent(question).state, question.error_code, fake.calls) == (State.FAILED, "overtaken", [])


def test_as_it_is_now_it_is_asked(
    question: Message, settlement: Settlement, meena: Membership, fake: FakeTwilio
) -> None:
    change(settlement, meena)
    settlement.refresh_from_db()
    anew = asked(settlement, meena)
    sent(question)
    assert (sent(anew).state, len(fake.calls)) == (State.ACCEPTED, 1)


# --- By SMS in its stead ------------------------------------------------------------------------


@pytest.fixture
def by_sms(settings: Any) -> None:
    settings.MESSAGE_FALLBACK_PROVIDER = settings.MESSAGE_PROVIDERS["twilio_sms"]


def test_the_sms_has_the_link_and_no_page_shows_it(question: Message, fake: FakeTwilio, by_sms: None) -> None:
    fake.will(refuses(400, 63024))
    sent(question)
    take_other_ways()
    sms = Message.objects.get(fallback_of=question)
    link = question.variables["link"]
    assert sms.text == "மலர்: கணக்கு R1F014 ரூ.33125.00. ஒப்புதல்: … -MALARM"
    Message.objects.filter(pk=sms.pk).update(next_attempt_at=Now())
    assert sent(sms).state == State.ACCEPTED
    assert fake.calls[1].fields["Body"] == sms.text.replace("…", link)


def test_an_sms_that_is_overtaken_is_not_made(
    question: Message, settlement: Settlement, meena: Membership, fake: FakeTwilio, by_sms: None
) -> None:
    fake.will(refuses(400, 63024))
    sent(question)
    change_and_submit(settlement, meena)
    assert take_other_ways() == 1
    assert not Message.objects.filter(fallback_of=question).exists()
