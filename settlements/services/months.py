"""The shop's table of Tamil months, kept by its owner from his calendar: nothing here is reckoned. Farmers who are
settled by it are settled for each month on the first day of the next (`services/due.py`)."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid5

from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.services.faults import OLDEST, refusal
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel import formatting
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.transactions import step
from malar.trail.models import AnsweredRequest
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record
from settlements.domain import MONTHS
from settlements.events import NextMonthMissing
from settlements.models import TamilMonth
from settlements.selectors.months import DAY, month_answer, month_of, next_missing, runs_by_day
from settlements.selectors.settlements import DUE
from settlements.services.runs import hold_runs

FURTHEST = dt.timedelta(days=800)
"""Two years ahead are in a calendar. What is further is a slip of the finger, and would hide that one is missing."""


def add_month(*, by: Membership, key: UUID, name: str, starts_on: dt.date) -> Answer:
    """Write down when a month begins; `name` is its Tamil one. The order of the names is the owner's. The answer is
    `month_answer`.

    Raises NotAllowed unless `by` is the owner; RuleBroken naming each refused field: `unknown_month`, `begins_then`
    where another one begins that day, `settled` for a day up to which a run was made, `too_old`, `too_far`.
    """
    made = new_id()

    def add() -> dict[str, Any]:
        _hold_table(by)
        faults = [*_name_faults(name), *_day_faults(by.shop, starts_on)]
        if faults:
            raise refusal(faults)
        month = TamilMonth(id=made, shop=by.shop, name_ta=name, name_en=MONTHS[name], starts_on=starts_on)
        month.save(force_insert=True)
        return month_answer(month)

    return once(by=by, key=key, body={"month": [name, starts_on]}, made=made, effect=add)


def move_month(*, by: Membership, key: UUID, month_id: UUID, starts_on: dt.date) -> Answer:
    """Let a month begin on another day. The answer is `month_answer`.

    Raises NotAllowed unless `by` is the owner, NotFound, RuleBroken as `add_month`, and `has_run` where a run was made
    by it.
    """

    def move() -> dict[str, Any]:
        month = _held(by, month_id)
        if faults := _day_faults(by.shop, starts_on, but=month):
            raise refusal(faults)
        month.starts_on = starts_on
        month.save(update_fields=["starts_on"])
        return month_answer(month)

    return once(by=by, key=key, body={"move": [month_id, starts_on]}, made=new_id(), effect=move)


def take_out_month(*, by: Membership, key: UUID, month_id: UUID) -> Answer:
    """Take a month out of the table; its history stays. The answer is `month_answer` as it was.

    Raises NotAllowed unless `by` is the owner, NotFound, RuleBroken `has_run` where a run was made by it.
    """

    def take_out() -> dict[str, Any]:
        month = _held(by, month_id)
        answer = month_answer(month)
        month.delete()
        return answer

    return once(by=by, key=key, body={"take_out": month_id}, made=new_id(), effect=take_out)


def say_next_missing(*, by: Membership, today: dt.date) -> bool:
    """Write down, once for the last month that is known, that the next one is missing and farmers wait for it. In the
    name of the shop's owner; whether it was said now."""
    missing = next_missing(by.shop, today)
    if missing is None:
        return False
    after = missing.last.starts_on.isoformat() if missing.last else ""
    key = uuid5(DUE, f"{by.shop_id} next month after {after}")
    if AnsweredRequest.objects.filter(shop=by.shop_id, key=key).exists():
        return False

    def say() -> dict[str, Any]:
        record(NextMonthMissing(after=after), shop=by.shop)
        return {}

    return not once(by=by, key=key, body={"missing_after": after}, made=new_id(), effect=say).replayed


@step
def _hold_table(by: Membership) -> None:
    """Whoever begins a run by the table waits, and then finds what was written here; and the other way round."""
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner keeps the Tamil months."))
    hold_runs(by.shop)


@step
def _held(by: Membership, month_id: UUID) -> TamilMonth:
    """A month by which no run was made yet."""
    _hold_table(by)
    month = month_of(by, month_id)
    if month.starts_on <= max(runs_by_day(by.shop), default=dt.date.min):
        raise RuleBroken(_("A run was made by this month. It stays as it is."), code="has_run")
    return month


def _name_faults(name: str) -> list[Fault]:
    if name in MONTHS:
        return []
    return [Fault("/name", "unknown_month", _("Choose one of the twelve months."))]


def _day_faults(shop: Shop, day: dt.date, *, but: TamilMonth | None = None) -> list[Fault]:
    """What forbids that a month begins on a day."""
    there = shop.tamil_months.filter(starts_on=day).first()
    if there is not None and there != but:
        detail = _("%(month)s begins on that day.") % {"month": there.name}
        return [Fault("/starts_on", "begins_then", detail)]
    fixed = max(runs_by_day(shop), default=None)
    if fixed is not None and day < fixed:
        detail = _("A run was made up to %(day)s. Choose a later day.")
        return [Fault("/starts_on", "settled", detail % {"day": formatting.day(fixed - DAY)})]
    today = business_date_of(timezone.now(), shop.turnover_hour)
    if day < today - OLDEST:
        return [Fault("/starts_on", "too_old", _("This date is too far back."))]
    if day > today + FURTHEST:
        return [Fault("/starts_on", "too_far", _("This date is too far away."))]
    return []
