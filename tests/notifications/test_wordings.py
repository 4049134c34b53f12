"""What we say: both languages, nothing left open, no rate where there is none."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError

from malar.accounts.domain import Language
from notifications.domain import RECEIPT, VARIABLES, filled, names_in
from notifications.models import MessageTemplate

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
    assert refused.value.message_dict == {"body": ["There is nothing to put in for aunt."]}


def test_one_wording_of_a_language_is_in_use() -> None:
    with pytest.raises(IntegrityError, match="one_wording_in_use"):
        MessageTemplate.objects.create(name=RECEIPT, language="ta", version=2, body="வணக்கம்")
