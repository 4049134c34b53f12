"""What members see in their inbox."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.errors import NotFound
from malar.kernel.transactions import step, unit_of_work
from malar.trail.models import Event
from notifications.domain import NoteKind
from notifications.models import Note
from notifications.selectors import unread_of


@step
def tell_owners(event: Event, kind: NoteKind, about: dict[str, Any]) -> None:
    """Leave a note for each owner of the event's shop, once."""
    _tell(event, kind, about, [Role.ADMIN])


@step
def tell_staff(event: Event, kind: NoteKind, about: dict[str, Any]) -> None:
    """Leave a note for each owner and clerk of the event's shop, once: something is to be done."""
    _tell(event, kind, about, ALLOWED[Role.STAFF])


def _tell(event: Event, kind: NoteKind, about: dict[str, Any], roles: Collection[Role]) -> None:
    members = event.shop.memberships.active().filter(role__in=roles)
    Note.objects.bulk_create(
        [Note(shop=event.shop, member=member, event=event, kind=kind, about=about) for member in members],
        ignore_conflicts=True,
    )


@unit_of_work
def read_note(*, by: Membership, note_id: UUID) -> Note:
    """Note that a member has read one of his notes; twice is once. Raises NotFound, also for another's."""
    note = by.notes.select_for_update(of=("self",)).select_related("message").filter(pk=note_id).first()
    if note is None:
        raise NotFound(_("There is no such note."))
    if note.read_at is None:
        note.read_at = timezone.now()
        note.save(update_fields=["read_at"])
    return note


@unit_of_work
def read_all(*, by: Membership) -> int:
    """Note that a member has read all of them; how many he has not, which is none but what came just now."""
    by.notes.filter(read_at=None).update(read_at=timezone.now())
    return unread_of(by)
