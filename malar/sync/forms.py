"""What a tablet sends, read. The facts inside an operation are read one by one, by the shapes of the REST API."""

import json
import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from ledger.models import DailyEntry
from malar.kernel.drf import Body, Exact, Id, Text
from malar.kernel.forms import FigureField
from malar.sync.domain import HIGHEST_SEQ, LONGEST_NAME
from malar.sync.merge import Choice

OPERATIONS = ("CREATE", "UPDATE", "DELETE", "SETTLEMENT", "RESOLVE")
ENTITIES = ("daily_entry", "farmer", "charge", "movement", "settlement", "conflict")
HALF_A_PAIR = re.compile("[\ud800-\udfff]")
FURTHEST_MS = 4_102_444_800_000
"""The year 2100: no tablet's clock is meant to say more."""


class Registration(Body):
    id = Id()
    name = Text(required=False, max_length=LONGEST_NAME)


class Pin(Body):
    pin = Text(max_length=20)


class NewPin(Pin):
    password = Text(max_length=200)


class Captured(Body):
    """When it was typed: by the tablet's clock, how far that was off, how sure that is; ms."""

    device_ms = serializers.IntegerField(min_value=0, max_value=FURTHEST_MS)
    offset_ms = serializers.IntegerField(allow_null=True, min_value=-FURTHEST_MS, max_value=FURTHEST_MS)
    unc_ms = serializers.IntegerField(allow_null=True, min_value=0)
    mono_ms = serializers.FloatField()
    boot = Text(max_length=40)


class Quoted(Body):
    """What the screen showed, ₹ per unit."""

    rate = Exact(allow_null=True)
    slot = Id(allow_null=True)


class Operation(Body):
    op_id = Id()
    seq = serializers.IntegerField(min_value=1, max_value=HIGHEST_SEQ)
    v = serializers.IntegerField(min_value=1, max_value=1)
    operation = serializers.ChoiceField(OPERATIONS)
    entity = serializers.ChoiceField(ENTITIES)
    entity_id = Id()
    base_version = serializers.IntegerField(allow_null=True, min_value=1, max_value=HIGHEST_SEQ)
    base = serializers.DictField(allow_null=True)
    set = serializers.DictField()
    captured = Captured()
    quoted = Quoted(allow_null=True)
    supersedes = Id(allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        text = json.dumps(data, ensure_ascii=False)
        if "\\u0000" in text or HALF_A_PAIR.search(text):
            detail = ErrorDetail(_("There are letters in it that cannot be kept."), "not_text")
            raise serializers.ValidationError({"non_field_errors": [detail]})
        return super().to_internal_value(data)


class Clock(Body):
    offset_ms = serializers.IntegerField(allow_null=True)
    rtt_ms = serializers.IntegerField(allow_null=True)
    age_s = serializers.IntegerField(allow_null=True)
    jumps = serializers.IntegerField()


class Queue(Body):
    pending = serializers.IntegerField(min_value=0, max_value=HIGHEST_SEQ)
    stalled = serializers.IntegerField(min_value=0, max_value=HIGHEST_SEQ)
    conflicts = serializers.IntegerField(min_value=0, max_value=HIGHEST_SEQ)
    oldest_ms = serializers.IntegerField(allow_null=True, min_value=0, max_value=FURTHEST_MS)
    last_seq = serializers.IntegerField(min_value=0, max_value=HIGHEST_SEQ)


class Ops(serializers.ListField):
    """Each is read by itself, so that one that cannot be read does not stop the others."""

    child: Any = serializers.DictField()


class Batch(Body):
    device_id = Id()
    stream_id = Id()
    author_id = Id()
    clock = Clock()
    queue = Queue()
    ops = Ops()


class Box(Body):
    """A sealed operation, with what stands beside it in clear. Whether it opens is the service's question."""

    op_id = Id()
    seq = serializers.IntegerField(min_value=1, max_value=HIGHEST_SEQ)
    author_id = Id()
    box = serializers.DictField()


class Parcel(Body):
    """Boxes of one queue."""

    device_id = Id()
    stream_id = Id()
    boxes = Box(many=True)


class BoxInFile(Box):
    stream_id = Id()


class FileOfTablet(Body):
    """What static/js/offline/seal.js saves as a file; `what` says so to people."""

    what = Text()
    v = serializers.IntegerField(min_value=1, max_value=1)
    saved_at = Text(max_length=40)
    shop_id = Id()
    device_id = Id()
    stream_id = Id()
    author_id = Id()
    ops = Ops()
    boxes = BoxInFile(many=True)


class TabletFileForm(forms.Form):
    file = forms.FileField(
        label=gettext_lazy("The file from the tablet"),
        widget=forms.ClearableFileInput(attrs={"accept": ".json"}),
    )


class ResolveForm(forms.Form):
    """How a conflict is decided on its page; the button says the choice, a weight or a count is for `adjust`."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    choice = forms.ChoiceField(choices=Choice.choices, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Why?"), max_length=200, error_messages={"required": gettext_lazy("Say why.")}
    )
    gross_quantity = FigureField(
        label=gettext_lazy("Weight with sack, kg"), required=False, comma_groups=False
    )
    quantity = FigureField(label=gettext_lazy("Count"), required=False)

    def __init__(self, data: Any = None, *, line: DailyEntry, conflict_id: object) -> None:
        super().__init__(data, auto_id=f"id_{conflict_id}_%s", initial={"version": line.version})
        self.named = "quantity" if line.gross_quantity is None else "gross_quantity"
        del self.fields["gross_quantity" if line.gross_quantity is None else "quantity"]

    @property
    def figure(self) -> forms.BoundField:
        """The weight with sack, or the count: whichever the line has."""
        return self[self.named]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("choice") == Choice.ADJUST and said.get(self.named) is None and not self.errors:
            self.add_error(self.named, forms.ValidationError(_("Type the right weight."), code="required"))
        return said

    def decision(self) -> dict[str, Any]:
        """The decision as `Decision` takes it."""
        said = self.cleaned_data
        changes = {self.named: said[self.named]} if said["choice"] == Choice.ADJUST else None
        return {
            "choice": said["choice"],
            "reason": said["reason"],
            "expected_version": said["version"],
            "changes": changes,
        }


# --- On the owner's page of tablets ------------------------------------------------------------------


class TabletNameForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=LONGEST_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class TabletStateForm(forms.Form):
    is_lost = forms.BooleanField(required=False)
