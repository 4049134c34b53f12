"""What people type about farmers, read; the services decide about it."""

from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from ledger.models import Farmer
from ledger.services.farmers import Particulars, next_number
from malar.accounts.models import Shop
from malar.kernel.forms import FigureField, OnceForm


class FarmerFilter(forms.Form):
    """Which farmers to show."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=80,
        help_text=_("Number, code, name, village or the end of the phone number."),
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    active = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[("", _("Active")), ("no", _("No longer active")), ("all", _("All"))],
    )

    ACTIVE = {"": True, "no": False, "all": None}

    def question(self) -> dict[str, Any]:
        """The filters as `farmers_listed` takes them; what cannot be read filters nothing."""
        self.is_valid()
        return {
            "words": self.cleaned_data.get("q", ""),
            "is_active": self.ACTIVE[self.cleaned_data.get("active", "")],
        }


PARTICULARS = (
    "number",
    "code",
    "name_ta",
    "name_en",
    "village_ta",
    "village_en",
    "phone",
    "whatsapp",
    "language",
    "commission_pct",
    "cadence",
    "recovery",
    "recovery_value",
    "is_active",
)


class FarmerForm(OnceForm):
    """What is known of a farmer. The model gives labels and choices, the service checks."""

    def __init__(self, data: QueryDict | None = None, *, shop: Shop, farmer: Farmer | None = None) -> None:
        initial = (
            {name: getattr(farmer, name) for name in (*PARTICULARS, "version")}
            if farmer
            else {"number": next_number(shop)}
        )
        super().__init__(data, initial=initial)
        self.fields |= forms.fields_for_model(Farmer, fields=PARTICULARS)
        for name in ("commission_pct", "recovery_value"):
            modelled = self.fields[name]
            self.fields[name] = FigureField(
                label=modelled.label, help_text=modelled.help_text, required=False
            )
        number = Farmer._meta.get_field("number")
        self.fields["number"] = forms.IntegerField(
            label=capfirst(number.verbose_name),
            validators=number.validators,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        )
        for name in ("phone", "whatsapp"):
            self.fields[name].widget = forms.TextInput(attrs={"type": "tel", "inputmode": "tel"})
        if farmer is None:
            self.fields["number"].required = self.fields["code"].required = False
            self.fields["code"].help_text = _("Empty: F and the number.")
            del self.fields["is_active"]
        else:
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)

    def particulars(self) -> Particulars:
        """As the services take them."""
        return cast(
            Particulars, {name: value for name, value in self.cleaned_data.items() if name in PARTICULARS}
        )
