"""Whatever is done in any order, the book is in order (tests/ledger/machine.py)."""

import os

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings

from ledger.domain import MovementKind
from ledger.services.partitions import ensure_window
from malar.kernel.clock import business_date_of
from tests.ledger.machine import BookMachine, play

EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "2"))
"""Shops that are played after each story. Before a release: MACHINE_EXAMPLES=200."""
STEPS = 20
PROFILE = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=EXAMPLES <= 3,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink) if EXAMPLES > 3 else (Phase.generate,),
)


REACHED = {
    *("entered typed", "entered called", "entered without a rate", "priced later", "priced again"),
    *("edited", "re-rated", "another farmer", "voided", "refused: stale", "refused: voided"),
    *("charged by hand", "waived", "waived with a line"),
    *(f"{kind} posted" for kind in MovementKind),
    *("advance waits", "hand_loan waits", "draw waits", "approved", "approved into today", "refused"),
    *("draw reversed", "hand_loan_repayment reversed", "reversed out of a closed day"),
    *("refused: more_than_outstanding", "refused: repaid", "refused: day_locked"),
    *("sold", "paid by the buyer", "sale cancelled", "receipt reversed"),
    *("closed", "closed before another", "refused: closed", "refused: before_first_close"),
    *("refused: next_day_opened", "reopened", "reopened before another", "spent", "expense taken back"),
    *("brought over", "asked again", "the farmer owes"),
    "summed up",
}
"""What must have happened: a machine that is refused everything is content, too."""


def make_months() -> None:
    """Outside the runs, each of which is taken back."""
    ensure_window(business_date_of(timezone.now(), 0), back=1)


@pytest.mark.django_db
def test_the_book_is_in_order_whatever_is_done() -> None:
    make_months()
    BookMachine.reached.clear()
    play(BookMachine, PROFILE)
    assert REACHED - set(BookMachine.reached) == set()
