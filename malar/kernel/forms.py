"""What every form of the house shares: figures as people type them, keys, refusals shown at their fields."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from malar.kernel.errors import Fault, NotAllowed, NotFound, RuleBroken
from malar.kernel.quantities import read_decimal

LONGEST = 24
"""Characters of a typed number; no number of the book is longer."""
USED_BEFORE = frozenset({"idempotency_key_reused", "id_exists"})


class FigureField(forms.CharField):
    """A number as people at the counter type it (`12,5`, `௧௨.௫`, `1,250.75`), or nothing.

    Cleans to Decimal or None. Only reads: whether the number is allowed is for the services.
    """

    default_error_messages = {"invalid": gettext_lazy("Enter a number, for example 12.5.")}

    def __init__(self, *, comma_groups: bool = True, **kwargs: Any) -> None:
        self.comma_groups = comma_groups
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(**{"widget": widget, "max_length": LONGEST, "empty_value": None, **kwargs})

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Decimal):
            return value
        text = super().to_python(value)
        if text is None:
            return None
        try:
            # No letters: `1e9` and `inf` are numbers to Python and typing errors at the counter.
            if len(text) > LONGEST or any(sign.isalpha() for sign in text):
                raise ValueError(text)
            return read_decimal(text, comma_groups=self.comma_groups)
        except ValueError as error:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from error

    def run_validators(self, value: Any) -> None:
        """The length was checked on what was typed."""

    def prepare_value(self, value: Any) -> Any:
        return f"{value:f}" if isinstance(value, Decimal) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except forms.ValidationError:
            return True


class OnceForm(forms.Form):
    """A form with a key minted when it is shown: sent twice, it acts once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def mint_again(self) -> None:
        """Give the form a new key, for what is really another request."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data[self.add_prefix("key")] = str(uuid4())
        self.data = data


@contextmanager
def refusals_on(form: forms.BaseForm) -> Iterator[None]:
    """Put what a service refuses on the form's fields, by pointer; the block ends there.

    A form that was sent before with other words (the browser's back button) gets a new key and
    says so. Missing rows and missing rights are not the form's: they go on as they are.
    """
    try:
        yield
    except (NotAllowed, NotFound):
        raise
    except RuleBroken as broken:
        if broken.code in USED_BEFORE and isinstance(form, OnceForm):
            form.mint_again()
            form.add_error(None, _("This form was saved before. Saving it now makes another one."))
            return
        for fault in broken.faults or [Fault("", broken.code, broken.detail)]:
            name = fault.pointer.strip("/").partition("/")[0]
            form.add_error(
                name if name in form.fields else None, forms.ValidationError(fault.detail, code=fault.code)
            )
