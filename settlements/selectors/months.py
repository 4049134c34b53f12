"""The shop's table of Tamil months: what stands in it, what was run by it, and whether the next month is missing."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext as _

from ledger.domain import Cadence
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotFound
from settlements.domain import USUAL_DAYS, month_after
from settlements.models import SettlementRun, TamilMonth
from settlements.selectors.settlements import due_id

DAY = dt.timedelta(days=1)


def runs_by_day(shop: Shop) -> Mapping[dt.date, SettlementRun]:
    """The runs that began by the table, each under the first day of the month that came then. Two queries."""
    days = shop.tamil_months.values_list("starts_on", flat=True)
    ids = {due_id(shop, Cadence.TAMIL_MONTH, day - DAY): day for day in days}
    return {ids[run.pk]: run for run in SettlementRun.objects.filter(pk__in=ids)}


@dataclass(frozen=True)
class Month:
    """A month of the table. It is settled on the first day of the next one, as far as that is known; `run` is what
    came of it. `is_fixed`: a run was made by its first day, or by a later one."""

    month: TamilMonth
    settled_on: dt.date | None
    run: SettlementRun | None
    is_present: bool
    is_over: bool
    is_fixed: bool

    @property
    def days(self) -> int | None:
        """How long it is."""
        return (self.settled_on - self.month.starts_on).days if self.settled_on else None

    @property
    def is_unusual(self) -> bool:
        """Whether no Tamil month is as long: worth a second look, and no fault."""
        return self.days is not None and self.days not in USUAL_DAYS


@dataclass(frozen=True)
class Missing:
    """No month is known that is still to begin, after the `last` that is, and `farmers` are settled by it."""

    farmers: int
    last: TamilMonth | None


@dataclass(frozen=True)
class Months:
    """The table of a shop: first the present month and those to come, then those that are over, the newest first.
    `farmers` are settled by it."""

    rows: list[Month]
    farmers: int
    missing: Missing | None
    expected: str
    """The name of the month that is to be written down next, in Tamil; empty where nothing tells."""
    due: dt.date | None
    """The day of a run that has come and was not made: the next hour of a morning makes it."""

    @property
    def next_run(self) -> dt.date | None:
        """The day of the next run, as far as it is known; one that has come is due."""
        days = [row.settled_on for row in self.rows if not row.is_over and row.settled_on]
        return min([self.due, *days] if self.due else days, default=None)


def months_of(shop: Shop, today: dt.date) -> Months:
    """Five queries."""
    known, runs = list(shop.tamil_months.all()), runs_by_day(shop)
    fixed = max(runs, default=dt.date.min)
    begun = [month for month in known if month.starts_on <= today]
    present = begun[-1] if begun else None
    rows = []
    for number, month in enumerate(known):
        ends = known[number + 1].starts_on if number + 1 < len(known) else None
        rows.append(
            Month(
                month=month,
                settled_on=ends,
                run=runs.get(ends) if ends else None,
                is_present=month == present,
                is_over=ends is not None and ends <= today,
                is_fixed=month.starts_on <= fixed,
            )
        )
    farmers = _farmers(shop)
    is_due = farmers and present and len(begun) > 1 and present.starts_on not in runs
    return Months(
        rows=[*(row for row in rows if not row.is_over), *(row for row in reversed(rows) if row.is_over)],
        farmers=farmers,
        missing=next_missing(shop, today),
        expected=month_after(known[-1].name_ta) if known else "",
        due=present.starts_on if present and is_due else None,
    )


def month_of(member: Membership, month_id: UUID) -> TamilMonth:
    """One month of the member's shop. Raises NotFound."""
    month = member.shop.tamil_months.filter(pk=month_id).first()
    if month is None:
        raise NotFound(_("There is no such month."))
    return month


def next_missing(shop: Shop, today: dt.date) -> Missing | None:
    """Whether farmers wait for a month that nobody has written down. Two queries; one where there are none."""
    farmers = _farmers(shop)
    if not farmers:
        return None
    last = shop.tamil_months.last()
    return None if last and last.starts_on > today else Missing(farmers, last)


def _farmers(shop: Shop) -> int:
    return shop.farmers.active().filter(cadence=Cadence.TAMIL_MONTH).count()


def month_answer(month: TamilMonth) -> dict[str, str]:
    """A month as programs would read it."""
    return {
        "id": str(month.pk),
        "name_ta": month.name_ta,
        "name_en": month.name_en,
        "starts_on": month.starts_on.isoformat(),
    }
