"""Questions about money that moved between the shop and its farmers."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import OPENINGS, PAID_BACK, MovementStatus
from ledger.models import Farmer, Movement
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import business_date_of
from malar.kernel.errors import NotFound
from malar.kernel.money import ZERO


def movements_seen_by(member: Membership) -> QuerySet[Movement]:
    """The movements a member may see, newest first: all of the shop's, or a farmer's own."""
    movements = Movement.objects.filter(shop_id=member.shop_id).select_related(
        "farmer", "created_by__user", "decided_by__user", "reverses", "reversal"
    )
    return movements.filter(farmer__member=member) if member.role == Role.FARMER else movements


def movement_of(member: Membership, movement_id: UUID) -> Movement:
    """One movement with its names. Raises NotFound, also for another shop's."""
    movement = movements_seen_by(member).filter(pk=movement_id).first()
    if movement is None:
        raise NotFound(_("There is no such movement."))
    return movement


def opened_among(farmers: Iterable[Farmer]) -> dict[tuple[UUID, str], Decimal]:
    """What was brought over for farmers from an older book, in ₹ by farmer and kind; what was taken back is not
    there. One query."""
    openings = Movement.objects.filter(
        farmer__in=list(farmers),
        kind__in=OPENINGS,
        status=MovementStatus.POSTED,
        reverses=None,
        reversal=None,
    )
    sums = openings.order_by().values("farmer_id", "kind").annotate(sum=Sum("amount"))
    return {(row["farmer_id"], row["kind"]): row["sum"] for row in sums}


def movements_asked(
    member: Membership,
    *,
    farmer: UUID | None = None,
    kind: str | None = None,
    status: str | None = None,
    date: dt.date | None = None,
    start: dt.date | None = None,
    end: dt.date | None = None,
) -> QuerySet[Movement]:
    """The movements a member may see that match, `end` included."""
    asked = {
        "farmer_id": farmer,
        "kind": kind,
        "status": status,
        "business_date": date,
        "business_date__gte": start,
        "business_date__lte": end,
    }
    return movements_seen_by(member).filter(
        **{name: value for name, value in asked.items() if value is not None}
    )


def reversal_of(movement: Movement) -> Movement | None:
    """The movement that took this one back, if there is one."""
    return getattr(movement, "reversal", None)


def may_reverse(member: Membership, movement: Movement) -> bool:
    """Whether a member may take a movement back: the owner any, staff what they wrote on this business day
    and nobody had to approve."""
    if member.role == Role.ADMIN:
        return True
    turnover = member.shop.turnover_hour
    return (
        member.role == Role.STAFF
        and movement.created_by_id == member.pk
        and movement.decided_by_id is None
        and business_date_of(movement.created_at, turnover) == business_date_of(timezone.now(), turnover)
    )


def waiting_for_the_owner(member: Membership) -> QuerySet[Movement]:
    """What nobody has decided about yet, oldest first."""
    return movements_seen_by(member).filter(status=MovementStatus.WAITING).order_by("created_at")


@dataclass(frozen=True)
class Flow:
    """What went to farmers and what came from them, in ₹; taking one back counts the other way."""

    given: Decimal
    came: Decimal


def flow_of(movements: QuerySet[Movement]) -> Flow:
    """What some movements come to; opening figures and what waits or was refused moved nothing. One query."""
    back = Q(kind__in=PAID_BACK)
    mirror = Q(reverses__isnull=False)
    sums = (
        movements.filter(status=MovementStatus.POSTED)
        .exclude(kind__in=OPENINGS)
        .order_by()
        .aggregate(
            given=Sum("amount", filter=(~back & ~mirror) | (back & mirror), default=ZERO),
            came=Sum("amount", filter=(back & ~mirror) | (~back & mirror), default=ZERO),
        )
    )
    return Flow(**sums)
