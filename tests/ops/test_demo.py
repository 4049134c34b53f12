"""The demo: whoever opens the counter finds a shop that is alive, at whatever hour."""

import datetime as dt
import random
from collections import Counter

import pytest
import time_machine
from django.core.management import call_command

from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.ops.mornings import Call, Sale, farmers, fixture, morning, opens_at
from pricing.domain import Glyph
from tests.cast import at
from tests.conftest import page_of

DAY = dt.date(2026, 3, 6)
WIDEST_TILE = 12
"""Signs, in either script: two lines of a tile at 1024 × 600 hold no more."""


def happened(clock: str) -> list[Call | Sale]:
    now = at("2026-03-06", clock)
    all_of_it = morning(opens_at(DAY, now), farmers(30), random.Random(1))
    return [happening for happening in all_of_it if happening.at <= now]


@pytest.mark.parametrize("clock", ["01:00", "03:30", "04:10", "05:20", "08:00", "22:00"])
def test_at_any_hour_farmers_have_come_and_the_day_is_the_same(clock: str) -> None:
    so_far = happened(clock)

    assert sum(isinstance(happening, Sale) for happening in so_far) >= 8
    assert {happening.at.astimezone(KOLKATA).date() for happening in so_far} == {DAY}


def test_after_the_close_every_flower_has_a_called_rate() -> None:
    called = {happening.flower for happening in happened("11:00") if isinstance(happening, Call)}

    assert called == {flower["code"] for flower in fixture()["flowers"]}


def test_a_morning_goes_in_order_and_is_the_same_each_time() -> None:
    first, again = happened("23:00"), happened("23:00")

    assert first == again
    assert first == sorted(first, key=lambda happening: happening.at)


def test_every_flower_has_a_picture_of_its_own_and_a_short_name_in_both_languages() -> None:
    flowers = fixture()["flowers"]

    assert {flower["glyph"] for flower in flowers} <= set(Glyph.values) - {Glyph.POO}
    assert max(Counter(flower["glyph"] for flower in flowers).values()) == 1
    for name in ("short_name_ta", "short_name_en"):
        assert [flower["code"] for flower in flowers if not 0 < len(flower[name]) <= WIDEST_TILE] == []


@pytest.mark.django_db
def test_who_opens_the_counter_sees_bands_recents_rates_and_two_murugesans() -> None:
    with time_machine.travel(at("2026-03-06", "06:30")):
        call_command("demo", farmers=14, days=6, verbosity=0)
        clerk = Membership.objects.get(role=Role.STAFF)
        said = page_of(clerk).get("/sync/v1/ref/").json()

    usual = [habit for farmer in said["farmers"] for habit in farmer["usual"]]
    in_force = {rate["flower"] for rate in said["rates"]}
    murugesans = [farmer for farmer in said["farmers"] if farmer["namesakes"]]

    assert sum(habit["low"] is not None for habit in usual) >= 7
    assert len({line["farmer"] for line in said["day"]["last"]}) >= 5
    assert any(rate["slot"] is None for rate in said["rates"])
    assert len(in_force) == len(said["flowers"]) - 3  # three are priced at nine
    assert {farmer["name_en"] for farmer in murugesans} == {"M. Murugesan", "P. Murugesan"}
    assert len({farmer["village_en"] for farmer in murugesans}) == 2
