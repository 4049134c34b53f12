"""Runs that begin by themselves: which period has ended, for whom, in whose name, and each once."""

import datetime as dt
from decimal import Decimal

import pytest
import time_machine

from ledger.domain import Cadence
from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from pricing.models import Flower
from settlements.domain import LeftOut, period_until
from settlements.models import Settlement, SettlementRun, TamilMonth
from settlements.selectors.settlements import period_due
from settlements.services import due
from settlements.services.due import settle_due
from settlements.services.runs import make_run
from settlements.tasks import settle_all_due, sweep_runs
from tests import cast
from tests.cast import at, recorded

pytestmark = pytest.mark.django_db


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("cadence", "today", "start", "end"),
    [
        ("daily", "2026-03-09", "2026-03-08", "2026-03-08"),
        ("daily", "2026-01-01", "2025-12-31", "2025-12-31"),
        ("daily", "2024-03-01", "2024-02-29", "2024-02-29"),
        ("weekly", "2026-03-08", "2026-02-23", "2026-03-01"),
        ("weekly", "2026-03-09", "2026-03-02", "2026-03-08"),
        ("weekly", "2026-01-01", "2025-12-22", "2025-12-28"),
        ("weekly", "2026-01-05", "2025-12-29", "2026-01-04"),
        ("fortnightly", "2024-01-15", "2024-01-01", "2024-01-14"),
        ("fortnightly", "2024-01-28", "2024-01-01", "2024-01-14"),
        ("fortnightly", "2026-01-01", "2025-12-15", "2025-12-28"),
        ("month", "2026-01-01", "2025-12-01", "2025-12-31"),
        ("month", "2026-01-31", "2025-12-01", "2025-12-31"),
        ("month", "2024-03-01", "2024-02-01", "2024-02-29"),
    ],
)
def test_the_last_whole_period_of_a_cadence(cadence: str, today: str, start: str, end: str) -> None:
    assert period_until(cadence, day(today)) == (day(start), day(end))


def test_no_calendar_tells_when_he_asks() -> None:
    assert period_until(Cadence.ON_DEMAND, day("2026-03-09")) is None


MONTHS = {
    "கார்த்திகை": "2025-11-17",
    "மார்கழி": "2025-12-16",
    "தை": "2026-01-15",
    "மாசி": "2026-02-13",
}


@pytest.fixture
def months(shop: Shop) -> None:
    for name, begins in MONTHS.items():
        TamilMonth.objects.create(shop=shop, name_ta=name, starts_on=begins)


@pytest.mark.parametrize(
    ("today", "period"),
    [
        ("2025-12-15", None),  # Karthigai is the first of the table, and goes on
        ("2025-12-16", ("2025-11-17", "2025-12-15")),
        ("2026-01-14", ("2025-11-17", "2025-12-15")),
        ("2026-01-15", ("2025-12-16", "2026-01-14")),  # Margazhi straddles the years
        ("2026-02-12", ("2025-12-16", "2026-01-14")),
        ("2026-02-13", ("2026-01-15", "2026-02-12")),
        ("2026-06-01", ("2026-01-15", "2026-02-12")),  # the table ends, and nothing is invented
    ],
)
@pytest.mark.usefixtures("months")
def test_a_tamil_month_is_what_the_shops_table_says(
    shop: Shop, today: str, period: tuple[str, str] | None
) -> None:
    expected = None if period is None else (day(period[0]), day(period[1]))
    assert period_due(shop, Cadence.TAMIL_MONTH, day(today)) == expected


def test_a_shop_without_a_table_has_no_tamil_months(shop: Shop, devi: Membership) -> None:
    TamilMonth.objects.create(shop=devi.shop, name_ta="தை", starts_on="2026-01-15")
    TamilMonth.objects.create(shop=devi.shop, name_ta="மாசி", starts_on="2026-02-13")
    assert period_due(shop, Cadence.TAMIL_MONTH, day("2026-03-01")) is None


@pytest.fixture
def weekly(meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower) -> Farmer:
    """Raja is settled every week, Lakshmi when she asks; both brought jasmine on 6 March."""
    raja.cadence = Cadence.WEEKLY
    raja.save()
    for farmer in (raja, lakshmi):
        recorded(kumar, farmer, jasmine, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))
    return raja


def begun(shop: Shop, moment: str) -> list[SettlementRun]:
    with time_machine.travel(at(*moment.split(" "))):
        return list(SettlementRun.objects.filter(pk__in=settle_due(shop)).order_by("number"))


def test_a_period_is_run_once_in_the_name_of_the_owner_for_whom_it_is_due(
    weekly: Farmer, meena: Membership, shop: Shop
) -> None:
    cast.a_member(shop, "Mala", Role.ADMIN)
    (run,) = begun(shop, "2026-03-09 05:10")
    assert (run.period_start, run.period_end, run.created_by) == (day("2026-03-02"), day("2026-03-08"), meena)
    assert run.farmers == [str(weekly.pk)]
    assert begun(shop, "2026-03-09 06:10") == []
    assert begun(shop, "2026-03-15 05:10") == []
    with time_machine.travel(at("2026-03-09", "07:00")):
        make_run(run.pk)
    assert Settlement.objects.get().farmer == weekly
    assert [each.period_end for each in begun(shop, "2026-03-16 05:10")] == [day("2026-03-15")]


def test_each_cadence_has_a_run_of_its_own(weekly: Farmer, lakshmi: Farmer, shop: Shop) -> None:
    lakshmi.cadence = Cadence.DAILY
    lakshmi.save()
    runs = begun(shop, "2026-03-09 05:10")
    assert {str(run.period_start): run.farmers for run in runs} == {
        "2026-03-08": [str(lakshmi.pk)],
        "2026-03-02": [str(weekly.pk)],
    }


def test_who_comes_to_the_cadence_later_waits_for_the_next_period(
    weekly: Farmer, lakshmi: Farmer, shop: Shop
) -> None:
    begun(shop, "2026-03-09 05:10")
    lakshmi.cadence = Cadence.WEEKLY
    lakshmi.save()
    assert begun(shop, "2026-03-10 05:10") == []


def test_the_day_is_the_shops_own(weekly: Farmer, shop: Shop) -> None:
    """Where the day begins at six, half past five on Monday is Sunday still."""
    shop.turnover_hour = 6
    shop.save()
    (early,) = begun(shop, "2026-03-09 05:30")
    assert early.period_end == day("2026-03-01")
    (run,) = begun(shop, "2026-03-09 06:10")
    assert run.period_end == day("2026-03-08")


def test_it_waits_for_tablets_until_the_last_hour_of_the_morning(
    weekly: Farmer, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "holds", [lambda shop, until: {None: LeftOut.UNSYNCED}])
    assert begun(shop, "2026-03-09 05:10") == begun(shop, "2026-03-09 12:10") == []
    assert len(begun(shop, "2026-03-09 13:10")) == 1


def test_a_farmer_who_is_held_up_alone_holds_up_nobody_else(
    weekly: Farmer, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "holds", [lambda shop, until: {weekly.pk: LeftOut.UNDECIDED}])
    assert len(begun(shop, "2026-03-09 05:10")) == 1


def test_where_nobody_is_owner_nothing_begins(weekly: Farmer, meena: Membership, shop: Shop) -> None:
    meena.is_active = False
    meena.save()
    assert begun(shop, "2026-03-09 05:10") == []


@pytest.mark.usefixtures("months")
def test_a_tamil_month_across_the_years_is_run(weekly: Farmer, shop: Shop) -> None:
    weekly.cadence = Cadence.TAMIL_MONTH
    weekly.save()
    (run,) = begun(shop, "2026-01-15 05:10")
    assert (run.period_start, run.period_end) == (day("2025-12-16"), day("2026-01-14"))
    assert begun(shop, "2026-01-31 05:10") == []


def test_beat_begins_what_is_due_of_every_shop_and_makes_it(
    weekly: Farmer, devi: Membership, selvi: Farmer, mullai: Flower
) -> None:
    selvi.cadence = Cadence.WEEKLY
    selvi.save()
    recorded(devi, selvi, mullai, captured_at=at("2026-03-06", "05:00"), rate=Decimal(900))
    with time_machine.travel(at("2026-03-09", "05:10")):
        settle_all_due()
        assert {run.status for run in SettlementRun.objects.all()} == {"queued"}
        sweep_runs()
        sweep_runs()
    assert {(run.shop, run.status, run.settled) for run in SettlementRun.objects.all()} == {
        (weekly.shop, "done", 1),
        (devi.shop, "done", 1),
    }
