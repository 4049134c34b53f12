"""Roles and phone numbers: decisions that need no database."""

import itertools

import phonenumbers
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What a user is in a shop (docs/architecture.md, roles)."""

    ADMIN = "admin", _("Owner")
    STAFF = "staff", _("Staff")
    FARMER = "farmer", _("Farmer")


ALLOWED = {
    Role.ADMIN: frozenset({Role.ADMIN}),
    Role.STAFF: frozenset({Role.ADMIN, Role.STAFF}),
    Role.FARMER: frozenset({Role.ADMIN, Role.STAFF, Role.FARMER}),
}
"""Least role → the roles that satisfy it."""


class Language(models.TextChoices):
    """The two languages of the house."""

    TAMIL = "ta", "தமிழ்"
    ENGLISH = "en", "English"


def normal_phone(text: str) -> str:
    """An Indian phone number as E.164: `98765 43210` → `+919876543210`.

    Raises ValueError when it is no possible number.
    """
    try:
        number = phonenumbers.parse(text, "IN")
    except phonenumbers.NumberParseException as error:
        raise ValueError(text) from error
    if not phonenumbers.is_possible_number(number):
        raise ValueError(text)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


MOST_WRONG_PINS = 5
"""After so many guesses in a row only a real sign-in helps."""


def is_pin(text: str) -> bool:
    """Four to six digits."""
    return text.isascii() and text.isdigit() and 4 <= len(text) <= 6


def is_easy_pin(pin: str) -> bool:
    """Whether it is what everybody tries first: one digit only (`4444`), or digits in a row (`1234`, `6543`)."""
    steps = {int(after) - int(before) for before, after in itertools.pairwise(pin)}
    return steps in ({0}, {1}, {-1})
