"""Which days to take away."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

A_DAY = {"type": "date"}


class DaysForm(forms.Form):
    """From one day to another, both included."""

    start = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs=A_DAY))
    end = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput(attrs=A_DAY))

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if "start" in said and "end" in said and said["end"] < said["start"]:
            self.add_error("end", _("The last day is before the first."))
        return said
