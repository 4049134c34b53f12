"""How allauth meets our users: phones live on the user, nobody signs himself up."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django import forms
from django.http import HttpRequest
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from malar.accounts.domain import normal_phone
from malar.accounts.models import User


class PhoneField(forms.CharField):
    """A phone number as people type it, kept as E.164."""

    widget = forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"})

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text:
            return ""
        try:
            return normal_phone(text)
        except ValueError as error:
            raise forms.ValidationError(_("This is not a phone number.")) from error


class MalarAccountAdapter(DefaultAccountAdapter):
    """Accounts come by invitation only (`open_shop`, or the owner's page for his people)."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """In the language of whom it is for, not of whoever asked for it."""
        reader = context.get("user")
        with override(reader.language if isinstance(reader, User) else get_language()):
            super().send_mail(template_prefix, email, context)

    def can_delete_email(self, email_address: EmailAddress) -> bool:
        # allauth would leave "" in the user's unique column.
        return not email_address.primary

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Failed attempts are counted for each login. allauth knows e-mail and user names only: all phones
        together would be one login, and five slips of the thumb would lock out a whole shop."""
        return f"login:{credentials.get('email') or credentials.get('phone') or ''}".lower()

    def phone_form_field(self, **kwargs: Any) -> forms.Field:
        return PhoneField(label=_("Mobile number"), **kwargs)

    def get_phone(self, user: User) -> tuple[str, bool] | None:
        # The owner who invited him vouches for the number; no code is sent.
        return (user.phone, True) if user.phone else None

    def set_phone(self, user: User, phone: str, verified: bool) -> None:
        user.phone = phone
        user.save(update_fields=["phone"])

    def set_phone_verified(self, user: User, phone: str) -> None:
        """Nothing to keep: see get_phone."""

    def get_user_by_phone(self, phone: str) -> User | None:
        return User.objects.filter(phone=phone).first()

    def send_verification_code_sms(self, user: User, phone: str, code: str, **kwargs: Any) -> None:
        raise NotImplementedError("Phones are vouched for by the owner; no code is ever asked for.")
