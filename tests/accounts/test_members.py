"""The owner's page for his people: invite, change, close; and what must not be possible there."""

import re
from smtplib import SMTPException
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.core import mail

from ledger.models import Farmer
from malar.accounts import services
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop, User
from malar.accounts.services import change_member, invitation_shown_to, invite_member
from malar.kernel.errors import Conflict, NotAllowed, NotFound, RuleBroken
from tests import cast
from tests.conftest import page_of

INVITED = {"name": "Mani", "contact": "98765 43210", "role": "staff", "language": "ta"}


def told(answer: Any) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_the_owner_sees_everybody_of_his_shop_and_nobody_else(
    meena: Membership, kumar: Membership, raja: Farmer, devi: Membership
) -> None:
    page = page_of(meena).get("/members/").content.decode()
    assert all(name in page for name in ("Meena", "Kumar", "Raja"))
    assert "Devi" not in page


def test_owners_come_first_and_closed_accounts_last(
    meena: Membership, kumar: Membership, raja: Farmer
) -> None:
    Membership.objects.filter(pk=kumar.pk).update(is_active=False)
    page = page_of(meena).get("/members/").context["page"]
    assert [member.user.name for member in page] == ["Meena", "Raja", "Kumar"]


def test_the_list_asks_the_database_the_same_few_questions_however_long_it_is(
    meena: Membership, django_assert_num_queries: Any
) -> None:
    client = page_of(meena)
    for name in ("Anbu", "Bala", "Chitra"):
        cast.a_member(meena.shop, name, Role.STAFF)
    with django_assert_num_queries(4):  # user, memberships, count, rows; the session is cached
        client.get("/members/")


@pytest.mark.parametrize("path", ["/members/", "/members/invite/"])
def test_staff_and_farmers_are_turned_away(kumar: Membership, raja: Farmer, path: str) -> None:
    assert page_of(kumar).get(path).status_code == 403
    assert raja.member is not None
    assert page_of(raja.member).get(path).status_code == 403


def test_somebody_with_a_phone_gets_a_link_to_be_passed_on(meena: Membership) -> None:
    client = page_of(meena)
    answer = client.post("/members/invite/", INVITED)
    member = Membership.objects.get(user__phone="+919876543210")
    assert (member.shop, member.role, member.user.language) == (meena.shop, Role.STAFF, "ta")
    assert answer.headers["Location"] == f"/members/{member.pk}/invitation/"
    shown = client.get(answer.headers["Location"])
    assert re.search(r'value="http://testserver/accounts/password/reset/key/\S+/"', shown.content.decode())
    assert "no-store" in shown.headers["Cache-Control"]
    assert mail.outbox == []


def test_somebody_with_an_address_gets_a_mail_in_his_language_and_the_owner_no_link(
    meena: Membership,
) -> None:
    client = page_of(meena)
    invited = INVITED | {"contact": "Mani@Malar.example", "language": "en"}
    answer = client.post("/members/invite/", invited, follow=True)
    assert "An invitation is on its way to mani@malar.example." in answer.content.decode()
    assert "/accounts/password/reset/key/" not in answer.content.decode()
    sent = mail.outbox[0]
    assert sent.to == ["mani@malar.example"]
    assert sent.subject == "Malar · Your invitation to Meena Flowers"
    assert "http://testserver/accounts/password/reset/key/" in str(sent.body)


def test_the_mail_is_in_tamil_for_whoever_reads_tamil(meena: Membership) -> None:
    page_of(meena).post("/members/invite/", INVITED | {"contact": "mani@malar.example"})
    assert "Meena மலர் மண்டி" in mail.outbox[0].subject


def test_a_mail_server_that_is_away_costs_the_mail_and_not_the_membership(
    meena: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> None:
        raise SMTPException

    monkeypatch.setattr(services, "send_mail", away)
    answer = page_of(meena).post("/members/invite/", INVITED | {"contact": "mani@malar.example"})
    assert told(answer) == ["The invitation could not be mailed to mani@malar.example. Send it again later."]
    assert Membership.objects.filter(user__email="mani@malar.example").exists()


def test_the_invitation_is_sent_again_on_request(meena: Membership) -> None:
    member = invite_member(by=meena, contact="mani@malar.example", name="Mani", role=Role.STAFF)
    client = page_of(meena)
    assert client.get(f"/members/{member.pk}/").status_code == 200
    assert client.get(f"/members/{member.pk}/invitation/").headers["Location"] == f"/members/{member.pk}/"
    assert mail.outbox == []
    client.post(f"/members/{member.pk}/invitation/")
    assert mail.outbox[0].to == ["mani@malar.example"]


@pytest.mark.parametrize("contact", ["mani", "12", "mani@", "@", "mani@malar"])
def test_what_is_neither_phone_nor_address_is_refused_beside_the_field(
    meena: Membership, contact: str
) -> None:
    answer = page_of(meena).post("/members/invite/", INVITED | {"contact": contact})
    assert answer.status_code == 422
    assert "neither a phone number nor an e-mail address" in answer.context["form"].errors["contact"][0]
    assert not User.objects.filter(name="Mani").exists()


def test_nobody_is_invited_twice(meena: Membership, kumar: Membership) -> None:
    answer = page_of(meena).post("/members/invite/", INVITED | {"contact": kumar.user.email})
    assert answer.status_code == 422
    assert answer.context["form"].errors["contact"] == ["Kumar already belongs to this shop."]


def test_a_person_known_from_another_shop_keeps_his_password_and_gets_no_link(
    meena: Membership, devi: Membership
) -> None:
    answer = page_of(meena).post("/members/invite/", INVITED | {"contact": devi.user.email, "name": "X"})
    assert told(answer) == ["Devi now belongs to your shop and signs in as before."]
    assert mail.outbox == []


def test_a_farmer_cannot_be_made_by_invitation(meena: Membership) -> None:
    assert page_of(meena).post("/members/invite/", INVITED | {"role": "farmer"}).status_code == 422


class TestTheWayIntoAnotherShop:
    """A link to set a password opens every shop its person belongs to, so one owner alone must not get it."""

    def test_no_owner_gets_a_link_for_somebody_of_two_shops(
        self, meena: Membership, devi: Membership
    ) -> None:
        member = invite_member(by=meena, contact="9876543210", name="Mani", role=Role.STAFF)
        member.user.set_password(cast.PASSWORD)
        member.user.save()
        hers = invite_member(by=devi, contact="9876543210", name="Mani", role=Role.STAFF)
        for owner, membership in ((meena, member), (devi, hers)):
            with pytest.raises(RuleBroken, match="belongs to another shop too"):
                invitation_shown_to(by=owner, member=membership)
            answer = page_of(owner).get(f"/members/{membership.pk}/invitation/")
            assert answer.status_code == 422
            assert "/accounts/password/reset/key/" not in answer.content.decode()

    def test_leaving_a_shop_does_not_open_the_way(self, meena: Membership, devi: Membership) -> None:
        member = invite_member(by=meena, contact="9876543210", name="Mani", role=Role.STAFF)
        member.user.set_password(cast.PASSWORD)
        member.user.save()
        hers = invite_member(by=devi, contact="9876543210", name="Mani", role=Role.STAFF)
        change_member(by=devi, member_id=hers.pk, role=Role.STAFF, is_active=False)
        with pytest.raises(RuleBroken):
            invitation_shown_to(by=meena, member=member)

    def test_a_phone_invited_elsewhere_waits_until_its_owner_has_signed_in(
        self, meena: Membership, devi: Membership
    ) -> None:
        invite_member(by=meena, contact="9876543210", name="Mani", role=Role.STAFF)
        with pytest.raises(Conflict, match="Another shop has invited this person"):
            invite_member(by=devi, contact="9876543210", name="Mani", role=Role.STAFF)
        assert devi.shop.memberships.count() == 1

    def test_an_address_is_never_shown_a_link_for(self, meena: Membership) -> None:
        member = invite_member(by=meena, contact="mani@malar.example", name="Mani", role=Role.STAFF)
        with pytest.raises(RuleBroken, match="goes by e-mail"):
            invitation_shown_to(by=meena, member=member)

    def test_a_person_invited_by_mail_from_two_shops_is_fine(
        self, meena: Membership, devi: Membership
    ) -> None:
        invite_member(by=meena, contact="mani@malar.example", name="Mani", role=Role.STAFF)
        page_of(devi).post("/members/invite/", INVITED | {"contact": "mani@malar.example"})
        assert mail.outbox[0].to == ["mani@malar.example"]


def test_the_owner_makes_a_clerk_an_owner(meena: Membership, kumar: Membership) -> None:
    answer = page_of(meena).post(f"/members/{kumar.pk}/", {"role": "admin", "is_active": "on"})
    assert answer.headers["Location"] == "/members/"
    kumar.refresh_from_db()
    assert kumar.role == Role.ADMIN


def test_a_closed_account_no_longer_sees_the_shop(meena: Membership, kumar: Membership) -> None:
    client = page_of(kumar)
    page_of(meena).post(f"/members/{kumar.pk}/", {"role": "staff"})
    answer = client.get("/members/")
    assert answer.status_code == 403
    assert "You belong to no shop, or no longer." in answer.content.decode()


def test_the_history_names_who_changed_a_member(meena: Membership, kumar: Membership) -> None:
    page_of(meena).post(f"/members/{kumar.pk}/", {"role": "staff"})
    last = kumar.versions.order_by("pgh_id").last()  # type: ignore[attr-defined]
    assert last.pgh_context.metadata["member"] == str(meena.pk)
    assert last.pgh_context.metadata["door"] == "page"


@pytest.mark.parametrize("change", [{"role": "staff", "is_active": "on"}, {"role": "admin"}])
def test_the_last_owner_stays(meena: Membership, change: dict[str, str]) -> None:
    answer = page_of(meena).post(f"/members/{meena.pk}/", change)
    assert answer.status_code == 422
    assert "The shop needs at least one owner." in answer.content.decode()


def test_a_farmer_stays_a_farmer_and_staff_does_not_become_one(
    meena: Membership, kumar: Membership, raja: Farmer
) -> None:
    assert raja.member is not None
    for member, role in ((raja.member, Role.STAFF), (kumar, Role.FARMER)):
        with pytest.raises(RuleBroken, match="stays a farmer"):
            change_member(by=meena, member_id=member.pk, role=role, is_active=True)
    page = page_of(meena).get(f"/members/{raja.member.pk}/").content.decode()
    assert 'value="staff"' not in page


def test_a_farmer_s_access_is_closed(meena: Membership, raja: Farmer) -> None:
    assert raja.member is not None
    page_of(meena).post(f"/members/{raja.member.pk}/", {"role": "farmer"})
    raja.member.refresh_from_db()
    assert not raja.member.is_active


@pytest.mark.parametrize("path", ["", "invitation/"])
def test_another_shop_s_member_does_not_exist(meena: Membership, devi: Membership, path: str) -> None:
    client = page_of(meena)
    assert client.get(f"/members/{devi.pk}/{path}").status_code == 404
    assert client.post(f"/members/{devi.pk}/{path}", {"role": "staff"}).status_code == 404
    assert client.get(f"/members/{uuid4()}/{path}").status_code == 404


def test_the_services_ask_for_the_owner_themselves(
    shop: Shop, meena: Membership, kumar: Membership, devi: Membership
) -> None:
    with pytest.raises(NotAllowed):
        invite_member(by=kumar, contact="9876543210", name="Mani", role=Role.ADMIN)
    with pytest.raises(NotAllowed):
        change_member(by=kumar, member_id=kumar.pk, role=Role.ADMIN, is_active=True)
    with pytest.raises(NotAllowed):
        invitation_shown_to(by=kumar, member=meena)
    with pytest.raises(NotFound):
        change_member(by=devi, member_id=kumar.pk, role=Role.ADMIN, is_active=True)
