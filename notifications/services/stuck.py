"""Asking a provider after messages of which it says nothing: its callback may have been lost, or our call's answer."""

import datetime as dt
import time

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from notifications.domain import State
from notifications.models import Attempt, Callback, Message, MessageQuerySet
from notifications.providers import CanBeAsked, Told
from notifications.services.sending import text_of
from notifications.services.statuses import apply_status

log = structlog.get_logger(__name__)

SILENT_FOR = dt.timedelta(minutes=30)
"""So long after it was handed over without a word the provider is asked, and each time so much later."""
UNKNOWN_FOR = dt.timedelta(minutes=15)
"""So long we wait for the callback of a call whose answer was lost."""
ASKED_FOR = dt.timedelta(days=1)
"""After that nothing more is asked: it is left to people."""
ABOUT_THE_CALL = dt.timedelta(minutes=2)
"""How far the provider's clock and ours may be apart."""
LONGEST = 20.0
"""Seconds in which no new question is asked any more: a task may run for 30."""


def ask_after(limit: int = 100) -> int:
    """Ask after what was handed over, or perhaps handed over, and of which nothing was heard; how many were asked."""
    asked, began = 0, time.monotonic()
    askable = _askable()
    for message in _silent(list(askable))[:limit]:
        if time.monotonic() - began > LONGEST:
            break
        Message.objects.filter(pk=message.pk).update(asked_at=Now())
        told = _answer(message, askable[message.provider])
        if told is not None:
            _apply(message, told)
        asked += 1
    return asked


def _askable() -> dict[str, CanBeAsked]:
    known = [import_string(path)() for path in settings.MESSAGE_PROVIDERS.values()]
    return {provider.name: provider for provider in known if isinstance(provider, CanBeAsked)}


def _silent(providers: list[str]) -> MessageQuerySet:
    now = timezone.now()
    called = Attempt.objects.filter(
        message=OuterRef("pk"), number=OuterRef("attempt"), started_at__lt=now - UNKNOWN_FOR
    )
    silent = Q(state=State.ACCEPTED, sent_at__lt=now - SILENT_FOR, provider_id__gt="")
    unknown = Q(Exists(called), state=State.UNKNOWN)
    not_lately = Q(asked_at=None) | Q(asked_at__lt=now - SILENT_FOR)
    since = now - ASKED_FOR
    return (
        Message.objects.filter(silent | unknown, not_lately, provider__in=providers, created_at__gt=since)
        .select_related("template")
        .order_by(F("asked_at").asc(nulls_first=True), "created_at")
    )


def _answer(message: Message, provider: CanBeAsked) -> Told | None:
    if message.state == State.ACCEPTED:
        return provider.ask(message.provider_id)
    return _found(message, provider)


def _found(message: Message, provider: CanBeAsked) -> Told | None:
    """The provider's own message that our call made, where there is no doubt about it.

    Where another call to this address, around the same time, has no id either, it could be that one's.
    """
    call = message.attempts.filter(number=message.attempt).get()
    since, until = call.started_at - ABOUT_THE_CALL, call.started_at + ABOUT_THE_CALL
    nameless = Attempt.objects.filter(
        message__channel=message.channel,
        message__address=message.address,
        provider_id="",
        started_at__range=(since - ABOUT_THE_CALL, until + ABOUT_THE_CALL),
    ).exclude(outcome__in=("retry", "failed"))
    if nameless.exclude(pk=call.pk).exists():
        return None
    found = provider.look_for(message.address, text_of(message), since, until)
    if found is None:
        return None
    known = set(
        Attempt.objects.filter(provider_id__in=[each.provider_id for each in found])
        .exclude(pk=call.pk)
        .values_list("provider_id", flat=True)
    )
    ours = [each for each in found if each.provider_id not in known]
    if len(ours) != 1 or call.provider_id not in ("", ours[0].provider_id):
        return None
    return ours[0]


def _apply(message: Message, told: Told) -> None:
    """As if it had told so by itself."""
    as_told = Callback(
        provider=message.provider,
        message_id=message.pk,
        attempt=message.attempt,
        received_at=timezone.now(),
    )
    with transaction.atomic():
        apply_status(as_told, told)
    log.info("message_asked_after", message=str(message.pk), was=message.state, told=told.state)
