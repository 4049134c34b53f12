"""What the delivery log can be asked."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from ledger.forms.entries import FarmerField
from malar.accounts.models import Shop
from notifications.domain import State


class MessageFilter(forms.Form):
    """Which messages to show; each question may be left open."""

    day = forms.DateField(label=_("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    farmer = FarmerField(required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *State.choices])

    def __init__(self, *args: Any, shop: Shop, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(FarmerField, self.fields["farmer"]).shop = shop

    def clean_day(self) -> dt.date | None:
        day: dt.date | None = self.cleaned_data["day"]
        # Nothing was sent then, and the days beside it have no number in the database's calendar.
        if day is not None and not 2000 <= day.year <= 9000:
            raise forms.ValidationError(_("This date is too far away."))
        return day


class AnswerFilter(forms.Form):
    """Which answers of farmers to show, and which one was changed just now."""

    show = forms.ChoiceField(required=False, choices=[("", "open"), ("done", "done")])
    changed = forms.UUIDField(required=False)


class SeenToForm(forms.Form):
    """Whether somebody has seen to what a farmer wrote."""

    is_done = forms.TypedChoiceField(
        choices=[("yes", "yes"), ("no", "no")], coerce=lambda value: value == "yes"
    )
