"""Questions about people and shops."""

from uuid import UUID

from django.db.models import Case, IntegerField, Value, When
from django.utils.translation import gettext as _

from malar.accounts.domain import Role
from malar.accounts.models import Membership, MembershipQuerySet, User
from malar.kernel.errors import NotFound


def memberships_of(user: User) -> list[Membership]:
    """The shops a user belongs to and what he is there, first joined first. One query."""
    return list(
        Membership.objects.active()
        .filter(user=user)
        .select_related("shop", "user")
        .order_by("created_at", "id")
    )


def membership_in(user: User, shop_id: UUID | None) -> Membership | None:
    """His membership of that shop; without a shop, of his first one. None when he has none."""
    memberships = memberships_of(user)
    if shop_id is None:
        return memberships[0] if memberships else None
    return next((member for member in memberships if member.shop_id == shop_id), None)


def members_seen_by(member: Membership) -> MembershipQuerySet:
    """Everybody of the member's shop with his name: owners, staff, then farmers; each by name."""
    rank = Case(
        *[When(role=role, then=Value(rank)) for rank, role in enumerate(Role)], output_field=IntegerField()
    )
    return (
        Membership.objects.filter(shop_id=member.shop_id)
        .select_related("user", "shop")
        .order_by("-is_active", rank, "user__name", "pk")
    )


def member_of(member: Membership, member_id: UUID) -> Membership:
    """One member of the same shop. Raises NotFound, also for another shop's."""
    found = members_seen_by(member).filter(pk=member_id).first()
    if found is None:
        raise NotFound(_("There is no such member."))
    return found
