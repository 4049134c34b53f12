"""Opening shops, inviting people, changing what they are."""

from smtplib import SMTPException
from typing import Any
from uuid import UUID

import structlog
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from malar.accounts.domain import MOST_WRONG_PINS, Language, Role, is_easy_pin, is_pin, normal_phone
from malar.accounts.models import Membership, Shop, User
from malar.accounts.selectors import member_of
from malar.kernel.errors import Conflict, NotAllowed, RuleBroken
from malar.kernel.ids import new_id
from malar.kernel.transactions import step, unit_of_work

log = structlog.get_logger(__name__)


@unit_of_work
def open_shop(*, name_ta: str, name_en: str, admin_contact: str, admin_name: str) -> Membership:
    """Make a shop and its first owner, who gets his invitation by `invitation_path`.

    `admin_contact` is an e-mail address or a phone number. Raises RuleBroken for neither.
    """
    shop = Shop.objects.create(name_ta=name_ta, name_en=name_en)
    user = _person(admin_contact, admin_name, Language.TAMIL)
    return Membership.objects.create(shop=shop, user=user, role=Role.ADMIN)


@unit_of_work
def invite_member(
    *, by: Membership, contact: str, name: str, role: Role, language: str = Language.TAMIL
) -> Membership:
    """Make somebody staff or owner of the owner's shop. A person known from another shop keeps his
    name, language and password.

    Raises NotAllowed, RuleBroken for a contact that is neither phone nor e-mail, Conflict when he is
    a member already, or was invited by another shop and has not signed in there yet.
    """
    _demand_owner(by)
    user = _person(contact, name, language)
    try:
        with transaction.atomic():
            member = Membership.objects.create(shop=by.shop, user=user, role=role)
    except IntegrityError as error:
        raise Conflict(
            _("%(name)s already belongs to this shop.") % {"name": user.name},
            code="already_member",
            pointer="/contact",
        ) from error
    if not (user.email or user.has_usable_password() or belongs_only_to(by.shop, user)):
        # Whoever sets the first password signs in to every shop that invited him: one invitation at a time.
        raise Conflict(
            _("Another shop has invited this person, who has not signed in yet. Invite again after that."),
            code="invited_elsewhere",
            pointer="/contact",
        )
    return member


@unit_of_work
def change_member(*, by: Membership, member_id: UUID, role: Role, is_active: bool) -> Membership:
    """Change a member's role, or close or open his access.

    Raises NotAllowed, NotFound, RuleBroken when the shop would be left without an active owner or a
    farmer's account would become something else (or the other way round).
    """
    _demand_owner(by)
    # All owners are locked in one order, so that two owners cannot step down at the same moment.
    owners = list(
        Membership.objects.active()
        .filter(shop=by.shop, role=Role.ADMIN)
        .order_by("pk")
        .select_for_update(of=("self",))
    )
    member = member_of(by, member_id)
    if (member.role == Role.FARMER) != (role == Role.FARMER):
        raise RuleBroken(
            _("A farmer's account stays a farmer's account."), code="farmer_stays", pointer="/role"
        )
    stays_owner = role == Role.ADMIN and is_active
    if not stays_owner and all(owner.pk == member.pk for owner in owners):
        raise RuleBroken(
            _("The shop needs at least one owner. Make somebody else an owner first."),
            code="last_owner",
            pointer="/role",
        )
    member.role, member.is_active = role, is_active
    member.save(update_fields=["role", "is_active"])
    return member


@unit_of_work
def speak(*, by: Membership | None, user: User, language: str) -> None:
    """Remember which language a user reads, on pages and in what is sent to him."""
    user.language = language
    user.save(update_fields=["language"])


@unit_of_work
def choose_pin(*, by: Membership, pin: str, password: str) -> User:
    """Choose what opens the lock of a tablet's counter, or say the present one again: then it stays the same PIN,
    and other tablets go on knowing it.

    Raises RuleBroken: `password_wrong`, `pin_shape` for anything but four to six digits, `pin_easy`.
    """
    user = User.objects.select_for_update().get(pk=by.user_id)
    if not user.check_password(password):
        raise RuleBroken(_("This is not your password."), code="password_wrong", pointer="/password")
    if not is_pin(pin):
        raise RuleBroken(_("A PIN has four to six digits."), code="pin_shape", pointer="/pin")
    if is_easy_pin(pin):
        raise RuleBroken(
            _("Everybody tries this one first. Choose another."), code="pin_easy", pointer="/pin"
        )
    user.pin_wrong = 0
    if not (user.pin and check_password(pin, user.pin)):
        user.pin, user.pin_id = make_password(pin), new_id()
    user.save(update_fields=["pin", "pin_id", "pin_wrong"])
    return user


@unit_of_work
def guess_pin(*, by: Membership, pin: str) -> tuple[User, bool]:
    """Whether this is the person's PIN. Each wrong one counts, and after MOST_WRONG_PINS none is right until he has
    signed in anew (`forgive_wrong_pins`)."""
    user = User.objects.select_for_update().get(pk=by.user_id)
    if not user.pin or user.pin_wrong >= MOST_WRONG_PINS:
        return user, False
    is_right = check_password(pin, user.pin)
    user.pin_wrong = 0 if is_right else user.pin_wrong + 1
    user.save(update_fields=["pin_wrong"])
    return user, is_right


def forgive_wrong_pins(*, user: User, **_signal: Any) -> None:
    """He has signed in with his password: guesses are counted from none."""
    User.objects.filter(pk=user.pk, pin_wrong__gt=0).update(pin_wrong=0)


@step
def verified_user(*, name: str, password: str, email: str, language: str) -> User:
    """A user who can sign in at once, for the demo and for tests."""
    user = User.objects.create_user(email=email, password=password, name=name, language=language)
    EmailAddress.objects.create(user=user, email=user.email or "", primary=True, verified=True)
    return user


@step
def account_by_code(*, shop: Shop, name: str, language: str) -> Membership:
    """A farmer's own account, with neither number nor e-mail nor password: he comes by a code to the number that the
    shop keeps of him (ledger.services.farmers)."""
    user = User.objects.create_user(name=name, language=language)
    return Membership.objects.create(shop=shop, user=user, role=Role.FARMER)


@step
def shut_out(user: User) -> None:
    """End every session of a farmer who signs in by a code: the number he did it with is no longer his. Django ends
    sessions with the password, and no password that is another one ends them too."""
    if not user.contact:
        user.set_unusable_password()
        user.save(update_fields=["password"])


def invitation_path(user: User) -> str:
    """The path where an invited person sets his password; it works once, for three days.

    Whoever knows it can sign in as that person in every shop he belongs to: see `invitation_shown_to`.
    """
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    uid, _dash, token = key.partition("-")
    return reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})


def invitation_shown_to(*, by: Membership, member: Membership) -> str:
    """The invitation's path for the owner to pass on, to people without an e-mail address.

    Raises NotAllowed, and RuleBroken where the owner must not see it: an e-mail address gets it by
    mail, which proves whose mailbox it is; and one shop's owner must not be able to set the password
    that opens another shop.
    """
    _demand_owner(by)
    if member.user.email:
        raise RuleBroken(
            _("The invitation goes by e-mail to %(email)s.") % {"email": member.user.email}, code="by_mail"
        )
    if not member.user.contact:
        raise RuleBroken(
            _("%(name)s signs in by a code to the number that the shop has of him.")
            % {"name": member.user.name},
            code="by_code",
        )
    if not belongs_only_to(by.shop, member.user):
        raise RuleBroken(
            _("%(name)s belongs to another shop too and signs in with the same password there.")
            % {"name": member.user.name},
            code="belongs_elsewhere",
        )
    return invitation_path(member.user)


def mail_invitation(*, member: Membership, site: str) -> bool:
    """Mail the invitation to the member, in his language; call it after the commit.

    `site` is the address of this Malar, `https://malar.example`. False when the mail server did not take it.
    """
    user = member.user
    with override(user.language):
        context = {"member": member, "link": f"{site.rstrip('/')}{invitation_path(user)}"}
        subject = _("Your invitation to %(shop)s") % {"shop": member.shop.name}
        body = render_to_string("accounts/email/invitation.txt", context)
    try:
        send_mail(
            f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject}",
            body,
            settings.DEFAULT_FROM_EMAIL,
            [user.email or ""],
        )
    except (SMTPException, OSError) as error:
        log.warning("invitation_not_mailed", member=str(member.pk), error=type(error).__name__)
        return False
    return True


def belongs_only_to(shop: Shop, user: User) -> bool:
    """Whether the user has never been anything in another shop."""
    return not Membership.objects.filter(user=user).exclude(shop=shop).exists()


def _demand_owner(by: Membership) -> None:
    if by.role != Role.ADMIN:
        raise NotAllowed(_("Only the owner may do this."))


def _person(contact: str, name: str, language: str) -> User:
    """The user with that phone or e-mail, made if new."""
    contact = contact.strip()
    email, phone = (contact.lower(), None) if "@" in contact else (None, contact)
    try:
        if email:
            validate_email(email)
        else:
            phone = normal_phone(contact)
    except (ValueError, ValidationError) as error:
        raise RuleBroken(
            _("“%(contact)s” is neither a phone number nor an e-mail address.") % {"contact": contact},
            code="unknown_contact",
            pointer="/contact",
        ) from error
    known = User.objects.filter(**({"email": email} if email else {"phone": phone})).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            user = User.objects.create_user(email=email, phone=phone, name=name, language=language)
    except IntegrityError:
        # Invited twice at the same moment: by a double tap, or by two owners.
        return User.objects.get(**({"email": email} if email else {"phone": phone}))
    if email:
        # Whoever opens the invitation in that mailbox has shown that it is his.
        EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user
