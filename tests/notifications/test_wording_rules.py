"""What a messenger would refuse in a wording is refused here first."""

import pytest

from notifications.domain import SETTLEMENT_REMINDER
from notifications.wordings import faults_of, numbered, samples, sms_filled, tagged

GOOD = (
    "Hello {farmer}, settlement {reference} waits for you. Net amount {net}."
    " Please answer on or before {due}. Thank you."
)


def codes(body: str = GOOD, **said: object) -> list[tuple[str, str]]:
    found = faults_of(name=SETTLEMENT_REMINDER, language="en", body=body, **said)  # type: ignore[arg-type]
    return [(fault.pointer, fault.code) for fault in found]


def test_a_good_wording_has_no_faults() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (GOOD.replace("{net}", "{aunt}"), "unknown"),
        (GOOD.replace(" Net amount {net}.", ""), "missing"),
        (GOOD.removesuffix(". Thank you."), "edge"),
        (GOOD.removeprefix("Hello "), "edge"),
        (GOOD.replace(", settlement {", " {"), "adjacent"),
        ("Hi {farmer}, {reference}, {net}, {due} ok", "few_words"),
        (GOOD + " " + "x" * 1024, "too_long"),
        (GOOD.replace("Please", "     Please"), "gaps"),
        (GOOD.replace("Please", "\tPlease"), "gaps"),
        (GOOD.replace("Please", "\n\n\nPlease"), "gaps"),
        (GOOD.replace("Please", "Pl\u200bease"), "hidden"),
        (GOOD.replace("Please", "Ple\u0301ase"), "not_nfc"),
        (GOOD + "\n", "blank"),
    ],
)
def test_what_a_messenger_refuses(body: str, code: str) -> None:
    assert ("/body", code) in codes(body)


def test_a_wording_of_the_longest_that_is_allowed() -> None:
    room = 1024 - len(GOOD) + sum(len(part) for part in ("{farmer}", "{reference}", "{net}", "{due}"))
    room -= sum(len(samples("en")[name]) for name in ("farmer", "reference", "net", "due"))
    assert codes(GOOD.replace("Thank", "x" * room + "Thank")) == []
    assert codes(GOOD.replace("Thank", "x" * (room + 1) + "Thank")) == [("/body", "too_long")]


def button(kind: str = "QUICK_REPLY", text: str = "OK", means: str = "approve") -> dict[str, str]:
    return {"kind": kind, "text": text, "means": means}


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([{"text": "OK"}], "shape"),
        ("OK", "shape"),
        ([button(means="steal")], "shape"),
        ([button(text="x" * 26)], "text"),
        ([button(text="{net}")], "text"),
        ([button(), button(means="dispute")], "same"),
        ([button("URL", "See", "link"), button()], "order"),
        ([button(text=str(n)) for n in range(4)], "many"),
    ],
)
def test_what_a_messenger_refuses_of_buttons(buttons: object, code: str) -> None:
    assert codes(buttons=buttons) == [("/buttons", code)]


def test_buttons_that_are_allowed() -> None:
    three = [button(text="x" * 25), button(text="No", means="dispute"), button("URL", "See", "link")]
    assert codes(buttons=three) == []


def test_a_wording_is_numbered_in_the_order_in_which_it_names_its_variables() -> None:
    assert numbered("To {farmer}: {net}, {farmer}.") == ("To {{1}}: {{2}}, {{1}}.", ["farmer", "net"])


PAID = "Malar Market: Rs.{amount_rupees}.{amount_paise} paid for settlement {reference_plain}. -MALARM"


def sms_codes(sms: str, language: str = "en") -> list[str]:
    found = faults_of(name="payment_paid", language=language, body="", sms=sms)
    return [fault.code for fault in found if fault.pointer == "/sms"]


def test_the_short_form_as_it_is_registered() -> None:
    assert sms_codes(PAID) == []
    assert tagged("payment_paid", PAID) == (
        "Malar Market: Rs.{#numeric#}.{#numeric#} paid for settlement {#alphanumeric#}. -MALARM"
    )


@pytest.mark.parametrize(
    ("sms", "code"),
    [
        (PAID.replace("{amount_paise}", "{link}"), "unknown"),
        (PAID.replace("paid", "paid\n"), "newline"),
        (PAID.replace("Rs.", "₹"), "costly"),
        (PAID + "x" * 306, "too_long"),
    ],
)
def test_what_an_operator_refuses(sms: str, code: str) -> None:
    assert sms_codes(sms) == [code]


VALUES = {"amount_rupees": "155825", "amount_paise": "00", "reference_plain": "R12F014"}


def test_the_short_form_is_filled() -> None:
    assert sms_filled("payment_paid", PAID, VALUES) == (
        "Malar Market: Rs.155825.00 paid for settlement R12F014. -MALARM"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount_rupees", "1,55,825"),
        ("amount_rupees", "155825.00"),
        ("amount_rupees", "₹1"),
        ("amount_rupees", "௧௨"),
        ("amount_rupees", ""),
        ("reference_plain", "R12-F014"),
        ("reference_plain", "மலர்"),
        ("reference_plain", "x" * 41),
    ],
)
def test_a_value_its_tag_does_not_allow_is_refused_before_the_call(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is not"):
        sms_filled("payment_paid", PAID, VALUES | {name: value})
