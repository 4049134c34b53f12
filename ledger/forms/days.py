"""What people type at the end of a day, read; the services decide about it."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ledger.domain import COINS, NOTES, Mode, counted_of
from ledger.models import DayClose
from ledger.selectors.days_cash import CashBook, cash_words, difference_words
from malar.kernel.forms import FigureField, OnceForm
from malar.kernel.ids import new_id

MODES = [(mode, mode.label) for mode in Mode if mode != Mode.NONE]


class ExpenseForm(OnceForm):
    """What the shop spent."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=new_id)
    what = forms.CharField(
        label=_("What for?"),
        max_length=60,
        widget=forms.TextInput(attrs={"list": "spent-before", "autocomplete": "off"}),
        error_messages={"required": _("Say what it was for: tea, bus, thread.")},
    )
    amount = FigureField(
        label=_("Amount, ₹"), error_messages={"required": _("Enter the amount: more than 0.")}
    )
    mode = forms.ChoiceField(label=_("How?"), choices=MODES, widget=forms.RadioSelect, initial=Mode.CASH)
    business_date = forms.DateField(
        label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reference = forms.CharField(label=_("Cheque or payment number"), required=False, max_length=40)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def __init__(self, data: QueryDict | None = None, *, day: dt.date, today: dt.date) -> None:
        super().__init__(data, initial={"business_date": day})
        self.fields["business_date"].widget.attrs["max"] = today.isoformat()


class CountForm(OnceForm):
    """The cash of an evening, counted note by note; a day that was opened again proposes what was counted before."""

    def __init__(
        self, data: QueryDict | None = None, *, book: CashBook, before: DayClose | None = None
    ) -> None:
        initial: dict[str, Any] = {}
        if before:
            initial = {**before.denominations, "opening_cash": before.opening_cash, "note": before.note}
        elif book.opening > 0:
            initial["opening_cash"] = book.opening
        super().__init__(data, initial=initial)
        self.book = book
        if book.is_first:
            self.fields["opening_cash"] = FigureField(
                label=_("Cash in the morning, ₹"),
                help_text=_("Once, for the first day that is closed. Later days open with what was counted."),
                error_messages={"required": _("Enter the cash in the morning: 0 where there was none.")},
            )
        for note in NOTES:
            self.fields[str(note)] = FigureField(label=f"₹{note}", required=False)
            self.fields[str(note)].widget.attrs |= {"class": "input", "inputmode": "numeric"}
        self.fields[COINS] = FigureField(label=_("Paise and other coins, ₹"), required=False)
        self.fields[COINS].widget.attrs["class"] = "input"
        self.fields["note"] = forms.CharField(label=_("Note"), required=False, max_length=200)

    @property
    def rows(self) -> list[tuple[int, forms.BoundField, Decimal]]:
        """Each note with its field and what it comes to in ₹ as far as it is typed."""
        return [(note, self[str(note)], note * self._value(str(note))) for note in NOTES]

    @property
    def coins(self) -> forms.BoundField:
        return self[COINS]

    @property
    def counted(self) -> Decimal:
        """What is counted so far in ₹."""
        return counted_of(self.denominations())

    @property
    def opening(self) -> Decimal:
        """The opening cash in ₹: what the book says, or for a first close what is typed."""
        return self._value("opening_cash") if self.book.is_first else self.book.opening

    @property
    def expected(self) -> Decimal:
        """What should be in the box in ₹."""
        return self.book.expected - self.book.opening + self.opening

    @property
    def difference(self) -> Decimal:
        return self.counted - self.expected

    @property
    def words(self) -> dict[str, str]:
        """Opening, expected and difference as the page says them."""
        return {
            "opening": cash_words(self.opening),
            "expected": cash_words(self.expected),
            "difference": difference_words(self.difference),
        }

    @property
    def paise(self) -> dict[str, str]:
        """Opening cash and what moved since, in whole paise, for the script that counts along."""
        moved = self.book.expected - self.book.opening
        return {"opening": str(int(self.opening * 100)), "moved": str(int(moved * 100))}

    def denominations(self) -> dict[str, int | Decimal]:
        """The count as `close_day` takes it."""
        return {name: number for name in (*map(str, NOTES), COINS) if (number := self._value(name))}

    def said(self) -> dict[str, Any]:
        """What was typed as `close_day` takes it."""
        return {
            "key": self.cleaned_data["key"],
            "denominations": self.denominations(),
            "opening_cash": self.cleaned_data.get("opening_cash"),
            "note": self.cleaned_data["note"],
        }

    def _value(self, name: str) -> Decimal:
        """A figure as far as it can be read, else 0."""
        field = self.fields[name]
        try:
            value = field.clean(self[name].value())
        except forms.ValidationError:
            return Decimal(0)
        return value or Decimal(0)
