"""The farmer's yes or no to a message: it counts for the settlement as that message told it, and for no other."""

from dataclasses import dataclass
from uuid import UUID

from malar.kernel.transactions import step
from settlements.domain import LinkState, Method, Side
from settlements.models import Settlement
from settlements.services.approvals import agree, dispute_it
from settlements.services.links import standing_of


@dataclass(frozen=True)
class Question:
    """What a farmer was asked: about which settlement, with which content, and as which version of it."""

    settlement_id: UUID
    content_hash: str
    version: int


@step
def answer_question(question: Question, *, reason: str | None = None) -> tuple[LinkState, Settlement]:
    """Note the farmer's yes or, with a `reason`, his no. OPEN: it was open, and is answered now; else why nothing
    was done. Whoever answers first is heard, whichever door he came by.

    The version counts, too: a yes that was on its way while he disagreed by another door answers nothing, though
    he may be asked about the same content again. Raises what `approve` raises where the accounts refuse it.
    """
    Settlement.objects.select_for_update(no_key=True).get(pk=question.settlement_id)
    settlement = Settlement.objects.select_related("farmer", "run", "shop").get(pk=question.settlement_id)
    state = standing_of(settlement, question.content_hash)
    if state == LinkState.OPEN and settlement.version != question.version:
        state = LinkState.CHANGED
    if state != LinkState.OPEN:
        return state, settlement
    if reason is None:
        agree(
            settlement,
            side=Side.FARMER,
            method=Method.WHATSAPP,
            content_hash=question.content_hash,
            by=None,
        )
    else:
        dispute_it(settlement, reason)
    return state, settlement
