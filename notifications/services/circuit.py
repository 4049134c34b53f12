"""Stopping a sender whose account is in trouble, and finding out when it is well again."""

import datetime as dt

import structlog
from django.db import transaction
from django.utils import timezone

from notifications.domain import FAILURES_THAT_STOP, FAILURES_WITHIN, stopped_for
from notifications.models import Sender

log = structlog.get_logger(__name__)


def went_wrong(code: str, *, at_once: bool, is_probe: bool, failure: str) -> dt.datetime | None:
    """Count a failure of a sender, and stop it when it is one too many; returns until when it is stopped.

    `at_once`: one such failure is enough. Those who were under way when it was stopped count no more. Whoever
    watches the logs is told once, however long it lasts.
    """
    now = timezone.now()
    with transaction.atomic():
        Sender.objects.get_or_create(code=code)
        sender = Sender.objects.select_for_update().get(code=code)
        was_stopped = sender.open_until is not None
        if was_stopped and not is_probe:
            return sender.open_until
        if sender.failing_since is None or now - sender.failing_since > FAILURES_WITHIN:
            sender.failing_since, sender.failures = now, 0
        sender.failures += 1
        if at_once or is_probe or sender.failures >= FAILURES_THAT_STOP:
            sender.open_until = now + stopped_for(sender.opened)
            sender.opened += 1
        sender.save()
    if sender.open_until and not was_stopped:
        log.error("sender_stopped", sender=code, failure=failure, until=sender.open_until.isoformat())
    return sender.open_until


def is_well(code: str) -> None:
    """The message that was let through went through: let the others follow."""
    Sender.objects.filter(code=code).update(open_until=None, opened=0, failures=0, failing_since=None)
    log.warning("sender_goes_again", sender=code)
