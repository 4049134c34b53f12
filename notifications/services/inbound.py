"""What farmers write and tap: read by a worker, and done only where it is certain who says it, and to what.

Who: his own number, or, of one who hides it, the message that he answers. To what: the message that he answers, and the
settlement as that message told it. Whatever is not certain changes nothing; people of the shop see it.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from ledger.models import Farmer
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from malar.kernel.formatting import rupees
from malar.kernel.transactions import in_unit, step, unit_of_work
from malar.trail.models import Event
from malar.trail.services.events import record
from notifications.domain import (
    DISPUTE_RECEIVED,
    FOR_PEOPLE,
    MOST_REPLIES,
    QUESTIONS,
    REPLY,
    WINDOW,
    Channel,
    Kind,
    Means,
    State,
    Why,
    filled,
)
from notifications.events import FarmerAnswered
from notifications.models import Answer, Attempt, Callback, Message, MessageTemplate
from notifications.providers import Inbound, Provider, interakt, meta, twilio
from notifications.replies import Meaning, meaning_of, plain
from notifications.selectors import answers_for, farmers_at, wants
from notifications.services.queueing import dedupe_key
from notifications.services.settlement_words import question_of
from notifications.services.wishes import apply_inbound
from notifications.wordings import ANSWERS
from settlements.domain import LinkState, Side, Status
from settlements.models import Settlement
from settlements.selectors.settlements import waits_for
from settlements.services.replies import answer_question

log = structlog.get_logger(__name__)

READERS: Mapping[str, Callable[[Mapping[str, Any]], Inbound]] = {
    "interakt": interakt.inbound_of,
    "meta": meta.inbound_of,
    "twilio": twilio.inbound_of,
}
"""How what comes in by each provider is read."""

AGAIN_AFTER = (dt.timedelta(minutes=1), dt.timedelta(minutes=5), dt.timedelta(minutes=30))
"""He may answer before we have heard the provider's name of the message he answers: it is read again so much later."""
LONGEST_SAID = 4000

MEANINGS: Mapping[Meaning, Means] = {
    Meaning.YES: Means.APPROVE,
    Meaning.NO: Means.DISPUTE,
    Meaning.STOP: Means.STOP,
    Meaning.START: Means.START,
    Meaning.BALANCE: Means.BALANCE,
    Meaning.UNSURE: Means.UNSURE,
    Meaning.UNCLEAR: Means.UNCLEAR,
}


@dataclass(frozen=True)
class Said:
    """What somebody said: `message` is the one of ours that he answers, `is_tap` that he pressed a button of it."""

    inbound: Inbound
    means: Means
    is_tap: bool
    message: Message | None
    at: dt.datetime


@dataclass(frozen=True)
class Verdict:
    """What comes of it. `farmers`: whom it is about; `message`: the one that it answers; `reply`: what he is told."""

    why: Why
    farmers: Sequence[Farmer] = ()
    message: Message | None = None
    is_applied: bool = False
    reply: str = field(default="", repr=False)
    is_for_people: bool = False


# --- Reading ----------------------------------------------------------------------------------------


def take_inbound(limit: int = 500) -> int:
    """Make something of what farmers wrote and tapped, in the order in which it came; returns how much.

    One at a time, each in a unit of its own: one that breaks is put off and does not hold up the others.
    """
    for taken in range(limit):
        pk = _due().values_list("pk", flat=True).first()
        if pk is None:
            return taken
        try:
            in_unit(partial(_take, pk), by=None)
        except Exception:  # whatever one of them breaks on, those after it are read
            log.exception("inbound_broke", callback=str(pk))
            in_unit(partial(_break_off, pk), by=None)
    return limit


def _due() -> Any:
    inbound = Q(about=Callback.About.INBOUND, next_try_at__lte=Now())
    return Callback.objects.filter(inbound).order_by("received_at", "pk")


@step
def _take(pk: UUID) -> None:
    """Read one. Whoever comes second waits here, and finds it taken: what came first is decided first."""
    callback = _due().select_for_update().filter(pk=pk).first()
    if callback is None:
        return
    try:
        inbound = READERS[callback.provider](callback.body)
    except (KeyError, AttributeError, TypeError, ValueError):
        log.warning("inbound_makes_no_sense", callback=str(callback.pk))
        _close(callback, Callback.State.BAD)
        return
    if not _is_new(callback, inbound):
        _close(callback, Callback.State.DONE)
        return
    said = _said(callback, inbound)
    needs_it = said.means in (Means.APPROVE, Means.DISPUTE) or not inbound.address
    if needs_it and inbound.answers and said.message is None and callback.tries < len(AGAIN_AFTER):
        _put_off(callback)
        return
    _keep(callback, said, decide(said))
    _close(callback, Callback.State.DONE)


def _is_new(callback: Callback, inbound: Inbound) -> bool:
    """Whether it was not done before. Callbacks are forgotten after a month, and a signature is good for ever."""
    told = Answer.objects.filter(provider=callback.provider, provider_id=inbound.provider_id)
    return not told.exists()


def _put_off(callback: Callback) -> None:
    """Read it again later; by the database's clock, as all is that is due."""
    wait = AGAIN_AFTER[callback.tries]
    Callback.objects.filter(pk=callback.pk).update(
        state=Callback.State.ORPHAN, next_try_at=Now() + wait, tries=callback.tries + 1
    )


@step
def _break_off(pk: UUID) -> None:
    callback = _due().select_for_update().filter(pk=pk).first()
    if callback is None:
        return
    if callback.tries < len(AGAIN_AFTER):
        _put_off(callback)
    else:
        _close(callback, Callback.State.BAD)


def _close(callback: Callback, state: Callback.State) -> None:
    callback.state, callback.next_try_at = state, None
    callback.save(update_fields=["state", "next_try_at"])


def _said(callback: Callback, inbound: Inbound) -> Said:
    means = MEANINGS[meaning_of(inbound.text)]
    is_tap = inbound.button in ANSWERS
    if is_tap:
        means = Means(inbound.button)
    elif means == Means.UNCLEAR:
        # A provider that hands back the words on the button only.
        pressed = _button_words().get(plain(inbound.text))
        is_tap, means = pressed is not None, Means(pressed or means)
    return Said(inbound, means, is_tap, _answered(callback.provider, inbound.answers), callback.received_at)


def _button_words() -> dict[str, str]:
    """What is on the buttons of our questions, in every language and version, and what it means."""
    worded = MessageTemplate.objects.filter(name__in=QUESTIONS).values_list("buttons", flat=True)
    return {
        plain(each["text"]): each["means"]
        for buttons in worded
        for each in buttons
        if each["means"] in ANSWERS
    }


def _answered(provider: str, provider_id: str) -> Message | None:
    """Which message of ours has this name with the provider, by any of the calls made for it."""
    if not provider_id:
        return None
    calls = Attempt.objects.filter(provider_id=provider_id, provider__startswith=provider)
    call = calls.select_related("message__farmer__shop", "message__event").first()
    return call.message if call else None


# --- Deciding ---------------------------------------------------------------------------------------


@step
def decide(said: Said) -> Verdict:
    """Do what somebody asks for, where it is certain; what came of it, and what he is to be told."""
    verdict = _decide(said)
    return replace(verdict, is_for_people=verdict.is_for_people or verdict.why in FOR_PEOPLE)


def _decide(said: Said) -> Verdict:
    inbound, message = said.inbound, said.message
    writers = farmers_at(inbound.address)
    if message is not None and not inbound.address and not inbound.is_sms:
        writers = [message.farmer]
    if not writers:
        return Verdict(Why.UNKNOWN, message=message)
    if said.means in (Means.STOP, Means.START):
        return _all_of(writers, said)
    if inbound.is_sms:
        return Verdict(Why.BY_SMS, writers)
    if inbound.is_forwarded:
        return Verdict(Why.FORWARDED, writers, message)
    if message is not None:
        if not _is_his(message, inbound):
            return Verdict(Why.NOT_HIS, writers, message)
        writers = [message.farmer]
    if said.means in (Means.APPROVE, Means.DISPUTE):
        return _settle(writers, said)
    if said.means == Means.UNCLEAR:
        return _unclear(writers, said)
    with translation.override(writers[0].language):
        if said.means == Means.BALANCE and len(writers) > 1:
            return Verdict(Why.ASKED, writers, reply=which_balance())
    reply = apply_inbound(writers[0], inbound.text)
    is_balance = said.means == Means.BALANCE
    why = Why.DONE if is_balance else Why.ASKED
    return Verdict(why, writers, message, is_applied=is_balance, reply=reply.text)


def _is_his(message: Message, inbound: Inbound) -> bool:
    """Whether who answers a message is who got it, and still has that number."""
    if inbound.address and inbound.address != message.address:
        return False
    return message.address in (message.farmer.phone, message.farmer.whatsapp)


def _all_of(writers: Sequence[Farmer], said: Said) -> Verdict:
    """No messages, or messages again, for everybody who has the number: it is the phone that gets them."""
    alone = len(writers) == 1
    told = [
        apply_inbound(each, said.inbound.text, alone=alone).text
        for each in sorted(writers, key=lambda farmer: farmer.pk)
    ]
    words = next(filter(None, told), "")
    why = Why.DONE if words else Why.ALREADY
    message = said.message if said.message is not None and _is_his(said.message, said.inbound) else None
    return Verdict(why, writers, message, is_applied=bool(words), reply=words)


def _unclear(writers: Sequence[Farmer], said: Said) -> Verdict:
    """Somebody reads it. Who wrote instead of pressing a button of the question is told so, too."""
    reply = ""
    if said.message is not None and said.message.kind in QUESTIONS and _open_of(writers):
        with translation.override(writers[0].language):
            reply = press_a_button()
    return Verdict(Why.UNCLEAR, writers, said.message, reply=reply)


def _open_of(writers: Sequence[Farmer]) -> list[Settlement]:
    """The settlements that wait for a yes of theirs."""
    pending = Settlement.objects.filter(farmer__in=writers, status=Status.PENDING)
    return [each for each in pending if Side.FARMER in waits_for(each)]


def _settle(writers: Sequence[Farmer], said: Said) -> Verdict:
    """A yes or a no: to the message that it answers, or to the one question that he can mean."""
    question = said.message
    with translation.override(writers[0].language):
        if question is None and (said.is_tap or said.inbound.answers):
            return Verdict(Why.NO_MESSAGE, writers, reply=which_account())
        if question is not None and question.kind not in QUESTIONS:
            return _of_nothing(writers, said)
        if question is None:
            waiting = _open_of(writers)
            if not waiting:
                return _of_nothing(writers, said)
            question = _only_question(waiting, said)
            if question is None:
                return Verdict(Why.ASKED, writers, reply=press_a_button())
    with translation.override(question.farmer.language):
        return _answer(question, said)


def _of_nothing(writers: Sequence[Farmer], said: Said) -> Verdict:
    """He says yes or no to what was no question. A yes is only polite; with a no something is wrong."""
    why = Why.NOTHING if said.means == Means.APPROVE else Why.UNCLEAR
    return Verdict(why, writers, said.message)


def _only_question(waiting: Sequence[Settlement], said: Said) -> Message | None:
    """The question that a bare yes or no can only mean: one settlement waits, and the last thing that was told to this
    number is the question about it, and was there before he wrote. None: he must be asked."""
    if len(waiting) > 1:
        return None
    last = (
        Message.objects.filter(address=said.inbound.address, sent_at__isnull=False)
        .select_related("farmer", "event")
        .order_by("-sent_at", "-pk")
        .first()
    )
    if last is None or last.kind not in QUESTIONS:
        return None
    perhaps = Message.objects.filter(address=last.address, state__in=[State.SENDING, State.UNKNOWN])
    if perhaps.filter(created_at__gt=last.created_at).exists():
        return None
    is_about_it = last.event.payload.get("settlement") == str(waiting[0].pk)
    has_come = (
        last.state in (State.DELIVERED, State.READ)
        and (last.delivered_at or last.read_at or said.at) <= said.at
    )
    return last if is_about_it and has_come and _is_his(last, said.inbound) else None


def _answer(question: Message, said: Said) -> Verdict:
    """Have his yes or no written down, as the answer to what this message told him."""
    farmer = question.farmer
    about = question_of(question)
    if about is None:
        return Verdict(Why.NO_MESSAGE, [farmer], question, reply=which_account())
    is_yes = said.means == Means.APPROVE
    reason = None if is_yes else said.inbound.text.strip()[:200] or _("There is a mistake")
    try:
        with transaction.atomic():
            state, settlement = answer_question(about, reason=reason)
    except (Conflict, RuleBroken) as refused:
        log.warning("answer_refused", message=str(question.pk), code=refused.code)
        return Verdict(Why.REFUSED, [farmer], question, reply=not_written_down())
    if state == LinkState.OPEN:
        words = yes_words(settlement) if is_yes else no_words(settlement)
        reply = "" if _is_told_anyway(settlement, farmer) else words
        return Verdict(Why.DONE, [farmer], question, is_applied=True, reply=reply)
    why = {LinkState.CHANGED: Why.CHANGED, LinkState.CALLED_OFF: Why.CALLED_OFF}.get(state, Why.SECOND)
    # Who finds a mistake after he has agreed is to be called.
    found_late = state == LinkState.SETTLED and not is_yes
    return Verdict(why, [farmer], question, reply=why_not(state, settlement), is_for_people=found_late)


def _is_told_anyway(settlement: Settlement, farmer: Farmer) -> bool:
    """Whether the event of his answer makes a message: he is not told twice."""
    kind = {
        Status.APPROVED: Kind.SETTLEMENT_APPROVED,
        Status.PAID: Kind.SETTLEMENT_APPROVED,
        Status.DISPUTED: Kind(DISPUTE_RECEIVED),
    }.get(Status(settlement.status))
    return kind is not None and wants(farmer, kind)


# --- What he is told --------------------------------------------------------------------------------


def yes_words(settlement: Settlement) -> str:
    about = {"reference": settlement.reference, "net": rupees(settlement.net)}
    return _("Your yes to settlement no. %(reference)s, net amount %(net)s, is written down.") % about


def no_words(settlement: Settlement) -> str:
    about = {"reference": settlement.reference}
    return _("Your no to settlement no. %(reference)s is written down. The shop will talk to you.") % about


def why_not(state: LinkState, settlement: Settlement) -> str:
    """Why his answer counts for nothing."""
    words = {
        LinkState.CHANGED: _(
            "Settlement no. %(reference)s was changed after this message. Nothing is written down. Please look at the"
            " new one and answer that."
        ),
        LinkState.CALLED_OFF: _(
            "Settlement no. %(reference)s was called off. Nothing is written down. The shop will make a new one."
        ),
        LinkState.DISPUTED: _(
            "For settlement no. %(reference)s it is written down already that something is wrong. The shop will talk"
            " to you."
        ),
    }
    said = words.get(state) or _(
        "For settlement no. %(reference)s your yes is written down already. If something is wrong, please call the"
        " shop."
    )
    return said % {"reference": settlement.reference}


def press_a_button() -> str:
    return _("Please press a button in the message about your account. Nothing is written down.")


def which_account() -> str:
    return _(
        "We cannot see which account you mean. Please look at the newest message about it, or call the shop."
    )


def which_balance() -> str:
    return _("More than one account has this number. Please call the shop.")


def not_written_down() -> str:
    return _("Your answer could not be written down. The shop will talk to you.")


# --- Keeping and answering --------------------------------------------------------------------------


@step
def _keep(callback: Callback, said: Said, verdict: Verdict) -> None:
    """Keep what he said and what came of it, for each shop that it is about, and have him answered once."""
    inbound = said.inbound
    message = verdict.message
    shops = list(dict.fromkeys(each.shop for each in verdict.farmers))
    if verdict.why == Why.NOT_HIS and message is not None:
        # Whose message it was must know, and who wrote is not who got it.
        shops = [message.shop]
    reply = verdict.reply if _may_reply(callback, inbound) else ""
    for number, shop in enumerate(shops or [None]):
        of_shop = [each for each in verdict.farmers if shop is not None and each.shop_id == shop.pk]
        is_certain = len(of_shop) == 1 and verdict.why != Why.NOT_HIS
        answer = Answer.objects.create(
            shop=shop,
            farmer=of_shop[0] if is_certain else None,
            message=message
            if message is not None and shop is not None and message.shop_id == shop.pk
            else None,
            provider=callback.provider,
            provider_id=inbound.provider_id,
            address=inbound.address,
            said=inbound.text[:LONGEST_SAID],
            means=said.means,
            is_applied=verdict.is_applied,
            why=verdict.why,
            reply=reply if number == 0 else "",
            is_for_people=verdict.is_for_people,
            received_at=callback.received_at,
        )
        if answer.reply and shop is not None:
            record(FarmerAnswered(answer=answer.pk), shop=shop)


def _may_reply(callback: Callback, inbound: Inbound) -> bool:
    """Whether he may be answered: not by SMS, and not for ever, where a machine answers us."""
    an_hour_ago = callback.received_at - dt.timedelta(hours=1)
    told = Answer.objects.filter(address=inbound.address, received_at__gt=an_hour_ago).exclude(reply="")
    return not inbound.is_sms and told.count() < MOST_REPLIES


@step
def queue_reply(event: Event, answer: Answer) -> list[Message]:
    """Queue what he is told, by the way he came; nothing where WhatsApp may not take our own words any more."""
    until = answer.received_at + WINDOW
    provider = way_back(answer.provider)
    if provider is None or until <= timezone.now():
        log.warning("reply_too_late", answer=str(answer.pk))
        return []
    # Of several who have the number, the one with the lowest.
    farmer = answer.farmer or next(
        each for each in farmers_at(answer.address) if each.shop_id == answer.shop_id
    )
    address = answer.address or (answer.message.address if answer.message else "")
    wording = MessageTemplate.objects.get(name=REPLY, language=farmer.language, is_active=True)
    variables = {"text": answer.reply}
    message, is_new = Message.objects.get_or_create(
        dedupe_key=dedupe_key(event, Kind.REPLY),
        defaults={
            "shop": event.shop,
            "farmer": farmer,
            "event": event,
            "kind": Kind.REPLY,
            "channel": Channel.WHATSAPP,
            "provider": provider.name,
            "address": address,
            "language": farmer.language,
            "template": wording,
            "variables": variables,
            "text": filled(wording.body, variables),
            "expires_at": until,
            "handed_at": timezone.now(),
        },
    )
    return [message] if is_new else []


def way_back(provider: str) -> Provider | None:
    """What sends by WhatsApp for the company by which he wrote: only its number may answer him."""
    for path in settings.MESSAGE_PROVIDERS.values():
        known: Provider = import_string(path)()
        if known.channel == Channel.WHATSAPP and known.name.startswith(provider):
            return known
    return None


# --- What people see to -----------------------------------------------------------------------------


@unit_of_work
def see_to(*, by: Membership, answer_id: UUID, is_done: bool) -> Answer:
    """Note that somebody has seen to what a farmer wrote, or that it is open again.

    Raises NotAllowed for a farmer, NotFound, also for another shop's.
    """
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may do this."))
    answer = answers_for(by).select_for_update(of=("self",)).filter(pk=answer_id).first()
    if answer is None:
        raise NotFound(_("There is no such answer."))
    if is_done != (answer.done_at is not None):
        answer.done_at, answer.done_by = (timezone.now(), by) if is_done else (None, None)
        answer.save(update_fields=["done_at", "done_by"])
    return answer
