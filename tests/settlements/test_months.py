"""The shop's table of Tamil months: what its owner may write, what a run has settled, and when the next is missing."""

import datetime as dt
from uuid import UUID, uuid4

import pytest
import time_machine

from ledger.domain import Cadence
from ledger.models import Farmer
from malar.accounts.models import Membership, Shop
from malar.kernel.errors import NotAllowed, NotFound, RuleBroken
from malar.trail.models import Event
from notifications.models import Note
from notifications.services.queueing import react
from settlements.domain import MONTHS, month_after
from settlements.models import SettlementRun, TamilMonth
from settlements.selectors.months import months_of, next_missing
from settlements.services.due import settle_due
from settlements.services.months import add_month, move_month, take_out_month
from tests.cast import at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("friday")]


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


TODAY = day("2026-03-06")


@pytest.fixture
def friday() -> object:
    """The morning of 6 March 2026, in Maasi."""
    with time_machine.travel(at("2026-03-06", "09:00"), tick=True):
        yield


def added(by: Membership, name: str, starts_on: str) -> UUID:
    return add_month(by=by, key=uuid4(), name=name, starts_on=day(starts_on)).made


@pytest.fixture
def months(meena: Membership) -> dict[str, UUID]:
    """Thai, Maasi, and Panguni, which is to come."""
    begins = {"தை": "2026-01-15", "மாசி": "2026-02-13", "பங்குனி": "2026-03-15"}
    return {name: added(meena, name, starts_on) for name, starts_on in begins.items()}


@pytest.fixture
def by_months(raja: Farmer) -> Farmer:
    raja.cadence = Cadence.TAMIL_MONTH
    raja.save()
    return raja


def table(shop: Shop) -> list[tuple[str, str]]:
    return [(month.name_en, str(month.starts_on)) for month in shop.tamil_months.all()]


def refused(act: object, **said: object) -> tuple[str, str]:
    with pytest.raises(RuleBroken) as broken:
        act(key=uuid4(), **said)  # type: ignore[operator]
    return broken.value.code, broken.value.detail


def test_the_twelve_follow_each_other() -> None:
    assert [month_after("தை"), month_after("பங்குனி"), month_after("மார்ச்")] == ["மாசி", "சித்திரை", ""]
    assert len(MONTHS) == 12


def test_months_are_written_down_moved_and_taken_out(
    meena: Membership, shop: Shop, months: dict[str, UUID]
) -> None:
    assert table(shop) == [("Thai", "2026-01-15"), ("Maasi", "2026-02-13"), ("Panguni", "2026-03-15")]
    move_month(by=meena, key=uuid4(), month_id=months["பங்குனி"], starts_on=day("2026-03-14"))
    take_out_month(by=meena, key=uuid4(), month_id=months["தை"])
    assert table(shop) == [("Maasi", "2026-02-13"), ("Panguni", "2026-03-14")]
    kept = TamilMonth.versions.field.model.objects.filter(pgh_obj_id=months["தை"])  # type: ignore[attr-defined]
    assert sorted(kept.values_list("pgh_label", flat=True)) == ["delete", "insert"]


def test_the_same_request_twice_writes_one_month(meena: Membership, shop: Shop) -> None:
    key = uuid4()
    first = add_month(by=meena, key=key, name="தை", starts_on=day("2026-01-15"))
    again = add_month(by=meena, key=key, name="தை", starts_on=day("2026-01-15"))
    assert (again.made, again.replayed, len(table(shop))) == (first.made, True, 1)


def test_only_the_owner_keeps_them(kumar: Membership, months: dict[str, UUID]) -> None:
    for act in (
        lambda: added(kumar, "ஆடி", "2026-07-17"),
        lambda: move_month(by=kumar, key=uuid4(), month_id=months["மாசி"], starts_on=day("2026-02-14")),
        lambda: take_out_month(by=kumar, key=uuid4(), month_id=months["மாசி"]),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_another_shops_months_are_not_there(devi: Membership, months: dict[str, UUID]) -> None:
    with pytest.raises(NotFound):
        take_out_month(by=devi, key=uuid4(), month_id=months["மாசி"])
    assert added(devi, "மாசி", "2026-02-13"), "the same day is free in another shop"


def test_what_is_refused(meena: Membership, months: dict[str, UUID]) -> None:
    def adding(name: str, starts_on: str) -> tuple[str, str]:
        return refused(add_month, by=meena, name=name, starts_on=day(starts_on))

    assert adding("பங்குனி", "2026-02-13") == ("begins_then", "Maasi begins on that day.")
    assert adding("மார்ச்", "2026-04-14")[0] == "unknown_month"
    assert adding("தை", "2206-01-15")[0] == "too_far"
    assert adding("தை", "1926-01-15")[0] == "too_old"
    taken = refused(move_month, by=meena, month_id=months["தை"], starts_on=day("2026-03-15"))
    assert taken == ("begins_then", "Panguni begins on that day.")
    assert move_month(by=meena, key=uuid4(), month_id=months["தை"], starts_on=day("2026-01-15")).body


def test_the_order_of_the_names_and_the_length_of_a_month_are_the_owners(
    meena: Membership, shop: Shop, months: dict[str, UUID]
) -> None:
    added(meena, "ஆடி", "2026-04-18")
    added(meena, "தை", "2026-05-15")
    shown = months_of(shop, TODAY)
    assert [(row.month.name, row.days, row.is_unusual) for row in shown.rows] == [
        ("Maasi", 30, False),
        ("Panguni", 34, True),
        ("Aadi", 27, True),
        ("Thai", None, False),
        ("Thai", 29, False),
    ]
    assert shown.expected == "மாசி"


# --- What a run has settled --------------------------------------------------------------------------


def run_on(shop: Shop, moment: str) -> list[UUID]:
    with time_machine.travel(at(*moment.split(" "))):
        return settle_due(shop)


def test_a_month_whose_run_was_made_stays(
    by_months: Farmer, meena: Membership, shop: Shop, months: dict[str, UUID]
) -> None:
    chithirai = added(meena, "சித்திரை", "2026-04-14")
    (run,) = run_on(shop, "2026-03-15 05:10")
    assert SettlementRun.objects.get(pk=run).period_start == day("2026-02-13")
    for name in months:
        moved = refused(move_month, by=meena, month_id=months[name], starts_on=day("2026-04-01"))
        assert moved == ("has_run", "A run was made by this month. It stays as it is."), name
        assert refused(take_out_month, by=meena, month_id=months[name])[0] == "has_run"
    early = ("settled", "A run was made up to 14/03/2026. Choose a later day.")
    assert refused(add_month, by=meena, name="தை", starts_on=day("2026-03-01")) == early
    assert refused(move_month, by=meena, month_id=chithirai, starts_on=day("2026-03-01")) == early
    move_month(by=meena, key=uuid4(), month_id=chithirai, starts_on=day("2026-04-13"))
    assert [(row.is_fixed, bool(row.run)) for row in months_of(shop, day("2026-03-15")).rows] == [
        (True, False),
        (False, False),
        (True, True),
        (True, False),
    ]


def test_a_month_that_nobody_was_settled_by_may_be_moved(
    meena: Membership, shop: Shop, months: dict[str, UUID]
) -> None:
    assert run_on(shop, "2026-03-15 05:10") == []
    move_month(by=meena, key=uuid4(), month_id=months["மாசி"], starts_on=day("2026-02-12"))
    assert ("Maasi", "2026-02-12") in table(shop)


def test_the_next_run_falls_on_the_first_day_of_the_next_month(
    by_months: Farmer, shop: Shop, months: dict[str, UUID]
) -> None:
    shown = months_of(shop, TODAY)
    assert (shown.due, shown.next_run) == (day("2026-02-13"), day("2026-02-13")), "nobody has run Thai yet"
    run_on(shop, "2026-03-06 05:10")
    shown = months_of(shop, TODAY)
    assert (shown.due, shown.next_run) == (None, day("2026-03-15"))
    run_on(shop, "2026-03-15 05:10")
    assert months_of(shop, day("2026-03-15")).next_run is None, "nothing is invented"


# --- The next one is missing -------------------------------------------------------------------------


def test_a_next_month_is_missing_once_the_last_one_has_begun(
    by_months: Farmer, meena: Membership, shop: Shop, months: dict[str, UUID]
) -> None:
    assert next_missing(shop, day("2026-03-14")) is None
    missing = next_missing(shop, day("2026-03-15"))
    assert missing is not None
    assert (missing.farmers, missing.last and missing.last.name) == (1, "Panguni")
    added(meena, "சித்திரை", "2026-04-14")
    assert next_missing(shop, day("2026-03-15")) is None


def test_nothing_is_missing_where_nobody_is_settled_by_it(shop: Shop, by_months: Farmer) -> None:
    assert next_missing(shop, TODAY) is not None
    by_months.is_active = False
    by_months.save()
    assert next_missing(shop, TODAY) is None


def test_each_owner_hears_once_that_the_next_month_is_missing(
    by_months: Farmer, meena: Membership, devi: Membership, shop: Shop, months: dict[str, UUID]
) -> None:
    run_on(shop, "2026-03-14 05:10")
    assert not Event.objects.filter(name="NextMonthMissing").exists()
    for moment in ("2026-03-15 05:10", "2026-03-15 06:10", "2026-03-16 05:10"):
        run_on(shop, moment)
    (event,) = Event.objects.filter(name="NextMonthMissing")
    react(event_id=event.pk)
    (note,) = Note.objects.filter(kind="month_missing")
    assert (note.member, note.place) == (meena, "/settlements/months/")
    assert note.words == (
        "No Tamil month is known that is still to begin. Write down when the next one begins: until then nobody is "
        "settled by it."
    )
    added(meena, "சித்திரை", "2026-04-14")
    run_on(shop, "2026-04-14 05:10")
    assert Event.objects.filter(name="NextMonthMissing").count() == 2, "of the next one again"
