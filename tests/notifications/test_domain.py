"""Filling in wordings, and how long to wait between attempts."""

import datetime as dt

import pytest

from notifications.domain import BACKOFF, filled, names_in, wait_after


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


def test_waits_grow_and_end_after_five() -> None:
    waits = [wait_after(attempt) for attempt in range(1, 7)]
    assert waits == [*BACKOFF, None]
    assert list(BACKOFF) == sorted(BACKOFF)
    assert (BACKOFF[0], BACKOFF[-1]) == (dt.timedelta(seconds=10), dt.timedelta(hours=2))
