"""What the owner types on the rate board, and what is asked of the rate history."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from malar.accounts.models import Shop
from malar.kernel.forms import FigureField, OnceForm
from pricing.selectors.rate_history import CALLED, LONGEST, lines_of
from pricing.selectors.rates import Board, Place, Row
from pricing.services.rates import NewRate

ANSWER, SURE = "answer", "sure"


class HistoryFilter(forms.Form):
    """Of which flower, of which slot and of which days the rates are asked; each has an answer of its own."""

    flower = forms.ChoiceField(label=_("Flower"), required=False)
    line = forms.ChoiceField(label=_("Time slot"), required=False)
    start = forms.DateField(
        label=_("From day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    end = forms.DateField(
        label=_("To day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, data: QueryDict, *, shop: Shop, today: dt.date) -> None:
        self.flowers = {str(flower.pk): flower for flower in shop.flowers.all()}
        first = next(iter(self.flowers), "")
        asked = data.copy()
        asked.setdefault("flower", first)
        if not asked.get("start") and not asked.get("end"):
            asked["start"], asked["end"] = (today - dt.timedelta(6)).isoformat(), today.isoformat()
        super().__init__(asked)
        self.query = asked.urlencode()
        cast(forms.ChoiceField, self.fields["flower"]).choices = [
            (pk, flower.name) for pk, flower in self.flowers.items()
        ]
        cast(forms.ChoiceField, self.fields["line"]).choices = [
            ("", _("All")),
            (CALLED, _("called rate")),
            *((str(slot.pk), slot.name) for slot in lines_of(shop)),
        ]

    def clean(self) -> dict[str, Any]:
        """One day alone is both; the days are in order and not too many."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        start, end = start or end, end or start
        if start and end and not self.errors:
            if not 2000 <= start.year <= end.year <= 9000:
                self.add_error("start", _now("This date is too far away."))
            elif start > end:
                self.add_error("end", _now("The last day is before the first one."))
            elif (end - start).days >= LONGEST:
                words = _now("At most %(count)s days at a time.") % {"count": LONGEST}
                self.add_error("start", words)
        return {**cleaned, "start": start, "end": end}

    def asked(self) -> dict[str, Any] | None:
        """As `rate_history` takes it; None where there is nothing to ask."""
        flower = self.flowers.get(self.cleaned_data.get("flower", "")) if self.is_valid() else None
        if flower is None:
            return None
        return {"flower": flower, **{name: self.cleaned_data[name] for name in ("start", "end", "line")}}


class RatesForm(OnceForm):
    """New rates, ₹ per unit, in any places of the board; the empty ones keep theirs.

    An answer to a question comes as `answer=<place>=<rate>`: it puts that rate (or none) in its
    place, and what was answered once is carried along in `sure`.
    """

    effective_from = forms.DateTimeField(
        label=_("From"),
        required=False,
        help_text=_("Empty: from now on."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, data: Any = None, *, board: Board) -> None:
        if data is not None and ANSWER in data:
            data = data.copy()
            name, _equals, rate = data.pop(ANSWER)[-1].partition("=")
            data[name] = rate
            data.appendlist(SURE, f"{name}={rate}")
        super().__init__(data)
        self.board = board
        for name in board.places:
            self.fields[name] = FigureField(required=False)

    @property
    def sure(self) -> list[str]:
        """What was answered, as it is carried along: `<place>=<rate>`."""
        return self.data.getlist(SURE) if isinstance(self.data, QueryDict) else []

    def rows(self) -> Iterator[tuple[Row, list[tuple[Place, BoundField]]]]:
        """The board's rows, each place with its field."""
        for row in self.board.rows:
            yield row, [(place, self[place.name]) for place in row.places]

    def asked(self) -> dict[str, Any]:
        """What to publish, as `publish_rates` takes it."""
        cleaned = self.cleaned_data
        rates = [
            NewRate(place, cleaned[name], sure=self._is_sure(name, cleaned[name]))
            for name, place in self.board.places.items()
            if cleaned[name] is not None
        ]
        return {"key": cleaned["key"], "effective_from": cleaned["effective_from"], "rates": rates}

    def is_withdrawn(self) -> bool:
        """The last rate was taken back by an answer: nothing is left to publish, and nothing is wrong."""
        return bool(self.sure) and not any(self.cleaned_data[name] is not None for name in self.board.places)

    def _is_sure(self, name: str, rate: Decimal) -> bool:
        """Whether this very rate was said to be right: another one in its place is asked about again."""
        return any(_read(answered) == (name, rate) for answered in self.sure)


def _read(answered: str) -> tuple[str, Decimal | None]:
    name, _equals, figure = answered.partition("=")
    try:
        return name, FigureField(required=False).clean(figure)
    except forms.ValidationError:
        return name, None
