"""A wording that is stopped between queue and call, and the other ways to a farmer who was not reached."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications.domain import State
from notifications.models import Attempt, Message, Sender, Spending, TemplateApproval
from notifications.services.approvals import WordingStatus, doors
from notifications.services.queueing import react
from notifications.services.sending import send
from pricing.models import Flower
from tests.cast import recorded
from tests.notifications.fake_twilio import FakeTwilio, approve, fake_twilio, set_up

pytestmark = pytest.mark.django_db

PHONE = "+919876500000"


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


def sent(message: Message) -> Message:
    send(message_id=message.pk)
    message.refresh_from_db()
    return message


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
