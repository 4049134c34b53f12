"""What the owner types on the rate board."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BoundField
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from malar.kernel.forms import FigureField, OnceForm
from pricing.selectors.rates import Board, Place, Row
from pricing.services.rates import NewRate

ANSWER, SURE = "answer", "sure"


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
