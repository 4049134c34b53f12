"""Questions about messages."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Exists, Q, QuerySet
from django.db.models.functions import Now

from ledger.models import DailyEntry, Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import KOLKATA
from notifications.domain import ASKED_FOR, ON_ITS_WAY, UNASKED, UNFINISHED, Kind
from notifications.models import Answer, Message, MessageQuerySet, Note, Sender


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


def messages_seen_by(member: Membership) -> QuerySet[Message]:
    """All of the shop's; of a farmer, his own."""
    messages: QuerySet[Message] = member.shop.messages.order_by("-created_at", "-id")
    return messages.filter(farmer__member=member) if member.role == Role.FARMER else messages


@dataclass(frozen=True)
class Tally:
    """How many of some messages did not arrive, are on their way, and were sent."""

    failed: int
    under_way: int
    sent: int


def tally_of(messages: MessageQuerySet) -> Tally:
    """Count messages by how far they have come. One that was perhaps sent counts as failed: somebody must look."""
    way, sent = Q(state__in=UNFINISHED), Q(state__in=ON_ITS_WAY)
    counts = messages.order_by().aggregate(
        failed=Count("pk", filter=~way & ~sent),
        under_way=Count("pk", filter=way),
        sent=Count("pk", filter=sent),
    )
    return Tally(**counts)


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
    return {kind: said.get(kind, kind not in UNASKED) for kind in Kind if kind not in ASKED_FOR}


def wants(farmer: Farmer, kind: Kind) -> bool:
    """Whether he is to be told of this."""
    return wants_messages(farmer) and wishes_of(farmer)[kind]


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
