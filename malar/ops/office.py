"""The office's first page: how the books stand, above what can be set."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import Promise

from malar.accounts.admin_site import ShopAdminSite
from malar.accounts.models import Shop
from malar.ops.books import BROKEN, LATE, LATE_AFTER, NEVER, OK
from malar.ops.invariants import invariants
from malar.trail.models import BooksCheck


@dataclass(frozen=True)
class Broken:
    """What should be so, and the rows (id and figures) of which it is not."""

    says: Promise
    rows: list[dict[str, str]]


@dataclass(frozen=True)
class BooksOfShop:
    """How a shop's books stood at the last check, and what was found in them or belongs to nobody."""

    state: str
    at: dt.datetime | None
    checked: int
    findings: list[Broken]


def books_of(shop: Shop, now: dt.datetime) -> BooksOfShop:
    """The last check as one shop may see it: another shop's rows are none of its business. One query."""
    last = BooksCheck.objects.first()
    if last is None:
        return BooksOfShop(NEVER, None, 0, [])
    says = {each.name: each.says for each in invariants()}
    findings = [
        Broken(says[found["invariant"]], rows)
        for found in last.findings
        if found["invariant"] in says
        and (rows := [row for row in found["rows"] if row["shop"] in {None, str(shop.pk)}])
    ]
    state = BROKEN if findings else LATE if now - last.at > LATE_AFTER else OK
    return BooksOfShop(state, last.at, last.checked, findings)


class Office(ShopAdminSite):
    """The office as it is put up: `AccountsAdminConfig` names it."""

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        books = books_of(request.shop, timezone.now())  # type: ignore[attr-defined]
        return super().index(request, {**(extra_context or {}), "books": books})
