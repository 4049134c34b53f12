"""Forms about people."""

from typing import Any

from allauth.account.app_settings import EmailVerificationMethod
from allauth.account.forms import LoginForm, SetPasswordForm
from django import forms
from django.utils.translation import gettext_lazy as _

from malar.accounts.domain import Language, Role, normal_phone
from malar.accounts.models import Membership


class SignInForm(LoginForm):
    """Phone or e-mail in one field, as people type it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Mobile number or e-mail")
        self.fields["login"].widget.attrs.pop("placeholder", None)
        self.fields["login"].widget.attrs["autocomplete"] = "username"
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.fields["password"].help_text = ""

    def clean_login(self) -> str:
        login: str = super().clean_login()
        if "@" in login:
            return login
        try:
            return normal_phone(login)
        except ValueError as error:
            raise forms.ValidationError(_("This is neither a phone number nor an e-mail address.")) from error

    def _clean_with_password(self, credentials: dict[str, Any]) -> Any:
        cleaned = super()._clean_with_password(credentials)
        if not self.user.email:
            # Verified e-mail is demanded of those who have one; the others come by phone.
            self._login.email_verification = EmailVerificationMethod.NONE
        return cleaned


class FirstPasswordForm(SetPasswordForm):
    """A password for who has none; not for a farmer who signs in by a code: nothing he could type leads to it."""

    def clean(self) -> dict[str, Any]:
        if not self.user.contact:
            raise forms.ValidationError(_("You sign in by a code to your number. No password is needed."))
        cleaned: dict[str, Any] = super().clean()
        return cleaned


class InviteForm(forms.Form):
    """Somebody new in the shop."""

    name = forms.CharField(label=_("Name"), max_length=80)
    contact = forms.CharField(
        label=_("Mobile number or e-mail"), help_text=_("To sign in with."), max_length=254
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[(Role.STAFF, Role.STAFF.label), (Role.ADMIN, Role.ADMIN.label)],
        widget=forms.RadioSelect,
        initial=Role.STAFF,
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=Language.choices, widget=forms.RadioSelect, initial=Language.TAMIL
    )


class MemberForm(forms.Form):
    """What a member may do from now on."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, widget=forms.RadioSelect)
    is_active = forms.BooleanField(label=_("May use this shop"), required=False)

    def __init__(self, *args: Any, member: Membership, **kwargs: Any) -> None:
        kwargs["initial"] = {"role": member.role, "is_active": member.is_active}
        super().__init__(*args, **kwargs)
        # Offered is what the service allows: a farmer stays a farmer.
        roles = [Role.FARMER] if member.role == Role.FARMER else [Role.STAFF, Role.ADMIN]
        self.fields["role"].choices = [(role, role.label) for role in roles]  # type: ignore[attr-defined]


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=Language.choices)


class ShopForm(forms.Form):
    shop = forms.UUIDField()
