"""The file of a tablet that broke: into the book once, under whoever wrote it (scenario 73)."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from ledger.models import DailyEntry, Farmer
from malar.accounts.models import Membership
from malar.sync.models import Device, HandedIn, SyncOp
from pricing.models import Flower
from tests.conftest import page_of
from tests.sync.test_ops import Tablet
from tests.sync.test_parked import _morning as _morning
from tests.sync.test_parked import sealed

pytestmark = pytest.mark.django_db
PAGE = "/handed-in/"


@pytest.fixture
def tablet(kumar: Membership) -> Tablet:
    return Tablet(kumar)


def file_of(tablet: Tablet, *ops: dict[str, Any], **said: Any) -> dict[str, Any]:
    """As static/js/offline/seal.js saves it."""
    return {
        "what": "Malar: entries that are only on a tablet",
        "v": 1,
        "saved_at": "2026-11-23T12:00:00.000Z",
        "shop_id": str(tablet.member.shop_id),
        "device_id": str(tablet.id),
        "stream_id": str(tablet.stream),
        "author_id": str(tablet.member.user_id),
        "ops": list(ops),
        "boxes": [],
        **said,
    }


def bring(browser: Client, content: Any, follow: bool = True) -> Any:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return browser.post(PAGE, {"file": SimpleUploadedFile("malar.json", text)}, follow=follow)


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def test_a_file_is_taken_in_once_under_its_author_and_what_is_odd_is_shown(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    known, new, wrong = (tablet.sale(raja, jasmine, gross) for gross in ("6.000", "7.000", "0"))
    tablet.send(known)
    owner = page_of(meena)
    answer = bring(owner, file_of(tablet, wrong, new, known))
    assert told(answer) == ["1 taken into the book. Already there: 1. To be looked at: 1."]
    assert DailyEntry.objects.count() == 2
    assert set(DailyEntry.objects.values_list("created_by", flat=True)) == {tablet.member.pk}
    assert set(HandedIn.objects.values_list("brought_by", "way")) == {(meena.pk, "file")}
    page = answer.content.decode()
    assert "P. Raja" in page
    assert "0" in page
    assert told(bring(owner, file_of(tablet, wrong, new, known)))[0].startswith("0 taken into the book.")
    assert DailyEntry.objects.count() == 2
    assert SyncOp.objects.count() == 3


def test_boxes_of_others_travel_in_the_file_too(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    box = sealed(tablet, tablet.sale(raja, jasmine))
    box["stream_id"] = str(tablet.stream)
    hers = Tablet(meena)
    hers.id = tablet.id
    bring(page_of(meena), file_of(hers, boxes=[box]))
    assert DailyEntry.objects.get().created_by == tablet.member


def test_a_tablet_that_had_never_been_here_becomes_known(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    file = file_of(tablet, tablet.sale(raja, jasmine), device_id=str(uuid4()))
    bring(page_of(meena), file)
    assert Device.objects.count() == 2
    assert DailyEntry.objects.count() == 1


def test_a_tablet_that_was_blocked_because_it_is_lost_may_still_have_left_a_file(
    tablet: Tablet, meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    Device.objects.update(blocked_at=timezone.now())
    bring(page_of(meena), file_of(tablet, tablet.sale(raja, jasmine)))
    assert DailyEntry.objects.count() == 1


@pytest.mark.parametrize(
    "content",
    [
        b"farmer;kg",
        b"\xff\xfe",
        b"[]",
        b'{"what": "x"}',
        pytest.param(b"[" * 100_000, id="deep"),
    ],
)
def test_what_is_no_file_of_ours_is_refused_at_its_field(meena: Membership, content: bytes) -> None:
    answer = bring(page_of(meena), content)
    assert answer.status_code == 422
    assert "This is not a file that Malar saved on a tablet." in answer.content.decode()
    assert not HandedIn.objects.exists()


def test_operations_without_a_number_and_files_of_other_shops_change_nothing(
    tablet: Tablet, meena: Membership, devi: Membership, raja: Farmer, jasmine: Flower
) -> None:
    op = tablet.sale(raja, jasmine)
    assert bring(page_of(meena), file_of(tablet, op, {**op, "seq": None})).status_code == 422
    other = bring(page_of(devi), file_of(tablet, op))
    assert other.status_code == 422
    assert "This file is of another shop." in other.content.decode()
    taken = bring(page_of(devi), file_of(tablet, op, shop_id=str(devi.shop_id)))
    assert "This tablet belongs to another shop." in taken.content.decode()
    assert not DailyEntry.objects.exists()
    assert not HandedIn.objects.exists()


def test_the_page_is_the_owners(kumar: Membership, meena: Membership) -> None:
    assert page_of(kumar).get(PAGE).status_code == 403
    page = page_of(meena).get(PAGE).content.decode()
    assert "Everything that was brought is in the book." in page
