"""A farmer signs in by a code to his number: nobody learns whose number it is, and the code is kept nowhere."""

import datetime as dt
import io
import logging
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import structlog
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from ledger.models import Farmer
from ledger.services.farmers import edit_farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership, User
from malar.accounts.services import change_member
from malar.trail.models import Event
from notifications.domain import MASKED, NOBODY, Kind, State, code_of
from notifications.models import Attempt, Message, Note, SignInCode, SignInCodeQuerySet
from notifications.selectors import wants, wishes_of
from notifications.services.queueing import react
from notifications.services.sending import send, send_again
from notifications.services.sign_in import ask_code, forget_codes, give_code, user_who_signs_in
from notifications.services.wishes import apply_inbound
from pricing.models import Flower
from tests.cast import a_farmer, at, recorded
from tests.conftest import page_of
from tests.notifications.fake_twilio import FakeTwilio, fake_twilio, set_up

pytestmark = pytest.mark.django_db

PHONE = "+919876500014"
TYPED = "98765 00014"
STRANGE = "98765 99999"
ASK, GIVE, WHO = "/sign-in/", "/sign-in/code/", "/sign-in/who/"


@pytest.fixture
def muthu(meena: Membership) -> Farmer:
    """Grows for Meena, has a phone and has never signed in."""
    return a_farmer(meena.shop, 31, "க. முத்து", "K. Muthu", phone=PHONE)


def code_now(phone: str = PHONE) -> str:
    """What the farmer reads on his phone."""
    return code_of(SignInCode.objects.newest_of(phone).get().pk)


def sent(event: Event | None = None) -> Message:
    """The message of the code that was asked for last, sent."""
    event = event or Event.objects.filter(name="SignInCodeAsked").latest("id")
    (made,) = react(event_id=event.pk)
    send(message_id=made)
    return Message.objects.get(pk=made)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def asked(client: Client, typed: str = TYPED) -> None:
    answer = client.post(ASK, {"phone": typed})
    assert (answer.status_code, answer.headers["Location"]) == (302, GIVE)


def test_he_types_his_number_then_the_code_and_is_on_his_own_page(muthu: Farmer, client: Client) -> None:
    asked(client)
    message = sent()
    assert (message.kind, message.address, message.farmer, message.state) == (
        "otp_login",
        PHONE,
        muthu,
        State.SENT,
    )
    code = code_now()
    answer = client.post(GIVE, {"code": f" {code[:3]} {code[3:]} "})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    muthu.refresh_from_db()
    assert muthu.member is not None
    assert (muthu.member.role, muthu.member.shop) == (Role.FARMER, muthu.shop)
    user = muthu.member.user
    assert (user.name, user.language, user.contact, user.has_usable_password()) == (
        "க. முத்து",
        "ta",
        "",
        False,
    )
    page = client.get("/").content.decode()
    assert "க. முத்து" in page

    # The next time he is the same.
    again = Client()
    asked(again)
    again.post(GIVE, {"code": code_now()})
    assert again.session["_auth_user_id"] == str(user.pk)
    assert User.objects.filter(memberships__role=Role.FARMER).count() == 1


def test_who_has_an_account_already_keeps_it(raja: Farmer, client: Client) -> None:
    raja.whatsapp = PHONE
    raja.save()
    asked(client)
    client.post(GIVE, {"code": code_now()})
    assert raja.member is not None
    assert client.session["_auth_user_id"] == str(raja.member.user_id)


@pytest.mark.parametrize("typed", [TYPED, STRANGE])
def test_nobody_learns_whose_number_is_known(muthu: Farmer, client: Client, typed: str) -> None:
    """Page by page the same, but for the number; and no message goes to a stranger."""
    seen = []
    for phone in (typed, TYPED):
        browser = Client()
        asked(browser, phone)
        pages = [browser.get(GIVE)]
        pages += [browser.post(GIVE, {"code": "12345"}) for _each in range(7)]
        seen.append(
            [
                (
                    page.status_code,
                    page.content.decode()
                    .replace(phone.replace(" ", ""), "…")
                    .replace(str(page.context["csrf_token"]), ""),
                )
                for page in pages
            ]
        )
    assert seen[0] == seen[1]
    assert {event.payload["farmer"] for event in Event.objects.filter(name="SignInCodeAsked")} == {
        str(muthu.pk)
    }


def test_of_five_tries_one_must_be_right(muthu: Farmer, client: Client) -> None:
    asked(client)
    code = code_now()
    for _each in range(5):
        assert client.post(GIVE, {"code": wrong(code)}).status_code == 422
    assert client.post(GIVE, {"code": code}).status_code == 422
    assert not is_in(client)
    asked(client)
    for _each in range(4):
        client.post(GIVE, {"code": wrong(code_now())})
    assert client.post(GIVE, {"code": code_now()}).status_code == 302
    assert is_in(client)


def test_a_code_counts_for_ten_minutes_and_once(muthu: Farmer) -> None:
    now = timezone.now()
    with time_machine.travel(now, tick=False):
        ask_code(phone=PHONE)
    code = code_now()
    with time_machine.travel(now + dt.timedelta(minutes=10), tick=False):
        assert not give_code(phone=PHONE, said=code)
    with time_machine.travel(now + dt.timedelta(minutes=9, seconds=59), tick=False):
        assert give_code(phone=PHONE, said=code)
        assert not give_code(phone=PHONE, said=code)


def test_who_asks_again_makes_the_old_code_void_and_unsent(muthu: Farmer, client: Client) -> None:
    asked(client)
    old = code_now()
    (waiting,) = react(event_id=Event.objects.filter(name="SignInCodeAsked").latest("id").pk)
    late = Client()
    asked(late)
    unhandled = Event.objects.filter(name="SignInCodeAsked").latest("id")
    assert Message.objects.get(pk=waiting).error_code == "overtaken"
    asked(client)
    assert react(event_id=unhandled.pk) == [], "a third one was asked for since"
    if old != code_now():
        assert client.post(GIVE, {"code": old}).status_code == 422
    assert client.post(GIVE, {"code": code_now()}).status_code == 302


def test_without_asking_there_is_nothing_to_give(client: Client, db: None) -> None:
    for path in (GIVE, WHO):
        assert client.get(path).headers["Location"] == ASK
        assert client.post(path, {"code": "123456"}).headers["Location"] == ASK
    assert client.post(ASK, {"phone": "12"}).status_code == 422


def test_one_phone_of_two_farmers_he_says_which_he_is(muthu: Farmer, client: Client) -> None:
    son = a_farmer(muthu.shop, 32, "மு. வேலு", "M. Velu", phone=PHONE)
    elsewhere = a_farmer(muthu.shop, 33, "வேறு", "Other", phone="+919876500099")
    asked(client)
    answer = client.post(GIVE, {"code": code_now()})
    assert (answer.headers["Location"], is_in(client)) == (WHO, False)
    page = client.get(WHO).content.decode()
    assert "க. முத்து" in page
    assert "மு. வேலு" in page
    assert "வேறு" not in page
    assert client.post(WHO, {"farmer": elsewhere.pk}).status_code == 422
    assert client.post(WHO, {"farmer": son.pk}).status_code == 302
    son.refresh_from_db()
    assert son.member is not None
    assert client.session["_auth_user_id"] == str(son.member.user_id)
    assert client.get(WHO).headers["Location"] == ASK, "who wants to be the other one shows the phone again"


def test_the_choice_is_open_for_ten_minutes(muthu: Farmer, client: Client) -> None:
    a_farmer(muthu.shop, 32, "மு. வேலு", "M. Velu", phone=PHONE)
    asked(client)
    client.post(GIVE, {"code": code_now()})
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=11), tick=True):
        assert client.post(WHO, {"farmer": muthu.pk}).headers["Location"] == ASK
    assert not is_in(client)


def told_nobody(phone: str) -> bool:
    ask_code(phone=phone)
    return not Event.objects.filter(name="SignInCodeAsked").exists()


def test_a_farmer_who_comes_no_more_gets_none(muthu: Farmer) -> None:
    muthu.is_active = False
    muthu.save()
    assert told_nobody(PHONE)


def test_whom_the_owner_shuts_out_gets_none(muthu: Farmer, meena: Membership) -> None:
    member = user_who_signs_in(phone=PHONE, farmer_id=muthu.pk).memberships.get()
    change_member(by=meena, member_id=member.pk, role=Role.FARMER, is_active=False)
    assert told_nobody(PHONE)


def test_what_a_shop_writes_on_its_farmer_opens_no_other_shop(
    muthu: Farmer, devi: Membership, meena: Membership
) -> None:
    """Devi sells at Meena's too. Meena writes her own number on Devi's row, and is not Devi."""
    muthu.member = Membership.objects.create(shop=meena.shop, user=devi.user, role=Role.FARMER)
    muthu.save()
    assert told_nobody(PHONE)


def test_nor_the_office_of_its_own(muthu: Farmer, kumar: Membership) -> None:
    muthu.member = kumar
    muthu.save()
    assert told_nobody(PHONE)


def test_when_the_number_is_corrected_who_had_it_is_out(
    muthu: Farmer, kumar: Membership, client: Client
) -> None:
    asked(client)
    client.post(GIVE, {"code": code_now()})
    assert client.get("/").status_code == 200
    edit_farmer(by=kumar, farmer_id=muthu.pk, version=1, particulars={"village_ta": "ஆத்தூர்"})
    assert client.get("/").status_code == 200
    edit_farmer(by=kumar, farmer_id=muthu.pk, version=2, particulars={"phone": "98765 00077"})
    assert client.get("/").status_code == 302


def test_no_password_opens_his_account(muthu: Farmer, client: Client, meena: Membership) -> None:
    asked(client)
    client.post(GIVE, {"code": code_now()})
    said = {"password1": "malli-poo-2026", "password2": "malli-poo-2026"}
    assert "error-summary" in client.post("/accounts/password/set/", said).content.decode()
    muthu.refresh_from_db()
    assert muthu.member is not None
    assert not muthu.member.user.has_usable_password()
    office = page_of(meena)
    assert "by a code" in office.get(f"/members/{muthu.member_id}/").content.decode()
    assert office.get(f"/members/{muthu.member_id}/invitation/").status_code == 422


# --- How it is sent ----------------------------------------------------------------------------


def test_neither_stop_nor_an_earlier_message_holds_it_up(
    muthu: Farmer, kumar: Membership, jasmine: Flower, client: Client
) -> None:
    recorded(kumar, muthu, jasmine)
    (receipt,) = react(event_id=Event.objects.get(name="EntryRecorded").pk)
    with_earlier = Message.objects.filter(pk=receipt)
    with_earlier.update(state=State.RETRY, next_attempt_at=timezone.now() + dt.timedelta(minutes=5))
    asked(client)
    assert sent().state == State.SENT
    asked(client)
    (waiting,) = react(event_id=Event.objects.filter(name="SignInCodeAsked").latest("id").pk)
    apply_inbound(muthu, "STOP")
    assert with_earlier.get().error_code == "opted_out"
    assert Message.objects.get(pk=waiting).state == State.QUEUED
    asked(client)
    assert sent().state == State.SENT


def test_it_waits_for_no_morning(muthu: Farmer) -> None:
    with time_machine.travel(at("2026-03-06", "23:30"), tick=False):
        ask_code(phone=PHONE)
        event = Event.objects.filter(name="SignInCodeAsked").latest("id")
        (made,) = react(event_id=event.pk)
        message = Message.objects.get(pk=made)
        assert message.expires_at == timezone.now() + dt.timedelta(minutes=10)


def test_an_earlier_code_in_trouble_is_sent_again_by_nobody(muthu: Farmer) -> None:
    ask_code(phone=PHONE)
    message = sent()
    Message.objects.filter(pk=message.pk).update(state=State.FAILED, sent_at=None)
    assert send_again(messages=Message.objects.all()) == 0


def test_it_is_no_wish_and_no_news(raja: Farmer, client: Client) -> None:
    raja.phone = PHONE
    raja.save()
    asked(client)
    sent()
    assert Kind.OTP_LOGIN not in wishes_of(raja)
    assert wants(raja, Kind.OTP_LOGIN)
    assert not Note.objects.exists()


def test_what_was_asked_for_is_forgotten(muthu: Farmer) -> None:
    ask_code(phone=PHONE)
    assert forget_codes() == 0
    with time_machine.travel(timezone.now() + dt.timedelta(days=1, minutes=1), tick=False):
        assert forget_codes() == 1


# --- Where it is not ---------------------------------------------------------------------------


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """What the handlers of this process write, from DEBUG on."""
    root, written = logging.getLogger(), io.StringIO()
    shown = next(
        each for each in root.handlers if isinstance(each.formatter, structlog.stdlib.ProcessorFormatter)
    )
    handler = logging.StreamHandler(written)
    handler.setFormatter(shown.formatter)
    levels = {logging.getLogger(name): logging.getLogger(name).level for name in ("", "django", "httpx")}
    root.addHandler(handler)
    for logger in levels:
        logger.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        for logger, level in levels.items():
            logger.setLevel(level)


def everything_kept() -> str:
    """Every row of every table, as text."""
    kept = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT row_to_json(each)::text FROM {table} AS each")  # by the catalogue
            kept += [row for (row,) in cursor.fetchall()]
    return "\n".join(kept)


@pytest.fixture
def twilio(settings: Any) -> Iterator[FakeTwilio]:
    with fake_twilio() as fake:
        set_up(settings, fake)
        yield fake


def test_the_code_goes_to_the_phone_and_is_nowhere_else(
    muthu: Farmer, meena: Membership, twilio: FakeTwilio, settings: Any, client: Client
) -> None:
    """In the call to the provider it is; in no table, log, page of the office or answer of the API, before it is
    sent or after."""
    settings.MESSAGE_PROVIDER = settings.MESSAGE_PROVIDERS["twilio_sms"]
    # A code that no phone, amount, time or id holds by chance.
    with everything_logged() as written:
        asked(client)
        code = code_now()
        kept = everything_kept()
        message = sent()
        kept += everything_kept()
        client.post(GIVE, {"code": wrong(code)})
        client.post(GIVE, {"code": code})
        kept += everything_kept()
        office = page_of(meena)
        shown = [
            office.get("/messages/"),
            office.get("/admin/notifications/message/"),
            office.get(f"/admin/notifications/message/{message.pk}/change/"),
            office.get("/api/v1/notifications/messages/"),
        ]
    assert is_in(client)
    (call,) = twilio.calls
    assert code in call.fields["Body"]
    assert call.fields["To"] == PHONE
    assert int(call.fields["ValidityPeriod"]) <= 600
    assert (message.variables, MASKED in message.text, code in message.text) == (
        {"code": MASKED},
        True,
        False,
    )
    loose = [part for part in (kept, written.getvalue()) if holds(code, part)]
    assert not loose
    for page in shown:
        assert page.status_code == 200
        assert not holds(code, page.content.decode())
    assert any(MASKED in page.content.decode() for page in shown)
    assert Attempt.objects.count() == 1


def holds(code: str, text: str) -> bool:
    """Whether a text says the code as people would read it: not as a part of a longer number or of an id."""
    return re.search(rf"(?<![0-9a-f.-]){code}(?![0-9a-f-])", text) is not None


def test_holds_notices_a_code() -> None:
    assert holds("482915", '{"text": "OTP 482915. Malar"}')
    assert not holds("482915", "0190482915ab")


def test_another_secret_key_is_another_code(settings: Any, muthu: Farmer) -> None:
    ask_code(phone=PHONE)
    code = code_now()
    settings.SECRET_KEY = "another"
    assert code_now() != code


# --- At the same moment -----------------------------------------------------------------------------


def at_once(act: Callable[[], object], times: int = 12) -> list[object]:
    """Do it in so many threads, each with a connection of its own."""

    def one(_number: int) -> object:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def slow_code_of(row: UUID) -> str:
    """So that all threads are between reading and writing at once."""
    time.sleep(0.1)  # long enough for the eleven others to have read, if nothing keeps them
    return code_of(row)


@pytest.mark.django_db(transaction=True)
def test_twelve_guesses_at_once_are_five(muthu: Farmer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is counted before the next is looked at; without the lock twelve are."""
    compared: list[str] = []

    def compare(_right: str, said: str) -> bool:
        compared.append(said)
        return False

    monkeypatch.setattr("notifications.services.sign_in.code_of", slow_code_of)
    monkeypatch.setattr("notifications.services.sign_in.constant_time_compare", compare)
    ask_code(phone=PHONE)
    at_once(lambda: give_code(phone=PHONE, said="000000"))
    assert len(compared) == 5
    monkeypatch.setattr(SignInCodeQuerySet, "select_for_update", lambda self: self)
    ask_code(phone=PHONE)
    at_once(lambda: give_code(phone=PHONE, said="000000"))
    assert len(compared) > 10


@pytest.mark.django_db(transaction=True)
def test_who_signs_in_twice_at_once_gets_one_account(muthu: Farmer) -> None:
    """A thumb that taps twice. Without the lock of `account_of` the second account belongs to nobody."""
    users = at_once(lambda: user_who_signs_in(phone=PHONE, farmer_id=muthu.pk), times=4)
    assert len(set(users)) == 1
    assert Membership.objects.filter(role=Role.FARMER).count() == 1


# --- How often ---------------------------------------------------------------------------------


def test_who_asks_too_often_waits(muthu: Farmer) -> None:
    cache.clear()
    for _each in range(3):
        asked(Client())
    assert Client().post(ASK, {"phone": TYPED}).status_code == 429
    assert Client().post(ASK, {"phone": STRANGE}).status_code == 302
    assert Message.objects.filter(address__startswith=NOBODY).count() == 0


def test_an_address_that_asks_for_every_number_waits(muthu: Farmer) -> None:
    cache.clear()
    statuses = [Client().post(ASK, {"phone": f"98765 1{number:04}"}).status_code for number in range(61)]
    assert (set(statuses[:60]), statuses[60]) == ({302}, 429)
