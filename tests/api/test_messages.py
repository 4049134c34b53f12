"""The delivery log for programs."""

from typing import Any
from uuid import uuid4

import pytest

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.trail.services.events import hand_over
from notifications.domain import State
from notifications.models import ByHand, Message
from pricing.models import Flower
from tests.api.calls import NO_KEY, get, post
from tests.cast import recorded
from tests.conftest import api_of
from tests.notifications.test_redaction import put

pytestmark = pytest.mark.django_db

LOG = "notifications/messages/"


@pytest.fixture
def messages(kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower) -> list[Message]:
    """To Raja and to Lakshmi; hers did not arrive, and cost something."""
    for farmer in (raja, lakshmi):
        recorded(kumar, farmer, jasmine)
    hand_over()
    his, hers = Message.objects.order_by("farmer__number")
    put(hers, State.UNKNOWN, sent_at=None, cost_paise=55, error_code="broke_off")
    return [his, hers]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {14, 15}),
        ("?stuck=true", {15}),
        ("?stuck=false", {14, 15}),
        ("?channel=console", {14, 15}),
        ("?channel=sms", set()),
        ("?kind=entry_receipt&state=unknown", {15}),
        ("?from=2020-01-01", {14, 15}),
        ("?to=2020-01-01", set()),
        ("?from=2020-01-01&to=2090-01-01", {14, 15}),
    ],
)
def test_the_log_is_filtered(kumar: Membership, messages: list[Message], query: str, found: set[int]) -> None:
    rows = get(api_of(kumar), f"{LOG}{query}").json()["results"]
    assert {Farmer.objects.get(pk=row["farmer"]).number for row in rows} == found


@pytest.mark.parametrize("query", ["?from=yesterday", "?stuck=perhaps", "?colour=red", "?channel=pigeon"])
def test_what_is_not_documented_is_refused(kumar: Membership, messages: list[Message], query: str) -> None:
    assert get(api_of(kumar), f"{LOG}{query}").status_code == 400


def test_one_message_has_its_calls_its_cost_and_no_link(kumar: Membership, messages: list[Message]) -> None:
    hers = messages[1]
    Message.objects.filter(pk=hers.pk).update(variables={"token": "sesame"})
    row = get(api_of(kumar), f"{LOG}{hers.pk}/").json()
    assert (row["id"], row["cost"], row["state"]) == (str(hers.pk), "0.55", "unknown")
    (call,) = row["calls"]
    assert (call["number"], call["provider"], call["outcome"]) == (1, "console", "sent")
    assert call["ended_at"]
    assert "sesame" not in str(row)


def test_a_farmer_sees_his_own_and_sends_none_again(
    raja: Farmer, lakshmi: Farmer, devi: Membership, messages: list[Message]
) -> None:
    assert raja.member is not None
    his, hers = messages
    api = api_of(raja.member)
    assert [row["id"] for row in get(api, LOG).json()["results"]] == [str(his.pk)]
    assert get(api, f"{LOG}?farmer={lakshmi.pk}").json()["results"] == []
    assert get(api, f"{LOG}?stuck=true").json()["results"] == []
    assert get(api, f"{LOG}{his.pk}/").status_code == 200
    assert get(api, f"{LOG}{hers.pk}/").status_code == 404
    assert post(api, f"{LOG}{his.pk}/resend/", {}).status_code == 403
    assert get(api_of(devi), f"{LOG}{his.pk}/").status_code == 404
    assert post(api_of(devi), f"{LOG}{his.pk}/resend/", {}).status_code == 404


def test_it_is_sent_again_once_for_a_key_and_only_where_the_risk_is_said(
    kumar: Membership, messages: list[Message]
) -> None:
    api, hers = api_of(kumar), messages[1]
    address = f"{LOG}{hers.pk}/resend/"
    assert post(api, address, {}, key=NO_KEY).json()["code"] == "idempotency_key_required"
    refused = post(api, address, {})
    assert (refused.status_code, refused.json()["code"]) == (409, "perhaps_sent")
    key = uuid4()
    sent: dict[str, Any] = {"despite_risk": True}
    first = post(api, address, sent, key=key)
    assert (first.status_code, first.json()["state"]) == (200, "queued")
    again = post(api, address, sent, key=key)
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")
    assert post(api, address, {}, key=key).json()["code"] == "idempotency_key_reused"
    assert post(api, address, sent).json()["code"] == "not_stuck"
    assert ByHand.objects.get().member == kumar
    assert post(api, f"{LOG}{uuid4()}/resend/", {}).status_code == 404
