"""Farmers."""

from __future__ import annotations

from functools import reduce
from operator import add

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Case, Exists, Q, Value, When
from django.db.models.functions import Least
from django.utils.translation import gettext_lazy as _

from ledger.domain import Cadence, Recovery
from malar.accounts.domain import Language
from malar.accounts.models import Membership, Shop, in_language
from malar.kernel.history import keep_history
from malar.kernel.ids import new_id
from malar.kernel.sound import together, words_of
from malar.kernel.sound_field import Heard, SoundField, heard


class FarmerQuerySet(models.QuerySet["Farmer"]):
    def active(self) -> FarmerQuerySet:
        return self.filter(is_active=True)

    def matching(self, words: str) -> FarmerQuerySet:
        """Whoever is meant by what somebody typed, the nearest first: number, code, end of the phone number,
        name or village in either script as they are spelled or sound.

        Every word must fit. Names that only sound nearly so come where no other does. Lazy, one query.
        """
        typed = words_of(words)
        if not typed:
            return self.none()
        asked = [_numbered(word) if word.isdecimal() else heard(word) for word in typed]
        begun, exact, alike = Q(), Q(), Q()
        for one in asked:
            begun, exact, alike = begun & one.begun, exact & one.exact, alike & one.alike
        rank = reduce(add, (one.rank for one in asked))
        # Written in two words what the book has in one.
        for one in map(heard, together(typed)):
            begun, exact, alike = begun | one.begun, exact | one.exact, alike | one.alike
            rank = Case(When(one.exact, then=Least(rank, one.rank)), default=rank)
        coded = Q(code__iexact="".join(words.split()))
        nobody_begun = Q(~Exists(self.filter(begun | coded).order_by()))
        found = self.filter(exact | coded | (nobody_begun & alike))
        return found.order_by(Case(When(coded, then=Value(0)), default=rank), "-is_active", "number")


def _numbered(digits: str) -> Heard:
    """Rows that have a typed number: their own, or the end of a phone number."""
    number = Q(number=int(digits)) if len(digits) <= 4 else Q(pk__in=[])
    exact = number | Q(phone__endswith=digits) if len(digits) >= 4 else number
    rank = Case(When(number, then=Value(0)), default=Value(1))
    return Heard(begun=exact, exact=exact, alike=exact, rank=rank)


class Farmer(models.Model):
    """A grower. His names are kept as he is called in either script; they are never translated."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="farmers")
    member = models.OneToOneField(
        Membership, on_delete=models.PROTECT, null=True, blank=True, related_name="farmer"
    )
    code = models.CharField(_("farmer code"), max_length=12)
    number = models.PositiveSmallIntegerField(
        _("number"), validators=[MinValueValidator(1), MaxValueValidator(9999)]
    )
    name_ta = models.CharField(_("name in Tamil"), max_length=80)
    name_en = models.CharField(_("name in English"), max_length=80, blank=True)
    village_ta = models.CharField(_("village in Tamil"), max_length=60, blank=True)
    village_en = models.CharField(_("village in English"), max_length=60, blank=True)
    phone = models.CharField(_("mobile number"), max_length=16, blank=True)
    whatsapp = models.CharField(_("WhatsApp number"), max_length=16, blank=True)
    language = models.CharField(_("language"), max_length=2, choices=Language, default=Language.TAMIL)
    commission_pct = models.DecimalField(
        _("commission, percent"),
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text=_("Empty: as the shop."),
    )
    cadence = models.CharField(_("settled"), max_length=12, choices=Cadence, default=Cadence.ON_DEMAND)
    recovery = models.CharField(_("advance recovery"), max_length=8, choices=Recovery, default=Recovery.NONE)
    recovery_value = models.DecimalField(
        _("recovery, ₹ or percent"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    upi = models.CharField(_("UPI address"), max_length=60, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    sound = SoundField(names=("name_ta", "name_en"), places=("village_ta", "village_en"))

    objects = FarmerQuerySet.as_manager()

    class Meta:
        verbose_name = _("farmer")
        verbose_name_plural = _("farmers")
        ordering = ("number",)
        constraints = [
            models.UniqueConstraint(
                fields=["shop", "code"],
                name="farmer_code_in_shop",
                violation_error_code="code_taken",
                violation_error_message=_("Another farmer has this code."),
            ),
            models.UniqueConstraint(
                fields=["shop", "number"],
                name="farmer_number_in_shop",
                violation_error_code="number_taken",
                violation_error_message=_("Another farmer has this number."),
            ),
            models.UniqueConstraint(fields=["shop", "id"], name="farmer_of_his_shop"),
            models.CheckConstraint(
                name="farmer_number_on_keypad", condition=Q(number__gte=1, number__lte=9999)
            ),
            models.CheckConstraint(
                name="farmer_commission_is_a_percentage",
                condition=Q(commission_pct=None) | Q(commission_pct__gte=0, commission_pct__lte=100),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"

    @property
    def name(self) -> str:
        return in_language(self.name_ta, self.name_en)

    @property
    def is_reachable(self) -> bool:
        """Whether he has a number that messages go to."""
        return bool(self.whatsapp or self.phone)

    @property
    def village(self) -> str:
        return in_language(self.village_ta, self.village_en)


keep_history(Farmer, never=("sound",))
