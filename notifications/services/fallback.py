"""Telling a farmer by another way what did not reach him: by SMS, else through the shop's people. Once.

Whoever ends a message that did not reach says how else he is to be told (`Message.other_way`), in the same statement;
what is done about it is done here, by the sweep, so that nothing is lost between the two.
"""

import datetime as dt
from uuid import UUID

import structlog
from django.utils import timezone

from malar.kernel.transactions import step, unit_of_work
from notifications.domain import ASKED_FOR, NOBODY, NOT_TOLD, Kind, NoteKind, OtherWay, filled
from notifications.models import Message, Note
from notifications.providers import provider_instead
from notifications.selectors import wants
from notifications.services.approvals import may_be_sent
from notifications.services.notes import tell_staff
from notifications.services.queueing import is_still_so, one_by_one
from notifications.wordings import sms_filled

log = structlog.get_logger(__name__)


def take_other_ways(limit: int = 200) -> int:
    """See to the messages that did not reach their farmers; returns how many were looked at."""
    waiting = Message.objects.exclude(other_way="").order_by("pk").values_list("pk", "farmer_id")
    found = list(waiting[:limit])
    for message_id, farmer_id in found:
        _take(message_id, farmer_id)
    return len(found)


@unit_of_work
def _take(message_id: UUID, farmer_id: UUID) -> None:
    one_by_one(farmer_id)  # so that a STOP which comes now is before this or after it
    message = (
        Message.objects.select_for_update(of=("self",))
        .select_related("farmer", "event__shop", "template", "fallback_of")
        .exclude(other_way="")
        .filter(pk=message_id)
        .first()
    )
    if message is None:
        return
    way, message.other_way = message.other_way, ""
    message.save(update_fields=["other_way"])
    if message.state not in NOT_TOLD or not wants(message.farmer, Kind(message.kind)):
        return
    if not is_still_so(message):
        return
    if way == OtherWay.SMS and _is_told_by_sms(message):
        return
    if message.kind not in ASKED_FOR:
        _ask_people(message)


@step
def _is_told_by_sms(message: Message) -> bool:
    """Put an SMS in a message's stead, its short form; whether there is one that may reach him, from now or before."""
    there = Message.objects.filter(fallback_of=message).first()
    if there is not None:
        return there.state not in NOT_TOLD
    provider, wording, farmer = provider_instead(), message.template, message.farmer
    asked = message.kind in ASKED_FOR
    address = message.address if asked else farmer.phone or farmer.whatsapp
    if provider is None or not wording.sms or not address or not may_be_sent(wording, provider.name):
        return False
    try:
        # The code itself is in no row; any six digits show whether it can be said.
        sms_filled(wording.name, wording.sms, message.variables | ({"code": "000000"} if asked else {}))
    except ValueError as fault:
        log.warning("no_sms_instead", message=str(message.pk), fault=str(fault))
        return False
    now = timezone.now()
    # What people read is without the link: who has that says the farmer's yes.
    shown = filled(wording.sms, {**message.variables, "link": "…"})
    Message.objects.create(
        shop_id=message.shop_id,
        farmer=farmer,
        event=message.event,
        kind=message.kind,
        dedupe_key=f"{message.dedupe_key}:sms",
        fallback_of=message,
        channel=provider.channel,
        address=address,
        language=message.language,
        template=wording,
        variables=message.variables,
        text=shown,
        expires_at=message.expires_at if asked else max(message.expires_at, now + SHORTEST),
    )
    return True


SHORTEST = dt.timedelta(hours=1)
"""What goes instead is news for at least so long, however late it became known that the first did not arrive."""


@step
def _ask_people(message: Message) -> None:
    """It stands in his inbox, where he has one; and whoever keeps the shop is asked to call him."""
    farmer, first = message.farmer, message.fallback_of or message
    if farmer.member_id:
        Note.objects.get_or_create(
            shop=first.shop,
            member_id=farmer.member_id,
            event=first.event,
            kind=NoteKind.MESSAGE,
            message=first,
        )
    if message.address.startswith(NOBODY):
        return
    about = {
        "farmer_ta": farmer.name_ta,
        "farmer_en": farmer.name_en,
        "kind": message.kind,
        "phone": farmer.phone or farmer.whatsapp,
    }
    tell_staff(message.event, NoteKind.NOT_REACHED, about)
    log.warning("farmer_not_reached", message=str(first.pk), kind=message.kind)
