"""What somebody else than its author brings from a tablet: opened here, and the author's (offline.md, d 57–60)."""

import base64
import datetime as dt
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import LazySettings
from django.utils import timezone

from ledger.domain import ReviewReason
from ledger.models import DailyEntry, Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.sync.models import HandedIn, Stream, SyncOp
from pricing.models import Flower
from tests.sync.test_ops import Tablet

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    """Ten o'clock: what was weighed a moment ago is of today."""
    now = timezone.now().astimezone(KOLKATA).replace(hour=10, minute=0) - dt.timedelta(days=1)
    with time_machine.travel(now):
        yield


def number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=="), "big")


def text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def sealed(tablet: Tablet, op: Any, **said: Any) -> dict[str, Any]:
    """An operation as static/js/offline/seal.js closes it, with the key that hello says."""
    seal = tablet.hello()["seal"]
    public = RSAPublicNumbers(number(seal["jwk"]["e"]), number(seal["jwk"]["n"])).public_key()
    key, iv = AESGCM.generate_key(256), os.urandom(12)
    beside = f"{op['op_id']} {op['seq']} {tablet.stream} {tablet.member.user_id}"
    box = {
        "v": 1,
        "kid": seal["kid"],
        "key": text(public.encrypt(key, OAEP(MGF1(SHA256()), SHA256(), None))),
        "iv": text(iv),
        "data": text(AESGCM(key).encrypt(iv, json.dumps(op).encode(), beside.encode())),
    }
    return {
        "op_id": op["op_id"],
        "seq": op["seq"],
        "author_id": str(tablet.member.user_id),
        "box": box,
        **said,
    }


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    """Kumar's; what he seals on it Meena brings."""
    return Tablet(kumar)


@pytest.fixture
def bringer(meena: Membership, tablet: Tablet) -> Tablet:
    """The same tablet, with Meena signed in."""
    hers = Tablet(meena)
    hers.id = tablet.id
    return hers


def bring(bringer: Tablet, tablet: Tablet, *boxes: dict[str, Any]) -> list[dict[str, Any]]:
    body = {"device_id": str(tablet.id), "stream_id": str(tablet.stream), "boxes": list(boxes)}
    answer = bringer.post("parked", body)
    assert answer.status_code == 200, answer.content
    assert answer["X-Sync-Protocol"] == "1"
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_what_another_brings_is_its_authors_and_written_once(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    """Scenario 33: sealed by Kumar, brought by Meena, twice; and once more by Kumar himself."""
    op = tablet.sale(raja, jasmine, "6.000")
    box = sealed(tablet, op)
    assert bring(bringer, tablet, box) == [{"op_id": op["op_id"], "status": "applied"}]
    assert bring(bringer, tablet, box) == [{"op_id": op["op_id"], "status": "duplicate", "of": "applied"}]
    assert tablet.send(op)[0]["status"] == "duplicate"
    line = DailyEntry.objects.get()
    assert (line.created_by, line.quantity) == (tablet.member, Decimal(6))
    assert ReviewReason.AUTHOR_LEFT not in line.review_reasons
    assert SyncOp.objects.get().author == tablet.member
    row = HandedIn.objects.get()
    assert (row.brought_by, row.outcome, row.kept) == (bringer.member, "taken", None)
    assert Stream.objects.get(pk=tablet.stream).author == tablet.member


def test_the_bringer_is_told_nothing_of_what_is_in_a_box(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    good, wrong = tablet.sale(raja, jasmine), tablet.sale(raja, jasmine, "0")
    results = bring(bringer, tablet, sealed(tablet, good), sealed(tablet, wrong))
    assert [result["status"] for result in results] == ["applied", "needs_fix"]
    assert all(result.keys() == {"op_id", "status"} for result in results)


@pytest.mark.parametrize("how", ["may not sign in", "no member any more", "no staff any more"])
def test_of_one_who_has_left_the_lines_are_taken_and_somebody_is_asked_to_look(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower, how: str
) -> None:
    """Scenario 19: put off while the tablet was offline."""
    first = tablet.sale(raja, jasmine)
    tablet.send(first)
    later = tablet.sale(raja, jasmine, "7.000")
    better = tablet.op(
        "UPDATE", entity_id=first["entity_id"], base_version=1, set={"gross_quantity": "6.500"}
    )
    boxes = [sealed(tablet, each) for each in (later, better)]
    if how == "may not sign in":
        tablet.member.user.is_active = False
        tablet.member.user.save()
    else:
        tablet.member.is_active = how == "no staff any more"
        tablet.member.role = Role.FARMER if tablet.member.is_active else Role.STAFF
        tablet.member.save()
    assert [result["status"] for result in bring(bringer, tablet, *boxes)] == ["applied", "applied"]
    lines = DailyEntry.objects.order_by("quantity")
    assert [line.quantity for line in lines] == [Decimal("6.5"), Decimal(7)]
    for line in lines:
        assert line.created_by == tablet.member
        assert ReviewReason.AUTHOR_LEFT in line.review_reasons


def test_a_box_that_does_not_open_is_kept(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower, settings: LazySettings
) -> None:
    op = tablet.sale(raja, jasmine)
    box = sealed(tablet, op)
    own = settings.SEAL_PRIVATE_KEY
    other = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    settings.SEAL_PRIVATE_KEY = other.decode()
    assert bring(bringer, tablet, box) == [{"op_id": op["op_id"], "status": "parked"}]
    row = HandedIn.objects.get()
    assert (row.outcome, row.kept) == ("closed", box["box"])
    assert not SyncOp.objects.exists()
    # With the old key behind the new one it opens, when it comes again.
    settings.SEAL_PRIVATE_KEY = other.decode() + own
    assert bring(bringer, tablet, box)[0]["status"] == "applied"
    row.refresh_from_db()
    assert (row.outcome, row.kept) == ("taken", None)


def test_nobody_can_put_his_name_or_another_number_on_a_box(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    op = tablet.sale(raja, jasmine)
    box = sealed(tablet, op)
    for said in ({"author_id": str(bringer.member.user_id)}, {"seq": 9}, {"op_id": str(uuid4())}):
        (result,) = bring(bringer, tablet, box | said)
        assert result["status"] == "parked"
    assert not DailyEntry.objects.exists()
    assert set(HandedIn.objects.values_list("outcome", flat=True)) == {"closed"}
    # Untouched it is taken all the same.
    assert bring(bringer, tablet, box)[0]["status"] == "applied"
    assert DailyEntry.objects.get().created_by == tablet.member


def test_what_nobody_here_wrote_and_what_cannot_be_read_is_kept(
    tablet: Tablet, bringer: Tablet, devi: Membership, raja: Farmer, jasmine: Flower
) -> None:
    odd = sealed(tablet, {**tablet.sale(raja, jasmine), "captured": None})
    stranger = Tablet(devi)
    stranger.stream = tablet.stream
    foreign = sealed(stranger, tablet.sale(raja, jasmine))
    assert {result["status"] for result in bring(bringer, tablet, odd, foreign)} == {"parked"}
    kept = dict(HandedIn.objects.values_list("pk", "outcome"))
    assert sorted(kept.values()) == ["nobody", "unreadable"]
    assert all(HandedIn.objects.values_list("kept", flat=True))
    assert not SyncOp.objects.exists()


def test_what_must_wait_stays_on_the_tablet(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    first = tablet.sale(raja, jasmine)
    undo = tablet.op("DELETE", entity_id=first["entity_id"], base_version=1, set={"reason": "wrong"})
    assert bring(bringer, tablet, sealed(tablet, undo))[0]["status"] == "blocked"
    assert not HandedIn.objects.exists()
    both = bring(bringer, tablet, sealed(tablet, first), sealed(tablet, undo))
    assert [result["status"] for result in both] == ["applied", "applied"]


def test_the_tablets_owner_page_no_longer_waits_for_what_came(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    first, later = tablet.sale(raja, jasmine), tablet.sale(raja, jasmine)
    queue = {"pending": 1, "stalled": 1, "conflicts": 0, "oldest_ms": 1_000_000_000_000, "last_seq": 2}
    tablet.post("ops", tablet.batch(first, queue=queue))
    bring(bringer, tablet, sealed(tablet, later))
    stream = Stream.objects.get(pk=tablet.stream)
    assert (stream.pending, stream.stalled, stream.oldest_at) == (0, 0, None)


def test_farmers_and_unknown_or_blocked_tablets_bring_nothing(
    tablet: Tablet, bringer: Tablet, raja: Farmer, jasmine: Flower
) -> None:
    box = sealed(tablet, tablet.sale(raja, jasmine))
    body = {"device_id": str(tablet.id), "stream_id": str(tablet.stream), "boxes": [box]}
    unknown = bringer.post("parked", {**body, "device_id": str(uuid4())})
    assert (unknown.status_code, unknown.json()["code"]) == (409, "device_unknown")
    bringer.browser.logout()
    assert bringer.post("parked", body).status_code == 401
    assert raja.member is not None
    bringer.browser.force_login(raja.member.user)
    assert bringer.post("parked", body).json()["code"] == "not_allowed"
    assert not HandedIn.objects.exists()
