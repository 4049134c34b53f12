"""What a tablet sends, read. The facts inside an operation are read one by one, by the shapes of the REST API."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from malar.kernel.drf import Body, Exact, Id, Text

OPERATIONS = ("CREATE", "UPDATE", "DELETE", "SETTLEMENT", "RESOLVE")
ENTITIES = ("daily_entry", "farmer", "charge", "movement", "settlement", "conflict")
FURTHEST_MS = 4_102_444_800_000
"""The year 2100: no tablet's clock is meant to say more."""


class Registration(Body):
    id = Id()
    name = Text(required=False, max_length=40)


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
    seq = serializers.IntegerField(min_value=1, max_value=2_000_000_000)
    v = serializers.IntegerField(min_value=1, max_value=1)
    operation = serializers.ChoiceField(OPERATIONS)
    entity = serializers.ChoiceField(ENTITIES)
    entity_id = Id()
    base_version = serializers.IntegerField(allow_null=True, min_value=1, max_value=2_000_000_000)
    base = serializers.DictField(allow_null=True)
    set = serializers.DictField()
    captured = Captured()
    quoted = Quoted(allow_null=True)
    supersedes = Id(allow_null=True)


class Clock(Body):
    offset_ms = serializers.IntegerField(allow_null=True)
    rtt_ms = serializers.IntegerField(allow_null=True)
    age_s = serializers.IntegerField(allow_null=True)
    jumps = serializers.IntegerField()


class Queue(Body):
    pending = serializers.IntegerField(min_value=0, max_value=2_000_000_000)
    stalled = serializers.IntegerField(min_value=0, max_value=2_000_000_000)
    conflicts = serializers.IntegerField(min_value=0, max_value=2_000_000_000)
    oldest_ms = serializers.IntegerField(allow_null=True, min_value=0, max_value=FURTHEST_MS)
    last_seq = serializers.IntegerField(min_value=0, max_value=2_000_000_000)


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
    seq = serializers.IntegerField(min_value=1, max_value=2_000_000_000)
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
        label=_("The file from the tablet"), widget=forms.ClearableFileInput(attrs={"accept": ".json"})
    )
