"""What people type about buyers, read; the services decide about it."""

import datetime as dt
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ledger.domain import Mode
from ledger.forms.entries import FlowerField
from ledger.models import Buyer, DailyEntry
from ledger.selectors.buyers import find_buyer
from ledger.services.buyers import BuyerParticulars
from malar.accounts.models import Shop
from malar.kernel.forms import FigureField, OnceForm
from malar.kernel.ids import new_id

MODES = [(mode, mode.label) for mode in Mode if mode != Mode.NONE]
PARTICULARS = ("number", "name_ta", "name_en", "place_ta", "place_en", "phone", "is_active")


class BuyerField(forms.CharField):
    """A buyer by his number; cleans to a Buyer of the shop."""

    shop: Shop
    default_error_messages = {"unknown": _("This buyer is not in your shop's list.")}

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"list": "buyers", "autocomplete": "off"})
        super().__init__(
            **{"widget": widget, "label": _("Buyer"), "help_text": _("Number."), "max_length": 100, **kwargs}
        )

    def to_python(self, value: Any) -> Any:
        words = super().to_python(value)
        if not words:
            return None
        buyer = find_buyer(self.shop, words)
        if buyer is None:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        return buyer

    def run_validators(self, value: Any) -> None:
        """Nothing to check in a buyer of the shop."""


class BuyerForm(OnceForm):
    """What is known of a buyer."""

    def __init__(self, data: QueryDict | None = None, *, buyer: Buyer | None = None) -> None:
        kept = (*PARTICULARS, "version")
        super().__init__(data, initial={name: getattr(buyer, name) for name in kept} if buyer else {})
        self.fields |= forms.fields_for_model(Buyer, fields=PARTICULARS)
        self.fields["phone"].widget = forms.TextInput(attrs={"type": "tel", "inputmode": "tel"})
        for name in ("name_ta", "place_ta", "name_en", "place_en"):
            self.fields[name].widget.attrs |= {"lang": name[-2:], "autocomplete": "off"}
        if buyer is None:
            self.fields["number"].required = False
            self.fields["number"].help_text = _("Empty: the next number.")
            del self.fields["is_active"]
        else:
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)

    def particulars(self) -> BuyerParticulars:
        """The particulars as the services take them."""
        said = {name: self.cleaned_data[name] for name in PARTICULARS if name in self.cleaned_data}
        return cast(BuyerParticulars, said)


class _DatedForm(OnceForm):
    """Something about one buyer on one day."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=new_id)
    buyer = BuyerField()
    business_date = forms.DateField(
        label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def __init__(
        self, data: QueryDict | None = None, *, shop: Shop, today: dt.date, initial: dict[str, Any]
    ) -> None:
        super().__init__(data, initial={"business_date": today} | initial)
        cast(BuyerField, self.fields["buyer"]).shop = shop
        self.fields["business_date"].widget.attrs["max"] = today.isoformat()

    def said(self) -> dict[str, Any]:
        """What was typed as the services take it."""
        said = dict(self.cleaned_data)
        return said | {"buyer_id": said.pop("buyer").pk}


class BuyerSaleForm(_DatedForm):
    """A sale on credit; a lot proposes its flower and quantity and forces neither."""

    entry = forms.UUIDField(widget=forms.HiddenInput, required=False)
    flower = FlowerField()
    quantity = FigureField(
        label=_("Quantity"),
        comma_groups=False,
        error_messages={"required": _("Enter the quantity: more than 0.")},
    )
    rate = FigureField(label=_("Rate, ₹ per unit"), error_messages={"required": _("Enter the rate.")})

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        shop: Shop,
        today: dt.date,
        initial: dict[str, Any],
        lot: DailyEntry | None = None,
    ) -> None:
        if lot is not None:
            proposed = {"entry": lot.pk, "flower": lot.flower_id, "quantity": lot.quantity}
            initial = proposed | {"rate": lot.rate, "business_date": lot.business_date} | initial
        super().__init__(data, shop=shop, today=today, initial=initial)
        cast(FlowerField, self.fields["flower"]).queryset = shop.flowers.all()

    def said(self) -> dict[str, Any]:
        said = super().said()
        return said | {"flower_id": said.pop("flower").pk, "entry_id": said.pop("entry")}


class BuyerReceiptForm(_DatedForm):
    """Money a buyer paid."""

    amount = FigureField(
        label=_("Amount, ₹"), error_messages={"required": _("Enter the amount: more than 0.")}
    )
    mode = forms.ChoiceField(label=_("How?"), choices=MODES, widget=forms.RadioSelect, initial=Mode.CASH)
    reference = forms.CharField(label=_("Cheque or payment number"), required=False, max_length=40)


class DaysForm(forms.Form):
    """From which day to which; what is not said is `start` to `today`."""

    def __init__(self, query: QueryDict, *, start: dt.date, today: dt.date) -> None:
        asked = query.copy()
        asked["from"] = asked.get("from") or start.isoformat()
        asked["to"] = asked.get("to") or today.isoformat()
        super().__init__(asked)
        # `from` is the word of the address, and no name in Python.
        for name, label in (("from", _("From")), ("to", _("To"))):
            self.fields[name] = forms.DateField(
                label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            )
        self.otherwise = (start, today)

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        if "from" in chosen and "to" in chosen and chosen["from"] > chosen["to"]:
            self.add_error("from", _("The first day is after the last one."))
        return chosen

    def days(self) -> tuple[dt.date, dt.date]:
        """The two days, or the ones shown otherwise where what was said cannot be read."""
        return (self.cleaned_data["from"], self.cleaned_data["to"]) if self.is_valid() else self.otherwise


def proposed_amount(owed: Decimal) -> dict[str, Any]:
    """All of what is owed is what most often comes."""
    return {"amount": owed} if owed > 0 else {}
