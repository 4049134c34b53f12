"""What the owner types to publish a rate."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from malar.accounts.models import Shop
from malar.kernel.forms import FigureField, OnceForm
from pricing.models import Flower, TimeSlot


class RateForm(OnceForm):
    """A rate for a flower: called now, or for a slot, or from another moment on."""

    flower = forms.ModelChoiceField(
        Flower.objects.none(),
        label=_("Flower"),
        empty_label=_("Choose"),
        error_messages={"invalid_choice": _("This flower is not in your shop's list.")},
    )
    rate = FigureField(label=_("Rate, ₹ per unit"))
    slot = forms.ModelChoiceField(
        TimeSlot.objects.none(),
        label=_("Time slot"),
        required=False,
        empty_label=_("Called rate"),
        help_text=_(
            "A called rate holds until the next one or the end of the day, a slot's rate until its next one."
        ),
    )
    effective_from = forms.DateTimeField(
        label=_("From"),
        required=False,
        help_text=_("Empty: from now on."),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, shop: Shop, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        flower, slot = self.fields["flower"], self.fields["slot"]
        if isinstance(flower, forms.ModelChoiceField) and isinstance(slot, forms.ModelChoiceField):
            flower.queryset = shop.flowers.active()
            slot.queryset = shop.time_slots.filter(is_active=True)
