"""A farmer signs in with his phone: a code goes to the number that the shop has written down for him.

docs/adr/0009 says why allauth's own codes do not fit.
"""

import datetime as dt
from uuid import UUID

from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from ledger.selectors.farmers import farmers_by_phone
from ledger.services.farmers import account_of
from malar.accounts.models import User
from malar.kernel.errors import NotFound
from malar.kernel.transactions import unit_of_work
from malar.trail.services.events import record
from notifications.domain import Kind, State, code_of
from notifications.events import SignInCodeAsked
from notifications.models import Message, SignInCode

KEPT_FOR = dt.timedelta(days=1)


@unit_of_work
def ask_code(*, phone: str) -> None:
    """Send a code to a number (E.164) if a farmer may sign in with it. Nothing else differs, so that nobody learns
    whose numbers are known here. The code asked for before is void, and not sent if it still waits."""
    code = SignInCode.objects.create(phone=phone, made_at=timezone.now())
    Message.objects.waiting().filter(kind=Kind.OTP_LOGIN, address=phone).update(
        state=State.FAILED, next_attempt_at=None, error_code="overtaken"
    )
    farmer = next(iter(farmers_by_phone(phone)), None)
    if farmer is not None:
        record(SignInCodeAsked(code=code.pk, farmer=farmer.pk), shop=farmer.shop)


@unit_of_work
def give_code(*, phone: str, said: str) -> bool:
    """Whether this is the code that the number was sent last. It counts once, for ten minutes, and of five tries one
    must be right."""
    code = (
        SignInCode.objects.select_for_update()
        .filter(pk__in=SignInCode.objects.newest_of(phone).values("pk"))
        .first()
    )
    now = timezone.now()
    if code is None or not code.is_open(now):
        return False
    code.tries += 1
    is_right = constant_time_compare(code_of(code.pk), said)
    if is_right:
        code.used_at = now
    code.save(update_fields=["tries", "used_at"])
    return is_right


@unit_of_work
def user_who_signs_in(*, phone: str, farmer_id: UUID) -> User:
    """The account of one of the farmers of a number that was proved; made at the first time.

    Raises NotFound for whom that number does not open.
    """
    farmer = next((each for each in farmers_by_phone(phone) if each.pk == farmer_id), None)
    if farmer is None:
        raise NotFound(_("There is no such farmer."))
    return account_of(farmer).user


def forget_codes() -> int:
    """Delete what was asked for a day ago: nobody needs these numbers. How many."""
    return SignInCode.objects.filter(made_at__lt=timezone.now() - KEPT_FOR).delete()[0]
