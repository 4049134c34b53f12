"""What people type about lines, read; the services decide about it."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ledger.domain import CorrectionReason, EntryStatus, RateReason, VoidReason
from ledger.models import DailyEntry, Farmer
from ledger.selectors.farmers import find_farmer
from ledger.services.entries import Changes
from malar.accounts.models import Shop, in_language
from malar.kernel.formatting import percent, rupees
from malar.kernel.forms import FigureField, OnceForm
from malar.kernel.ids import new_id
from pricing.domain import AdjustmentBasis, RateSource
from pricing.models import Flower, RateAdjustment

OTHER = "other"
LOCAL_MINUTE = "%Y-%m-%dT%H:%M"


class FarmerField(forms.CharField):
    """A farmer by number or code, as somebody at the counter types him; cleans to a Farmer of the shop."""

    shop: Shop
    default_error_messages = {"unknown": _("This farmer is not in your shop's list.")}

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"list": "farmers", "autocomplete": "off"})
        super().__init__(**{"widget": widget, "label": _("Farmer"), "max_length": 100, **kwargs})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Farmer):
            return value
        words = super().to_python(value)
        if not words:
            return None
        farmer = find_farmer(self.shop, words)
        if farmer is None:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        return farmer

    def run_validators(self, value: Any) -> None:
        """Nothing to check in a farmer of the shop."""

    def prepare_value(self, value: Any) -> Any:
        return value.number if isinstance(value, Farmer) else value


class FlowerSelect(forms.Select):
    """Each choice says how its flower is sold, so that the page shows weights or a count."""

    def create_option(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(*args, **kwargs)
        flower = getattr(option["value"], "instance", None)
        if flower is not None:
            option["attrs"]["data-unit"] = flower.unit
        return option


class FlowerField(forms.ModelChoiceField):  # type: ignore[type-arg]  # takes none at run time
    """One of the shop's flowers; beside its name the rate on the board, where `rates` knows one."""

    rates: dict[UUID, Decimal | None]

    def __init__(self, **kwargs: Any) -> None:
        self.rates = {}
        unknown = {"invalid_choice": _("This flower is not in your shop's list.")}
        super().__init__(
            Flower.objects.none(),
            **{
                "label": _("Flower"),
                "empty_label": _("Choose"),
                "widget": FlowerSelect,
                "error_messages": unknown,
                **kwargs,
            },
        )

    def label_from_instance(self, obj: Flower) -> str:
        rate = self.rates.get(obj.pk)
        return obj.name if rate is None else f"{obj.name} · {rupees(rate)}"


class AdjustmentsField(forms.TypedMultipleChoiceField):
    """What changes the rate on the board, ticked; cleans to ids."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "label": _("Adjustments of the rate"),
                "required": False,
                "coerce": UUID,
                "empty_value": [],
                "widget": forms.CheckboxSelectMultiple,
                "help_text": _("They change the rate on the board, and the slip says so."),
                **kwargs,
            }
        )


def _value(adjustment: RateAdjustment) -> str:
    """−10%, +₹15.00."""
    size = abs(adjustment.value)
    words = percent(size) if adjustment.basis == AdjustmentBasis.PERCENT else rupees(size)
    return f"{'−' if adjustment.value < 0 else '+'}{words}"


class FiguresForm(forms.Form):
    """What is written down of a sack, as far as it can be corrected later."""

    farmer = FarmerField(help_text=_("Number or code."))
    flower = FlowerField()
    gross_quantity = FigureField(label=_("Weight with sack, kg"), required=False, comma_groups=False)
    tare = FigureField(label=_("Sack weight, kg"), required=False, comma_groups=False)
    sacks = forms.IntegerField(
        label=_("Sacks"),
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    quantity = FigureField(label=_("Count"), required=False, help_text=_("For flowers sold by number."))
    rate = FigureField(
        label=_("Rate, ₹"), required=False, help_text=_("Empty: the rate on the board. 0 is a rate too.")
    )
    rate_reason = forms.ChoiceField(
        label=_("Reason for the rate"), required=False, choices=[("", "–"), *RateReason.choices]
    )
    adjustments = AdjustmentsField()
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def __init__(self, *args: Any, shop: Shop, kept: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shop = shop
        self._offer_adjustments(kept or {})
        cast(FarmerField, self.fields["farmer"]).shop = shop
        cast(FlowerField, self.fields["flower"]).queryset = shop.flowers.active()
        for name in ("gross_quantity", "quantity"):
            # An empty field is known by it: the one that does not fit the flower is put away.
            self.fields[name].widget.attrs["placeholder"] = " "

    def _offer_adjustments(self, kept: Mapping[str, str]) -> None:
        """Those a line has already (`kept`, names by id) and the shop's; no field where there are none."""
        offered = {
            str(each.pk): f"{each.name} {_value(each)}"
            for each in self.shop.rate_adjustments.filter(is_active=True)
        }
        choices = list(({**kept, **offered}).items())
        if choices:
            cast(AdjustmentsField, self.fields["adjustments"]).choices = choices
        else:
            del self.fields["adjustments"]

    def show_rates(self, rates: dict[UUID, Decimal | None]) -> None:
        """Put the rates of the board (₹, by flower) beside the names of the flowers."""
        cast(FlowerField, self.fields["flower"]).rates = rates

    def peek(self, name: str) -> Any:
        """What stands in a field now, cleaned; None where it cannot be read."""
        try:
            return self.fields[name].clean(self[name].value())
        except ValidationError:
            return None


class EntryForm(FiguresForm, OnceForm):
    """A new line. Its id is minted with the form: sent twice it is one line."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=new_id)
    captured_at = forms.DateTimeField(
        label=_("Date and time"),
        required=False,
        help_text=_("Empty: now. Earlier days are allowed."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=LOCAL_MINUTE),
    )

    KEPT = ("flower", "captured_at")

    @classmethod
    def fresh(cls, *, shop: Shop, kept: QueryDict | dict[str, str]) -> "EntryForm":
        """An empty form with what the page before it handed on."""
        names = ("farmer", *cls.KEPT)
        form = cls(shop=shop, initial={name: kept[name] for name in names if kept.get(name)})
        first = next(name for name in ("farmer", "flower", "gross_quantity") if name not in form.initial)
        form.fields[first].widget.attrs["autofocus"] = True
        return form

    @classmethod
    def again(cls, entry: DailyEntry) -> "EntryForm":
        """A form with the figures of a cancelled line, to write it once more. The board is asked anew for its rate."""
        initial = {name: getattr(entry, name) for name in (*EntryEditForm.FIGURES, "captured_at")}
        if entry.gross_quantity is not None:
            initial["quantity"] = None
        if entry.rate_source != RateSource.MANUAL:
            kept = [each["id"] for each in entry.adjustments]
            initial |= {"rate": None, "rate_reason": "", "adjustments": kept}
        return cls(shop=entry.shop, initial=initial)

    def mint_again(self) -> None:
        super().mint_again()
        cast(QueryDict, self.data)["id"] = str(new_id())

    def handed_on(self, *, farmer_again: bool) -> dict[str, str]:
        """What stays for the next line: flower and a typed time; the farmer only when he was asked for."""
        names = ("farmer", *self.KEPT) if farmer_again else self.KEPT
        return {name: self.data[name] for name in names if self.data.get(name)}

    def line(self) -> dict[str, Any]:
        """The line as `record_entry` takes it."""
        line = dict(self.cleaned_data)
        return line | {"farmer_id": line.pop("farmer").pk, "flower_id": line.pop("flower").pk}


class ReasonForm(forms.Form):
    """Why something is done to a line: one of the reasons offered, or words of one's own.

    `cleaned_data["reason"]` is what the book keeps. The API takes a correction without a reason, as its
    contract says; who stands at the page can be asked for one, and is.
    """

    OFFERED: ClassVar[type[models.TextChoices]]

    reason = forms.ChoiceField(
        label=_("Why?"), widget=forms.RadioSelect, error_messages={"required": _("Choose why.")}
    )
    other_reason = forms.CharField(label=_("In your own words"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = cast(forms.ChoiceField, self.fields["reason"])
        offered.choices = [*self.OFFERED.choices, (OTHER, _("something else"))]

    def clean(self) -> dict[str, Any]:
        super().clean()
        said = self.cleaned_data
        words = said.pop("other_reason", "")
        if said.get("reason") == OTHER:
            said["reason"] = words
            if not words:
                self.add_error("other_reason", ValidationError(_("Say why."), code="required"))
        return said


class EntryEditForm(ReasonForm, FiguresForm):
    """Corrections to a line that stands, or to a version of it."""

    OFFERED = CorrectionReason
    FIGURES = (
        "farmer",
        "flower",
        "gross_quantity",
        "tare",
        "sacks",
        "quantity",
        "rate",
        "rate_reason",
        "note",
    )
    CHANGES = (*FIGURES, "adjustments")

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, entry: Any, shop: Shop, **kwargs: Any) -> None:
        initial = {name: getattr(entry, name) for name in (*self.FIGURES, "version")}
        if entry.gross_quantity is not None:
            initial["quantity"] = None
        initial["adjustments"] = [each["id"] for each in entry.adjustments]
        kept = {each["id"]: in_language(each["name_ta"], each["name_en"]) for each in entry.adjustments}
        super().__init__(*args, shop=shop, kept=kept, initial=initial, **kwargs)
        # A flower that is no longer sold stays on the lines that were written with it.
        choices = shop.flowers.filter(Q(is_active=True) | Q(pk=entry.flower_id))
        cast(FlowerField, self.fields["flower"]).queryset = choices

    def changes(self) -> Changes:
        """What was changed, as `edit_entry` takes it; the rest stays as it is."""
        changes: dict[str, Any] = {
            name: self.cleaned_data[name] for name in self.CHANGES if name in self.changed_data
        }
        for name in ("farmer", "flower"):
            if name in changes:
                changes[f"{name}_id"] = changes.pop(name).pk
        return cast(Changes, changes)

    def correction(self) -> dict[str, Any]:
        """The correction as `edit_entry` takes it."""
        said = self.cleaned_data
        return {"version": said["version"], "reason": said["reason"], "changes": self.changes()}

    def faults(self) -> list[str]:
        """What is wrong with the figures alone, while the rest is still being typed."""
        return [str(words) for name in self.CHANGES for words in self.errors.get(name, [])]

    def over(self, entry: DailyEntry, seen: Any) -> "EntryEditForm":
        """What was typed over the version `seen`, put over the line as it stands now.

        What he did not touch is the other's: saving the form takes nothing back that was never meant.
        """
        typed = EntryEditForm(self.data, entry=seen, shop=self.shop).changed_data
        present = EntryEditForm(entry=entry, shop=self.shop)
        words = QueryDict(mutable=True)
        words.update(self.data)
        for name in ("version", *(name for name in self.FIGURES if name not in typed)):
            value = present[name].value()
            words[name] = "" if value is None else str(value)
        if "adjustments" in self.fields and "adjustments" not in typed:
            words.setlist("adjustments", present["adjustments"].value())
        return EntryEditForm(words, entry=entry, shop=self.shop)


class VoidForm(ReasonForm, OnceForm):
    """Cancelling a line."""

    OFFERED = VoidReason

    version = forms.IntegerField(widget=forms.HiddenInput)


class EntryFilter(forms.Form):
    """Which lines of the book to show; today's unless other days are chosen."""

    farmer = FarmerField(required=False)
    flower = FlowerField(required=False, empty_label=_("All flowers"))
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), *EntryStatus.choices]
    )
    unpriced = forms.BooleanField(label=_("Without a rate"), required=False)
    to_look_at = forms.BooleanField(label=_("To look at"), required=False)

    def __init__(self, query: QueryDict, *, shop: Shop, today: dt.date) -> None:
        asked = query.copy()
        day = asked.get("day") or today.isoformat()
        first, last = asked.get("from"), asked.get("to")
        asked["from"] = first or last or day
        asked["to"] = last or (max(first, day) if first else day)
        super().__init__(asked)
        # `from` is the word of the address, and no name in Python.
        days = {
            "from": forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"})),
            "to": forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"})),
        }
        self.fields = {**days, **self.fields}
        cast(FarmerField, self.fields["farmer"]).shop = shop
        cast(FlowerField, self.fields["flower"]).queryset = shop.flowers.all()

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        if "from" in chosen and "to" in chosen and chosen["from"] > chosen["to"]:
            self.add_error("from", _("The first day is after the last one."))
        return chosen

    def question(self) -> dict[str, Any]:
        """The filters as `entries_matching` takes them."""
        chosen = dict(self.cleaned_data)
        return chosen | {"start": chosen.pop("from"), "end": chosen.pop("to")}
