"""Reports for programs: `reports/{daily|farmers|flowers|commission|rates}/`."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.selectors.farmers import farmer_of
from malar.accounts.api import MemberView
from malar.kernel.clock import business_date_of
from malar.kernel.drf import Id, Money, Parameters, Quantity, Unreadable
from malar.kernel.errors import NotFound
from malar.kernel.wire import moment, money, quantity
from malar.reports.documents import FILES, file_of, paper_of
from malar.reports.domain import Asked, Row
from malar.reports.selectors import REPORTS, Report
from pricing.selectors.rate_history import CALLED, lines_of

QUANTITIES = frozenset({"kilograms", "quantity"})
NOT_FOR_PROGRAMS = frozenset({"href", "unit_words"})


class ReportParameters(Parameters):
    from_ = serializers.DateField(required=False, help_text="The first day; absent: the first of this month.")
    to = serializers.DateField(required=False, help_text="The last day, included; absent: today.")
    format = serializers.ChoiceField(
        ["json", *FILES],
        default="json",
        help_text="As a file in the language of `Accept-Language`, with its headings.",
    )


class OfAFarmer(ReportParameters):
    farmer = Id(required=False, help_text="Only his. A farmer always gets his own.")


class OfAVillage(ReportParameters):
    village = serializers.CharField(required=False, help_text="As it is written in the language asked in.")


class OfAFlower(ReportParameters):
    flower = Id(help_text="Which flower.")
    line = serializers.CharField(required=False, help_text="`called`, the id of a slot, or absent: all.")


class DayRow(serializers.Serializer[Any]):
    """A day, or all of them: `left` is what is left for the farmers, below zero if they owe it. `unpriced` entries
    have no rate yet and are in no amount; `kilograms` are of flowers that are weighed."""

    day = serializers.DateField(required=False)
    farmers = serializers.IntegerField(required=False, help_text="Who brought something; of a day only.")
    lines = serializers.IntegerField()
    unpriced = serializers.IntegerField()
    kilograms = Quantity()
    amount = Money()
    commission = Money()
    charges = Money()
    left = Money()


class FarmerSums(serializers.Serializer[Any]):
    """What a farmer brought. `days`: on how many."""

    farmer = serializers.UUIDField()
    number = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    village = serializers.CharField()
    days = serializers.IntegerField()
    lines = serializers.IntegerField()
    unpriced = serializers.IntegerField()
    kilograms = Quantity()
    amount = Money()
    commission = Money()
    charges = Money()
    left = Money()


class FlowerSums(serializers.Serializer[Any]):
    """How much of a flower came, by unit, and its rates in ₹ per unit; null where none has a rate yet."""

    flower = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField()
    lines = serializers.IntegerField()
    unpriced = serializers.IntegerField()
    quantity = Quantity()
    low = Money(allow_null=True)
    average = Money(allow_null=True)
    high = Money(allow_null=True)
    amount = Money()
    commission = Money()


class CommissionRow(serializers.Serializer[Any]):
    """What was taken off on a day: `taken` = commission + fees = `income` of the shop + `passed_on`."""

    day = serializers.DateField()
    amount = Money()
    commission = Money()
    fees = serializers.DictField(child=Money(), help_text="By code.")
    taken = Money()
    passed_on = Money()
    income = Money()


class PublishedRate(serializers.Serializer[Any]):
    """A rate as it was published, ₹ per unit. `change` is against the one before it, null of the first."""

    day = serializers.DateField()
    slot = serializers.CharField()
    rate = Money()
    change = Money(allow_null=True)
    by = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": serializers.DateTimeField(), **super().get_fields()}


def answer_of(name: str, row: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """The shape of a report's answer."""

    class Shape(serializers.Serializer[Any]):
        as_of = serializers.DateTimeField(help_text="The moment the figures are of.")
        to = serializers.DateField()
        totals = serializers.DictField(allow_null=True, help_text="The sums of the rows' amounts and counts.")
        results = row(many=True)

        def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
            return {"from": serializers.DateField(), **super().get_fields()}

    Shape.__name__ = f"{name.title()}Report"
    Shape.__doc__ = str(row.__doc__)
    return Shape


def told(row: Row) -> dict[str, Any]:
    """A row as JSON has it: decimals as strings, moments with their offset."""
    return {name: _told(name, value) for name, value in row.items() if name not in NOT_FOR_PROGRAMS}


def _told(name: str, value: Any) -> Any:
    match value:
        case Mapping():
            return told(value)
        case Decimal():
            return quantity(value) if name in QUANTITIES else money(value)
        case dt.datetime():
            return moment(value)
        case dt.date():
            return value.isoformat()
    return value


class ReportView(MemberView):
    """One report. Everybody may ask; a farmer is answered with his own figures."""

    report: ClassVar[Report]
    names_rows = True

    def answered(self, request: Request) -> Response | HttpResponse:
        asked = self._asked(timezone.now())
        table = self.report.ask(self.member, asked)
        kind = self.asked["format"]
        if kind != "json":
            return file_of(paper_of(self.shop, self.report, asked, table), kind)
        return Response(
            {
                "from": asked.start.isoformat(),
                "to": asked.end.isoformat(),
                "as_of": moment(table.as_of),
                "totals": told(table.totals) if table.totals else None,
                "results": [told(row) for row in table.rows],
            }
        )

    def _asked(self, now: dt.datetime) -> Asked:
        said = self.asked
        today = business_date_of(now, self.shop.turnover_hour)
        end = said.get("to", today)
        back = self.report.days_back
        start = said.get("from", end.replace(day=1) if back is None else end - dt.timedelta(days=back))
        if start > end:
            raise Unreadable(_("The first day is after the last one."), code="wrong_order", pointer="/from")
        if (end - start).days >= self.report.longest:
            words = _("At most %(count)s days at a time.") % {"count": self.report.longest}
            raise Unreadable(words, code="too_long", pointer="/from")
        return Asked(
            start=start,
            end=end,
            now=now,
            farmer=farmer_of(self.member, said["farmer"]) if "farmer" in said else None,
            flower=self._flower(said["flower"]) if "flower" in said else None,
            village=said.get("village", ""),
            line=self._line(said.get("line", "")),
        )

    def _flower(self, flower_id: Any) -> Any:
        flower = self.shop.flowers.filter(pk=flower_id).first()
        if flower is None:
            raise NotFound(_("There is no such flower."))
        return flower

    def _line(self, line: str) -> str:
        if line in {"", CALLED} or line in {str(slot.pk) for slot in lines_of(self.shop)}:
            return line
        raise NotFound(_("There is no such time slot."))


def described(name: str, row: type[serializers.Serializer[Any]]) -> Any:
    """What the OpenAPI document says of a report."""
    as_file = OpenApiResponse(OpenApiTypes.BINARY, description="The same as a file.")
    answers: dict[Any, Any] = {(200, "application/json"): answer_of(name, row)}
    answers |= {(200, media_type.partition(";")[0]): as_file for media_type, _make in FILES.values()}
    return extend_schema(responses=answers, tags=["reports"], operation_id=f"report_{name}")


class DailyReport(ReportView):
    report = REPORTS["daily"]
    parameters = OfAFarmer

    @described("daily", DayRow)
    def get(self, request: Request) -> Response | HttpResponse:
        """Day by day what came and what it made."""
        return self.answered(request)


class FarmersReport(ReportView):
    report = REPORTS["farmers"]
    parameters = OfAVillage

    @described("farmers", FarmerSums)
    def get(self, request: Request) -> Response | HttpResponse:
        """What each farmer brought, the largest first."""
        return self.answered(request)


class FlowersReport(ReportView):
    report = REPORTS["flowers"]
    parameters = OfAFarmer

    @described("flowers", FlowerSums)
    def get(self, request: Request) -> Response | HttpResponse:
        """How much of each flower came, and at what rates."""
        return self.answered(request)


class CommissionReport(ReportView):
    report = REPORTS["commission"]
    parameters = OfAFarmer

    @described("commission", CommissionRow)
    def get(self, request: Request) -> Response | HttpResponse:
        """Day by day what the shop keeps, and what it passes on."""
        return self.answered(request)


class RatesReport(ReportView):
    report = REPORTS["rates"]
    parameters = OfAFlower

    @described("rates", PublishedRate)
    def get(self, request: Request) -> Response | HttpResponse:
        """What a flower cost, called and slot by slot, newest first."""
        return self.answered(request)


urlpatterns = [
    path("reports/daily/", DailyReport.as_view(), name="report_daily"),
    path("reports/farmers/", FarmersReport.as_view(), name="report_farmers"),
    path("reports/flowers/", FlowersReport.as_view(), name="report_flowers"),
    path("reports/commission/", CommissionReport.as_view(), name="report_commission"),
    path("reports/rates/", RatesReport.as_view(), name="report_rates"),
]
