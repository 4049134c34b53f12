"""Whatever is done in any order, settlements and the book are in order (tests/settlements/machine.py)."""

import pytest
from hypothesis import settings

from tests.ledger.machine import play
from tests.ledger.test_book_machine import EXAMPLES, PROFILE, make_months
from tests.settlements.machine import SettlementMachine

REACHED = {
    *("draft", "pending", "approved", "paid", "disputed", "cancelled", "reversed"),
    *("late", "carried", "brought forward", "recovered", "hand loan taken", "recovery changed"),
    *("left out: open", "left out: disputed", "left out: nothing", "left out: unpriced"),
    *("approved by the shop", "approved by the farmer", "paid a part", "paid all", "bounced", "corrected"),
    *("refused: settled", "refused: corrected", "refused: paid", "refused: moved_since", "refused: stale"),
    *("refused: more_than_possible", "refused: more_than_outstanding", "refused: approved_already"),
    "refused: disputed_as_it_is",
    *("refused: not_pending", "refused: not_approved", "refused: not_open"),
}
"""What must have happened: a machine that is refused everything is content, too."""

SHORT = settings(PROFILE, max_examples=1, stateful_step_count=12)
"""Every step asks some fifty questions of the whole book."""


@pytest.mark.django_db
def test_settlements_are_in_order_whatever_is_done() -> None:
    make_months()
    SettlementMachine.reached.clear()
    play(SettlementMachine, PROFILE if EXAMPLES > 3 else SHORT)
    assert REACHED - set(SettlementMachine.reached) == set()
