"""What is refused in what people say about lines and money, worded once for all services."""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _

from ledger.domain import CLOCK_SKEW, SHOP_SERIES, RateReason
from malar.accounts.domain import Role
from malar.accounts.models import Membership, Shop
from malar.kernel.clock import business_date_of
from malar.kernel.errors import Fault, RuleBroken
from malar.kernel.quantities import significant_decimals

OLDEST = dt.timedelta(days=3660)
HIGHEST_RATE = Decimal("9999999999.99")
HIGHEST_COMMISSION = Decimal("99999999.99")
LONGEST_TEXT, LONGEST_REFERENCE = 200, 40
"""Letters: of a note or a reason, and of the number on a cheque."""
SLIP_FORMAT = re.compile(r"[A-Z][A-Z0-9]{0,3}-\d{4}-\d{3,5}")


def refusal(faults: Sequence[Fault]) -> RuleBroken:
    """One error that names every refused field, so that nobody corrects them one by one."""
    return RuleBroken(faults[0].detail, code=faults[0].code, faults=faults)


def length_faults(pointer: str, text: str, longest: int = LONGEST_TEXT) -> list[Fault]:
    """What forbids a text: more than `longest` letters."""
    if len(text) <= longest:
        return []
    detail = _("This is too long: %(count)s letters at most.") % {"count": longest}
    return [Fault(pointer, "too_long", detail)]


def reason_said(said: str, pointer: str = "/reason") -> str:
    """A reason without the space around it. Raises RuleBroken `required`, `too_long`."""
    reason = said.strip()
    if not reason:
        raise RuleBroken(_("Say why."), code="required", pointer=pointer)
    if faults := length_faults(pointer, reason):
        raise refusal(faults)
    return reason


def day_faults(shop: Shop, day: dt.date, pointer: str = "/business_date") -> list[Fault]:
    """What forbids money of a business day: one to come, or one too far back."""
    today = business_date_of(timezone.now(), shop.turnover_hour)
    if day > today:
        return [Fault(pointer, "in_future", _("This day has not come yet."))]
    if day < today - OLDEST:
        return [Fault(pointer, "too_old", _("This date is too far back."))]
    return []


def commission_faults(by: Membership, pct: Decimal | None, per_unit: Decimal | None) -> list[Fault]:
    """What forbids a commission typed for a line: percent of the amount, ₹ per unit; both are the owner's."""
    faults = []
    for pointer, value, most in (
        ("/commission_pct", pct, Decimal(100)),
        ("/commission_per_unit", per_unit, HIGHEST_COMMISSION),
    ):
        if value is None:
            continue
        if by.role != Role.ADMIN:
            faults.append(Fault(pointer, "owner_only", _("Only the owner sets the commission of an entry.")))
        elif not 0 <= value <= most:
            faults.append(Fault(pointer, "out_of_range", _("This commission is not possible.")))
        elif significant_decimals(value) > 2:
            faults.append(Fault(pointer, "too_precise", _("A commission has at most two decimals.")))
    return faults


def adjustment_faults(
    asked: Sequence[UUID], found: Sequence[dict[str, Any]], *, is_typed: bool
) -> list[Fault]:
    """What forbids the adjustments `asked` for, of which the shop has `found`."""
    if not asked:
        return []
    if is_typed:
        detail = _("A typed rate is what it is. Leave out the rate, or the adjustments.")
        return [Fault("/adjustments", "rate_is_typed", detail)]
    if len(set(asked)) < len(asked):
        return [Fault("/adjustments", "twice", _("The same adjustment is there twice."))]
    if len(found) < len(asked):
        detail = _("This adjustment is not in your shop's list.")
        return [Fault("/adjustments", "unknown_adjustment", detail)]
    return []


def time_faults(at: dt.datetime, now: dt.datetime) -> list[Fault]:
    """What forbids a line of a moment: one to come, or one too far back."""
    if at > now + CLOCK_SKEW:
        return [Fault("/captured_at", "in_future", _("This time has not come yet. Check the clock."))]
    if at < now - OLDEST:
        return [Fault("/captured_at", "too_old", _("This date is too far back."))]
    return []


def rate_faults(rate: Decimal | None, reason: str) -> list[Fault]:
    """What forbids a rate (₹ per unit) and its reason."""
    faults = []
    if rate is not None:
        if rate < 0:
            faults.append(Fault("/rate", "negative", _("A rate cannot be below zero.")))
        if significant_decimals(rate) > 2:
            faults.append(Fault("/rate", "too_precise", _("A rate has at most two decimals.")))
        if rate > HIGHEST_RATE:
            faults.append(Fault("/rate", "too_large", _("This number is too large.")))
    if reason and reason not in RateReason.values:
        faults.append(Fault("/rate_reason", "unknown_reason", _("This reason is not known.")))
    return faults


def slip_faults(slip: str) -> list[Fault]:
    """What forbids a slip number that a line brings: its form, and the shop's own series."""
    if slip and not SLIP_FORMAT.fullmatch(slip):
        return [Fault("/slip_number", "malformed", _("A slip number looks like A1-0603-018."))]
    if slip.startswith(f"{SHOP_SERIES}-"):
        return [
            Fault("/slip_number", "reserved_series", _("Numbers of the shop's own series are given here."))
        ]
    return []
