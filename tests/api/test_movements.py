"""Money given and taken back, and the account it comes to, as programs see them."""

from typing import Any
from uuid import uuid4

import pytest

from ledger.models import Farmer
from malar.accounts.models import Membership
from tests.api.calls import get, post
from tests.conftest import api_of

pytestmark = pytest.mark.django_db


def said(farmer: Farmer, **fields: Any) -> dict[str, Any]:
    return {
        "kind": "advance",
        "farmer": str(farmer.pk),
        "amount": "2000.00",
        "business_date": "2026-03-06",
        "mode": "cash",
        **fields,
    }


def test_a_movement_is_made_read_listed_and_taken_back(kumar: Membership, raja: Farmer) -> None:
    program, key = api_of(kumar), uuid4()
    made = post(program, "movements/", said(raja, note="for the well"), key=key)
    assert (made.status_code, made.json()["status"], made.json()["voucher"]) == (201, "posted", "V2526-0001")
    again = post(program, "movements/", said(raja, note="for the well"), key=key)
    assert (again.headers["Idempotency-Replayed"], again.json()) == ("true", made.json())
    address = f"movements/{made.json()['id']}/"
    assert get(program, address).json() == made.json()
    back = post(program, f"{address}reverse/", {"reason": "wrong farmer"})
    assert (back.status_code, back.json()["id"]) == (200, made.json()["id"])
    mirror = get(program, f"movements/{back.json()['reversed_by']}/").json()
    assert (mirror["reverses"], mirror["amount"], mirror["note"]) == (
        made.json()["id"],
        "2000.00",
        "wrong farmer",
    )
    assert post(program, f"{address}reverse/", {"reason": "again"}).status_code == 409


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ("", 3),
        ("?kind=draw", 1),
        ("?status=waiting", 0),
        ("?date=2026-03-07", 1),
        ("?from=2026-03-06&to=2026-03-06", 2),
        ("?farmer={raja}", 2),
        ("?page_size=1", 1),
    ],
)
def test_movements_are_filtered(
    meena: Membership, raja: Farmer, lakshmi: Farmer, asked: str, count: int
) -> None:
    program = api_of(meena)
    post(program, "movements/", said(raja))
    post(program, "movements/", said(raja, kind="draw", business_date="2026-03-07"))
    post(program, "movements/", said(lakshmi))
    assert len(get(program, f"movements/{asked.format(raja=raja.pk)}").json()["results"]) == count


def test_the_owner_decides_about_what_waits(kumar: Membership, meena: Membership, raja: Farmer) -> None:
    shop = meena.shop
    shop.draw_limit = "1000"
    shop.save()
    waiting = [post(api_of(kumar), "movements/", said(raja, kind="draw")).json() for _ in range(2)]
    assert [one["status"] for one in waiting] == ["waiting", "waiting"]
    yes, no = (f"movements/{one['id']}/" for one in waiting)
    assert post(api_of(kumar), f"{yes}approve/", {}).status_code == 403
    key = uuid4()
    approved = post(api_of(meena), f"{yes}approve/", {"note": "ok"}, key=key)
    assert (approved.status_code, approved.json()["status"]) == (200, "posted")
    assert post(api_of(meena), f"{yes}approve/", {"note": "ok"}, key=key).json() == approved.json()
    assert post(api_of(meena), f"{no}refuse/", {"note": ""}).status_code == 422
    assert post(api_of(meena), f"{no}refuse/", {"note": "too much"}).json()["status"] == "refused"
    decided = post(api_of(meena), f"{no}approve/", {})
    assert (decided.status_code, decided.json()["current"]["status"]) == (409, "refused")


def test_balance_and_statement_say_who_owes_without_a_sign(
    meena: Membership, raja: Farmer, lakshmi: Farmer
) -> None:
    program = api_of(meena)
    post(program, "movements/", said(raja, kind="draw", amount="27"))
    post(program, "movements/", said(raja, amount="17000"))
    balance = get(program, f"farmers/{raja.pk}/balance/").json()
    assert (balance["net"], balance["direction"], balance["advance"]) == ("27.00", "farmer_owes", "17000.00")
    assert balance["unsettled"] == {
        "gross": "0.00",
        "commission": "0.00",
        "charges": "0.00",
        "draws": "27.00",
        "unpriced": 0,
    }
    statement = get(program, f"farmers/{raja.pk}/statement/?from=2026-03-01&to=2026-03-31").json()
    assert statement["opening"] == {"net": "0.00", "direction": "even"}
    assert statement["closing"] == {"net": "27.00", "direction": "farmer_owes"}
    (row,) = statement["rows"]
    assert (row["kind"], row["movement_kind"], row["down"], row["voucher"]) == (
        "movement",
        "draw",
        "27.00",
        "V2526-0001",
    )
    assert (statement["advance"]["closing"], statement["hand_loan"]["rows"]) == ("17000.00", [])
    assert get(program, f"farmers/{raja.pk}/statement/?from=2026-03-31&to=2026-03-01").status_code == 400
    assert get(program, f"farmers/{raja.pk}/statement/?from=0001-01-01&to=9999-12-31").status_code == 200
    assert get(program, f"farmers/{raja.pk}/statement/").status_code == 400
    own = api_of(raja.member)  # type: ignore[arg-type]
    assert get(own, f"farmers/{raja.pk}/balance/").status_code == 200
    assert get(own, f"farmers/{lakshmi.pk}/balance/").status_code == 404
    assert get(own, f"farmers/{lakshmi.pk}/statement/?from=2026-03-01&to=2026-03-31").status_code == 404
    assert len(get(own, "movements/").json()["results"]) == 2
