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
from django.core.cache import cache
from django.core.management import call_command
from django.db.models import Case, When
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from ledger.domain import Cadence
from ledger.models import Charge, DailyEntry, Farmer
from ledger.services.days import close_day, record_expense
from ledger.services.movements import record_movement
from ledger.services.rollups import renew_months, sum_up_days
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA, business_date_of
from malar.sync.models import Stream
from malar.sync.services import block_tablet, register_device
from malar.trail.models import Event
from malar.trail.services.events import hand_over
from notifications.models import Attempt, Callback, Message
from notifications.services.inbound import take_inbound
from notifications.services.queueing import react
from settlements.models import ApprovalLink, Settlement
from settlements.services.approvals import approve, change_recovery, dispute, submit
from settlements.services.links import link_for
from settlements.services.months import add_month
from settlements.services.payments import record_payment
from settlements.services.runs import Order, begin_run, make_run
from tests.cast import a_buyer_of
from tests.notifications.farmers_phone import PHONE as PHONE_NUMBER
from tests.notifications.farmers_phone import fields_of, has
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
    settled: dict[str, Settlement]
    """By status: one of each, of yesterday; the grower's own waits for approval."""
    payment: UUID
    """A part of the approved one, by UPI."""

    @classmethod
    def begin(cls, *, days: int) -> "Morning":
        """Let `days` mornings happen, up to now."""
        os.environ.setdefault("DEMO_PASSWORD", "malli-poo-2026")
        call_command("demo", days=days, verbosity=0)
        hand_over(limit=12)  # some farmers were told
        not_all_arrived()
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
        sum_up_days()
        renew_months()
        moved = money_moved(owner, clerk, line.farmer)
        closed = day_closed(clerk, today - dt.timedelta(days=1))
        months_known(owner)
        settled = settlements_made(owner, clerk, member[Role.FARMER].farmer, but=line.farmer)
        answers_come()
        return cls(*people, line.farmer, line, moved, buyer, *closed, *settled)

    def speak(self, language: str) -> None:
        """Everybody reads this language from now on."""
        for member in (self.owner, self.clerk, self.grower):
            member.user.language = language
            member.user.save(update_fields=["language"])


def not_all_arrived() -> None:
    """Of what farmers were told most arrived; one was refused, of one nobody knows, and one waits. Said outright: the
    database's clock, by which messages go, is not this morning's."""
    now, over = timezone.now(), {"next_attempt_at": None, "attempt": 1, "provider": "twilio_whatsapp"}
    refused, lost, waits, *arrived = Message.objects.order_by("-created_at")
    told = Message.objects.filter(pk__in=[message.pk for message in arrived])
    told.update(state="delivered", sent_at=now, delivered_at=now, cost_paise=55, **over)
    Message.objects.filter(pk=refused.pk).update(state="failed", error_code="21211", **over)
    Message.objects.filter(pk=lost.pk).update(
        state="unknown", error_code="lost", cost_paise=55, address="+919876500014", **over
    )
    Message.objects.filter(pk=waits.pk).update(
        state="retry", error_code="away", attempt=2, next_attempt_at=now
    )
    call = {"shop": lost.shop, "message": lost, "number": 1, "provider": "twilio_whatsapp"}
    Attempt.objects.create(**call, outcome="unknown", code="lost", started_at=now, ended_at=now)


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


def answers_come() -> None:
    """A farmer writes more than a word about his receipt, somebody sends a picture, and a stranger asks for flowers."""
    message = Message.objects.select_related("farmer").earliest("pk")
    has(message.farmer, PHONE_NUMBER)
    Message.objects.filter(pk=message.pk).update(address=PHONE_NUMBER)
    Attempt.objects.create(
        shop=message.shop, message=message, number=90, provider="twilio_whatsapp", provider_id="SM1"
    )
    for fields in (
        fields_of("எடை 2 கிலோ குறைவு போட்டிருக்கு. கொஞ்சம் பாருங்க", "SMa", PHONE_NUMBER, "SM1"),
        fields_of("", "SMb", PHONE_NUMBER),
        fields_of("பூ இருக்கு, வாங்கிக்கறீங்களா?", "SMc", "+919800000000"),
    ):
        body, sid = fields, fields["MessageSid"]
        Callback.objects.create(
            provider="twilio",
            about="inbound",
            dedupe_key=f"in:{sid}",
            body=body,
            received_at=timezone.now(),
        )
    take_inbound()


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


def months_known(owner: Membership) -> None:
    """The present month, and two before it, of which one is too long to be all of it. A farmer waits for the next."""
    for name, day in (
        ("ஆவணி", dt.date(2026, 8, 17)),
        ("ஐப்பசி", dt.date(2026, 10, 18)),
        ("கார்த்திகை", dt.date(2026, 11, 17)),
    ):
        add_month(by=owner, key=uuid4(), name=name, starts_on=day)
    farmer = owner.shop.farmers.active().order_by("number")[1]
    farmer.cadence = Cadence.TAMIL_MONTH
    farmer.save()


def settlements_made(
    owner: Membership, clerk: Membership, grower: Farmer, *, but: Farmer
) -> tuple[dict[str, Settlement], UUID]:
    """Yesterday's flowers settled, and each settlement as far as its name says. The approved one is paid in part."""
    yesterday = business_date_of(timezone.now(), owner.shop.turnover_hour) - dt.timedelta(days=1)
    grower.upi = "murugesan@okbank"
    grower.save(update_fields=["upi"])
    before = yesterday - dt.timedelta(days=1)  # yesterday's cash is counted
    said: tuple[tuple[Membership, str, int, str], ...] = (
        (clerk, "draw", 200, "cash"),
        (owner, "opening_advance", 5000, "none"),
    )
    for by, kind, amount, mode in said:
        record_movement(
            by=by,
            key=uuid4(),
            farmer_id=grower.pk,
            kind=kind,
            amount=Decimal(amount),
            business_date=before,
            mode=mode,
        )
    brought = owner.shop.farmers.filter(daily_entries__business_date=yesterday).exclude(pk=but.pk).distinct()
    farmers = (grower.pk, *brought.exclude(pk=grower.pk).order_by("number").values_list("pk", flat=True)[:6])
    order = Order(yesterday, yesterday, farmers, {grower.pk: Decimal(300)}, despite_tablets=True)
    run = begin_run(by=owner, key=uuid4(), order=order).made
    make_run(run)
    his, draft, approved, paid, disputed, yes, *_more = Settlement.objects.filter(run=run).order_by(
        Case(When(farmer=grower, then=0), default=1), "farmer__number"
    )
    for settlement in (his, approved, paid, disputed, yes):
        submit(by=owner, settlement_id=settlement.pk)
    dispute(by=clerk, settlement_id=disputed.pk, reason="மல்லி எடை 2 கிலோ குறைவு")
    approve(by=clerk, settlement_id=his.pk, content_hash=his.content_hash)
    his.refresh_from_db()
    change_recovery(by=owner, settlement_id=his.pk, recovery=Decimal(250), version=his.version)
    submit(by=owner, settlement_id=his.pk)
    for settlement in (approved, paid):
        pk, content = settlement.pk, settlement.content_hash
        approve(by=owner, settlement_id=pk, content_hash=content, for_farmer=True, method="paper")
        approve(by=clerk, settlement_id=pk, content_hash=content)
    approved.farmer.upi = "velu@okbank"
    approved.farmer.save(update_fields=["upi"])
    approve(by=owner, settlement_id=yes.pk, content_hash=yes.content_hash, for_farmer=True, method="paper")
    part = record_payment(by=clerk, key=uuid4(), settlement_id=approved.pk, amount=Decimal(100), mode="upi")
    record_payment(by=clerk, key=uuid4(), settlement_id=paid.pk, amount=paid.net, mode="cash")
    by_status = {"pending": his, "draft": draft, "approved": approved, "paid": paid, "disputed": disputed}
    return by_status, part.made


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


def _link(morning: Morning, language: str) -> str:
    """The grower's own, made anew: nobody is told an old one."""
    token = link_for(by=morning.clerk, settlement_id=morning.settled["pending"].pk)
    return f"/s/{token}/?lang={language}"


def _spent_link(morning: Morning, language: str) -> str:
    """One that is too old."""
    address = _link(morning, language)
    ApprovalLink.objects.filter(used_at=None).update(expires_at=timezone.now())
    return address


def _ask_code(page: Page) -> None:
    """A number that is nobody's: the page says the same. In the database the limit on asking stays as it is."""
    cache.clear()
    page.fill("#id_phone", "98765 00000")
    page.click("main form .button--primary")
    page.wait_for_selector("#id_code")


def _change_wish(page: Page) -> None:
    page.click("#wish-day_summary")
    page.wait_for_selector(".toast")


def _preview(page: Page) -> None:
    page.check("[name=period][value=this_week]")
    page.click("[name=preview]")
    page.wait_for_selector("#preview")


def _show_link(page: Page) -> None:
    page.click("form[action$='/link/'] button")
    page.wait_for_selector("#link")


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
    Place("code-ask", "/sign-in/", who="stranger", sizes=PHONE_SIZES),
    Place("code-give", "/sign-in/", who="stranger", sizes=PHONE_SIZES, act=_ask_code),
    Place("my-day", "/", who="grower", sizes=PHONE_SIZES),
    Place("my-month", "/mine/month/", who="grower", sizes=PHONE_SIZES),
    Place("my-wishes", "/mine/wishes/", who="grower", sizes=PHONE_SIZES),
    Place("my-wish-changed", "/mine/wishes/", who="grower", sizes=PHONE_SIZES, act=_change_wish),
    Place("wishes", lambda morning, _: f"/wishes/{morning.farmer.pk}/", sizes=(*COUNTER_SIZES, PHONE)),
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
    Place("settlements", "/settlements/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("my-settlements", "/settlements/", who="grower", sizes=PHONE_SIZES),
    Place(
        "months",
        "/settlements/months/",
        sizes=(*COUNTER_SIZES, PHONE),
        act=lambda page: page.click(".months__change summary >> nth=0"),
    ),
    Place(
        "month-taken-out",
        "/settlements/months/?name=சித்திரை&starts_on=2027-04-14",
        sizes=(*COUNTER_SIZES, PHONE),
    ),
    Place("run-new", "/settlements/runs/new/", sizes=(*COUNTER_SIZES, PHONE)),
    Place(
        "run-preview",
        "/settlements/runs/new/",
        sizes=(*COUNTER_SIZES, PHONE),
        act=_preview,
    ),
    Place(
        "run",
        lambda morning, _: f"/settlements/runs/{morning.settled['draft'].run_id}/",
        sizes=(*COUNTER_SIZES, PHONE),
    ),
    Place(
        "run-agreed",
        lambda morning, _: f"/settlements/runs/{morning.settled['draft'].run_id}/",
        who="clerk",
        sizes=(*COUNTER_SIZES, PHONE),
    ),
    Place(
        "settlement",
        lambda morning, _: f"/settlements/{morning.settled['pending'].pk}/",
        sizes=(*COUNTER_SIZES, PHONE),
    ),
    Place(
        "settlement-shown",
        lambda morning, _: f"/settlements/{morning.settled['pending'].pk}/",
        who="clerk",
        act=_show_link,
    ),
    Place("settlement-draft", lambda morning, _: f"/settlements/{morning.settled['draft'].pk}/"),
    Place("settlement-disputed", lambda morning, _: f"/settlements/{morning.settled['disputed'].pk}/"),
    Place("settlement-approved", lambda morning, _: f"/settlements/{morning.settled['approved'].pk}/"),
    Place(
        "my-settlement",
        lambda morning, _: f"/settlements/{morning.settled['pending'].pk}/",
        who="grower",
        sizes=PHONE_SIZES,
    ),
    Place(
        "payment-new",
        lambda morning, _: f"/settlements/{morning.settled['approved'].pk}/pay/",
        sizes=(*COUNTER_SIZES, PHONE),
        act=lambda page: page.check("[name=mode][value=upi]"),
    ),
    Place("payment", lambda morning, _: f"/settlements/payments/{morning.payment}/"),
    Place("link", _link, who="nobody", sizes=PHONE_SIZES),
    Place("link-spent", _spent_link, who="nobody", sizes=PHONE_SIZES),
    Place("farmer-new", "/ledger/farmers/new/"),
    Place("farmer-edit", lambda morning, _: f"/ledger/farmers/{morning.farmer.pk}/edit/"),
    Place("farmer-import", "/ledger/farmers/import/"),
    Place("rates", "/pricing/rates/"),
    Place("rates-history", "/pricing/rates/history/"),
    Place("rates-wall", "/pricing/rates/wall/", sizes=(DESK, TABLET)),
    Place("reports", "/reports/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-daily", "/reports/daily/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-mine", "/reports/daily/", who="grower", sizes=PHONE_SIZES),
    Place("report-farmers", "/reports/farmers/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-flowers", "/reports/flowers/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-commission", "/reports/commission/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-rates", "/reports/rates/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-months", "/reports/months/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-settlements", "/reports/settlements/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-advances", "/reports/advances/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("report-collection", "/reports/collection/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("messages", "/messages/"),
    Place("answers", "/messages/answers/", sizes=(*COUNTER_SIZES, PHONE)),
    Place("messages-stuck", "/messages/?stuck=on", sizes=(*COUNTER_SIZES, PHONE)),
    Place(
        "message",
        lambda m, _: f"/messages/{m.line.shop.messages.filter(state='unknown').latest('created_at').pk}/",
        sizes=(*COUNTER_SIZES, PHONE),
    ),
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
    Place(
        "office-message",
        lambda m, _: f"/admin/notifications/message/{m.line.shop.messages.latest('created_at').pk}/change/",
        sizes=(DESK,),
        ready="#content",
    ),
)
