"""The shop of tests/ledger/machine.py, in which farmers are settled as well: run, agreed to by both sides or not,
called off, taken back, paid, bounced, corrected, in any order.

The model takes rows into sets, as the claims do, and knows the figures of a settlement from integer arithmetic of its
own. What he is owed is what nobody has put into the accounts yet and what was.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from ledger.domain import MovementKind, Recovery
from ledger.models import DailyEntry
from ledger.selectors.invariants import BOOK
from ledger.services.corrections import correct_settled_entry
from malar.trail.services.answers import Answer
from settlements.domain import OPEN, Method
from settlements.models import Settlement, SettlementRun
from settlements.selectors.invariants import SETTLED
from settlements.services import approvals, payments, runs
from tests.ledger.machine import (
    BookMachine,
    Line,
    Model,
    entered,
    half_up,
    moved,
    rupees,
)

STEP = 5_00
"""The shop rounds to ₹ 5."""
PERCENT_OF_NET = 33_33
"""Of the first farmer's net, in hundredths of a percent; of the second all is recovered."""
IN_ACCOUNTS = ("approved", "paid")


@dataclass
class Mirror(Line):
    """Takes back a settled line; its sums are those of the line with the other sign, and nothing is charged."""

    of: UUID | None = None
    minus: tuple[int, int] = (0, 0)

    @property
    def amount(self) -> int:
        return -self.minus[0]

    @property
    def commission(self) -> int:
        return -self.minus[1]

    @property
    def charged(self) -> dict[str, int]:
        return {}


@dataclass
class Replacement(Line):
    """Stands in the place of a settled line; what was charged for that stays."""

    of: UUID | None = None

    @property
    def charged(self) -> dict[str, int]:
        return {}


@dataclass
class Settled:
    """A settlement: the rows it took, its figures in paise, and who agreed to which recovery."""

    farmer: int
    rows: frozenset[UUID]
    figures: dict[str, int]
    status: str = "draft"
    was_disputed: bool = False
    agreed: dict[int, set[str]] = field(default_factory=dict)
    paid: dict[UUID, int] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def outstanding(self) -> int:
        return self.figures["net"] - sum(self.paid.values())


@dataclass
class SettledModel(Model):
    settled: dict[UUID, Settled] = field(default_factory=dict)

    def rows_in(self, *statuses: str) -> set[UUID]:
        return {row for each in self.settled.values() if each.status in statuses for row in each.rows}

    def draws_of(self, farmer: int) -> dict[UUID, tuple[int, dt.date]]:
        """Every draw and what took it back: paise, and from which day on it is taken."""
        draws = {}
        for pk, given in self.moved.items():
            if (given.farmer, given.kind, given.status) == (farmer, MovementKind.DRAW, "posted"):
                draws[pk] = (given.paise, given.day)
                if given.mirror:
                    draws[given.mirror] = (-given.paise, given.day)
        return draws

    def owed(self, farmer: int) -> dict[str, int]:
        gone = self.rows_in(*IN_ACCOUNTS)
        sums = Counter[str]()
        for pk, line in self.lines.items():
            if line.farmer == farmer and not line.voided and pk not in gone:
                sums["gross"] += line.amount
                sums["commission"] += line.commission
                sums["unpriced"] += line.rate is None
                sums["charges"] += sum(line.charged.values())
        for pk, charged in self.charged.items():
            if charged.farmer == farmer and not charged.waived and pk not in gone:
                sums["charges"] += charged.paise
        sums["draws"] = sum(paise for pk, (paise, _) in self.draws_of(farmer).items() if pk not in gone)
        every = super().owed(farmer)
        sums["advance"], sums["hand_loan"] = every["advance"], every["hand_loan"]
        sums["payable"] = self.brought_forward(farmer)
        for each in self.settled.values():
            if each.farmer == farmer and each.status in IN_ACCOUNTS:
                sums["advance"] -= each.figures["recovery"]
                sums["hand_loan"] -= each.figures["hand_loans"]
                sums["payable"] += each.outstanding
        return sums

    def brought_forward(self, farmer: int) -> int:
        """What stands on his payable: brought over, and what the settlements moved it by."""
        return super().owed(farmer)["payable"] + sum(
            each.figures["carried"] - each.figures["brought_forward"]
            for each in self.settled.values()
            if each.farmer == farmer and each.status in IN_ACCOUNTS
        )

    def of_all(self, farmer: int) -> int:
        """What follows from all that ever happened, settled or not: lines less commission, charges and what moved."""
        every = super().owed(farmer)
        total = every["payable"] + every["gross"] - every["commission"] - every["charges"] - every["draws"]
        for each in self.settled.values():
            if each.farmer == farmer and each.status in IN_ACCOUNTS:
                took = each.figures["hand_loans"] + each.figures["recovery"] - each.figures["rounding"]
                total -= took + sum(each.paid.values())
        return total

    def reckoned(self, farmer: int, start: dt.date, end: dt.date, wanted: int | None) -> Settled | None:
        """What a run would make of him; None where there is nothing to settle."""
        taken = self.rows_in(*OPEN, *IN_ACCOUNTS)
        lines = {
            pk: line
            for pk, line in self.lines.items()
            if line.farmer == farmer and not line.voided and line.day <= end and pk not in taken
        }
        charges = {
            pk: each.paise
            for pk, each in self.charged.items()
            if each.farmer == farmer and not each.waived and each.day <= end and pk not in taken
        }
        draws = {
            pk: paise for pk, (paise, day) in self.draws_of(farmer).items() if day <= end and pk not in taken
        }
        brought = self.brought_forward(farmer)
        if not (lines or charges or draws) and brought <= 0:
            return None
        owed = self.owed(farmer)
        gross, commission = sum(x.amount for x in lines.values()), sum(x.commission for x in lines.values())
        charged = sum(charges.values()) + sum(sum(line.charged.values()) for line in lines.values())
        figures = reckon(
            gross - commission - charged - sum(draws.values()) + brought,
            owed["hand_loan"],
            owed["advance"],
            lambda left: (
                wanted
                if wanted is not None
                else (left * PERCENT_OF_NET // 100_00 if farmer == 0 else owed["advance"])
            ),
        )
        figures |= {
            "gross": gross,
            "commission": commission,
            "charges": charged,
            "draws": sum(draws.values()),
            "brought_forward": brought,
            "lines": len(lines),
            "late_lines": sum(line.day < start for line in lines.values()),
        }
        return Settled(farmer, frozenset({*lines, *charges, *draws}), figures)


def reckon(left: int, hand_loan: int, advance: int, wants: Callable[[int], int]) -> dict[str, int]:
    """What is taken of what is left, and what is paid, in paise."""
    carried, left = min(left, 0), max(left, 0)
    loan = min(hand_loan, left)
    left -= loan
    recovery = min(wants(left), advance, left)
    net = half_up(left - recovery, STEP) * STEP
    return {
        "carried": carried,
        "hand_loans": loan,
        "recovery": recovery,
        "net": net,
        "rounding": net - (left - recovery),
        "advance_before": advance,
        "advance_after": advance - recovery,
    }


class SettlementMachine(BookMachine):
    """One run: the shop of the book, in which the owner makes settlements and the clerk approves them."""

    kept: ClassVar[type[Model]] = SettledModel
    asked = (*BOOK, *SETTLED)
    model: SettledModel

    def open_the_shop(self) -> None:
        super().open_the_shop()
        self.owner.shop.net_step = STEP // 100
        self.owner.shop.save()
        policies = ((Recovery.PERCENT, rupees(PERCENT_OF_NET)), (Recovery.ALL, None))
        for farmer, (kind, value) in zip(self.farmers, policies, strict=True):
            farmer.recovery, farmer.recovery_value = kind, value
            farmer.save()

    # --- What the book's own rules must know -------------------------------------------------------

    def is_taken(self, row: UUID) -> bool:
        return row in self.model.rows_in(*OPEN, *IN_ACCOUNTS)

    def is_corrected(self, entry: UUID) -> bool:
        lines = self.model.lines.values()
        return any(isinstance(line, Mirror) and line.of == entry and not line.voided for line in lines)

    def why_not_void(self, entry: UUID, line: Line) -> str:
        if self.is_taken(entry):
            return "settled"
        if self.is_corrected(entry):
            return "corrected"
        if isinstance(line, Mirror):
            lines = self.model.lines.values()
            beside = (each for each in lines if isinstance(each, Replacement) and each.of == line.of)
            return "has_replacement" if any(not each.voided for each in beside) else ""
        return ""

    def fixed(self, entry: UUID, line: Line) -> str:
        if self.is_taken(entry):
            return "settled"
        if self.is_corrected(entry):
            return "corrected"
        return "mirror" if isinstance(line, Mirror) else ""

    def promised(self, farmer: int, account: str) -> int:
        of = {"advance": "recovery", "hand_loan": "hand_loans", "draws": "draws"}[account]
        held = (each for each in self.model.settled.values() if each.farmer == farmer and each.is_open)
        return sum(each.figures[of] for each in held)

    # --- Running -------------------------------------------------------------------------------------

    @rule(
        until=st.integers(0, 3),
        since=st.integers(0, 3),
        recover=st.sampled_from([None, None, 0, 3_00, 9_999_00]),
    )
    def settle(self, until: int, since: int, recover: int | None) -> None:
        """Foreseen, made, and made again, which changes nothing."""
        days = [*self.days, self.today]
        start, end = days[min(since, until)], days[until]
        agreed = None if recover is None else {self.farmers[0].pk: rupees(recover)}
        order = runs.Order(start=start, end=end, recovery=agreed)
        expected: dict[int, Settled] = {}
        left_out = {}
        for n in range(len(self.farmers)):
            opened = [each for each in self.model.settled.values() if each.farmer == n and each.is_open]
            waiting = [
                line
                for line in self.model.lines.values()
                if (line.farmer, line.voided, line.rate) == (n, False, None) and line.day <= end
            ]
            if opened:
                left_out[n] = "disputed" if opened[0].status == "disputed" else "open"
            elif waiting:
                left_out[n] = "unpriced"
            elif his := self.model.reckoned(n, start, end, recover if n == 0 else None):
                expected[n] = his
            else:
                left_out[n] = "nothing"
        numbers = {farmer.pk: n for n, farmer in enumerate(self.farmers)}
        before = Settlement.objects.count()
        foreseen = runs.preview(by=self.owner, order=order)
        assert Settlement.objects.count() == before, "nothing of a preview is kept"

        made = self.run_of(order)
        found = {numbers[each.farmer_id]: each for each in made.settlements.all()}
        assert {numbers[UUID(each["farmer"])]: each["reason"] for each in made.left_out} == left_out
        assert {n: figures_of(each) for n, each in found.items()} == {
            n: each.figures for n, each in expected.items()
        }
        assert {numbers[each.farmer.pk]: figures_of(each) for each in foreseen.settlements} == {
            n: each.figures for n, each in expected.items()
        }, "a preview is what the run makes"
        assert {numbers[each.farmer.pk]: each.digest for each in foreseen.settlements} == {
            n: each.digest for n, each in found.items()
        }
        for n, each in found.items():
            self.model.settled[each.pk] = expected[n]
            self.reached["draft"] += 1
            self.reached["late"] += bool(each.late_lines)
            self.reached["carried"] += each.carried < 0
            self.reached["brought forward"] += each.brought_forward < 0
            self.reached["recovered"] += each.recovery > 0
            self.reached["hand loan taken"] += each.hand_loans > 0
        self.reached.update(f"left out: {reason}" for reason in left_out.values())
        runs.make_run(made.pk)
        assert self.run_of(order).settled == 0, "running twice changes nothing"
        assert Settlement.objects.count() == before + len(found)

    def run_of(self, order: runs.Order) -> SettlementRun:
        made = runs.begin_run(by=self.owner, key=uuid4(), order=order).made
        runs.make_run(made)
        return SettlementRun.objects.get(pk=made)

    # --- Agreeing ------------------------------------------------------------------------------------

    def choose(self, n: int, *statuses: str) -> tuple[UUID, Settled]:
        """A settlement, mostly one of these statuses."""
        fit = {pk: each for pk, each in self.model.settled.items() if each.status in statuses}
        pk = self.pick(fit if fit and n % 7 else self.model.settled, n)
        return pk, self.model.settled[pk]

    def to(self, settled: Settled, status: str) -> None:
        settled.status = status
        self.reached[status] += 1

    @precondition(lambda self: self.model.settled)
    @rule(n=st.integers(0, 99))
    def submit(self, n: int) -> None:
        pk, settled = self.choose(n, "draft", "disputed")

        def act() -> Answer:
            return approvals.submit(by=self.owner, settlement_id=pk)

        if settled.status not in ("draft", "disputed"):
            return self.refused("not_draft", act)
        if settled.was_disputed and "farmer" in settled.agreed.get(settled.figures["recovery"], ()):
            return self.refused("disputed_as_it_is", act)
        act()
        return self.to(settled, "pending")

    @precondition(lambda self: self.model.settled)
    @rule(n=st.integers(0, 99), paise=st.one_of(st.integers(0, 500_00), st.just(9_999_00)))
    def change_recovery(self, n: int, paise: int) -> None:
        pk, settled = self.choose(n, "draft", "pending", "disputed")
        version = Settlement.objects.get(pk=pk).version

        def act(version: int = version) -> Answer:
            return approvals.change_recovery(
                by=self.owner, settlement_id=pk, recovery=rupees(paise), version=version
            )

        if not settled.is_open:
            return self.refused("not_open", act)
        self.refused("stale", lambda: act(version + 1))
        figures = settled.figures
        left = figures["net"] - figures["rounding"] + figures["recovery"]
        if paise > min(left, figures["advance_before"]):
            return self.refused("more_than_possible", act)
        act()
        figures |= {
            name: value
            for name, value in reckon(left, 0, figures["advance_before"], lambda _: paise).items()
            if name in ("recovery", "net", "rounding", "advance_after")
        }
        self.reached["recovery changed"] += 1
        return self.to(settled, "draft")

    @precondition(lambda self: self.model.settled)
    @rule(
        n=st.integers(0, 99),
        side=st.sampled_from(["shop", "farmer"]),
        stale=st.sampled_from([False] * 5 + [True]),
    )
    def approve(self, n: int, side: str, stale: bool) -> None:
        pk, settled = self.choose(n, "pending")
        content = "0" * 64 if stale else Settlement.objects.get(pk=pk).content_hash

        def act() -> Answer:
            return approvals.approve(
                by=self.clerk if side == "shop" else self.owner,
                settlement_id=pk,
                content_hash=content,
                for_farmer=side == "farmer",
                method=Method.PAGE if side == "shop" else Method.PAPER,
            )

        agreed = settled.agreed.setdefault(settled.figures["recovery"], set())
        if settled.status != "pending":
            return self.refused("not_pending", act)
        if stale:
            return self.refused("stale", act)
        if side in agreed:
            return self.refused("approved_already", act)
        if agreed and self.has_moved(settled):
            return self.refused("moved_since", act)
        act()
        agreed.add(side)
        self.reached[f"approved by the {side}"] += 1
        if len(agreed) == 2:
            self.to(settled, "approved")
            assert Settlement.objects.get(pk=pk).running == sum(
                each.status in (*IN_ACCOUNTS, "reversed") for each in self.model.settled.values()
            )
            if settled.figures["net"] == 0:
                self.to(settled, "paid")
        return None

    def has_moved(self, settled: Settled) -> bool:
        owed, figures = self.model.owed(settled.farmer), settled.figures
        return (
            self.model.brought_forward(settled.farmer) != figures["brought_forward"]
            or owed["advance"] < figures["recovery"]
            or owed["hand_loan"] < figures["hand_loans"]
            or 0 < figures["draws"] > owed["draws"]
        )

    @precondition(lambda self: self.model.settled)
    @rule(n=st.integers(0, 99))
    def dispute(self, n: int) -> None:
        pk, settled = self.choose(n, "pending")

        def act() -> Answer:
            return approvals.dispute(by=self.clerk, settlement_id=pk, reason="one sack is missing")

        if settled.status != "pending":
            return self.refused("not_pending", act)
        act()
        settled.was_disputed = True
        return self.to(settled, "disputed")

    @precondition(lambda self: self.model.settled)
    @rule(n=st.integers(0, 99))
    def cancel(self, n: int) -> None:
        pk, settled = self.choose(n, *OPEN)

        def act() -> Answer:
            return approvals.cancel(by=self.owner, settlement_id=pk)

        if not settled.is_open:
            return self.refused("not_open", act)
        act()
        return self.to(settled, "cancelled")

    @precondition(lambda self: self.model.settled)
    @rule(n=st.integers(0, 99))
    def reverse(self, n: int) -> None:
        pk, settled = self.choose(n, *IN_ACCOUNTS)

        def act() -> Answer:
            return approvals.reverse(by=self.owner, settlement_id=pk, reason="weighed again")

        if settled.status not in IN_ACCOUNTS:
            return self.refused("not_approved", act)
        if sum(settled.paid.values()):
            return self.refused("paid", act)
        act()
        return self.to(settled, "reversed")

    # --- Paying --------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.settled)
    @rule(n=st.integers(0, 99), part=st.sampled_from([1, 2, 3, 0]))
    def pay(self, n: int, part: int) -> None:
        """A part of what is outstanding; of nothing more than that."""
        pk, settled = self.choose(n, "approved")
        paise = settled.outstanding // part if part else settled.outstanding + 1
        key = uuid4()

        def act() -> Answer:
            return payments.record_payment(
                by=self.clerk, key=key, settlement_id=pk, amount=rupees(max(paise, 1)), mode="cash"
            )

        if settled.status != "approved":
            return self.refused("not_approved", act)
        if not part:
            return self.refused("more_than_outstanding", act)
        settled.paid[self.once(act, "paid a part" if part > 1 else "paid all").made] = max(paise, 1)
        if settled.outstanding == 0:
            self.to(settled, "paid")
        return None

    @precondition(lambda self: any(each.paid for each in self.model.settled.values()))
    @rule(n=st.integers(0, 99))
    def bounce(self, n: int) -> None:
        paid = {pk: each for each in self.model.settled.values() for pk in each.paid}
        pk, key = self.pick(paid, n), uuid4()

        def act() -> Answer:
            return payments.bounce_payment(by=self.owner, key=key, payment_id=pk, reason="wrong account")

        if not paid[pk].paid[pk]:
            return self.refused("reversed", act)
        self.once(act, "bounced")
        paid[pk].paid[pk] = 0
        if paid[pk].status == "paid":
            self.to(paid[pk], "approved")
        return None

    # --- What is settled stays -----------------------------------------------------------------------

    @precondition(lambda self: any(self.is_taken(pk) for pk in self.model.lines))
    @rule(n=st.integers(0, 99), grams=st.integers(1, 30_000))
    def edit_what_is_settled(self, n: int, grams: int) -> None:
        pk = self.pick({pk: line for pk, line in self.model.lines.items() if self.is_taken(pk)}, n)
        line = self.model.lines[pk]
        assert not self.change(line, pk, line.version, {"gross_quantity": Decimal(grams) / 1000})

    @precondition(lambda self: any(self.is_taken(pk) for pk in self.model.lines))
    @rule(n=st.integers(0, 99), grams=st.one_of(st.none(), st.integers(1, 30_000)))
    def correct_what_is_settled(self, n: int, grams: int | None) -> None:
        taken = {pk: line for pk, line in self.model.lines.items() if self.is_taken(pk)}
        pk = self.pick(taken if n % 7 else self.model.lines, n)
        line, key = self.model.lines[pk], uuid4()

        def act() -> Answer:
            return correct_settled_entry(
                by=self.owner,
                entry_id=pk,
                changes=None if grams is None else {"gross_quantity": Decimal(grams) / 1000, "sacks": 1},
                reason="weighed again",
                key=key,
            )

        if isinstance(line, Mirror):
            return self.refused("mirror", act)
        if not self.is_taken(pk):
            return self.refused("not_settled", act)
        if self.is_corrected(pk):
            return self.refused("corrected", act)
        self.once(act, "corrected" if grams else "taken out")
        said = (line.farmer, line.flower, self.today, line.minute)
        mirror = DailyEntry.objects.filter(corrects=pk, kind="reversal").standing().get()
        minus = (line.amount, line.commission)
        self.model.lines[mirror.pk] = Mirror(*said, 0, 0, line.rate, line.source, of=pk, minus=minus)
        if grams is not None:
            made = DailyEntry.objects.filter(corrects=pk, kind="replacement").standing().get()
            self.model.lines[made.pk] = Replacement(*said, grams, 1, line.rate, line.source, of=pk)
        return None

    # --- What must be so -----------------------------------------------------------------------------

    def every_statement_ends_with_its_balance(self) -> None:
        super().every_statement_ends_with_its_balance()
        for n in range(len(self.farmers)):
            assert self.model.net(n) == self.model.of_all(n), (
                "settled, carried and not settled are all there was"
            )


def figures_of(settlement: Settlement) -> dict[str, int]:
    """In paise; what is counted as it is."""
    names = (
        *("gross", "commission", "charges", "draws", "hand_loans", "recovery", "brought_forward", "rounding"),
        *("net", "carried", "advance_before", "advance_after"),
    )
    figures = {name: int(getattr(settlement, name) * 100) for name in names}
    return figures | {"lines": settlement.lines, "late_lines": settlement.late_lines}


Act = Callable[[Any], None]


def agreed_by_both(n: int = 1) -> list[Act]:
    return [
        lambda it: it.submit(n=n),
        lambda it: it.approve(n=n, side="farmer", stale=False),
        lambda it: it.approve(n=n, side="shop", stale=False),
    ]


def settled(until: int = 3, recover: int | None = None, since: int = 3) -> Act:
    return lambda it: it.settle(until=until, since=since, recover=recover)


WEEK: list[Act] = [
    entered(0, "jasmine", 0, 25_900, 1450_55),
    entered(1, "rose", 1, 3_333, 97_50),
    lambda it: it.charge(farmer=0, day=0, trips=2),
    moved(MovementKind.ADVANCE, 40),
    moved(MovementKind.HAND_LOAN, 9),
    moved(MovementKind.DRAW, 12),
]

SettlementMachine.stories = {
    "paid": [
        *WEEK,
        settled(),
        lambda it: it.edit_what_is_settled(n=0, grams=5_000),
        lambda it: it.void(n=1),
        lambda it: it.waive(n=1),
        lambda it: it.change_recovery(n=1, paise=100_00),
        *agreed_by_both(),
        lambda it: it.pay(n=1, part=0),
        lambda it: it.pay(n=1, part=3),
        lambda it: it.pay(n=1, part=1),
        lambda it: it.reverse(n=1),
        lambda it: it.bounce(n=1),
        lambda it: it.pay(n=1, part=1),
        lambda it: it.correct_what_is_settled(n=1, grams=20_000),
        entered(0, "jasmine", 2, 1_000, 100_00),
        settled(),
        *agreed_by_both(),
        lambda it: it.dispute(n=1),
    ],
    "called off": [
        *WEEK,
        settled(until=1),
        lambda it: it.submit(n=1),
        lambda it: it.reverse(n=1),
        lambda it: it.approve(n=1, side="shop", stale=False),
        lambda it: it.approve(n=1, side="shop", stale=False),
        lambda it: it.approve(n=1, side="shop", stale=True),
        lambda it: it.change_recovery(n=1, paise=50_00),
        lambda it: it.change_recovery(n=1, paise=9_999_00),
        lambda it: it.submit(n=1),
        lambda it: it.approve(n=1, side="farmer", stale=False),
        lambda it: it.dispute(n=1),
        settled(),
        lambda it: it.submit(n=1),
        lambda it: it.cancel(n=1),
        lambda it: it.correct_the_weight(n=1, grams=9_000, sacks=1, back=0),
        settled(recover=3_00),
        moved(MovementKind.ADVANCE_REPAYMENT, 40),
        lambda it: it.cancel(n=1),
        lambda it: it.cancel(n=7),
    ],
    "taken back": [
        entered(0, "jasmine", 0, 5_900, None),
        settled(),
        lambda it: it.price(n=0, rate=97_50, again=False),
        moved(MovementKind.DRAW, 2),
        moved(MovementKind.OPENING_BALANCE, 5),
        lambda it: it.take_back(n=0),
        settled(until=0),
        *agreed_by_both(),
        lambda it: it.correct_what_is_settled(n=1, grams=3_000),
        lambda it: it.reverse(n=1),
        lambda it: it.price(n=0, rate=1450_00, again=True),
        lambda it: it.correct_the_weight(n=0, grams=9_000, sacks=1, back=0),
        settled(),
        *agreed_by_both(),
    ],
    "carried": [
        entered(0, "jasmine", 0, 1_000, 100_00),
        moved(MovementKind.DRAW, 30),
        settled(),
        *agreed_by_both(),
        entered(0, "jasmine", 0, 30_000, 333_33),
        moved(MovementKind.ADVANCE, 90),
        settled(since=2, recover=9_999_00),
        moved(MovementKind.OPENING_BALANCE, 4),
        *agreed_by_both(),
        lambda it: it.cancel(n=1),
        settled(),
        *agreed_by_both(),
    ],
}
