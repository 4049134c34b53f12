"""Questions about buyers: what they owe, what they took and paid, and what was sold of what came in."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Case, F, Max, Q, QuerySet, Sum, When
from django.utils.translation import gettext as _

from ledger.domain import AccountKind, EntryStatus, JournalKind, SaleStatus
from ledger.models import Buyer, BuyerReceipt, BuyerSale, DailyEntry, Transfer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import NotFound
from malar.kernel.formatting import rupees
from malar.kernel.money import ZERO
from pricing.models import Flower


def buyer_of(member: Membership, buyer_id: UUID, *, lock: bool = False) -> Buyer:
    """One buyer of the member's shop. Raises NotFound, also for another shop's."""
    buyers = Buyer.objects.filter(shop_id=member.shop_id)
    buyer = (buyers.select_for_update() if lock else buyers).filter(pk=buyer_id).first()
    if buyer is None:
        raise NotFound(_("There is no such buyer."))
    return buyer


def sale_of(member: Membership, sale_id: UUID, *, lock: bool = False) -> BuyerSale:
    """One sale to a buyer. Raises NotFound, also for another shop's."""
    sales = BuyerSale.objects.filter(shop_id=member.shop_id).select_related("buyer", "flower", "created_by")
    sale = (sales.select_for_update(of=("self",)) if lock else sales).filter(pk=sale_id).first()
    if sale is None:
        raise NotFound(_("There is no such sale to a buyer."))
    return sale


def receipt_of(member: Membership, receipt_id: UUID) -> BuyerReceipt:
    """One receipt from a buyer. Raises NotFound, also for another shop's."""
    receipts = BuyerReceipt.objects.filter(shop_id=member.shop_id).select_related("buyer", "created_by")
    receipt = receipts.filter(pk=receipt_id).first()
    if receipt is None:
        raise NotFound(_("There is no such receipt."))
    return receipt


def may_take_back(member: Membership, row: BuyerSale | BuyerReceipt) -> bool:
    """The owner takes everything back; staff what they wrote themselves today."""
    today = business_date_of(row.created_at, member.shop.turnover_hour)
    return member.role == Role.ADMIN or (
        row.created_by_id == member.pk and row.business_date == today == _today(member.shop)
    )


def _today(shop: Shop) -> dt.date:
    return business_date_of(dt.datetime.now(dt.UTC), shop.turnover_hour)


def owed_by_buyer_words(signed: Decimal) -> str:
    """Who owes whom how much, in words: never a bare minus."""
    who = who_owes_words(signed)
    return f"{who} {rupees(abs(signed))}" if signed else who


def who_owes_words(signed: Decimal) -> str:
    """Who owes whom, in words: above zero the buyer."""
    if not signed:
        return _("The account is even")
    return _("The buyer must pay us") if signed > 0 else _("We must pay the buyer")


def transfers_of(buyers: Iterable[Buyer]) -> QuerySet[Transfer, Any]:
    """What moved on the accounts of buyers, each with `signed`: above zero, he owes more."""
    ids = [buyer.pk for buyer in buyers]
    his = {"kind": AccountKind.BUYER, "buyer__in": ids}
    taken = Q(**{f"debit__{name}": value for name, value in his.items()})
    paid = Q(**{f"credit__{name}": value for name, value in his.items()})
    return Transfer.objects.filter(taken | paid).annotate(
        signed=Case(When(taken, then=F("amount")), default=-F("amount")),
        of_buyer=Case(When(taken, then=F("debit__buyer")), default=F("credit__buyer")),
    )


def owed_by(buyer: Buyer, *, until: dt.date | None = None) -> Decimal:
    """What a buyer owes in ₹, at the end of the day `until` or with all that is written; below zero, we owe him."""
    transfers = transfers_of([buyer])
    if until is not None:
        transfers = transfers.filter(value_date__lte=until)
    total: Decimal = transfers.aggregate(total=Sum("signed", default=ZERO))["total"]
    return total


@dataclass(frozen=True)
class BuyerRow:
    """A row of a buyer's statement, in ₹: `up` he took, `down` he paid, `owed` after it."""

    day: dt.date
    up: Decimal
    down: Decimal
    owed: Decimal
    sale: BuyerSale | None = None
    receipt: BuyerReceipt | None = None
    is_back: bool = False

    @property
    def size(self) -> Decimal:
        return abs(self.owed)

    @property
    def words(self) -> str:
        return owed_by_buyer_words(self.owed)


@dataclass(frozen=True)
class BuyerStatement:
    """A buyer's account from `start` to `end`: the previous balance, dated rows, the closing one, in ₹."""

    buyer: Buyer
    start: dt.date
    end: dt.date
    opening: Decimal
    rows: list[BuyerRow]

    @property
    def closing(self) -> Decimal:
        return self.rows[-1].owed if self.rows else self.opening

    @property
    def opening_size(self) -> Decimal:
        return abs(self.opening)

    @property
    def closing_size(self) -> Decimal:
        return abs(self.closing)

    @property
    def closing_words(self) -> str:
        return owed_by_buyer_words(self.closing)


def statement_of_buyer(buyer: Buyer, start: dt.date, end: dt.date) -> BuyerStatement:
    """A buyer's account between two days, both included. What is worth nothing stands in it with ₹0.00."""
    opening = owed_by(buyer, until=start - dt.timedelta(days=1))
    transfers = list(transfers_of([buyer]).filter(value_date__range=(start, end)).select_related("reverses"))
    written = {moved.reverses.journal if moved.reverses else moved.journal for moved in transfers}
    sales = BuyerSale.objects.filter(pk__in=written).select_related("flower").in_bulk()
    receipts = BuyerReceipt.objects.filter(pk__in=written).in_bulk()
    gratis = buyer.sales.filter(
        business_date__range=(start, end), amount=0, status=SaleStatus.STANDING
    ).select_related("flower")
    moves: list[tuple[dt.date, dt.datetime, Decimal, dict[str, Any]]] = [
        (sale.business_date, sale.created_at, ZERO, {"sale": sale}) for sale in gratis
    ]
    for moved in transfers:
        journal = moved.reverses.journal if moved.reverses else moved.journal
        about: dict[str, Any] = {
            "sale": sales.get(journal),
            "receipt": receipts.get(journal),
            "is_back": moved.reverses is not None,
        }
        moves.append((moved.value_date, moved.created_at, moved.signed, about))
    rows, owed = [], opening
    for day, _at, signed, about in sorted(moves, key=lambda move: move[:2]):
        owed += signed
        rows.append(BuyerRow(day, max(signed, ZERO), max(-signed, ZERO), owed, **about))
    return BuyerStatement(buyer, start, end, opening, rows)


@dataclass(frozen=True)
class ToCollect:
    """A buyer on the collection list, in ₹. `unpaid_since`: the oldest day not covered by what he paid."""

    buyer: Buyer
    owed: Decimal
    last_receipt: dt.date | None
    unpaid_since: dt.date | None
    taken_today: Decimal

    @property
    def size(self) -> Decimal:
        return abs(self.owed)

    @property
    def words(self) -> str:
        return owed_by_buyer_words(self.owed)


def collection_list(shop: Shop, today: dt.date) -> list[ToCollect]:
    """All buyers who owe or are owed, are active or took something today; who owes most stands first.

    Payments cover the oldest day first. Four queries, however many buyers there are.
    """
    buyers = list(shop.buyers.all())
    by_buyer: dict[UUID, list[tuple[dt.date, Decimal]]] = {buyer.pk: [] for buyer in buyers}
    # The annotations are not known to the checker of types here.
    moved: Any = transfers_of(buyers).order_by()
    days = moved.values("of_buyer", "value_date").annotate(up=Sum("signed")).order_by("value_date")
    for row in days:
        by_buyer[row["of_buyer"]].append((row["value_date"], row["up"]))
    last = dict(
        BuyerReceipt.objects.filter(shop=shop, reverses=None, reversal=None)
        .order_by()
        .values_list("buyer")
        .annotate(Max("business_date"))
    )
    taken = dict(
        BuyerSale.objects.filter(shop=shop, business_date=today, status=SaleStatus.STANDING)
        .order_by()
        .values_list("buyer")
        .annotate(Sum("amount"))
    )
    found = []
    for buyer in buyers:
        moves = by_buyer[buyer.pk]
        owed = sum((change for _day, change in moves), ZERO)
        if owed or buyer.is_active or buyer.pk in taken:
            since = _unpaid_since(moves, owed)
            found.append(ToCollect(buyer, owed, last.get(buyer.pk), since, taken.get(buyer.pk, ZERO)))
    return sorted(found, key=lambda one: (-one.owed, one.buyer.number))


def _unpaid_since(moves: list[tuple[dt.date, Decimal]], owed: Decimal) -> dt.date | None:
    """The oldest day whose sales are not wholly covered: from the newest back, what he took makes up what he owes."""
    left, since = owed, None
    for day, change in reversed(moves):
        if left <= 0:
            break
        if change > 0:
            left -= change
            since = day
    return since


@dataclass(frozen=True)
class Shrinkage:
    """A flower's day: what was weighed in and what was sold, in the flower's unit."""

    day: dt.date
    flower: Flower
    came: Decimal
    sold: Decimal

    @property
    def difference(self) -> Decimal:
        """How far they are apart; `word` says which way."""
        return abs(self.came - self.sold)

    @property
    def word(self) -> str:
        if self.came == self.sold:
            return _("equal")
        if not self.sold:
            return _("nothing sold on credit")
        return _("shrinkage") if self.came > self.sold else _("more sold than came")


def shrinkage_of(shop: Shop, start: dt.date, end: dt.date) -> list[Shrinkage]:
    """By day and flower what came in and what was sold on credit, newest day first; never forced to match."""
    came = {
        (row["business_date"], row["flower"]): row["sum"]
        for row in DailyEntry.objects.filter(
            shop=shop, business_date__range=(start, end), status=EntryStatus.CONFIRMED
        )
        .order_by()
        .values("business_date", "flower")
        .annotate(sum=Sum("quantity"))
    }
    sold = {
        (row["business_date"], row["flower"]): row["sum"]
        for row in BuyerSale.objects.filter(
            shop=shop, business_date__range=(start, end), status=SaleStatus.STANDING
        )
        .order_by()
        .values("business_date", "flower")
        .annotate(sum=Sum("quantity"))
    }
    flowers = Flower.objects.in_bulk({flower for _day, flower in {*came, *sold}})
    rows = [
        Shrinkage(day, flowers[flower], came.get((day, flower), ZERO), sold.get((day, flower), ZERO))
        for day, flower in {*came, *sold}
    ]
    return sorted(rows, key=lambda row: (-row.day.toordinal(), row.flower.code))


def sale_answer(sale: BuyerSale) -> dict[str, Any]:
    """A sale to a buyer as JSON; numbers as strings."""
    return {
        "id": str(sale.pk),
        "buyer": str(sale.buyer_id),
        "flower": str(sale.flower_id),
        "entry": str(sale.entry_id) if sale.entry_id else None,
        "business_date": sale.business_date.isoformat(),
        "quantity": f"{sale.quantity:.3f}",
        "unit": sale.unit,
        "rate": f"{sale.rate:.2f}",
        "amount": f"{sale.amount:.2f}",
        "note": sale.note,
        "status": sale.status,
        "void_reason": sale.void_reason,
        "version": sale.version,
    }


def receipt_answer(receipt: BuyerReceipt) -> dict[str, Any]:
    """A receipt from a buyer as JSON; numbers as strings."""
    return {
        "id": str(receipt.pk),
        "buyer": str(receipt.buyer_id),
        "amount": f"{receipt.amount:.2f}",
        "business_date": receipt.business_date.isoformat(),
        "mode": receipt.mode,
        "reference": receipt.reference,
        "note": receipt.note,
        "voucher": receipt.voucher,
        "reverses": str(receipt.reverses_id) if receipt.reverses_id else None,
    }


def buyer_answer(buyer: Buyer) -> dict[str, Any]:
    """A buyer as JSON."""
    kept = ("number", "name_ta", "name_en", "place_ta", "place_en", "phone", "is_active", "version")
    return {"id": str(buyer.pk), **{name: getattr(buyer, name) for name in kept}}


def find_buyer(shop: Shop, words: str) -> Buyer | None:
    """The buyer meant by his number, alone or before his name. None where nobody is meant."""
    first = words.split(maxsplit=1)[0] if words.strip() else ""
    return shop.buyers.filter(number=int(first)).first() if first.isdecimal() and len(first) <= 4 else None


def posted_by(kind: JournalKind, journal: UUID) -> Transfer | None:
    """The transfer a sale or receipt wrote; None for what was worth nothing."""
    return Transfer.objects.filter(journal_kind=kind, journal=journal).first()
