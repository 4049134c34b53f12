"""Settlements for programs: agreed by both sides, and paid."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from malar.accounts.api import MemberListView, MemberView
from malar.kernel.rest import answered, key_of, page_of, read
from settlements.api.serializers import (
    Agreeing,
    Because,
    Cancelling,
    DocumentParameters,
    NewPayment,
    RecoveryChange,
    SettlementAnswer,
    SettlementParameters,
    SettlementSummary,
    Submitting,
)
from settlements.documents.files import document_of
from settlements.domain import Method
from settlements.selectors.settlements import (
    payment_of,
    settlement_answer,
    settlement_of,
    settlements_asked,
    summary_answer,
)
from settlements.services.approvals import approve, cancel, change_recovery, dispute, reverse, submit
from settlements.services.payments import bounce_payment, record_payment


class SettlementList(MemberListView):
    parameters = SettlementParameters
    item = SettlementSummary

    @extend_schema(responses=page_of(SettlementSummary), tags=["settlements"], operation_id="settlement_list")
    def get(self, request: Request) -> Response:
        """Settlements, newest first; a farmer sees his own once they were shown to him."""
        asked = self.asked
        settlements = settlements_asked(
            self.member,
            farmer=asked.get("farmer"),
            status=asked.get("status"),
            run=asked.get("run"),
            start=asked.get("from"),
            end=asked.get("to"),
        )
        return self.page(settlements, summary_answer)


class SettlementDetail(MemberView):
    @extend_schema(responses=SettlementAnswer, tags=["settlements"], operation_id="settlement_detail")
    def get(self, request: Request, settlement_id: UUID) -> Response:
        """One settlement with every line, charge and draw it took."""
        return Response(settlement_answer(settlement_of(self.member, settlement_id)))


class SettlementDocument(MemberView):
    parameters = DocumentParameters

    @extend_schema(
        parameters=[DocumentParameters],
        responses={
            (200, "application/pdf"): OpenApiTypes.BINARY,
            (200, "image/png"): OpenApiTypes.BINARY,
            (200, "text/html"): OpenApiTypes.STR,
        },
        tags=["settlements"],
        operation_id="settlement_document",
    )
    def get(self, request: Request, settlement_id: UUID) -> HttpResponse:
        """The farmer's paper: A5, a roll of 80 mm, or a page, in his language unless another is asked for."""
        settlement = settlement_of(self.member, settlement_id)
        site = request.build_absolute_uri("/").rstrip("/")
        return document_of(settlement, self.asked["format"], self.asked.get("lang"), site=site)


class SettlementSubmit(MemberView):
    @extend_schema(
        request=Submitting,
        responses=SettlementAnswer,
        tags=["settlements"],
        operation_id="settlement_submit",
    )
    def post(self, request: Request, settlement_id: UUID) -> Response:
        """Send it for approval."""
        key = key_of(request)
        read(Submitting, request.data)
        answer = submit(by=self.member, settlement_id=settlement_id, key=key)
        return answered(answer.body, replayed=answer.replayed)


class SettlementApprove(MemberView):
    @extend_schema(
        request=Agreeing, responses=SettlementAnswer, tags=["settlements"], operation_id="settlement_approve"
    )
    def post(self, request: Request, settlement_id: UUID) -> Response:
        """Say yes to it as it was read: a farmer for himself, staff for the shop or, `on_behalf_of` him, what he
        signed. With both it gets its number."""
        key = key_of(request)
        said = read(Agreeing, request.data)
        for_farmer = "on_behalf_of" in said
        answer = approve(
            by=self.member,
            settlement_id=settlement_id,
            content_hash=said["content_hash"],
            for_farmer=for_farmer,
            method=Method.PAPER if for_farmer else Method.PAGE,
            key=key,
        )
        return answered(answer.body, replayed=answer.replayed)


class SettlementDispute(MemberView):
    @extend_schema(
        request=Because, responses=SettlementAnswer, tags=["settlements"], operation_id="settlement_dispute"
    )
    def post(self, request: Request, settlement_id: UUID) -> Response:
        """Say that it is not right, and why."""
        key = key_of(request)
        reason = read(Because, request.data)["reason"]
        answer = dispute(by=self.member, settlement_id=settlement_id, reason=reason, key=key)
        return answered(answer.body, replayed=answer.replayed)


class SettlementCancel(MemberView):
    @extend_schema(
        request=Cancelling, responses=SettlementAnswer, tags=["settlements"], operation_id="settlement_cancel"
    )
    def post(self, request: Request, settlement_id: UUID) -> Response:
        """Call it off before it is approved; its lines are free again."""
        key = key_of(request)
        reason = read(Cancelling, request.data).get("reason", "")
        answer = cancel(by=self.member, settlement_id=settlement_id, reason=reason, key=key)
        return answered(answer.body, replayed=answer.replayed)


class SettlementReverse(MemberView):
    @extend_schema(
        request=Because, responses=SettlementAnswer, tags=["settlements"], operation_id="settlement_reverse"
    )
    def post(self, request: Request, settlement_id: UUID) -> Response:
        """Take back an approved one of which nothing is paid; its lines fall into the next."""
        key = key_of(request)
        reason = read(Because, request.data)["reason"]
        answer = reverse(by=self.member, settlement_id=settlement_id, reason=reason, key=key)
        return answered(answer.body, replayed=answer.replayed)


class SettlementRecovery(MemberView):
    @extend_schema(
        request=RecoveryChange,
        responses=SettlementAnswer,
        tags=["settlements"],
        operation_id="settlement_recovery",
    )
    def patch(self, request: Request, settlement_id: UUID) -> Response:
        """Recover another amount of his advance. It is a draft again, and whoever approved must look again."""
        said = read(RecoveryChange, request.data)
        answer = change_recovery(by=self.member, settlement_id=settlement_id, **said)
        return Response(answer.body)


class SettlementPayments(MemberView):
    @extend_schema(
        request=NewPayment,
        responses={201: SettlementAnswer},
        tags=["settlements"],
        operation_id="settlement_pay",
    )
    def post(self, request: Request, settlement_id: UUID) -> Response:
        """Pay of an approved one; answers the settlement as it stands then."""
        key = key_of(request)
        said = read(NewPayment, request.data)
        answer = record_payment(by=self.member, key=key, settlement_id=settlement_id, **said)
        return answered(answer.body, replayed=answer.replayed, status=201)


class PaymentBounce(MemberView):
    @extend_schema(
        request=Because,
        responses=SettlementAnswer,
        tags=["settlements"],
        operation_id="settlement_payment_bounce",
    )
    def post(self, request: Request, settlement_id: UUID, payment_id: UUID) -> Response:
        """Write that a payment did not arrive; it is owed again."""
        key = key_of(request)
        reason = read(Because, request.data)["reason"]
        payment = payment_of(settlement_of(self.member, settlement_id), payment_id)
        answer = bounce_payment(by=self.member, key=key, payment_id=payment.pk, reason=reason)
        return answered(answer.body, replayed=answer.replayed)
