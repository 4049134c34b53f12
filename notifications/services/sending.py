"""Sending messages, once each, whatever dies in between."""

import datetime as dt
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from malar.kernel.jobs import nothing_waits
from notifications.domain import BACKOFF, NOBODY, State, wait_after
from notifications.models import Message
from notifications.providers import Outcome, Outgoing, Provider, SendResult

log = structlog.get_logger(__name__)


def provider_in_use() -> Provider:
    """The provider the settings name."""
    provider: Provider = import_string(settings.MESSAGE_PROVIDER)()
    return provider


def send(*, message_id: UUID) -> None:
    """Send a message if it is due and nobody else is at it; note what became of it.

    The provider is called outside any transaction. Whoever dies on the way leaves a lease that runs
    out, and `sweep` decides.
    """
    provider = provider_in_use()
    message = _claimed(message_id, provider)
    if message is None:
        return
    if message.address.startswith(NOBODY) and provider.name != "console":
        result = SendResult(Outcome.FAILED, code="no_address")
    else:
        result = provider.send(
            Outgoing(
                message_id=message.pk,
                address=message.address,
                language=message.language,
                template=message.template.name,
                variables=message.variables,
                text=message.text,
            )
        )
    _note(message, result)


def _claimed(message_id: UUID, provider: Provider) -> Message | None:
    """The message, now ours alone for the time of a lease: one conditional UPDATE, so that two cannot win."""
    won = (
        Message.objects.due()
        .filter(pk=message_id)
        .update(
            state=State.SENDING,
            attempt=F("attempt") + 1,
            next_attempt_at=None,
            lease_until=Now() + dt.timedelta(seconds=settings.MESSAGE_LEASE_S),
            provider=provider.name,
        )
    )
    return Message.objects.select_related("template").get(pk=message_id) if won else None


def _note(message: Message, result: SendResult) -> None:
    """Write down an outcome. It may come late, after the lease ran out, and still settles an unknown."""
    ours = Message.objects.filter(pk=message.pk, attempt=message.attempt)
    open_states = [State.SENDING, State.UNKNOWN]
    if result.outcome == Outcome.SENT:
        # A message that was given back to the queue meanwhile need not be sent again either.
        ours.filter(state__in=[*open_states, State.QUEUED]).update(
            state=State.SENT,
            sent_at=Now(),
            lease_until=None,
            next_attempt_at=None,
            provider_id=result.provider_id,
            error_code="",
        )
        return
    wait = wait_after(message.attempt) if result.outcome == Outcome.RETRY else None
    otherwise = State.UNKNOWN if result.outcome == Outcome.UNKNOWN else State.FAILED
    state = otherwise if wait is None else State.RETRY
    ours.filter(state__in=open_states).update(
        state=state,
        lease_until=None,
        next_attempt_at=None if wait is None else Now() + wait,
        handed_at=None,
        error_code=result.code,
    )
    log.warning("message_not_sent", message=str(message.pk), state=state, code=result.code)


def sweep(limit: int = 500) -> list[UUID]:
    """Put right what a crash, a flushed broker or time has left; returns the messages to hand to Celery.

    Raises BrokerAway.
    """
    Message.objects.waiting().filter(expires_at__lte=Now()).update(state=State.EXPIRED, next_attempt_at=None)
    _end_leases()
    due = Message.objects.due()
    long_ago = Q(handed_at__lt=Now() - dt.timedelta(seconds=settings.MESSAGE_AGAIN_S))
    which = Q(handed_at=None)
    if due.filter(long_ago).exists() and nothing_waits():
        which |= long_ago
    with transaction.atomic():
        messages = list(
            due.filter(which)
            .order_by("next_attempt_at")
            .values_list("pk", flat=True)
            .select_for_update(skip_locked=True)[:limit]
        )
        Message.objects.filter(pk__in=messages).update(handed_at=Now())
    return messages


def _end_leases() -> None:
    """Decide about sends that broke off: again where that is safe, else perhaps sent and left to people."""
    broken_off = Message.objects.filter(state=State.SENDING, lease_until__lt=Now())
    provider = provider_in_use()
    if provider.repeats_safely:
        safe = broken_off.filter(provider=provider.name)
        safe.filter(attempt__gt=len(BACKOFF)).update(
            state=State.FAILED, lease_until=None, error_code="broke_off"
        )
        safe.update(state=State.QUEUED, lease_until=None, next_attempt_at=Now(), handed_at=None)
    unknown = broken_off.update(state=State.UNKNOWN, lease_until=None, error_code="broke_off")
    if unknown:
        log.warning("messages_perhaps_sent", count=unknown)


def not_handed(messages: list[UUID]) -> None:
    """Note that Celery did not get these, so that the next sweep hands them over."""
    Message.objects.waiting().filter(pk__in=messages).update(handed_at=None)
