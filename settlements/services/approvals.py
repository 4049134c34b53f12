"""From a draft to an agreed settlement: both sides say yes to the same content, and it goes into the accounts."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import AccountKind, JournalKind, Posting, Recovery
from ledger.models import Account, Claim, Transfer
from ledger.selectors.accounts import balance_of, owed_for_flowers
from ledger.services.claims import post_claim, release_claim
from ledger.services.faults import length_faults, reason_said, refusal
from ledger.services.movements import hold_farmer
from ledger.services.posting import account_of, closed_day_refused, post
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.kernel.formatting import rupees
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import step
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record, record_all
from settlements.domain import (
    OPEN,
    Method,
    Policy,
    Side,
    Status,
    Sums,
    chained,
    financial_year,
    number_of,
    reckon,
)
from settlements.events import (
    SettlementApproved,
    SettlementCancelled,
    SettlementChanged,
    SettlementDisputed,
    SettlementReady,
    SettlementReversed,
)
from settlements.models import Approval, Settlement, SettlementCounter
from settlements.selectors.settlements import (
    is_single_handed,
    paid_of,
    run_of,
    settlement_answer,
    settlement_of,
    standing_approvals,
)
from settlements.services.runs import content_of

Effect = Callable[[Settlement], None]


def submit(*, by: Membership, settlement_id: UUID, key: UUID | None = None) -> Answer:
    """Send a draft, or one that was disputed and looked at, for approval. The answer is `settlement_answer`.

    Raises NotAllowed unless `by` is the owner, NotFound, Conflict with the settlement as it stands: `not_draft`, or
    `disputed_as_it_is` where the farmer agreed to this content and it was disputed.
    """

    def effect(settlement: Settlement) -> None:
        _demand(settlement, (Status.DRAFT, Status.DISPUTED), "not_draft")
        _check_is_not_disputed_as_it_is(settlement)
        move_to(settlement, Status.PENDING, reason="")
        record(SettlementReady(settlement=settlement.pk, farmer=settlement.farmer_id), shop=by.shop)

    return _act(by, settlement_id, key, "submit", effect)


def submit_run(*, by: Membership, run_id: UUID, key: UUID | None = None) -> Answer:
    """Send every draft of a run for approval, all or none. The answer is {"submitted": how many}.

    Raises NotAllowed unless `by` is the owner, NotFound.
    """

    def effect() -> dict[str, Any]:
        if by.role != Role.ADMIN:
            raise NotAllowed(_("Only the owner may do this."))
        drafts = run_of(by, run_id).settlements.filter(status=Status.DRAFT).order_by("pk")
        held_drafts = list(drafts.select_for_update(no_key=True))
        for settlement in held_drafts:
            move_to(settlement, Status.PENDING, reason="")
        record_all(
            [SettlementReady(settlement=each.pk, farmer=each.farmer_id) for each in held_drafts], shop=by.shop
        )
        return {"submitted": len(held_drafts)}

    return once(by=by, key=key or new_id(), body={"submit_run": run_id}, made=new_id(), effect=effect)


def change_recovery(
    *, by: Membership, settlement_id: UUID, recovery: Decimal, version: int, key: UUID | None = None
) -> Answer:
    """Recover another amount of the advance, in ₹. Whoever approved what it was must approve again, and it is a
    draft again.

    Raises NotAllowed unless `by` is the owner, NotFound, Conflict `stale` or `not_open`, RuleBroken `too_precise`,
    and `more_than_possible` where it is above what is left or outstanding.
    """

    def effect(settlement: Settlement) -> None:
        if significant_decimals(recovery) > 2:
            words = _("An amount has at most two decimals.")
            raise RuleBroken(words, code="too_precise", pointer="/recovery")
        _demand(settlement, OPEN, "not_open")
        if settlement.version != version:
            raise _stale(settlement)
        sums = Sums(
            gross=settlement.gross,
            commission=settlement.commission,
            charges=settlement.charges,
            draws=settlement.draws,
            brought_forward=settlement.brought_forward,
            hand_loan=settlement.hand_loans,
            advance=settlement.advance_before,
        )
        figures = reckon(sums, Policy(Recovery.FIXED, recovery), by.shop.net_step)
        if recovery < 0 or figures.recovery != recovery:
            most = reckon(sums, Policy(Recovery.ALL), by.shop.net_step).recovery
            raise RuleBroken(
                _("At most %(amount)s can be recovered here.") % {"amount": rupees(most)},
                code="more_than_possible",
                pointer="/recovery",
            )
        for name in ("recovery", "rounding", "net", "advance_after"):
            setattr(settlement, name, getattr(figures, name))
        settlement.content_hash = content_of(settlement)
        was_shown = settlement.status != Status.DRAFT
        move_to(settlement, Status.DRAFT)
        Claim.objects.filter(pk=settlement.pk).update(recovery=settlement.recovery)
        if was_shown:
            record(SettlementChanged(settlement=settlement.pk, farmer=settlement.farmer_id), shop=by.shop)

    return _act(by, settlement_id, key, "recovery", effect, recovery=recovery, version=version)


def approve(
    *,
    by: Membership,
    settlement_id: UUID,
    content_hash: str,
    for_farmer: bool = False,
    method: str = Method.PAGE,
    key: UUID | None = None,
) -> Answer:
    """Say yes to a settlement as it stands: for the shop, or, where a farmer does it or staff write down his yes on
    paper (`for_farmer`), for the farmer. When both have, it gets its number and goes into the accounts.

    Raises NotFound; NotAllowed for who made it, and for who wrote down the farmer's yes, unless he keeps the shop
    alone; Conflict `stale` for another content, `not_pending`, `approved_already`, `moved_since` where the
    farmer's account is another than it was when it was made; RuleBroken `day_locked` where today is closed.
    """
    side = Side.FARMER if for_farmer or by.role == Role.FARMER else Side.SHOP
    if by.role == Role.FARMER:
        method = Method.PAGE

    def effect(settlement: Settlement) -> None:
        if side == Side.SHOP or for_farmer:
            check_may_approve(by, settlement, side)
        agree(settlement, side=side, method=Method(method), content_hash=content_hash, by=by)

    said = {"content_hash": content_hash, "side": side.value, "method": str(method)}
    return _act(by, settlement_id, key, "approve", effect, least=Role.FARMER, **said)


@dataclass(frozen=True)
class Refused:
    """A settlement that was not approved, and why, in words."""

    settlement: Settlement
    why: str


def approve_many(
    *, by: Membership, run_id: UUID, contents: Mapping[UUID, str], key: UUID
) -> tuple[int, list[Refused]]:
    """Say yes for the shop to settlements of a run, each to the content it was shown with (`contents`: hashes by
    settlement) and each for itself, by the farmers' numbers: one that is refused keeps no other back. How many were
    approved, and the others. The same key again approves nothing twice.

    Raises NotAllowed for a farmer, NotFound for a run that is not the shop's; the rest is in the list, as `approve`
    says it.
    """
    shown = run_of(by, run_id).settlements.filter(pk__in=contents)
    approved, refused = 0, []
    for settlement in shown.select_related("farmer").order_by("farmer__number"):
        each = uuid5(key, str(settlement.pk))
        try:
            approve(by=by, settlement_id=settlement.pk, content_hash=contents[settlement.pk], key=each)
        except RuleBroken as broken:
            refused.append(Refused(settlement, broken.detail))
        else:
            approved += 1
    return approved, refused


@step
def agree(
    settlement: Settlement, *, side: Side, method: Method, content_hash: str, by: Membership | None
) -> None:
    """Note that a side said yes to a content of a settlement that is held, and post it when both have.

    `by` is None for a farmer who does not sign in. Raises what `approve` raises of the settlement's state.
    """
    _demand(settlement, (Status.PENDING,), "not_pending")
    if content_hash != settlement.content_hash:
        raise _stale(settlement)
    agreed = standing_approvals(settlement)
    if side in agreed:
        raise Conflict(
            _("This was approved already."), code="approved_already", current=settlement_answer(settlement)
        )
    made = Approval.objects.create(
        shop=settlement.shop,
        settlement=settlement,
        content_hash=content_hash,
        side=side,
        method=method,
        by=by,
    )
    agreed[side] = made
    if len(agreed) == len(Side):
        shop_side = agreed[Side.SHOP].by
        if shop_side is None:
            raise AssertionError("the shop's side is always somebody's")
        _into_accounts(settlement, shop_side)


def dispute(*, by: Membership, settlement_id: UUID, reason: str, key: UUID | None = None) -> Answer:
    """Say that it is not right, with the reason: by the farmer, or by staff for him.

    Raises NotFound, Conflict `not_pending`, RuleBroken `required` without a reason.
    """

    def effect(settlement: Settlement) -> None:
        dispute_it(settlement, reason)

    return _act(by, settlement_id, key, "dispute", effect, least=Role.FARMER, reason=reason)


@step
def dispute_it(settlement: Settlement, reason: str) -> None:
    """What `dispute` does with a settlement that is held."""
    said = reason_said(reason)
    _demand(settlement, (Status.PENDING,), "not_pending")
    move_to(settlement, Status.DISPUTED, reason=said)
    record(SettlementDisputed(settlement=settlement.pk, farmer=settlement.farmer_id), shop=settlement.shop)


def cancel(*, by: Membership, settlement_id: UUID, reason: str = "", key: UUID | None = None) -> Answer:
    """Call off a settlement that is not approved; its lines are free again.

    Raises NotAllowed unless `by` is the owner, NotFound, Conflict `not_open`, RuleBroken `too_long`.
    """

    def effect(settlement: Settlement) -> None:
        said = reason.strip()
        if faults := length_faults("/reason", said):
            raise refusal(faults)
        _demand(settlement, OPEN, "not_open")
        move_to(settlement, Status.CANCELLED, reason=said)
        release_claim(_claim_of(settlement), _today(by.shop))
        record(SettlementCancelled(settlement=settlement.pk, farmer=settlement.farmer_id), shop=by.shop)

    return _act(by, settlement_id, key, "cancel", effect, reason=reason)


def reverse(*, by: Membership, settlement_id: UUID, reason: str, key: UUID | None = None) -> Answer:
    """Take back an approved settlement of which nothing is paid: by its mirror in the accounts, dated today. Its
    number stays used, its lines are free again.

    Raises NotAllowed unless `by` is the owner, NotFound, Conflict `not_approved` or `paid`, RuleBroken `required`
    without a reason, `day_locked` where today is closed.
    """

    def effect(settlement: Settlement) -> None:
        said = reason_said(reason)
        _demand(settlement, (Status.APPROVED, Status.PAID), "not_approved")
        if paid_of([settlement.pk])[settlement.pk]:
            raise Conflict(
                _("Money was paid for it. Take the payment back first."),
                code="paid",
                current=settlement_answer(settlement),
            )
        hold_farmer(settlement.farmer)
        today, mirror = _today(by.shop), new_id()
        with closed_day_refused(today, ""):
            for moved in Transfer.objects.filter(
                journal_kind=JournalKind.SETTLEMENT, journal=settlement.pk
            ).select_related("debit", "credit"):
                post(
                    by=by,
                    journal_kind=JournalKind.SETTLEMENT,
                    journal=mirror,
                    debit=moved.credit,
                    credit=moved.debit,
                    amount=moved.amount,
                    day=today,
                    seq=moved.seq,
                    reverses=moved,
                )
        settlement.reversal = mirror
        move_to(settlement, Status.REVERSED, reason=said)
        release_claim(_claim_of(settlement), today)
        record(SettlementReversed(settlement=settlement.pk, farmer=settlement.farmer_id), shop=by.shop)

    return _act(by, settlement_id, key, "reverse", effect, reason=reason)


# --- Into the accounts -----------------------------------------------------------------------------


@step
def _into_accounts(settlement: Settlement, by: Membership) -> None:
    """Post a settlement both sides agreed to, then give it its number: the counter is the last lock."""
    hold_farmer(settlement.farmer)
    _check_nothing_moved(settlement)
    today = _today(settlement.shop)
    with closed_day_refused(today, ""):
        for posting, debit, credit, amount in _postings(settlement):
            post(
                by=by,
                journal_kind=JournalKind.SETTLEMENT,
                journal=settlement.pk,
                debit=debit,
                credit=credit,
                amount=amount,
                day=today,
                seq=posting,
            )
    post_claim(_claim_of(settlement), today)
    settlement.posted_on = today
    _number(settlement, today)
    move_to(settlement, Status.APPROVED)
    record(SettlementApproved(settlement=settlement.pk, farmer=settlement.farmer_id), shop=settlement.shop)
    if settlement.net == 0:
        move_to(settlement, Status.PAID)


def _postings(settlement: Settlement) -> list[tuple[Posting, Account, Account, Decimal]]:
    """(number, debit, credit, ₹ above zero) of a settlement's journal (ledger.md, d.3): each pivots on what is
    owed to the farmer. What is below zero has its sides swapped."""
    shop, farmer = settlement.shop, settlement.farmer
    payable = account_of(shop, AccountKind.PAYABLE, farmer=farmer)

    def of_shop(kind: AccountKind) -> Account:
        return account_of(shop, kind)

    def his(kind: AccountKind) -> Account:
        return account_of(shop, kind, farmer=farmer)

    fees = settlement.charges - settlement.passed_on
    # (number, the other account, what it gives to the farmer's payable; below zero it gets it)
    wanted = (
        (Posting.GROSS, partial(of_shop, AccountKind.SALES), settlement.gross),
        (Posting.COMMISSION, partial(of_shop, AccountKind.COMMISSION), -settlement.commission),
        (Posting.FEES, partial(of_shop, AccountKind.FEES), -fees),
        (Posting.PASS_THROUGH, partial(of_shop, AccountKind.PASS_THROUGH), -settlement.passed_on),
        (Posting.DRAWS, partial(his, AccountKind.DRAW), -settlement.draws),
        (Posting.HAND_LOANS, partial(his, AccountKind.HAND_LOAN), -settlement.hand_loans),
        (Posting.RECOVERY, partial(his, AccountKind.ADVANCE), -settlement.recovery),
        (Posting.ROUNDING, partial(of_shop, AccountKind.ROUNDING), settlement.rounding),
        (Posting.NET, partial(his, AccountKind.APPROVED), -settlement.net),
    )
    found = []
    for posting, other, gives in wanted:
        if gives > 0:
            found.append((posting, other(), payable, gives))
        elif gives < 0:
            found.append((posting, payable, other(), -gives))
    return found


def _check_nothing_moved(settlement: Settlement) -> None:
    """Raise where his account is another than it was when the settlement was reckoned."""
    now = balance_of(settlement.farmer)
    if (
        owed_for_flowers(settlement.farmer) != settlement.brought_forward
        or now.advance < settlement.recovery
        or now.hand_loan < settlement.hand_loans
        or (settlement.draws > 0 and now.unsettled.draws < settlement.draws)
    ):
        raise Conflict(
            _("His account has changed since this was reckoned. Call it off and settle again."),
            code="moved_since",
            current=settlement_answer(settlement),
        )


@step
def _number(settlement: Settlement, day: dt.date) -> None:
    """Give it the next number of its financial year and its link in the chain. The row is held until the commit."""
    year = financial_year(day)
    SettlementCounter.objects.bulk_create(
        [SettlementCounter(shop=settlement.shop, year=year)], ignore_conflicts=True
    )
    counter = SettlementCounter.objects.select_for_update().get(shop=settlement.shop, year=year)
    counter.last += 1
    settlement.year, settlement.running = year, counter.last
    settlement.number = number_of(year, counter.last)
    settlement.chain = chained(counter.head, settlement.number, settlement.content_hash)
    counter.head = settlement.chain
    counter.save(update_fields=["last", "head"])


# --- Steps they share ------------------------------------------------------------------------------


def _act(
    by: Membership,
    settlement_id: UUID,
    key: UUID | None,
    what: str,
    effect: Effect,
    *,
    least: Role = Role.ADMIN,
    **said: Any,
) -> Answer:
    """Hold a settlement, have `effect` on it, and answer with it as it stands then."""

    def act() -> dict[str, Any]:
        if by.role not in ALLOWED[least]:
            raise NotAllowed(_("Only the owner may do this."))
        settlement = held(by, settlement_id)
        effect(settlement)
        return settlement_answer(settlement)

    body = {what: settlement_id, **said}
    reason = str(said.get("reason") or "")
    return once(by=by, key=key or new_id(), body=body, made=new_id(), effect=act, reason=reason)


@step
def held(by: Membership, settlement_id: UUID) -> Settlement:
    """A settlement as it stands while nobody else acts on it. Raises NotFound."""
    settlement_of(by, settlement_id)
    Settlement.objects.select_for_update(no_key=True).get(pk=settlement_id)
    return settlement_of(by, settlement_id)


def _demand(settlement: Settlement, statuses: tuple[Status, ...], code: str) -> None:
    if settlement.status not in statuses:
        words = _("It is not as you saw it: %(status)s. Look at it again.") % {
            "status": settlement.get_status_display()
        }
        raise Conflict(words, code=code, current=settlement_answer(settlement))


def _check_is_not_disputed_as_it_is(settlement: Settlement) -> None:
    """Raise where his yes would count again though a no came after it: a content is approved once, so he could not
    say yes to it anew."""
    was_disputed = settlement.versions.filter(status=Status.DISPUTED)  # type: ignore[attr-defined]  # keep_history
    if Side.FARMER in standing_approvals(settlement) and was_disputed.exists():
        raise Conflict(
            _(
                "He agreed to this and it was disputed after that. Change it, or call it off and settle again."
            ),
            code="disputed_as_it_is",
            current=settlement_answer(settlement),
        )


def _stale(settlement: Settlement) -> Conflict:
    return Conflict(
        _("It was changed meanwhile. Look at it again."), code="stale", current=settlement_answer(settlement)
    )


def check_may_approve(by: Membership, settlement: Settlement, side: Side) -> None:
    """Whoever made it does not approve it for the shop, and whoever writes down the farmer's yes is another than
    the shop's approver; who keeps the shop alone does all of it (api.md, Roles). Raises NotAllowed."""
    if is_single_handed(by.shop):
        return
    if side == Side.SHOP and settlement.created_by_id == by.pk:
        raise NotAllowed(_("You made this settlement: somebody else of the shop must approve it."))
    other = standing_approvals(settlement).get(Side.FARMER if side == Side.SHOP else Side.SHOP)
    if other is not None and other.by_id == by.pk:
        raise NotAllowed(_("One person does not approve for both sides. Somebody else must."))


@step
def move_to(settlement: Settlement, status: Status, *, reason: str | None = None) -> None:
    """Give a settlement that is held its next status, and write down what else was changed in it."""
    settlement.status, settlement.version = status, settlement.version + 1
    if reason is not None:
        settlement.reason = reason
    settlement.save()


def _claim_of(settlement: Settlement) -> Claim:
    return Claim.objects.select_for_update().get(pk=settlement.pk)


def _today(shop: Shop) -> dt.date:
    return business_date_of(timezone.now(), shop.turnover_hour)
