"""What a flower cost: the table, the picture and the file say the same."""

import datetime as dt
import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from malar.accounts.models import Membership
from pricing.models import Flower, TimeSlot
from pricing.selectors.rate_history import CALLED, lines_of, rate_history
from pricing.services.rates import publish_rate
from pricing.templatetags.rate_chart import rate_chart, scale
from tests.cast import a_slot, at, called
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

DAY, NEXT = dt.date(2026, 3, 6), dt.date(2026, 3, 7)
LATER = at("2026-03-09", "12:00")
HISTORY = "/pricing/rates/history/"


def slotted(flower: Flower, slot: TimeSlot, rate: str, when: dt.datetime, by: Membership) -> None:
    publish_rate(by=by, key=uuid4(), flower=flower, slot=slot, rate=Decimal(rate), effective_from=when)


def steps(
    flower: Flower, start: dt.date = DAY, end: dt.date = DAY, **asked: Any
) -> list[tuple[str, str, str]]:
    history = rate_history(flower, start, end, asked.pop("now", LATER), **asked)
    return [(f"{step.start:%d %H:%M}", f"{step.end:%d %H:%M}", str(step.rate)) for step in history.steps]


@pytest.fixture
def morning(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "900", at("2026-03-06", "04:30"), meena)
    called(jasmine, "1450", at("2026-03-06", "05:30"), meena)
    called(jasmine, "1400", at("2026-03-07", "04:45"), meena)


@pytest.mark.usefixtures("morning")
def test_a_called_rate_is_a_step_until_the_next_call_or_the_days_end(jasmine: Flower) -> None:
    assert steps(jasmine, DAY, NEXT) == [
        ("06 04:30", "06 05:30", "900.00"),
        ("06 05:30", "07 00:00", "1450.00"),
        ("07 04:45", "08 00:00", "1400.00"),
    ]


@pytest.mark.usefixtures("morning")
def test_what_is_yet_to_come_is_not_drawn(jasmine: Flower) -> None:
    assert steps(jasmine, now=at("2026-03-06", "05:00")) == [("06 04:30", "06 05:00", "900.00")]


@pytest.mark.usefixtures("morning")
def test_the_table_says_how_each_rate_differs_from_the_one_before(jasmine: Flower) -> None:
    rows = rate_history(jasmine, DAY, NEXT, LATER).rows
    assert [(row.day, row.rate.rate, row.change) for row in rows] == [
        (NEXT, Decimal(1400), Decimal(-50)),
        (DAY, Decimal(1450), Decimal(550)),
        (DAY, Decimal(900), None),
    ]
    (row,) = rate_history(jasmine, NEXT, NEXT, LATER).rows
    assert row.change == -50, "against the last call of the day before"


def test_a_slots_rate_is_drawn_on_each_day_within_its_times(meena: Membership, jasmine: Flower) -> None:
    slot = a_slot(meena.shop, "05:00", "07:00")
    slotted(jasmine, slot, "800", at("2026-03-05", "12:00"), meena)
    slotted(jasmine, slot, "850", at("2026-03-07", "06:00"), meena)
    assert steps(jasmine, DAY, NEXT) == [
        ("06 05:00", "06 07:00", "800.00"),
        ("07 05:00", "07 06:00", "800.00"),
        ("07 06:00", "07 07:00", "850.00"),
    ]
    (row,) = rate_history(jasmine, DAY, NEXT, LATER).rows
    assert (row.rate.rate, row.change) == (Decimal(850), Decimal(50))


def test_the_history_of_a_slot_goes_on_when_its_times_change(meena: Membership, jasmine: Flower) -> None:
    slot = a_slot(meena.shop, "05:00", "07:00")
    slotted(jasmine, slot, "800", at("2026-03-05", "12:00"), meena)
    TimeSlot.objects.filter(pk=slot.pk).update(valid_to=NEXT)
    new = a_slot(meena.shop, "05:30", "07:30", valid_from=NEXT, follows=slot)
    slotted(jasmine, new, "820", at("2026-03-07", "00:00"), meena)
    assert lines_of(meena.shop) == [new]
    both = [("06 05:00", "06 07:00", "800.00"), ("07 05:30", "07 07:30", "820.00")]
    assert steps(jasmine, DAY, NEXT, line=str(new.pk)) == both
    rows = rate_history(jasmine, NEXT, NEXT, LATER, line=str(new.pk)).rows
    assert [row.change for row in rows] == [Decimal(20)]


def test_one_line_is_asked_for_alone(meena: Membership, jasmine: Flower) -> None:
    slot = a_slot(meena.shop, "05:00", "07:00")
    slotted(jasmine, slot, "800", at("2026-03-06", "04:00"), meena)
    called(jasmine, "900", at("2026-03-06", "05:00"), meena)
    assert len(steps(jasmine)) == 2
    assert rate_history(jasmine, DAY, DAY, LATER).last == 900, "a call goes before the slot's rate"
    assert steps(jasmine, line=CALLED) == [("06 05:00", "07 00:00", "900.00")]
    assert steps(jasmine, line=str(slot.pk)) == [("06 05:00", "06 07:00", "800.00")]


def test_it_takes_as_many_questions_for_many_rates_as_for_one(meena: Membership, jasmine: Flower) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            for row in rate_history(jasmine, DAY, NEXT, LATER).rows:
                _ = row.rate.published_by.user.name
        return len(queries)

    called(jasmine, "900", at("2026-03-06", "04:00"), meena)
    one = asked()
    for minute in range(1, 30):
        called(jasmine, str(900 + minute), at("2026-03-06", f"04:{minute:02}"), meena)
    assert asked() == one == 2


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [
        (800, 1450, (800, 1600, 200)),
        (0, 0, (0, 1, 1)),
        (12, 12, (12, 13, 1)),
        (90, 25000, (0, 25000, 5000)),
    ],
)
def test_the_scale_has_round_ends_that_hold_every_rate(low: int, high: int, ends: tuple[int, ...]) -> None:
    bottom, top, step = scale(Decimal(low), Decimal(high))
    assert bottom <= low <= high <= top
    assert (int(bottom), int(top), int(step)) == ends
    assert 1 <= (top - bottom) / step <= 6


@pytest.mark.usefixtures("morning")
def test_the_picture_has_a_line_for_each_step_and_one_between_them(jasmine: Flower) -> None:
    drawn = rate_chart(rate_history(jasmine, DAY, DAY, LATER))
    flat = [mark for mark in drawn["marks"] if mark.y1 == mark.y2]
    upright = [mark for mark in drawn["marks"] if mark.x1 == mark.x2]
    assert (len(flat), len(upright), len(drawn["marks"])) == (2, 1, 3)
    assert flat[0].x2 == upright[0].x1 == flat[1].x1
    assert Decimal(flat[0].y1) > Decimal(flat[1].y1), "900 is lower than 1,450"
    assert all(0 <= Decimal(mark.x1) <= Decimal(mark.x2) <= 100 for mark in drawn["marks"])


# --- The page ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("morning")
def test_the_page_shows_picture_and_table(kumar: Membership, jasmine: Flower) -> None:
    page = page_of(kumar)
    shown = page.get(HISTORY, {"flower": str(jasmine.pk), "start": "2026-03-06", "end": "2026-03-07"})
    text = re.sub(r"\s+", " ", shown.content.decode())
    assert "Rates of Jasmine: lowest ₹900, highest ₹1,450" in text
    assert "▲ ₹550 more" in text
    assert "▼ ₹50 less" in text
    assert text.count('class="rate-chart__band"') == 2


@pytest.mark.usefixtures("morning")
def test_the_file_says_the_same_in_words_for_programs(kumar: Membership, jasmine: Flower) -> None:
    page = page_of(kumar)
    with translation.override("ta"):
        answer = page.get(
            f"{HISTORY}history.csv", {"flower": str(jasmine.pk), "start": "2026-03-06", "end": "2026-03-06"}
        )
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert answer["Content-Disposition"] == 'attachment; filename="rates-MAL-2026-03-06.csv"'
    assert lines == [
        "day,from,until,flower,slot,rate,unit,published_by",
        "2026-03-06,2026-03-06T04:30:00+05:30,2026-03-06T05:30:00+05:30,Jasmine,,900.00,kg,Meena",
        "2026-03-06,2026-03-06T05:30:00+05:30,2026-03-07T00:00:00+05:30,Jasmine,,1450.00,kg,Meena",
    ]


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        ("2026-03-07", "2026-03-06", "The last day is before the first one."),
        ("2025-01-01", "2026-03-06", "At most 92 days at a time."),
        ("0002-01-01", "0002-01-02", "This date is too far away."),
    ],
)
def test_days_that_cannot_be_are_said_at_their_field(
    kumar: Membership, jasmine: Flower, start: str, end: str, words: str
) -> None:
    page = page_of(kumar)
    asked = {"flower": str(jasmine.pk), "start": start, "end": end}
    assert words in page.get(HISTORY, asked).content.decode()
    assert page.get(f"{HISTORY}history.csv", asked).status_code == 400


def test_a_quiet_time_says_what_to_do(kumar: Membership, jasmine: Flower) -> None:
    assert "No rates were published in these days." in page_of(kumar).get(HISTORY).content.decode()


def test_another_shops_flower_is_not_shown(devi: Membership, jasmine: Flower, meena: Membership) -> None:
    called(jasmine, "900", at("2026-03-06", "04:30"), meena)
    asked = {"flower": str(jasmine.pk), "start": "2026-03-06", "end": "2026-03-06"}
    assert "₹900" not in page_of(devi).get(HISTORY, asked).content.decode()
