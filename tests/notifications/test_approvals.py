"""New versions of wordings, and what providers say of them."""

import datetime as dt
from collections.abc import Iterator

import pytest
from django.utils import timezone

from ledger.models import Farmer
from malar.accounts.models import Membership
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.trail.models import Event
from notifications.domain import Approval
from notifications.models import Message, MessageTemplate, Note, TemplateApproval
from notifications.providers import SubmissionRefused, WordingStatus
from notifications.services import approvals
from notifications.services.approvals import (
    doors,
    may_be_sent,
    note_status,
    put_in_use,
    set_dlt_id,
    submit,
    sync,
    word_anew,
)
from notifications.services.queueing import react
from pricing.models import Flower
from tests.cast import recorded

pytestmark = pytest.mark.django_db

BODY = (
    "Dear {farmer}, settlement no. {reference} waits for your yes. Net amount {net}."
    " Please answer on or before {due}. Thank you."
)


class Door:
    """A provider that answers as it is told."""

    def __init__(self) -> None:
        self.sent: list[MessageTemplate] = []
        self.says: WordingStatus | Exception = WordingStatus(Approval.APPROVED, "utility")
        self.refuses = ""

    def submit(self, template: MessageTemplate) -> str:
        self.sent.append(template)
        if self.refuses:
            raise SubmissionRefused(self.refuses)
        return f"HX{len(self.sent)}"

    def status(self, ref: str) -> WordingStatus:
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    doors["console"] = door
    yield door
    doors.pop("console", None)


@pytest.fixture
def wording() -> MessageTemplate:
    return MessageTemplate.objects.get(name="settlement_reminder", language="en", is_active=True)


def receipt_in(language: str) -> MessageTemplate:
    return MessageTemplate.objects.get(name="entry_receipt_rate_pending", language=language, is_active=True)


def test_a_new_version_is_used_once_somebody_says_so(meena: Membership, wording: MessageTemplate) -> None:
    new = word_anew(by=meena, name=wording.name, language="en", body=BODY, buttons=wording.buttons)
    assert (new.version, new.is_active) == (2, False)
    put_in_use(by=meena, template_id=new.pk)
    in_use = MessageTemplate.objects.get(name=wording.name, language="en", is_active=True)
    assert in_use == new
    wording.refresh_from_db()
    assert wording.body != BODY


def test_a_wording_with_faults_is_refused(meena: Membership, wording: MessageTemplate) -> None:
    with pytest.raises(RuleBroken) as refused:
        word_anew(by=meena, name=wording.name, language="en", body="Hello {aunt}", buttons="x")
    assert {fault.pointer for fault in refused.value.faults} == {"/body", "/buttons"}
    with pytest.raises(RuleBroken, match="no such message"):
        word_anew(by=meena, name="gossip", language="en", body=BODY)


def test_where_there_are_several_shops_only_the_keeper_of_the_house_words(
    meena: Membership, devi: Membership, kumar: Membership, wording: MessageTemplate
) -> None:
    with pytest.raises(NotAllowed):
        word_anew(by=meena, name=wording.name, language="en", body=BODY)
    meena.user.is_superuser = True
    word_anew(by=meena, name=wording.name, language="en", body=BODY)
    kumar.user.is_superuser = True
    with pytest.raises(NotAllowed):
        word_anew(by=kumar, name=wording.name, language="en", body=BODY)


def test_a_wording_is_sent_in_once_and_its_answer_written_down(
    meena: Membership, wording: MessageTemplate, door: Door
) -> None:
    assert not may_be_sent(wording, "console")
    assert may_be_sent(wording, "another")
    approval = submit(by=meena, template_id=wording.pk, provider="console")
    assert (approval.state, approval.ref, door.sent) == ("submitted", "HX1", [wording])
    with pytest.raises(Conflict):
        submit(by=meena, template_id=wording.pk, provider="console")
    assert not may_be_sent(wording, "console")
    assert sync() == 1
    assert sync() == 0, "nothing new"
    assert may_be_sent(wording, "console")
    labels = list(TemplateApproval.objects.get().versions.order_by("pgh_id").values_list("state", flat=True))  # type: ignore[attr-defined]
    assert labels[0] == "draft"
    assert labels[-1] == "approved"


def test_a_refused_one_can_be_sent_in_again(meena: Membership, wording: MessageTemplate, door: Door) -> None:
    door.refuses = "name is taken"
    with pytest.raises(SubmissionRefused):
        submit(by=meena, template_id=wording.pk, provider="console")
    assert (TemplateApproval.objects.get().state, TemplateApproval.objects.get().reason) == (
        "draft",
        "name is taken",
    )
    door.refuses = ""
    assert submit(by=meena, template_id=wording.pk, provider="console").ref == "HX2"


def test_one_of_which_no_answer_came_can_be_sent_in_again_after_a_while(
    meena: Membership, wording: MessageTemplate, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks_off(template: MessageTemplate) -> str:
        raise TimeoutError

    monkeypatch.setattr(door, "submit", breaks_off)
    with pytest.raises(TimeoutError):
        submit(by=meena, template_id=wording.pk, provider="console")
    monkeypatch.undo()
    with pytest.raises(Conflict):
        submit(by=meena, template_id=wording.pk, provider="console")
    TemplateApproval.objects.update(submitted_at=timezone.now() - dt.timedelta(minutes=6))
    assert submit(by=meena, template_id=wording.pk, provider="console").ref == "HX1"


@pytest.mark.parametrize(
    "says",
    [
        WordingStatus(Approval.REJECTED, "utility", "TAG_CONTENT_MISMATCH"),
        WordingStatus(Approval.PAUSED, "utility"),
        WordingStatus(Approval.DISABLED, "utility"),
        WordingStatus(Approval.APPROVED, "marketing"),
    ],
)
def test_one_that_is_stopped_or_takes_another_price_is_not_sent_and_the_owner_hears(
    says: WordingStatus, meena: Membership, kumar: Membership, raja: Farmer, jasmine: Flower, door: Door
) -> None:
    wording = receipt_in("ta")
    submit(by=meena, template_id=wording.pk, provider="console")
    sync()
    recorded(kumar, raja, jasmine)
    (waiting,) = react(event_id=Event.objects.get(name="EntryRecorded").pk)
    door.says = says
    assert sync() == 1
    message = Message.objects.get(pk=waiting)
    assert (message.state, message.error_code) == ("failed", "wording_stopped")

    recorded(kumar, raja, jasmine)
    assert react(event_id=Event.objects.filter(name="EntryRecorded").latest("id").pk) == []
    assert Message.objects.latest("created_at").error_code == "wording_stopped"

    (stopped,) = Event.objects.filter(name="WordingStopped")
    react(event_id=stopped.pk)
    note = Note.objects.get(member=meena)
    assert note.words.startswith("console does not send the wording entry_receipt_rate_pending ta 1 any more")
    sync()
    assert Event.objects.filter(name="WordingStopped").count() == 1


def test_a_provider_that_does_not_answer_is_asked_again(
    meena: Membership, wording: MessageTemplate, door: Door
) -> None:
    submit(by=meena, template_id=wording.pk, provider="console")
    door.says = TimeoutError()
    assert sync() == 0
    door.says = WordingStatus(Approval.APPROVED)
    assert sync() == 1
    assert may_be_sent(wording, "console")


def test_word_of_a_wording_that_is_not_ours_is_no_news() -> None:
    assert not note_status(provider="console", ref="HX9", status=WordingStatus(Approval.REJECTED))


def test_a_version_is_not_used_before_its_providers_approve_it(
    meena: Membership, wording: MessageTemplate, door: Door
) -> None:
    new = word_anew(by=meena, name=wording.name, language="en", body=BODY)
    with pytest.raises(RuleBroken, match="console has not approved it yet"):
        put_in_use(by=meena, template_id=new.pk)
    submit(by=meena, template_id=new.pk, provider="console")
    approvals.sync()
    assert put_in_use(by=meena, template_id=new.pk).is_active


def test_the_number_of_the_operators_has_nineteen_digits(meena: Membership, wording: MessageTemplate) -> None:
    paid = MessageTemplate.objects.get(name="payment_paid", language="ta")
    for wrong in ("", "110716", "1107161234567890123x", "௧107161234567890123"):
        with pytest.raises(RuleBroken, match="19 digits"):
            set_dlt_id(by=meena, template_id=paid.pk, provider="msg91", dlt_id=wrong)
    kept = set_dlt_id(by=meena, template_id=paid.pk, provider="msg91", dlt_id="1107161234567890123")
    assert kept.dlt_id == "1107161234567890123"
    with pytest.raises(RuleBroken, match="no short form"):
        set_dlt_id(by=meena, template_id=wording.pk, provider="msg91", dlt_id="1107161234567890123")
