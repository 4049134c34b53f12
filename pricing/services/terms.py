"""What all terms of a shop share: the owner alone sets them, one at a time, and a new one ends the one before."""

import datetime as dt
import re
from typing import Any

from django.db.models import Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel import formatting
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Fault, NotAllowed, RuleBroken
from malar.kernel.transactions import step

CODE = re.compile(r"[-a-zA-Z0-9_]{1,12}")
LONGEST_NAME = 40


def demand_owner(by: Membership) -> None:
    """Raise NotAllowed for others than the owner."""
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner sets how flowers are priced and what is charged."))


@step
def lock_terms(shop: Shop) -> None:
    """Whoever changes terms of this shop meanwhile waits, and then finds what was written here.

    Nothing else waits: sales only refer to the shop.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)


def refuse(faults: list[Fault]) -> None:
    """Raise RuleBroken with these faults, if there are any."""
    if faults:
        raise RuleBroken(faults[0].detail, code=faults[0].code, faults=faults)


def today_of(shop: Shop) -> dt.date:
    """The shop's business day now."""
    return business_date_of(timezone.now(), shop.turnover_hour)


def past_faults(shop: Shop, day: dt.date) -> list[Fault]:
    """What is over stays as it was: terms change from today on."""
    today = today_of(shop)
    if day >= today:
        return []
    detail = _("A change holds from today on. Choose %(day)s or later.") % {"day": formatting.day(today)}
    return [Fault("/valid_from", "past", detail)]


def naming_faults(row: Any) -> list[Fault]:
    """What the shop names has a name in both languages."""
    return [
        Fault(f"/{name}", "required", _("Give the name in Tamil and in English, at most 40 letters."))
        for name in ("name_ta", "name_en")
        if not 1 <= len((getattr(row, name) or "").strip()) <= LONGEST_NAME
    ]


def code_faults(code: str) -> list[Fault]:
    """A code is of Latin letters and digits."""
    if CODE.fullmatch(code):
        return []
    return [Fault("/code", "invalid", _("A code has 1 to 12 English letters or digits."))]


@step
def begin(term: Any, beside: QuerySet[Any]) -> None:
    """Write a new row that holds from `valid_from` (None: always) until before `valid_to`, among those of the
    same thing, of which none begins on the same day.

    The one in force ends where it begins; where one begins later, it ends there.
    """
    first = term.valid_from or dt.date.min
    later = beside.filter(valid_from__gt=first)
    term.valid_to = later.aggregate(next=Min("valid_from"))["next"]
    end_on(first, beside)
    term.save(force_insert=True)


@step
def end_on(day: dt.date, beside: QuerySet[Any]) -> None:
    """End what is in force on a day, and began before it, there. Row by row, for the history's sake."""
    began = Q(valid_from=None) | Q(valid_from__lt=day)
    for standing in beside.filter(began, Q(valid_to=None) | Q(valid_to__gt=day)):
        standing.valid_to = day
        standing.save(update_fields=["valid_to"])
