"""A book in which everything occurs once, and is in order: what `check_books` is tried on."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from ledger.domain import (
    AccountKind,
    JournalKind,
    Mode,
    MovementKind,
    MovementStatus,
    Recovery,
    SaleStatus,
)
from ledger.models import (
    Account,
    Buyer,
    BuyerReceipt,
    BuyerSale,
    Charge,
    CommissionRule,
    DailyEntry,
    DayClose,
    DirtyDay,
    Expense,
    Farmer,
    Movement,
    Transfer,
)
from ledger.services.corrections import correct_settled_entry, reverse_entry
from ledger.services.entries import edit_entry, void_entry
from ledger.services.partitions import ensure_window
from ledger.services.posting import account_of, money_account, next_voucher, post, post_back
from ledger.services.rollups import renew_months, sum_up_days
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.sync.domain import Outcome, Way
from malar.sync.models import Conflict, ConflictAudit, Device, HandedIn, StrayOp, Stream, SyncOp
from malar.sync.selectors.conflicts import facts_of
from malar.trail.models import Event
from notifications.models import Answer, ByHand, Consent, Note, Preference, Spending, TemplateApproval
from notifications.services.queueing import react
from notifications.services.sending import send
from pricing.models import FeeRule, Flower, PricingRule, RateAdjustment
from settlements.domain import Method, Side
from settlements.models import ApprovalLink, Payment, TamilMonth
from settlements.services.approvals import agree, cancel, held, reverse, submit
from settlements.services.payments import bounce_payment
from settlements.services.runs import Order
from tests import cast
from tests.settlements.acts import agreed, paid, settled, settlement_for

DAY = dt.date(2026, 3, 6)
BEFORE, AFTER = DAY - dt.timedelta(1), DAY + dt.timedelta(1)


class Writer:
    """Writes vouchers and their postings without the services: the checks must not rest on those."""

    def __init__(self, by: Membership) -> None:
        self.by, self.shop = by, by.shop

    def movement(
        self,
        farmer: Farmer,
        kind: MovementKind,
        amount: str,
        mode: Mode = Mode.CASH,
        *,
        status: MovementStatus = MovementStatus.POSTED,
        reverses: Movement | None = None,
        day: dt.date = DAY,
    ) -> Movement:
        is_posted = status == MovementStatus.POSTED
        movement = Movement.objects.create(
            shop=self.shop,
            farmer=farmer,
            kind=kind,
            amount=Decimal(amount),
            mode=mode,
            business_date=day,
            status=status,
            reverses=reverses,
            voucher=next_voucher(self.shop, day) if is_posted else "",
            created_by=self.by,
        )
        if not is_posted:
            return movement
        if reverses is not None:
            self.back(JournalKind.MOVEMENT, reverses.pk, movement.pk, day)
            return movement
        own = account_of(
            self.shop,
            {
                MovementKind.ADVANCE: AccountKind.ADVANCE,
                MovementKind.ADVANCE_REPAYMENT: AccountKind.ADVANCE,
                MovementKind.OPENING_ADVANCE: AccountKind.ADVANCE,
                MovementKind.HAND_LOAN: AccountKind.HAND_LOAN,
                MovementKind.HAND_LOAN_REPAYMENT: AccountKind.HAND_LOAN,
                MovementKind.DRAW: AccountKind.DRAW,
                MovementKind.OPENING_BALANCE: AccountKind.PAYABLE,
            }[kind],
            farmer=farmer,
        )
        money = money_account(self.shop, mode)
        paid_back = kind in {MovementKind.ADVANCE_REPAYMENT, MovementKind.HAND_LOAN_REPAYMENT}
        from_farmer = paid_back or (kind == MovementKind.OPENING_BALANCE and movement.amount > 0)
        debit, credit = (money, own) if from_farmer else (own, money)
        self.post(JournalKind.MOVEMENT, movement.pk, debit, credit, abs(movement.amount), day)
        return movement

    def post(
        self,
        kind: JournalKind,
        journal: UUID,
        debit: Account,
        credit: Account,
        amount: Decimal,
        day: dt.date = DAY,
    ) -> Transfer:
        return post(
            by=self.by, journal_kind=kind, journal=journal, debit=debit, credit=credit, amount=amount, day=day
        )

    def back(self, kind: JournalKind, of: UUID, journal: UUID, day: dt.date) -> None:
        original = Transfer.objects.get(journal_kind=kind, journal=of, seq=1)
        post_back(original, by=self.by, journal_kind=kind, journal=journal, day=day)

    def receipt(self, buyer: Buyer, amount: str, reverses: BuyerReceipt | None = None) -> BuyerReceipt:
        receipt = BuyerReceipt.objects.create(
            shop=self.shop,
            buyer=buyer,
            amount=Decimal(amount),
            mode=Mode.UPI,
            business_date=DAY,
            reverses=reverses,
            voucher=next_voucher(self.shop, DAY),
            created_by=self.by,
        )
        if reverses is not None:
            self.back(JournalKind.BUYER_RECEIPT, reverses.pk, receipt.pk, DAY)
        else:
            owed = account_of(self.shop, AccountKind.BUYER, buyer=buyer)
            bank = money_account(self.shop, Mode.UPI)
            self.post(JournalKind.BUYER_RECEIPT, receipt.pk, bank, owed, receipt.amount)
        return receipt

    def expense(self, amount: str, day: dt.date = DAY, reverses: Expense | None = None) -> Expense:
        expense = Expense.objects.create(
            shop=self.shop,
            amount=Decimal(amount),
            what="tea",
            mode=Mode.CASH,
            business_date=day,
            reverses=reverses,
            voucher=next_voucher(self.shop, day),
            created_by=self.by,
        )
        if reverses is not None:
            self.back(JournalKind.EXPENSE, reverses.pk, expense.pk, day)
        else:
            spent, cash = account_of(self.shop, AccountKind.EXPENSES), money_account(self.shop, Mode.CASH)
            self.post(JournalKind.EXPENSE, expense.pk, spent, cash, expense.amount, day)
        return expense


def a_whole_book(owner: Membership) -> None:
    """Write it into the owner's shop."""
    shop = owner.shop
    ensure_window(dt.date.today())  # noqa: DTZ011  # any of today's months will do
    jasmine = cast.a_flower(shop, "MAL", "மல்லிகை", "Jasmine")
    lotus = cast.a_flower(shop, "THA", "தாமரை", "Lotus", unit="piece")
    farmer = cast.a_farmer(shop, 14, "பெ. ராஜா", "P. Raja", member=cast.a_member(shop, "Raja", Role.FARMER))
    cast.a_slot(shop, "05:00", "07:00")
    cast.a_slot(shop, "08:00", "09:00")
    cast.called(jasmine, "900", cast.at(f"{DAY}", "04:30"), owner)
    cast.called(jasmine, "950", cast.at(f"{DAY}", "05:30"), owner)
    first = PricingRule.objects.create(shop=shop, mode="called", valid_from=DAY, made_by=owner)
    PricingRule.objects.filter(pk=first.pk).update(valid_to=AFTER)
    PricingRule.objects.create(shop=shop, mode="day", valid_from=AFTER, made_by=owner)
    PricingRule.objects.create(shop=shop, mode="lot", flower=lotus, valid_from=DAY, made_by=owner)
    wet = RateAdjustment(shop=shop, code="wet", basis="percent", value=Decimal(-10))
    wet.name_ta, wet.name_en = "ஈரம்", "Wet"
    wet.save()
    coolie, toll = (
        a_fee(owner, *which) for which in (("coolie", "per_sack", True), ("toll", "per_trip", False))
    )
    a_fee(owner, "old", "per_trip", False, valid_to=DAY)
    a_fee(owner, "old", "per_trip", False, valid_from=DAY)
    for whom in (None, farmer):
        rule = CommissionRule(shop=shop, farmer=whom, pct=Decimal(10), valid_from=DAY, made_by=owner)
        rule.save()

    def at(clock: str) -> dt.datetime:
        return cast.at(f"{DAY}", clock)

    weights = [Decimal("12.250"), Decimal("9.750")]
    line = cast.recorded(
        owner, farmer, jasmine, captured_at=at("05:00"), sack_weights=weights, tare=Decimal("0.400")
    )
    edit_entry(by=owner, entry_id=line.pk, version=1, changes={"note": "fresh"}, reason="weight misread")
    cast.recorded(owner, farmer, lotus, captured_at=at("05:10"), quantity=Decimal(50))
    voided = cast.recorded(owner, farmer, jasmine, captured_at=at("05:20"), rate=Decimal(700))
    void_entry(by=owner, entry_id=voided.pk, version=1, reason="written twice")
    cast.recorded(owner, farmer, jasmine, captured_at=at("05:40"), slip="A1-0603-001")
    cast.recorded(owner, farmer, jasmine, captured_at=at("05:50"), slip="A1-0603-001")
    settled = cast.recorded(owner, farmer, jasmine, captured_at=at("06:00"), rate=Decimal("333.33"))
    in_one_transaction(lambda: taken_back(settled, owner))
    for message in react(event_id=Event.objects.filter(shop=shop).order_by("id")[0].pk):
        send(message_id=message)
    Spending.objects.create(shop=shop, day=DAY, paise=55)
    said(owner)
    in_one_transaction(lambda: _the_money(owner, farmer, line, coolie, toll))
    a_tablet(owner, line)
    _the_settlements(owner, jasmine)
    sum_up_days()
    renew_months()
    DirtyDay.objects.create(shop=shop, business_date=BEFORE)


def said(owner: Membership) -> None:
    """What a farmer was told and wants, the owner's note of it, and a wording that a provider has approved."""
    message = owner.shop.messages.select_related("farmer", "event", "template").latest("created_at")
    of_shop = {"shop": owner.shop, "farmer": message.farmer}
    Preference.objects.create(**of_shop, kind="day_summary", is_wanted=True)
    Consent.objects.create(**of_shop, is_in=True, source="page", member=owner)
    Note.objects.create(shop=owner.shop, member=owner, event=message.event, kind="message", message=message)
    Answer.objects.create(
        **of_shop,
        message=message,
        provider="twilio",
        provider_id=f"SM{owner.shop.pk}",
        said="5 கிலோ குறைவு",
        means="unclear",
        is_applied=False,
        why="unclear",
        is_for_people=True,
        received_at=message.created_at,
    )
    ByHand.objects.create(shop=owner.shop, message=message, member=owner, what="again", before="dead")
    TemplateApproval.objects.get_or_create(
        template=message.template, provider="twilio", defaults={"state": "approved", "ref": "HX1"}
    )


def a_tablet(owner: Membership, line: DailyEntry) -> None:
    """One that has sent a correction about which the owner decided."""
    now = timezone.now()
    device = Device.objects.create(id=uuid4(), shop=owner.shop, series="A1", registered_by=owner)
    stream = Stream.objects.create(id=uuid4(), shop=owner.shop, device=device, author=owner, last_seen_at=now)
    op = SyncOp.objects.create(
        id=uuid4(),
        shop=owner.shop,
        stream=stream,
        seq=1,
        author=owner,
        sha256="0" * 64,
        body={},
        result={},
        received_at=now,
    )
    StrayOp.objects.create(
        shop=owner.shop,
        stream=stream,
        author=owner,
        seq=2,
        code="malformed",
        sha256="1" * 64,
        body="{}",
        received_at=now,
    )
    HandedIn.objects.create(
        id=uuid4(),
        shop=owner.shop,
        stream_id=stream.pk,
        seq=3,
        author_id=owner.user_id,
        brought_by=owner,
        way=Way.FILE,
        outcome=Outcome.TAKEN,
        received_at=now,
    )
    facts = facts_of(line).as_json()
    conflict = Conflict.objects.create(
        shop=owner.shop,
        op=op,
        entity_id=line.pk,
        kind="quantity",
        mine=facts,
        theirs=facts,
        version=line.version,
        device=device,
        author=owner,
        opened_at=now,
        resolved_at=now,
        resolved_by=owner,
        choice="theirs",
        reason="asked him",
    )
    ConflictAudit.objects.create(
        shop=owner.shop,
        op=op,
        conflict=conflict,
        entity_id=line.pk,
        client=facts,
        server=facts,
        result=facts,
        rules={"choice": "theirs"},
        decided="user",
        by=owner,
        device=device,
        at=now,
    )


def taken_back(line: DailyEntry, by: Membership) -> None:
    """Its mirror, as after a settlement."""
    reverse_entry(line, by=by, at=cast.at(f"{AFTER}", "09:00"), day=AFTER)


def in_one_transaction(act: Callable[[], object]) -> None:
    with transaction.atomic():
        act()


def a_fee(owner: Membership, code: str, basis: str, automatic: bool, **days: dt.date) -> FeeRule:
    fee = FeeRule(shop=owner.shop, code=code, basis=basis, rate=Decimal("5.00"), automatic=automatic, **days)
    fee.name_ta, fee.name_en = code, code
    fee.save()
    return fee


def _the_money(owner: Membership, farmer: Farmer, line: DailyEntry, coolie: FeeRule, toll: FeeRule) -> None:
    write, kind = Writer(owner), MovementKind
    for fee, entry, sacks in ((toll, None, 1),):
        Charge.objects.create(
            shop=owner.shop,
            farmer=farmer,
            fee=fee,
            entry=entry,
            business_date=DAY,
            basis=fee.basis,
            income=fee.income,
            quantity=sacks,
            rate=fee.rate,
            automatic=entry is not None,
            created_by=owner,
        )
    write.movement(farmer, kind.OPENING_BALANCE, "-27.00", Mode.NONE)
    write.movement(farmer, kind.OPENING_BALANCE, "500.00", Mode.NONE)
    write.movement(farmer, kind.OPENING_ADVANCE, "1000.00", Mode.NONE)
    write.movement(farmer, kind.ADVANCE, "20000.00")
    write.movement(farmer, kind.ADVANCE_REPAYMENT, "3000.00", Mode.UPI)
    write.movement(farmer, kind.HAND_LOAN, "2000.00", Mode.BANK)
    write.movement(farmer, kind.HAND_LOAN_REPAYMENT, "500.00")
    draw = write.movement(farmer, kind.DRAW, "3000.00")
    write.movement(farmer, kind.DRAW, "3000.00", reverses=draw, day=AFTER)
    write.movement(farmer, kind.DRAW, "1500.00")
    write.movement(farmer, kind.ADVANCE, "90000.00", status=MovementStatus.WAITING)
    write.movement(farmer, kind.ADVANCE, "80000.00", status=MovementStatus.REFUSED)
    buyer = Buyer.objects.create(shop=owner.shop, number=3, name_ta="ச. லட்சுமி", name_en="S. Lakshmi")
    sale = BuyerSale.objects.create(
        shop=owner.shop,
        buyer=buyer,
        flower=line.flower,
        entry=line,
        business_date=DAY,
        quantity=Decimal("20.500"),
        unit="kg",
        rate=Decimal(1000),
        created_by=owner,
    )
    owed, sales = (
        account_of(owner.shop, AccountKind.BUYER, buyer=buyer),
        account_of(owner.shop, AccountKind.SALES),
    )
    write.post(JournalKind.BUYER_SALE, sale.pk, owed, sales, Decimal("20500.00"))
    cancelled = BuyerSale.objects.create(
        shop=owner.shop,
        buyer=buyer,
        flower=line.flower,
        business_date=DAY,
        quantity=Decimal(1),
        unit="kg",
        rate=Decimal(70),
        created_by=owner,
    )
    write.post(JournalKind.BUYER_SALE, cancelled.pk, owed, sales, Decimal("70.00"))
    write.back(JournalKind.BUYER_SALE, cancelled.pk, uuid4(), DAY)
    cancelled.status, cancelled.void_reason, cancelled.version = SaleStatus.VOIDED, "written twice", 2
    cancelled.save()
    receipt = write.receipt(buyer, "5000.00")
    write.receipt(buyer, "5000.00", reverses=receipt)
    write.receipt(buyer, "4000.00")
    expense = write.expense("60.00")
    write.expense("60.00", reverses=expense)
    write.movement(farmer, kind.ADVANCE_REPAYMENT, "100.00", day=BEFORE)
    write.expense("40.00", day=BEFORE)
    two_days_before = BEFORE - dt.timedelta(1)
    DayClose.objects.create(
        shop=owner.shop,
        business_date=two_days_before,
        opening_cash=Decimal(0),
        receipts=Decimal(0),
        payments=Decimal(0),
        expenses=Decimal(0),
        counted=Decimal(0),
        closed_by=owner,
    )
    close = DayClose(
        shop=owner.shop,
        business_date=BEFORE,
        opening_cash=Decimal(0),
        receipts=Decimal(100),
        payments=Decimal(0),
        expenses=Decimal(40),
        counted=Decimal(57),
        denominations={"50": 1, "coins": "7.00"},
        closed_by=owner,
    )
    lost = account_of(owner.shop, AccountKind.CASH_DIFFERENCE)
    write.post(
        JournalKind.DAY_CLOSE, close.pk, lost, money_account(owner.shop, Mode.CASH), Decimal(3), BEFORE
    )
    close.save()


def _the_settlements(owner: Membership, jasmine: Flower) -> None:
    """Of two more farmers, written by the services, whose arithmetic the checks do not use: one paid in part, with a
    payment that bounced; one paid; one taken back; one called off; one that waits."""
    shop, kind = owner.shop, MovementKind
    clerk = cast.a_member(shop, "Mani", Role.STAFF)
    lakshmi = cast.a_farmer(
        shop, 15, "ச. லட்சுமி", "S. Lakshmi", recovery=Recovery.FIXED, recovery_value=Decimal(500)
    )
    selvam = cast.a_farmer(shop, 16, "க. செல்வம்", "K. Selvam")
    freight = FeeRule(
        shop=shop, code="freight", basis="per_trip", rate=Decimal("45.50"), income="pass_through"
    )
    freight.name_ta, freight.name_en = "வாடகை", "Freight"
    freight.save()

    def brought(farmer: Farmer, day: dt.date, rate: str) -> DailyEntry:
        return cast.recorded(
            owner, farmer, jasmine, captured_at=cast.at(f"{day}", "05:30"), rate=Decimal(rate)
        )

    writer = Writer(owner)

    def money() -> None:
        writer.movement(lakshmi, kind.OPENING_BALANCE, "-12.34", Mode.NONE)
        writer.movement(lakshmi, kind.ADVANCE, "700.00")
        writer.movement(lakshmi, kind.HAND_LOAN, "150.00")
        writer.movement(lakshmi, kind.DRAW, "250.00")
        draw = writer.movement(lakshmi, kind.DRAW, "60.00")
        writer.movement(lakshmi, kind.DRAW, "60.00", reverses=draw, day=AFTER)
        Charge.objects.create(
            shop=shop,
            farmer=lakshmi,
            fee=freight,
            business_date=DAY,
            basis=freight.basis,
            income=freight.income,
            quantity=1,
            rate=freight.rate,
            created_by=owner,
        )

    line = brought(lakshmi, DAY, "333.33")
    brought(selvam, DAY, "97.50")
    in_one_transaction(money)
    week = Order(start=DAY, end=DAY, farmers=(lakshmi.pk, selvam.pk))
    run = settled(owner, week)
    of_lakshmi = agreed(settlement_for(lakshmi, run), owner, clerk)
    taken_back = agreed(settlement_for(selvam, run), owner, clerk)
    reverse(by=owner, settlement_id=taken_back.pk, reason="weighed again")
    paid(of_lakshmi, clerk, "300.00")
    paid(of_lakshmi, clerk, "200.00", "upi")
    bounced = Payment.objects.get(settlement=of_lakshmi, mode="upi")
    bounce_payment(by=owner, key=uuid4(), payment_id=bounced.pk, reason="wrong number")
    cancel(by=owner, settlement_id=settlement_for(selvam, settled(owner, week)).pk, reason="too early")

    correct_settled_entry(
        by=owner,
        entry_id=line.pk,
        changes={"gross_quantity": Decimal("7.100")},
        reason="weighed again",
        key=uuid4(),
    )
    brought(lakshmi, AFTER, "1200")
    in_one_transaction(lambda: writer.movement(lakshmi, kind.HAND_LOAN, "80.00"))
    today = DailyEntry.objects.filter(corrects=line.pk).latest("business_date").business_date
    run = settled(owner, Order(start=AFTER, end=today, farmers=week.farmers))
    paid(agreed(settlement_for(selvam, run), owner, clerk), clerk)
    waits = settlement_for(lakshmi, run)
    submit(by=owner, settlement_id=waits.pk)
    content = waits.content_hash
    in_one_transaction(
        lambda: agree(
            held(owner, waits.pk), side=Side.FARMER, method=Method.LINK, content_hash=content, by=None
        )
    )
    ApprovalLink.objects.create(
        shop=shop,
        settlement=waits,
        content_hash=waits.content_hash,
        token_hash=shop.pk.hex * 2,
        expires_at=timezone.now(),
        created_by=owner,
    )
    TamilMonth.objects.create(shop=shop, name_ta="பங்குனி", starts_on=DAY)
