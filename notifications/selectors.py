"""Questions about messages."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, Q, QuerySet, Sum
from django.db.models.functions import Now, TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.models import DailyEntry, Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA
from malar.kernel.errors import Conflict, NotFound, RuleBroken
from malar.kernel.money import PAISA
from malar.kernel.wire import moment
from notifications.domain import ASKED_FOR, NOT_TOLD, ON_ITS_WAY, REASONS, STUCK, UNASKED, UNFINISHED, Kind
from notifications.models import Answer, Message, MessageQuerySet, Note, Sender, Spending


def message_log(
    shop: Shop,
    *,
    start: dt.date | None = None,
    end: dt.date | None = None,
    farmer: Farmer | None = None,
    kind: str = "",
    channel: str = "",
    state: str = "",
    stuck: bool = False,
) -> MessageQuerySet:
    """The shop's messages, newest first. Days are calendar days on which they were made, in the shop's time; `stuck`:
    only those that did not arrive, or of which nobody knows."""
    messages: MessageQuerySet = shop.messages.select_related("farmer").order_by("-created_at", "-id")
    exact = {"farmer": farmer, "kind": kind, "channel": channel, "state": state}
    messages = messages.filter(**{name: value for name, value in exact.items() if value})
    if stuck:
        messages = messages.filter(state__in=STUCK)
    if start is not None:
        messages = messages.filter(created_at__gte=_midnight(start))
    if end is not None:
        messages = messages.filter(created_at__lt=_midnight(end) + A_DAY)
    return messages


A_DAY = dt.timedelta(days=1)
FIRST, LAST = dt.date(2000, 1, 1), dt.date(9000, 1, 1)
"""Nothing was sent before or will be after, and days far away have no number in the database's calendar."""


def _midnight(day: dt.date) -> dt.datetime:
    day = min(max(day, FIRST), LAST)
    return dt.datetime.combine(day, dt.time(), tzinfo=KOLKATA)


def messages_asked(member: Membership, **asked: Any) -> MessageQuerySet:
    """`message_log` as a member sees it: a farmer, his own."""
    messages = message_log(member.shop, **asked)
    return messages.filter(farmer__member=member) if member.role == Role.FARMER else messages


def message_answer(message: Message) -> dict[str, Any]:
    """A message as programs read it."""
    return {
        "id": str(message.pk),
        "farmer": str(message.farmer_id),
        "kind": message.kind,
        "channel": message.channel,
        "language": message.language,
        "text": message.text,
        "state": message.state,
        "attempt": message.attempt,
        "error_code": message.error_code,
        "cost": str(in_rupees(message.cost_paise)),
        "created_at": moment(message.created_at),
        "sent_at": moment(message.sent_at),
        "delivered_at": moment(message.delivered_at),
        "read_at": moment(message.read_at),
    }


COUNTED: Mapping[str, Count] = {
    "failed": Count("pk", filter=~Q(state__in=UNFINISHED) & ~Q(state__in=ON_ITS_WAY)),
    "under_way": Count("pk", filter=Q(state__in=UNFINISHED)),
    "sent": Count("pk", filter=Q(state__in=ON_ITS_WAY)),
}


@dataclass(frozen=True)
class Tally:
    """How many of some messages did not arrive, are on their way, and were sent."""

    failed: int
    under_way: int
    sent: int


def tally_of(messages: MessageQuerySet) -> Tally:
    """Count messages by how far they have come. One that was perhaps sent counts as failed: somebody must look."""
    return Tally(**messages.order_by().aggregate(**COUNTED))


def cost_of(messages: MessageQuerySet) -> Decimal:
    """What messages cost, as far as we can tell, in ₹."""
    return in_rupees(messages.order_by().aggregate(paise=Sum("cost_paise", default=0))["paise"])


def in_rupees(paise: int) -> Decimal:
    """Paise as ₹."""
    return (Decimal(paise) / 100).quantize(PAISA)


@dataclass(frozen=True)
class DayTally:
    """How far the messages of a day have come."""

    day: dt.date
    failed: int
    under_way: int
    sent: int

    @property
    def all(self) -> int:
        return self.failed + self.under_way + self.sent


def days_of(messages: MessageQuerySet, *, start: dt.date, end: dt.date) -> list[DayTally]:
    """The messages of each day from `start` to `end`, also of days without one. One query."""
    found = messages.filter(created_at__gte=_midnight(start), created_at__lt=_midnight(end) + A_DAY)
    rows = (
        found.order_by()
        .annotate(day=TruncDate("created_at", tzinfo=KOLKATA))
        .values_list("day")
        .annotate(**COUNTED)
        .values_list("day", *COUNTED)
    )
    counted = {day: counts for day, *counts in rows}
    days = [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]
    return [DayTally(day, *counted.get(day, (0, 0, 0))) for day in days]


@dataclass(frozen=True)
class Spent:
    """What a shop's messages of a day cost, as far as we can tell, and the most they may, in ₹; no `cap`: no limit."""

    day: dt.date
    amount: Decimal
    cap: Decimal | None

    @property
    def share(self) -> int:
        """Percent of the limit, a hundred at most."""
        return min(100, int(self.amount * 100 / self.cap)) if self.cap else 0

    @property
    def is_short(self) -> bool:
        """Whether a tenth of it is left at most: soon receipts wait for tomorrow."""
        return self.share >= 90


def spent_on(shop: Shop, day: dt.date) -> Spent:
    """A day's money for messages."""
    spent = Spending.objects.filter(shop=shop, day=day).first()
    cap = settings.MESSAGE_DAILY_CAP_PAISE
    return Spent(day, in_rupees(spent.paise if spent else 0), in_rupees(cap) if cap else None)


def message_of(member: Membership, message_id: UUID) -> Message:
    """One message with what its page says. Raises NotFound, also for another shop's and another farmer's."""
    message = messages_seen_by(member).select_related("farmer", "event", "template").filter(pk=message_id)
    found = message.first()
    if found is None:
        raise NotFound(_("There is no such message."))
    return found


def messages_seen_by(member: Membership) -> MessageQuerySet:
    """All of the shop's; of a farmer, his own."""
    return messages_asked(member)


def why_not_again(message: Message) -> RuleBroken | None:
    """Why it cannot be sent again, whoever wants it; None where it can. Whether a settlement is still as it was said
    is asked when it is done."""
    if message.state not in STUCK:
        return Conflict(_("This message needs no help: it waits, or it is on its way."), code="not_stuck")
    if message.kind in ASKED_FOR:
        return RuleBroken(_("Nobody sends this again: he asks for it anew himself."), code="asked_for")
    if is_told_otherwise(message):
        return RuleBroken(str(REASONS["arrived"]), code="arrived")
    if not wants(message.farmer, Kind(message.kind)):
        return RuleBroken(_("The farmer does not want such messages."), code="not_wanted")
    if is_too_old(message):
        return RuleBroken(_("This message is too old to be sent again."), code="too_old")
    if is_told_better(message):
        return RuleBroken(str(REASONS["overtaken"]), code="overtaken")
    return None


KEPT_FOR = dt.timedelta(days=30)
"""How long it is known what a message was put together from (services/redaction.py)."""


def is_too_old(message: Message) -> bool:
    """Whether nobody knows any more what it was put together from."""
    return message.created_at < timezone.now() - KEPT_FOR


def is_told_otherwise(message: Message) -> bool:
    """Whether what went in its stead, or that in whose stead it goes, has reached the farmer or may still."""
    same = Q(fallback_of=message) | Q(fallback=message)
    return Message.objects.filter(same).exclude(state__in=NOT_TOLD).exists()


def is_told_better(message: Message) -> bool:
    """Whether it says what is no longer so: it was overtaken, or a later message is about the same line."""
    if message.error_code == "overtaken":
        return True
    entry = message.event.payload.get("entry")
    if entry is None:
        return False
    later = Message.objects.filter(
        shop_id=message.shop_id, farmer_id=message.farmer_id, event__payload__entry=entry, pk__gt=message.pk
    )
    # What went in its stead says the same.
    return later.exclude(event=message.event_id).exists()


def due_since() -> dt.datetime | None:
    """Since when the message that has waited longest could have been sent; None: none waits."""
    due = Message.objects.due().first_in_line().order_by("next_attempt_at")
    return due.values_list("next_attempt_at", flat=True).first()


def stopped_senders() -> list[str]:
    """Accounts with providers that are in trouble: nothing is sent through them."""
    return list(Sender.objects.filter(open_until__gt=Now()).values_list("code", flat=True))


def last_told(entry: DailyEntry) -> int | None:
    """The latest version of a line that a message told of, whomever it belonged to then; None where none did."""
    told = Message.objects.filter(
        shop_id=entry.shop_id,
        farmer__in=entry.versions.values("farmer_id"),  # type: ignore[attr-defined]  # made by keep_history
        event__payload__entry=str(entry.pk),
    ).values_list("variables__version", flat=True)
    # Messages made before versions were kept told the first one.
    return max((int(version or 1) for version in told), default=None)


# --- Wishes -----------------------------------------------------------------------------------------


def wants_messages(farmer: Farmer) -> bool:
    """Whether he has not said that he wants none."""
    return not stopped_by(farmer)


def stopped_by(farmer: Farmer) -> str:
    """How he said that he wants no messages; empty where he has not."""
    last = farmer.consents.order_by("-at", "-id").first()
    return "" if last is None or last.is_in else last.source


def wishes_of(farmer: Farmer) -> dict[Kind, bool]:
    """Which kinds of message he wants, whether or not he wants messages at all. What he asks for is no such kind."""
    said = dict(farmer.preferences.values_list("kind", "is_wanted"))
    return {kind: _is_wanted(kind, said.get(kind)) for kind in Kind if kind not in ASKED_FOR}


def _is_wanted(kind: Kind, said: bool | None) -> bool:
    return kind not in UNASKED if said is None else said


WANTS = """
    SELECT (SELECT is_in FROM notifications_consent WHERE farmer_id = %(farmer)s ORDER BY at DESC, id DESC LIMIT 1),
        (SELECT is_wanted FROM notifications_preference WHERE farmer_id = %(farmer)s AND kind = %(kind)s)
"""


def wants(farmer: Farmer, kind: Kind) -> bool:
    """Whether he is to be told of this: `wants_messages` and `wishes_of` in one statement, for every message asks."""
    if kind in ASKED_FOR:
        return True
    with connection.cursor() as cursor:
        cursor.execute(WANTS, {"farmer": farmer.pk, "kind": kind.value})
        is_in, is_wanted = cursor.fetchone()
    return is_in is not False and _is_wanted(kind, is_wanted)


def takes_either(farmer: Farmer, kind: Kind | None = None) -> bool:
    """Whether this, or anything at all, may come in the other language where it cannot be sent in his own."""
    allowed = farmer.preferences.filter(either_language=True)
    return (allowed if kind is None else allowed.filter(kind=kind)).exists()


# --- What farmers wrote -----------------------------------------------------------------------------


def farmers_at(address: str) -> list[Farmer]:
    """Whoever has this number, in any shop of the house: one phone may be two farmers'."""
    if not address:
        return []
    his = Q(phone=address) | Q(whatsapp=address)
    return list(Farmer.objects.filter(his).select_related("shop").order_by("shop", "number"))


def answers_for(member: Membership) -> QuerySet[Answer]:
    """What somebody of the member's shop must see to, the newest first. What nobody wrote whom a shop knows is seen
    where there is one shop only, else by the house's keeper."""
    seen = Q(shop=member.shop)
    if member.user.is_superuser:
        seen |= Q(shop=None)
    else:
        seen |= Q(~Exists(Shop.objects.exclude(pk=member.shop_id)), shop=None)
    answers = Answer.objects.filter(seen, is_for_people=True)
    return answers.select_related("farmer", "message", "done_by__user").order_by("-received_at", "-id")


def writers_of(answer: Answer, shop: Shop) -> list[Farmer]:
    """Which of the shop's farmers wrote it, as far as that is known: several may have the number."""
    if answer.farmer is not None:
        return [answer.farmer]
    return [each for each in farmers_at(answer.address) if each.shop_id == shop.pk]


def unanswered(member: Membership) -> int:
    """How many of them nobody has seen to."""
    return answers_for(member).filter(done_at=None).count()


# --- The inbox --------------------------------------------------------------------------------------


def inbox_of(member: Membership) -> QuerySet[Note]:
    """A member's notes, newest first."""
    return member.notes.select_related("message").order_by("-created_at", "-id")


def unread_of(member: Membership) -> int:
    """How many of them he has not read."""
    return member.notes.filter(read_at=None).count()


# --- Wordings ---------------------------------------------------------------------------------------


def may_word(member: Membership) -> bool:
    """Whether a member may change the wordings. All shops of a house share them: where there are several, only
    the house's keeper (Django's superuser) does."""
    is_owner = member.role == Role.ADMIN and member.is_active
    return is_owner and (member.user.is_superuser or Shop.objects.count() == 1)
