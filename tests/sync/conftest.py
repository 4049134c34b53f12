"""Tablets, and a line about which they quarrel."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from pricing.models import Flower
from tests.cast import recorded
from tests.sync.clashes import TEN, changed, edit, one
from tests.sync.test_ops import Tablet


@pytest.fixture
def ten_o_clock() -> Iterator[None]:
    """At midnight an hour ago would be another day."""
    now = timezone.now().astimezone(KOLKATA).replace(hour=10, minute=0) - dt.timedelta(days=1)
    with time_machine.travel(now):
        yield


@pytest.fixture
def line(kumar: Membership, raja: Farmer, jasmine: Flower) -> DailyEntry:
    """Kumar's: 10 kg at ₹900."""
    return recorded(kumar, raja, jasmine, **TEN)


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    return Tablet(kumar)


@pytest.fixture
def other(kumar: Membership) -> Tablet:
    """Kumar's second tablet."""
    return Tablet(kumar)


@pytest.fixture
def owner(meena: Membership) -> Tablet:
    return Tablet(meena)


@pytest.fixture
def undecided(tablet: Tablet, meena: Membership, line: DailyEntry) -> dict[str, Any]:
    """Ten became three on a page, six on the tablet."""
    changed(line, meena, gross_quantity=Decimal("3.200"))
    return one(tablet, edit(tablet, line, gross_quantity="6.200", note="wet"))
