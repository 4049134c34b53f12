"""What providers tell by themselves of the wordings they approve: taken in by the webhook, noted by a worker."""

from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db.models import Q
from django.db.models.functions import Now

from notifications.models import Callback
from notifications.providers import WordingStatus, interakt, meta, twilio_content
from notifications.services.approvals import note_status

log = structlog.get_logger(__name__)

READERS: Mapping[str, Callable[[Mapping[str, Any]], tuple[str, WordingStatus] | None]] = {
    "twilio_whatsapp": twilio_content.wording_of,
    "interakt": interakt.wording_of,
    "meta": meta.wording_of,
}
"""How each provider's events about wordings are read: which one, by its name there, and what becomes of it."""


def take_wordings(limit: int = 100) -> int:
    """Note what waits; returns how many were looked at. Noted twice it is no news, so nothing is locked."""
    due = Q(about=Callback.About.WORDING, next_try_at__lte=Now())
    callbacks = list(Callback.objects.filter(due)[:limit])
    for callback in callbacks:
        state = Callback.State.DONE
        try:
            news = READERS[callback.provider](callback.body)
        except (KeyError, AttributeError, TypeError, ValueError):
            log.warning("callback_makes_no_sense", callback=str(callback.pk))
            state, news = Callback.State.BAD, None
        if news is not None:
            ref, status = news
            note_status(provider=callback.provider, ref=ref, status=status)
        Callback.objects.filter(pk=callback.pk).update(state=state, next_try_at=None)
    return len(callbacks)
