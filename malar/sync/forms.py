"""What a tablet sends, read. The facts inside an operation are read one by one, by the shapes of the REST API."""

import json
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from malar.kernel.drf import Body, Exact, Id, Text
from malar.sync.domain import HIGHEST_SEQ, LONGEST_NAME

OPERATIONS = ("CREATE", "UPDATE", "DELETE", "SETTLEMENT", "RESOLVE")
ENTITIES = ("daily_entry", "farmer", "charge", "movement", "settlement", "conflict")
FURTHEST_MS = 4_102_444_800_000
"""The year 2100: no tablet's clock is meant to say more."""


class Registration(Body):
    id = Id()
    name = Text(required=False, max_length=LONGEST_NAME)


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
        if "\\u0000" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
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
