"""Money given to farmers and taken back, and what it comes to, for programs."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.serializers import (
    Approving,
    BalanceAnswer,
    MovementAnswer,
    MovementParameters,
    NewMovement,
    Refusing,
    Reversing,
    StatementAnswer,
    StatementParameters,
)
from ledger.selectors.accounts import balance_of, statement_of
from ledger.selectors.answers import balance_answer, movement_answer, statement_answer
from ledger.selectors.farmers import farmer_of
from ledger.selectors.movements import movement_of, movements_asked
from ledger.services.movements import approve_movement, record_movement, refuse_movement, reverse_movement
from malar.accounts.api import MemberListView, MemberView
from malar.kernel.clock import business_date_of
from malar.kernel.drf import Unreadable
from malar.kernel.rest import answered, key_of, page_of, read


def movement_said(said: dict[str, Any]) -> dict[str, Any]:
    """What a `NewMovement` says, but for its id, as `record_movement` names it."""
    return {"farmer_id" if name == "farmer" else name: value for name, value in said.items()}


class MovementList(MemberListView):
    parameters = MovementParameters
    item = MovementAnswer

    @extend_schema(responses=page_of(MovementAnswer), tags=["movements"], operation_id="movement_list")
    def get(self, request: Request) -> Response:
        """Money that moved, newest first; a farmer sees his own."""
        asked = self.asked
        movements = movements_asked(
            self.member,
            farmer=asked.get("farmer"),
            kind=asked.get("kind"),
            status=asked.get("status"),
            date=asked.get("date"),
            start=asked.get("from"),
            end=asked.get("to"),
        )
        return self.page(movements, movement_answer)

    @extend_schema(
        request=NewMovement,
        responses={201: MovementAnswer},
        tags=["movements"],
        operation_id="movement_create",
    )
    def post(self, request: Request) -> Response:
        """Write down money that moved. By staff over the owner's limit it is `waiting` until he decides."""
        key = key_of(request)
        said = read(NewMovement, request.data)
        answer = record_movement(by=self.member, key=key, id=said.pop("id", None), **movement_said(said))
        return answered(answer.body, replayed=answer.replayed, status=201)


class MovementDetail(MemberView):
    @extend_schema(responses=MovementAnswer, tags=["movements"], operation_id="movement_detail")
    def get(self, request: Request, movement_id: UUID) -> Response:
        """One movement."""
        return Response(movement_answer(movement_of(self.member, movement_id)))


class MovementReverse(MemberView):
    @extend_schema(
        request=Reversing, responses=MovementAnswer, tags=["movements"], operation_id="movement_reverse"
    )
    def post(self, request: Request, movement_id: UUID) -> Response:
        """Take it back by its mirror, dated today. Staff only what they wrote today."""
        key = key_of(request)
        reason = read(Reversing, request.data)["reason"]
        answer = reverse_movement(by=self.member, key=key, movement_id=movement_id, reason=reason)
        return answered(answer.body, replayed=answer.replayed)


class MovementApprove(MemberView):
    @extend_schema(
        request=Approving, responses=MovementAnswer, tags=["movements"], operation_id="movement_approve"
    )
    def post(self, request: Request, movement_id: UUID) -> Response:
        """The owner lets a waiting one into the book."""
        key = key_of(request)
        note = read(Approving, request.data).get("note", "")
        answer = approve_movement(by=self.member, movement_id=movement_id, note=note, key=key)
        return answered(answer.body, replayed=answer.replayed)


class MovementRefuse(MemberView):
    @extend_schema(
        request=Refusing, responses=MovementAnswer, tags=["movements"], operation_id="movement_refuse"
    )
    def post(self, request: Request, movement_id: UUID) -> Response:
        """The owner says no to a waiting one."""
        key = key_of(request)
        note = read(Refusing, request.data)["note"]
        answer = refuse_movement(by=self.member, movement_id=movement_id, note=note, key=key)
        return answered(answer.body, replayed=answer.replayed)


class FarmerBalance(MemberView):
    @extend_schema(responses=BalanceAnswer, tags=["farmers"], operation_id="farmer_balance")
    def get(self, request: Request, farmer_id: UUID) -> Response:
        """What stands between a farmer and the shop now; he may ask for his own."""
        farmer = farmer_of(self.member, farmer_id)
        today = business_date_of(timezone.now(), self.shop.turnover_hour)
        return Response(balance_answer(balance_of(farmer), today))


class FarmerStatement(MemberView):
    parameters = StatementParameters

    @extend_schema(responses=StatementAnswer, tags=["farmers"], operation_id="farmer_statement")
    def get(self, request: Request, farmer_id: UUID) -> Response:
        """A farmer's running account on some days; he may ask for his own."""
        farmer = farmer_of(self.member, farmer_id)
        start, end = self.asked["from"], self.asked["to"]
        if start > end:
            raise Unreadable(_("The first day is after the last one."), code="wrong_order", pointer="/from")
        return Response(statement_answer(statement_of(farmer, start, end)))
