"""Who changed what, for programs."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from ledger.selectors.audit import Place, Question, audit_page, audited_tables
from malar.accounts.api import MemberListView
from malar.kernel.drf import Id, Moment, Unreadable
from malar.kernel.errors import RuleBroken
from malar.kernel.rest import ListParameters, page_of


class AuditParameters(ListParameters):
    table = serializers.CharField(required=False, help_text="As in `table` of an answer.")
    row = Id(required=False, help_text="The id of a row, whichever table it is in.")
    actor = Id(required=False, help_text="A member, or a user.")
    from_ = Moment(required=False, help_text="Changes at or after this moment.")
    to = Moment(required=False, help_text="Changes before this moment.")


class AuditEventAnswer(serializers.Serializer[Any]):
    """One version of one row. `before` and `after` hold the columns that changed; a new row has only `after`,
    a deleted one only `before`. Numbers with decimals are strings."""

    id = serializers.CharField()
    table = serializers.CharField()
    row = serializers.CharField()
    action = serializers.ChoiceField(["insert", "update", "delete"])
    at = serializers.DateTimeField()
    actor = serializers.UUIDField(allow_null=True, help_text="The member; null: nobody, as in a migration.")
    actor_name = serializers.CharField()
    door = serializers.CharField(help_text="page, api, sync, task, command, admin, demo; empty: raw SQL.")
    request = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)


class AuditEventList(MemberListView):
    parameters = AuditParameters
    item = AuditEventAnswer

    @extend_schema(responses=page_of(AuditEventAnswer), tags=["audit"], operation_id="audit_event_list")
    def get(self, request: Request) -> Response:
        """Every change of every row, the newest first; the owner's only."""
        asked, fields = self.asked, self._fields()
        if asked.get("table") not in (None, *audited_tables()):
            raise Unreadable(
                _("There is no table of this name whose changes are kept."),
                code="unknown_table",
                pointer="/table",
            )
        question = Question(
            table=asked.get("table"),
            row=asked.get("row"),
            actor=asked.get("actor"),
            start=asked.get("from"),
            end=asked.get("to"),
        )
        try:
            place = Place.read(asked["cursor"]) if asked.get("cursor") else None
        except RuleBroken as broken:
            raise Unreadable(broken.detail, code=broken.code, pointer="/cursor") from broken
        page = audit_page(self.member, question, place, asked["page_size"])
        events = [{name: event[name] for name in fields} if fields else event for event in page.events]
        return Response(
            {"next": self._address(page.next), "previous": self._address(page.previous), "results": events}
        )

    def _address(self, place: Place | None) -> str | None:
        if place is None:
            return None
        return str(replace_query_param(self.request.build_absolute_uri(), "cursor", str(place)))
