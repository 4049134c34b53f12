"""Settling farmers in one pass: what nobody has taken yet is taken, and what was taken is summed."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import AccountKind, Recovery
from ledger.models import Claim, Farmer
from ledger.selectors.claims import Taken, owed_on, sums_of, unpriced_until, unsettled_lines
from ledger.services.claims import hold_book, take_rows
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Fault, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.money import ZERO
from malar.kernel.quantities import significant_decimals
from malar.kernel.transactions import in_unit, step
from malar.kernel.wire import money
from malar.trail.services.answers import Answer, once
from malar.trail.services.events import record
from settlements.domain import (
    OPEN,
    LeftOut,
    Policy,
    RunStatus,
    Status,
    Sums,
    content_hash,
    reckon,
    reference_of,
)
from settlements.events import RunFinished
from settlements.models import Settlement, SettlementRun
from settlements.selectors.settlements import holds, run_answer, tell_progress

log = structlog.get_logger(__name__)

TRIES = 3
"""How often a run is begun before it counts as not made."""
AT_ONCE = 2_000
"""So many unsettled lines are settled while the owner waits; more in a worker."""


@dataclass(frozen=True)
class Order:
    """What a run is asked for: up to the day `end` everything nobody has taken, of these farmers (None: of all).

    `recovery` is what to recover of an advance, in ₹ by farmer, where it is not his own policy.
    `despite_tablets`: also while a tablet still has lines to send; they fall into the next one then.
    """

    start: dt.date
    end: dt.date
    farmers: tuple[UUID, ...] | None = None
    recovery: Mapping[UUID, Decimal] | None = None
    despite_tablets: bool = False


@dataclass(frozen=True)
class Skipped:
    """A farmer who is not settled, and why."""

    farmer: Farmer
    reason: LeftOut

    def as_json(self) -> dict[str, str]:
        return {
            "farmer": str(self.farmer.pk),
            "code": self.farmer.code,
            "name_ta": self.farmer.name_ta,
            "name_en": self.farmer.name_en,
            "reason": self.reason.value,
        }


@dataclass(frozen=True)
class Outcome:
    """What a run made, or would make."""

    settlements: list[Settlement]
    left_out: list[Skipped]

    @property
    def net(self) -> Decimal:
        """What all of them come to, in ₹."""
        return sum((each.net for each in self.settlements), ZERO)


class _NothingIsKept(Exception):
    """Ends the unit of work of a preview."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome


def preview(*, by: Membership, order: Order) -> Outcome:
    """What a run would make: made by the same code, and nothing of it kept. The settlements have no rows.

    Raises what `begin_run` raises.
    """
    _check(by, order)

    def act() -> Outcome:
        raise _NothingIsKept(settle(by, new_run(by, order, new_id()), order, alone=False))

    try:
        return in_unit(act, by=by)
    except _NothingIsKept as kept:
        return kept.outcome


def begin_run(*, by: Membership, key: UUID, order: Order, id: UUID | None = None) -> Answer:
    """Ask for a run: its row is there, and a worker makes it (`make_run`). The answer is `run_answer`.

    Raises NotAllowed unless `by` is the owner; RuleBroken naming each refused field: `ends_before_it_begins`,
    `in_future`, `unknown_farmer`, `not_positive`, `too_precise`; Conflict `id_exists`.
    """
    _check(by, order)
    made = id or new_id()

    def effect() -> dict[str, Any]:
        return run_answer(new_run(by, order, made))

    return once(by=by, key=key, body={**asdict(order), "id": id}, made=made, effect=effect)


def run_or_begin(*, by: Membership, key: UUID, order: Order, id: UUID | None = None) -> Answer:
    """Make a run at once where at most `AT_ONCE` lines are to be settled, else leave it to a worker. The answer is
    `run_answer`, its status `done` or `queued`.

    Raises what `begin_run` raises, and Conflict `busy`.
    """
    _check(by, order)
    made = id or new_id()

    def effect() -> dict[str, Any]:
        if unsettled_lines(by.shop, order.end, order.farmers, AT_ONCE + 1) > AT_ONCE:
            return run_answer(new_run(by, order, made))
        return run_answer(run_at_once(by, order, made))

    return once(by=by, key=key, body={**asdict(order), "id": id}, made=made, effect=effect)


@step
def run_at_once(by: Membership, order: Order, id: UUID) -> SettlementRun:
    """Make a run as a part of somebody's unit of work. Raises what `begin_run` raises."""
    _check(by, order)
    run = new_run(by, order, id)
    finish(run, settle(by, run, order))
    return run


def make_run(run_id: UUID) -> None:
    """Make the settlements of a run that waits, all or none. Any number of times, by any number of workers: it is
    made once. A run that a rule refuses, or that failed `TRIES` times, is marked so in words; one that met somebody
    who changes the same waits for the next try."""
    if not _begin(run_id):
        return
    try:
        in_unit(partial(_make, run_id), by=None)
    except RuleBroken as broken:
        if broken.code == "busy":
            log.warning("run_busy", run=str(run_id))
            return
        _give_up(run_id, broken.detail)
    tell_progress(run_id, 100)


def waiting_runs() -> list[UUID]:
    """Runs that nobody has finished: a killed worker leaves one so. Whether somebody is at it, its lock says."""
    waiting = SettlementRun.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
    return list(waiting.order_by("created_at").values_list("pk", flat=True))


def _begin(run_id: UUID) -> bool:
    """Count the try, where everybody sees it; False where somebody is at it, it is made, or there were too many."""
    with transaction.atomic(durable=True):
        if not _alone(run_id):
            return False
        run = SettlementRun.objects.filter(pk=run_id).first()
        if run is None or run.status in (RunStatus.DONE, RunStatus.FAILED):
            return False
        if run.tries < TRIES:
            run.status, run.tries = RunStatus.RUNNING, run.tries + 1
            run.save(update_fields=["status", "tries"])
            return True
    log.error("run_given_up", run=str(run_id), tries=TRIES)
    _give_up(run_id, _("It could not be made. Nothing was changed. Try again, or call us."))
    return False


def _give_up(run_id: UUID, fault: str) -> None:
    with transaction.atomic(durable=True):
        run = SettlementRun.objects.select_for_update().get(pk=run_id)
        run.status, run.fault, run.finished_at = RunStatus.FAILED, fault[:200], timezone.now()
        run.save(update_fields=["status", "fault", "finished_at"])
        record(RunFinished(run=run.pk), shop=run.shop)


@step
def _make(run_id: UUID) -> None:
    if not _alone(run_id):
        return
    run = SettlementRun.objects.select_related("shop", "created_by__user").get(pk=run_id)
    if run.status != RunStatus.RUNNING:
        return
    finish(run, settle(run.created_by, run, order_of(run)))


@step
def finish(run: SettlementRun, outcome: Outcome) -> None:
    """Write down what a run made and whom it left out."""
    run.status, run.finished_at = RunStatus.DONE, timezone.now()
    run.settled = len(outcome.settlements)
    run.left_out = [each.as_json() for each in outcome.left_out]
    run.save(update_fields=["status", "finished_at", "settled", "left_out"])
    record(RunFinished(run=run.pk), shop=run.shop)


@step
def _alone(run_id: UUID) -> bool:
    """Whether nobody else makes this run; nobody will until the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(5, hashtext(%s))", [str(run_id)])
        return bool(cursor.fetchone()[0])


def order_of(run: SettlementRun) -> Order:
    """What a run was asked for."""
    return Order(
        start=run.period_start,
        end=run.period_end,
        farmers=None if run.farmers is None else tuple(UUID(each) for each in run.farmers),
        recovery={UUID(farmer): Decimal(amount) for farmer, amount in run.recovery.items()},
        despite_tablets=run.despite_tablets,
    )


@step
def new_run(by: Membership, order: Order, id: UUID) -> SettlementRun:
    """A run that waits to be made."""
    hold_runs(by.shop)
    last = SettlementRun.objects.filter(shop=by.shop).aggregate(last=Max("number"))["last"] or 0
    return SettlementRun.objects.create(
        id=id,
        shop=by.shop,
        number=last + 1,
        period_start=order.start,
        period_end=order.end,
        farmers=None if order.farmers is None else [str(each) for each in order.farmers],
        recovery={str(farmer): str(amount) for farmer, amount in (order.recovery or {}).items()},
        despite_tablets=order.despite_tablets,
        created_by=by,
    )


@step
def hold_runs(shop: Shop) -> None:
    """Let no other run of the shop be numbered or made until the commit."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(2, hashtext(%s))", [str(shop.pk)])


@step
def settle(by: Membership, run: SettlementRun, order: Order, *, alone: bool = True) -> Outcome:
    """Make the drafts of a run: wait for the clerks, take everything, then sum what was taken (architecture §5.5).
    Where nothing will be kept, nobody need wait: not `alone`.

    Statements that wait for nobody see all that was committed before the locks: READ COMMITTED is right here, a
    snapshot of the whole transaction would be older than they are (ledger.md, d.6).
    """
    shop = by.shop
    hold_runs(shop)
    farmers = _farmers(shop, order)
    if alone:
        hold_book([farmer.pk for farmer in farmers])
    left_out = _left_out(shop, farmers, order)
    stays = {each.farmer.pk for each in left_out}
    claims = {farmer.pk: new_id() for farmer in farmers if farmer.pk not in stays}
    tell_progress(run.pk, 10)
    take_rows(shop, claims, order.end)
    tell_progress(run.pk, 60)
    sums = sums_of(list(claims.values()), order.start, order.end)
    owed = owed_on(shop, [AccountKind.PAYABLE, AccountKind.ADVANCE, AccountKind.HAND_LOAN])
    made = []
    for farmer in farmers:
        if farmer.pk not in claims:
            continue
        taken = sums[claims[farmer.pk]]
        his: dict[str, Decimal] = {kind: owed.get((farmer.pk, kind), ZERO) for kind in AccountKind}
        if not taken.rows and his[AccountKind.PAYABLE] <= 0:
            left_out.append(Skipped(farmer, LeftOut.NOTHING))
            continue
        made.append(_drafted(by, run, farmer, claims[farmer.pk], taken, his, _policy(farmer, order)))
    tell_progress(run.pk, 80)
    Claim.objects.bulk_create([_claim(each) for each in made], batch_size=1000)
    Settlement.objects.bulk_create(made, batch_size=500)
    tell_progress(run.pk, 95)
    return Outcome(made, sorted(left_out, key=lambda each: each.farmer.number))


def _farmers(shop: Shop, order: Order) -> list[Farmer]:
    """Whom it is about, by number: also who brings nothing any more, for what is owed is owed."""
    farmers = shop.farmers.order_by("number")
    return list(farmers if order.farmers is None else farmers.filter(pk__in=order.farmers))


def _left_out(shop: Shop, farmers: Sequence[Farmer], order: Order) -> list[Skipped]:
    """Those who are not settled now; the first reason is told."""
    reasons: dict[UUID, LeftOut] = {}
    for farmer, status in Settlement.objects.filter(shop=shop, status__in=OPEN).values_list(
        "farmer_id", "status"
    ):
        reasons[farmer] = LeftOut.DISPUTED if status == Status.DISPUTED else LeftOut.OPEN
    for hold in holds:
        for farmer_id, reason in hold(shop, order.end).items():
            if reason == LeftOut.UNSYNCED and order.despite_tablets:
                continue
            for each in [farmer_id] if farmer_id else [farmer.pk for farmer in farmers]:
                reasons.setdefault(each, reason)
    for farmer in unpriced_until(shop, order.end):
        reasons.setdefault(farmer, LeftOut.UNPRICED)
    return [Skipped(farmer, reasons[farmer.pk]) for farmer in farmers if farmer.pk in reasons]


def _policy(farmer: Farmer, order: Order) -> Policy:
    agreed = (order.recovery or {}).get(farmer.pk)
    if agreed is not None:
        return Policy(Recovery.FIXED, agreed)
    return Policy(farmer.recovery, farmer.recovery_value)


def _drafted(
    by: Membership,
    run: SettlementRun,
    farmer: Farmer,
    id: UUID,
    taken: Taken,
    his: Mapping[str, Decimal],
    policy: Policy,
) -> Settlement:
    """A draft with its figures, not written yet."""
    sums = Sums(
        gross=taken.gross,
        commission=taken.commission,
        charges=taken.fees + taken.passed_on,
        draws=taken.draws,
        brought_forward=his[AccountKind.PAYABLE],
        hand_loan=-his[AccountKind.HAND_LOAN],
        advance=-his[AccountKind.ADVANCE],
    )
    settlement = Settlement(
        id=id,
        shop=by.shop,
        run=run,
        farmer=farmer,
        reference=reference_of(run.number, farmer.code),
        period_start=run.period_start,
        period_end=run.period_end,
        lines=taken.lines,
        late_lines=taken.late,
        passed_on=taken.passed_on,
        digest=taken.digest,
        created_by=by,
        **asdict(reckon(sums, policy, by.shop.net_step)),
    )
    settlement.content_hash = content_of(settlement)
    return settlement


def _claim(settlement: Settlement) -> Claim:
    return Claim(
        id=settlement.pk,
        shop=settlement.shop,
        farmer=settlement.farmer,
        draws=settlement.draws,
        hand_loans=settlement.hand_loans,
        recovery=settlement.recovery,
    )


CONTENT = (
    *(
        "reference",
        "period_start",
        "period_end",
        "lines",
        "late_lines",
        "gross",
        "commission",
        "charges",
        "passed_on",
    ),
    *("draws", "hand_loans", "recovery", "brought_forward", "rounding", "net", "carried", "advance_before"),
    *("advance_after", "digest"),
)
"""What both sides approve."""


def content_of(settlement: Settlement) -> str:
    """The fingerprint of a settlement as it stands."""
    facts = {name: getattr(settlement, name) for name in CONTENT}
    # An amount says the same whether it was just reckoned (0) or read again (0.00).
    said = {name: money(value) if isinstance(value, Decimal) else value for name, value in facts.items()}
    return content_hash({"farmer": settlement.farmer_id, "shop": settlement.shop_id, **said})


def _check(by: Membership, order: Order) -> None:
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may settle."))
    faults = list(_faults(by.shop, order))
    if faults:
        raise RuleBroken(faults[0].detail, code=faults[0].code, faults=faults)


def _faults(shop: Shop, order: Order) -> Iterable[Fault]:
    if order.end < order.start:
        yield Fault("/period_end", "ends_before_it_begins", _("The last day is before the first."))
    if order.end > business_date_of(timezone.now(), shop.turnover_hour):
        yield Fault("/period_end", "in_future", _("This day has not come yet."))
    asked = {*(order.farmers or ()), *(order.recovery or {})}
    if asked - set(shop.farmers.filter(pk__in=asked).values_list("pk", flat=True)):
        yield Fault("/farmers", "unknown_farmer", _("This farmer is not in your shop's list."))
    for farmer, amount in (order.recovery or {}).items():
        if amount < 0:
            yield Fault(f"/recovery/{farmer}", "not_positive", _("Enter 0 or more."))
        elif significant_decimals(amount) > 2:
            yield Fault(f"/recovery/{farmer}", "too_precise", _("An amount has at most two decimals."))
