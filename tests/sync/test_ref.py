"""What the counter knows before somebody stands before it."""

import datetime as dt
import gzip
import json
import re
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from ledger.models import Farmer
from ledger.services.entries import void_entry
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.sync.models import SyncEpoch
from malar.sync.selectors import reference
from pricing.models import Flower, MarketRate
from pricing.selectors.rates import rate_at
from pricing.services.rates import publish_rate
from tests.cast import a_farmer, a_flower, a_member, a_slot, at, called, recorded
from tests.conftest import page_of
from tests.ledger.terms import a_fee

pytestmark = pytest.mark.django_db

DAY = "2026-03-06"
FARMERS = {"farmers", "farmers_complete", "cursor"}
PARTS = {*FARMERS, "flowers", "fees", "slots", "rates", "day", "lines"}


@pytest.fixture(autouse=True)
def _morning() -> Iterator[None]:
    """Ten to five, and the clock stands."""
    with time_machine.travel(at(DAY, "04:50"), tick=False):
        yield


def ref(member: Membership, parts: str = "") -> dict[str, Any]:
    answer = page_of(member).get("/sync/v1/ref/", {"parts": parts} if parts else {})
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


def slot_rate(flower: Flower, slot: Any, rate: str, by: Membership, when: dt.datetime) -> None:
    publish_rate(by=by, key=uuid4(), flower=flower, slot=slot, rate=Decimal(rate), effective_from=when)


def test_everything_has_the_shape_of_the_contract(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower
) -> None:
    Farmer.objects.filter(pk=raja.pk).update(phone="+919876504321")
    slot = a_slot(meena.shop, "04:00", "05:30")
    called(jasmine, "640", at(DAY, "04:10"), meena)
    line = recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:40"))

    coolie = a_fee(meena.shop, "coolie", "per_sack", "10", automatic=False)
    a_fee(meena.shop, "desk", "per_settlement", "5", automatic=False)

    said = ref(kumar)

    assert re.fullmatch("[0-9a-f]{16}-[0-9]+", said.pop("cursor"))
    assert said.pop("lines") == {
        "at": "2026-03-06T04:50:00+05:30",
        "date": DAY,
        "all": said["day"]["last"],
    }
    assert said.pop("fees") == [
        {
            "id": str(coolie.pk),
            "name_ta": "கூலி",
            "name_en": "Coolie",
            "basis": "per_sack",
            "rate": "10.00",
        }
    ]
    assert said == {
        "as_of": "2026-03-06T04:50:00.000+05:30",
        "shop": {
            "id": str(meena.shop_id),
            "name_ta": "Meena மலர் மண்டி",
            "name_en": "Meena Flowers",
            "number_digits": 3,
            "turnover_hour": 0,
        },
        "farmers": [
            {
                "id": str(raja.pk),
                "number": 14,
                "code": "F014",
                "name_ta": "பெ. ராஜா",
                "name_en": "P. Raja",
                "village_ta": "வெள்ளோடு",
                "village_en": "Vellodu",
                "phone_last4": "4321",
                "is_active": True,
                "language": "ta",
                "version": 1,
                "namesakes": False,
                "usual": [{"flower": str(jasmine.pk), "lines": 1, "low": None, "high": None}],
                "last_seen": DAY,
            }
        ],
        "farmers_complete": True,
        "flowers": [
            {
                "id": str(jasmine.pk),
                "code": "MAL",
                "name_ta": "மல்லிகை",
                "name_en": "Jasmine",
                "short_ta": "மல்லிகை",
                "short_en": "Jasmine",
                "unit": "kg",
                "glyph": "poo",
                "position": 0,
                "largest": "5.900",
            }
        ],
        "slots": [
            {
                "id": str(slot.pk),
                "name_ta": "04:00 மணி விலை",
                "name_en": "04:00 rate",
                "start": "04:00",
                "end": "05:30",
            }
        ],
        "rates": [
            {
                "flower": str(jasmine.pk),
                "slot": None,
                "rate": "640.00",
                "from": "2026-03-06T04:10:00+05:30",
            }
        ],
        "day": {
            "date": DAY,
            "lines": 1,
            "kilograms": "5.900",
            "amount": "3776.00",
            "last": [
                {
                    "id": str(line.pk),
                    "farmer": str(raja.pk),
                    "flower": str(jasmine.pk),
                    "quantity": "5.900",
                    "unit": "kg",
                    "rate": "640.00",
                    "amount": "3776.00",
                    "status": "confirmed",
                    "version": 1,
                    "captured_at": "2026-03-06T04:40:00+05:30",
                    "slip_number": line.slip_number,
                    "mine": True,
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("parts", "there"),
    [
        ("farmers", FARMERS),
        ("flowers", {"flowers", "fees"}),
        ("rates", {"slots", "rates"}),
        ("rates,day", {"slots", "rates", "day"}),
        ("", PARTS),
    ],
)
def test_a_part_that_was_not_asked_for_is_absent(kumar: Membership, parts: str, there: set[str]) -> None:
    assert ref(kumar, parts).keys() == {"as_of", "shop"} | there


@pytest.mark.parametrize("parts", ["names", "rates,names", "rates,", ","])
def test_an_unknown_part_is_refused(kumar: Membership, parts: str) -> None:
    answer = page_of(kumar).get("/sync/v1/ref/", {"parts": parts})

    assert (answer.status_code, answer.json()) == (400, {"code": "unknown_part"})


def test_one_shop_never_sees_the_other_s(
    meena: Membership, kumar: Membership, devi: Membership, raja: Farmer, jasmine: Flower, mullai: Flower
) -> None:
    slot = a_slot(meena.shop, "04:00", "05:30")
    slot_rate(jasmine, slot, "900", meena, at(DAY, "00:00"))
    called(jasmine, "640", at(DAY, "04:10"), meena)
    line = recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:40"))
    theirs = (*(meena.shop_id, raja.pk, jasmine.pk, slot.pk, line.pk), "640.00", "900.00", "ராஜா")

    seen = json.dumps(ref(devi), ensure_ascii=False)

    assert [str(each) for each in theirs if str(each) in seen] == []
    assert str(mullai.pk) in seen
    assert all(str(each) in json.dumps(ref(kumar), ensure_ascii=False) for each in theirs)


def test_a_farmer_s_whole_phone_number_stays_here(kumar: Membership, raja: Farmer) -> None:
    Farmer.objects.filter(pk=raja.pk).update(phone="+919876504321", whatsapp="+919876512345")

    said = json.dumps(ref(kumar))

    assert "98765" not in said
    assert '"4321"' in said


def test_numbers_get_a_fourth_digit_with_the_thousandth_farmer(kumar: Membership, raja: Farmer) -> None:
    a_farmer(kumar.shop, 999, "க. கருப்பையா", "K. Karuppiah")
    assert ref(kumar, "day")["shop"]["number_digits"] == 3

    a_farmer(kumar.shop, 1000, "வ. கிருஷ்ணன்", "V. Krishnan")
    assert ref(kumar, "day")["shop"]["number_digits"] == 4


def test_two_murugesans_are_marked(kumar: Membership, raja: Farmer) -> None:
    a_farmer(kumar.shop, 1, "மு. முருகேசன்", "M. Murugesan")
    a_farmer(kumar.shop, 271, "முருகேசன் கா.", "Murugesan K.")

    marks = {farmer["number"]: farmer["namesakes"] for farmer in ref(kumar, "farmers")["farmers"]}

    assert marks == {1: True, 14: False, 271: True}


def test_a_farmer_s_flowers_come_by_habit_with_his_band(
    kumar: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    moment = at("2026-03-01", "05:00")
    for minute, kilos in enumerate(("8", "9", "10", "12", "15")):
        when = moment + dt.timedelta(minutes=minute)
        recorded(kumar, raja, jasmine, captured_at=when, now=when, gross_quantity=Decimal(kilos))
    when = at("2026-03-05", "05:00")
    recorded(kumar, raja, lotus, captured_at=when, now=when, quantity=Decimal(40))

    (farmer,) = ref(kumar, "farmers")["farmers"]

    assert farmer["usual"] == [
        {"flower": str(jasmine.pk), "lines": 5, "low": "8.000", "high": "15.000"},
        {"flower": str(lotus.pk), "lines": 1, "low": None, "high": None},
    ]
    assert farmer["last_seen"] == "2026-03-05"


def test_only_flowers_that_are_sold_have_a_tile(kumar: Membership, jasmine: Flower, lotus: Flower) -> None:
    Flower.objects.filter(pk=lotus.pk).update(is_active=False)
    Flower.objects.filter(pk=jasmine.pk).update(short_name_ta="மல்லி", short_name_en="Malli", glyph="malli")

    (tile,) = ref(kumar, "flowers")["flowers"]

    assert (tile["short_ta"], tile["short_en"], tile["glyph"]) == ("மல்லி", "Malli", "malli")


def test_rates_are_those_called_today_newest_first_and_then_the_slots(
    meena: Membership, jasmine: Flower
) -> None:
    slot = a_slot(meena.shop, "04:00", "05:30")
    slot_rate(jasmine, slot, "880", meena, at("2026-03-01", "00:00"))
    slot_rate(jasmine, slot, "900", meena, at("2026-03-04", "00:00"))
    called(jasmine, "700", at("2026-03-05", "05:00"), meena)
    called(jasmine, "640", at(DAY, "04:10"), meena)
    called(jasmine, "660", at(DAY, "04:40"), meena)

    rates = [(rate["slot"], rate["rate"]) for rate in ref(meena, "rates")["rates"]]

    assert rates == [(None, "660.00"), (None, "640.00"), (str(slot.pk), "900.00")]


def test_a_rate_put_right_in_the_same_moment_was_never_in_force(meena: Membership, jasmine: Flower) -> None:
    called(jasmine, "6400", at(DAY, "04:10"), meena)
    called(jasmine, "640", at(DAY, "04:10"), meena)

    assert [rate["rate"] for rate in ref(meena, "rates")["rates"]] == ["640.00"]
    assert MarketRate.objects.count() == 2


def in_force(said: dict[str, Any], flower: Flower, moment: dt.datetime) -> str | None:
    """The rule of the contract, as the counter applies it."""
    rates = [rate for rate in said["rates"] if rate["flower"] == str(flower.pk)]
    for rate in rates:
        if rate["slot"] is None and dt.datetime.fromisoformat(rate["from"]) <= moment:
            return str(rate["rate"])
    clock = f"{moment:%H:%M}"
    slots = {slot["id"] for slot in said["slots"] if slot["start"] <= clock < slot["end"]}
    return next((rate["rate"] for rate in rates if rate["slot"] in slots), None)


@pytest.mark.parametrize("clock", ["03:59", "04:00", "04:29", "04:30", "05:29", "05:30", "07:00"])
def test_the_counter_and_the_book_agree_about_the_rate_in_force(
    meena: Membership, jasmine: Flower, clock: str
) -> None:
    early, late = a_slot(meena.shop, "04:00", "05:30"), a_slot(meena.shop, "05:30", "07:00")
    lily = a_flower(meena.shop, "SAM", "சம்பங்கி", "Tuberose")
    for slot, rate in ((early, "900"), (late, "820")):
        slot_rate(jasmine, slot, rate, meena, at("2026-03-01", "00:00"))
        slot_rate(lily, slot, rate, meena, at("2026-03-01", "00:00"))
    called(jasmine, "640", at(DAY, "04:30"), meena)
    said = ref(meena, "rates")

    for flower in (jasmine, lily):
        book = rate_at(flower, at(DAY, clock)).rate
        assert in_force(said, flower, at(DAY, clock)) == (f"{book:.2f}" if book is not None else None)


def test_the_day_counts_what_stands_and_shows_what_was_struck_out(
    kumar: Membership, meena: Membership, raja: Farmer, jasmine: Flower, lotus: Flower
) -> None:
    recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:20"), rate=Decimal(100))
    wrong = recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:30"), rate=Decimal(100))
    void_entry(by=kumar, entry_id=wrong.pk, reason="twice")
    recorded(meena, raja, lotus, captured_at=at(DAY, "04:40"), quantity=Decimal(60))
    recorded(kumar, raja, jasmine, captured_at=at("2026-03-05", "05:00"), rate=Decimal(100))

    day = ref(kumar, "day")["day"]

    assert (day["lines"], day["kilograms"], day["amount"]) == (2, "5.900", "590.00")
    assert {(line["unit"], line["status"], line["rate"], line["mine"]) for line in day["last"]} == {
        ("kg", "confirmed", "100.00", True),
        ("kg", "voided", "100.00", True),
        ("piece", "confirmed", None, False),
    }


def test_before_the_turn_over_hour_it_is_still_yesterday(
    meena: Membership, raja: Farmer, jasmine: Flower
) -> None:
    meena.shop.turnover_hour = 5
    meena.shop.save()
    called(jasmine, "700", at("2026-03-05", "05:00"), meena)
    recorded(meena, raja, jasmine, captured_at=at("2026-03-05", "06:00"))

    said = ref(meena)

    assert (said["day"]["date"], said["day"]["lines"]) == ("2026-03-05", 1)
    assert [rate["rate"] for rate in said["rates"]] == ["700.00"]


@pytest.mark.parametrize(
    ("parts", "queries"), [("farmers", 3), ("flowers", 3), ("rates", 3), ("day", 2), ("lines", 1)]
)
def test_what_a_part_asks_of_the_database_does_not_grow(
    meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, parts: str, queries: int
) -> None:
    page = page_of(kumar)

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get("/sync/v1/ref/", {"parts": parts})
        return len(captured)

    def grow(number: int) -> None:
        farmer = a_farmer(meena.shop, number, f"விவசாயி{number} க.", "")
        flower = a_flower(meena.shop, f"F{number}", "பூ", "Flower")
        slot = a_slot(meena.shop, f"{number:02}:00", f"{number:02}:30")
        slot_rate(flower, slot, "10", meena, at("2026-03-01", "00:00"))
        called(flower, "12", at(DAY, "04:10"), meena)
        recorded(kumar, farmer, flower, captured_at=at(DAY, "04:40"))

    grow(1)
    asked()  # the session and its user are read once and kept
    few = asked()
    for number in range(2, 7):
        grow(number)

    assert asked() == few
    # Besides: the session's user, his memberships, whether numbers have four digits.
    assert few == queries + 3


def test_the_answer_is_packed_and_hello_with_its_token_is_not(kumar: Membership, raja: Farmer) -> None:
    for number in range(100, 140):
        a_farmer(kumar.shop, number, "க. கருப்பையா", "K. Karuppiah")
    page = page_of(kumar)
    headers = {"Accept-Encoding": "gzip"}

    packed = page.get("/sync/v1/ref/?parts=farmers", headers=headers)

    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < 20_000
    assert json.loads(gzip.decompress(packed.content)) == page.get("/sync/v1/ref/?parts=farmers").json()
    assert not page.get("/sync/v1/hello/", headers=headers).has_header("Content-Encoding")


def test_the_language_of_the_user_changes_nothing(kumar: Membership, raja: Farmer, jasmine: Flower) -> None:
    tamil = a_member(kumar.shop, "Mani", Role.STAFF, language="ta")

    assert without_cursor(ref(tamil)) == without_cursor(ref(kumar))


# --- Only what changed -----------------------------------------------------------------------------


def without_cursor(said: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in said.items() if name != "cursor"}


def nobody_writes_still() -> None:
    """Wait for those who write in the other databases of this server: a cursor stays behind the oldest of all."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        (mine,) = cursor.fetchone()
        for _hundredth in range(6_000):  # The clock stands, so seconds cannot be counted.
            cursor.execute(reference.OLDEST_WRITER)
            if cursor.fetchone()[0] > mine:
                return
            time.sleep(0.01)  # the others' commits wake nobody here
    raise AssertionError("somebody wrote for a minute")


def since(member: Membership, cursor: str, *, waiting: bool = True) -> tuple[set[int], bool, str]:
    """The numbers of the farmers that came, whether they are all, and the new cursor."""
    if waiting:
        nobody_writes_still()
    said = page_of(member).get("/sync/v1/ref/", {"parts": "farmers", "since": cursor}).json()
    return {each["number"] for each in said["farmers"]}, said["farmers_complete"], said["cursor"]


@pytest.mark.django_db(transaction=True)
def test_since_a_cursor_only_the_changed_farmers_come(
    kumar: Membership, raja: Farmer, lakshmi: Farmer, jasmine: Flower
) -> None:
    everybody, is_complete, cursor = since(kumar, "")
    assert (everybody, is_complete) == ({14, 15}, True)
    nobody, is_complete, cursor = since(kumar, cursor)
    assert (nobody, is_complete) == (set(), False)

    a_farmer(kumar.shop, 16, "க. மணி", "K. Mani")
    changed, _, cursor = since(kumar, cursor)
    assert changed == {16}

    Farmer.objects.filter(pk=lakshmi.pk).update(phone="+919876504321")
    changed, _, cursor = since(kumar, cursor)
    assert changed == {15}

    recorded(kumar, raja, jasmine, captured_at=at(DAY, "04:40"))
    said = page_of(kumar).get("/sync/v1/ref/", {"since": cursor}).json()
    (his,) = said["farmers"]
    assert (his["number"], his["last_seen"], len(his["usual"])) == (14, DAY, 1)
    assert [flower["id"] for flower in said["flowers"]] == [str(jasmine.pk)], "the other parts come whole"


@pytest.mark.django_db(transaction=True)
def test_whoever_becomes_a_namesake_or_is_none_any_more_comes_too(kumar: Membership, raja: Farmer) -> None:
    a_farmer(kumar.shop, 1, "மு. முருகேசன்", "M. Murugesan")
    _, _, cursor = since(kumar, "")

    other = a_farmer(kumar.shop, 271, "கா. முருகேசன்", "K. Murugesan")
    changed, _, cursor = since(kumar, cursor)
    assert changed == {1, 271}

    Farmer.objects.filter(pk=other.pk).update(name_ta="க. மணி", name_en="K. Mani")
    said = page_of(kumar).get("/sync/v1/ref/", {"parts": "farmers", "since": cursor}).json()
    assert {each["number"]: each["namesakes"] for each in said["farmers"]} == {1: False, 271: False}


@pytest.mark.django_db(transaction=True)
def test_a_cursor_of_another_day_shop_or_life_of_the_database_is_not_known(
    kumar: Membership, devi: Membership, raja: Farmer, selvi: Farmer
) -> None:
    """Scenario 69: after a restore everything comes."""
    _, _, cursor = since(kumar, "")
    place, number = cursor.split("-")
    old, ahead = int(number) - 2**31, int(number) + 1000

    for unknown in ("x", "-", f"{place}-", f"{place}-x", f"{place}-{old}", f"{place}-{ahead}", f"x{cursor}"):
        assert since(kumar, unknown)[:2] == ({14}, True), unknown
    assert since(devi, cursor)[:2] == ({14}, True)
    with time_machine.travel(at("2026-03-07", "04:50")):
        assert since(kumar, cursor)[:2] == ({14}, True)
    assert since(kumar, cursor)[:2] == (set(), False)
    SyncEpoch.objects.all().delete()
    assert since(kumar, cursor)[:2] == ({14}, True)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "negative control"])
def test_who_was_committed_late_by_a_slow_transaction_is_not_missed(
    kumar: Membership, raja: Farmer, monkeypatch: pytest.MonkeyPatch, guarded: bool
) -> None:
    """A cursor of the newest number given out, as the negative control has it, passes over whoever still writes."""
    if not guarded:
        monkeypatch.setattr(reference, "OLDEST_WRITER", reference.OLDEST_WRITER.replace("_xmin", "_xmax"))
    written, may_commit = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                a_farmer(kumar.shop, 16, "க. மணி", "K. Mani")
                written.set()
                may_commit.wait(10)
        finally:
            connection.close()

    writer = threading.Thread(target=slow)
    writer.start()
    assert written.wait(10)
    a_farmer(kumar.shop, 17, "ச. குமார்", "S. Kumar")
    seen, _, cursor = since(kumar, "", waiting=False)
    assert seen == {14, 17}, "the slow one is not committed"
    may_commit.set()
    writer.join()

    assert (16 in since(kumar, cursor)[0]) is guarded
