"""Settlement runs for programs."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from malar.accounts.api import MemberListView, MemberView
from malar.kernel.rest import answered, key_of, page_of, read
from settlements.api.serializers import NewRun, PreviewAnswer, RunAnswer, RunParameters, RunSummary
from settlements.domain import RunStatus
from settlements.selectors.settlements import (
    preview_answer,
    run_answer,
    run_of,
    run_summary,
    runs_seen_by,
)
from settlements.services.runs import Order, preview, run_or_begin


class RunList(MemberListView):
    parameters = RunParameters
    item = RunSummary

    @extend_schema(
        responses=page_of(RunSummary), tags=["settlement-runs"], operation_id="settlement_run_list"
    )
    def get(self, request: Request) -> Response:
        """Runs, newest first, with how far they are."""
        return self.page(runs_seen_by(self.member), run_summary)

    @extend_schema(
        request=NewRun,
        responses={200: PreviewAnswer, 201: RunAnswer, 202: RunAnswer},
        tags=["settlement-runs"],
        operation_id="settlement_run_create",
    )
    def post(self, request: Request) -> Response:
        """Settle farmers up to a day: 201 when it is done, 202 where a worker makes it; 200 for a `dry_run`."""
        key = key_of(request)
        said = read(NewRun, request.data)
        farmers = said.get("farmers")
        order = Order(
            start=said["period_start"],
            end=said["period_end"],
            farmers=None if farmers is None else tuple(farmers),
            recovery=said.get("recovery"),
            despite_tablets=said.get("despite_tablets", False),
        )
        if said.get("dry_run", False):
            foreseen = preview(by=self.member, order=order)
            left_out = [each.as_json() for each in foreseen.left_out]
            return Response(preview_answer(order.start, order.end, foreseen.settlements, left_out))
        answer = run_or_begin(by=self.member, key=key, order=order, id=said.get("id"))
        status = 201 if answer.body["status"] == RunStatus.DONE else 202
        return answered(answer.body, replayed=answer.replayed, status=status)


class RunDetail(MemberView):
    @extend_schema(responses=RunAnswer, tags=["settlement-runs"], operation_id="settlement_run_detail")
    def get(self, request: Request, run_id: UUID) -> Response:
        """One run, with what it made."""
        return Response(run_answer(run_of(self.member, run_id)))
