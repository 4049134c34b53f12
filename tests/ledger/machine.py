"""A shop played by hypothesis: whatever is done through the services, in any order, the invariants of the house
hold after each step, and what every farmer is owed is what a small model in whole paise says.

The model knows nothing of the services: its rounding is integer arithmetic, its balances are sums over
everything that was ever done.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar
from typing import cast as cast_as
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from hypothesis import settings as Settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ledger.domain import Mode, MovementKind
from ledger.models import Buyer, BuyerReceipt, BuyerSale, Charge, DailyEntry, Expense, Movement, Transfer
from ledger.selectors import accounts
from ledger.selectors.buyers import owed_by
from ledger.selectors.invariants import BOOK, Invariant
from ledger.services import (
    buyers,
    charges,
    days,
    entries,
    farmer_csv,
    farmer_import,
    movements,
    repricing,
    rollups,
)
from ledger.services.openings import Totals
from malar.accounts.domain import Role
from malar.accounts.models import Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import RuleBroken
from malar.kernel.wire import money
from malar.ops import books
from malar.ops.invariants import invariants
from malar.trail.services.answers import Answer
from pricing.domain import FeeBasis
from pricing.models import FeeRule
from tests import cast

LENT = {
    MovementKind.ADVANCE: "advance",
    MovementKind.OPENING_ADVANCE: "advance",
    MovementKind.HAND_LOAN: "hand_loan",
    MovementKind.DRAW: "draws",
}
PAID_BACK = {MovementKind.ADVANCE_REPAYMENT: "advance", MovementKind.HAND_LOAN_REPAYMENT: "hand_loan"}
OPENINGS = {MovementKind.OPENING_BALANCE, MovementKind.OPENING_ADVANCE}
LIMITS = {MovementKind.ADVANCE: 5_000_00, MovementKind.HAND_LOAN: 3_000_00, MovementKind.DRAW: 4_000_00}
PERCENT = (10_00, 7_25)
"""Of the two farmers, in hundredths of a percent: the shop's, and one of his own."""
BOARD = ((0, 30, 950_00), (0, 45, 1000_50), (1, 30, 333_33))
"""(day, minute after four, paise): when which rate of roses was called. The third day has none."""


COOLIE, CESS, TOLL = 5_00, 1_25, 12_50
"""₹ 5.00 a sack and 1.25 percent by themselves, ₹ 12.50 a trip by hand."""


def half_up(numerator: int, denominator: int) -> int:
    """A quotient in whole paise, halves up; of what is not negative."""
    return (2 * numerator + denominator) // (2 * denominator)


def rupees(paise: int) -> Decimal:
    return Decimal(paise) / 100


@dataclass
class Line:
    farmer: int
    flower: str
    day: dt.date
    minute: int
    grams: int
    sacks: int
    rate: int | None
    source: str
    version: int = 1
    voided: bool = False
    waived: set[str] = field(default_factory=set)

    @property
    def amount(self) -> int:
        return 0 if self.rate is None else half_up(self.grams * self.rate, 1000)

    @property
    def commission(self) -> int:
        return half_up(self.amount * PERCENT[self.farmer], 100_00)

    @property
    def charged(self) -> dict[str, int]:
        """What is charged with it by itself, in paise by fee: nothing where there is nothing to charge."""
        fees = {"coolie": self.sacks * COOLIE, "cess": half_up(self.amount * CESS, 100_00)}
        return {
            fee: paise
            for fee, paise in fees.items()
            if not self.voided and fee not in self.waived and (self.sacks if fee == "coolie" else self.amount)
        }


@dataclass
class Charged:
    """Charged by hand."""

    farmer: int
    day: dt.date
    paise: int
    waived: bool = False


@dataclass
class Moved:
    farmer: int
    kind: MovementKind
    paise: int
    day: dt.date
    status: str
    reversed: bool = False
    mirror: UUID | None = None
    """What took it back."""

    @property
    def counts(self) -> bool:
        return self.status == "posted" and not self.reversed


@dataclass
class Traded:
    """A sale to the buyer, above zero, or what he paid, below."""

    paise: int
    day: dt.date
    taken_back: bool = False


@dataclass
class Closed:
    """A close that stands, in ₹. `is_first`: its opening cash was brought into the book with it."""

    close: UUID
    opening: Decimal
    counted: Decimal
    is_first: bool
    written: tuple[Any, ...]


@dataclass
class Model:
    """All that was done, and what follows from it, in paise."""

    lines: dict[UUID, Line] = field(default_factory=dict)
    charged: dict[UUID, Charged] = field(default_factory=dict)
    moved: dict[UUID, Moved] = field(default_factory=dict)
    sold: dict[UUID, Traded] = field(default_factory=dict)
    paid: dict[UUID, Traded] = field(default_factory=dict)
    spent: dict[UUID, bool] = field(default_factory=dict)
    """Expenses, and whether they were taken back."""
    closed: dict[dt.date, Closed] = field(default_factory=dict)

    def owed(self, farmer: int) -> dict[str, int]:
        sums = Counter[str]()
        for line in self.lines.values():
            if line.farmer == farmer and not line.voided:
                sums["gross"] += line.amount
                sums["commission"] += line.commission
                sums["unpriced"] += line.rate is None
                sums["charges"] += sum(line.charged.values())
        for charged in self.charged.values():
            if charged.farmer == farmer and not charged.waived:
                sums["charges"] += charged.paise
        for moved in self.moved.values():
            if moved.farmer == farmer and moved.counts:
                if moved.kind in LENT:
                    sums[LENT[moved.kind]] += moved.paise
                elif moved.kind in PAID_BACK:
                    sums[PAID_BACK[moved.kind]] -= moved.paise
                else:
                    sums["payable"] += moved.paise
        return sums

    @property
    def owed_by_buyer(self) -> int:
        traded = [*self.sold.values(), *self.paid.values()]
        return sum(each.paise for each in traded if not each.taken_back)

    def net(self, farmer: int) -> int:
        sums = self.owed(farmer)
        return sums["payable"] + sums["gross"] - sums["commission"] - sums["charges"] - sums["draws"]


def a_fee(shop: Shop, code: str, basis: FeeBasis, hundredths: int, *, automatic: bool) -> FeeRule:
    fee = FeeRule(shop=shop, code=code, basis=basis, rate=rupees(hundredths), automatic=automatic)
    fee.name_ta, fee.name_en = code, code
    fee.save()
    return fee


class BookMachine(RuleBasedStateMachine):
    """One run: a shop with an owner, a clerk, two farmers, two flowers, and three days before today."""

    reached: ClassVar[Counter[str]] = Counter()
    """How often something happened at all, over all runs: a machine that does nothing proves nothing."""
    story: ClassVar[str] = ""
    in_house: ClassVar[bool] = True
    """Whether the invariants of the house are asked, beside the model."""
    stories: ClassVar[dict[str, list[Callable[[Any], None]]]] = {}
    kept: ClassVar[type[Model]] = Model
    asked: ClassVar[tuple[Invariant, ...]] = BOOK
    """What is asked after each step; all the rest after each fifth."""

    def __init__(self) -> None:
        super().__init__()
        self.run = cast_as(Any, transaction.atomic())  # the next attribute is none of Django's public ones
        self.run._from_testcase = True  # so that use cases may open their durable transaction inside
        self.run.__enter__()
        self.model = self.kept()
        self.answered: list[tuple[Callable[[], Answer], Answer]] = []
        self.steps = 0
        self.open_the_shop()

    def teardown(self) -> None:
        try:
            if self.in_house and connection.is_usable() and not connection.needs_rollback:
                self.ask(invariants())
        finally:
            transaction.set_rollback(True)
            self.run.__exit__(None, None, None)

    def open_the_shop(self) -> None:
        shop = Shop.objects.create(
            name_ta="மலர்",
            name_en="Malar",
            advance_limit=rupees(LIMITS[MovementKind.ADVANCE]),
            hand_loan_limit=rupees(LIMITS[MovementKind.HAND_LOAN]),
            draw_limit=rupees(LIMITS[MovementKind.DRAW]),
        )
        self.owner = cast.a_member(shop, "Meena", Role.ADMIN)
        self.clerk = cast.a_member(shop, "Kumar", Role.STAFF)
        with connection.cursor() as cursor:
            # Planning costs more than asking does, here where every table is small.
            cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        self.today = business_date_of(timezone.now(), 0)
        self.days = [self.today - dt.timedelta(ago) for ago in (3, 2, 1)]
        self.flowers = {
            "jasmine": cast.a_flower(shop, "MAL", "மல்லிகை", "Jasmine"),
            "rose": cast.a_flower(shop, "ROJ", "ரோஜா", "Rose"),
        }
        self.farmers = [
            cast.a_farmer(shop, 1, "ராஜா", "Raja"),
            cast.a_farmer(shop, 2, "லட்சுமி", "Lakshmi", commission_pct=Decimal("7.25")),
        ]
        self.buyer = Buyer.objects.create(shop=shop, number=1, name_ta="ச. லட்சுமி", name_en="S. Lakshmi")
        self.fees = {
            "coolie": a_fee(shop, "coolie", FeeBasis.PER_SACK, COOLIE, automatic=True),
            "cess": a_fee(shop, "cess", FeeBasis.PERCENT, CESS, automatic=True),
            "toll": a_fee(shop, "toll", FeeBasis.PER_TRIP, TOLL, automatic=False),
        }
        for day, minute, paise in BOARD:
            moment = self.moment(self.days[day], minute)
            cast.called(self.flowers["rose"], str(rupees(paise)), moment, self.owner)

    @initialize()
    def begin_with_the_story(self) -> None:
        """What chance would seldom come to is done first, step by step like all else."""
        for step in self.stories.get(self.story, ()):
            step(self)
            self.every_balance_is_the_model_s()
            self.nothing_is_written_into_a_closed_day()
            if self.in_house:
                self.ask(self.asked)

    # --- What is done ---------------------------------------------------------------------------

    def moment(self, day: dt.date, minute: int) -> dt.datetime:
        return cast.at(day.isoformat(), f"04:{minute:02}")

    def once(self, act: Callable[[], Answer], what: str) -> Answer:
        """Do it, remember it, and note that it was done."""
        answer = act()
        assert not answer.replayed
        self.answered.append((act, answer))
        self.reached[what] += 1
        return answer

    def refused(self, code: str, act: Callable[[], Any]) -> None:
        """It must be refused with this code, and nothing of it kept."""
        with pytest.raises(RuleBroken) as refused:
            act()
        assert refused.value.code == code
        self.reached[f"refused: {code}"] += 1

    def is_today(self, day: dt.date) -> bool:
        return day == self.today

    def on_board(self, flower: str, day: dt.date, minute: int) -> int | None:
        called = [rate for n, at, rate in BOARD if flower == "rose" and self.days[n] == day and at <= minute]
        return called[-1] if called else None

    def fixed(self, entry: UUID, line: Line) -> str:
        """The code with which a change of a line that is not cancelled is refused, if it is."""
        return ""

    def why_not_void(self, entry: UUID, line: Line) -> str:
        return self.fixed(entry, line)

    def is_taken(self, row: UUID) -> bool:
        """Whether a settlement has a line, a charge by hand or a draw."""
        return False

    def promised(self, farmer: int, account: str) -> int:
        """What his open settlement will take of what he owes, in paise."""
        return 0

    def pick(self, rows: dict[UUID, Any], n: int) -> UUID:
        return list(rows)[n % len(rows)]

    def pick_line(self, n: int) -> tuple[UUID, Line]:
        """A line, mostly one that stands."""
        standing = {pk: line for pk, line in self.model.lines.items() if not line.voided}
        entry = self.pick(standing if standing and n % 7 else self.model.lines, n)
        return entry, self.model.lines[entry]

    @rule(
        farmer=st.integers(0, 1),
        flower=st.sampled_from(["jasmine", "rose"]),
        day=st.integers(0, 2),
        minute=st.integers(20, 59),
        grams=st.integers(1, 30_000),
        sacks=st.integers(0, 3),
        rate=st.one_of(st.none(), st.none(), st.integers(0, 2_000_00)),
    )
    def enter(
        self, farmer: int, flower: str, day: int, minute: int, grams: int, sacks: int, rate: int | None
    ) -> None:
        key, on = uuid4(), self.days[day]

        def act() -> Answer:
            return entries.record_entry(
                by=self.clerk,
                key=key,
                farmer_id=self.farmers[farmer].pk,
                flower_id=self.flowers[flower].pk,
                captured_at=self.moment(on, minute),
                gross_quantity=Decimal(grams) / 1000,
                sacks=sacks,
                rate=None if rate is None else rupees(rate),
            )

        if on in self.model.closed:
            return self.refused("day_locked", act)
        board = self.on_board(flower, on, minute)
        priced = board if rate is None else rate
        source = "typed" if rate is not None else "called" if board is not None else ""
        answer = self.once(act, f"entered {source or 'without a rate'}")
        self.model.lines[answer.made] = Line(farmer, flower, on, minute, grams, sacks, priced, source)
        return None

    def change(self, line: Line, entry: UUID, version: int, changes: entries.Changes) -> bool:
        """Whether the line stood to be changed, was changed, and has its next version."""

        def act() -> None:
            entries.edit_entry(
                by=self.owner, entry_id=entry, version=version, changes=changes, reason="weight misread"
            )

        if version != line.version:
            self.refused("stale", act)
        elif line.voided:
            self.refused("voided", act)
        elif code := self.fixed(entry, line):
            self.refused(code, act)
        elif line.day in self.model.closed:
            self.refused("day_locked", act)
        else:
            act()
            line.version += 1
            self.reached["edited"] += 1
            return True
        return False

    @precondition(lambda self: self.model.lines)
    @rule(
        n=st.integers(0, 99),
        grams=st.integers(1, 30_000),
        sacks=st.integers(0, 3),
        back=st.sampled_from([0, 0, 0, 1]),
    )
    def correct_the_weight(self, n: int, grams: int, sacks: int, back: int) -> None:
        entry, line = self.pick_line(n)
        changes: entries.Changes = {"gross_quantity": Decimal(grams) / 1000, "sacks": sacks}
        if self.change(line, entry, line.version - back, changes):
            line.grams, line.sacks = grams, sacks

    @precondition(lambda self: self.model.lines)
    @rule()
    def sum_up(self) -> None:
        """From here on the days hold for the invariant of their sums, until something is written into them."""
        self.reached["summed up"] += bool(rollups.sum_up_days())

    @precondition(lambda self: self.model.lines)
    @rule(n=st.integers(0, 99), rate=st.one_of(st.none(), st.integers(0, 2_000_00)))
    def correct_the_rate(self, n: int, rate: int | None) -> None:
        entry, line = self.pick_line(n)
        said = None if rate is None else rupees(rate)
        if self.change(line, entry, line.version, {"rate": said, "rate_reason": ""}):
            board = self.on_board(line.flower, line.day, line.minute)
            line.rate = board if rate is None else rate
            line.source = "typed" if rate is not None else "called" if board is not None else ""
            self.reached["re-rated"] += 1

    @precondition(lambda self: self.model.lines)
    @rule(n=st.integers(0, 99))
    def correct_the_farmer(self, n: int) -> None:
        entry, line = self.pick_line(n)
        if self.change(line, entry, line.version, {"farmer_id": self.farmers[1 - line.farmer].pk}):
            line.farmer = 1 - line.farmer
            self.reached["another farmer"] += 1

    @precondition(lambda self: self.model.lines)
    @rule(n=st.integers(0, 99))
    def void(self, n: int) -> None:
        entry, line = self.pick_line(n)

        def act() -> Answer:
            return entries.void_once(
                by=self.owner, entry_id=entry, reason="written twice", key=uuid4(), version=line.version
            )

        if line.voided:
            return self.refused("voided", act)
        if code := self.why_not_void(entry, line):
            return self.refused(code, act)
        if line.day in self.model.closed:
            return self.refused("day_locked", act)
        act()
        line.voided, line.version = True, line.version + 1
        self.reached["voided"] += 1
        return None

    @precondition(lambda self: any(line.source in {"", "day"} for line in self.model.lines.values()))
    @rule(n=st.integers(0, 99), rate=st.integers(0, 2_000_00), again=st.booleans())
    def price(self, n: int, rate: int, again: bool) -> None:
        unfixed = {pk: line for pk, line in self.model.lines.items() if line.source in {"", "day"}}
        priced = {pk: line for pk, line in unfixed.items() if line.source == "day" and not line.voided}
        some = unfixed[self.pick(priced if again and priced else unfixed, n)]
        flower, on, key = some.flower, some.day, uuid4()

        def act() -> Answer:
            return repricing.price_entries(
                by=self.owner,
                key=key,
                day=on,
                flower_id=self.flowers[flower].pk,
                from_time=dt.time(),
                to_time=dt.time(),
                rate=rupees(rate),
                reason="market",
                again=again,
            )

        wait = [
            line
            for pk, line in self.model.lines.items()
            if (line.flower, line.day, line.voided) == (flower, on, False)
            and (line.rate is None or (again and line.source == "day"))
            and not self.fixed(pk, line)
        ]
        if on in self.model.closed:
            return self.refused("day_locked", act)
        if not wait:
            return self.refused("nothing_to_price", act)
        self.once(act, "priced again" if any(line.rate is not None for line in wait) else "priced later")
        for line in wait:
            line.rate, line.source, line.version = rate, "day", line.version + 1
        return None

    @rule(farmer=st.integers(0, 1), day=st.integers(0, 2), trips=st.integers(1, 3))
    def charge(self, farmer: int, day: int, trips: int) -> None:
        key, on = uuid4(), self.days[day]

        def act() -> Answer:
            return charges.record_charge(
                by=self.clerk,
                key=key,
                farmer_id=self.farmers[farmer].pk,
                fee_id=self.fees["toll"].pk,
                business_date=on,
                quantity=Decimal(trips),
            )

        if on in self.model.closed:
            return self.refused("day_locked", act)
        answer = self.once(act, "charged by hand")
        self.model.charged[answer.made] = Charged(farmer, on, trips * TOLL)
        return None

    @precondition(lambda self: self.model.charged)
    @rule(n=st.integers(0, 99))
    def waive(self, n: int) -> None:
        pk = self.pick(self.model.charged, n)
        charged = self.model.charged[pk]
        if self.let_off(pk, charged.day, stands=not charged.waived, taken=self.is_taken(pk)):
            charged.waived = True

    @precondition(lambda self: any(line.charged for line in self.model.lines.values()))
    @rule(n=st.integers(0, 99))
    def waive_with_a_line(self, n: int) -> None:
        charged = {pk: line for pk, line in self.model.lines.items() if line.charged}
        entry = self.pick(charged, n)
        fee = list(charged[entry].charged)[n % len(charged[entry].charged)]
        (charge,) = Charge.objects.filter(entry=entry, fee__code=fee, status="standing")
        if self.let_off(charge.pk, charged[entry].day, stands=True, taken=self.is_taken(entry)):
            charged[entry].waived.add(fee)
            self.reached["waived with a line"] += 1

    def let_off(self, charge: UUID, day: dt.date, *, stands: bool, taken: bool) -> bool:
        key = uuid4()

        def act() -> Answer:
            return charges.waive_charge(by=self.clerk, key=key, charge_id=charge, reason="a friend")

        if not stands:
            self.refused("not_charged", act)
        elif taken:
            self.refused("settled", act)
        elif day in self.model.closed:
            self.refused("day_locked", act)
        else:
            self.once(act, "waived")
            return True
        return False

    @rule(
        farmer=st.integers(0, 1),
        kind=st.sampled_from(MovementKind),
        hundreds=st.integers(1, 40),
        day=st.integers(0, 2),
        mode=st.sampled_from([Mode.CASH, Mode.UPI]),
        by_owner=st.booleans(),
    )
    def move(
        self, farmer: int, kind: MovementKind, hundreds: int, day: int, mode: Mode, by_owner: bool
    ) -> None:
        key, on, paise = uuid4(), self.days[day], hundreds * 100_00
        if kind in OPENINGS:
            mode, by_owner = Mode.NONE, True
            if kind == MovementKind.OPENING_BALANCE and hundreds % 2:
                paise = -paise
        owed = self.model.owed(farmer)
        left = owed[PAID_BACK[kind]] - self.promised(farmer, PAID_BACK[kind]) if kind in PAID_BACK else 0
        if kind in PAID_BACK and hundreds % 4:  # else he would nearly always pay back too much
            paise = min(paise, left) or paise

        def act() -> Answer:
            return movements.record_movement(
                by=self.owner if by_owner else self.clerk,
                key=key,
                farmer_id=self.farmers[farmer].pk,
                kind=kind,
                amount=rupees(paise),
                business_date=on,
                mode=mode,
            )

        if kind in PAID_BACK and paise > left:
            return self.refused("more_than_outstanding", act)
        if on in self.model.closed:
            return self.refused("day_locked", act)
        waits = not by_owner and kind in LIMITS and owed[LENT[kind]] + paise > LIMITS[kind]
        answer = self.once(act, f"{kind} {'waits' if waits else 'posted'}")
        status = "waiting" if waits else "posted"
        self.model.moved[answer.made] = Moved(farmer, kind, paise, on, status)
        return None

    @rule(
        farmer=st.integers(0, 1),
        kind=st.sampled_from(list(LIMITS)),
        day=st.integers(0, 2),
    )
    def ask_for_more_than_the_clerk_may_give(self, farmer: int, kind: MovementKind, day: int) -> None:
        self.move(
            farmer=farmer,
            kind=kind,
            hundreds=LIMITS[kind] // 100_00 + 1,
            day=day,
            mode=Mode.CASH,
            by_owner=False,
        )

    @precondition(lambda self: any(moved.status == "waiting" for moved in self.model.moved.values()))
    @rule(n=st.integers(0, 99), yes=st.booleans())
    def decide(self, n: int, yes: bool) -> None:
        waiting = {pk: moved for pk, moved in self.model.moved.items() if moved.status == "waiting"}
        pk = self.pick(waiting, n)
        moved = waiting[pk]
        if yes:
            movements.approve_movement(by=self.owner, movement_id=pk)
            moved.status = "posted"
            if moved.day in self.model.closed:
                moved.day = self.today
                self.reached["approved into today"] += 1
        else:
            movements.refuse_movement(by=self.owner, movement_id=pk, note="too much")
            moved.status = "refused"
        self.reached["approved" if yes else "refused"] += 1

    @precondition(lambda self: any(moved.status == "posted" for moved in self.model.moved.values()))
    @rule(n=st.integers(0, 99))
    def take_back(self, n: int) -> None:
        posted = {pk: moved for pk, moved in self.model.moved.items() if moved.status == "posted"}
        counting = {pk: moved for pk, moved in posted.items() if moved.counts}
        pk = self.pick(counting if counting and n % 7 else posted, n)
        moved = posted[pk]
        owed = self.model.owed(moved.farmer)
        key = uuid4()

        def act() -> Answer:
            return movements.reverse_movement(by=self.owner, key=key, movement_id=pk, reason="wrong farmer")

        if moved.reversed:
            return self.refused("reversed", act)
        if moved.kind in LENT:
            account = LENT[moved.kind]
            if owed[account] - self.promised(moved.farmer, account) < moved.paise:
                return self.refused("repaid", act)
        moved.mirror = self.once(act, f"{moved.kind} reversed").made
        moved.reversed = True
        assert self.is_today(Movement.objects.get(reverses=pk).business_date), "a reversal is dated today"
        if moved.day in self.model.closed:
            self.reached["reversed out of a closed day"] += 1
        return None

    @rule(
        flower=st.sampled_from(["jasmine", "rose"]),
        day=st.integers(0, 2),
        grams=st.integers(1, 30_000),
        rate=st.integers(0, 2_000_00),
    )
    def sell(self, flower: str, day: int, grams: int, rate: int) -> None:
        key, on = uuid4(), self.days[day]

        def act() -> Answer:
            return buyers.record_buyer_sale(
                by=self.clerk,
                key=key,
                buyer_id=self.buyer.pk,
                flower_id=self.flowers[flower].pk,
                business_date=on,
                quantity=Decimal(grams) / 1000,
                rate=rupees(rate),
            )

        if on in self.model.closed:
            return self.refused("day_locked", act)
        answer = self.once(act, "sold")
        self.model.sold[answer.made] = Traded(half_up(grams * rate, 1000), on)
        return None

    @rule(day=st.integers(0, 2), hundreds=st.integers(1, 40), mode=st.sampled_from([Mode.CASH, Mode.UPI]))
    def be_paid(self, day: int, hundreds: int, mode: Mode) -> None:
        key, on = uuid4(), self.days[day]

        def act() -> Answer:
            return buyers.record_receipt(
                by=self.clerk,
                key=key,
                buyer_id=self.buyer.pk,
                amount=Decimal(hundreds * 100),
                business_date=on,
                mode=mode,
            )

        if on in self.model.closed:
            return self.refused("day_locked", act)
        answer = self.once(act, "paid by the buyer")
        self.model.paid[answer.made] = Traded(-hundreds * 100_00, on)
        return None

    @precondition(lambda self: self.model.sold)
    @rule(n=st.integers(0, 99))
    def cancel_a_sale(self, n: int) -> None:
        pk, key = self.pick(self.model.sold, n), uuid4()
        sold = self.model.sold[pk]

        def act() -> Answer:
            return buyers.void_buyer_sale(by=self.owner, key=key, sale_id=pk, reason="written twice")

        if sold.taken_back:
            return self.refused("voided", act)
        if sold.day in self.model.closed:
            return self.refused("day_locked", act)
        self.once(act, "sale cancelled")
        sold.taken_back = True
        return None

    @precondition(lambda self: self.model.paid)
    @rule(n=st.integers(0, 99))
    def give_back_to_the_buyer(self, n: int) -> None:
        pk, key = self.pick(self.model.paid, n), uuid4()
        paid = self.model.paid[pk]

        def act() -> Answer:
            return buyers.reverse_receipt(by=self.owner, key=key, receipt_id=pk, reason="bounced")

        if paid.taken_back:
            return self.refused("reversed", act)
        self.once(act, "receipt reversed")
        paid.taken_back = True
        return None

    @rule(day=st.integers(0, 2), hundreds=st.integers(1, 40), mode=st.sampled_from([Mode.CASH, Mode.UPI]))
    def spend(self, day: int, hundreds: int, mode: Mode) -> None:
        key, on = uuid4(), self.days[day]

        def act() -> Answer:
            return days.record_expense(
                by=self.clerk,
                key=key,
                amount=Decimal(hundreds * 100),
                what="bus",
                business_date=on,
                mode=mode,
            )

        if on in self.model.closed:
            return self.refused("day_locked", act)
        self.model.spent[self.once(act, "spent").made] = False
        return None

    @precondition(lambda self: self.model.spent)
    @rule(n=st.integers(0, 99))
    def take_an_expense_back(self, n: int) -> None:
        pk, key = self.pick(self.model.spent, n), uuid4()

        def act() -> Answer:
            return days.reverse_expense(by=self.owner, key=key, expense_id=pk, reason="paid by the driver")

        if self.model.spent[pk]:
            return self.refused("reversed", act)
        self.once(act, "expense taken back")
        self.model.spent[pk] = True
        return None

    @rule(
        farmer=st.integers(0, 1),
        day=st.integers(0, 2),
        hundreds=st.integers(-20, 20),
        advance=st.integers(0, 9),
    )
    def bring_over(self, farmer: int, day: int, hundreds: int, advance: int) -> None:
        """Opening figures by a list, for somebody who has none yet."""
        key, on, his = uuid4(), self.days[day], self.farmers[farmer]
        standing = [
            moved
            for moved in self.model.moved.values()
            if moved.farmer == farmer and moved.kind in OPENINGS and moved.counts
        ]
        we_owe, he_owes = max(hundreds, 0) * 100, max(-hundreds, 0) * 100
        text = f"number,name,we owe,he owes,advance\n{his.number},{his.name_ta},{we_owe},{he_owes},{advance * 100}\n"
        plan = farmer_import.plan_import(self.owner.shop, farmer_csv.sheet_in(text))
        if standing or not (hundreds or advance):
            assert not plan.opening
            return None

        def act() -> Answer:
            return farmer_import.import_farmers(
                by=self.owner,
                key=key,
                text=text,
                expected=plan.fingerprint,
                totals=Totals(Decimal(we_owe), Decimal(he_owes), Decimal(advance * 100)),
                opened_on=on,
            )

        if on in self.model.closed:
            return self.refused("day_locked", act)
        self.once(act, "brought over")
        brought = Movement.objects.filter(farmer=his, kind__in=OPENINGS, reverses=None)
        for movement in brought.exclude(pk__in=self.model.moved):
            kind = MovementKind(movement.kind)
            paise = (hundreds if kind == MovementKind.OPENING_BALANCE else advance) * 100_00
            self.model.moved[movement.pk] = Moved(farmer, kind, paise, on, "posted")
        return None

    @rule(
        day=st.integers(0, 2),
        really=st.sampled_from([False, False, True]),
        off=st.sampled_from([0, 0, 0, 12_50, -100_00]),
    )
    def close(self, day: int, really: bool, off: int) -> None:
        """The cash is counted, `off` by some paise; whether that fits a day that was closed before is known here."""
        on, key, closed = self.days[day], uuid4(), self.model.closed
        if not really:
            return None
        before, later = (
            max((other for other in closed if other < on), default=None),
            min((other for other in closed if other > on), default=None),
        )
        opening = Decimal(1_000_000)
        if before:
            since = self.cash(Q(value_date__gt=before, value_date__lt=on))
            opening = closed[before].counted + since
        counted = opening + self.cash(Q(value_date=on)) + rupees(off)
        known = None
        if later and not closed[later].is_first:
            known = closed[later].opening - self.cash(Q(value_date__gt=on, value_date__lt=later))
            counted = known + rupees(off)

        def act() -> Answer:
            return days.close_day(
                by=self.clerk,
                key=key,
                day=on,
                denominations={"coins": counted},
                opening_cash=None if before else opening,
            )

        if on in closed:
            return self.refused("closed", act)
        if later and known is None:
            return self.refused("before_first_close", act)
        if known is not None and counted != known:
            return self.refused("next_day_opened", act)
        answer = self.once(act, "closed before another" if later else "closed")
        closed[on] = Closed(answer.made, opening, counted, before is None, self.written_on(on))
        assert answer.body["difference"] == money(counted - opening - self.cash_of_papers(on))
        return None

    @precondition(lambda self: self.model.closed)
    @rule(n=st.integers(0, 99))
    def reopen(self, n: int) -> None:
        on = list(self.model.closed)[n % len(self.model.closed)]
        key, close = uuid4(), self.model.closed[on].close

        def act() -> Answer:
            return days.reopen_day(by=self.owner, close_id=close, reason="a bus came late", key=key)

        self.once(act, "reopened" if on == max(self.model.closed) else "reopened before another")
        del self.model.closed[on]

    @precondition(lambda self: self.steps % 3 == 0 and self.answered)
    @rule(n=st.integers(0, 99))
    def ask_again(self, n: int) -> None:
        act, answer = self.answered[n % len(self.answered)]
        again = act()
        assert (again.replayed, again.made, again.body) == (True, answer.made, answer.body)
        self.reached["asked again"] += 1

    # --- What must be so after each step ----------------------------------------------------------

    def written_on(self, day: dt.date) -> tuple[Any, ...]:
        """What stands in the book of a day, in short."""
        return (
            Transfer.objects.filter(value_date=day).count(),
            Charge.objects.filter(business_date=day).count(),
            sum(DailyEntry.objects.filter(business_date=day).values_list("version", flat=True)),
            Movement.objects.filter(business_date=day, status="posted").count(),
            sum(BuyerSale.objects.filter(business_date=day).values_list("version", flat=True)),
            BuyerReceipt.objects.filter(business_date=day).count(),
            Expense.objects.filter(business_date=day).count(),
        )

    @invariant()
    def every_balance_is_the_model_s(self) -> None:
        balances = accounts.balances_of(self.farmers)
        for n, farmer in enumerate(self.farmers):
            balance, owed = balances[farmer.pk], self.model.owed(n)
            found = {
                "payable": balance.payable,
                "advance": balance.advance,
                "hand_loan": balance.hand_loan,
                "draws": balance.unsettled.draws,
                "gross": balance.unsettled.gross,
                "commission": balance.unsettled.commission,
                "charges": balance.unsettled.charges,
            }
            assert found == {name: rupees(owed[name]) for name in found}
            assert balance.unsettled.unpriced == owed["unpriced"]
            net = self.model.net(n)
            assert balance.net == rupees(abs(net))
            assert balance.direction == ("shop_owes" if net > 0 else "farmer_owes" if net < 0 else "even")
            self.reached["the farmer owes"] += net < 0
        assert owed_by(self.buyer) == rupees(self.model.owed_by_buyer)

    @invariant()
    def nothing_is_written_into_a_closed_day(self) -> None:
        for day, close in self.model.closed.items():
            assert self.written_on(day) == close.written, f"{day} is closed"

    @invariant()
    def the_invariants_of_the_book_hold(self) -> None:
        """Those of the book after each step; what spans the apps, and the statements, after each fifth."""
        self.steps += 1
        if self.in_house:
            self.ask(invariants() if self.steps % 5 == 0 else self.asked)
            if self.steps % 5 == 0:
                self.every_statement_ends_with_its_balance()

    def ask(self, which: tuple[Invariant, ...]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        found = books.broken(only=which)
        assert [f"{each.invariant.name}: {each.rows}" for each in found] == []

    def every_statement_ends_with_its_balance(self) -> None:
        for n, farmer in enumerate(self.farmers):
            statement = accounts.statement_of(farmer, self.days[1], self.today)
            assert statement.closing == rupees(self.model.net(n))

    # --- The drawer -----------------------------------------------------------------------------

    def cash(self, when: Q) -> Decimal:
        """How much came into the drawer, less what went out."""
        came, went = (
            sum(Transfer.objects.filter(when, **{f"{side}__kind": "cash"}).values_list("amount", flat=True))
            for side in ("debit", "credit")
        )
        return Decimal(came - went)

    def cash_of_papers(self, day: dt.date) -> Decimal:
        """What the day's papers moved; what counting the drawer wrote is none of them."""
        return self.cash(Q(value_date=day) & ~Q(journal_kind="day_close"))


def entered(
    farmer: int, flower: str, day: int, grams: int, rate: int | None
) -> Callable[[BookMachine], None]:
    return lambda it: it.enter(
        farmer=farmer, flower=flower, day=day, minute=50, grams=grams, sacks=2, rate=rate
    )


def moved(kind: MovementKind, hundreds: int, day: int = 0) -> Callable[[BookMachine], None]:
    return lambda it: it.move(farmer=0, kind=kind, hundreds=hundreds, day=day, mode=Mode.CASH, by_owner=True)


def asked_for_more(kind: MovementKind, day: int = 0) -> Callable[[BookMachine], None]:
    return lambda it: it.ask_for_more_than_the_clerk_may_give(farmer=0, kind=kind, day=day)


STORIES: dict[str, list[Callable[[BookMachine], None]]] = {
    "lines": [
        entered(0, "jasmine", 0, 5_900, None),
        entered(0, "jasmine", 0, 3_333, None),
        entered(1, "rose", 0, 10_050, None),
        entered(1, "rose", 0, 1_115, 97_50),
        lambda it: it.price(n=0, rate=97_50, again=False),
        lambda it: it.price(n=0, rate=1450_00, again=True),
        lambda it: it.correct_the_weight(n=1, grams=5_700, sacks=1, back=1),
        lambda it: it.correct_the_weight(n=1, grams=5_700, sacks=1, back=0),
        lambda it: it.correct_the_rate(n=4, rate=0),
        lambda it: it.correct_the_farmer(n=2),
        lambda it: it.charge(farmer=0, day=0, trips=2),
        lambda it: it.waive(n=0),
        lambda it: it.waive_with_a_line(n=1),
        lambda it: it.void(n=3),
        lambda it: it.ask_again(n=0),
    ],
    "money": [
        moved(MovementKind.OPENING_BALANCE, 5),
        moved(MovementKind.OPENING_BALANCE, 2),
        moved(MovementKind.OPENING_ADVANCE, 10),
        moved(MovementKind.ADVANCE, 20),
        moved(MovementKind.ADVANCE_REPAYMENT, 25),
        moved(MovementKind.HAND_LOAN, 9),
        moved(MovementKind.HAND_LOAN_REPAYMENT, 40),
        moved(MovementKind.HAND_LOAN_REPAYMENT, 5),
        moved(MovementKind.DRAW, 30),
        lambda it: it.take_back(n=3),  # the advance, of which more is paid back than would be left
        lambda it: it.take_back(n=5),
        lambda it: it.take_back(n=6),
        asked_for_more(MovementKind.ADVANCE),
        lambda it: it.decide(n=0, yes=True),
        asked_for_more(MovementKind.HAND_LOAN),
        lambda it: it.decide(n=0, yes=False),
    ],
    "buyers": [
        lambda it: it.sell(flower="rose", day=0, grams=3_333, rate=97_50),
        lambda it: it.sell(flower="jasmine", day=0, grams=2_000, rate=0),
        lambda it: it.be_paid(day=1, hundreds=2, mode=Mode.CASH),
        lambda it: it.be_paid(day=1, hundreds=1, mode=Mode.UPI),
        lambda it: it.cancel_a_sale(n=1),
        lambda it: it.sell(flower="rose", day=0, grams=1_115, rate=333_33),
        lambda it: it.cancel_a_sale(n=2),
        lambda it: it.give_back_to_the_buyer(n=0),
    ],
    "closing": [
        entered(1, "rose", 1, 2_000, None),
        moved(MovementKind.DRAW, 12, day=1),
        asked_for_more(MovementKind.DRAW, day=1),
        lambda it: it.spend(day=1, hundreds=3, mode=Mode.CASH),
        lambda it: it.close(day=1, really=True, off=-100_00),
        lambda it: it.close(day=1, really=True, off=0),
        entered(1, "rose", 1, 2_000, None),
        lambda it: it.take_back(n=1),
        lambda it: it.decide(n=0, yes=True),
        lambda it: it.take_an_expense_back(n=0),
        lambda it: it.close(day=0, really=True, off=0),
        lambda it: it.reopen(n=0),
        entered(1, "rose", 1, 2_000, None),
        lambda it: it.close(day=1, really=True, off=0),
        lambda it: it.spend(day=2, hundreds=1, mode=Mode.CASH),
        lambda it: it.close(day=2, really=True, off=12_50),
        lambda it: it.reopen(n=0),
        lambda it: it.spend(day=1, hundreds=2, mode=Mode.CASH),
        lambda it: it.close(day=1, really=True, off=12_50),
        lambda it: it.close(day=1, really=True, off=0),
    ],
    "opening": [
        lambda it: it.bring_over(farmer=0, day=0, hundreds=-5, advance=3),
        lambda it: it.bring_over(farmer=0, day=0, hundreds=7, advance=3),
        lambda it: it.bring_over(farmer=1, day=0, hundreds=2, advance=0),
        lambda it: it.take_back(n=2),
        lambda it: it.bring_over(farmer=1, day=0, hundreds=4, advance=0),
        lambda it: it.ask_again(n=0),
    ],
}


BookMachine.stories = STORIES


def play(machine: type[BookMachine], settings: Settings) -> None:
    """Run the machine after each story, and after none."""
    for story in ("", *machine.stories):
        run_state_machine_as_test(type(machine.__name__, (machine,), {"story": story}), settings=settings)
