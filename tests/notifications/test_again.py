"""Sending again by hand, and taking back."""

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger.models import Farmer
from ledger.services.entries import edit_entry
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.trail.models import Event
from notifications import tasks
from notifications.domain import STUCK, State
from notifications.models import ByHand, Message
from notifications.providers import provider_in_use
from notifications.services.again import resend, resend_all, take_back
from notifications.services.claims import claim
from notifications.services.queueing import react
from notifications.services.sending import send
from notifications.services.wishes import apply_inbound, change_wishes
from pricing.models import Flower
from settlements.models import ApprovalLink, Settlement
from settlements.services.approvals import change_recovery, submit
from settlements.services.links import link_of
from tests.cast import recorded
from tests.notifications.test_redaction import put
from tests.settlements.acts import settled, settlement_for
from tests.settlements.conftest import settlement_a, sunday

__all__ = ["settlement_a", "sunday"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def message(kumar: Membership, raja: Farmer, jasmine: Flower) -> Message:
    recorded(kumar, raja, jasmine, rate=Decimal(100))
    (made,) = react(event_id=Event.objects.get().pk)
    return Message.objects.get(pk=made)


def refused(by: Membership, message: Message, *, despite_risk: bool = False) -> str:
    with pytest.raises(RuleBroken) as broken:
        resend(by=by, key=uuid4(), message_id=message.pk, despite_risk=despite_risk)
    return broken.value.code


@pytest.mark.parametrize("state", [state for state in STUCK if state != State.UNKNOWN])
def test_what_did_not_arrive_is_sent_again_and_it_is_kept_who_wanted_it(
    message: Message, kumar: Membership, state: State
) -> None:
    put(message, state, sent_at=None, tries=6)
    answer = resend(by=kumar, key=uuid4(), message_id=message.pk)
    assert answer.body["state"] == "queued"
    message.refresh_from_db()
    assert (message.state, message.tries) == (State.QUEUED, 0)
    kept = ByHand.objects.get()
    assert (kept.pk, kept.member, kept.what, kept.before) == (answer.made, kumar, "again", state)
    send(message_id=message.pk)
    message.refresh_from_db()
    assert message.state == State.SENT


def test_the_same_request_twice_sends_once(message: Message, kumar: Membership) -> None:
    put(message, State.FAILED, sent_at=None)
    key = uuid4()
    first = resend(by=kumar, key=key, message_id=message.pk)
    put(message, State.FAILED, sent_at=None)
    again = resend(by=kumar, key=key, message_id=message.pk)
    assert again.replayed
    assert again.body == first.body
    message.refresh_from_db()
    assert message.state == State.FAILED
    assert ByHand.objects.count() == 1


def test_what_was_perhaps_sent_goes_only_when_the_risk_is_taken(message: Message, kumar: Membership) -> None:
    put(message, State.UNKNOWN, sent_at=None)
    assert refused(kumar, message) == "perhaps_sent"
    assert not ByHand.objects.exists()
    resend(by=kumar, key=uuid4(), message_id=message.pk, despite_risk=True)
    assert ByHand.objects.get().before == State.UNKNOWN


@pytest.mark.parametrize("state", [state for state in State if state not in STUCK])
def test_what_waits_or_is_on_its_way_is_left_alone(message: Message, kumar: Membership, state: State) -> None:
    put(message, state)
    assert refused(kumar, message, despite_risk=True) == "not_stuck"


def test_who_wants_none_gets_none_again(message: Message, kumar: Membership, raja: Farmer) -> None:
    put(message, State.FAILED, sent_at=None)
    apply_inbound(raja, "STOP")
    assert refused(kumar, message) == "not_wanted"
    apply_inbound(raja, "START")
    change_wishes(by=kumar, farmer=raja, wanted={"entry_receipt": False})
    assert refused(kumar, message) == "not_wanted"


def test_what_was_corrected_since_is_not_told_again_as_it_was(
    message: Message, kumar: Membership, raja: Farmer
) -> None:
    put(message, State.FAILED, sent_at=None)
    entry = Event.objects.get().payload["entry"]
    edit_entry(by=kumar, entry_id=entry, version=1, changes={"rate": Decimal(120)}, reason="agreed")
    (later,) = react(event_id=Event.objects.get(name="EntryCorrected").pk)
    assert refused(kumar, message) == "overtaken"
    Message.objects.filter(pk=later).update(state=State.FAILED, next_attempt_at=None)
    resend(by=kumar, key=uuid4(), message_id=later)


def test_what_is_a_month_old_is_no_news(message: Message, kumar: Membership) -> None:
    put(message, State.EXPIRED, sent_at=None, created_at=timezone.now() - dt.timedelta(days=31))
    assert refused(kumar, message) == "too_old"


def test_it_goes_to_the_number_he_has_now(message: Message, kumar: Membership, raja: Farmer) -> None:
    put(message, State.FAILED, sent_at=None, error_code="21211")
    raja.phone = "+919876500014"
    raja.save()
    resend(by=kumar, key=uuid4(), message_id=message.pk)
    message.refresh_from_db()
    assert message.address == "+919876500014"


def test_many_go_together_and_those_that_may_not_say_why(
    message: Message, kumar: Membership, lakshmi: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, lakshmi, jasmine)
    (other,) = react(event_id=Event.objects.latest("id").pk)
    put(message, State.DEAD, sent_at=None)
    put(Message.objects.get(pk=other), State.UNKNOWN, sent_at=None)
    again = resend_all(by=kumar, message_ids=[message.pk, other, other])
    assert again.queued == 1
    assert again.refused == ("This message may have arrived. Sent again, the farmer may be told twice.",)
    assert resend_all(by=kumar, message_ids=[other], despite_risk=True).queued == 1


def test_only_the_shops_own_people(
    message: Message, raja: Farmer, devi: Membership, kumar: Membership
) -> None:
    put(message, State.FAILED, sent_at=None)
    assert raja.member is not None
    with pytest.raises(NotAllowed):
        resend(by=raja.member, key=uuid4(), message_id=message.pk)
    with pytest.raises(NotAllowed):
        resend_all(by=raja.member, message_ids=[message.pk])
    with pytest.raises(NotAllowed):
        take_back(by=raja.member, message_id=message.pk)
    with pytest.raises(NotFound):
        resend(by=devi, key=uuid4(), message_id=message.pk)
    with pytest.raises(NotFound):
        resend_all(by=devi, message_ids=[message.pk])
    with pytest.raises(NotFound):
        take_back(by=devi, message_id=message.pk)


def test_what_waits_can_be_taken_back_and_sent_after_all(message: Message, kumar: Membership) -> None:
    taken = take_back(by=kumar, message_id=message.pk)
    assert (taken.state, taken.reason) == (State.FAILED, "Somebody of the shop took it back.")
    assert send(message_id=message.pk) == []
    message.refresh_from_db()
    assert message.attempt == 0
    kept = ByHand.objects.get()
    assert (kept.what, kept.before, kept.member) == ("taken_back", "queued", kumar)
    resend(by=kumar, key=uuid4(), message_id=message.pk)


def test_what_is_being_sent_is_not_taken_back(message: Message, kumar: Membership) -> None:
    assert claim(message, provider_in_use(), 0)
    with pytest.raises(Conflict) as late:
        take_back(by=kumar, message_id=message.pk)
    assert late.value.code == "not_waiting"
    assert not ByHand.objects.exists()


def test_what_was_done_by_hand_is_never_changed(message: Message, kumar: Membership) -> None:
    take_back(by=kumar, message_id=message.pk)
    with pytest.raises(IntegrityError), transaction.atomic():
        ByHand.objects.update(what="again")


class TestQuestions:
    """Settlements that wait for a yes."""

    @pytest.fixture
    def settlement(self, sunday: Any, settlement_a: Farmer, meena: Membership, settings: Any) -> Settlement:
        settings.PUBLIC_BASE_URL = "https://malar.example"
        return settlement_for(settlement_a, settled(meena))

    @pytest.fixture
    def question(self, settlement: Settlement, meena: Membership) -> Message:
        """It failed, and its link was forgotten."""
        submit(by=meena, settlement_id=settlement.pk)
        (made,) = react(event_id=Event.objects.filter(name="SettlementReady").latest("id").pk)
        message = put(Message.objects.get(pk=made), State.FAILED, sent_at=None)
        assert tasks.forget_links() == 1
        message.refresh_from_db()
        return message

    def test_a_question_gets_a_new_link(self, question: Message, kumar: Membership) -> None:
        resend(by=kumar, key=uuid4(), message_id=question.pk)
        question.refresh_from_db()
        link = link_of(question.variables["token"])
        assert link.settlement_id == Settlement.objects.get().pk
        assert link.created_by == kumar
        assert question.variables["link"].endswith(f"/s/{question.variables['token']}/")
        assert ApprovalLink.objects.count() == 2

    def test_a_question_about_what_changed_is_not_asked_again(
        self, question: Message, settlement: Settlement, meena: Membership, kumar: Membership
    ) -> None:
        settlement.refresh_from_db()
        change_recovery(
            by=meena, settlement_id=settlement.pk, recovery=Decimal(4000), version=settlement.version
        )
        assert refused(kumar, question) == "overtaken"
        submit(by=meena, settlement_id=settlement.pk)
        assert refused(kumar, question) == "overtaken"
        assert not ByHand.objects.exists()
