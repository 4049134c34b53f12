"""Sending a message once more by hand, and taking back one that still waits. Who did it is kept."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.transactions import step, unit_of_work
from malar.trail.services.answers import Answer, once
from notifications.domain import LINK_NAMES, REASONS, Channel, Handling, Kind, State
from notifications.models import ByHand, Message
from notifications.selectors import message_answer, why_not_again
from notifications.services.queueing import one_by_one
from notifications.services.sending import send_again
from notifications.services.settlement_words import ready_words
from settlements.domain import Side, Status
from settlements.models import Settlement
from settlements.selectors.settlements import waits_for

AT_ONCE = 200
"""Messages that are sent again together at most."""


@dataclass(frozen=True)
class Again:
    """What came of some messages: how many wait to be sent again, and why others do not, in words."""

    queued: int
    refused: tuple[str, ...]


def resend(*, by: Membership, key: UUID, message_id: UUID, despite_risk: bool = False) -> Answer:
    """Queue one message once more; the answer is `message_answer`.

    Of one that was perhaps sent the farmer may hear twice: it goes only `despite_risk`. Raises NotAllowed, NotFound,
    Conflict `not_stuck` or `perhaps_sent`, RuleBroken `overtaken`, `not_wanted` or `too_old`.
    """
    _demand_staff(by)
    made = new_id()
    effect = partial(_resend, by, made, message_id, despite_risk)
    return once(by=by, key=key, body={"message": message_id, "risk": despite_risk}, made=made, effect=effect)


@step
def _resend(by: Membership, made: UUID, message_id: UUID, despite_risk: bool) -> dict[str, Any]:
    message = _held(by, message_id)
    _again(by, message, despite_risk, made)
    return message_answer(message)


@unit_of_work
def resend_all(*, by: Membership, message_ids: Collection[UUID], despite_risk: bool = False) -> Again:
    """Queue messages once more, the earliest first; each that may not be is left as it is, and said why.

    Raises NotAllowed, NotFound for one that is not the shop's.
    """
    _demand_staff(by)
    refused: list[str] = []
    chosen = sorted(set(message_ids))[:AT_ONCE]
    for message_id in chosen:
        try:
            # What was begun for one that is refused is taken back with it.
            with transaction.atomic():
                _again(by, _held(by, message_id), despite_risk, new_id())
        except RuleBroken as broken:
            if isinstance(broken, NotFound):
                raise
            refused.append(broken.detail)
    return Again(len(chosen) - len(refused), tuple(dict.fromkeys(refused)))


def queued_words(count: int) -> str:
    """2 messages will be sent again."""
    words = ngettext("%(count)s message will be sent again.", "%(count)s messages will be sent again.", count)
    return words % {"count": count}


@unit_of_work
def take_back(*, by: Membership, message_id: UUID) -> Message:
    """Do not send a message that still waits. Raises NotAllowed, NotFound, Conflict `not_waiting`: it is too late."""
    _demand_staff(by)
    # No lock is waited for: whoever is sending it just now has claimed it, and then it is too late.
    message = _seen(by, message_id)
    before = message.state
    taken = Message.objects.waiting().filter(pk=message.pk)
    if not taken.update(state=State.FAILED, next_attempt_at=None, error_code="taken_back"):
        raise Conflict(_("It is too late: this message is being sent, or is over."), code="not_waiting")
    _keep(by, message, Handling.TAKEN_BACK, before, new_id())
    message.refresh_from_db()
    return message


@step
def _again(by: Membership, message: Message, despite_risk: bool, made: UUID) -> None:
    one_by_one(message.farmer_id)  # so that a STOP which comes now is before this or after it
    before = message.state
    if refused := why_not_again(message):
        raise refused
    if before == State.UNKNOWN and not despite_risk:
        raise Conflict(
            _("This message may have arrived. Sent again, the farmer may be told twice."), code="perhaps_sent"
        )
    if message.kind == Kind.SETTLEMENT_READY:
        _ask_anew(by, message)
    _address_anew(message)
    if not send_again(messages=Message.objects.filter(pk=message.pk)):
        raise Conflict(_("This message needs no help: it waits, or it is on its way."), code="not_stuck")
    _keep(by, message, Handling.AGAIN, before, made)
    message.refresh_from_db()


@step
def _ask_anew(by: Membership, message: Message) -> None:
    """A question whose link was forgotten gets a new one, where the settlement still is as it was said."""
    settlements = Settlement.objects.select_related("farmer", "shop", "run")
    settlement = settlements.select_for_update(of=("self",), no_key=True).get(
        shop_id=message.shop_id, pk=message.event.payload["settlement"]
    )
    if settlement.status != Status.PENDING or Side.FARMER not in waits_for(settlement):
        raise RuleBroken(str(REASONS["overtaken"]), code="overtaken")
    with translation.override(message.language):
        said = ready_words(settlement, by)
    if _without_link(said) != _without_link(message.variables):
        raise RuleBroken(str(REASONS["overtaken"]), code="overtaken")
    Message.objects.filter(pk=message.pk).update(variables=said)


def _without_link(variables: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in LINK_NAMES}


def _address_anew(message: Message) -> None:
    """To the number he has now: a wrong one is the most frequent reason why a message did not arrive."""
    farmer = message.farmer
    number = farmer.phone if message.channel == Channel.SMS else farmer.whatsapp or farmer.phone
    if number and number != message.address:
        Message.objects.filter(pk=message.pk).update(address=number)


def _held(by: Membership, message_id: UUID) -> Message:
    messages = by.shop.messages.select_for_update(of=("self",)).select_related("farmer", "event")
    message = messages.filter(pk=message_id).first()
    if message is None:
        raise NotFound(_("There is no such message."))
    return message


def _seen(by: Membership, message_id: UUID) -> Message:
    message = by.shop.messages.filter(pk=message_id).first()
    if message is None:
        raise NotFound(_("There is no such message."))
    return message


@step
def _keep(by: Membership, message: Message, what: Handling, before: str, made: UUID) -> None:
    ByHand.objects.create(id=made, shop=by.shop, message=message, member=by, what=what, before=before)


def _demand_staff(by: Membership) -> None:
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may send messages again."))
