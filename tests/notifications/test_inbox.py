"""The inbox on its page and by the API, and what farmers want to be told, by the API."""

from uuid import uuid4

import pytest
from django.urls import reverse

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.sync.services import block_tablet, register_device
from malar.trail.models import Event
from notifications.models import Consent, Note
from notifications.services.queueing import react
from pricing.models import Flower
from tests.api.calls import get, patch
from tests.cast import recorded
from tests.conftest import api_of, page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def note(meena: Membership, kumar: Membership) -> Note:
    """Meena's: a tablet is lost."""
    device = register_device(by=kumar, id=uuid4(), name="<b>scale</b>")
    block_tablet(by=meena, device_id=device.pk, is_lost=True)
    react(event_id=Event.objects.get(name="TabletLost").pk)
    return Note.objects.get()


def test_a_note_is_shown_counted_and_read(note: Note, meena: Membership) -> None:
    page = page_of(meena)
    count = reverse("notifications:inbox_count")
    assert "1 new" in page.get(count).content.decode()
    shown = page.get(reverse("notifications:inbox")).content.decode()
    assert "The tablet &lt;b&gt;scale&lt;/b&gt; was marked as lost." in shown
    assert reverse("tablets:tablet_list") in shown
    page.post(reverse("notifications:inbox_read"))
    assert page.get(count).content.decode().strip() == ""
    shown = page.get(reverse("notifications:inbox")).content.decode()
    assert "inbox__note--new" not in shown
    assert "&lt;b&gt;scale" in shown


def test_nobody_sees_anothers_notes(note: Note, kumar: Membership, devi: Membership) -> None:
    for member in (kumar, devi):
        assert "marked as lost" not in page_of(member).get(reverse("notifications:inbox")).content.decode()
        assert get(api_of(member), "notifications/").json()["results"] == []
        page_of(member).post(reverse("notifications:inbox_read"))
    note.refresh_from_db()
    assert note.read_at is None


def test_every_page_asks_for_the_count_later_and_not_itself(meena: Membership) -> None:
    page = page_of(meena).get("/").content.decode()
    assert f'hx-get="{reverse("notifications:inbox_count")}"' in page
    assert "every 60s" in page


def test_a_long_inbox_asks_the_database_no_more_often(
    note: Note, meena: Membership, django_assert_max_num_queries: object
) -> None:
    Note.objects.bulk_create(
        [
            Note(shop=note.shop, member=meena, event=note.event, kind="tablet_silent", about=about)
            for about in [{"tablet": "a", "since": "b", "waiting": "1"}]
        ]
    )
    page = page_of(meena)
    with django_assert_max_num_queries(7):  # type: ignore[operator]
        assert page.get(reverse("notifications:inbox")).status_code == 200


def test_a_program_reads_the_inbox(note: Note, meena: Membership) -> None:
    api = api_of(meena)
    (row,) = get(api, "notifications/?unread=true").json()["results"]
    assert row["id"] == str(note.pk)
    assert (row["kind"], row["read_at"]) == ("tablet_lost", None)
    assert "marked as lost" in row["text"]
    assert patch(api, f"notifications/{note.pk}/", {"read": False}).status_code == 422
    assert patch(api, f"notifications/{note.pk}/", {"read": True}).json()["read_at"]
    assert get(api, "notifications/?unread=true").json()["results"] == []
    assert len(get(api, "notifications/").json()["results"]) == 1


def test_a_farmer_reads_what_he_was_sent_and_nobody_elses(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    assert raja.member is not None
    for farmer in (raja, lakshmi):
        recorded(kumar, farmer, jasmine)
    for event in Event.objects.undone():
        react(event_id=event.pk)
    api = api_of(raja.member)
    (row,) = get(api, "notifications/messages/").json()["results"]
    assert row["farmer"] == str(raja.pk)
    assert get(api, f"notifications/messages/?farmer={lakshmi.pk}").json()["results"] == []
    assert len(get(api_of(kumar), "notifications/messages/").json()["results"]) == 2
    assert len(get(api_of(kumar), f"notifications/messages/?farmer={lakshmi.pk}").json()["results"]) == 1
    shown = page_of(raja.member).get(reverse("notifications:inbox")).content.decode()
    assert 'lang="ta"' in shown
    assert "பெ. ராஜா" in shown


def test_a_farmer_says_by_a_program_what_he_wants(raja: Farmer, lakshmi: Farmer, kumar: Membership) -> None:
    assert raja.member is not None
    api = api_of(raja.member)
    said = get(api, "notifications/preferences/").json()
    assert (said["messages"], said["wanted"]["entry_receipt"], said["wanted"]["day_summary"]) == (
        True,
        True,
        False,
    )
    said = patch(
        api, "notifications/preferences/", {"wanted": {"day_summary": True}, "messages": False}
    ).json()
    assert (said["messages"], said["wanted"]["entry_receipt"], said["wanted"]["day_summary"]) == (
        False,
        False,
        True,
    )
    kept = Consent.objects.get()
    assert (kept.farmer, kept.source, kept.member) == (raja, "program", raja.member)
    assert said["either_language"] is False
    assert patch(api, "notifications/preferences/", {"either_language": True}).json()["either_language"]
    other = {"farmer": str(lakshmi.pk), "messages": False}
    assert patch(api, "notifications/preferences/", other).status_code == 404
    assert patch(api_of(kumar), "notifications/preferences/", other).json()["messages"] is False
    assert patch(api, "notifications/preferences/", {"wanted": {"gossip": True}}).status_code == 422
    assert get(api_of(kumar), "notifications/preferences/").status_code == 404
