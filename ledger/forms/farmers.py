"""What people type about farmers, read; the services decide about it."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import QueryDict
from django.utils.text import capfirst
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from ledger.models import Farmer
from ledger.selectors.farmers import UNSEEN_DAYS, Namesake, namesakes_of, village_in_other_script, villages_of
from ledger.services.farmers import Particulars, next_number
from malar.accounts.domain import normal_phone
from malar.accounts.models import Shop
from malar.kernel.forms import FigureField, OnceForm
from malar.kernel.quantities import TAMIL_DIGITS
from malar.kernel.transliteration import to_latin, to_tamil


class FarmerFilter(forms.Form):
    """Which farmers to show."""

    q = forms.CharField(
        label=_("Search"),
        required=False,
        max_length=80,
        widget=forms.TextInput(
            attrs={
                "type": "search",
                "autocomplete": "off",
                "placeholder": _("Number, name, village, phone"),
            }
        ),
    )
    village = forms.ChoiceField(label=_("Village"), required=False)
    active = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[("", _("Active")), ("no", _("No longer active")), ("all", _("All"))],
    )
    unseen = forms.BooleanField(label=_("Not seen for 30 days"), required=False)

    ACTIVE = {"": True, "no": False, "all": None}

    def __init__(self, data: QueryDict, *, shop: Shop) -> None:
        super().__init__(data)
        choices = [("", _("All villages")), *((name, name) for name in villages_of(shop))]
        cast(forms.ChoiceField, self.fields["village"]).choices = choices

    def question(self, today: dt.date) -> dict[str, Any]:
        """The filters as `farmers_listed` takes them; what cannot be read filters nothing."""
        self.is_valid()
        return {
            "words": self.cleaned_data.get("q", ""),
            "is_active": self.ACTIVE[self.cleaned_data.get("active", "")],
            "village": self.cleaned_data.get("village", ""),
            "unseen_since": (
                today - dt.timedelta(days=UNSEEN_DAYS) if self.cleaned_data.get("unseen") else None
            ),
        }

    @property
    def narrows(self) -> bool:
        """Whether anything was asked for at all: an empty book is told from an empty answer by it."""
        return any(self.cleaned_data.values())


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
    "upi",
)


MOBILE_DIGITS = 10
NAMESAKES_SHOWN = 5
OTHER_SCRIPT = {
    "name_en": ("name_ta", to_latin),
    "name_ta": ("name_en", to_tamil),
    "village_en": ("village_ta", to_latin),
    "village_ta": ("village_en", to_tamil),
}
"""Field → the field it is suggested from, and how."""


@dataclass(frozen=True)
class PhoneHint:
    """What there is to say about a number while it is typed: a sentence, and whether it can be called."""

    words: str
    is_good: bool = False


@dataclass(frozen=True)
class Hints:
    """What there is to say about what was typed so far; nothing of it forbids anything."""

    number: int | None
    holder: Farmer | None
    free_number: int
    phone: PhoneHint | None
    whatsapp: PhoneHint | None
    sharers: list[Farmer]
    suggested: dict[str, str]
    namesakes: list[Namesake]

    @property
    def namesakes_shown(self) -> list[Namesake]:
        """Those a page has room for, the nearest ones."""
        return self.namesakes[:NAMESAKES_SHOWN]

    @property
    def namesakes_more(self) -> int:
        """How many there are beyond those."""
        return len(self.namesakes) - len(self.namesakes_shown)

    @property
    def seen(self) -> str:
        """The numbers of the namesakes, as the form carries them when they have been shown."""
        return ",".join(str(same.farmer.number) for same in self.namesakes)


def phone_hint(text: str) -> PhoneHint | None:
    """A plain sentence about a phone number that may still be half typed; None where nothing is typed."""
    text = text.strip()
    if not text:
        return None
    digits = "".join(sign for sign in text.translate(TAMIL_DIGITS) if sign.isdecimal())
    if any(sign.isalpha() for sign in text):
        return PhoneHint(_now("A phone number has digits only."))
    if len(digits) > MOBILE_DIGITS:
        digits = digits.removeprefix("91") if text.startswith("+") or len(digits) == 12 else digits
        digits = digits.removeprefix("0")
    if text.startswith("+") and not text.replace(" ", "").startswith("+91"):
        return _foreign(text)
    if len(digits) < MOBILE_DIGITS:
        words = ngettext(
            "%(count)s digit so far. A mobile number has 10.",
            "%(count)s digits so far. A mobile number has 10.",
            len(digits),
        )
        return PhoneHint(words % {"count": len(digits)})
    if len(digits) > MOBILE_DIGITS:
        return PhoneHint(_now("%(count)s digits: too many. A mobile number has 10.") % {"count": len(digits)})
    if digits[0] not in "6789":
        return PhoneHint(
            _now("Mobile numbers begin with 6, 7, 8 or 9. No message reaches a number like this.")
        )
    return PhoneHint(f"+91 {digits[:5]} {digits[5:]}", is_good=True)


def _foreign(text: str) -> PhoneHint:
    try:
        return PhoneHint(normal_phone(text), is_good=True)
    except ValueError:
        return PhoneHint(_now("This is not a phone number."))


class StateForm(forms.Form):
    """Whether a farmer still comes, as the page showed him."""

    version = forms.IntegerField()
    is_active = forms.TypedChoiceField(
        choices=[("yes", "yes"), ("no", "no")], coerce=lambda value: value == "yes"
    )


class FarmerForm(OnceForm):
    """What is known of a farmer. The model gives labels and choices, the service checks.

    Whoever takes somebody in under a name that is in the book already is asked once whether it is
    another person. `seen` carries the numbers of those he was shown before he saved.
    """

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, data: QueryDict | None = None, *, shop: Shop, today: dt.date, farmer: Farmer | None = None
    ) -> None:
        self.shop, self.today, self.farmer = shop, today, farmer
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
            help_text=_("Called at the scale."),
            validators=number.validators,
            widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        )
        for name in ("phone", "whatsapp"):
            self.fields[name].widget = forms.TextInput(attrs={"type": "tel", "inputmode": "tel"})
        for name in ("name_ta", "village_ta", "name_en", "village_en"):
            self.fields[name].widget.attrs |= {"lang": name[-2:], "autocomplete": "off"}
        self.fields["code"].label = _("Farmer code")
        if farmer is None:
            self.fields["number"].required = self.fields["code"].required = False
            self.fields["code"].help_text = _("Empty: F and the number.")
        else:
            self.fields["code"].help_text = _("As it stands on papers.")
            self.fields["version"] = forms.IntegerField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Ask about people of the same name whom nobody has shown to him yet."""
        cleaned = super().clean() or self.cleaned_data
        if self.is_renaming() and not self.errors:
            shown = set(cleaned.get("seen", "").split(","))
            if {str(same.farmer.number) for same in self.namesakes} - shown:
                self.add_error(
                    None,
                    forms.ValidationError(
                        _now("Somebody of this name is in the book already. Is it the same person?"),
                        code="same_name",
                    ),
                )
        return cleaned

    def is_renaming(self) -> bool:
        """Whether the name is new to the book: somebody taken in, or called otherwise than before."""
        return self.farmer is None or bool({"name_ta", "name_en"} & set(self.changed_data))

    @property
    def typed_otherwise(self) -> list[tuple[str, str]]:
        """What was typed that is not so in the book: label and words, for whoever has to type it again."""
        typed = []
        for name in PARTICULARS:
            if name in self.changed_data:
                value = self[name].value()
                words = dict(getattr(self.fields[name], "choices", ())).get(value, value)
                typed.append((str(self.fields[name].label), str(words or "–")))
        return typed

    @property
    def asks_about_name(self) -> bool:
        """Whether saving waits for the answer that it is another person."""
        return self.has_error(NON_FIELD_ERRORS, "same_name")

    @cached_property
    def hints(self) -> Hints:
        """What there is to say about what was typed."""
        typed = {name: str(self[name].value() or "").strip() for name in self.fields}
        number = typed["number"].translate(TAMIL_DIGITS)
        number = number if number.isdecimal() and len(number) <= 4 else ""
        others = self.shop.farmers.all()
        others = others.exclude(pk=self.farmer.pk) if self.farmer else others
        try:
            phone = normal_phone(typed["phone"])
        except ValueError:
            phone = ""
        return Hints(
            number=int(number) if number else None,
            holder=others.filter(number=int(number)).first() if number else None,
            free_number=next_number(self.shop),
            phone=phone_hint(typed["phone"]),
            whatsapp=phone_hint(typed["whatsapp"]),
            sharers=list(others.filter(phone=phone)[:3]) if phone else [],
            suggested={
                name: self._suggested(name, typed[source])
                for name, (source, _spell) in OTHER_SCRIPT.items()
                if typed[source]
            },
            namesakes=self.namesakes if self.is_renaming() else [],
        )

    def _suggested(self, name: str, source: str) -> str:
        if name.startswith("village") and (known := village_in_other_script(self.shop, source)):
            return known
        return OTHER_SCRIPT[name][1](source)

    @cached_property
    def namesakes(self) -> list[Namesake]:
        """Who is called like what was typed."""
        return namesakes_of(
            self.shop,
            name_ta=str(self["name_ta"].value() or ""),
            name_en=str(self["name_en"].value() or ""),
            day=self.today,
            besides=self.farmer,
        )

    def particulars(self) -> Particulars:
        """As the services take them."""
        return cast(
            Particulars, {name: value for name, value in self.cleaned_data.items() if name in PARTICULARS}
        )
