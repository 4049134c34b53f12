"""Daily entries for programs."""

from typing import Any, cast
from uuid import UUID, uuid5

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.serializers import (
    COUNTED,
    MOST_ROWS,
    RECORDED,
    REFUSED,
    WEIGHED,
    BatchAnswer,
    EntryAnswer,
    EntryBatch,
    EntryChanges,
    EntryParameters,
    NewEntry,
    VersionAnswer,
    Voiding,
)
from ledger.selectors.answers import entry_answer
from ledger.selectors.asked import entries_asked, version_answers
from ledger.selectors.entries import entry_of
from ledger.services.entries import Changes, edit_entry, record_entry, void_once
from malar.accounts.api import MemberListView, MemberView
from malar.kernel.drf import problem_of
from malar.kernel.errors import NotAllowed, RuleBroken
from malar.kernel.rest import all_of, answered, key_of, page_of, read
from malar.trail.services.answers import Answer


def line_said(said: dict[str, Any]) -> dict[str, Any]:
    """What a `NewEntry` says of a line, as the services name it."""
    return {
        "farmer_id": said["farmer"],
        "flower_id": said["flower"],
        "captured_at": said["captured_at"],
        "gross_quantity": said.get("gross_quantity"),
        "tare": said.get("tare"),
        "quantity": said.get("quantity"),
        "unit": said.get("unit"),
        "sacks": said.get("sacks"),
        "sack_weights": said.get("sack_weights"),
        "rate": said.get("rate"),
        "rate_reason": said.get("rate_reason") or "",
        "adjustments": said.get("adjustments") or [],
        "commission_pct": said.get("commission_pct"),
        "commission_per_unit": said.get("commission_per_unit"),
        "note": said.get("note", ""),
        "slip": said.get("slip_number") or "",
    }


def changes_said(said: dict[str, Any]) -> Changes:
    """What an `EntryChanges` says, but for its version and reason, as the services name it."""
    if "rate_reason" in said:
        said["rate_reason"] = said["rate_reason"] or ""
    # `EntryChanges` names what `Changes` does.
    return cast(Changes, {RENAMED.get(name, name): value for name, value in said.items()})


class DailyEntryList(MemberListView):
    parameters = EntryParameters
    item = EntryAnswer

    @extend_schema(responses=page_of(EntryAnswer), tags=["daily-entries"], operation_id="daily_entry_list")
    def get(self, request: Request) -> Response:
        """Lines of the book, newest first; a farmer sees his own. Naming days makes it fast."""
        asked = self.asked
        entries = entries_asked(
            self.member,
            farmer=asked.get("farmer"),
            flower=asked.get("flower"),
            date=asked.get("date"),
            start=asked.get("from"),
            end=asked.get("to"),
            status=asked.get("status"),
            rate_pending=asked.get("rate_pending"),
        )
        return self.page(entries, entry_answer)

    @extend_schema(
        request=NewEntry,
        responses={201: EntryAnswer},
        examples=[WEIGHED, COUNTED, RECORDED, REFUSED],
        tags=["daily-entries"],
        operation_id="daily_entry_create",
    )
    def post(self, request: Request) -> Response:
        """Write a line. Flowers already weighed are questioned (`needs_review`) rather than refused."""
        key = key_of(request)
        answer = self.record(read(NewEntry, request.data), key)
        return answered(answer.body, replayed=answer.replayed, status=201)

    def record(self, said: dict[str, Any], key: UUID) -> Answer:
        return record_entry(by=self.member, key=key, id=said.get("id"), **line_said(said))


class DailyEntryBatch(DailyEntryList):
    http_method_names = ["post", "options"]

    @extend_schema(
        request=EntryBatch,
        responses=BatchAnswer,
        tags=["daily-entries"],
        operation_id="daily_entry_batch",
    )
    def post(self, request: Request) -> Response:
        """Write up to 500 lines, each by itself: one that is refused does not stop the others.

        A row's own `id` is its key, else one made from the request's key and its place, so the same
        batch sent again makes nothing twice.
        """
        key = key_of(request)
        rows = read(EntryBatch, request.data)["entries"]
        if len(rows) > MOST_ROWS:
            raise RuleBroken(
                _("A batch has at most %(count)s rows.") % {"count": MOST_ROWS},
                code="too_many",
                pointer="/entries",
            )
        results = [self._result(row, uuid5(key, str(place))) for place, row in enumerate(rows)]
        replayed = bool(results) and all(result.get("replayed") for result in results)
        return answered({"results": results}, replayed=replayed)

    def _result(self, row: Any, key: UUID) -> dict[str, Any]:
        try:
            said = read(NewEntry, row)
            answer = self.record(said, said.get("id") or key)
        except NotAllowed:
            raise  # of the caller, not of the row
        except (RuleBroken, ValidationError) as error:
            problem = problem_of(error)
            return {"status": problem["status"] if problem else 422, "problem": problem}
        return {"status": 201, "replayed": answer.replayed, "entry": answer.body}


class DailyEntryDetail(MemberView):
    @extend_schema(responses=EntryAnswer, tags=["daily-entries"], operation_id="daily_entry_detail")
    def get(self, request: Request, entry_id: UUID) -> Response:
        """One line."""
        return Response(entry_answer(entry_of(self.member, entry_id)))

    @extend_schema(
        request=EntryChanges,
        responses=EntryAnswer,
        tags=["daily-entries"],
        operation_id="daily_entry_change",
    )
    def patch(self, request: Request, entry_id: UUID) -> Response:
        """Correct a line: a new version; the old one stays in the history."""
        said = read(EntryChanges, request.data)
        version, reason = said.pop("version"), said.pop("reason", "")
        entry = edit_entry(
            by=self.member,
            entry_id=entry_id,
            version=version,
            changes=changes_said(said),
            reason=reason,
        )
        return Response(entry_answer(entry))


RENAMED = {"farmer": "farmer_id", "flower": "flower_id"}


class DailyEntryVoid(MemberView):
    @extend_schema(
        request=Voiding, responses=EntryAnswer, tags=["daily-entries"], operation_id="daily_entry_void"
    )
    def post(self, request: Request, entry_id: UUID) -> Response:
        """Cancel a line: it stays in the book, struck out, and counts for nothing."""
        key = key_of(request)
        said = read(Voiding, request.data)
        answer = void_once(
            by=self.member, entry_id=entry_id, reason=said["reason"], version=said.get("version"), key=key
        )
        return answered(answer.body, replayed=answer.replayed)


class DailyEntryHistory(MemberView):
    @extend_schema(
        responses=page_of(VersionAnswer, whole=True),
        tags=["daily-entries"],
        operation_id="daily_entry_history",
    )
    def get(self, request: Request, entry_id: UUID) -> Response:
        """Every version of a line, first to last. Always one page."""
        return all_of(version_answers(entry_of(self.member, entry_id)))
