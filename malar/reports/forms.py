"""What a report is narrowed down by, as the address says it."""

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ledger.domain import AccountKind
from ledger.forms.entries import FarmerField
from ledger.selectors.farmers import villages_of
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.reports.domain import Asked
from malar.reports.selectors import Report
from pricing.selectors.rate_history import CALLED, lines_of


def _day(label: Any) -> Callable[[Shop], forms.Field]:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return lambda shop: forms.DateField(label=label, widget=widget)


def _farmer(shop: Shop) -> forms.Field:
    field = FarmerField(required=False, help_text=_("Number or code."))
    field.shop = shop
    return field


def _flower(shop: Shop) -> forms.Field:
    choices = [(str(flower.pk), flower.name) for flower in shop.flowers.all()]
    return forms.ChoiceField(label=_("Flower"), choices=choices, required=False)


def _any_flower(shop: Shop) -> forms.Field:
    choices = [(str(flower.pk), flower.name) for flower in shop.flowers.all()]
    all_of_them = ("", gettext("All flowers"))
    return forms.ChoiceField(label=_("Flower"), choices=[all_of_them, *choices], required=False)


def _line(shop: Shop) -> forms.Field:
    lines = [(CALLED, gettext("called rate")), *((str(slot.pk), slot.name) for slot in lines_of(shop))]
    return forms.ChoiceField(label=_("Time slot"), choices=[("", gettext("All")), *lines], required=False)


def _village(shop: Shop) -> forms.Field:
    choices = [("", gettext("All villages")), *((name, name) for name in villages_of(shop))]
    return forms.ChoiceField(label=_("Village"), choices=choices, required=False)


def _loan(shop: Shop) -> forms.Field:
    loans = [
        (AccountKind.ADVANCE.value, gettext("Advance")),
        (AccountKind.HAND_LOAN.value, gettext("Hand loan")),
    ]
    return forms.ChoiceField(label=_("Which"), choices=loans, required=False)


FIELDS: dict[str, Callable[[Shop], forms.Field]] = {
    "from": _day(_("From day")),
    "to": _day(_("To day")),
    "farmer": _farmer,
    "flower": _flower,
    "any_flower": _any_flower,
    "line": _line,
    "village": _village,
    "loan": _loan,
}
OF_THE_SHOP = {"farmer", "village"}
"""A farmer is not asked: it is always himself."""


class ReportFilter(forms.Form):
    """The filters of a report; whatever the address leaves out has an answer of its own."""

    def __init__(
        self, query: QueryDict, *, report: Report, member: Membership, today: dt.date, now: dt.datetime
    ) -> None:
        first = (
            today.replace(day=1) if report.days_back is None else today - dt.timedelta(days=report.days_back)
        )
        asked = query.copy()
        asked.pop("format", None)
        if "from" in report.filters:
            asked["from"] = asked.get("from") or first.isoformat()
        asked["to"] = asked.get("to") or today.isoformat()
        super().__init__(asked)
        self.report, self.shop, self.today, self.now = report, member.shop, today, now
        for name in report.filters:
            if not (member.role == Role.FARMER and name in OF_THE_SHOP):
                self.fields[name.removeprefix("any_")] = FIELDS[name](member.shop)
        if "flower" in report.filters and not asked.get("flower"):
            choices = cast(Any, self.fields["flower"]).choices
            asked["flower"] = choices[0][0] if choices else ""
        self.query = asked.urlencode()

    def clean(self) -> dict[str, Any]:
        """The days are in order, not too many and not of another age."""
        chosen = self.cleaned_data
        start, end = chosen.get("from"), chosen.get("to")
        for name, day in (("from", start), ("to", end)):
            if day and not 2000 <= day.year <= 9000:
                self.add_error(name, gettext("This date is too far away."))
                return chosen
        if start and end and start > end:
            self.add_error("from", gettext("The first day is after the last one."))
        elif start and end and (end - start).days >= self.report.longest:
            words = gettext("At most %(count)s days at a time.") % {"count": self.report.longest}
            self.add_error("from", words)
        return chosen

    def asked(self) -> Asked | None:
        """As the report is asked; None where something cannot be read."""
        if not self.is_valid():
            return None
        chosen = self.cleaned_data
        end = chosen.get("to") or self.today
        flower = chosen.get("flower")
        return Asked(
            start=chosen.get("from") or end,
            end=end,
            now=self.now,
            farmer=chosen.get("farmer"),
            flower=self.shop.flowers.get(pk=flower) if flower else None,
            village=chosen.get("village", ""),
            loan=chosen.get("loan", ""),
            line=chosen.get("line", ""),
        )

    def spans(self) -> list[dict[str, str]]:
        """Days that are asked for most: words and what the address says then."""
        today, one = self.today, dt.timedelta(days=1)
        month = today.replace(day=1)
        before = (month - one).replace(day=1)
        spans = (
            (gettext("Today"), today, today),
            (gettext("Yesterday"), today - one, today - one),
            (gettext("Last seven days"), today - 6 * one, today),
            (gettext("This month"), month, today),
            (gettext("Last month"), before, month - one),
        )
        found = []
        for words, start, end in spans:
            query = cast(QueryDict, self.data).copy()
            query["from"], query["to"] = start.isoformat(), end.isoformat()
            here = (self.data["from"], self.data["to"]) == (query["from"], query["to"])
            found.append({"words": words, "query": query.urlencode(), "here": "page" if here else ""})
        return found
