"""What the delivery log can be asked; what a farmer says who signs in, and what he wants to be told."""

import datetime as dt
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from ledger.forms.entries import FarmerField
from ledger.models import Farmer
from malar.accounts.adapter import PhoneField
from malar.accounts.domain import Language
from malar.accounts.models import Shop
from malar.kernel.quantities import TAMIL_DIGITS
from notifications.domain import Channel, Kind, State
from notifications.models import Message

YES_NO = [("yes", "yes"), ("no", "no")]


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


class AskCodeForm(forms.Form):
    """The number a farmer signs in with."""

    phone = PhoneField(label=_("Mobile number"), help_text=_("The one that the shop has written down."))


class GiveCodeForm(forms.Form):
    """The code he was sent."""

    code = forms.CharField(
        label=_("OTP"),
        max_length=20,
        widget=forms.TextInput(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True, "size": 8}
        ),
    )

    def clean_code(self) -> str:
        """Digits alone, however they are typed or pasted; Tamil ones too."""
        code = self.cleaned_data["code"].translate(TAMIL_DIGITS)
        return "".join(each for each in code if each.isdecimal())


class WhoForm(forms.Form):
    """Which of the farmers of a number he is."""

    farmer = forms.UUIDField()

    def __init__(self, *args: Any, farmers: list[Farmer], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.farmers = farmers

    def clean_farmer(self) -> UUID:
        chosen: UUID = self.cleaned_data["farmer"]
        if chosen not in {farmer.pk for farmer in self.farmers}:
            raise forms.ValidationError(_("Choose one of them."))
        return chosen


class WishesForm(forms.Form):
    """What a farmer wants to be told; what is not said stays as it is."""

    GROUPS: ClassVar[tuple[tuple[str | Promise, dict[Kind, str | Promise]], ...]] = (
        (
            _("Flowers"),
            {
                Kind.ENTRY_RECEIPT: _("A receipt for each entry"),
                Kind.DAY_SUMMARY: _("One sum of the day, instead of receipts"),
                Kind.ENTRY_CORRECTED: _("When an entry is corrected"),
                Kind.ENTRY_PRICED: _("When the rate comes later"),
                Kind.ENTRY_VOIDED: _("When an entry is cancelled"),
                Kind.RATE_PENDING: _("When there is still no rate in the evening"),
            },
        ),
        (
            pgettext_lazy("wishes", "Money"),
            {
                Kind.ADVANCE_GIVEN: _("When an advance is given"),
                Kind.PAYMENT_PAID: _("When money is paid"),
            },
        ),
        (
            pgettext_lazy("wishes", "Settlements"),
            {
                Kind.SETTLEMENT_READY: _("When a settlement waits for an answer"),
                Kind.SETTLEMENT_REMINDER: _("A reminder, while it waits"),
                Kind.SETTLEMENT_APPROVED: _("When it is approved"),
                Kind.SETTLEMENT_REVERSED: _("When it is taken back"),
                Kind.DISPUTE_RECEIVED: _("That a complaint was written down"),
            },
        ),
    )

    messages = forms.ChoiceField(choices=YES_NO, required=False)
    language = forms.ChoiceField(choices=Language.choices, required=False)
    either = forms.ChoiceField(choices=YES_NO, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for _title, kinds in self.GROUPS:
            for kind in kinds:
                self.fields[kind] = forms.ChoiceField(choices=YES_NO, required=False)

    def said(self) -> dict[str, Any]:
        """As `change_wishes` takes it."""
        given = {name: value for name, value in self.cleaned_data.items() if value}
        language = given.pop("language", None)
        is_said = {name: value == "yes" for name, value in given.items()}
        messages, either = is_said.pop("messages", None), is_said.pop("either", None)
        return {"wanted": is_said, "messages": messages, "language": language, "either": either}


class AnswerFilter(forms.Form):
    """Which answers of farmers to show, and which one was changed just now."""

    show = forms.ChoiceField(required=False, choices=[("", "open"), ("done", "done")])
    changed = forms.UUIDField(required=False)


class SeenToForm(forms.Form):
    """Whether somebody has seen to what a farmer wrote."""

    is_done = forms.TypedChoiceField(
        choices=[("yes", "yes"), ("no", "no")], coerce=lambda value: value == "yes"
    )
