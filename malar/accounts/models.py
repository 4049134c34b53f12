"""Users, shops and memberships. The shop is the tenant: every business row carries it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from malar.accounts.domain import ALLOWED, Language, Role, normal_phone
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id


class UserQuerySet(BaseUserManager["User"]):
    """Makes users by e-mail, by phone, or by both."""

    def create_user(
        self,
        *,
        email: str | None = None,
        phone: str | None = None,
        password: str | None = None,
        **fields: Any,
    ) -> User:
        """A user with a hashed password, or with none until he sets one from his invitation."""
        user = self.model(
            email=self.normalize_email(email).lower() if email else None,
            phone=normal_phone(phone) if phone else None,
            **fields,
        )
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in, by phone or by e-mail."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=80)
    email = models.EmailField(_("e-mail"), null=True, blank=True, unique=True)
    phone = models.CharField(_("mobile number"), max_length=16, null=True, blank=True, unique=True)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.TAMIL)
    is_active = models.BooleanField(_("may sign in"), default=True)
    # Django wants it for its own admin; ours asks the membership (admin_site.py).
    is_staff = models.BooleanField(default=False, editable=False)
    # Opens the lock of a tablet's counter; only its hash is kept. `pin_id` is another one with each PIN, so that a
    # tablet sees that the one it knows is out of date; `pin_wrong` counts guesses since the last right one.
    pin = models.CharField(max_length=128, blank=True, editable=False)
    pin_id = models.UUIDField(null=True, blank=True, editable=False)
    pin_wrong = models.PositiveSmallIntegerField(default=0, editable=False)
    date_joined = models.DateTimeField(_("since"), auto_now_add=True)

    objects: ClassVar[UserQuerySet] = UserQuerySet()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            # A farmer signs in by a code to the number on his row (docs/adr/0009): his account has neither, and then
            # no password can open it ("!" is how Django keeps none).
            models.CheckConstraint(
                name="user_can_be_reached",
                condition=models.Q(email__isnull=False)
                | models.Q(phone__isnull=False)
                | models.Q(password__startswith="!"),  # noqa: S106  # none at all
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def contact(self) -> str:
        """What he signs in with, for lists; empty of a farmer who signs in by a code."""
        return self.email or self.phone or ""


LIMIT = _("Above it a payment by staff waits for the owner. Empty: no limit.")


class Shop(models.Model):
    """A flower commission agent's business: the tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name_ta = models.CharField(_("name in Tamil"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80)
    address_ta = models.CharField(_("address in Tamil"), max_length=160, blank=True)
    address_en = models.CharField(_("address in English"), max_length=160, blank=True)
    owner_name = models.CharField(_("proprietor"), max_length=80, blank=True)
    phones = models.CharField(_("phone numbers on papers"), max_length=60, blank=True)
    commission_pct = models.DecimalField(
        _("commission, percent"),
        max_digits=5,
        decimal_places=2,
        default=Decimal("10.00"),
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Of the sale value, unless the farmer has a percentage of his own."),
    )
    turnover_hour = models.PositiveSmallIntegerField(
        _("the day begins at (hour)"),
        default=0,
        validators=[MaxValueValidator(12)],
        help_text=_("Sales before this hour belong to the day before."),
    )
    net_step = models.PositiveSmallIntegerField(
        _("settlements are rounded to, ₹"), choices=[(1, "₹1"), (5, "₹5"), (10, "₹10")], default=1
    )
    # Over these, what is owed by one farmer after a payment, staff must wait for the owner.
    advance_limit = models.DecimalField(
        _("advances, ₹ a farmer"), max_digits=14, decimal_places=2, null=True, blank=True, help_text=LIMIT
    )
    hand_loan_limit = models.DecimalField(
        _("hand loans, ₹ a farmer"), max_digits=14, decimal_places=2, null=True, blank=True, help_text=LIMIT
    )
    draw_limit = models.DecimalField(
        _("draws, ₹ a farmer"), max_digits=14, decimal_places=2, null=True, blank=True, help_text=LIMIT
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("shop")
        verbose_name_plural = _("shops")
        constraints = [
            models.CheckConstraint(
                name="shop_commission_is_a_percentage",
                condition=models.Q(commission_pct__gte=0, commission_pct__lte=100),
            ),
            models.CheckConstraint(name="shop_rounds_to_a_coin", condition=models.Q(net_step__in=[1, 5, 10])),
            models.CheckConstraint(name="shop_day_begins_by_noon", condition=models.Q(turnover_hour__lte=12)),
            models.CheckConstraint(
                name="shop_limits_are_not_negative",
                condition=(models.Q(advance_limit=None) | models.Q(advance_limit__gte=0))
                & (models.Q(hand_loan_limit=None) | models.Q(hand_loan_limit__gte=0))
                & (models.Q(draw_limit=None) | models.Q(draw_limit__gte=0)),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """In the language of whoever reads."""
        return in_language(self.name_ta, self.name_en)

    @property
    def address(self) -> str:
        return in_language(self.address_ta, self.address_en)


def in_language(tamil: str, english: str) -> str:
    """The one of two names that fits the active language; the other one where it is empty."""
    from django.utils.translation import get_language

    first, second = (tamil, english) if get_language() == "ta" else (english, tamil)
    return first or second


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        return self.filter(is_active=True, user__is_active=True)


class Membership(models.Model):
    """What a user is in a shop: owner, staff, or one of its farmers."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(_("role"), max_length=8, choices=Role)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("since"), auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["shop", "user"], name="one_membership_per_shop"),
            models.UniqueConstraint(fields=["shop", "id"], name="membership_of_its_shop"),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.get_role_display()}"

    @property
    def has_left(self) -> bool:
        """Whether he may not write anything any more; what he had written before may still come, from a tablet."""
        return not (self.is_active and self.user.is_active and self.role in ALLOWED[Role.STAFF])


keep_history(User, never=("password", "last_login", "pin", "pin_id", "pin_wrong"))
keep_history(Shop)
keep_history(Membership)
