"""Figures as people type them, and refusals put where they belong."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django import forms
from django.http import QueryDict

from malar.kernel.errors import Conflict, Fault, NotAllowed, NotFound, RuleBroken
from malar.kernel.forms import FigureField, OnceForm, refusals_on


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("12,5", "12.5"),
        ("௧௨.௫", "12.5"),
        ("1,250.75", "1250.75"),
        ("  12.5 ", "12.5"),
        ("0", "0"),
        (Decimal("5.900"), "5.900"),
    ],
)
def test_a_figure_is_read_as_it_is_typed(typed: object, meant: str) -> None:
    assert FigureField().clean(typed) == Decimal(meant)


@pytest.mark.parametrize("typed", ["twelve", "1e5", "inf", "NaN", "1.2.3", "--1", "9" * 25, "12 kg"])
def test_what_is_no_figure_is_refused(typed: str) -> None:
    with pytest.raises(forms.ValidationError, match="Enter a number"):
        FigureField().clean(typed)


@pytest.mark.parametrize("typed", ["", "   ", None])
def test_an_empty_figure_is_nothing_and_not_zero(typed: str | None) -> None:
    assert FigureField(required=False).clean(typed) is None


@pytest.mark.parametrize(
    ("stood", "typed", "changed"),
    [
        (Decimal("6.100"), "6.1", False),
        (Decimal("6.100"), "6,10", False),
        (Decimal("6.100"), "6.2", True),
        (Decimal("6.100"), "", True),
        (None, "", False),
        (None, "0", True),
        (Decimal("6.100"), "six", True),
    ],
)
def test_the_same_figure_written_otherwise_is_no_change(
    stood: Decimal | None, typed: str, changed: bool
) -> None:
    assert FigureField(required=False).has_changed(stood, typed) is changed


class Sack(OnceForm):
    weight = FigureField()


def sent() -> Sack:
    form = Sack(QueryDict(f"key={uuid4()}&weight=5"))
    assert form.is_valid()
    return form


def test_each_form_shown_has_a_key_of_its_own() -> None:
    form = Sack()

    assert form["key"].value() == form["key"].value()
    assert form["key"].value() != Sack()["key"].value()


def refuse(form: Sack, error: RuleBroken) -> None:
    with refusals_on(form):
        raise error


def test_a_refusal_is_put_on_its_field_or_on_the_whole_form() -> None:
    form = sent()
    faults = [Fault("/weight", "not_positive", "Too light."), Fault("/unit", "unknown_unit", "No unit.")]
    refuse(form, RuleBroken("Too light.", code="not_positive", faults=faults))

    assert form.errors == {"weight": ["Too light."], "__all__": ["No unit."]}


def test_a_refusal_without_a_field_keeps_its_code() -> None:
    form = sent()
    refuse(form, Conflict("Somebody was faster.", code="stale"))

    assert form.has_error("__all__", "stale")


def test_a_form_sent_before_with_other_words_gets_a_new_key() -> None:
    form = sent()
    key = form["key"].value()
    refuse(form, RuleBroken("Used.", code="idempotency_key_reused"))

    assert form["key"].value() != key
    assert form["weight"].value() == "5"
    assert form.non_field_errors() == ["This form was saved before. Saving it now makes another one."]


@pytest.mark.parametrize("error", [NotAllowed("No."), NotFound("Nothing.")])
def test_missing_rights_and_missing_rows_are_not_the_form_s(error: RuleBroken) -> None:
    with pytest.raises(type(error)):
        refuse(sent(), error)
