"""The worked settlements, and the Sunday evening after that week."""

from collections.abc import Iterator

import pytest
import time_machine

from tests.cast import at
from tests.ledger.worked import settlement_a, settlement_b

__all__ = ["settlement_a", "settlement_b"]


@pytest.fixture
def sunday() -> Iterator[None]:
    """The evening of 8 March 2026."""
    with time_machine.travel(at("2026-03-08", "18:00"), tick=True):
        yield
