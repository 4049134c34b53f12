"""The farmer's link: his settlement on his phone without signing in, and his yes or no to it.

The token is told once, to whoever made the link, and kept nowhere: the database has its SHA-256. Whatever writes
logs leaves it out (`malar.kernel.logs`).
"""

import datetime as dt
import hashlib
import secrets
from functools import partial
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, NotFound
from malar.kernel.transactions import in_unit, step
from settlements.domain import LinkState, Method, Side, Status
from settlements.models import ApprovalLink, Settlement
from settlements.selectors.settlements import settlement_answer, waits_for
from settlements.services.approvals import agree, dispute_it, held

VALID_FOR = dt.timedelta(days=7)


class LinkClosed(Conflict):
    """The link cannot be answered; `state` says why."""

    def __init__(self, state: LinkState) -> None:
        super().__init__(str(state.label), code=state.value)
        self.state = state


def link_for(*, by: Membership, settlement_id: UUID) -> str:
    """A new link to a settlement for its farmer: the token, which nobody can be told again.

    Raises NotAllowed for a farmer, NotFound, Conflict `not_pending` where nobody asks the farmer.
    """
    if by.role not in ALLOWED[Role.STAFF]:
        raise NotAllowed(_("Only the shop's own people may make a link."))

    def act() -> str:
        return make_link(held(by, settlement_id), by=by)

    return in_unit(act, by=by)


@step
def make_link(settlement: Settlement, *, by: Membership | None) -> str:
    """What `link_for` does with a settlement that is held; `by` is None where nobody asked for it."""
    if settlement.status != Status.PENDING or Side.FARMER not in waits_for(settlement):
        raise Conflict(
            _("The farmer is not asked now: a link would not help him."),
            code="not_pending",
            current=settlement_answer(settlement),
        )
    token = secrets.token_urlsafe(32)
    ApprovalLink.objects.create(
        shop=settlement.shop,
        settlement=settlement,
        content_hash=settlement.content_hash,
        token_hash=hashed(token),
        expires_at=timezone.now() + VALID_FOR,
        created_by=by,
    )
    return token


def hashed(token: str) -> str:
    """What is kept of a token. It has 256 random bits: nothing needs to make guessing slow."""
    return hashlib.sha256(token.encode()).hexdigest()


def link_of(token: str) -> ApprovalLink:
    """The link with its settlement, farmer and shop. Raises NotFound, which tells nothing else."""
    links = ApprovalLink.objects.select_related("settlement__farmer", "settlement__run", "settlement__shop")
    link = links.filter(token_hash=hashed(token)).first()
    if link is None:
        raise NotFound(_("There is no such page."))
    return link


def state_of(link: ApprovalLink, now: dt.datetime) -> LinkState:
    """Whether a link can be answered, else the first reason why not."""
    if link.used_at:
        yes = link.settlement.approvals.filter(
            side=Side.FARMER, method=Method.LINK, content_hash=link.content_hash
        )
        return LinkState.AGREED if yes.exists() else LinkState.DISAGREED
    if link.expires_at <= now:
        return LinkState.EXPIRED
    return standing_of(link.settlement, link.content_hash)


def standing_of(settlement: Settlement, content_hash: str) -> LinkState:
    """Whether the farmer is asked about this content of a settlement, else the first reason why not."""
    if content_hash != settlement.content_hash or settlement.status == Status.DRAFT:
        return LinkState.CHANGED
    match settlement.status:
        case Status.PENDING:
            return LinkState.OPEN if Side.FARMER in waits_for(settlement) else LinkState.SETTLED
        case Status.DISPUTED:
            return LinkState.DISPUTED
        case Status.APPROVED | Status.PAID:
            return LinkState.SETTLED
    return LinkState.CALLED_OFF


def agree_by_link(token: str) -> None:
    """The farmer's yes. Raises NotFound, LinkClosed, and what `approve` raises where the accounts refuse it."""
    in_unit(partial(_answer, token), by=None)


def disagree_by_link(token: str, reason: str) -> None:
    """The farmer's no, with the reason. Raises NotFound, LinkClosed, RuleBroken `required` without a reason."""
    in_unit(partial(_answer, token, reason), by=None, reason=reason)


@step
def _answer(token: str, reason: str | None = None) -> None:
    """Use a link up. The settlement is held first, as everybody does who acts on one."""
    Settlement.objects.select_for_update(no_key=True).get(pk=link_of(token).settlement_id)
    ApprovalLink.objects.select_for_update().get(token_hash=hashed(token))
    link = link_of(token)
    if (state := state_of(link, timezone.now())) != LinkState.OPEN:
        raise LinkClosed(state)
    if reason is None:
        agree(
            link.settlement,
            side=Side.FARMER,
            method=Method.LINK,
            content_hash=link.content_hash,
            by=None,
        )
    else:
        dispute_it(link.settlement, reason)
    link.used_at = timezone.now()
    link.save(update_fields=["used_at"])
