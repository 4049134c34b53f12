"""Which event tells whom what, word for word."""

import datetime as dt
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.utils import translation

from ledger import events as ledger_events
from ledger.models import DailyEntry, Farmer
from ledger.services.corrections import correct_settled_entry
from ledger.services.entries import edit_entry, void_entry
from ledger.services.movements import approve_movement, record_movement, reverse_movement
from ledger.services.repricing import price_entries
from malar.accounts.models import Membership
from malar.kernel.quantities import Unit
from malar.trail import events as house_events
from malar.trail.domain import Happening
from malar.trail.models import Event
from malar.trail.services.answers import Answer
from notifications import events as own_events
from notifications.models import Message
from notifications.services.queueing import react, reactions
from notifications.services.receipts import quantity_with_unit, rate_per_unit
from notifications.subscriptions import SUBSCRIPTIONS
from pricing.models import Flower
from settlements import events as settlement_events
from tests.cast import a_farmer, at, called, recorded

pytestmark = pytest.mark.django_db

EARLY = at("2026-03-06", "04:50")


def told(entry: DailyEntry) -> Message:
    event = Event.objects.get(payload__entry=str(entry.pk), name="EntryRecorded")
    (made,) = react(event_id=event.pk)
    return Message.objects.get(pk=made)


def test_a_farmer_is_told_in_tamil(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    called(jasmine, "1450", at("2026-03-06", "04:30"), meena)
    message = told(recorded(kumar, raja, jasmine, captured_at=EARLY))
    assert message.text == (
        "வணக்கம் பெ. ராஜா, உங்கள் பூ வரவு பதிவு செய்யப்பட்டது.\n"
        "தேதி: 06/03/2026\n"
        "நேரம்: காலை 4:50\n"
        "பூ: மல்லிகை\n"
        "அளவு: 5.900 கிலோ\n"
        "விலை: கிலோ ஒன்றுக்கு ₹1,450.00\n"
        "தொகை: ₹8,555.00\n"
        "கமிஷன்: ₹855.50\n"
        "சிட்டை எண் S1-0603-001. இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்."
    )


def test_a_farmer_who_reads_english_is_told_in_english(
    meena: Membership, kumar: Membership, raja: Farmer, lotus: Flower
) -> None:
    raja.language = "en"
    raja.save()
    called(lotus, "12", at("2026-03-06", "04:30"), meena)
    with translation.override("ta"):  # whatever the worker speaks
        message = told(recorded(kumar, raja, lotus, captured_at=EARLY, quantity=Decimal(60)))
    assert message.text == (
        "Hello P. Raja, your flowers have been recorded.\n"
        "Date: 06/03/2026\n"
        "Time: 4:50 am\n"
        "Flower: Lotus\n"
        "Quantity: 60 pieces\n"
        "Rate: ₹12.00 per piece\n"
        "Amount: ₹720.00\n"
        "Commission: ₹72.00\n"
        "Slip no. S1-0603-001. If anything is wrong, please tell the shop today."
    )


def test_a_line_without_a_rate_says_so_and_names_no_amount(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    message = told(recorded(kumar, raja, jasmine, captured_at=EARLY))
    assert "விலை: பின்னர் போடப்படும்" in message.text
    assert "₹" not in message.text
    assert "–" not in message.text


def test_flowers_that_fetched_nothing_are_told_with_a_rate_of_nothing(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    message = told(recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(0)))
    assert "தொகை: ₹0.00" in message.text


def test_lakhs_are_grouped_the_indian_way(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    message = told(recorded(kumar, raja, jasmine, gross_quantity=Decimal(100), rate=Decimal("12345.67")))
    assert message.variables["amount"] == "₹12,34,567.00"


@pytest.mark.parametrize(
    ("unit", "quantity", "said", "rate"),
    [
        (Unit.KG, "1.5", "1.500 kg", "₹35.00 per kg"),
        (Unit.BUNDLE, "18", "18 bundles", "₹35.00 per bundle"),
        (Unit.PIECE, "1", "1 piece", "₹35.00 per piece"),
        (Unit.BAG, "2", "2 bags", "₹35.00 per bag"),
    ],
)
def test_a_quantity_comes_with_its_unit_and_a_rate_with_what_it_is_for(
    unit: Unit, quantity: str, said: str, rate: str
) -> None:
    assert quantity_with_unit(Decimal(quantity), unit) == said
    assert rate_per_unit(Decimal(35), unit) == rate


def test_a_line_is_told_as_it_stands_when_it_is_told(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.200")})
    assert told(entry).variables["amount"] == "₹500.00"


def test_a_line_cancelled_before_it_was_told_is_not_told(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine)
    void_entry(by=kumar, entry_id=entry.pk, reason="weighed twice")
    assert [react(event_id=event.pk) for event in Event.objects.all()] == [[], []]
    assert not Event.objects.undone().exists()


def news(entry: DailyEntry) -> list[str]:
    """What is told of all that happened to the line and was not told yet, in the order it happened."""
    events = Event.objects.undone().filter(payload__entry=str(entry.pk)).order_by("at")
    made = [message for event in events for message in react(event_id=event.pk)]
    return [Message.objects.get(pk=pk).text for pk in made]


def test_a_farmer_is_told_what_was_corrected(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    called(jasmine, "1450", at("2026-03-06", "04:30"), meena)
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    told(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.900")})
    assert news(entry) == [
        "வணக்கம் பெ. ராஜா, 06/03/2026 தேதி போட்ட உங்கள் சிட்டை S1-0603-001/2 திருத்தப்பட்டது.\n"
        "முன்பு: மல்லிகை, 5.900 கிலோ, கிலோ ஒன்றுக்கு ₹1,450.00: ₹8,555.00, கமிஷன் ₹855.50\n"
        "இப்போது: மல்லிகை, 5.700 கிலோ, கிலோ ஒன்றுக்கு ₹1,450.00: ₹8,265.00, கமிஷன் ₹826.50\n"
        "தொகை: ₹290.00 குறைவு\n"
        "இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்."
    ]


def test_one_who_reads_english_is_told_of_it_in_english(
    meena: Membership, kumar: Membership, raja: Farmer, lotus: Flower
) -> None:
    raja.language = "en"
    raja.save()
    entry = recorded(kumar, raja, lotus, captured_at=EARLY, quantity=Decimal(60), rate=Decimal(12))
    told(entry)
    edit_entry(
        by=kumar, entry_id=entry.pk, version=1, changes={"rate": Decimal("12.50"), "rate_reason": "quality"}
    )
    assert news(entry) == [
        "Hello P. Raja, your slip S1-0603-001/2 of 06/03/2026 has been corrected.\n"
        "Before: Lotus, 60 pieces, ₹12.00 per piece: ₹720.00, commission ₹72.00\n"
        "Now: Lotus, 60 pieces, ₹12.50 per piece: ₹750.00, commission ₹75.00\n"
        "Amount: ₹30.00 more\n"
        "If anything is wrong, please tell the shop today."
    ]


def test_a_correction_he_is_not_told_of_tells_nothing(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine)
    told(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"note": "wet"})
    assert news(entry) == []
    assert not Event.objects.undone().exists()


def test_two_corrections_told_late_are_told_as_one(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    told(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.200")})
    edit_entry(by=kumar, entry_id=entry.pk, version=2, changes={"gross_quantity": Decimal("5.100")})
    (text,) = news(entry)
    assert "S1-" in text
    assert "/3 " in text
    assert "5.900 கிலோ" in text
    assert "4.900 கிலோ" in text
    assert "₹100.00 குறைவு" in text


def test_a_correction_that_is_taken_back_before_it_was_told_tells_nothing(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    told(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.200")})
    edit_entry(by=kumar, entry_id=entry.pk, version=2, changes={"gross_quantity": Decimal("6.100")})
    assert news(entry) == []


def test_a_correction_before_the_receipt_was_told_is_in_the_receipt(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.200")})
    corrected = Event.objects.get(name="EntryCorrected")
    assert react(event_id=corrected.pk) == []  # overtook the receipt
    (text,) = news(entry)
    assert "5.000 கிலோ" in text
    assert "S1-" in text
    assert "/2." in text


def test_each_correction_is_told_against_the_one_before(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    told(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.200")})
    (first,) = news(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=2, changes={"gross_quantity": Decimal("5.300")})
    (second,) = news(entry)
    assert "₹90.00 குறைவு" in first
    assert "₹10.00 கூடுதல்" in second


def test_a_line_that_waited_for_its_rate_is_told_when_it_has_one(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    told(entry)
    edit_entry(
        by=kumar, entry_id=entry.pk, version=1, changes={"rate": Decimal(1450), "rate_reason": "quality"}
    )
    assert news(entry) == [
        "வணக்கம் பெ. ராஜா, உங்கள் பூவுக்கு விலை போடப்பட்டது.\n"
        "தேதி: 06/03/2026\n"
        "நேரம்: காலை 4:50\n"
        "பூ: மல்லிகை\n"
        "அளவு: 5.900 கிலோ\n"
        "விலை: கிலோ ஒன்றுக்கு ₹1,450.00\n"
        "தொகை: ₹8,555.00\n"
        "கமிஷன்: ₹855.50\n"
        "சிட்டை எண் S1-0603-001/2. இதில் தவறு இருந்தால் இன்றே கடையில் சொல்லவும்."
    ]
    assert Message.objects.latest("created_at").kind == "entry_priced"


def test_a_line_priced_in_bulk_is_told_once(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY)
    told(entry)
    price_entries(
        by=meena,
        key=uuid4(),
        day=EARLY.date(),
        flower_id=jasmine.pk,
        from_time=dt.time(),
        to_time=dt.time(),
        rate=Decimal(900),
    )
    (text,) = news(entry)
    assert "₹900.00" in text
    assert not Event.objects.undone().exists()


def test_a_weight_corrected_while_the_rate_is_still_to_come_names_no_amount(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine)
    told(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"gross_quantity": Decimal("5.900")})
    (text,) = news(entry)
    assert "முன்பு: மல்லிகை, 5.900 கிலோ, விலை பின்னர்" in text
    assert "₹" not in text


def test_a_farmer_is_told_that_his_line_is_cancelled_and_why(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(100))
    told(entry)
    void_entry(by=kumar, entry_id=entry.pk, reason="மூட்டை இரண்டு முறை எழுதப்பட்டது")
    assert news(entry) == [
        "வணக்கம் பெ. ராஜா, 06/03/2026 தேதி போட்ட உங்கள் சிட்டை S1-0603-001 ரத்து செய்யப்பட்டது.\n"
        "சிட்டையில் இருந்தது: மல்லிகை, 5.900 கிலோ, கிலோ ஒன்றுக்கு ₹100.00: ₹590.00, கமிஷன் ₹59.00\n"
        "காரணம்: மூட்டை இரண்டு முறை எழுதப்பட்டது\n"
        "இது சரியில்லை என்றால் இன்றே கடையில் சொல்லவும்."
    ]


def test_a_line_given_to_another_farmer_is_cancelled_for_the_one_and_written_down_for_the_other(
    kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    other = a_farmer(kumar.shop, 208, "க. வேலு", "K. Velu")
    entry = recorded(kumar, raja, jasmine, rate=Decimal(100))
    told(entry)
    edit_entry(by=kumar, entry_id=entry.pk, version=1, changes={"farmer_id": other.pk})
    first, second = news(entry)
    assert first.startswith("வணக்கம் பெ. ராஜா")
    assert "காரணம்: இது வேறு விவசாயியுடையது." in first
    assert second.startswith("வணக்கம் க. வேலு, உங்கள் பூ வரவு பதிவு செய்யப்பட்டது.")
    void_entry(by=kumar, entry_id=entry.pk, reason="weighed twice")
    (third,) = news(entry)
    assert third.startswith("வணக்கம் க. வேலு")


def test_a_settled_line_put_right_is_told_against_what_it_said(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(1450))
    told(entry)
    monkeypatch.setattr("ledger.selectors.entries.settled_among", lambda lines: {line.pk for line in lines})
    answer = correct_settled_entry(
        by=meena,
        entry_id=entry.pk,
        changes={"gross_quantity": Decimal("5.900")},
        reason="scale read again",
        key=uuid4(),
        now=EARLY,
    )
    replacement = DailyEntry.objects.get(pk=answer.body["replacement"]["id"])
    (text,) = news(replacement)
    assert "முன்பு: மல்லிகை, 5.900 கிலோ" in text
    assert "இப்போது: மல்லிகை, 5.700 கிலோ" in text
    assert "₹290.00 குறைவு" in text


def test_a_settled_line_that_counts_for_nothing_any_more_is_told_with_its_reason(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = recorded(kumar, raja, jasmine, captured_at=EARLY, rate=Decimal(1450))
    told(entry)
    monkeypatch.setattr("ledger.selectors.entries.settled_among", lambda lines: {line.pk for line in lines})
    correct_settled_entry(
        by=meena, entry_id=entry.pk, changes=None, reason="never came", key=uuid4(), now=EARLY
    )
    (text,) = news(entry)
    assert "காரணம்: never came" in text


def test_every_subscription_is_to_an_event_that_is_written() -> None:
    names = {
        value.name
        for room in (ledger_events, settlement_events, house_events, own_events)
        for value in vars(room).values()
        if isinstance(value, type) and issubclass(value, Happening) and value is not Happening
    }
    assert set(SUBSCRIPTIONS) <= names
    assert reactions == SUBSCRIPTIONS


def test_another_shops_line_cannot_be_told_through_an_event_of_ours(
    kumar: Membership, raja: Farmer, jasmine: Flower, devi: Membership
) -> None:
    entry = recorded(kumar, raja, jasmine)
    forged = Event.objects.create(
        shop=devi.shop, name="EntryRecorded", payload={"entry": str(entry.pk), "farmer": str(UUID(int=0))}
    )
    with pytest.raises(DailyEntry.DoesNotExist):
        react(event_id=forged.pk)


def test_a_farmer_is_told_of_an_advance_once_it_is_in_the_book(
    meena: Membership, kumar: Membership, raja: Farmer
) -> None:
    meena.shop.advance_limit = Decimal(1000)
    meena.shop.save()
    kumar.shop = meena.shop
    day = EARLY.date()

    def moved(by: Membership, kind: str, amount: str, mode: str = "cash") -> Answer:
        return record_movement(
            by=by,
            key=uuid4(),
            farmer_id=raja.pk,
            kind=kind,
            amount=Decimal(amount),
            business_date=day,
            mode=mode,
        )

    def told_by(answer: Answer) -> list[str]:
        events = Event.objects.filter(payload__movement=str(answer.made)).order_by("at")
        return [Message.objects.get(pk=made).text for event in events for made in react(event_id=event.pk)]

    assert told_by(moved(meena, "opening_advance", "15000", "none")) == []
    assert told_by(moved(kumar, "draw", "100")) == []
    waiting = moved(kumar, "advance", "2000", "upi")
    assert told_by(waiting) == []
    approve_movement(by=meena, movement_id=waiting.made)
    assert told_by(waiting) == [
        "வணக்கம் பெ. ராஜா, உங்களுக்கு முன்பணமாக ₹2,000.00 தொகை 06/03/2026 அன்று கொடுக்கப்பட்டது.\n"
        "கொடுத்த விதம்: யுபிஐ\n"
        "மொத்த மீதி முன்பணம்: ₹17,000.00\n"
        "ரசீது எண் V2526-0003. இது சரியில்லை என்றால் உடனே கடைக்குத் தெரிவிக்கவும்."
    ]
    wrong = moved(meena, "advance", "500")
    reverse_movement(by=meena, key=uuid4(), movement_id=wrong.made, reason="wrong farmer")
    assert told_by(wrong) == []
