"""Questions about messages."""

import datetime as dt

from ledger.models import Farmer
from malar.accounts.models import Shop
from malar.kernel.clock import KOLKATA
from notifications.models import MessageQuerySet


def message_log(
    shop: Shop, *, state: str = "", farmer: Farmer | None = None, day: dt.date | None = None
) -> MessageQuerySet:
    """The shop's messages, newest first; `day` is the calendar day they were made, in the shop's time."""
    messages: MessageQuerySet = shop.messages.select_related("farmer").order_by("-created_at", "-id")
    if state:
        messages = messages.filter(state=state)
    if farmer is not None:
        messages = messages.filter(farmer=farmer)
    if day is not None:
        start = dt.datetime.combine(day, dt.time(), tzinfo=KOLKATA)
        messages = messages.filter(created_at__gte=start, created_at__lt=start + dt.timedelta(days=1))
    return messages
