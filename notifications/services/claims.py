"""Whose turn it is: one statement that makes a message ours, or says why not."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest, Now
from django.utils import timezone

from malar.kernel.clock import KOLKATA
from notifications.domain import ASKED_FOR, HOLDS_UP_FOR, MAY_WAIT, UNFINISHED, WAITING
from notifications.models import Message, MessageQuerySet, Recipient, Sender, Spending
from notifications.providers import Provider

log = structlog.get_logger(__name__)

CLAIM = """
WITH asked AS (
    -- The row is locked: of forty workers with this id, the other thirty-nine wait here and find it taken.
    SELECT m.id, m.shop_id, m.channel, m.address
    FROM notifications_message AS m
    WHERE m.id = %(id)s AND m.state = ANY(%(waiting)s)
        AND m.next_attempt_at <= statement_timestamp() AND m.expires_at > statement_timestamp()
        AND (m.kind = ANY(%(asked_for)s) OR NOT EXISTS (
            SELECT FROM notifications_message AS earlier
            WHERE earlier.channel = m.channel AND earlier.address = m.address AND earlier.id < m.id
                AND earlier.state = ANY(%(unfinished)s)
                AND earlier.created_at > statement_timestamp() - %(holds_up_for)s
        ))
    FOR UPDATE OF m
), probe AS (
    -- Sending is stopped, and the wait is over: whoever moves the moment on is let through, alone.
    UPDATE notifications_sender SET open_until = statement_timestamp() + %(lease)s
    WHERE code = %(sender)s AND open_until <= statement_timestamp() AND EXISTS (SELECT FROM asked)
    RETURNING id
), admitted AS (
    SELECT * FROM asked
    WHERE EXISTS (SELECT FROM probe) OR NOT EXISTS (
        SELECT FROM notifications_sender WHERE code = %(sender)s AND open_until IS NOT NULL
    )
), turn AS (
    INSERT INTO notifications_recipient (id, channel, address, free_at)
    SELECT gen_random_uuid(), channel, address, statement_timestamp() + %(gap)s FROM admitted
    WHERE %(gap)s > interval '0'
    ON CONFLICT (channel, address) DO UPDATE SET free_at = excluded.free_at
    WHERE notifications_recipient.free_at <= statement_timestamp()
    RETURNING id
), on_turn AS (
    SELECT * FROM admitted WHERE %(gap)s <= interval '0' OR EXISTS (SELECT FROM turn)
), paid AS (
    -- Added up in the row of the day, under its lock: workers cannot overspend together.
    INSERT INTO notifications_spending (id, shop_id, day, paise)
    SELECT gen_random_uuid(), shop_id, %(day)s, %(cost)s FROM on_turn
    WHERE %(cost)s > 0 AND (%(cap)s = 0 OR %(cost)s <= %(cap)s)
    ON CONFLICT (shop_id, day) DO UPDATE SET paise = notifications_spending.paise + excluded.paise
    WHERE %(cap)s = 0 OR notifications_spending.paise + excluded.paise <= %(cap)s
    RETURNING id
)
UPDATE notifications_message AS m
SET state = 'sending', attempt = m.attempt + 1, next_attempt_at = NULL, provider = %(sender)s, provider_id = '',
    lease_until = statement_timestamp() + %(lease)s, cost_paise = m.cost_paise + %(cost)s
FROM on_turn
WHERE m.id = on_turn.id AND (%(cost)s = 0 OR EXISTS (SELECT FROM paid))
RETURNING m.attempt, EXISTS (SELECT FROM probe)
"""
TYPES = {
    "gap": "interval",
    "lease": "interval",
    "holds_up_for": "interval",
    "cost": "integer",
    "cap": "integer",
}
for _name, _type in TYPES.items():
    CLAIM = CLAIM.replace(f"%({_name})s", f"%({_name})s::{_type}")


@dataclass(frozen=True)
class Claim:
    """A message is ours. `is_probe`: its sender was stopped, and this message finds out whether it still must be."""

    attempt: int
    is_probe: bool


def claim(message: Message, provider: Provider, cost: int) -> Claim | None:
    """Make a message ours alone for the time of a lease, if it is due and its turn; None: not now.

    Its turn: no earlier message to the same address is unfinished, the address had its last one long enough ago,
    the sender is not stopped, and the shop has the money left (corrections and payments go all the same).
    """
    values: dict[str, Any] = {
        "id": message.pk,
        "waiting": [str(state) for state in WAITING],
        "unfinished": [str(state) for state in UNFINISHED],
        "asked_for": [str(kind) for kind in ASKED_FOR],
        "holds_up_for": HOLDS_UP_FOR,
        "sender": provider.name,
        "gap": provider.gap,
        "lease": dt.timedelta(seconds=settings.MESSAGE_LEASE_S),
        "cost": cost,
        "cap": settings.MESSAGE_DAILY_CAP_PAISE if message.kind in MAY_WAIT else 0,
        "day": today(),
    }
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        row = cursor.fetchone()
    return Claim(attempt=row[0], is_probe=row[1]) if row else None


def today() -> dt.date:
    """The day money is counted by: the calendar's, in the shop's time."""
    return timezone.now().astimezone(KOLKATA).date()


def put_off(message: Message, provider: Provider, cost: int) -> None:
    """Say when a message that was not claimed may be tried again, so that nobody hands it over before."""
    waiting = Message.objects.waiting().filter(pk=message.pk, attempt=message.attempt)
    stopped = Sender.objects.filter(code=provider.name, open_until__gt=Now()).first()
    if stopped is not None:
        hold(waiting, stopped.open_until)
        return
    if not waiting.first_in_line().exists():
        # Whoever finishes the earlier one hands this one over, or the sweep does.
        waiting.update(handed_at=None)
        return
    # Before the address's turn: whoever is refused the money has used it up.
    cap = settings.MESSAGE_DAILY_CAP_PAISE
    spent = Spending.objects.filter(shop=message.shop_id, day=today()).first()
    paise = spent.paise if spent else 0
    if message.kind in MAY_WAIT and cap and paise + cost > cap:
        tomorrow = dt.datetime.combine(today() + dt.timedelta(days=1), dt.time(), tzinfo=KOLKATA)
        hold(waiting, tomorrow, code="daily_cap")
        tell_of_cap(message, paise)
        return
    taken = Recipient.objects.filter(
        channel=message.channel, address=message.address, free_at__gt=Now()
    ).first()
    if taken is not None:
        hold(waiting, taken.free_at)


def hold(waiting: MessageQuerySet, until: dt.datetime | None, code: str = "") -> None:
    """Leave a message alone until then. Never earlier than it waits already."""
    waiting.update(next_attempt_at=Greatest(F("next_attempt_at"), until), handed_at=None)
    if code:
        waiting.update(error_code=code)


def tell_of_cap(message: Message, paise: int) -> None:
    """Raise the alarm, once a day."""
    Spending.objects.get_or_create(shop_id=message.shop_id, day=today())
    first = Spending.objects.filter(shop=message.shop_id, day=today(), told_at=None).update(told_at=Now())
    if first:
        log.error("daily_cap_reached", shop=str(message.shop_id), paise=paise)


def give_back(message: Message, cost: int) -> None:
    """What was surely not sent was not paid for."""
    if cost:
        Spending.objects.filter(shop=message.shop_id, day=today(), paise__gte=cost).update(
            paise=F("paise") - cost
        )
        Message.objects.filter(pk=message.pk, cost_paise__gte=cost).update(cost_paise=F("cost_paise") - cost)
