"""What comes with a list of farmers: the file, and afterwards what was decided about its rows."""

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

from ledger.services.openings import Totals
from malar.kernel.forms import FigureField, OnceForm

SALT = "ledger.farmer_import"
HOURS = 12


@dataclass(frozen=True)
class Carried:
    """A list on its way from the preview to the import: in the page itself, because it is kept nowhere else.

    Signed, so that what is imported is what was looked at, in the shop where it was.
    """

    shop: str
    text: str
    expected: str

    def sealed(self) -> str:
        return signing.dumps(asdict(self), salt=SALT, compress=True)

    @classmethod
    def opened(cls, seal: str, shop: UUID) -> "Carried | None":
        """What was sealed; None where it was changed, is too old or is another shop's."""
        try:
            carried = cls(**signing.loads(seal, salt=SALT, max_age=HOURS * 3600))
        except signing.BadSignature:
            return None
        return carried if carried.shop == str(shop) else None


class ListForm(forms.Form):
    """A file with farmers."""

    file = forms.FileField(
        label=_("The list (CSV or Excel)"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,text/csv,text/plain"}),
    )


class LinesField(forms.Field):
    """Ticked lines of the list: numbers, each sent by its own box."""

    widget = forms.MultipleHiddenInput
    default_error_messages = {"invalid": _("Choose the file again.")}

    def to_python(self, value: Any) -> list[int]:
        try:
            return [int(line) for line in value or []]
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error


class DecisionForm(OnceForm):
    """What was decided about the rows of a list that was looked at."""

    carried = forms.CharField(widget=forms.HiddenInput, strip=False)
    ticked = LinesField(required=False)
    left = LinesField(required=False)
    take_over_all = forms.BooleanField(required=False)
    welcome = forms.BooleanField(
        label=_("Send the new ones a welcome"),
        required=False,
        help_text=_(
            "A message to everyone with a number: that his account is kept here, and how to stop messages."
        ),
    )
    we_owe = FigureField(label=_("Total: we owe"), required=False)
    he_owes = FigureField(label=_("Total: farmers owe"), required=False)
    advance = FigureField(label=_("Total: advances"), required=False)
    opened_on = forms.DateField(
        label=_("Last day of the older book"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def totals(self) -> Totals | None:
        """What the older book says at its end; None where not all of it was typed."""
        typed = {name: self.cleaned_data[name] for name in ("we_owe", "he_owes", "advance")}
        return None if None in typed.values() else Totals(**typed)
