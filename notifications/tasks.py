"""Celery's door. A task carries an id and may run any number of times."""

import time
from uuid import UUID

import structlog
from celery import shared_task

from malar.kernel.jobs import BrokerAway, start
from malar.kernel.transactions import through
from notifications.services import (
    approvals,
    fallback,
    inbound,
    queueing,
    redaction,
    sending,
    sign_in,
    statuses,
    stuck,
    wording_news,
)

log = structlog.get_logger(__name__)

SEND = "notifications.tasks.send"
AT_ONCE_S = 5
"""So long one task may send one message after another: it may run for 30 s, and a provider may take 10."""


@shared_task(name="notifications.tasks.react")
def react(event_id: str) -> None:
    """Make an event's messages and send them."""
    with through("task"):
        messages = queueing.react(event_id=UUID(event_id))
        _hand_over(messages[1:])
        _send_at_once(messages[:1])


@shared_task(name=SEND)
def send(message_id: str) -> None:
    """Send one message, and those that wait for the same address behind it."""
    with through("task"):
        _send_at_once([UUID(message_id)])


@shared_task(name="notifications.tasks.sweep")
def sweep() -> None:
    """Every few seconds: start again what was lost on the way, and what is due for another try."""
    with through("task"):
        fallback.take_other_ways()
        _hand_over(sending.sweep())


@shared_task(name="notifications.tasks.take_callbacks")
def take_callbacks() -> None:
    """Every few seconds: make something of what providers told us."""
    with through("task"):
        statuses.take_statuses()
        wording_news.take_wordings()


@shared_task(name="notifications.tasks.ask_after")
def ask_after() -> int:
    """Every ten minutes: ask providers after messages of which they say nothing; returns how many were asked after."""
    with through("task"):
        return stuck.ask_after()


@shared_task(name="notifications.tasks.sync_wordings")
def sync_wordings() -> int:
    """Every hour: ask providers after the wordings that were sent in to them; returns how many answers were new."""
    with through("task"):
        return approvals.sync()


@shared_task(name="notifications.tasks.take_inbound")
def take_inbound() -> None:
    """Every few seconds: make something of what farmers wrote to us."""
    with through("task"):
        inbound.take_inbound()


@shared_task(name="notifications.tasks.forget_callbacks")
def forget_callbacks() -> int:
    """Every night: delete what providers told us a month ago; returns how many rows."""
    with through("task"):
        return statuses.forget()


@shared_task(name="notifications.tasks.forget_codes")
def forget_codes() -> int:
    """Every night: delete what was asked for to sign in; returns how many rows."""
    with through("task"):
        return sign_in.forget_codes()


@shared_task(name="notifications.tasks.forget_links")
def forget_links() -> int:
    """Every minute: take the farmer's link out of messages that are over; from how many."""
    with through("task"):
        return redaction.forget_links()


@shared_task(name="notifications.tasks.forget_variables")
def forget_variables() -> int:
    """Every night: take out of old messages what they were put together from; of how many."""
    with through("task"):
        return redaction.forget_variables()


def _send_at_once(messages: list[UUID]) -> None:
    """Send here what another task would have to be made for; what is left after some seconds is handed over."""
    until = time.monotonic() + AT_ONCE_S
    while messages and time.monotonic() < until:
        messages = sending.send(message_id=messages[0])
    _hand_over(messages)


def _hand_over(messages: list[UUID]) -> None:
    """Start sending. With the broker away they stay queued, and the next sweep starts them."""
    given = 0
    try:
        for message_id in messages:
            start(SEND, message_id=str(message_id))
            given += 1
    except BrokerAway as error:
        log.warning("broker_away", error=str(error), left=len(messages) - given)
        sending.not_handed(messages[given:])
