"""Signing in by phone or e-mail, setting a password, and the limits on guessing."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop, User
from malar.accounts.services import invitation_path, invite_member
from tests import cast
from tests.conftest import page_of

SIGN_IN = "/accounts/login/"
LIMITS = {"login": "30/m/ip", "login_failed": "20/m/ip,5/5m/key", "reset_password": "20/m/ip,5/m/key"}
TOO_MANY = {
    "en": "Too many failed login attempts. Try again later.",
    "ta": "பல முறை தவறாக முயன்றுவிட்டீர்கள். சிறிது நேரம் கழித்து முயற்சி செய்யுங்கள்.",
}


@pytest.fixture
def mani(meena: Membership) -> Membership:
    """Signs in by phone; the shop vouched for the number."""
    member = invite_member(by=meena, contact="98765 43210", name="Mani", role=Role.STAFF, language="en")
    member.user.set_password(cast.PASSWORD)
    member.user.save()
    return member


def sign_in(client: Client, login: str, password: str = cast.PASSWORD, **headers: Any) -> HttpResponse:
    return client.post(SIGN_IN, {"login": login, "password": password}, headers=headers)  # type: ignore[return-value]


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("typed", ["9876543210", "98765 43210", "+91 98765-43210", "098765 43210"])
def test_a_phone_number_is_understood_as_people_type_it(mani: Membership, client: Client, typed: str) -> None:
    assert sign_in(client, typed).status_code == 302
    assert signed_in(client)


def test_an_e_mail_address_signs_in_however_it_is_spelt(kumar: Membership, client: Client) -> None:
    assert sign_in(client, f" {(kumar.user.email or '').upper()} ").status_code == 302
    assert signed_in(client)


@pytest.mark.parametrize("login", ["98765 43210", "nobody@malar.example"])
def test_a_wrong_password_is_refused_on_the_page(mani: Membership, client: Client, login: str) -> None:
    answer = sign_in(client, login, "wrong-password")
    assert "error-summary" in answer.content.decode()
    assert not signed_in(client)


def test_what_is_neither_phone_nor_e_mail_is_told_so(db: None, client: Client) -> None:
    answer = sign_in(client, "mani", accept_language="en")
    assert "This is neither a phone number nor an e-mail address." in answer.content.decode()


def test_an_address_nobody_confirmed_waits_for_its_mail(kumar: Membership, client: Client) -> None:
    EmailAddress.objects.filter(user=kumar.user).update(verified=False)
    answer = sign_in(client, kumar.user.email or "")
    assert answer.headers["Location"] == reverse("account_email_verification_sent")
    assert not signed_in(client)
    assert client.get(answer.headers["Location"]).status_code == 200

    path = re.search(r"http://testserver(/accounts/confirm-email/\S+/)", str(mail.outbox[0].body))
    assert path is not None
    assert client.get(path[1]).status_code == 200
    client.post(path[1])
    assert EmailAddress.objects.get(user=kumar.user).verified


def test_a_closed_account_is_told_so(kumar: Membership, client: Client) -> None:
    User.objects.filter(pk=kumar.user.pk).update(is_active=False)
    answer = sign_in(client, kumar.user.email or "")
    assert answer.headers["Location"] == reverse("account_inactive")
    assert client.get(answer.headers["Location"]).status_code == 200
    assert not signed_in(client)


@pytest.mark.parametrize("language", ["en", "ta"])
@pytest.mark.parametrize("login", ["98765 43210", "kumar"])
def test_the_sixth_wrong_password_is_refused_unread(
    mani: Membership, kumar: Membership, client: Client, settings: Any, login: str, language: str
) -> None:
    settings.ACCOUNT_RATE_LIMITS = LIMITS
    login = kumar.user.email or "" if login == "kumar" else login
    for _ in range(5):
        answer = sign_in(client, login, "wrong-password", accept_language=language)
        assert TOO_MANY[language] not in answer.content.decode()
    answer = sign_in(client, login, accept_language=language)
    assert TOO_MANY[language] in answer.content.decode()
    assert not signed_in(client)


def test_one_phone_s_wrong_passwords_do_not_lock_out_another(
    mani: Membership, meena: Membership, client: Client, settings: Any
) -> None:
    settings.ACCOUNT_RATE_LIMITS = LIMITS
    for _ in range(6):
        sign_in(client, "91234 56789", "wrong-password")
    assert sign_in(client, "98765 43210").status_code == 302


def test_a_flood_of_sign_ins_gets_a_page_of_ours(db: None, client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
    client.get(SIGN_IN)
    sign_in(client, "98765 43210")
    answer = sign_in(client, "98765 43210")
    assert answer.status_code == 429
    assert "css/malar.css" in answer.content.decode()


def test_the_invitation_sets_the_first_password_once(meena: Membership, client: Client) -> None:
    member = invite_member(by=meena, contact="9876543210", name="Mani", role=Role.STAFF)
    path = invitation_path(member.user)

    form = client.get(path)
    assert form.status_code == 302  # the key leaves the address, so that it is not handed on as a referrer
    chosen = {"password1": "kanakambaram-4", "password2": "kanakambaram-4"}
    assert client.get(form.headers["Location"]).status_code == 200
    answer = client.post(form.headers["Location"], chosen, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("account_reset_password_from_key_done")

    assert sign_in(client, "98765 43210", "kanakambaram-4").status_code == 302
    assert "no longer works" in Client().get(path, headers={"accept-language": "en"}).content.decode()


def test_the_invitation_ends_after_three_days(
    meena: Membership, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import datetime, timedelta

    from django.contrib.auth.tokens import PasswordResetTokenGenerator

    member = invite_member(by=meena, contact="9876543210", name="Mani", role=Role.STAFF)
    path = invitation_path(member.user)
    now = datetime.now()  # noqa: DTZ005  # Django counts the token's age in naive local time
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: now + timedelta(days=3, seconds=-5))
    assert client.get(path).status_code == 302
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: now + timedelta(days=3, seconds=5))
    assert "no longer works" in client.get(path, headers={"accept-language": "en"}).content.decode()


def test_a_forgotten_password_is_set_anew_from_a_mail_in_the_reader_s_language(
    shop: Shop, client: Client
) -> None:
    member = cast.a_member(shop, "Kumar", Role.STAFF, language="ta")
    answer = client.post(
        "/accounts/password/reset/", {"email": member.user.email}, headers={"accept-language": "en"}
    )
    assert answer.headers["Location"] == reverse("account_reset_password_done")
    assert client.get(answer.headers["Location"]).status_code == 200
    sent = mail.outbox[0]
    assert "வணக்கம்" in str(sent.body)
    path = re.search(r"http://testserver(/\S+)", str(sent.body))
    assert path is not None
    form = client.get(path[1]).headers["Location"]
    client.post(form, {"password1": "kanakambaram-4", "password2": "kanakambaram-4"})
    assert sign_in(client, member.user.email or "", "kanakambaram-4").status_code == 302


def test_a_stranger_s_address_gets_no_mail_and_the_same_answer(db: None, client: Client) -> None:
    answer = client.post("/accounts/password/reset/", {"email": "nobody@malar.example"})
    assert answer.headers["Location"] == reverse("account_reset_password_done")
    assert mail.outbox == []


def test_a_weak_new_password_is_refused_with_the_reasons(kumar: Membership) -> None:
    answer = page_of(kumar).post(
        "/accounts/password/change/", {"oldpassword": cast.PASSWORD, "password1": "123", "password2": "123"}
    )
    assert "error-summary" in answer.content.decode()


def test_a_new_password_keeps_one_signed_in(kumar: Membership) -> None:
    client = page_of(kumar)
    new = {"oldpassword": cast.PASSWORD, "password1": "kanakambaram-4", "password2": "kanakambaram-4"}
    assert client.post("/accounts/password/change/", new).status_code == 302
    assert signed_in(client)


def test_signing_out_asks_by_get_and_acts_by_post(kumar: Membership) -> None:
    client = page_of(kumar)
    assert client.get("/accounts/logout/").status_code == 200
    assert signed_in(client)
    client.post("/accounts/logout/")
    assert not signed_in(client)


def test_nobody_signs_himself_up(db: None, client: Client) -> None:
    assert (
        "By invitation only"
        in client.get("/accounts/signup/", headers={"accept-language": "en"}).content.decode()
    )
    client.post("/accounts/signup/", {"email": "x@malar.example", "password1": "kanakambaram-4"})
    assert not User.objects.exists()


def test_a_new_address_takes_over_once_it_is_confirmed(kumar: Membership) -> None:
    client = page_of(kumar)
    assert client.get("/accounts/email/").status_code == 200
    client.post("/accounts/email/", {"action_add": "", "email": "kumar@new.example"})
    kumar.user.refresh_from_db()
    assert kumar.user.email != "kumar@new.example"
    path = re.search(r"http://testserver(/accounts/confirm-email/\S+/)", str(mail.outbox[0].body))
    assert path is not None
    client.post(path[1])
    kumar.user.refresh_from_db()
    assert kumar.user.email == "kumar@new.example"
    assert EmailAddress.objects.filter(user=kumar.user).count() == 1


def test_somebody_with_a_phone_adds_an_address(mani: Membership) -> None:
    client = page_of(mani)
    assert client.get("/accounts/email/").status_code == 200
    client.post("/accounts/email/", {"action_add": "", "email": "mani@new.example"})
    path = re.search(r"http://testserver(/accounts/confirm-email/\S+/)", str(mail.outbox[0].body))
    assert path is not None
    client.post(path[1])
    mani.user.refresh_from_db()
    assert mani.user.email == "mani@new.example"


def test_an_address_in_use_cannot_be_removed(kumar: Membership) -> None:
    page_of(kumar).post("/accounts/email/", {"action_remove": "", "email": kumar.user.email})
    kumar.user.refresh_from_db()
    assert kumar.user.email


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/accounts/phone/change/", "/accounts/email/"),
        ("/accounts/phone/verify/", "/accounts/phone/change/"),
        ("/accounts/login/code/confirm/", "/"),
        ("/accounts/password/set/", "/accounts/password/change/"),
    ],
)
def test_doors_that_make_no_sense_here_lead_elsewhere(kumar: Membership, path: str, leads_to: str) -> None:
    answer = page_of(kumar).get(path)
    assert (answer.status_code, answer.headers["Location"]) == (302, leads_to)


@pytest.mark.parametrize(
    "path",
    [
        *("login/", "signup/", "inactive/", "confirm-email/", "confirm-email/nonsense/"),
        *(
            "password/reset/",
            "password/reset/done/",
            "password/reset/key/done/",
            "password/reset/key/1-nonsense/",
        ),
    ],
)
def test_every_page_of_the_entrance_wears_our_look(db: None, client: Client, path: str) -> None:
    answer = client.get(f"/accounts/{path}")
    assert answer.status_code == 200
    assert "css/malar.css" in answer.content.decode()


@pytest.mark.parametrize("path", ["email/", "password/change/", "logout/", "reauthenticate/"])
def test_every_page_about_one_s_account_wears_our_look(kumar: Membership, path: str) -> None:
    answer = page_of(kumar).get(f"/accounts/{path}")
    assert answer.status_code == 200
    assert "css/malar.css" in answer.content.decode()
