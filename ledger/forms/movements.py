"""What people type about money given and taken back, read; the services decide about it."""

import datetime as dt
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from ledger.domain import OPENINGS, Mode, MovementKind, MovementStatus
from ledger.forms.entries import FarmerField
from ledger.models import Farmer
from ledger.services.movements import Outlook, outlook_of
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.forms import FigureField, OnceForm
from malar.kernel.ids import new_id

GIVEN = [
    (MovementKind.ADVANCE, _("Advance")),
    (MovementKind.HAND_LOAN, _("Hand loan")),
    (MovementKind.DRAW, _("Draw")),
]
CAME_BACK = [
    (MovementKind.ADVANCE_REPAYMENT, _("Advance paid back")),
    (MovementKind.HAND_LOAN_REPAYMENT, _("Hand loan paid back")),
]
OWED_BEFORE = "opening_owed"
"""On the form an opening balance that the farmer owes is a choice of its own, so that nobody types a minus."""
BROUGHT_OVER = [
    (MovementKind.OPENING_BALANCE, _("We owed him")),
    (OWED_BEFORE, _("He owed us")),
    (MovementKind.OPENING_ADVANCE, _("Advance from before")),
]
MODES = [(mode, mode.label) for mode in Mode if mode != Mode.NONE]


class MovementForm(OnceForm):
    """Money given to a farmer, or what he brings back; for the owner also what an older book says."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=new_id)
    farmer = FarmerField(help_text=_("Number or code."))
    kind = forms.ChoiceField(
        label=_("What is it?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what kind of money it is.")},
    )
    amount = FigureField(
        label=_("Amount, ₹"), error_messages={"required": _("Enter the amount: more than 0.")}
    )
    mode = forms.ChoiceField(
        label=_("How?"), choices=MODES, widget=forms.RadioSelect, initial=Mode.CASH, required=False
    )
    business_date = forms.DateField(
        label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reference = forms.CharField(label=_("Cheque or payment number"), required=False, max_length=40)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def __init__(
        self, data: QueryDict | None = None, *, member: Membership, today: dt.date, **kwargs: Any
    ) -> None:
        self.member, self.today = member, today
        initial = {"business_date": today, **kwargs.pop("initial", {})}
        super().__init__(data, initial=initial, **kwargs)
        cast(FarmerField, self.fields["farmer"]).shop = member.shop
        openings = BROUGHT_OVER if member.role == Role.ADMIN else []
        cast(forms.ChoiceField, self.fields["kind"]).choices = [*GIVEN, *CAME_BACK, *openings]
        self.fields["business_date"].widget.attrs["max"] = today.isoformat()

    def movement(self) -> dict[str, Any]:
        """The movement as `record_movement` takes it."""
        said = dict(self.cleaned_data)
        kind, amount = self._meant(said["kind"], said["amount"])
        mode = Mode.NONE if kind in OPENINGS else said["mode"] or Mode.CASH
        farmer = said.pop("farmer")
        return said | {"farmer_id": farmer.pk, "kind": kind, "amount": amount, "mode": mode}

    def outlook(self) -> Outlook | None:
        """What the movement would do, as far as it is typed; None while that cannot be said."""
        farmer, kind = self._peek("farmer"), self._peek("kind")
        if farmer is None or not kind:
            return None
        kind, amount = self._meant(kind, self._peek("amount") or Decimal(0))
        return outlook_of(self.member, farmer, kind, amount)

    @property
    def farmer_chosen(self) -> Farmer | None:
        """The farmer as far as he is typed."""
        return cast(Farmer | None, self._peek("farmer"))

    @property
    def given(self) -> list[Any]:
        """The choices of money that goes to the farmer."""
        return list(self["kind"])[: len(GIVEN)]

    @property
    def came_back(self) -> list[Any]:
        """The choices of money that he brings."""
        return list(self["kind"])[len(GIVEN) : len(GIVEN) + len(CAME_BACK)]

    @property
    def brought_over(self) -> list[Any]:
        """The choices of an older book's figures; nobody's but the owner's."""
        return list(self["kind"])[len(GIVEN) + len(CAME_BACK) :]

    def _meant(self, kind: str, amount: Decimal) -> tuple[str, Decimal]:
        return (MovementKind.OPENING_BALANCE, -amount) if kind == OWED_BEFORE else (kind, amount)

    def _peek(self, name: str) -> Any:
        """What stands in a field already; None for what is missing or cannot be read."""
        try:
            return self.fields[name].clean(self[name].value())
        except forms.ValidationError:
            return None


class ReasonWhyForm(OnceForm):
    """Why a movement is taken back, or refused."""

    reason = forms.CharField(label=_("Why?"), max_length=200, error_messages={"required": _("Say why.")})


class MovementFilter(forms.Form):
    """Which movements to show; today's unless other days are chosen."""

    farmer = FarmerField(required=False)
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *MovementKind.choices])
    status = forms.ChoiceField(
        label=_("Status"), required=False, choices=[("", _("All")), *MovementStatus.choices]
    )

    def __init__(self, query: QueryDict, *, shop: Shop, today: dt.date) -> None:
        asked = query.copy()
        first, last = asked.get("from"), asked.get("to")
        asked["from"] = first or last or today.isoformat()
        asked["to"] = last or (max(first, today.isoformat()) if first else today.isoformat())
        super().__init__(asked)
        # `from` is the word of the address, and no name in Python.
        days = {
            "from": forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"})),
            "to": forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"})),
        }
        self.fields = {**days, **self.fields}
        cast(FarmerField, self.fields["farmer"]).shop = shop

    def clean(self) -> dict[str, Any]:
        chosen = self.cleaned_data
        if "from" in chosen and "to" in chosen and chosen["from"] > chosen["to"]:
            self.add_error("from", _("The first day is after the last one."))
        return chosen

    def question(self) -> dict[str, Any]:
        """The filters as `movements_asked` takes them."""
        chosen = self.cleaned_data
        farmer = chosen["farmer"]
        return {
            "start": chosen["from"],
            "end": chosen["to"],
            "farmer": farmer.pk if farmer else None,
            "kind": chosen["kind"] or None,
            "status": chosen["status"] or None,
        }
