"""The page on which a farmer says what he wants to be told: each choice is so at once, and can be taken back."""

import re

import pytest
from django.test import Client

from ledger.models import Farmer
from malar.accounts.models import Membership
from notifications.domain import Kind
from notifications.forms import WishesForm
from notifications.models import Consent
from notifications.selectors import takes_either, wants_messages, wishes_of
from tests.conftest import page_of

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


@pytest.fixture
def own(raja: Farmer) -> Client:
    assert raja.member is not None
    raja.member.user.language = "en"
    raja.member.user.save()
    return page_of(raja.member)


def switches(page: str) -> dict[str, bool]:
    """What each switch of the page says."""
    found = re.findall(r'id="wish-(\w+)"[^>]*aria-checked="(true|false)"', page)
    return {name: said == "true" for name, said in found}


def undo_of(page: str) -> dict[str, str]:
    """What the toast would post."""
    toast = page[page.index('class="toast') :]
    return dict(
        re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', toast.split("csrfmiddlewaretoken")[1])
    )


def test_it_shows_what_is_so(own: Client, raja: Farmer) -> None:
    page = own.get(f"/wishes/{raja.pk}/").content.decode()
    shown = switches(page)
    assert shown.pop("messages")
    assert not shown.pop("either")
    assert shown == {kind: is_on for kind, is_on in wishes_of(raja).items() if kind != Kind.CONSENT_WELCOME}


def test_every_kind_is_on_it_but_those_that_nobody_can_refuse() -> None:
    shown = {kind for _title, kinds in WishesForm.GROUPS for kind in kinds}
    assert set(Kind) - shown == {Kind.CONSENT_WELCOME, Kind.OTP_LOGIN, Kind.REPLY}


def test_the_summary_takes_the_place_of_receipts_and_undo_brings_them_back(own: Client, raja: Farmer) -> None:
    path = f"/wishes/{raja.pk}/"
    page = own.post(path, {"day_summary": "yes"}, headers=HTMX).content.decode()
    assert (switches(page)["day_summary"], switches(page)["entry_receipt"]) == (True, False)
    assert "<html" not in page
    undo = undo_of(page)
    assert undo == {"day_summary": "no", "entry_receipt": "yes"}
    assert own.post(path, undo).headers["Location"] == path
    assert (wishes_of(raja)[Kind.DAY_SUMMARY], wishes_of(raja)[Kind.ENTRY_RECEIPT]) == (False, True)
    assert "Saved." in own.get(path).content.decode()


def test_no_messages_and_messages_again(own: Client, raja: Farmer) -> None:
    path = f"/wishes/{raja.pk}/"
    page = own.post(path, {"messages": "no"}, headers=HTMX).content.decode()
    assert not wants_messages(raja)
    assert "Nothing is sent to the phone now." in page
    own.post(path, undo_of(page))
    assert wants_messages(raja)
    assert [(each.is_in, each.source, each.member) for each in Consent.objects.order_by("at")] == [
        (False, "page", raja.member),
        (True, "page", raja.member),
    ]


def test_his_language_is_that_of_his_messages_and_of_his_pages(own: Client, raja: Farmer) -> None:
    path = f"/wishes/{raja.pk}/"
    answer = own.post(path, {"language": "en"}, headers=HTMX)
    raja.refresh_from_db()
    assert (raja.language, raja.version) == ("en", 2)
    assert answer.headers["HX-Refresh"] == "true"
    own.post(path, {"language": "ta"})
    assert '<html lang="ta">' in own.get(path).content.decode()
    raja.refresh_from_db()
    assert (raja.language, raja.version) == ("ta", 3)


def test_he_allows_the_other_language_and_takes_it_back(own: Client, raja: Farmer) -> None:
    path = f"/wishes/{raja.pk}/"
    before = wishes_of(raja)
    page = own.post(path, {"either": "yes"}, headers=HTMX).content.decode()
    assert (switches(page)["either"], undo_of(page)) == (True, {"either": "no"})
    assert takes_either(raja, Kind.ADVANCE_GIVEN)
    assert (wishes_of(raja), raja.language) == (before, "ta")
    own.post(path, {"either": "no"})
    assert not takes_either(raja)


def test_staff_say_it_for_him_and_the_page_stays_theirs(kumar: Membership, lakshmi: Farmer) -> None:
    client = page_of(kumar)
    assert f"/wishes/{lakshmi.pk}/" in client.get(f"/ledger/farmers/{lakshmi.pk}/").content.decode()
    page = client.post(
        f"/wishes/{lakshmi.pk}/", {"language": "en", "payment_paid": "no"}, headers=HTMX
    ).content.decode()
    lakshmi.refresh_from_db()
    assert (lakshmi.language, wishes_of(lakshmi)[Kind.PAYMENT_PAID]) == ("en", False)
    assert undo_of(page) == {"language": "ta", "payment_paid": "yes"}


def test_nobody_says_it_for_another_or_in_words_of_his_own(
    own: Client, raja: Farmer, lakshmi: Farmer, devi: Membership
) -> None:
    assert own.post(f"/wishes/{lakshmi.pk}/", {"messages": "no"}).status_code == 404
    assert page_of(devi).post(f"/wishes/{raja.pk}/", {"messages": "no"}).status_code == 404
    assert own.post(f"/wishes/{raja.pk}/", {"messages": "perhaps"}).status_code == 422
    assert own.post(f"/wishes/{raja.pk}/", {"language": "fr"}).status_code == 422
    own.post(f"/wishes/{raja.pk}/", {"otp_login": "no"})
    assert wants_messages(raja)
    assert not Consent.objects.exists()
