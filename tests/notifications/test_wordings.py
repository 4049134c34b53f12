"""What we say: both languages, nothing left open, no rate where there is none."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from malar.accounts.domain import Language
from notifications.domain import RECEIPT, VARIABLES, filled, names_in
from notifications.models import MessageTemplate
from notifications.wordings import SMS_VARIABLES, samples, sms_size

pytestmark = pytest.mark.django_db


def test_every_template_is_worded_in_both_languages_with_all_it_may_say() -> None:
    in_use = MessageTemplate.objects.filter(is_active=True)
    assert {(wording.name, wording.language) for wording in in_use} == {
        (name, language) for name in VARIABLES for language in Language
    }
    for wording in in_use:
        wording.full_clean()
        assert set(names_in(wording.body)) == VARIABLES[wording.name]


def test_a_wording_fits_the_rules_of_the_messengers() -> None:
    """Approved templates may not begin or end with a variable, nor be longer than 1,024 characters."""
    for wording in MessageTemplate.objects.all():
        assert not wording.body.startswith("{")
        assert not wording.body.endswith("}")
        assert "}{" not in wording.body.replace(" ", "").replace("\n", "")
        assert len(filled(wording.body, dict.fromkeys(VARIABLES[wording.name], "x" * 30))) < 1024


def test_a_wording_that_asks_for_something_unknown_is_refused() -> None:
    wording = MessageTemplate(name=RECEIPT, language="en", version=2, body="Hello {aunt}", is_active=False)
    with pytest.raises(ValidationError) as refused:
        wording.full_clean()
    assert "There is nothing to put in for aunt." in refused.value.message_dict["body"]


def test_the_short_forms_take_one_sms_but_for_a_settlements_link_in_tamil() -> None:
    """As long as the samples are: a longer amount may tip one over, so what is sent is counted each time."""
    short = MessageTemplate.objects.filter(is_active=True).exclude(sms="")
    parts = {
        (wording.name, wording.language): sms_size(filled(wording.sms, samples(wording.language))).parts
        for wording in short
    }
    assert {name for name, _language in parts} == set(SMS_VARIABLES)
    assert parts == dict.fromkeys(parts, 1) | {("settlement_ready", "ta"): 2}


def test_a_wording_that_stood_before_is_not_reworded() -> None:
    for name in ("entry_receipt", "advance_given"):
        for language in Language:
            first, second = MessageTemplate.objects.filter(name=name, language=language).order_by("version")
            assert (first.version, first.is_active, first.sms) == (1, False, "")
            assert (second.version, second.is_active, second.body) == (2, True, first.body)


def test_a_settlement_can_be_answered() -> None:
    for wording in MessageTemplate.objects.filter(name="settlement_ready"):
        assert [button["means"] for button in wording.buttons] == ["approve", "dispute", "link"]


def test_one_wording_of_a_language_is_in_use() -> None:
    with pytest.raises(IntegrityError, match="one_wording_in_use"):
        MessageTemplate.objects.create(name=RECEIPT, language="ta", version=9, body="வணக்கம்")
