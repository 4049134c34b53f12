"""Filling in wordings, and how long to wait between attempts."""

import datetime as dt
import itertools

import pytest

from malar.kernel.clock import KOLKATA
from notifications.domain import (
    MOST_TRIES,
    State,
    filled,
    leads_on,
    longest_wait,
    names_in,
    quiet_until,
    stopped_for,
    wait_after,
)


def test_a_wording_is_filled_with_its_variables() -> None:
    assert filled("Hello {farmer}: {amount}", {"farmer": "P. Raja", "amount": "₹8,555.00", "slip": "-"}) == (
        "Hello P. Raja: ₹8,555.00"
    )


@pytest.mark.parametrize("variables", [{}, {"farmer": ""}, {"farmer": " \n "}])
def test_a_variable_that_is_missing_or_empty_is_refused(variables: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"\{farmer\}"):
        filled("Hello {farmer}", variables)


@pytest.mark.parametrize("body", ["{}", "{0}", "{Farmer}", "{farmer.shop}", "{farmer!r}"])
def test_nothing_but_a_known_name_fills_a_placeholder(body: str) -> None:
    with pytest.raises(ValueError, match="nothing to put in"):
        filled(body, {"farmer": "P. Raja"})


def test_a_value_is_put_in_as_it_is_and_as_one_line() -> None:
    said = filled("{farmer}: {slip}", {"farmer": "{slip}\n\tRaja", "slip": "S1-0603-001"})
    assert said == "{slip} Raja: S1-0603-001"


def test_the_names_of_a_wording_in_order() -> None:
    assert names_in("{farmer}, {slip}. {farmer}") == ["farmer", "slip", "farmer"]


def test_waits_are_doubled_to_half_an_hour_and_end_after_six_tries() -> None:
    most = [longest_wait(tries).total_seconds() for tries in range(1, 8)]
    assert most == [30, 60, 120, 240, 480, 960, 1800]
    assert longest_wait(10_000) == dt.timedelta(minutes=30)
    assert wait_after(3, 0.5) == dt.timedelta(seconds=60)
    assert wait_after(1, 0.0) == dt.timedelta()
    assert wait_after(MOST_TRIES, 0.5) is None


@pytest.mark.parametrize(
    ("clock", "until"),
    [
        ("20:59:59", None),
        ("21:00", "2026-03-07 03:30"),
        ("23:59", "2026-03-07 03:30"),
        ("00:00", "2026-03-06 03:30"),
        ("03:29:59", "2026-03-06 03:30"),
        ("03:30", None),
        ("04:30", None),
    ],
)
def test_reminders_and_summaries_wait_for_the_morning(clock: str, until: str | None) -> None:
    now = dt.datetime.fromisoformat(f"2026-03-06 {clock}").replace(tzinfo=KOLKATA)
    said = quiet_until("day_summary", now.astimezone(dt.UTC))
    assert said == (until and dt.datetime.fromisoformat(until).replace(tzinfo=KOLKATA))
    assert quiet_until("settlement_reminder", now) == said
    for kind in ("entry_receipt", "entry_corrected", "advance_given", "payment_paid", "otp_login"):
        assert quiet_until(kind, now) is None


def test_a_sender_is_stopped_for_longer_each_time() -> None:
    assert [stopped_for(times).total_seconds() / 60 for times in range(7)] == [1, 2, 4, 8, 15, 15, 15]


LATE = [State.ACCEPTED, State.SENT, State.DELIVERED, State.READ]


def test_what_is_told_only_leads_on_whatever_order_it_comes_in() -> None:
    for order in itertools.permutations(LATE):
        state = State.SENDING
        for told in order:
            if leads_on(state, told, refused=False, latest=True):
                state = told
        assert state == State.READ


@pytest.mark.parametrize("state", [State.RETRY, State.FAILED, State.DEAD])
def test_after_a_refusal_only_certainty_counts(state: State) -> None:
    said = [leads_on(state, told, refused=True, latest=True) for told in LATE]
    assert said == [False, False, True, True]


def test_an_earlier_call_says_nothing_of_the_one_under_way() -> None:
    assert not leads_on(State.SENDING, State.DELIVERED, refused=False, latest=False)
    assert not leads_on(State.ACCEPTED, State.READ, refused=False, latest=False)
    # It does of one that would be made only now.
    assert leads_on(State.QUEUED, State.ACCEPTED, refused=False, latest=False)
