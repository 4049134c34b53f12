"""`manage.py open_shop`: a new shop and its first owner."""

import re
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from tests import cast


def opened(**options: str) -> str:
    out = StringIO()
    call_command("open_shop", stdout=out, **{"name": "Vaigai Flowers", **options})
    return out.getvalue()


def test_the_owner_by_phone_gets_a_link_that_works(db: None) -> None:
    said = opened(
        admin="98765 43210", admin_name="Vaigai Selvam", name_ta="வைகை மலர் மண்டி", site="http://testserver"
    )
    owner = Membership.objects.get()
    assert (owner.role, owner.user.name, owner.user.phone) == (Role.ADMIN, "Vaigai Selvam", "+919876543210")
    assert (owner.shop.name_en, owner.shop.name_ta) == ("Vaigai Flowers", "வைகை மலர் மண்டி")
    link = re.search(r"http://testserver(/accounts/\S+)", said)
    assert link is not None
    assert Client().get(link[1]).status_code == 302
    assert mail.outbox == []


def test_the_owner_by_e_mail_gets_it_by_mail_too(db: None) -> None:
    opened(admin="selvam@malar.example", site="https://malar.example/")
    assert mail.outbox[0].to == ["selvam@malar.example"]
    assert "https://malar.example/accounts/password/reset/key/" in str(mail.outbox[0].body)


def test_somebody_known_signs_in_as_before(devi: Membership) -> None:
    said = opened(admin=devi.user.email or "")
    assert "signs in as before" in said
    assert "password/reset" not in said
    assert devi.user.memberships.count() == 2


def test_what_is_neither_phone_nor_address_opens_nothing(db: None) -> None:
    with pytest.raises(CommandError, match="neither a phone number nor an e-mail address"):
        opened(admin="selvam")
    assert not Shop.objects.exists()


def test_a_shop_without_a_tamil_name_goes_by_the_english_one(db: None) -> None:
    opened(admin="98765 43210")
    assert Shop.objects.get().name_ta == "Vaigai Flowers"
    assert cast.PASSWORD not in opened(admin="98765 43211")
