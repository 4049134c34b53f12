"""What farmers usually bring."""

import datetime as dt
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger.models import Farmer
from ledger.selectors.habits import Habit, bare_name, habits_in, largest_in, namesakes_among
from ledger.services.entries import void_entry
from malar.accounts.models import Membership
from malar.kernel.ids import new_id
from pricing.models import Flower
from tests.cast import a_flower, at, recorded

pytestmark = pytest.mark.django_db

TODAY = dt.date(2026, 3, 6)


def brought(by: Membership, farmer: Farmer, flower: Flower, *quantities: str, day: dt.date = TODAY) -> None:
    """One line a quantity, a minute apart, on a day."""
    for minute, quantity in enumerate(quantities):
        moment = at(day.isoformat(), "05:00") + dt.timedelta(minutes=minute)
        unit = {"quantity" if flower.unit == "piece" else "gross_quantity": Decimal(quantity)}
        recorded(by, farmer, flower, captured_at=moment, now=moment, **unit)


def days_ago(days: int) -> dt.date:
    return TODAY - dt.timedelta(days=days)


def only(habits: list[Habit]) -> Habit:
    (habit,) = habits
    return habit


def test_four_lines_are_no_habit_yet_and_five_are(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    brought(kumar, raja, jasmine, "10", "11", "12", "13")
    assert (only(habits_in(kumar.shop, TODAY)).low, only(habits_in(kumar.shop, TODAY)).high) == (None, None)

    brought(kumar, raja, jasmine, "14", day=days_ago(1))
    habit = only(habits_in(kumar.shop, TODAY))

    assert (habit.lines, habit.low, habit.high) == (5, Decimal("10.000"), Decimal("14.000"))


def test_the_band_leaves_the_tenth_at_either_end_out(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    brought(kumar, raja, jasmine, *(str(kilos) for kilos in range(1, 21)))

    habit = only(habits_in(kumar.shop, TODAY))

    assert (habit.low, habit.high) == (Decimal("2.000"), Decimal("18.000"))


def test_only_his_last_thirty_lines_make_the_band_and_all_of_them_are_counted(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    brought(kumar, raja, jasmine, *["90"] * 6, day=days_ago(40))
    brought(kumar, raja, jasmine, *["8"] * 30)

    habit = only(habits_in(kumar.shop, TODAY))

    assert (habit.lines, habit.low, habit.high) == (36, Decimal("8.000"), Decimal("8.000"))


def test_sixty_days_count_and_the_sixty_first_does_not(
    kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    brought(kumar, raja, jasmine, "10", day=days_ago(59))
    brought(kumar, raja, lotus, "40", day=days_ago(60))

    habit = only(habits_in(kumar.shop, TODAY))

    assert (habit.flower_id, habit.last_seen) == (jasmine.pk, days_ago(59))
    assert largest_in(kumar.shop, TODAY) == {jasmine.pk: Decimal("10.000")}


def test_cancelled_lines_do_not_count(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    brought(kumar, raja, jasmine, "10", day=days_ago(2))
    moment = at("2026-03-06", "05:00")
    wrong = recorded(kumar, raja, jasmine, captured_at=moment, now=moment, gross_quantity=Decimal(99))
    void_entry(by=kumar, entry_id=wrong.pk, reason="twice")

    habit = only(habits_in(kumar.shop, TODAY))

    assert (habit.lines, habit.last_seen) == (1, days_ago(2))
    assert largest_in(kumar.shop, TODAY) == {jasmine.pk: Decimal("10.000")}


def test_what_he_brings_most_comes_first(
    kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    brought(kumar, raja, lotus, "40", day=days_ago(1))
    brought(kumar, raja, jasmine, "10", "11", day=days_ago(3))

    assert [habit.flower_id for habit in habits_in(kumar.shop, TODAY)] == [jasmine.pk, lotus.pk]


def test_the_other_shop_s_lines_are_nobody_s_habit_here(
    kumar: Membership, devi: Membership, raja: Farmer, selvi: Farmer, jasmine: Flower, mullai: Flower
) -> None:
    brought(devi, selvi, mullai, "10")

    assert habits_in(kumar.shop, TODAY) == []
    assert largest_in(kumar.shop, TODAY) == {}


def test_more_farmers_ask_no_more_questions_and_read_no_other_months(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    brought(kumar, raja, jasmine, "10")
    brought(kumar, raja, jasmine, "10", day=days_ago(80))
    brought(kumar, lakshmi, a_flower(kumar.shop, "MUL", "முல்லை", "Mullai"), "3", day=days_ago(20))
    with CaptureQueriesContext(connection) as asked:
        assert len(habits_in(kumar.shop, TODAY)) == 2
    assert len(asked) == 1

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    read = set(re.findall(r"on ledger_dailyentry_(\d{4}_\d{2})", plan))
    assert read == {"2026_02", "2026_03"}, plan


@pytest.mark.parametrize(
    ("written", "called"),
    [
        ("மு. முருகேசன்", "முருகேசன்"),
        ("பெ.முருகேசன்", "முருகேசன்"),
        ("முருகேசன் பா.", "முருகேசன்"),
        ("இரா. தங்கவேல்", "தங்கவேல்"),
        ("மு முருகேசன்", "முருகேசன்"),
        ("M. Murugesan", "murugesan"),
        ("MURUGESAN P", "murugesan"),
        ("K. S. Abdul Rahman", "abdul rahman"),
        ("P.", "p"),
        ("", ""),
    ],
)
def test_initials_are_no_part_of_the_name_one_calls(written: str, called: str) -> None:
    assert bare_name(written) == called


def test_two_murugesans_are_namesakes_in_either_script(kumar: Membership) -> None:
    first, second, english, karuppiah = (new_id() for _ in range(4))
    names = [
        (first, "மு. முருகேசன்", "M. Murugesan", True),
        (second, "பெ. முருகேசன்", "", True),
        (english, "முருகேஷ்", "K. Murugesan", True),
        (karuppiah, "க. கருப்பையா", "K. Karuppiah", True),
    ]

    assert namesakes_among(names) == {first, second, english}


def test_a_farmer_who_left_is_nobody_s_namesake_but_has_one_himself() -> None:
    here, gone = new_id(), new_id()

    assert namesakes_among([(here, "மு. முருகேசன்", "", True), (gone, "பெ. முருகேசன்", "", False)]) == {gone}
