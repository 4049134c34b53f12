"""What the owner sees in his inbox: rates that do not come, tablets, the books."""

import datetime as dt
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import translation

from ledger.models import Farmer
from ledger.services.entries import edit_entry
from ledger.services.waiting import say_rates_pending
from malar.accounts.models import Membership
from malar.kernel.errors import NotFound
from malar.ops.books import Finding, Row, keep
from malar.ops.invariants import invariants
from malar.sync.models import Stream
from malar.sync.services import block_tablet, register_device, say_silent_tablets
from malar.trail.models import Event
from notifications.models import Message, Note
from notifications.selectors import unread_of
from notifications.services.notes import read_all, read_note
from notifications.services.queueing import react
from pricing.models import Flower
from tests.cast import at, recorded

pytestmark = pytest.mark.django_db

EVENING = at("2026-03-06", "18:00")


def all_told() -> None:
    for event in Event.objects.undone():
        react(event_id=event.pk)


def test_flowers_without_a_rate_are_told_once_to_the_farmer_and_the_owner(
    meena: Membership, kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "04:50"))
    recorded(kumar, raja, lotus, captured_at=at("2026-03-06", "05:10"), quantity=Decimal(60))
    recorded(kumar, lakshmi, jasmine, captured_at=at("2026-03-06", "12:00"))
    assert say_rates_pending(now=EVENING) == 2
    assert say_rates_pending(now=EVENING) == 0
    all_told()
    (message,) = Message.objects.filter(kind="rate_pending")
    assert message.text == (
        "வணக்கம் பெ. ராஜா, 06/03/2026 தேதி நீங்கள் போட்ட பூவுக்கு இன்னும் விலை போடவில்லை.\n"
        "பூ: மல்லிகை, தாமரை\n"
        "சிட்டை எண்: S1-0603-001, S1-0603-002\n"
        "விலை போட்டதும் உங்களுக்குத் தெரிவிப்போம். சந்தேகம் இருந்தால் கடையைத் தொடர்பு கொள்ளவும்."
    )
    note = Note.objects.get(kind="rates_pending")
    assert (note.member, note.words) == (meena, "2 lines of 06/03/2026 still have no rate.")
    # Those of the afternoon are late the next morning; the others are not told again.
    assert say_rates_pending(now=EVENING + dt.timedelta(hours=14)) == 1


def test_who_got_his_rate_meanwhile_is_told_nothing(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    line = recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "04:50"))
    say_rates_pending(now=EVENING)
    edit_entry(by=kumar, entry_id=line.pk, version=1, changes={"rate": Decimal(900)}, reason="agreed")
    all_told()
    assert not Message.objects.filter(kind="rate_pending").exists()


def test_an_old_book_without_rates_is_no_news(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-06", "04:50"))
    assert say_rates_pending(now=EVENING + dt.timedelta(days=8)) == 0


def test_the_owner_hears_of_a_lost_tablet_once(
    meena: Membership, kumar: Membership, devi: Membership
) -> None:
    device = register_device(by=kumar, id=uuid4(), name="தராசு")
    block_tablet(by=meena, device_id=device.pk, is_lost=True)
    block_tablet(by=meena, device_id=device.pk, is_lost=True)
    all_told()
    (note,) = Note.objects.all()
    assert note.member == meena
    assert note.words == "The tablet தராசு was marked as lost. Nothing is taken from it any more."


def test_the_owner_hears_of_a_tablet_that_is_silent_with_lines_on_it(
    meena: Membership, kumar: Membership
) -> None:
    for name, pending in (("scale", 3), ("empty", 0)):
        device = register_device(by=kumar, id=uuid4(), name=name)
        Stream.objects.create(
            id=uuid4(),
            shop=kumar.shop,
            device=device,
            author=kumar,
            announced_seq=pending,
            pending=pending,
            last_seen_at=EVENING,
        )
    assert say_silent_tablets(now=EVENING + dt.timedelta(hours=5)) == 0
    assert say_silent_tablets(now=EVENING + dt.timedelta(hours=7)) == 1
    assert say_silent_tablets(now=EVENING + dt.timedelta(hours=9)) == 0
    all_told()
    (note,) = Note.objects.all()
    assert note.words == (
        "The tablet scale has not been heard of since 06/03/2026 18:00, and 3 lines are still on it."
    )
    Stream.objects.update(last_seen_at=EVENING + dt.timedelta(hours=10))
    assert say_silent_tablets(now=EVENING + dt.timedelta(hours=18)) == 1, "another silence"


def test_each_owner_hears_of_his_own_broken_books_only(meena: Membership, devi: Membership) -> None:
    def found(shop: object) -> list[Finding]:
        return [Finding(invariants()[0], [Row(shop, "1", "x")], 1)]  # type: ignore[arg-type]

    with transaction.atomic():
        keep(found(meena.shop_id), 1)
    all_told()
    assert [note.member for note in Note.objects.all()] == [meena]
    with transaction.atomic():
        keep(found(None), 1)
        keep([], 1)
    all_told()
    assert sorted(str(note.member) for note in Note.objects.all()) == sorted(map(str, [meena, meena, devi]))


def test_a_note_is_read_by_whose_it_is(meena: Membership, kumar: Membership, devi: Membership) -> None:
    for name in ("a", "b"):
        device = register_device(by=kumar, id=uuid4(), name=name)
        block_tablet(by=meena, device_id=device.pk, is_lost=True)
    all_told()
    assert (unread_of(meena), unread_of(kumar), unread_of(devi)) == (2, 0, 0)
    note = Note.objects.filter(member=meena).latest("created_at")
    with pytest.raises(NotFound):
        read_note(by=devi, note_id=note.pk)
    first = read_note(by=meena, note_id=note.pk).read_at
    assert read_note(by=meena, note_id=note.pk).read_at == first
    assert unread_of(meena) == 1
    assert read_all(by=meena) == 0
    assert unread_of(meena) == 0


def test_a_note_is_read_in_the_readers_language(meena: Membership) -> None:
    with translation.override("ta"):
        note = Note(
            kind="disputed", about={"farmer_ta": "ராஜா", "farmer_en": "Raja", "reference": "R1", "reason": "x"}
        )
        assert "ராஜா" in note.words
