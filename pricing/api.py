"""Flowers, time slots, rates and fees for programs."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from malar.accounts.api import MemberListView, MemberView
from malar.kernel.drf import Body, Exact, Id, Moment, Money, Parameters, Text
from malar.kernel.quantities import Unit
from malar.kernel.rest import ListParameters, all_of, answered, key_of, page_of, read
from malar.kernel.wire import moment, money
from pricing.domain import FeeBasis, FeeIncome, Glyph, RateSource
from pricing.models import Flower, MarketRate, TimeSlot
from pricing.selectors.answers import fee_answer, rate_answer, slot_answer
from pricing.selectors.asked import flower_named, flower_of, rates_published, slot_named, sold
from pricing.selectors.fees import fee_of, fees_asked
from pricing.selectors.rates import BoardRate, board_at, board_now
from pricing.services.fees import edit_fee, set_fee
from pricing.services.rates import publish_rate

# --- Shapes ---------------------------------------------------------------------------------


class FlowerAnswer(serializers.Serializer[Flower]):
    """A flower as the shop sells it."""

    id = serializers.UUIDField()
    code = serializers.CharField()
    name_ta = serializers.CharField(allow_null=True)
    name_en = serializers.CharField(allow_null=True)
    short_name_ta = serializers.CharField(allow_blank=True)
    short_name_en = serializers.CharField(allow_blank=True)
    glyph = serializers.ChoiceField(Glyph.values)
    unit = serializers.ChoiceField(Unit.values)
    botanical_name = serializers.CharField(allow_blank=True)
    position = serializers.IntegerField()
    is_active = serializers.BooleanField()


class SlotAnswer(serializers.Serializer[TimeSlot]):
    """A stretch of the morning with rates of its own; `days` are ISO weekdays, Monday is 1."""

    id = serializers.UUIDField()
    name_ta = serializers.CharField(allow_null=True)
    name_en = serializers.CharField(allow_null=True)
    start = serializers.TimeField(format="%H:%M")
    end = serializers.TimeField(format="%H:%M")
    days = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=7))
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True, help_text="Not included.")
    is_active = serializers.BooleanField()


class RateAnswer(serializers.Serializer[MarketRate]):
    """A rate as it was published: ₹ per unit, from a moment on."""

    id = serializers.UUIDField()
    flower = serializers.UUIDField()
    slot = serializers.UUIDField(allow_null=True)
    rate = Money()
    effective_from = serializers.DateTimeField()
    effective_to = serializers.DateTimeField(allow_null=True)
    published_at = serializers.DateTimeField()


class BoardRateAnswer(serializers.Serializer[Any]):
    """What a flower costs at a moment; nulls where no rate is in force."""

    flower = serializers.UUIDField()
    rate = Money(allow_null=True)
    rate_source = serializers.ChoiceField(RateSource.values, allow_null=True)
    slot = serializers.UUIDField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)


class FeeAnswer(serializers.Serializer[Any]):
    """What a farmer is charged beside the commission: ₹ for one of what `basis` says, or a percentage.

    It holds from `effective_from` until before `effective_to`, by the entry's business date; null is open.
    """

    id = serializers.UUIDField()
    code = serializers.CharField()
    name_ta = serializers.CharField()
    name_en = serializers.CharField()
    basis = serializers.ChoiceField(FeeBasis.values)
    rate = Money()
    automatic = serializers.BooleanField(help_text="Charged with every entry.")
    income = serializers.ChoiceField(FeeIncome.values)
    effective_from = serializers.DateField(allow_null=True)
    effective_to = serializers.DateField(allow_null=True, help_text="Not included.")
    is_active = serializers.BooleanField()


class NewFee(Body):
    id = Id(required=False, allow_null=True, default=None)
    code = Text(
        help_text="Of English letters and digits. A fee in use with this code ends where this one begins."
    )
    name_ta = Text()
    name_en = Text()
    basis = Text(help_text=", ".join(f"`{value}`" for value in FeeBasis.values))
    rate = Exact(help_text="₹ for one, or percent; at most two decimals.")
    automatic = serializers.BooleanField(default=False)
    income = Text(default=str(FeeIncome.SHOP), help_text="`shop` or `pass_through`.")
    effective_from = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="Absent: valid for all dates."
    )


class FeeChange(Body):
    automatic = serializers.BooleanField(required=False)
    is_active = serializers.BooleanField(required=False)


class NewRate(Body):
    flower = Id()
    slot = Id(required=False, allow_null=True, default=None, help_text="Absent: a called rate, for the day.")
    rate = Exact(help_text="₹ per unit, at most two decimals.")
    effective_from = Moment(required=False, allow_null=True, default=None, help_text="Absent: now.")
    id = Id(required=False, allow_null=True, default=None)


class FlowerParameters(ListParameters):
    is_active = serializers.BooleanField(required=False)
    ordering = serializers.ChoiceField(["position", "-position", "code", "-code"], default="position")


class SlotParameters(ListParameters):
    is_active = serializers.BooleanField(required=False)
    ordering = serializers.ChoiceField(["start", "-start"], default="start")


class RateParameters(ListParameters):
    flower = Id(required=False)
    slot = Id(required=False)
    from_ = Moment(required=False, help_text="In force from then on or later.")
    to = Moment(required=False, help_text="In force from before then.")
    ordering = serializers.ChoiceField(
        ["effective_from", "-effective_from", "published_at", "-published_at"], default="-effective_from"
    )


class FeeParameters(ListParameters):
    code = serializers.CharField(required=False)
    on = serializers.DateField(required=False, help_text="In use on this business date.")
    is_active = serializers.BooleanField(required=False)
    ordering = serializers.ChoiceField(["code", "-code"], default="code")


class BoardParameters(Parameters):
    at = Moment(required=False, help_text="Absent: now.")


def flower_answer(flower: Flower) -> dict[str, Any]:
    return dict(FlowerAnswer(flower).data)


def board_answer(rate: BoardRate) -> dict[str, Any]:
    return {
        "flower": str(rate.flower_id),
        "rate": money(rate.rate),
        "rate_source": rate.source,
        "slot": str(rate.slot_id) if rate.slot_id else None,
        "since": moment(rate.since),
    }


# --- Operations -----------------------------------------------------------------------------


class FlowerList(MemberListView):
    parameters = FlowerParameters
    item = FlowerAnswer

    @extend_schema(responses=page_of(FlowerAnswer), tags=["flowers"], operation_id="flower_list")
    def get(self, request: Request) -> Response:
        """The flowers the shop sells, or sold."""
        return self.page(sold(self.shop.flowers.all(), self.asked.get("is_active")), flower_answer)


class FlowerDetail(MemberView):
    @extend_schema(responses=FlowerAnswer, tags=["flowers"], operation_id="flower_detail")
    def get(self, request: Request, flower_id: UUID) -> Response:
        """One flower."""
        return Response(flower_answer(flower_of(self.shop, flower_id)))


class TimeSlotList(MemberListView):
    parameters = SlotParameters
    item = SlotAnswer

    @extend_schema(responses=page_of(SlotAnswer), tags=["time-slots"], operation_id="time_slot_list")
    def get(self, request: Request) -> Response:
        """The stretches of the morning that have rates of their own."""
        return self.page(sold(self.shop.time_slots.all(), self.asked.get("is_active")), slot_answer)


class MarketRateList(MemberListView):
    parameters = RateParameters
    item = RateAnswer

    @extend_schema(responses=page_of(RateAnswer), tags=["market-rates"], operation_id="market_rate_list")
    def get(self, request: Request) -> Response:
        """Every rate that was published, newest first."""
        asked = self.asked
        rates = rates_published(
            self.shop,
            flower=asked.get("flower"),
            slot=asked.get("slot"),
            start=asked.get("from"),
            end=asked.get("to"),
        )
        return self.page(rates, rate_answer)

    @extend_schema(
        request=NewRate,
        responses={201: RateAnswer},
        tags=["market-rates"],
        operation_id="market_rate_publish",
    )
    def post(self, request: Request) -> Response:
        """Publish a rate (owner only): it ends the one before it; lines already priced keep theirs."""
        key = key_of(request)
        said = read(NewRate, request.data)
        answer = publish_rate(
            by=self.member,
            key=key,
            flower=flower_named(self.shop, said["flower"]),
            slot=slot_named(self.shop, said["slot"]),
            rate=said["rate"],
            effective_from=said["effective_from"],
            id=said["id"],
        )
        return answered(answer.body, replayed=answer.replayed, status=201)


class MarketRateCurrent(MemberView):
    parameters = BoardParameters

    @extend_schema(
        responses=page_of(BoardRateAnswer, whole=True, at=serializers.DateTimeField()),
        tags=["market-rates"],
        operation_id="market_rate_current",
    )
    def get(self, request: Request) -> Response:
        """The board: every flower the shop sells with its rate in force at a moment. Always one page."""
        now = timezone.now()
        at = self.asked.get("at")
        board = board_now(self.shop, now) if at is None else board_at(self.shop, at)
        return all_of([board_answer(rate) for rate in board], at=moment(at or now))


class FeeList(MemberListView):
    parameters = FeeParameters
    item = FeeAnswer

    @extend_schema(responses=page_of(FeeAnswer), tags=["fees"], operation_id="fee_list")
    def get(self, request: Request) -> Response:
        """The shop's fees, those that are over too. Its own people may see them."""
        asked = self.asked
        fees = fees_asked(
            self.member, code=asked.get("code"), is_active=asked.get("is_active"), on=asked.get("on")
        )
        return self.page(fees, fee_answer)

    @extend_schema(request=NewFee, responses={201: FeeAnswer}, tags=["fees"], operation_id="fee_create")
    def post(self, request: Request) -> Response:
        """Set a fee, or a new rate of one from a day on (owner only). Charges that were made keep theirs."""
        key = key_of(request)
        said = read(NewFee, request.data)
        valid_from = said.pop("effective_from")
        answer = set_fee(by=self.member, key=key, valid_from=valid_from, **said)
        return answered(answer.body, replayed=answer.replayed, status=201)


class FeeDetail(MemberView):
    @extend_schema(responses=FeeAnswer, tags=["fees"], operation_id="fee_detail")
    def get(self, request: Request, fee_id: UUID) -> Response:
        """One fee."""
        return Response(fee_answer(fee_of(self.member, fee_id)))

    @extend_schema(request=FeeChange, responses=FeeAnswer, tags=["fees"], operation_id="fee_edit")
    def patch(self, request: Request, fee_id: UUID) -> Response:
        """Charge it with every entry or by hand, put it out of use or back (owner only): later entries only."""
        fee = edit_fee(by=self.member, fee_id=fee_id, **read(FeeChange, request.data))
        return Response(fee_answer(fee))


urlpatterns = [
    path("fees/", FeeList.as_view(), name="fee_list"),
    path("fees/<uuid:fee_id>/", FeeDetail.as_view(), name="fee_detail"),
    path("flowers/", FlowerList.as_view(), name="flower_list"),
    path("flowers/<uuid:flower_id>/", FlowerDetail.as_view(), name="flower_detail"),
    path("time-slots/", TimeSlotList.as_view(), name="time_slot_list"),
    path("market-rates/", MarketRateList.as_view(), name="market_rate_list"),
    path("market-rates/current/", MarketRateCurrent.as_view(), name="market_rate_current"),
]
