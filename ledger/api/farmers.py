"""Farmers for programs."""

from typing import cast
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.api.serializers import FarmerAnswer, FarmerChanges, FarmerParameters, NewFarmer
from ledger.selectors.answers import farmer_answer
from ledger.selectors.asked import farmers_asked
from ledger.selectors.farmers import farmer_of
from ledger.services.farmers import Particulars, add_farmer, edit_farmer
from malar.accounts.api import MemberListView, MemberView
from malar.kernel.rest import answered, key_of, page_of, read


class FarmerList(MemberListView):
    parameters = FarmerParameters
    item = FarmerAnswer

    @extend_schema(responses=page_of(FarmerAnswer), tags=["farmers"], operation_id="farmer_list")
    def get(self, request: Request) -> Response:
        """The shop's farmers; a farmer sees himself."""
        asked = self.asked
        farmers = farmers_asked(self.member, search=asked.get("search", ""), is_active=asked.get("is_active"))
        return self.page(farmers, farmer_answer)

    @extend_schema(
        request=NewFarmer, responses={201: FarmerAnswer}, tags=["farmers"], operation_id="farmer_create"
    )
    def post(self, request: Request) -> Response:
        """Take a farmer into the book."""
        key = key_of(request)
        said = read(NewFarmer, request.data)
        chosen = said.pop("id", None)
        answer = add_farmer(by=self.member, key=key, id=chosen, particulars=cast(Particulars, said))
        return answered(answer.body, replayed=answer.replayed, status=201)


class FarmerDetail(MemberView):
    @extend_schema(responses=FarmerAnswer, tags=["farmers"], operation_id="farmer_detail")
    def get(self, request: Request, farmer_id: UUID) -> Response:
        """One farmer."""
        return Response(farmer_answer(farmer_of(self.member, farmer_id)))

    @extend_schema(
        request=FarmerChanges, responses=FarmerAnswer, tags=["farmers"], operation_id="farmer_change"
    )
    def patch(self, request: Request, farmer_id: UUID) -> Response:
        """Change what is known of a farmer; a new commission acts on later lines only."""
        said = read(FarmerChanges, request.data)
        version = said.pop("version")
        farmer = edit_farmer(
            by=self.member, farmer_id=farmer_id, version=version, particulars=cast(Particulars, said)
        )
        return Response(farmer_answer(farmer))
