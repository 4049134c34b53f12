"""The machine of tests/settlements/machine.py is no ornament: each of these mistakes must stop it. Those that only two
at once can make are in test_races.py."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError
from hypothesis.stateful import run_state_machine_as_test

from ledger.domain import AccountKind, ClaimState
from ledger.selectors.claims import owed_on
from ledger.services import claims, repricing
from malar.kernel.errors import RuleBroken
from settlements.domain import Policy, Reckoning, Sums, reckon
from settlements.models import Settlement
from settlements.services import approvals, runs
from tests.ledger.test_book_machine import make_months
from tests.settlements.machine import SettlementMachine
from tests.settlements.test_machine import SHORT

pytestmark = pytest.mark.django_db

Mutation = Callable[[pytest.MonkeyPatch], None]


class ModelAlone(SettlementMachine):
    """Without the invariants of the house: what it is to notice, the model alone must."""

    in_house = False


def claim_not_released_on_cancel(monkeypatch: pytest.MonkeyPatch) -> None:
    def release_claim(claim: Any, day: Any) -> None:
        claim.state, claim.released_on = ClaimState.RELEASED, day
        claim.save(update_fields=["state", "released_on"])

    monkeypatch.setattr(approvals, "release_claim", release_claim)


def summed_before_it_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody comes in between this is nothing at all, which the machine sees at once."""
    right = claims.take_rows
    late: list[tuple[Any, ...]] = []
    monkeypatch.setattr(runs, "take_rows", lambda *said: late.append(said))

    def owed_then(*said: Any) -> Any:
        while late:
            right(*late.pop())
        return owed_on(*said)

    monkeypatch.setattr(runs, "owed_on", owed_then)


def brought_forward_unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    def unsigned(*said: Any) -> Mapping[tuple[UUID, str], Any]:
        found = owed_on(*said)
        return {of: abs(owed) if of[1] == AccountKind.PAYABLE else owed for of, owed in found.items()}

    monkeypatch.setattr(runs, "owed_on", unsigned)


def approval_not_bound_to_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    def standing_approvals(settlement: Settlement) -> dict[str, Any]:
        return {each.side: each for each in settlement.approvals.select_related("by__user")}

    monkeypatch.setattr(approvals, "standing_approvals", standing_approvals)


def stale_content_approved(monkeypatch: pytest.MonkeyPatch) -> None:
    right = approvals.agree

    def agree(settlement: Settlement, **said: Any) -> None:
        right(settlement, **said | {"content_hash": settlement.content_hash})

    monkeypatch.setattr(approvals, "agree", agree)


def yes_counts_again_after_a_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "_check_is_not_disputed_as_it_is", lambda settlement: None)


def recovery_above_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(sums: Sums, policy: Policy, step: int) -> Reckoning:
        figures = reckon(sums, policy, step)
        more = min(policy.wants(figures.net, sums.advance), sums.advance) - figures.recovery
        return replace(
            figures,
            recovery=figures.recovery + more,
            net=figures.net - more,
            advance_after=figures.advance_after - more,
        )

    monkeypatch.setattr(runs, "reckon", greedy)


def draw_settled_without_what_took_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = list(claims.TAKEN)
    taken[2] = (*taken[2][:2], "it.business_date <= %(until)s AND it.status = 'posted' AND it.kind = 'draw'")
    monkeypatch.setattr(claims, "TAKEN", tuple(taken))


def corrected_line_priced_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repricing, "corrected_among", lambda lines: set())


@pytest.mark.parametrize(
    ("mutation", "story"),
    [
        (claim_not_released_on_cancel, "called off"),
        (summed_before_it_is_claimed, "paid"),
        (brought_forward_unsigned, "carried"),
        (approval_not_bound_to_the_hash, "called off"),
        (stale_content_approved, "called off"),
        (yes_counts_again_after_a_no, "called off"),
        (recovery_above_what_is_left, "carried"),
        (draw_settled_without_what_took_it_back, "taken back"),
        (corrected_line_priced_again, "taken back"),
    ],
)
def test_this_mistake_is_caught(mutation: Mutation, story: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_months()
    mutation(monkeypatch)
    machine = type(SettlementMachine.__name__, (ModelAlone,), {"story": story})
    with pytest.raises((AssertionError, pytest.fail.Exception, RuleBroken, IntegrityError)):
        run_state_machine_as_test(machine, settings=SHORT)
