"""Every page of the house, and a morning at which to look at it: shared by the tests and the pictures."""

import datetime as dt
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID, uuid4

import time_machine
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from ledger.models import Charge, DailyEntry, Farmer
from ledger.services.days import close_day, record_expense
from ledger.services.movements import record_movement
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA, business_date_of
from malar.sync.models import Stream
from malar.sync.services import block_tablet, register_device
from malar.trail.models import Event
from malar.trail.services.events import hand_over
from notifications.services.queueing import react
from tests.cast import a_buyer_of
from tests.sync.clashes import clash

MORNING = dt.datetime(2026, 11, 20, 5, 52, tzinfo=KOLKATA)
"""A Friday in Karthigai, in the rush."""

TABLET = {"width": 800, "height": 1280}
DESK = {"width": 1280, "height": 800}
SMALL = {"width": 1024, "height": 600}
PHONE = {"width": 412, "height": 915}
COUNTER_SIZES = (DESK, TABLET, SMALL)
PHONE_SIZES = (PHONE,)


@dataclass(frozen=True)
class Morning:
    """The demo's shop in the middle of a morning, and what single pages are about."""

    owner: Membership
    clerk: Membership
    grower: Membership
    farmer: Farmer
    line: DailyEntry
    movements: dict[str, UUID]
    """By status: one of each."""
    buyer: tuple[UUID, UUID, UUID]
    """A buyer, what he took today, what he paid."""
    expense: UUID
    yesterday: dt.date
    """A day that is closed."""

    @classmethod
    def begin(cls, *, days: int) -> "Morning":
        """Let `days` mornings happen, up to now."""
        os.environ.setdefault("DEMO_PASSWORD", "malli-poo-2026")
        call_command("demo", days=days, verbosity=0)
        hand_over(limit=12)  # some farmers were told
        member = {role: Membership.objects.select_related("user").get(role=role) for role in Role}
        line = DailyEntry.objects.standing().select_related("farmer").exclude(rate=None).latest("captured_at")
        people = (member[Role.ADMIN], member[Role.STAFF], member[Role.FARMER])
        owner, clerk = member[Role.ADMIN], member[Role.STAFF]
        today = business_date_of(timezone.now(), owner.shop.turnover_hour)
        clash(owner, clerk, lines_of(clerk, but=line))
        on_tablets(owner, clerk)
        for event in Event.objects.undone().filter(name__in=("TabletLost", "RatesPending")):
            react(event_id=event.pk)
        buyer = a_buyer_of(owner, line.flower, today)
        moved = money_moved(owner, clerk, line.farmer)
        return cls(*people, line.farmer, line, moved, buyer, *day_closed(clerk, today - dt.timedelta(days=1)))

    def speak(self, language: str) -> None:
        """Everybody reads this language from now on."""
        for member in (self.owner, self.clerk, self.grower):
            member.user.language = language
            member.user.save(update_fields=["language"])


def lines_of(clerk: Membership, *, but: DailyEntry) -> list[DailyEntry]:
    """The last four weighed lines of his but that one."""
    lines = DailyEntry.objects.standing().filter(created_by=clerk, kind="sale", version=1)
    weighed = lines.exclude(rate=None).exclude(gross_quantity=None).exclude(pk=but.pk)
    return list(weighed.filter(sack_weights__isnull=True, gross_quantity__gt=3).order_by("-captured_at")[:4])


def money_moved(owner: Membership, clerk: Membership, farmer: Farmer) -> dict[str, UUID]:
    """Some money given to a farmer by the clerk, the last of it over the limit; one movement by status."""
    shop = owner.shop
    shop.advance_limit = clerk.shop.advance_limit = Decimal(20000)
    shop.save(update_fields=["advance_limit"])
    today = business_date_of(timezone.now(), shop.turnover_hour)
    said: tuple[tuple[Membership, str, str, str, int], ...] = (
        (owner, "opening_advance", "15000", "none", 20),
        (clerk, "advance", "2000", "cash", 9),
        (clerk, "hand_loan", "500", "cash", 4),
        (clerk, "draw", "3000", "upi", 2),
        (clerk, "advance_repayment", "1000", "cash", 0),
        (clerk, "advance", "9000", "cash", 0),
    )
    by_status = {}
    for by, kind, amount, mode, days_ago in said:
        answer = record_movement(
            by=by,
            key=uuid4(),
            farmer_id=farmer.pk,
            kind=kind,
            amount=Decimal(amount),
            business_date=today - dt.timedelta(days=days_ago),
            mode=mode,
            note="கிணறு வேலை" if kind == "advance" else "",
        )
        by_status[answer.body["status"]] = answer.made
    return by_status


def on_tablets(owner: Membership, clerk: Membership) -> None:
    """One tablet from which everything came, one that still has some of it, one that is lost."""
    now = timezone.now()
    for name, by, stream in (
        ("தராசு", clerk, {}),
        ("", clerk, {"pending": 3, "stalled": 1, "conflicts": 1, "announced_seq": 3}),
        ("வாசல்", owner, {"announced_seq": 3, "left_at": now}),
    ):
        tablet = register_device(by=by, id=uuid4(), name=name)
        oldest = now - dt.timedelta(hours=1)
        Stream.objects.create(
            id=uuid4(),
            shop=by.shop,
            device=tablet,
            author=by,
            last_seen_at=now - dt.timedelta(minutes=4),
            oldest_at=oldest,
            **stream,
        )
    block_tablet(by=owner, device_id=tablet.pk, is_lost=True)


def day_closed(clerk: Membership, yesterday: dt.date) -> tuple[UUID, dt.date]:
    """Yesterday's cash was ₹20 short and is locked; today the shop paid for the bus."""
    close_day(
        by=clerk,
        key=uuid4(),
        day=yesterday,
        denominations={"500": 40, "200": 20, "50": 17, "10": 13},
        opening_cash=Decimal(25000),
    )
    expense = record_expense(
        by=clerk,
        key=uuid4(),
        amount=Decimal(120),
        what="பஸ் லக்கேஜ்",
        business_date=yesterday + dt.timedelta(days=1),
        mode="cash",
    )
    return expense.made, yesterday


@dataclass(frozen=True)
class Place:
    """A page: its name in the pictures, its address, who looks, on what, and what he waits for."""

    name: str
    address: Callable[[Morning, str], str] | str
    who: str = "owner"
    sizes: tuple[dict[str, int], ...] = field(default=COUNTER_SIZES)
    ready: str = "main"
    act: Callable[[Page], None] | None = None
    # Letters of the size the reader set. The counter's are set to the screen; they grow with the zoom alone.
    grows: bool = True

    def open(self, page: Page, morning: Morning, language: str) -> None:
        """Go there and wait until it is what people see."""
        address = self.address if isinstance(self.address, str) else self.address(morning, language)
        page.goto(address)
        page.wait_for_selector(self.ready)
        if self.act:
            self.act(page)
        page.evaluate("document.fonts.ready")


def sign_in(context: BrowserContext, address: str, member: Membership | None) -> None:
    """Let the browser hold the session of `member`; nobody's for None."""
    context.clear_cookies()
    if member is None:
        return
    client = Client()
    client.force_login(member.user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}])


@contextmanager
def in_the_rush() -> Iterator[None]:
    """It is MORNING, and time goes on from there."""
    with time_machine.travel(MORNING, tick=True):
        yield


def _counter(name: str, keys: str = "") -> Place:
    """The counter with `keys` typed on an empty slip; ⏎ is Enter."""

    def act(page: Page) -> None:
        page.keyboard.press("Escape")
        for key in keys:
            page.keyboard.press("Enter" if key == "⏎" else key)

    return Place(name, lambda _, language: f"/app/{language}/", ready=".tile input", act=act, grows=False)


PLACES: tuple[Place, ...] = (
    Place("sign-in", "/accounts/login/", who="stranger", sizes=(*COUNTER_SIZES, PHONE)),
    Place("password-reset", "/accounts/password/reset/", who="stranger"),
    _counter("counter"),
    _counter("counter-weighed", "00212.5"),
    _counter("counter-asked", "002125⏎"),
    Place(
        "offline",
        lambda _, language: f"/app/offline/{language}/",
        sizes=(*COUNTER_SIZES, PHONE),
        act=lambda page: page.evaluate(
            "() => { count.textContent = '12'; document.getElementById('safe').hidden = false; }"
        ),
    ),
    Place("board", "/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("my-day", "/", who="grower", sizes=PHONE_SIZES),
    Place("entries", "/ledger/entries/"),
    Place("entry-plain", "/ledger/entries/new/"),
    Place("entry", lambda morning, _: f"/ledger/entries/{morning.line.pk}/"),
    Place("entry-edit", lambda morning, _: f"/ledger/entries/{morning.line.pk}/edit/"),
    Place("entry-void", lambda morning, _: f"/ledger/entries/{morning.line.pk}/void/"),
    Place("charges", "/ledger/charges/"),
    Place("charge-new", "/ledger/charges/new/"),
    Place(
        "charge-waive",
        lambda *_: (
            f"/ledger/charges/{Charge.objects.filter(status='standing').latest('created_at').pk}/waive/"
        ),
    ),
    Place("pending", "/ledger/pending/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("pending-price", "/ledger/pending/price/"),
    Place(
        "slip",
        lambda morning, _: f"/ledger/slips/{morning.line.business_date}/{morning.farmer.pk}/",
        sizes=(DESK, TABLET, PHONE),
    ),
    Place("slip-sheet", lambda morning, _: f"/ledger/slips/{morning.line.business_date}/", sizes=(DESK,)),
    Place("farmers", "/ledger/farmers/", sizes=(*COUNTER_SIZES, PHONE)),
    Place(
        "farmer", lambda morning, _: f"/ledger/farmers/{morning.farmer.pk}/", sizes=(*COUNTER_SIZES, PHONE)
    ),
    Place(
        "farmer-account",
        lambda morning, _: f"/ledger/farmers/{morning.farmer.pk}/account/",
        sizes=(*COUNTER_SIZES, PHONE),
    ),
    Place(
        "my-account",
        lambda morning, _: f"/ledger/farmers/{morning.grower.farmer.pk}/account/",
        who="grower",
        sizes=PHONE_SIZES,
    ),
    Place("movements", "/ledger/movements/", sizes=(*COUNTER_SIZES, PHONE)),
    Place(
        "movement-new",
        lambda morning, _: f"/ledger/movements/new/?farmer={morning.farmer.number}&kind=advance",
    ),
    Place("movement", lambda morning, _: f"/ledger/movements/{morning.movements['posted']}/"),
    Place("movement-waiting", lambda morning, _: f"/ledger/movements/{morning.movements['waiting']}/"),
    Place("buyers", "/ledger/buyers/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("buyer-new", "/ledger/buyers/new/"),
    Place("buyer", lambda morning, _: f"/ledger/buyers/{morning.buyer[0]}/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("buyer-edit", lambda morning, _: f"/ledger/buyers/{morning.buyer[0]}/edit/"),
    Place("buyer-sale-new", "/ledger/buyers/sales/new/?buyer=1"),
    Place("buyer-sale-void", lambda morning, _: f"/ledger/buyers/sales/{morning.buyer[1]}/void/"),
    Place("buyer-receipt-new", "/ledger/buyers/receipts/new/?buyer=1"),
    Place("shrinkage", "/ledger/shrinkage/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("days", "/ledger/days/", sizes=(*COUNTER_SIZES, PHONE)),
    Place(
        "day-close",
        lambda morning, _: f"/ledger/days/{morning.line.business_date}/",
        sizes=(*COUNTER_SIZES, PHONE),
        act=lambda page: page.fill("#id_500", "38"),
    ),
    Place(
        "day-closed", lambda morning, _: f"/ledger/days/{morning.yesterday}/", sizes=(*COUNTER_SIZES, PHONE)
    ),
    Place("export", "/ledger/export/"),
    Place("expense-new", "/ledger/expenses/new/"),
    Place("expense", lambda morning, _: f"/ledger/expenses/{morning.expense}/reverse/"),
    Place("farmer-new", "/ledger/farmers/new/"),
    Place("farmer-edit", lambda morning, _: f"/ledger/farmers/{morning.farmer.pk}/edit/"),
    Place("farmer-import", "/ledger/farmers/import/"),
    Place("rates", "/pricing/rates/"),
    Place("rates-history", "/pricing/rates/history/"),
    Place("rates-wall", "/pricing/rates/wall/", sizes=(DESK, TABLET)),
    Place("messages", "/messages/"),
    Place("inbox", "/inbox/"),
    Place("inbox-farmer", "/inbox/", who="grower", sizes=PHONE_SIZES),
    Place("conflicts", "/conflicts/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("members", "/members/"),
    Place("hand-in", "/handed-in/"),
    Place("member-invite", "/members/invite/"),
    Place("tablets", "/tablets/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("email", "/accounts/email/"),
    Place("password", "/accounts/password/change/"),
    Place("not-found", "/nowhere/"),
    Place("not-allowed", "/members/", who="clerk"),
    Place("design", "/design/", sizes=(DESK, TABLET)),
    Place("office", "/admin/", sizes=(DESK,), ready="#content"),
    Place(
        "office-flower",
        lambda m, _: f"/admin/pricing/flower/{m.line.flower_id}/change/",
        sizes=(DESK,),
        ready="#content",
    ),
)
