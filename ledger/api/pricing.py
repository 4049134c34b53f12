"""Pricing lines that wait, for programs."""

import datetime as dt
import re
from typing import Any

from django.utils.translation import gettext_lazy
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.services.repricing import price_entries
from malar.accounts.api import MemberView
from malar.kernel.drf import Body, Exact, Id, Money, Quantity, Text
from malar.kernel.rest import answered, key_of, read

CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@extend_schema_field({"type": "string", "pattern": f"^{CLOCK.pattern}$"})
class Clock(serializers.Field[dt.time, Any, str, Any]):
    """A local time of day to the minute, `04:50`; JSON Schema's own `time` wants an offset."""

    default_error_messages = {"invalid": gettext_lazy("Write the time as 04:50.")}

    def to_internal_value(self, data: Any) -> dt.time:
        if not isinstance(data, str) or not CLOCK.fullmatch(data):
            self.fail("invalid")
        return dt.time.fromisoformat(data)

    def to_representation(self, value: dt.time) -> str:
        return f"{value:%H:%M}"


class Pricing(Body):
    date = serializers.DateField(help_text="The business date.")
    flower = Id()
    from_time = Clock(help_text="Local time, included.")
    to_time = Clock(help_text="Local time, not included; `00:00` is the end of the day.")
    rate = Exact(help_text="₹ per unit, as called; a line's own adjustments come on top.")
    reason = Text(required=False, help_text="Why; kept in the history. Needed where a rate is replaced.")
    again = serializers.BooleanField(
        required=False, help_text="Also the lines that were priced so before and are not settled."
    )
    dry_run = serializers.BooleanField(required=False, help_text="Only say what would happen.")


class PricedSums(serializers.Serializer[Any]):
    lines = serializers.IntegerField()
    quantity = Quantity()
    amount_before = Money()
    amount = Money()


class PricedFarmer(PricedSums):
    farmer = serializers.UUIDField()


class PricedLine(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    slip_number = serializers.CharField()
    farmer = serializers.UUIDField()
    version = serializers.IntegerField()
    quantity = Quantity()
    rate_before = Money(allow_null=True)
    rate = Money()
    amount_before = Money(allow_null=True)
    amount = Money()


class PricingAnswer(PricedSums):
    """What was, or with `dry_run` would be, priced: every line, and what it comes to for each farmer."""

    date = serializers.DateField()
    flower = serializers.UUIDField()
    from_time = Clock()
    to_time = Clock()
    rate = Money()
    reason = serializers.CharField()
    again = serializers.BooleanField()
    dry_run = serializers.BooleanField()
    last_rate = Money(allow_null=True, help_text="What the flower was called at last before this day.")
    rate_is_far = serializers.BooleanField(help_text="More than half off `last_rate`: look twice.")
    seen = serializers.CharField(help_text="Changes when other lines, or other versions of them, are meant.")
    farmers = PricedFarmer(many=True)
    entries = PricedLine(many=True)


class DailyEntryPrice(MemberView):
    @extend_schema(
        request=Pricing,
        responses={200: PricingAnswer, 201: PricingAnswer},
        tags=["daily-entries"],
        operation_id="daily_entry_price",
    )
    def post(self, request: Request) -> Response:
        """Price the lines of a flower that wait, on a day and in a window of time; 200 for a `dry_run`."""
        key = key_of(request)
        said = read(Pricing, request.data)
        is_dry = said.get("dry_run", False)
        answer = price_entries(
            by=self.member,
            key=key,
            day=said["date"],
            flower_id=said["flower"],
            from_time=said["from_time"],
            to_time=said["to_time"],
            rate=said["rate"],
            reason=said.get("reason", ""),
            again=said.get("again", False),
            dry_run=is_dry,
        )
        return answered(answer.body, replayed=answer.replayed, status=200 if is_dry else 201)
