"""What people type about charges, read; the services decide about it."""

import datetime as dt
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ledger.forms.entries import FarmerField
from ledger.models import Charge
from malar.accounts.models import Shop
from malar.kernel.formatting import percent, rupees
from malar.kernel.forms import FigureField, OnceForm
from malar.kernel.ids import new_id
from pricing.domain import FeeBasis
from pricing.models import FeeRule
from pricing.selectors.fees import fees_on


class FeeField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none at run time
    """One of the shop's fees, with what it costs: Luggage · ₹40.00 per trip."""

    def __init__(self, **kwargs: Any) -> None:
        unknown = {"invalid_choice": _("This fee is not in your shop's list.")}
        super().__init__(
            FeeRule.objects.none(),
            **{"label": _("Fee"), "empty_label": _("Choose"), "error_messages": unknown, **kwargs},
        )

    def label_from_instance(self, obj: FeeRule) -> str:
        rate = percent(obj.rate) if obj.basis == FeeBasis.PERCENT else rupees(obj.rate)
        return f"{obj.name} · {rate} {obj.get_basis_display()}"


class ChargeForm(OnceForm):
    """A charge by hand. Its id is minted with the form: sent twice it is one charge."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=new_id)
    farmer = FarmerField(help_text=_("Number or code."))
    fee = FeeField()
    quantity = FigureField(
        label=_("How much"),
        required=True,
        initial=Decimal(1),
        help_text=_("Sacks, trips, kg or pieces; of a percentage the amount in ₹."),
    )
    rate = FigureField(label=_("Another rate, ₹"), required=False, help_text=_("Empty: as the fee says."))
    business_date = forms.DateField(
        label=_("Date"),
        required=False,
        help_text=_("Empty: today."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    KEPT = ("fee", "quantity", "business_date")

    def __init__(self, *args: Any, shop: Shop, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        cast(FarmerField, self.fields["farmer"]).shop = shop
        fees = fees_on(shop, today).exclude(basis=FeeBasis.PER_SETTLEMENT)
        cast(FeeField, self.fields["fee"]).queryset = fees.order_by("automatic", "code")

    @classmethod
    def fresh(cls, *, shop: Shop, today: dt.date, kept: QueryDict) -> "ChargeForm":
        """An empty form with what the page before it handed on, the cursor in the first field to fill."""
        names = ("farmer", *cls.KEPT)
        form = cls(shop=shop, today=today, initial={name: kept[name] for name in names if kept.get(name)})
        first = next((name for name in ("farmer", "fee", "quantity") if name not in form.initial), "quantity")
        form.fields[first].widget.attrs["autofocus"] = True
        return form

    def mint_again(self) -> None:
        super().mint_again()
        cast(QueryDict, self.data)["id"] = str(new_id())

    def handed_on(self) -> dict[str, str]:
        """What stays for the next one: everything but the farmer."""
        return {name: self.data[name] for name in self.KEPT if self.data.get(name)}

    def charge(self) -> dict[str, Any]:
        """The charge as `record_charge` takes it."""
        said = dict(self.cleaned_data)
        said["business_date"] = said["business_date"] or self.today
        return said | {"farmer_id": said.pop("farmer").pk, "fee_id": said.pop("fee").pk}


class WaiveForm(OnceForm):
    """Letting a farmer off a charge."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=_("Why?"), max_length=200, widget=forms.TextInput(attrs={"autofocus": True})
    )


class ChargeFilter(forms.Form):
    """Which charges to show: those of a day."""

    day = forms.DateField(label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}))
    farmer = FarmerField(required=False)

    def __init__(self, query: QueryDict, *, shop: Shop, today: dt.date) -> None:
        asked = query.copy()
        asked["day"] = asked.get("day") or today.isoformat()
        super().__init__(asked)
        cast(FarmerField, self.fields["farmer"]).shop = shop


def again_with(charge: Charge) -> dict[str, str]:
    """The address of a form that charges the same once more."""
    return {
        "farmer": str(charge.farmer.number),
        "fee": str(charge.fee_id),
        "quantity": f"{charge.quantity.normalize():f}",
        "business_date": charge.business_date.isoformat(),
    }
