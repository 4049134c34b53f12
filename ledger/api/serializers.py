"""What farmers and daily entries look like in requests and answers.

The answers themselves are made by ledger.selectors.answers; the shapes of them here are for the
OpenAPI document, and a test holds the two together.
"""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from ledger.domain import (
    Cadence,
    ChargeStatus,
    Direction,
    EntryKind,
    EntryStatus,
    Mode,
    MovementKind,
    MovementStatus,
    RateReason,
    Recovery,
    ReviewReason,
)
from malar.accounts.domain import Language
from malar.kernel.drf import PROBLEM, Body, Exact, Id, Moment, Money, Parameters, Quantity, Text
from malar.kernel.quantities import Unit
from malar.kernel.rest import ListParameters, Problem
from pricing.domain import AdjustmentBasis, FeeBasis, FeeIncome, RateSource

MOST_ROWS = 500

# --- Farmers --------------------------------------------------------------------------------


class FarmerAnswer(serializers.Serializer[Any]):
    """A farmer. `commission_pct` null: as the shop. `recovery_value` is ₹ or percent, as `recovery` needs."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    number = serializers.IntegerField(min_value=1, max_value=9999)
    name_ta = serializers.CharField()
    name_en = serializers.CharField()
    village_ta = serializers.CharField()
    village_en = serializers.CharField()
    phone = serializers.CharField()
    whatsapp = serializers.CharField()
    language = serializers.ChoiceField(Language.values)
    commission_pct = Money(allow_null=True)
    cadence = serializers.ChoiceField(Cadence.values)
    recovery = serializers.ChoiceField(Recovery.values)
    recovery_value = Money(allow_null=True)
    upi = serializers.CharField()
    is_active = serializers.BooleanField()
    version = serializers.IntegerField()


class FarmerParticulars(Body):
    code = Text(required=False, help_text="Absent: `F` and the number.")
    number = serializers.IntegerField(required=False, help_text="1–9999, absent: the next one.")
    name_ta = Text(required=False)
    name_en = Text(required=False)
    village_ta = Text(required=False)
    village_en = Text(required=False)
    phone = Text(required=False)
    whatsapp = Text(required=False)
    language = Text(required=False, help_text="`ta` or `en`.")
    commission_pct = Exact(required=False, allow_null=True)
    cadence = Text(required=False, help_text=", ".join(f"`{value}`" for value in Cadence.values))
    recovery = Text(required=False, help_text=", ".join(f"`{value}`" for value in Recovery.values))
    recovery_value = Exact(required=False, allow_null=True)
    upi = Text(required=False, help_text="`raja@okaxis`.")
    is_active = serializers.BooleanField(required=False)


class NewFarmer(FarmerParticulars):
    id = Id(required=False)
    name_ta = Text()


class FarmerChanges(FarmerParticulars):
    version = serializers.IntegerField(help_text="As it was read; another one is 409 `stale`.")


class FarmerParameters(ListParameters):
    search = Text(
        required=False, help_text="Code, number, name or village in either script, end of the phone."
    )
    is_active = serializers.BooleanField(required=False)
    ordering = serializers.ChoiceField(
        ["number", "-number", "code", "-code", "name_ta", "-name_ta", "name_en", "-name_en"], default="number"
    )


# --- Daily entries ------------------------------------------------------------------


class LineCharge(serializers.Serializer[Any]):
    """A fee charged with a line. `rate` is ₹ for one, or the percentage; `quantity` then the ₹ it is taken of."""

    id = serializers.UUIDField()
    fee = serializers.UUIDField()
    code = serializers.CharField()
    quantity = serializers.CharField()
    rate = Money()
    amount = Money()


class AppliedAdjustment(serializers.Serializer[Any]):
    """An adjustment as it was when it was applied. `value` is in percent or ₹ per unit, `per_unit` the ₹ it came to;
    null while the line has no rate."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name_ta = serializers.CharField()
    name_en = serializers.CharField()
    basis = serializers.ChoiceField(AdjustmentBasis.values)
    value = Money()
    per_unit = Money(allow_null=True)


class EntryAnswer(serializers.Serializer[Any]):
    """A line of the book. Money in ₹ and quantities in `unit`, as strings; null: no rate is known yet."""

    id = serializers.UUIDField()
    slip_number = serializers.CharField()
    business_date = serializers.DateField()
    slot = serializers.UUIDField(allow_null=True)
    farmer = serializers.UUIDField()
    flower = serializers.UUIDField()
    gross_quantity = Quantity(allow_null=True)
    tare = Quantity()
    quantity = Quantity()
    unit = serializers.ChoiceField(Unit.values)
    sacks = serializers.IntegerField()
    sack_weights = serializers.ListField(child=Quantity(), allow_null=True)
    called_rate = Money(allow_null=True, help_text="What the board said at that moment.")
    rate = Money(allow_null=True)
    quoted_rate = Money(allow_null=True, help_text="What a tablet showed, where the board said another.")
    other_rate = Money(
        allow_null=True,
        help_text="With `time_unsure`: the rate after a change it may have been weighed after.",
    )
    rate_pending = serializers.BooleanField()
    rate_source = serializers.ChoiceField(RateSource.values, allow_null=True)
    rate_reason = serializers.ChoiceField(RateReason.values, allow_null=True)
    amount = Money(allow_null=True)
    commission_pct = Money()
    commission = Money(allow_null=True)
    commission_per_unit = Money()
    adjustments = AppliedAdjustment(many=True, help_text="What the rate on the board was changed by.")
    charges = LineCharge(many=True)
    kind = serializers.ChoiceField(EntryKind.values)
    corrects = serializers.UUIDField(allow_null=True, help_text="The settled line this one puts right.")
    note = serializers.CharField()
    status = serializers.ChoiceField(EntryStatus.values)
    void_reason = serializers.CharField()
    needs_review = serializers.BooleanField()
    review_reasons = serializers.ListField(child=serializers.ChoiceField(ReviewReason.values))
    version = serializers.IntegerField()
    captured_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    created_by = serializers.UUIDField()


class Figures(Body):
    """What was weighed (`gross_quantity` or `sack_weights`, less `tare`) or counted (`quantity`)."""

    gross_quantity = Exact(required=False, allow_null=True, help_text="Weight with sacks.")
    tare = Exact(required=False, allow_null=True, help_text="Weight of the sacks.")
    quantity = Exact(required=False, allow_null=True, help_text="A count, or a weight without sacks.")
    unit = Text(
        required=False,
        allow_null=True,
        help_text="`kg`, `g` (kept as kg), `bundle`, `piece`, `bag`; absent: the flower's.",
    )
    sacks = serializers.IntegerField(required=False, allow_null=True)
    sack_weights = serializers.ListField(child=Exact(), required=False, allow_null=True)
    rate = Exact(required=False, allow_null=True, help_text="₹ per unit; absent: the rate in force.")
    rate_reason = Text(
        required=False, allow_null=True, help_text=", ".join(f"`{value}`" for value in RateReason.values)
    )
    adjustments = serializers.ListField(
        child=Id(),
        required=False,
        help_text="Ids of adjustments of the rate in force; not with a typed rate.",
    )
    commission_pct = Exact(required=False, help_text="Percent of the amount; only the owner types it.")
    commission_per_unit = Exact(required=False, help_text="₹ per unit; only the owner types it.")
    note = Text(required=False)


class NewEntry(Figures):
    id = Id(required=False, allow_null=True)
    farmer = Id()
    flower = Id()
    captured_at = Moment(help_text="When it was weighed.")
    slip_number = Text(
        required=False, allow_null=True, help_text="Only of a series that is not the shop's own."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not any(attrs.get(name) is not None for name in ("gross_quantity", "quantity", "sack_weights")):
            missing = ErrorDetail(_("Enter the weight or the count."), "required")
            raise ValidationError({"gross_quantity": [missing]})
        return attrs


class EntryChanges(Figures):
    """What is absent stays. `rate` null asks the board again."""

    version = serializers.IntegerField(help_text="As it was read; another one is 409 `stale`.")
    farmer = Id(required=False)
    flower = Id(required=False)
    reason = Text(required=False, help_text="Why; kept in the history.")


class Voiding(Body):
    reason = Text()
    version = serializers.IntegerField(required=False, allow_null=True)


@extend_schema_field(NewEntry(many=True))
class Rows(serializers.ListField):
    """Rows that are read one by one, so that one that cannot be read does not stop the others."""

    child = serializers.JSONField()


class EntryBatch(Body):
    entries = Rows(help_text=f"At most {MOST_ROWS}.")


class RowResult(serializers.Serializer[Any]):
    status = serializers.IntegerField()
    replayed = serializers.BooleanField(required=False)
    entry = EntryAnswer(required=False)
    problem = Problem(required=False)


class BatchAnswer(serializers.Serializer[Any]):
    """One result for each row, in the order of the rows."""

    results = RowResult(many=True)


class VersionAnswer(serializers.Serializer[Any]):
    """A line as it stood, and who made it so."""

    version = serializers.IntegerField()
    at = serializers.DateTimeField()
    by = serializers.CharField(help_text="Name of the member; empty where nobody signed in did it.")
    door = serializers.CharField(help_text="page, api, sync, task, command or admin.")
    reason = serializers.CharField()
    entry = EntryAnswer()


class EntryParameters(ListParameters):
    farmer = Id(required=False)
    flower = Id(required=False)
    date = serializers.DateField(required=False, help_text="The business date.")
    from_ = serializers.DateField(required=False, help_text="Business dates from this one on.")
    to = serializers.DateField(required=False, help_text="Business dates up to this one, included.")
    status = serializers.ChoiceField(EntryStatus.values, required=False)
    rate_pending = serializers.BooleanField(required=False)
    ordering = serializers.ChoiceField(
        ["captured_at", "-captured_at", "received_at", "-received_at"], default="-captured_at"
    )


# --- Money given and taken back, and what it comes to ------------------------------------------


class MovementAnswer(serializers.Serializer[Any]):
    """Money that moved between the shop and a farmer. While it is `waiting` nothing of it is in the book."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(MovementKind.values)
    farmer = serializers.UUIDField()
    amount = Money(help_text="Below zero only of an opening balance: the farmer owed it.")
    business_date = serializers.DateField()
    mode = serializers.ChoiceField(Mode.values)
    reference = serializers.CharField()
    note = serializers.CharField()
    status = serializers.ChoiceField(MovementStatus.values)
    voucher = serializers.CharField(help_text="Empty while it is in no book.")
    reverses = serializers.UUIDField(allow_null=True, help_text="The movement that this one takes back.")
    reversed_by = serializers.UUIDField(allow_null=True)
    decided_by = serializers.UUIDField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_note = serializers.CharField()
    created_by = serializers.UUIDField()
    created_at = serializers.DateTimeField()


class NewMovement(Body):
    id = Id(required=False, allow_null=True)
    kind = Text(help_text=", ".join(f"`{value}`" for value in MovementKind.values))
    farmer = Id()
    amount = Exact(help_text="₹, above zero; of an opening balance below zero where the farmer owed it.")
    business_date = serializers.DateField()
    mode = Text(help_text="`cash`, `upi`, `bank`, `cheque`; `none` only of opening figures.")
    reference = Text(required=False, help_text="Number of the cheque or the payment.")
    note = Text(required=False)


class Reversing(Body):
    reason = Text()


class Approving(Body):
    note = Text(required=False)


class Refusing(Body):
    note = Text(help_text="Why; kept with it.")


class MovementParameters(ListParameters):
    farmer = Id(required=False)
    kind = serializers.ChoiceField(MovementKind.values, required=False)
    status = serializers.ChoiceField(MovementStatus.values, required=False)
    date = serializers.DateField(required=False, help_text="The business date.")
    from_ = serializers.DateField(required=False, help_text="Business dates from this one on.")
    to = serializers.DateField(required=False, help_text="Business dates up to this one, included.")
    ordering = serializers.ChoiceField(
        ["created_at", "-created_at", "business_date", "-business_date"], default="-created_at"
    )


class UnsettledAnswer(serializers.Serializer[Any]):
    gross = Money()
    commission = Money()
    charges = Money()
    draws = Money()
    unpriced = serializers.IntegerField(help_text="Lines without a rate: they are in none of the sums.")


class BalanceAnswer(serializers.Serializer[Any]):
    """What stands between a farmer and the shop, in ₹. `net` = payable + unsettled gross − commission − charges
    − draws, without its sign; advance and hand loan stand beside it."""

    payable = Money()
    advance = Money()
    hand_loan = Money()
    unsettled = UnsettledAnswer()
    net = Money()
    direction = serializers.ChoiceField(Direction.values)
    as_of = serializers.DateField()


class NetAnswer(serializers.Serializer[Any]):
    net = Money()
    direction = serializers.ChoiceField(Direction.values)


class AccountRow(serializers.Serializer[Any]):
    """One dated row: a day's lines, a day's charges of one fee, or a movement. `up` makes the balance larger."""

    date = serializers.DateField()
    kind = serializers.CharField(help_text="`lines`, `charges`, `movement`, …")
    up = Money(allow_null=True)
    down = Money(allow_null=True)
    lines = serializers.IntegerField()
    unpriced = serializers.IntegerField()
    kilograms = Quantity()
    gross = Money()
    commission = Money()
    fee = serializers.CharField(allow_null=True)
    quantity = Quantity()
    movement = serializers.UUIDField(allow_null=True)
    movement_kind = serializers.ChoiceField(MovementKind.values, allow_null=True)
    reverses = serializers.UUIDField(allow_null=True)
    voucher = serializers.CharField()
    mode = serializers.ChoiceField(Mode.values, allow_null=True)


class RunningRow(AccountRow):
    balance = NetAnswer()


class LoanRow(AccountRow):
    outstanding = Money()


class LoanAnswer(serializers.Serializer[Any]):
    opening = Money()
    rows = LoanRow(many=True)
    closing = Money()


class StatementAnswer(serializers.Serializer[Any]):
    """A farmer's running account: opening and rows come to the closing figure, advance and hand loan beside it."""

    farmer = serializers.UUIDField()
    to = serializers.DateField()
    opening = NetAnswer()
    rows = RunningRow(many=True)
    closing = NetAnswer()
    unpriced = serializers.IntegerField()
    advance = LoanAnswer()
    hand_loan = LoanAnswer()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": serializers.DateField(), **super().get_fields()}


class StatementParameters(Parameters):
    from_ = serializers.DateField(help_text="The first day.")
    to = serializers.DateField(help_text="The last day, included.")


# --- Charges ------------------------------------------------------------------------


class ChargeAnswer(LineCharge):
    """A fee that a farmer bears. `entry` null: charged by hand. Only a `standing` one counts."""

    farmer = serializers.UUIDField()
    entry = serializers.UUIDField(allow_null=True)
    business_date = serializers.DateField()
    basis = serializers.ChoiceField(FeeBasis.values)
    income = serializers.ChoiceField(FeeIncome.values)
    automatic = serializers.BooleanField()
    status = serializers.ChoiceField(ChargeStatus.values)
    reason = serializers.CharField()
    note = serializers.CharField()
    version = serializers.IntegerField()
    created_by = serializers.UUIDField()
    created_at = serializers.DateTimeField()


class NewCharge(Body):
    id = Id(required=False, allow_null=True)
    farmer = Id()
    fee = Id()
    business_date = serializers.DateField()
    quantity = Exact(help_text="Sacks, trips, kg or pieces; of a percentage the ₹ it is taken of.")
    rate = Exact(required=False, allow_null=True, help_text="₹ for one, or percent; absent: the fee's.")
    note = Text(required=False)


class Waiving(Body):
    reason = Text()
    version = serializers.IntegerField(required=False, allow_null=True)


class ChargeParameters(ListParameters):
    farmer = Id(required=False)
    date = serializers.DateField(required=False, help_text="The business date.")
    from_ = serializers.DateField(required=False, help_text="Business dates from this one on.")
    to = serializers.DateField(required=False, help_text="Business dates up to this one, included.")
    status = serializers.ChoiceField(ChargeStatus.values, required=False)
    ordering = serializers.ChoiceField(
        ["created_at", "-created_at", "business_date", "-business_date"], default="-created_at"
    )


# --- Examples -------------------------------------------------------------------------------

WEIGHED = OpenApiExample(
    "Weighed, with a rate agreed on the spot",
    {
        "id": "0198c0de-7a11-7000-8000-000000000001",
        "farmer": "0198c0de-7a11-7000-8000-0000000000f1",
        "flower": "0198c0de-7a11-7000-8000-0000000000b1",
        "captured_at": "2026-03-06T04:50:00+05:30",
        "gross_quantity": "6.100",
        "tare": "0.200",
        "sacks": 1,
        "rate": "1450.00",
        "rate_reason": "agreed",
        "note": "",
    },
    request_only=True,
)
COUNTED = OpenApiExample(
    "Counted, at the rate in force",
    {
        "farmer": "0198c0de-7a11-7000-8000-0000000000f1",
        "flower": "0198c0de-7a11-7000-8000-0000000000b2",
        "captured_at": "2026-03-06T05:40:00+05:30",
        "quantity": 60,
    },
    request_only=True,
)
RECORDED = OpenApiExample(
    "Recorded and priced",
    {
        "id": "0198c0de-7a11-7000-8000-000000000001",
        "slip_number": "S1-0603-018",
        "business_date": "2026-03-06",
        "slot": None,
        "farmer": "0198c0de-7a11-7000-8000-0000000000f1",
        "flower": "0198c0de-7a11-7000-8000-0000000000b1",
        "gross_quantity": "6.100",
        "tare": "0.200",
        "quantity": "5.900",
        "unit": "kg",
        "sacks": 1,
        "sack_weights": None,
        "called_rate": "1400.00",
        "rate": "1450.00",
        "quoted_rate": None,
        "other_rate": None,
        "rate_pending": False,
        "rate_source": "manual",
        "rate_reason": "agreed",
        "amount": "8555.00",
        "commission_pct": "10.00",
        "commission": "855.50",
        "commission_per_unit": "0.00",
        "adjustments": [],
        "charges": [
            {
                "id": "0198c0de-7a11-7000-8000-0000000000d1",
                "fee": "0198c0de-7a11-7000-8000-0000000000e1",
                "code": "coolie",
                "quantity": "1",
                "rate": "10.00",
                "amount": "10.00",
            }
        ],
        "kind": "sale",
        "corrects": None,
        "note": "",
        "status": "confirmed",
        "void_reason": "",
        "needs_review": False,
        "review_reasons": [],
        "version": 1,
        "captured_at": "2026-03-06T04:50:00+05:30",
        "received_at": "2026-03-06T04:50:02.118204+05:30",
        "created_by": "0198c0de-7a11-7000-8000-0000000000c1",
    },
    response_only=True,
    status_codes=["201"],
)
REFUSED = OpenApiExample(
    "Nothing on the scale",
    {
        "type": "about:blank",
        "title": "Refused by a rule",
        "status": 422,
        "detail": "Weight cannot be 0. Put the sack on the scale again.",
        "code": "not_positive",
        "errors": [
            {
                "pointer": "/gross_quantity",
                "code": "not_positive",
                "detail": "Weight cannot be 0. Put the sack on the scale again.",
            }
        ],
    },
    response_only=True,
    status_codes=["422"],
    media_type=PROBLEM,
)
