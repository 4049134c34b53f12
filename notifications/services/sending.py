"""Sending messages, once each, whatever dies in between."""

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Now
from django.utils import timezone

from malar.kernel.jobs import nothing_waits
from malar.kernel.transactions import step
from notifications.domain import (
    ASKED_FOR,
    COSTS_NO_TRY,
    HANDSET_WAIT,
    MOST_TRIES,
    MUST_REACH,
    NOBODY,
    NOT_TOLD,
    STUCK,
    SURELY_NOT_SENT,
    VALID_FOR,
    WAITING,
    Channel,
    Failure,
    Kind,
    OtherWay,
    State,
    code_of,
    filled,
    longest_wait,
    names_in,
    other_way,
    quiet_until,
    wait_after,
)
from notifications.models import Attempt, Message, MessageQuerySet, Sender
from notifications.providers import Outcome, Outgoing, Provider, SendResult, provider_in_use, provider_of
from notifications.services import circuit
from notifications.services.approvals import ref_of
from notifications.services.claims import Claim, claim, give_back, hold, put_off
from notifications.services.queueing import is_still_so
from notifications.wordings import sms_filled

log = structlog.get_logger(__name__)


FOLLOWING = """
SELECT id FROM notifications_message
WHERE channel = %s AND address = %s AND state = ANY(%s)
    AND next_attempt_at <= statement_timestamp() AND expires_at > statement_timestamp()
ORDER BY id LIMIT 1
"""
"""The next one to an address of those that are `due()`, asked for after every message."""


def send(*, message_id: UUID) -> list[UUID]:
    """Send a message if it is due, its turn, and nobody else is at it; note what became of it.

    Returns the next message to the same address where it may follow at once. The provider is called outside any
    transaction. Whoever dies on the way leaves a lease that runs out, and `sweep` decides.
    """
    message = Message.objects.waiting().select_related("template", "event").filter(pk=message_id).first()
    if message is None:
        return []
    if morning := quiet_until(message.kind, timezone.now()):
        hold(Message.objects.waiting().filter(pk=message.pk), morning)
        return []
    provider = provider_of(message)
    cost = provider.cost_of(text_of(message))
    claimed = claim(message, provider, cost)
    if claimed is None:
        put_off(message, provider, cost)
        return []
    message.attempt = claimed.attempt
    ref = ref_of(message.template, provider.name)
    result = _why_not(message, provider, ref)
    was_called = result is None
    if result is None:
        Attempt.objects.create(
            shop_id=message.shop_id, message=message, number=message.attempt, provider=provider.name
        )
        result = provider.send(outgoing_of(message, ref or ""))
    _note(message, provider, result, circuit_of=claimed if was_called else None)
    if result.outcome in (Outcome.RETRY, Outcome.FAILED):
        give_back(message, cost)
    if provider.gap:
        return []
    with connection.cursor() as cursor:
        cursor.execute(FOLLOWING, [message.channel, message.address, [str(state) for state in WAITING]])
        return [pk for (pk,) in cursor.fetchall()]


def _why_not(message: Message, provider: Provider, ref: str | None) -> SendResult | None:
    """What keeps a message back, though it is its turn; None: nothing, and its provider is called now."""
    if message.address.startswith(NOBODY) and provider.name != "console":
        return SendResult(Outcome.FAILED, code="no_address")
    if not is_still_so(message):
        return SendResult(Outcome.FAILED, code="overtaken")
    if ref is None:
        return SendResult(Outcome.FAILED, code="wording_stopped", failure=Failure.TEMPLATE)
    return None


def outgoing_of(message: Message, ref: str) -> Outgoing:
    """The message as its provider sees it; `ref` is its name for the wording.

    A code to sign in stands in nothing but this.
    """
    variables, whole = message.variables, message.text
    if message.kind == Kind.OTP_LOGIN:
        variables = {**variables, "code": code_of(UUID(message.event.payload["code"]))}
        whole = filled(message.template.body, variables)
    left = message.expires_at - timezone.now()
    wording, text = message.template, _text(message, variables, whole)
    named = dict.fromkeys(names_in(wording.body if text == whole else wording.sms))
    return Outgoing(
        message_id=message.pk,
        attempt=message.attempt,
        address=message.address,
        language=message.language,
        template=message.template.name,
        version=message.template.version,
        variables=variables,
        values=tuple(variables.get(name, "") for name in named),
        text=text,
        valid_s=max(1, int(left.total_seconds())),
        ref=ref,
        buttons=message.template.buttons,
    )


def text_of(message: Message) -> str:
    """What is sent as text: by SMS the short form where it can be said, with the link that no page shows."""
    return _text(message, message.variables, message.text)


def _text(message: Message, variables: Mapping[str, str], whole: str) -> str:
    wording = message.template
    if message.channel != Channel.SMS or not wording.sms:
        return whole
    try:
        return sms_filled(wording.name, wording.sms, variables)
    except ValueError:
        return whole


@dataclass(frozen=True)
class Next:
    """What becomes of a message after a call: its state, the wait until the next try, and whether that counts."""

    state: State
    wait: dt.timedelta | None = None
    counts: bool = False


def next_of(message: Message, result: SendResult) -> Next:
    """Decide, from what the provider said and how often it was tried."""
    if result.outcome in (Outcome.ACCEPTED, Outcome.SENT, Outcome.UNKNOWN):
        return Next(State(result.outcome.value))
    if result.outcome == Outcome.FAILED:
        return Next(State.DEAD if result.failure == Failure.BUG else State.FAILED, counts=True)
    share = random.random()  # noqa: S311  # spreads the next tries, hides nothing
    if result.failure == Failure.HANDSET:
        again = message.tries == 0
        return Next(State.RETRY if again else State.FAILED, HANDSET_WAIT if again else None, counts=True)
    if result.failure in COSTS_NO_TRY:
        wait: dt.timedelta | None = longest_wait(message.attempt) * share
    else:
        wait = wait_after(message.tries + 1, share)
    if wait is None:
        return Next(State.DEAD, counts=True)
    return Next(State.RETRY, max(wait, result.retry_after or wait), result.failure not in COSTS_NO_TRY)


NOTE = """
WITH ended AS (
    UPDATE notifications_attempt
    SET ended_at = statement_timestamp(), outcome = %(outcome)s, code = %(code)s,
        provider_id = CASE WHEN provider_id = '' THEN %(provider_id)s ELSE provider_id END
    WHERE message_id = %(id)s AND number = %(attempt)s AND outcome = ''
)
UPDATE notifications_message
SET state = %(state)s, lease_until = NULL, handed_at = NULL, provider_id = %(provider_id)s, error_code = %(code)s,
    next_attempt_at = statement_timestamp() + %(wait)s::interval, tries = tries + %(counts)s::integer,
    sent_at = CASE WHEN %(is_taken)s::boolean THEN statement_timestamp() END, other_way = %(other_way)s
WHERE id = %(id)s AND attempt = %(attempt)s AND state = ANY(%(from)s)
"""


def _note(message: Message, provider: Provider, result: SendResult, *, circuit_of: Claim | None) -> None:
    """Write down an outcome. It may come late, after the lease ran out, and still settles an unknown.

    `circuit_of`: the claim under which the provider was called; None: it was not, so nothing is known of it.
    A message that was given back to the queue meanwhile need not be sent again when it turns out to be on its way.
    What the provider told by itself in the meantime stands.
    """
    taken = result.outcome in (Outcome.ACCEPTED, Outcome.SENT)
    stopped_until = _circuit(provider, circuit_of, result) if circuit_of else None
    then = next_of(message, result)
    if stopped_until and then.wait is not None:
        then = Next(then.state, max(then.wait, stopped_until - timezone.now()), then.counts)
    from_states = [State.SENDING, State.UNKNOWN, *([State.QUEUED] if taken else [])]
    values: dict[str, Any] = {
        "id": message.pk,
        "attempt": message.attempt,
        "outcome": result.outcome.value,
        "code": result.code[:40],
        "provider_id": result.provider_id,
        "state": then.state.value,
        "wait": then.wait,
        "counts": int(then.counts),
        "is_taken": taken,
        "other_way": other_way(message.kind, message.channel, then.state, result.failure, result.code),
        "from": [str(state) for state in from_states],
    }
    with connection.cursor() as cursor:
        cursor.execute(NOTE, values)
    if not taken:
        tell_of(message, then.state, result.failure, result.code)


def _circuit(provider: Provider, claimed: Claim, result: SendResult) -> dt.datetime | None:
    """Stop a sender that is in trouble, let one go again that is not; until when it is stopped."""
    in_trouble = result.failure == Failure.ACCOUNT or result.outcome == Outcome.UNKNOWN
    if in_trouble:
        return circuit.went_wrong(
            provider.name,
            at_once=result.failure == Failure.ACCOUNT,
            is_probe=claimed.is_probe,
            failure=result.code,
        )
    if claimed.is_probe and result.failure not in SURELY_NOT_SENT:
        circuit.is_well(provider.name)
    return None


def tell_of(message: Message, state: State, failure: Failure | None, code: str) -> None:
    """Say in the log what did not go; as an error where every message with this wording would fail."""
    say = log.error if failure in (Failure.TEMPLATE, Failure.BUG) else log.warning
    wording = f"{message.template.name} {message.language} {message.template.version}"
    say("message_not_sent", message=str(message.pk), state=state, code=code, wording=wording)


@step
def send_again(*, messages: MessageQuerySet, states: tuple[State, ...] = STUCK) -> int:
    """Queue messages once more that a person wants sent (`services/again.py`), whatever became of them; returns how
    many. Of one that was perhaps sent the farmer may hear twice: whoever asks for it was told so. One in whose stead
    another went, or is still to go, is left alone, and so is what went in the stead of such a one. A code to sign in
    is asked for anew, by him.
    """
    now = timezone.now()
    same = Q(fallback_of=OuterRef("pk")) | Q(fallback=OuterRef("pk"))
    told_otherwise = Message.objects.filter(same).exclude(state__in=NOT_TOLD)
    stuck = messages.filter(~Exists(told_otherwise), state__in=[each for each in states if each in STUCK])
    return stuck.exclude(kind__in=ASKED_FOR).update(
        state=State.QUEUED,
        tries=0,
        next_attempt_at=now,
        expires_at=now + VALID_FOR,
        handed_at=None,
        sent_at=None,
        failed_at=None,
        error_code="",
        other_way="",
    )


TO_PEOPLE = Case(
    When(~Q(channel=Channel.CONSOLE), kind__in=MUST_REACH, then=Value(OtherWay.PEOPLE.value)),
    default=Value(""),
)
"""What `other_way` says of messages that are given up many at a time."""


def sweep(limit: int = 500) -> list[UUID]:
    """Put right what a crash, a flushed broker or time has left; returns the messages to hand to Celery.

    Raises BrokerAway.
    """
    Message.objects.waiting().filter(expires_at__lte=Now()).update(
        state=State.EXPIRED, next_attempt_at=None, other_way=TO_PEOPLE
    )
    _end_leases()
    stopped = Sender.objects.filter(open_until__gt=Now()).values("code")
    due = Message.objects.due().first_in_line().exclude(provider__in=stopped)
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
    """Decide about sends that broke off: again where that is safe, else perhaps sent and left to people.

    Safe: the call had not begun, or the provider sends one id once.
    """
    broken_off = Message.objects.filter(state=State.SENDING, lease_until__lt=Now())
    called = Attempt.objects.filter(message=OuterRef("pk"), number=OuterRef("attempt"))
    provider = provider_in_use()
    safe = Q(~Exists(called))
    if provider.repeats_safely:
        safe |= Q(provider=provider.name)
    broken_off.filter(safe, tries__gte=MOST_TRIES).update(
        state=State.DEAD, lease_until=None, error_code="broke_off", other_way=TO_PEOPLE
    )
    broken_off.filter(safe).update(
        state=State.QUEUED, lease_until=None, next_attempt_at=Now(), handed_at=None, tries=F("tries") + 1
    )
    unknown = broken_off.update(state=State.UNKNOWN, lease_until=None, error_code="broke_off")
    if unknown:
        log.warning("messages_perhaps_sent", count=unknown)


def not_handed(messages: list[UUID]) -> None:
    """Note that Celery did not get these, so that the next sweep hands them over."""
    Message.objects.waiting().filter(pk__in=messages).update(handed_at=None)
