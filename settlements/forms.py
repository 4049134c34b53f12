"""What people type about settlements, read; the services decide about it."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from ledger.domain import Cadence, Mode
from ledger.forms.entries import FarmerField
from ledger.models import Farmer
from ledger.selectors.farmers import find_farmer
from malar.accounts.models import Shop, in_language
from malar.kernel.forms import FigureField, OnceForm
from malar.kernel.ids import new_id
from malar.kernel.quantities import significant_decimals
from settlements.domain import MONTHS, Status
from settlements.models import Settlement, TamilMonth
from settlements.selectors.pages import STATES
from settlements.services.runs import Order

MODES = [(mode, mode.label) for mode in Mode if mode != Mode.NONE]
RECOVERY = "recovery-"
"""Before a farmer's id: the name of the field in which his recovery is typed."""


def day_field(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class FarmersField(forms.CharField):
    """Several farmers by number or code, with commas or spaces between them; cleans to a list."""

    shop: Shop

    def to_python(self, value: Any) -> Any:
        words = (super().to_python(value) or "").replace(",", " ").split()
        found = {word: find_farmer(self.shop, word) for word in words}
        if unknown := [word for word, farmer in found.items() if farmer is None]:
            said = _now("Nobody has the number %(numbers)s.") % {"numbers": ", ".join(unknown)}
            raise forms.ValidationError(said, code="unknown")
        return [farmer for farmer in found.values() if farmer]

    def run_validators(self, value: Any) -> None:
        """Nothing to check in farmers of the shop."""


class RunForm(OnceForm):
    """What a run is asked for. The recoveries come with fields of their own, `recovery-<farmer>`."""

    period = forms.ChoiceField(
        label=_("Which days?"),
        widget=forms.RadioSelect,
        choices=[("last_week", _("Last week")), ("this_week", _("This week")), ("days", _("Other days"))],
    )
    period_start = day_field(_("From"))
    period_end = day_field(_("To"))
    who = forms.ChoiceField(
        label=_("Which farmers?"),
        widget=forms.RadioSelect,
        initial="all",
        choices=[
            ("all", _("All of them")),
            ("cadence", _("By how often they are settled")),
            ("chosen", _("Some")),
        ],
    )
    cadence = forms.ChoiceField(label=_("How often"), required=False, choices=Cadence.choices)
    farmers = FarmersField(
        label=_("Their numbers"),
        required=False,
        help_text=_("With commas between them, for example 14, 15, 22."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    despite_tablets = forms.BooleanField(
        label=_("Also where a tablet still has lines to send"),
        required=False,
        help_text=_("What comes from it later falls into the next settlement."),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        shop: Shop,
        today: dt.date,
        initial: dict[str, Any] | None = None,
    ) -> None:
        self.shop, self.today = shop, today
        # On a Sunday the week is over in the evening; on other days the last whole one is meant.
        usual = "this_week" if today.weekday() == 6 else "last_week"
        start = today - dt.timedelta(days=today.weekday())
        first = {"period": usual, "period_start": start, "period_end": today, **(initial or {})}
        super().__init__(data, initial=first)
        cast(FarmersField, self.fields["farmers"]).shop = shop
        for name in ("period_start", "period_end"):
            self.fields[name].widget.attrs["max"] = today.isoformat()

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        said["days"] = self._days(said)
        said["only"] = self._only(said)
        said["recovery"] = self._recovery()
        return said

    def order(self) -> Order | None:
        """What is asked for as far as it can be read; None without days or farmers. What is wrong with a recovery
        is said, and his own policy holds meanwhile."""
        said = self.cleaned_data
        if not said.get("days") or self.errors.keys() - {"__all__"}:
            return None
        start, end = said["days"]
        return Order(
            start=start,
            end=end,
            farmers=said["only"],
            recovery=said["recovery"],
            despite_tablets=said["despite_tablets"],
        )

    def typed(self, settlement: Settlement) -> str:
        """What stands in the field of a farmer's recovery: what was typed, else what would be recovered."""
        return str(self.data.get(f"{RECOVERY}{settlement.farmer_id}") or f"{settlement.recovery:f}")

    def _days(self, said: dict[str, Any]) -> tuple[dt.date, dt.date] | None:
        monday = self.today - dt.timedelta(days=self.today.weekday())
        match said.get("period"):
            case "this_week":
                return monday, self.today
            case "last_week":
                return monday - dt.timedelta(days=7), monday - dt.timedelta(days=1)
        for name in ("period_start", "period_end"):
            if name not in self.errors and not said.get(name):
                self.add_error(name, _now("Choose a day."))
        if said.get("period_start") and said.get("period_end"):
            return said["period_start"], said["period_end"]
        return None

    def _only(self, said: dict[str, Any]) -> tuple[UUID, ...] | None:
        match said.get("who"):
            case "cadence":
                farmers = self.shop.farmers.filter(cadence=said["cadence"]).values_list("pk", flat=True)
                if not farmers:
                    self.add_error("cadence", _now("No farmer is settled that often."))
                return tuple(farmers)
            case "chosen":
                chosen: Iterable[Farmer] = said.get("farmers") or ()
                if not chosen and "farmers" not in self.errors:
                    self.add_error("farmers", _now("Enter at least one number."))
                return tuple(farmer.pk for farmer in chosen)
        return None

    def _recovery(self) -> dict[UUID, Decimal]:
        """₹ by farmer: what the owner saw in the preview and left, or typed over. An empty field: his policy."""
        field, typed = FigureField(required=False), {}
        for name, value in self.data.items():
            if name.startswith(RECOVERY):
                try:
                    farmer, amount = UUID(name.removeprefix(RECOVERY)), field.clean(value)
                except ValueError:
                    continue
                except forms.ValidationError:
                    amount = Decimal(-1)
                # The service refuses it, too; here the others are still shown beside it.
                if amount is not None and (amount < 0 or significant_decimals(amount) > 2):
                    self.add_error(None, _now("“%(typed)s” is no amount.") % {"typed": str(value)[:24]})
                elif amount is not None:
                    typed[farmer] = amount
        return typed


class SendForm(OnceForm):
    """A button: sent twice, it acts once."""


class ApproveForm(OnceForm):
    """A yes to what the page shows, by its fingerprint."""

    content_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)


class ContentsField(forms.Field):
    """Settlements with the fingerprints the page showed, `id=hash` each; cleans to hashes by id."""

    widget = forms.MultipleHiddenInput

    def to_python(self, value: Any) -> Any:
        said = {}
        for each in value or ():
            settlement, _is, content = str(each).partition("=")
            try:
                said[UUID(settlement)] = content
            except ValueError as error:
                raise forms.ValidationError(self.error_messages["required"], code="invalid") from error
        return said


class ApproveManyForm(OnceForm):
    """A yes to several settlements of a run as its page shows them."""

    content = ContentsField(error_messages={"required": _("Nothing waits for your yes here.")})


class RecoveryForm(OnceForm):
    """Another recovery, of the settlement as the page shows it."""

    recovery = FigureField(
        label=_("Recover of the advance, ₹"), error_messages={"required": _("Enter 0 or more.")}
    )
    version = forms.IntegerField(widget=forms.HiddenInput)


class CancelForm(OnceForm):
    """Calling it off; a reason may be said."""

    reason = forms.CharField(label=_("Why?"), required=False, max_length=200)


class PaymentForm(OnceForm):
    """Money for an approved settlement, all of it unless something else is typed."""

    id = forms.UUIDField(widget=forms.HiddenInput, initial=new_id)
    amount = FigureField(
        label=_("Amount, ₹"), error_messages={"required": _("Enter the amount: more than 0.")}
    )
    mode = forms.ChoiceField(label=_("How?"), choices=MODES, widget=forms.RadioSelect, initial=Mode.CASH)
    business_date = forms.DateField(
        label=_("Date"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    reference = forms.CharField(label=_("Cheque or payment number"), required=False, max_length=40)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def __init__(self, data: QueryDict | None = None, *, today: dt.date, outstanding: Decimal) -> None:
        super().__init__(data, initial={"business_date": today, "amount": outstanding})
        self.fields["business_date"].widget.attrs["max"] = today.isoformat()

    def peek_amount(self) -> Decimal | None:
        """The amount as far as it is typed and can be paid."""
        try:
            amount = self.fields["amount"].clean(self["amount"].value())
        except forms.ValidationError:
            return None
        return amount if amount and amount > 0 else None


class SettlementFilter(forms.Form):
    """Which settlements to show."""

    farmer = FarmerField(required=False)
    status = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), ("open", _("not agreed yet")), *Status.choices],
    )

    def __init__(self, query: QueryDict, *, shop: Shop) -> None:
        super().__init__(query)
        # `from` is the word of the address, and no name in Python.
        self.fields = {**self.fields, "from": day_field(_("From")), "to": day_field(_("To"))}
        cast(FarmerField, self.fields["farmer"]).shop = shop

    def question(self) -> dict[str, Any]:
        """The filters as `settlements_shown` takes them."""
        chosen = self.cleaned_data
        return {
            "farmer": chosen["farmer"],
            "statuses": STATES.get(chosen["status"], ()),
            "start": chosen["from"],
            "end": chosen["to"],
        }


class FirstDayField(forms.DateField):
    """The day on which a Tamil month begins. None is proposed: it stands in the shop's calendar."""

    def __init__(self) -> None:
        super().__init__(
            label=_("First day"),
            error_messages={"required": _("Choose a day.")},
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        )


class MonthForm(OnceForm):
    """When a Tamil month begins; the one that follows the last known is chosen."""

    name = forms.ChoiceField(
        label=_("Month"),
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Choose one of the twelve months.")),
    )
    starts_on = FirstDayField()

    def __init__(self, data: QueryDict | None = None, *, expected: str = "") -> None:
        super().__init__(data, initial={"name": expected})
        names = [(ta, in_language(ta, en)) for ta, en in MONTHS.items()]
        cast(forms.ChoiceField, self.fields["name"]).choices = [("", "–"), *names]


class MoveMonthForm(OnceForm):
    """Another first day for a month of the table."""

    starts_on = FirstDayField()

    def __init__(self, data: QueryDict | None = None, *, month: TamilMonth) -> None:
        super().__init__(data, initial={"starts_on": month.starts_on}, auto_id=f"move-{month.pk}-%s")


class LinkDisputeForm(forms.Form):
    """The farmer's no on his phone: one of a few things that are often wrong, and what else he says."""

    what = forms.ChoiceField(
        label=_("What is not right?"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Say what is not right.")},
        choices=[
            ("weight", _("The weight is wrong")),
            ("rate", _("The rate is wrong")),
            ("deduction", _("A deduction is wrong")),
            ("other", _("Something else")),
        ],
    )
    words = forms.CharField(label=_("In your own words"), required=False, max_length=150)

    def reason(self) -> str:
        """As it is kept, in the farmer's language."""
        chosen = dict(cast(forms.ChoiceField, self.fields["what"]).choices)  # type: ignore[arg-type]
        said = [str(chosen[self.cleaned_data["what"]]), self.cleaned_data["words"].strip()]
        return ": ".join(filter(None, said))
