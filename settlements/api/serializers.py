"""What runs and settlements look like in requests and answers.

The answers themselves are made by settlements.selectors.settlements; the shapes of them here are for the
OpenAPI document, and a test holds the two together.
"""

from decimal import Decimal
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ledger.domain import Mode
from malar.accounts.domain import Role
from malar.kernel.drf import Body, Exact, Id, Money, Parameters, Quantity, Text
from malar.kernel.quantities import Unit
from malar.kernel.rest import ListParameters
from settlements.domain import LeftOut, Method, RunStatus, Side, Status

# --- Runs -----------------------------------------------------------------------------------


class LeftOutAnswer(serializers.Serializer[Any]):
    """A farmer who is not settled, and why; `words` say it in the language of the request."""

    farmer = serializers.UUIDField()
    code = serializers.CharField()
    name_ta = serializers.CharField()
    name_en = serializers.CharField()
    reason = serializers.ChoiceField(LeftOut.values)
    words = serializers.CharField()


class RunSummary(serializers.Serializer[Any]):
    """A pass over the farmers. `progress` in percent; `fault` says why it `failed`: nothing was changed then."""

    id = serializers.UUIDField()
    number = serializers.IntegerField()
    period_start = serializers.DateField()
    period_end = serializers.DateField()
    status = serializers.ChoiceField(RunStatus.values)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    settled = serializers.IntegerField(help_text="How many settlements it made.")
    left_out = LeftOutAnswer(many=True)
    fault = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class RunAnswer(RunSummary):
    settlements = serializers.ListField(child=serializers.UUIDField())


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": ["string", "number"], "format": "decimal"},
        "description": "₹ by the farmer's id, where it is not his own policy.",
    }
)
class Recoveries(serializers.DictField):
    """₹ by farmer."""

    child: Any = Exact()

    def to_internal_value(self, data: Any) -> dict[UUID, Decimal]:
        read = super().to_internal_value(data)
        unread: dict[str, Any] = {}
        found: dict[UUID, Decimal] = {}
        for farmer, amount in read.items():
            try:
                found[Id().to_internal_value(farmer)] = amount
            except serializers.ValidationError as error:
                unread[farmer] = error.detail
        if unread:
            raise serializers.ValidationError(unread)
        return found


class NewRun(Body):
    id = Id(required=False)
    period_start = serializers.DateField(help_text="Lines of days before it are taken too, and marked late.")
    period_end = serializers.DateField(help_text="The last day, included: what nobody has taken up to it is.")
    farmers = serializers.ListField(
        child=Id(), required=False, allow_null=True, help_text="Ids; absent: all of them."
    )
    recovery = Recoveries(required=False)
    despite_tablets = serializers.BooleanField(
        required=False, help_text="Also while a tablet still has lines to send; they fall into the next one."
    )
    dry_run = serializers.BooleanField(required=False, help_text="Only say what would come of it.")


class SettlementFigures(serializers.Serializer[Any]):
    """₹ as on the paper: positive, but `brought_forward`, `rounding` and `carried`, which are below zero where the
    farmer owes. gross − commission − charges − draws − hand_loans − recovery + brought_forward + rounding −
    carried = net."""

    gross = Money()
    commission = Money()
    charges = Money()
    draws = Money()
    hand_loans = Money()
    recovery = Money()
    brought_forward = Money()
    rounding = Money()
    net = Money()
    carried = Money()
    advance_after = Money()


class ForeseenSettlement(SettlementFigures):
    farmer = serializers.UUIDField()
    code = serializers.CharField()
    name_ta = serializers.CharField()
    name_en = serializers.CharField()
    lines = serializers.IntegerField()
    late_lines = serializers.IntegerField()


class PreviewAnswer(serializers.Serializer[Any]):
    """What a run would make now, by the same reckoning; nothing of it is kept."""

    dry_run = serializers.BooleanField()
    period_start = serializers.DateField()
    period_end = serializers.DateField()
    settled = serializers.IntegerField()
    net = Money(help_text="What all of them come to.")
    settlements = ForeseenSettlement(many=True)
    left_out = LeftOutAnswer(many=True)


class RunParameters(ListParameters):
    ordering = serializers.ChoiceField(["number", "-number"], default="-number")


# --- Settlements ----------------------------------------------------------------------------


class SettlementSummary(SettlementFigures):
    """A settlement. `number` is null until both sides have approved it; `reference` it has from its draft on."""

    id = serializers.UUIDField()
    number = serializers.CharField(allow_null=True)
    reference = serializers.CharField()
    farmer = serializers.UUIDField()
    run = serializers.UUIDField()
    period_start = serializers.DateField()
    period_end = serializers.DateField()
    status = serializers.ChoiceField(Status.values)
    content_hash = serializers.CharField(
        help_text="What both sides approve; another content has another one."
    )
    version = serializers.IntegerField()


class SettledLine(serializers.Serializer[Any]):
    """A line it took. `late`: of a day before the period."""

    entry = serializers.UUIDField()
    slip_number = serializers.CharField()
    business_date = serializers.DateField()
    flower = serializers.UUIDField()
    quantity = Quantity()
    unit = serializers.ChoiceField(Unit.values)
    rate = Money()
    amount = Money()
    commission = Money()
    late = serializers.BooleanField()
    corrects = serializers.UUIDField(allow_null=True)


class SettledCharge(serializers.Serializer[Any]):
    charge = serializers.UUIDField()
    business_date = serializers.DateField()
    fee = serializers.UUIDField()
    code = serializers.CharField()
    quantity = serializers.CharField()
    rate = Money()
    amount = Money()


class SettledDraw(serializers.Serializer[Any]):
    """A draw it took; below zero one that was taken back."""

    movement = serializers.UUIDField()
    voucher = serializers.CharField()
    business_date = serializers.DateField()
    amount = Money()


class ApprovalAnswer(serializers.Serializer[Any]):
    """That a side agreed. `stands` false: to another content than the present one."""

    role = serializers.ChoiceField(Role.values)
    by = serializers.CharField(allow_null=True, help_text="Name; null where nobody signed in.")
    method = serializers.ChoiceField(Method.values)
    at = serializers.DateTimeField()
    stands = serializers.BooleanField()


class PaymentAnswer(serializers.Serializer[Any]):
    """What was paid of it. One that bounced is taken back by another, which names it in `reverses`."""

    id = serializers.UUIDField()
    amount = Money()
    mode = serializers.ChoiceField(Mode.values)
    reference = serializers.CharField()
    business_date = serializers.DateField()
    voucher = serializers.CharField()
    reverses = serializers.UUIDField(allow_null=True)


class SettlementAnswer(SettlementSummary):
    lines = SettledLine(many=True)
    charge_lines = SettledCharge(many=True)
    draw_lines = SettledDraw(many=True)
    approvals = ApprovalAnswer(many=True)
    payments = PaymentAnswer(many=True)
    reason = serializers.CharField(help_text="Why it is disputed, cancelled or taken back.")


class SettlementParameters(ListParameters):
    farmer = Id(required=False)
    run = Id(required=False)
    status = serializers.ChoiceField(Status.values, required=False)
    from_ = serializers.DateField(required=False, help_text="Whose period has this day or a later one.")
    to = serializers.DateField(required=False, help_text="Whose period has this day or an earlier one.")
    ordering = serializers.ChoiceField(
        ["created_at", "-created_at", "period_end", "-period_end", "reference", "-reference"],
        default="-created_at",
    )


class DocumentParameters(Parameters):
    format = serializers.ChoiceField(["pdf", "thermal", "html"], default="pdf")
    lang = serializers.ChoiceField(["ta", "en"], required=False, help_text="Absent: the farmer's own.")


class Submitting(Body):
    """Nothing needs to be said."""


class Agreeing(Body):
    content_hash = Text(help_text="As it was read; another one is 409 `stale`.")
    on_behalf_of = serializers.ChoiceField(
        [Side.FARMER.value], required=False, help_text="Staff write down that the farmer agreed."
    )
    method = serializers.ChoiceField(
        [Method.PAPER.value], required=False, help_text="How the farmer did; he signed on paper."
    )


class Because(Body):
    reason = Text()


class Cancelling(Body):
    reason = Text(required=False)


class RecoveryChange(Body):
    recovery = Exact(help_text="₹ of his advance.")
    version = serializers.IntegerField(help_text="As it was read; another one is 409 `stale`.")


class NewPayment(Body):
    id = Id(required=False)
    amount = Exact(help_text="₹, all that is outstanding or a part.")
    mode = Text(help_text="`cash`, `upi`, `bank`, `cheque`.")
    reference = Text(required=False, help_text="Number of the cheque or the payment.")
    note = Text(required=False)
    business_date = serializers.DateField(required=False, help_text="Absent: today.")
