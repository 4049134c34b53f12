"""Wordings in the office: a preview of what is typed, new versions, what can be done with one."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from malar.accounts.models import Membership
from notifications.models import MessageTemplate, TemplateApproval
from notifications.services.approvals import doors
from tests.conftest import page_of
from tests.notifications.test_approvals import BODY, Door

pytestmark = pytest.mark.django_db

ADD = "admin:notifications_messagetemplate_add"


@pytest.fixture
def office(meena: Membership) -> Client:
    return page_of(meena)


@pytest.fixture
def door() -> Iterator[Door]:
    doors["twilio"] = door = Door()
    yield door
    doors.pop("twilio")


@pytest.fixture
def wording() -> MessageTemplate:
    return MessageTemplate.objects.get(name="settlement_reminder", language="en", is_active=True)


def typed(**said: Any) -> dict[str, Any]:
    return {"name": "settlement_reminder", "language": "en", "body": BODY, "sms": "", "buttons": "[]", **said}


def preview(office: Client, **said: Any) -> str:
    return office.post(reverse("admin:notifications_messagetemplate_preview"), typed(**said)).content.decode()


def test_what_is_typed_is_shown_with_samples_beside_the_other_language(office: Client) -> None:
    shown = preview(office)
    assert "Dear P. Murugan, settlement no. R12-F014 waits for your yes." in shown
    assert "வணக்கம் பெ. முருகன், கணக்கு எண் R12-F014" in shown
    assert "errornote" not in shown


def test_what_is_wrong_is_said_while_it_is_typed(office: Client) -> None:
    shown = preview(office, body="{aunt} <script>")
    assert "There is nothing to put in for aunt." in shown
    assert "{aunt} &lt;script&gt;" in shown
    assert "Each button has its kind" in preview(office, buttons='[{"text": "x"}]')
    assert preview(office, name="", language="")


def test_the_short_form_is_counted(office: Client) -> None:
    sms = "Malar Market: Rs.{amount_rupees}.{amount_paise} paid for settlement {reference_plain}. -MALARM"
    shown = preview(office, name="payment_paid", sms=sms)
    assert "SMS: 61 units, 1 part" in shown


def test_saving_makes_a_new_version_that_is_not_in_use(office: Client, wording: MessageTemplate) -> None:
    form = office.get(f"{reverse(ADD)}?from={wording.pk}").content.decode()
    assert "is still waiting for your approval" in form
    answer = office.post(reverse(ADD), typed(body=BODY + "\r\nSee you."))
    assert answer.status_code == 302
    new = MessageTemplate.objects.get(name=wording.name, language="en", version=2)
    assert (new.is_active, new.body) == (False, BODY + "\nSee you.")
    history = new.versions.get()  # type: ignore[attr-defined]
    assert history.pgh_context.metadata["member"]


def test_what_has_faults_is_not_saved(office: Client) -> None:
    answer = office.post(reverse(ADD), typed(body="{aunt}"))
    assert answer.status_code == 200
    assert "There is nothing to put in for aunt." in answer.content.decode()
    assert not MessageTemplate.objects.filter(name="settlement_reminder", version=2).exists()


def act(office: Client, wording: MessageTemplate, what: str, **said: str) -> str:
    address = reverse(f"admin:notifications_messagetemplate_{what}", args=[wording.pk])
    return office.post(address, said, follow=True).content.decode()


def test_a_version_is_sent_in_approved_and_put_in_use(
    office: Client, door: Door, wording: MessageTemplate
) -> None:
    office.post(reverse(ADD), typed())
    new = MessageTemplate.objects.get(name=wording.name, language="en", version=2)
    page = office.get(reverse("admin:notifications_messagetemplate_change", args=[new.pk])).content.decode()
    assert "Send in to twilio" in page
    assert "Dear {{1}}, settlement no. {{2}}" in page
    assert "Twilio has not approved it yet." in act(office, new, "use")
    assert "It was sent in." in act(office, new, "submit", provider="twilio")
    assert "It was sent in already." in act(office, new, "submit", provider="twilio")
    TemplateApproval.objects.update(state="approved")
    assert "It is in use from now on." in act(office, new, "use")
    new.refresh_from_db()
    assert new.is_active
    assert (
        office.post(
            reverse("admin:notifications_messagetemplate_submit", args=[new.pk]), {"provider": "x"}
        ).status_code
        == 404
    )


def test_a_refusal_is_shown_in_the_providers_words(
    office: Client, door: Door, wording: MessageTemplate
) -> None:
    door.refuses = "<name> is taken"
    assert "The provider refused it: &lt;name&gt; is taken" in act(
        office, wording, "submit", provider="twilio"
    )


def test_a_name_that_the_provider_gave_it_elsewhere_is_kept(
    office: Client, door: Door, wording: MessageTemplate
) -> None:
    page = office.get(reverse("admin:notifications_messagetemplate_change", args=[wording.pk]))
    assert "Its name at twilio" in page.content.decode()
    assert "That is no name of a wording." in act(office, wording, "ref", provider="twilio", ref="HX 1")
    shown = act(office, wording, "ref", provider="twilio", ref=" HX1 ")
    assert "The name was kept." in shown
    assert "HX1" in shown.split("The name was kept.")[1]
    assert TemplateApproval.objects.get().ref == "HX1"
    address = reverse("admin:notifications_messagetemplate_ref", args=[wording.pk])
    assert office.post(address, {"provider": "x", "ref": "HX1"}).status_code == 404


def test_the_number_of_the_operators_is_kept(office: Client) -> None:
    paid = MessageTemplate.objects.get(name="payment_paid", language="ta")
    assert "A DLT number has 19 digits." in act(office, paid, "dlt", dlt_id="12")
    assert "1107161234567890123" in act(office, paid, "dlt", dlt_id="1107161234567890123")
    page = act(office, paid, "dlt", dlt_id="1107161234567890123", ref="6406d54ad6fc052a053a3c52")
    assert 'value="6406d54ad6fc052a053a3c52"' in page
    assert "##amount_rupees##.##amount_paise##" in page


def test_where_there_are_several_shops_nobody_sees_them(
    office: Client, devi: Membership, wording: MessageTemplate
) -> None:
    listed = office.get(reverse("admin:notifications_messagetemplate_changelist"))
    assert listed.context["cl"].result_count == 0
    address = reverse("admin:notifications_messagetemplate_preview")
    assert office.post(address, typed()).status_code == 403
    assert act(office, wording, "use")
    assert not MessageTemplate.objects.filter(pk=wording.pk, is_active=False).exists()
