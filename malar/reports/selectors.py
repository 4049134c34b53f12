"""The reports: what each answers, whom it is for and by what it can be narrowed down. A new one is a row of REPORTS."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ledger.domain import AccountKind, RollupKind
from ledger.models import Farmer
from ledger.selectors.ages import STEPS, loans_by_age
from ledger.selectors.buyers import collection_list, who_owes_words
from ledger.selectors.farmers import farmers_seen_by
from ledger.selectors.rollups import Sums, months_of_flowers, sums_of
from malar.accounts.domain import ALLOWED, Role
from malar.accounts.models import Membership
from malar.kernel import formatting
from malar.kernel.errors import NotFound
from malar.kernel.money import ZERO, to_paisa
from malar.kernel.quantities import Unit
from malar.reports.domain import Asked, Bar, Chart, Column, Figure, Kind, Row, Table
from pricing.domain import FeeIncome
from pricing.models import FeeRule
from pricing.selectors.rate_history import LONGEST as LONGEST_RATES
from pricing.selectors.rate_history import rate_history
from settlements.domain import OVER, Status
from settlements.selectors.settlements import paid_of, settlements_seen_by

LONGEST = 366
"""Days that one report may span."""
IN_A_CHART = 12
"""Names that a chart shows; the table has them all."""


@dataclass(frozen=True)
class Report:
    """A page and its files. `filters` are names of `malar.reports.forms`; `days_back` is how many days it shows
    unasked, None the month so far. Everybody from `least` up may open it, a farmer with his own figures."""

    name: str
    title: str | Promise
    says: str | Promise
    ask: Callable[[Membership, Asked], Table]
    filters: tuple[str, ...] = ("from", "to")
    least: Role = Role.STAFF
    longest: int = LONGEST
    days_back: int | None = None


def asked_farmer(member: Membership, farmer: Farmer | None) -> Farmer | None:
    """Whose figures are meant: a farmer always means himself. None: everybody's. Raises NotFound for a member who
    is no farmer of the book yet."""
    if member.role != Role.FARMER:
        return farmer
    himself = farmers_seen_by(member).first()
    if himself is None:
        raise NotFound(_("There is no such farmer."))
    return himself


def added(rows: Iterable[Row], *names: str) -> dict[str, Any]:
    """The sums of some columns."""
    totals: dict[str, Any] = dict.fromkeys(names, 0)
    for row in rows:
        for name in names:
            totals[name] += row[name]
    return totals


MONEY = (
    Column("amount", gettext_lazy("Sale value"), Kind.RUPEES),
    Column("commission", gettext_lazy("Commission"), Kind.RUPEES),
    Column("charges", gettext_lazy("Charges"), Kind.RUPEES),
)
KILOGRAMS = Column("kilograms", gettext_lazy("Weight, kg"), Kind.QUANTITY, "kg")
ENTRIES = Column("lines", gettext_lazy("Entries"), Kind.COUNT)
SUMMED = ("lines", "unpriced", "kilograms", "amount", "commission", "charges", "left")


def _left(member: Membership) -> Column:
    own = member.role == Role.FARMER
    return Column("left", _("Left for you") if own else _("Left for farmers"), Kind.RUPEES)


def _row(sums: Sums) -> dict[str, Any]:
    return {
        "lines": sums.lines,
        "unpriced": sums.unpriced,
        "kilograms": sums.quantity,
        "amount": sums.amount,
        "commission": sums.commission,
        "charges": sums.charges,
        "left": sums.left,
    }


def _unpriced_note(count: int) -> str:
    if not count:
        return ""
    return ngettext(
        "%(count)s entry has no rate yet and is not counted here.",
        "%(count)s entries have no rate yet and are not counted here.",
        count,
    ) % {"count": count}


def daily(member: Membership, asked: Asked) -> Table:
    """Day by day what came and what it made."""
    whom = asked_farmer(member, asked.farmer)
    sums = sums_of(member.shop, RollupKind.FARMER, asked.start, asked.end, by_day=True, farmer=whom)
    rows = [
        {"day": each.day, "farmers": each.times, **_row(each)}
        | ({} if member.role == Role.FARMER else {"href": f"{reverse('home:board')}?day={each.day}"})
        for each in sums
    ]
    totals = added(rows, *SUMMED)
    by_day = {row["day"]: row["kilograms"] for row in rows}
    span = [asked.start + dt.timedelta(n) for n in range((asked.end - asked.start).days + 1)]
    return Table(
        columns=[
            Column("day", gettext_lazy("Date"), Kind.DAY),
            *([] if whom else [Column("farmers", gettext_lazy("Farmers"), Kind.COUNT)]),
            ENTRIES,
            KILOGRAMS,
            *MONEY,
            _left(member),
        ],
        rows=rows,
        totals=totals,
        as_of=asked.now,
        figures=_figures(totals),
        chart=Chart(
            _("Kilograms day by day"),
            [
                Bar(
                    formatting.day(day),
                    max(by_day.get(day, ZERO), ZERO),
                    f"{formatting.weight(by_day.get(day, ZERO), 'kg')} {_('kg')}",
                    formatting.day(day)[:5],
                )
                for day in span
            ],
            along=True,
        )
        if len(span) > 1 and rows
        else None,
        note=_unpriced_note(totals["unpriced"]),
    )


def _figures(totals: Row) -> list[Figure]:
    return [
        Figure(_("Weight"), totals["kilograms"], Kind.QUANTITY, "kg"),
        Figure(_("Sale value"), totals["amount"], Kind.RUPEES),
        Figure(_("Commission"), totals["commission"], Kind.RUPEES),
        Figure(_("Charges"), totals["charges"], Kind.RUPEES),
    ]


def farmers(member: Membership, asked: Asked) -> Table:
    """Farmer by farmer what they brought and what is left for them; the largest first."""
    whom = asked_farmer(member, None)
    sums = sums_of(member.shop, RollupKind.FARMER, asked.start, asked.end, by_subject=True, farmer=whom)
    known = farmers_seen_by(member).in_bulk([each.subject for each in sums])
    rows = []
    for each in sums:
        farmer = known[each.subject]
        if asked.village and asked.village != farmer.village:
            continue
        rows.append(
            {
                "farmer": str(farmer.pk),
                "number": farmer.number,
                "code": farmer.code,
                "name": farmer.name,
                "village": farmer.village,
                "days": each.times,
                **_row(each),
                "href": reverse("ledger:farmer_account", args=[farmer.pk]),
            }
        )
    rows.sort(key=lambda row: (-row["amount"], row["number"]))
    totals = added(rows, *SUMMED)
    return Table(
        columns=[
            Column("name", gettext_lazy("Farmer")),
            Column("number", gettext_lazy("Number"), Kind.COUNT),
            Column("village", gettext_lazy("Village")),
            Column("days", gettext_lazy("Days he came"), Kind.COUNT),
            ENTRIES,
            KILOGRAMS,
            *MONEY,
            _left(member),
        ],
        rows=rows,
        totals=totals,
        as_of=asked.now,
        figures=_figures(totals)[1:2] + _figures(totals)[:1] + [Figure(_("Farmers"), len(rows), Kind.COUNT)],
        chart=_largest(_("Sale value of the largest farmers"), rows) if len(rows) > 1 else None,
        note=_unpriced_note(totals["unpriced"]),
    )


def _largest(title: str, rows: list[Any], of: str = "amount") -> Chart:
    return Chart(
        title, [Bar(row["name"], max(row[of], ZERO), formatting.rupees(row[of])) for row in rows[:IN_A_CHART]]
    )


def flowers(member: Membership, asked: Asked) -> Table:
    """Flower by flower how much came and at what rates."""
    whom = asked_farmer(member, asked.farmer)
    sums = sums_of(member.shop, RollupKind.FLOWER, asked.start, asked.end, by_subject=True, farmer=whom)
    known = member.shop.flowers.in_bulk([each.subject for each in sums])
    rows: list[dict[str, Any]] = [
        {
            "flower": str(each.subject),
            "code": known[each.subject].code,
            "name": known[each.subject].name,
            "unit": each.unit,
            "lines": each.lines,
            "unpriced": each.unpriced,
            "quantity": each.quantity,
            "low": each.low,
            "average": None if each.average is None else to_paisa(each.average),
            "high": each.high,
            "amount": each.amount,
            "commission": each.commission,
        }
        for each in sums
    ]
    rows.sort(key=lambda row: (-row["amount"], row["name"]))
    totals = added(rows, "lines", "unpriced", "amount", "commission")
    first = rows[0] if rows else None
    return Table(
        columns=[
            Column("name", gettext_lazy("Flower")),
            Column("unit_words", gettext_lazy("Unit")),
            ENTRIES,
            Column("quantity", gettext_lazy("Quantity"), Kind.QUANTITY),
            Column("low", gettext_lazy("Lowest"), Kind.RUPEES),
            Column("average", gettext_lazy("Average"), Kind.RUPEES),
            Column("high", gettext_lazy("Highest"), Kind.RUPEES),
            *MONEY[:2],
        ],
        rows=[row | {"unit_words": _unit_words(row["unit"])} for row in rows],
        totals=totals,
        as_of=asked.now,
        figures=[
            *(
                [Figure(_("%(flower)s, average") % {"flower": first["name"]}, first["average"], Kind.RUPEES)]
                if first
                else []
            ),
            Figure(_("Sale value"), totals["amount"], Kind.RUPEES),
            Figure(_("Entries"), totals["lines"], Kind.COUNT),
        ],
        chart=_largest(_("Sale value by flower"), rows) if len(rows) > 1 else None,
        note=_unpriced_note(totals["unpriced"]),
    )


def _unit_words(unit: str) -> str:
    return str(Unit(unit).label)


def commission(member: Membership, asked: Asked) -> Table:
    """Day by day what the shop keeps: commission and each fee; and what it takes only to pass it on."""
    whom, shop = asked_farmer(member, asked.farmer), member.shop
    sums = {
        each.day: each
        for each in sums_of(shop, RollupKind.FARMER, asked.start, asked.end, by_day=True, farmer=whom)
    }
    charged = sums_of(shop, RollupKind.FEE, asked.start, asked.end, by_day=True, by_subject=True, farmer=whom)
    rules = FeeRule.objects.filter(shop=shop).in_bulk([each.subject for each in charged])
    # A fee that got another rate is another row of the same code.
    names = {rule.code: rule.name for rule in rules.values()}
    fees: dict[Any, dict[str, Decimal]] = defaultdict(lambda: dict.fromkeys(names, ZERO))
    passed_on: dict[Any, Decimal] = defaultdict(lambda: ZERO)
    for each in charged:
        rule = rules[each.subject]
        fees[each.day][rule.code] += each.charges
        if rule.income == FeeIncome.PASS_THROUGH:
            passed_on[each.day] += each.charges
    rows: list[dict[str, Any]] = [
        {
            "day": day,
            "amount": each.amount,
            "commission": each.commission,
            "fees": fees[day],
            "taken": each.commission + each.charges,
            "passed_on": passed_on[day],
            "income": each.commission + each.charges - passed_on[day],
        }
        for day, each in sums.items()
    ]
    totals = added(rows, "amount", "commission", "taken", "passed_on", "income")
    totals["fees"] = {code: sum((row["fees"][code] for row in rows), ZERO) for code in names}
    own = member.role == Role.FARMER
    main = "taken" if own else "income"
    heading = _("Taken off") if own else _("Our income")
    return Table(
        columns=[
            Column("day", gettext_lazy("Date"), Kind.DAY),
            *MONEY[:2],
            *(Column(f"fees.{code}", name, Kind.RUPEES) for code, name in sorted(names.items())),
            Column("taken", gettext_lazy("Taken off"), Kind.RUPEES),
            *(
                []
                if own
                else [
                    Column("passed_on", gettext_lazy("To be passed on"), Kind.RUPEES),
                    Column("income", gettext_lazy("Our income"), Kind.RUPEES),
                ]
            ),
        ],
        rows=rows,
        totals=totals,
        as_of=asked.now,
        figures=[
            Figure(_("Commission"), totals["commission"], Kind.RUPEES),
            *(Figure(names[code], totals["fees"][code], Kind.RUPEES) for code in sorted(names)),
            Figure(heading, totals[main], Kind.RUPEES),
        ],
        chart=Chart(
            _("%(what)s day by day") % {"what": heading},
            [
                Bar(
                    formatting.day(row["day"]),
                    max(row[main], ZERO),
                    formatting.rupees(row[main]),
                    formatting.day(row["day"])[:5],
                )
                for row in rows
            ],
            along=True,
        )
        if len(rows) > 1
        else None,
    )


def rates(member: Membership, asked: Asked) -> Table:
    """What a flower cost: called and slot by slot, newest first. Rates are the same for everybody."""
    columns = [
        Column("day", gettext_lazy("Date"), Kind.DAY),
        Column("from", gettext_lazy("From"), Kind.MOMENT),
        Column("slot", gettext_lazy("Time slot")),
        Column("rate", gettext_lazy("Rate, ₹"), Kind.RUPEES),
        Column("change", gettext_lazy("Change, ₹"), Kind.RUPEES),
        Column("by", gettext_lazy("By")),
    ]
    if asked.flower is None:
        return Table(columns=columns, rows=[], as_of=asked.now)
    history = rate_history(asked.flower, asked.start, asked.end, asked.now, line=asked.line)
    own = member.role == Role.FARMER
    rows = [
        {
            "day": row.day,
            "from": row.rate.effective_from,
            "slot": row.rate.slot.name if row.rate.slot else _("called rate"),
            "rate": row.rate.rate,
            "change": row.change,
            "by": row.rate.published_by.user.name,
        }
        for row in history.rows
    ]
    return Table(
        columns=columns[:-1] if own else columns,
        rows=rows,
        as_of=asked.now,
        figures=[
            Figure(label, value, Kind.RUPEES)
            for label, value in (
                (_("Last rate"), history.last),
                (_("Lowest"), history.low),
                (_("Highest"), history.high),
            )
            if value is not None
        ],
        picture=history if history.steps else None,
    )


def months(member: Membership, asked: Asked) -> Table:
    """Flowers month by month over the years, as of the last hour."""
    chosen = [asked.flower.pk] if asked.flower else []
    found = months_of_flowers(member.shop, asked.start, asked.end, chosen)
    known = member.shop.flowers.in_bulk({each.flower for each in found})
    rows: list[dict[str, Any]] = [
        {
            "month": each.month,
            "flower": str(each.flower),
            "name": known[each.flower].name,
            "unit": each.unit,
            "unit_words": _unit_words(each.unit),
            "lines": each.lines,
            "quantity": each.quantity,
            "low": each.low,
            "average": None if each.average is None else to_paisa(each.average),
            "high": each.high,
            "amount": each.amount,
        }
        for each in found
    ]
    rows.sort(key=lambda row: (-row["month"].toordinal(), -row["amount"], row["name"]))
    by_month: dict[dt.date, Decimal] = defaultdict(lambda: ZERO)
    for row in reversed(rows):
        by_month[row["month"]] += (row["average"] or ZERO) if asked.flower else row["amount"]
    title = _("Average rate month by month") if asked.flower else _("Sale value month by month")
    return Table(
        columns=[
            Column("month", gettext_lazy("Month"), Kind.MONTH),
            Column("name", gettext_lazy("Flower")),
            Column("unit_words", gettext_lazy("Unit")),
            ENTRIES,
            Column("quantity", gettext_lazy("Quantity"), Kind.QUANTITY),
            Column("low", gettext_lazy("Lowest"), Kind.RUPEES),
            Column("average", gettext_lazy("Average"), Kind.RUPEES),
            Column("high", gettext_lazy("Highest"), Kind.RUPEES),
            MONEY[0],
        ],
        rows=rows,
        totals=added(rows, "lines", "amount"),
        as_of=found[0].as_of if found else None,
        figures=[Figure(_("Sale value"), sum((row["amount"] for row in rows), ZERO), Kind.RUPEES)],
        chart=Chart(
            title,
            [
                Bar(
                    formatting.day(month)[3:],
                    max(value, ZERO),
                    formatting.rupees(value),
                    formatting.day(month)[3:],
                )
                for month, value in by_month.items()
            ],
            along=True,
        )
        if len(by_month) > 1
        else None,
    )


def advances(member: Membership, asked: Asked) -> Table:
    """Who owes of advances or hand loans, and how old it is."""
    kind = AccountKind(asked.loan or AccountKind.ADVANCE)
    own = [asked_farmer(member, None).pk] if member.role == Role.FARMER else None  # type: ignore[union-attr]  # himself
    aged = loans_by_age(member.shop, kind, asked.end, farmers=own)
    parts = [f"part_{n}" for n in range(len(STEPS) + 1)]
    rows = [
        {
            "farmer": str(each.farmer.pk),
            "number": each.farmer.number,
            "name": each.farmer.name,
            "village": each.farmer.village,
            "oldest": each.oldest,
            **dict(zip(parts, each.parts, strict=True)),
            "outstanding": each.outstanding,
            "href": reverse("ledger:farmer_account", args=[each.farmer.pk]),
        }
        for each in aged
    ]
    totals = added(rows, *parts, "outstanding")
    first, second, third = STEPS
    headings = (
        _("Up to %(days)s days") % {"days": first},
        _("%(from)s to %(to)s days") % {"from": first + 1, "to": second},
        _("%(from)s to %(to)s days") % {"from": second + 1, "to": third},
        _("Over %(days)s days") % {"days": third},
    )
    return Table(
        columns=[
            Column("name", gettext_lazy("Farmer")),
            Column("number", gettext_lazy("Number"), Kind.COUNT),
            Column("village", gettext_lazy("Village")),
            Column("oldest", gettext_lazy("Since"), Kind.DAY),
            *(Column(part, heading, Kind.RUPEES) for part, heading in zip(parts, headings, strict=True)),
            Column("outstanding", gettext_lazy("Outstanding"), Kind.RUPEES),
        ],
        rows=rows,
        totals=totals,
        as_of=asked.now,
        figures=[
            Figure(_("Outstanding"), totals["outstanding"], Kind.RUPEES),
            Figure(headings[-1], totals[parts[-1]], Kind.RUPEES),
            Figure(_("Farmers"), len(rows), Kind.COUNT),
        ],
        chart=Chart(
            _("Outstanding by age"),
            [
                Bar(heading, totals[part], formatting.rupees(totals[part]))
                for part, heading in zip(parts, headings, strict=True)
            ],
        )
        if rows
        else None,
    )


def collection(member: Membership, asked: Asked) -> Table:
    """Which buyers owe how much, and since when."""
    found = collection_list(member.shop, asked.end)
    rows: list[dict[str, Any]] = [
        {
            "buyer": str(each.buyer.pk),
            "number": each.buyer.number,
            "name": each.buyer.name,
            "place": each.buyer.place,
            "unpaid_since": each.unpaid_since,
            "last_receipt": each.last_receipt,
            "taken_today": each.taken_today,
            "balance": each.size,
            "who": who_owes_words(each.owed),
            "owed": max(each.owed, ZERO),
            "href": reverse("ledger:buyer_detail", args=[each.buyer.pk]),
        }
        for each in found
    ]
    to_collect = sum((row["owed"] for row in rows), ZERO)
    return Table(
        columns=[
            Column("name", gettext_lazy("Buyer")),
            Column("number", gettext_lazy("Number"), Kind.COUNT),
            Column("place", gettext_lazy("Place")),
            Column("unpaid_since", gettext_lazy("Unpaid since"), Kind.DAY),
            Column("last_receipt", gettext_lazy("Last receipt"), Kind.DAY),
            Column("taken_today", gettext_lazy("Today's sales"), Kind.RUPEES),
            Column("balance", gettext_lazy("Balance"), Kind.RUPEES),
            Column("who", gettext_lazy("Who owes")),
        ],
        rows=rows,
        as_of=asked.now,
        figures=[Figure(_("To collect"), to_collect, Kind.RUPEES)],
        chart=_largest(_("Who owes most"), [row for row in rows if row["owed"]], "owed")
        if sum(bool(row["owed"]) for row in rows) > 1
        else None,
    )


def settlements(member: Membership, asked: Asked) -> Table:
    """What was settled of the periods that ended in these days, and how much of it is paid."""
    found = list(
        settlements_seen_by(member)
        .filter(period_end__range=(asked.start, asked.end))
        .exclude(status__in=OVER)
        .order_by("farmer__number", "period_end", "created_at")
    )
    if asked.farmer:
        found = [each for each in found if each.farmer_id == asked.farmer.pk]
    paid = paid_of([each.pk for each in found])
    rows: list[dict[str, Any]] = [
        {
            "settlement": str(each.pk),
            "farmer": str(each.farmer_id),
            "name": each.farmer.name,
            "what": str(each),
            "period_end": each.period_end,
            "status": each.status,
            "status_words": str(each.get_status_display()),
            "gross": each.gross,
            "net": each.net,
            "paid": paid[each.pk],
            "due": each.net - paid[each.pk] if each.status == Status.APPROVED else ZERO,
            "carried": -each.carried,
        }
        for each in found
    ]
    totals = added(rows, "gross", "net", "paid", "due", "carried")
    return Table(
        columns=[
            Column("name", gettext_lazy("Farmer")),
            Column("what", gettext_lazy("Settlement")),
            Column("period_end", gettext_lazy("To day"), Kind.DAY),
            Column("status_words", gettext_lazy("Status")),
            Column("gross", gettext_lazy("Sale value"), Kind.RUPEES),
            Column("net", gettext_lazy("Net"), Kind.RUPEES),
            Column("paid", gettext_lazy("Paid"), Kind.RUPEES),
            Column("due", gettext_lazy("To be paid"), Kind.RUPEES),
            Column("carried", gettext_lazy("Farmer must pay"), Kind.RUPEES),
        ],
        rows=rows,
        totals=totals,
        as_of=asked.now,
        figures=[
            Figure(_("To be paid"), totals["due"], Kind.RUPEES),
            Figure(_("Paid"), totals["paid"], Kind.RUPEES),
        ],
        chart=Chart(
            _("Paid, and to be paid"),
            [
                Bar(words, Decimal(totals[name]), formatting.rupees(Decimal(totals[name])))
                for name, words in (("paid", _("Paid")), ("due", _("To be paid")))
            ],
        )
        if rows
        else None,
    )


REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        Report(
            "daily",
            gettext_lazy("Day by day"),
            gettext_lazy("What came each day, and what it made."),
            daily,
            ("from", "to", "farmer"),
            least=Role.FARMER,
        ),
        Report(
            "farmers",
            gettext_lazy("By farmer"),
            gettext_lazy("What each farmer brought, and what is left for him."),
            farmers,
            ("from", "to", "village"),
            least=Role.FARMER,
        ),
        Report(
            "flowers",
            gettext_lazy("By flower"),
            gettext_lazy("How much of each flower came, and at what rates."),
            flowers,
            ("from", "to", "farmer"),
            least=Role.FARMER,
        ),
        Report(
            "commission",
            gettext_lazy("Commission and fees"),
            gettext_lazy("What the shop keeps, and what it passes on."),
            commission,
            ("from", "to", "farmer"),
            least=Role.FARMER,
        ),
        Report(
            "rates",
            gettext_lazy("Rate history"),
            gettext_lazy("What a flower cost, called and slot by slot."),
            rates,
            ("flower", "line", "from", "to"),
            least=Role.FARMER,
            longest=LONGEST_RATES,
            days_back=6,
        ),
        Report(
            "months",
            gettext_lazy("Month by month"),
            gettext_lazy("Each flower over the months and years, to compare."),
            months,
            ("any_flower", "from", "to"),
            longest=3660,
            days_back=365,
        ),
        Report(
            "settlements",
            gettext_lazy("Settlements, due and paid"),
            gettext_lazy("What was settled, what is paid of it, and what is still to be paid."),
            settlements,
            ("from", "to", "farmer"),
            least=Role.FARMER,
        ),
        Report(
            "advances",
            gettext_lazy("Advances by age"),
            gettext_lazy("Who owes of an advance or a hand loan, and since when."),
            advances,
            ("loan", "to"),
        ),
        Report(
            "collection",
            gettext_lazy("Collection from buyers"),
            gettext_lazy("Which buyers owe how much, and since when."),
            collection,
            (),
        ),
    )
}


def reports_for(member: Membership) -> list[Report]:
    """Those that a member may open."""
    return [report for report in REPORTS.values() if member.role in ALLOWED[report.least]]
