"""What a message is rid of when it is over."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from ledger.models import Farmer
from ledger.services.entries import edit_entry
from malar.accounts.models import Membership
from malar.trail.models import Event
from notifications import tasks
from notifications.domain import ARRIVED, HANDED_OVER, NOT_TOLD, UNFINISHED, State
from notifications.models import Attempt, Message
from notifications.selectors import last_told
from notifications.services.queueing import react
from pricing.models import Flower
from settlements.models import ApprovalLink, Settlement
from settlements.services.approvals import submit
from settlements.services.links import link_of
from tests.cast import recorded
from tests.conftest import page_of
from tests.settlements.acts import settled, settlement_for
from tests.settlements.conftest import settlement_a, sunday

__all__ = ["settlement_a", "sunday"]

pytestmark = pytest.mark.django_db

A_DAY = dt.timedelta(days=1)


@pytest.fixture
def question(sunday: Any, settlement_a: Farmer, meena: Membership, settings: Any) -> Message:
    """Raja is asked for his yes, with a link; the message waits."""
    settings.PUBLIC_BASE_URL = "https://malar.example"
    settlement: Settlement = settlement_for(settlement_a, settled(meena))
    submit(by=meena, settlement_id=settlement.pk)
    (made,) = react(event_id=Event.objects.filter(name="SettlementReady").latest("id").pk)
    return Message.objects.get(pk=made)


def put(message: Message, state: State, **fields: Any) -> Message:
    """As it is in that state."""
    now = timezone.now()
    values: dict[str, Any] = {
        "state": state,
        "next_attempt_at": now if state in (State.QUEUED, State.RETRY) else None,
        "lease_until": now if state == State.SENDING else None,
        "sent_at": None if state in UNFINISHED else now,
        **fields,
    }
    Message.objects.filter(pk=message.pk).update(**values)
    message.refresh_from_db()
    return message


def has_link(message: Message) -> bool:
    tasks.forget_links()
    message.refresh_from_db()
    return "token" in message.variables or "link" in message.variables


@pytest.mark.parametrize("state", [*ARRIVED, *NOT_TOLD])
def test_when_a_message_is_over_its_link_is_forgotten(question: Message, state: State) -> None:
    token = question.variables["token"]
    assert link_of(token)
    put(question, state, text=f"{question.text} https://malar.example/s/{token}/ -MALARM")
    net = question.variables["net"]
    assert not has_link(question)
    assert token not in question.text
    assert question.text.endswith("… -MALARM")
    assert question.variables["net"] == net
    assert tasks.forget_links() == 0


@pytest.mark.parametrize("state", NOT_TOLD)
def test_what_failed_just_now_may_go_another_way_and_take_its_link_along(
    question: Message, state: State
) -> None:
    now = timezone.now()
    assert has_link(put(question, state, failed_at=now))
    put(question, state, failed_at=now - A_DAY)
    call = {"shop": question.shop, "message": question, "provider": "twilio_whatsapp", "outcome": "failed"}
    last = Attempt.objects.create(**call, number=1, ended_at=now)
    assert has_link(question)
    last.ended_at = now - A_DAY
    last.save()
    assert not has_link(question)


@pytest.mark.parametrize("state", UNFINISHED)
def test_who_may_still_send_it_has_the_link(question: Message, state: State) -> None:
    assert has_link(put(question, state))


@pytest.mark.parametrize("state", HANDED_OVER)
def test_what_the_provider_has_may_still_fail_and_need_its_link(question: Message, state: State) -> None:
    assert has_link(put(question, state))
    assert not has_link(put(question, state, sent_at=timezone.now() - A_DAY))


def test_what_was_perhaps_sent_has_it_as_long_as_it_is_news(question: Message) -> None:
    assert has_link(put(question, State.UNKNOWN, sent_at=None))
    assert not has_link(put(question, State.UNKNOWN, sent_at=None, expires_at=timezone.now()))


def test_nobody_in_the_office_sees_the_link(question: Message, meena: Membership) -> None:
    token = question.variables["token"]
    page = page_of(meena)
    for address in ("/messages/", f"/messages/{question.pk}/", "/inbox/"):
        shown = page.get(address)
        assert shown.status_code == 200
        assert token not in shown.content.decode()
    for address in ("", f"{question.pk}/change/"):
        assert token not in page.get(f"/admin/notifications/message/{address}").content.decode()
    assert token not in str(page.get("/api/v1/notifications/messages/").json())
    assert ApprovalLink.objects.exists()


def test_after_a_month_what_was_said_stays_and_what_it_was_made_of_goes(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    (made,) = react(event_id=Event.objects.get().pk)
    message = put(Message.objects.get(pk=made), State.SENT)
    said = message.text
    assert tasks.forget_variables() == 0
    Message.objects.update(created_at=timezone.now() - 31 * A_DAY)
    assert tasks.forget_variables() == 1
    assert tasks.forget_variables() == 0
    message.refresh_from_db()
    assert (message.text, message.variables) == (said, {"version": "1"})
    # A later correction is still told as what differs from what he last heard.
    assert last_told(entry) == 1
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"rate": Decimal(120)}, reason="agreed")
    (made,) = react(event_id=Event.objects.get(name="EntryCorrected").pk)
    assert "₹100.00" in Message.objects.get(pk=made).variables["was"]


def test_a_summary_of_the_day_keeps_what_the_next_is_compared_with(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine)
    (made,) = react(event_id=Event.objects.get().pk)
    message = put(Message.objects.get(pk=made), State.SENT, kind="day_summary")
    Message.objects.update(created_at=timezone.now() - 31 * A_DAY)
    assert tasks.forget_variables() == 0
    assert message.variables == Message.objects.get().variables


def test_what_still_waits_keeps_what_it_is_sent_with(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    recorded(kumar, raja, jasmine)
    react(event_id=Event.objects.get().pk)
    Message.objects.update(created_at=timezone.now() - 31 * A_DAY)
    assert tasks.forget_variables() == 0
