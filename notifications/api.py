"""The inbox, the delivery log and what farmers want to be told, for programs."""

from typing import Any
from uuid import UUID

from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.models import Farmer
from ledger.selectors.farmers import farmer_of
from malar.accounts.api import MemberListView, MemberView
from malar.accounts.domain import Language, Role
from malar.kernel.drf import PROBLEM, Body, Id, Parameters
from malar.kernel.errors import NotFound, RuleBroken
from malar.kernel.rest import ListParameters, Problem, answered, key_of, page_of, read
from malar.kernel.wire import moment
from notifications.domain import Channel, Kind, NoteKind, Source, State
from notifications.models import Attempt, Note
from notifications.selectors import (
    inbox_of,
    message_answer,
    message_of,
    messages_asked,
    takes_either,
    wants_messages,
    wishes_of,
)
from notifications.services.again import resend
from notifications.services.notes import read_note
from notifications.services.wishes import change_wishes

# --- Shapes ---------------------------------------------------------------------------------


class NoteAnswer(serializers.Serializer[Any]):
    """A line in the caller's inbox. `text` is in his language; a message has kept its own, `language`."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(NoteKind.values)
    text = serializers.CharField()
    language = serializers.ChoiceField([*Language.values, ""])
    created_at = serializers.CharField()
    read_at = serializers.CharField(allow_null=True)


class NoteParameters(ListParameters):
    unread = serializers.BooleanField(required=False, help_text="Only those he has not read.")
    ordering = serializers.ChoiceField(["created_at", "-created_at"], default="-created_at")


class NoteChange(Body):
    read = serializers.BooleanField(help_text="Only true: what was read stays read.")


class MessageAnswer(serializers.Serializer[Any]):
    """A message to a farmer, and how far it has come. `error_code` says why it was not sent."""

    id = serializers.UUIDField()
    farmer = serializers.UUIDField()
    kind = serializers.ChoiceField(Kind.values)
    channel = serializers.CharField()
    language = serializers.ChoiceField(Language.values)
    text = serializers.CharField()
    state = serializers.CharField()
    attempt = serializers.IntegerField()
    error_code = serializers.CharField()
    cost = serializers.CharField(help_text="In ₹, as far as we can tell.")
    created_at = serializers.CharField()
    sent_at = serializers.CharField(allow_null=True)
    delivered_at = serializers.CharField(allow_null=True)
    read_at = serializers.CharField(allow_null=True)


class CallAnswer(serializers.Serializer[Any]):
    """One call to a provider. `outcome` is empty while it runs, or where it broke off."""

    number = serializers.IntegerField()
    provider = serializers.CharField()
    outcome = serializers.CharField()
    code = serializers.CharField()
    started_at = serializers.CharField()
    ended_at = serializers.CharField(allow_null=True)


class MessageWithCallsAnswer(MessageAnswer):
    """A message with every call that was made for it."""

    calls = CallAnswer(many=True)


class MessageParameters(ListParameters):
    farmer = Id(required=False)
    state = serializers.ChoiceField(State.values, required=False)
    kind = serializers.ChoiceField(Kind.values, required=False)
    channel = serializers.ChoiceField(Channel.values, required=False)
    stuck = serializers.BooleanField(
        required=False, help_text="Only what did not arrive, or of which nobody knows."
    )
    from_ = serializers.DateField(required=False, help_text="Made on this day or later.")
    to = serializers.DateField(required=False, help_text="Made on this day or earlier.")
    ordering = serializers.ChoiceField(["created_at", "-created_at"], default="-created_at")


class Resending(Body):
    despite_risk = serializers.BooleanField(
        required=False, help_text="Also where it may have arrived: the farmer may be told twice."
    )


class WishesAnswer(serializers.Serializer[Any]):
    """What a farmer wants to be told. `messages` false: nothing at all, whatever `wanted` says of each kind."""

    farmer = serializers.UUIDField()
    messages = serializers.BooleanField()
    wanted = serializers.DictField(child=serializers.BooleanField())
    either_language = serializers.BooleanField(
        help_text="A message may come in the other language where it cannot be sent in his own."
    )


class WishesParameters(Parameters):
    farmer = Id(required=False, help_text="Absent: the caller himself, who must be a farmer.")


class WishesChange(Body):
    farmer = Id(required=False, help_text="Absent: the caller himself, who must be a farmer.")
    messages = serializers.BooleanField(required=False)
    wanted = serializers.DictField(child=serializers.BooleanField(), required=False)
    either_language = serializers.BooleanField(required=False)


ASKED = ("farmer", "state", "kind", "channel", "stuck")

# --- Operations -----------------------------------------------------------------------------


class NoteList(MemberListView):
    parameters = NoteParameters
    item = NoteAnswer

    @extend_schema(responses=page_of(NoteAnswer), tags=["notifications"], operation_id="note_list")
    def get(self, request: Request) -> Response:
        """The caller's inbox, newest first."""
        notes = inbox_of(self.member)
        if self.asked.get("unread"):
            notes = notes.filter(read_at=None)
        return self.page(notes, note_answer)


class NoteDetail(MemberView):
    @extend_schema(
        request=NoteChange, responses=NoteAnswer, tags=["notifications"], operation_id="note_change"
    )
    def patch(self, request: Request, note_id: UUID) -> Response:
        """Note that the caller has read it."""
        if not read(NoteChange, request.data)["read"]:
            raise RuleBroken(_("What was read stays read."), code="read", pointer="/read")
        return Response(note_answer(read_note(by=self.member, note_id=note_id)))


class MessageList(MemberListView):
    parameters = MessageParameters
    item = MessageAnswer

    @extend_schema(responses=page_of(MessageAnswer), tags=["notifications"], operation_id="message_list")
    def get(self, request: Request) -> Response:
        """The delivery log, newest first; a farmer sees what was sent to him."""
        asked = {name: self.asked[name] for name in ASKED if name in self.asked}
        asked |= {"start": self.asked.get("from"), "end": self.asked.get("to")}
        return self.page(messages_asked(self.member, **asked), message_answer)


class MessageDetail(MemberView):
    @extend_schema(responses=MessageWithCallsAnswer, tags=["notifications"], operation_id="message_detail")
    def get(self, request: Request, message_id: UUID) -> Response:
        """One message with its calls; a farmer sees his own."""
        message = message_of(self.member, message_id)
        calls = [call_answer(each) for each in message.attempts.all()]
        return Response({**message_answer(message), "calls": calls})


class MessageResend(MemberView):
    @extend_schema(
        request=Resending, responses=MessageAnswer, tags=["notifications"], operation_id="message_resend"
    )
    def post(self, request: Request, message_id: UUID) -> Response:
        """Queue one that did not arrive once more. 409 `perhaps_sent`: say `despite_risk`, or ask the farmer first."""
        key = key_of(request)
        said = read(Resending, request.data)
        answer = resend(
            by=self.member,
            key=key,
            message_id=message_id,
            despite_risk=said.get("despite_risk", False),
        )
        return answered(answer.body, replayed=answer.replayed)


class Wishes(MemberView):
    parameters = WishesParameters

    @extend_schema(
        responses={200: WishesAnswer, (404, PROBLEM): Problem},
        tags=["notifications"],
        operation_id="preferences",
    )
    def get(self, request: Request) -> Response:
        """What a farmer wants to be told."""
        return Response(wishes_answer(self._farmer(self.asked.get("farmer"))))

    @extend_schema(
        request=WishesChange,
        responses={200: WishesAnswer, (404, PROBLEM): Problem},
        tags=["notifications"],
        operation_id="preferences_change",
    )
    def patch(self, request: Request) -> Response:
        """Change it: by the farmer, or by staff for him. It is so at once, also for what is queued."""
        said = read(WishesChange, request.data)
        farmer = self._farmer(said.get("farmer"))
        change_wishes(
            by=self.member,
            farmer=farmer,
            wanted=said.get("wanted"),
            messages=said.get("messages"),
            either=said.get("either_language"),
            source=Source.PROGRAM,
        )
        return Response(wishes_answer(farmer))

    def _farmer(self, farmer_id: UUID | None) -> Farmer:
        if farmer_id:
            return farmer_of(self.member, farmer_id)
        farmer = Farmer.objects.filter(member=self.member).first()
        if self.member.role != Role.FARMER or farmer is None:
            raise NotFound(_("There is no such farmer."))
        return farmer


# --- Answers --------------------------------------------------------------------------------


def note_answer(note: Note) -> dict[str, Any]:
    return {
        "id": str(note.pk),
        "kind": note.kind,
        "text": note.words,
        "language": note.language,
        "created_at": moment(note.created_at),
        "read_at": moment(note.read_at),
    }


def call_answer(call: Attempt) -> dict[str, Any]:
    return {
        "number": call.number,
        "provider": call.provider,
        "outcome": call.outcome,
        "code": call.code,
        "started_at": moment(call.started_at),
        "ended_at": moment(call.ended_at),
    }


def wishes_answer(farmer: Farmer) -> dict[str, Any]:
    return {
        "farmer": str(farmer.pk),
        "messages": wants_messages(farmer),
        "wanted": {kind.value: wanted for kind, wanted in wishes_of(farmer).items()},
        "either_language": takes_either(farmer),
    }


urlpatterns = [
    path("notifications/", NoteList.as_view(), name="note_list"),
    path("notifications/<uuid:note_id>/", NoteDetail.as_view(), name="note_detail"),
    path("notifications/messages/", MessageList.as_view(), name="message_list"),
    path("notifications/messages/<uuid:message_id>/", MessageDetail.as_view(), name="message_detail"),
    path("notifications/messages/<uuid:message_id>/resend/", MessageResend.as_view(), name="message_resend"),
    path("notifications/preferences/", Wishes.as_view(), name="preferences"),
]
