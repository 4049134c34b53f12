"""What the owner types to price lines that wait."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ledger.forms.entries import FlowerField
from ledger.selectors.pending import MIDNIGHT
from malar.accounts.models import Shop
from malar.kernel.forms import FigureField, OnceForm

ANSWER = "answer"


class ClockInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class PriceForm(OnceForm):
    """One rate for the lines of a flower on a day, in a window of time.

    `seen` comes with the button that confirms a preview, and names what it showed. An answer to the
    question about a rate comes as `answer`: the rate that was meant takes the place of the typed one.
    """

    flower = FlowerField()
    day = forms.DateField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}))
    from_time = forms.TimeField(label=_("From"), widget=ClockInput())
    to_time = forms.TimeField(
        label=_("Until"), widget=ClockInput(), help_text=_("00:00 is the end of the day.")
    )
    rate = FigureField(label=_("Rate, ₹"), error_messages={"required": _("Type the rate. 0 is a rate too.")})
    reason = forms.CharField(label=_("Reason"), required=False, max_length=200)
    again = forms.BooleanField(label=_("Also entries that were priced this way before"), required=False)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    FIELDS = ("flower", "day", "from_time", "to_time", "rate", "reason", "again")

    def __init__(self, data: Any = None, *, shop: Shop, initial: dict[str, Any] | None = None) -> None:
        if data is not None and ANSWER in data:
            data = data.copy()
            data["rate"] = data.pop(ANSWER)[-1]
        super().__init__(data, initial=initial)
        cast(FlowerField, self.fields["flower"]).queryset = shop.flowers.all()

    @classmethod
    def asked(cls, query: QueryDict, *, shop: Shop, today: dt.date) -> "PriceForm":
        """An empty form about the lines that the address names; of today and the whole day where it names none."""
        whole_day = {"day": today.isoformat(), "from_time": MIDNIGHT, "to_time": MIDNIGHT}
        named = {name: query[name] for name in cls.FIELDS if query.get(name)}
        form = cls(shop=shop, initial={**whole_day, **named})
        form.fields["rate" if "flower" in named else "flower"].widget.attrs["autofocus"] = True
        return form

    def typed(self) -> list[tuple[str, str]]:
        """What was typed, to be sent again by the button that confirms it."""
        return [(name, self[name].value()) for name in ("key", *self.FIELDS) if self[name].value()]

    def pricing(self) -> dict[str, Any]:
        """The pricing as `price_entries` takes it."""
        said = {name: self.cleaned_data[name] for name in (*self.FIELDS, "key")}
        return said | {"flower_id": said.pop("flower").pk}
