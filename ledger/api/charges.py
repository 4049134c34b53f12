"""Charges for programs."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.serializers import ChargeAnswer, ChargeParameters, NewCharge, Waiving
from ledger.selectors.answers import charge_answer
from ledger.selectors.charges import charges_asked
from ledger.services.charges import record_charge, waive_charge
from malar.accounts.api import MemberListView, MemberView
from malar.kernel.rest import answered, key_of, page_of, read


def charge_said(said: dict[str, Any]) -> dict[str, Any]:
    """What a `NewCharge` says, but for its id, as `record_charge` names it."""
    return {RENAMED.get(name, name): value for name, value in said.items()}


RENAMED = {"farmer": "farmer_id", "fee": "fee_id"}


class ChargeList(MemberListView):
    parameters = ChargeParameters
    item = ChargeAnswer

    @extend_schema(responses=page_of(ChargeAnswer), tags=["charges"], operation_id="charge_list")
    def get(self, request: Request) -> Response:
        """Fees that farmers bear, with lines and by hand, newest first; a farmer sees his own."""
        asked = self.asked
        charges = charges_asked(
            self.member,
            farmer=asked.get("farmer"),
            date=asked.get("date"),
            start=asked.get("from"),
            end=asked.get("to"),
            status=asked.get("status"),
        )
        return self.page(charges, charge_answer)

    @extend_schema(
        request=NewCharge, responses={201: ChargeAnswer}, tags=["charges"], operation_id="charge_create"
    )
    def post(self, request: Request) -> Response:
        """Charge a farmer a fee by hand: luggage, sacks, coolie. Automatic ones are made with their lines."""
        key = key_of(request)
        said = read(NewCharge, request.data)
        answer = record_charge(by=self.member, key=key, id=said.pop("id", None), **charge_said(said))
        return answered(answer.body, replayed=answer.replayed, status=201)


class ChargeWaive(MemberView):
    @extend_schema(request=Waiving, responses=ChargeAnswer, tags=["charges"], operation_id="charge_waive")
    def post(self, request: Request, charge_id: UUID) -> Response:
        """Let the farmer off: the charge stays in the book with the reason, and counts for nothing."""
        key = key_of(request)
        said = read(Waiving, request.data)
        answer = waive_charge(
            by=self.member, key=key, charge_id=charge_id, reason=said["reason"], version=said.get("version")
        )
        return answered(answer.body, replayed=answer.replayed)
