"""What the delivery log can be asked."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ledger.forms.entries import FarmerField
from malar.accounts.models import Shop
from notifications.domain import Channel, Kind, State
from notifications.models import Message


class MessageFilter(forms.Form):
    """Which messages to show; each question may be left open."""

    farmer = FarmerField(required=False)
    kind = forms.ChoiceField(label=_("What about"), required=False, choices=[("", _("All")), *Kind.choices])
    channel = forms.ChoiceField(label=_("Way"), required=False, choices=[("", _("All")), *Channel.choices])
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *State.choices])
    stuck = forms.BooleanField(label=_("Did not arrive"), required=False)

    def __init__(self, query: QueryDict, *, shop: Shop) -> None:
        super().__init__(query)
        # `from` is the word of the address, and no name in Python.
        days = {
            "from": forms.DateField(label=_("From"), required=False, widget=_calendar()),
            "to": forms.DateField(label=_("To"), required=False, widget=_calendar()),
        }
        self.fields = {**days, **self.fields}
        cast(FarmerField, self.fields["farmer"]).shop = shop

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        for name in ("from", "to"):
            day: dt.date | None = chosen.get(name)
            # Nothing was sent then, and the days beside it have no number in the database's calendar.
            if day is not None and not 2000 <= day.year <= 9000:
                self.add_error(name, _("This date is too far away."))
        if chosen.get("from") and chosen.get("to") and chosen["from"] > chosen["to"]:
            self.add_error("from", _("The first day is after the last one."))
        return chosen

    def question(self) -> dict[str, Any]:
        """The filters as `message_log` takes them."""
        chosen = dict(self.cleaned_data)
        return chosen | {"start": chosen.pop("from"), "end": chosen.pop("to")}


def _calendar() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class AgainForm(forms.Form):
    """Which messages to send again, and whether also where the farmer may be told twice."""

    message = forms.ModelMultipleChoiceField(Message.objects.none(), required=False)
    despite_risk = forms.BooleanField(required=False)

    def __init__(self, said: QueryDict, *, shop: Shop) -> None:
        super().__init__(said)
        cast("forms.ModelMultipleChoiceField[Message]", self.fields["message"]).queryset = shop.messages.all()
