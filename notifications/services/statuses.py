"""What providers tell us by themselves: taken in by the webhook, made something of by a worker."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from notifications.domain import NOT_TOLD, RANK, UNFINISHED, Failure, State, leads_on, other_way
from notifications.models import Attempt, Callback, Message
from notifications.providers import Heard, SendResult, Told, interakt, meta, msg91, twilio
from notifications.services import circuit
from notifications.services.sending import next_of, tell_of

log = structlog.get_logger(__name__)

READERS: Mapping[str, Callable[[Mapping[str, Any]], Told | None]] = {
    "twilio": twilio.told_of,
    "interakt": interakt.told_of,
    "msg91": msg91.told_of,
    "meta": meta.told_of,
}
"""How each provider's callbacks are read."""

AGAIN_AFTER = (dt.timedelta(minutes=1), dt.timedelta(minutes=5), dt.timedelta(minutes=30))
"""A callback that came before what it is about is looked at again so much later; then it stays an orphan."""
RANKED: Mapping[str, int] = {state.value: rank for state, rank in RANK.items()}
KEPT_FOR = dt.timedelta(days=30)
LONGEST_KEY = 120


def take_in(
    *,
    provider: str,
    about: Callback.About,
    dedupe_key: str,
    body: Mapping[str, str],
    message_id: UUID | None = None,
    attempt: int | None = None,
) -> None:
    """Keep what a provider says. Said twice, it is kept once."""
    _keep(provider, [Heard(about, dedupe_key, body, message_id, attempt)])


def take_all(*, provider: str, heard: Iterable[Heard]) -> None:
    """Keep all that a provider says at once, or nothing of it. Said twice, it is kept once.

    Raises OperationalError where the database takes longer than two seconds: Interakt waits for three, and who is
    told that nothing was kept says it again.
    """
    if heard := list(heard):
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 2000")
            _keep(provider, heard)


def _keep(provider: str, heard: Iterable[Heard]) -> None:
    rows = [
        Callback(
            provider=provider,
            about=each.about,
            dedupe_key=_short(each.key),
            message_id=each.message_id,
            attempt=each.attempt,
            body=dict(each.body),
        )
        for each in heard
    ]
    Callback.objects.bulk_create(rows, ignore_conflicts=True)


def _short(key: str) -> str:
    """A key that the column holds. Cutting it would make one of two."""
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()


def take_statuses(limit: int = 500) -> int:
    """Make something of the status callbacks that wait; returns how many were looked at.

    One at a time, each in a transaction of its own: one that breaks does not hold up the others.
    """
    due = Q(about=Callback.About.STATUS, next_try_at__lte=Now())
    ids = list(Callback.objects.filter(due).values_list("pk", flat=True)[:limit])
    for pk in ids:
        with transaction.atomic():
            callback = Callback.objects.select_for_update(skip_locked=True).filter(due, pk=pk).first()
            if callback is not None:
                _take(callback)
    return len(ids)


def _take(callback: Callback) -> None:
    state = callback.State
    try:
        told = READERS[callback.provider](callback.body)
    except (KeyError, AttributeError, TypeError, ValueError):
        log.warning("callback_makes_no_sense", callback=str(callback.pk))
        _close(callback, state.BAD)
        return
    if told is None or apply_status(callback, told):
        _close(callback, state.DONE)
        return
    wait = AGAIN_AFTER[callback.tries] if callback.tries < len(AGAIN_AFTER) else None
    callback.tries += 1
    _close(callback, state.ORPHAN, None if wait is None else timezone.now() + wait)


def _close(callback: Callback, state: Callback.State, again: dt.datetime | None = None) -> None:
    callback.state, callback.next_try_at = state, again
    callback.save(update_fields=["state", "next_try_at", "tries"])


def apply_status(callback: Callback, told: Told) -> bool:
    """Lead a message on by what its provider tells of one of its calls; False: we know of no such call (yet).

    What comes with it names message and call, so it also finds one whose answer we never got; where it does not,
    the provider's own id must be one we were given. Whatever order statuses come in, the highest stands; a failure
    counts only as long as it was not delivered.
    """
    message, attempt = _call_of(callback, told)
    if message is None or attempt is None:
        return False
    if told.address and told.address != message.address:
        log.warning("callback_names_another_address", message=str(message.pk), callback=str(callback.pk))
        return True
    if attempt.provider_id and attempt.provider_id != told.provider_id:
        log.warning("callback_names_another_message", message=str(message.pk), callback=str(callback.pk))
        return True
    refused = attempt.outcome in ("retry", "failed")
    latest = attempt.number == message.attempt or told.provider_id == message.provider_id
    attempt.provider_id = told.provider_id
    before = State(message.state)
    if told.state == State.FAILED:
        if latest and before in (State.SENDING, State.UNKNOWN, State.ACCEPTED, State.SENT):
            _failed(message, told)
        elif before in (State.DELIVERED, State.READ):
            log.warning("failed_after_delivered", message=str(message.pk), code=told.code)
        attempt.outcome, attempt.code = "failed", told.code
    else:
        if leads_on(before, told.state, refused=refused, latest=latest):
            Message.objects.filter(pk=message.pk).update(
                state=told.state,
                provider=attempt.provider,
                provider_id=told.provider_id,
                lease_until=None,
                next_attempt_at=None,
                error_code="",
                other_way="",
                sent_at=Coalesce("sent_at", callback.received_at),
            )
            if before in NOT_TOLD:
                # It arrived after all: what was to go in its stead and has not gone does not go.
                Message.objects.waiting().filter(fallback_of=message).update(
                    state=State.FAILED, next_attempt_at=None, error_code="arrived"
                )
            latest = True
        time = {State.DELIVERED: "delivered_at", State.READ: "read_at"}.get(told.state)
        if latest and time:
            Message.objects.filter(pk=message.pk).update(**{time: Coalesce(time, callback.received_at)})
        if RANK[told.state] > (2 if refused else RANKED.get(attempt.outcome, 0)):
            attempt.outcome = told.state
    attempt.ended_at = attempt.ended_at or timezone.now()
    attempt.save(update_fields=["provider_id", "outcome", "code", "ended_at"])
    return True


def _call_of(callback: Callback, told: Told) -> tuple[Message | None, Attempt | None]:
    """The message that a callback is about, locked, and the call; None for what there is not."""
    messages = Message.objects.select_for_update()
    if callback.message_id is not None and callback.attempt is not None:
        message = messages.filter(pk=callback.message_id).first()
        attempt = Attempt.objects.filter(message_id=callback.message_id, number=callback.attempt).first()
        return message, attempt
    message = messages.filter(provider=callback.provider, provider_id=told.provider_id).first()
    if message is None:
        return None, None
    return message, message.attempts.filter(provider_id=told.provider_id).last()


def _failed(message: Message, told: Told) -> None:
    """It did not arrive, says the provider: again later where that may help, else that was it."""
    now = timezone.now()
    then = next_of(message, SendResult(told.outcome, code=told.code, failure=told.failure))
    again = None if then.wait is None else now + then.wait
    if told.failure == Failure.ACCOUNT:
        stopped = circuit.went_wrong(message.provider, at_once=True, is_probe=False, failure=told.code)
        again = max(filter(None, (again, stopped)))
    Message.objects.filter(pk=message.pk).update(
        state=then.state,
        lease_until=None,
        sent_at=None if then.state in UNFINISHED else message.sent_at,
        failed_at=now,
        next_attempt_at=again,
        handed_at=None,
        tries=message.tries + then.counts,
        error_code=told.code,
        other_way=other_way(message.kind, message.channel, then.state, told.failure, told.code),
    )
    tell_of(message, then.state, told.failure, told.code)


def forget() -> int:
    """Delete what was made something of, a month after it came: it holds numbers and names. How many."""
    old = Callback.objects.filter(received_at__lt=timezone.now() - KEPT_FOR, next_try_at=None)
    return old.delete()[0]
