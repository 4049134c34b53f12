"""Sessions end, people change, clocks lie: each operation stays its author's, at the moment it was done."""

import datetime as dt
import json
from decimal import Decimal

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from playwright.sync_api import expect

from ledger.models import DailyEntry
from malar.accounts.models import Membership
from malar.kernel.clock import KOLKATA
from malar.sync.models import Stream, SyncEpoch
from tests import cast
from tests.browser.counter import Counter, Stall
from tests.cast import PASSWORD
from tests.offline.proxy import PASS, REFUSE, Proxy, instead
from tests.offline.tablet import Tablet, hurried
from tests.offline.test_line import FORTY, OPS, book, sell
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def counter(counter: Counter, tablet: Tablet, stall: Stall) -> Counter:
    """Kumar stands before it, and the tablet has its series."""
    counter.open(stall.kumar)
    tablet.is_known()
    return counter


def lines() -> list[DailyEntry]:
    return list(DailyEntry.objects.filter(slip_number__startswith="A1-").order_by("slip_number"))


def test_a_session_that_ended_keeps_the_queue_and_spends_no_try(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#15"""
    page = counter.page
    Session.objects.all().delete()
    cache.clear()
    sell(counter, FORTY[:3])
    expect(counter.panel).to_contain_text("Nobody is signed in")
    wait_until(lambda: tablet.queue()[0]["total_attempts"] > 0, seconds=10)
    assert [(row["status"], row["retry_count"]) for row in tablet.queue()] == [("queued", 0)] * 3
    assert book() == []
    counter.panel.get_by_role("link", name="Sign in").click()
    page.fill("input[name=login]", stall.kumar.user.email or "")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/app/en/")
    tablet.drained()
    assert book() == FORTY[:3]


def test_a_token_that_was_renewed_elsewhere_is_asked_for_and_no_try_is_spent(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#17"""
    sell(counter, FORTY[:1])
    tablet.drained()
    refused = instead(
        403, '{"code": "csrf_failed"}', {"X-Sync-Protocol": "1", "Content-Type": "application/json"}
    )
    proxy.on(OPS, refused, times=1)
    sell(counter, FORTY[1:2])
    tablet.drained()
    paths = [request.path.split("?")[0] for request in proxy.seen if "/sync/v1/" in request.path]
    first = paths.index("/sync/v1/ops/", paths.index("/sync/v1/ops/") + 1)
    assert "/sync/v1/hello/" in paths[first:]
    assert tablet.queue()[1]["retry_count"] == 0
    assert book() == FORTY[:2]


def test_an_office_page_of_an_ended_session_becomes_the_sign_in_page(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#18: the whole page, never a form within a panel."""
    page = counter.page
    page.goto("/ledger/entries/")
    Session.objects.all().delete()
    cache.clear()
    page.locator("form.filters input").first.press("Enter")
    page.wait_for_url("**/accounts/login/**")
    expect(page.locator("input[name=password]")).to_have_count(1)
    expect(page.locator("form.filters")).to_have_count(0)


def test_what_one_wrote_is_never_sent_as_another(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, meena: Membership
) -> None:
    """#34: Meena signs in at another tab while Kumar's queue waits."""
    proxy.set(REFUSE)
    sell(counter, FORTY[:3])
    counter.cookie(meena)
    proxy.set(PASS)
    counter.page.evaluate("window.dispatchEvent(new Event('online'))")
    wait_until(lambda: any("hello" in r.path and r.reached for r in proxy.seen[-6:]), seconds=10)
    counter.page.wait_for_timeout(500)
    assert book() == []
    unsent = tablet.unsent()
    assert {row["author_id"] for row in unsent} == {str(stall.kumar.user_id)}
    counter.cookie(stall.kumar)
    counter.page.goto("/app/en/")
    tablet.drained()
    assert book() == FORTY[:3]
    assert {line.created_by_id for line in lines()} == {stall.kumar.pk}


def test_a_server_that_forgot_who_it_speaks_with_refuses_the_whole_batch(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#34, its other half: the mismatch is seen at the server, and nothing of it is taken."""
    other = instead(
        409, '{"code": "user_mismatch"}', {"X-Sync-Protocol": "1", "Content-Type": "application/json"}
    )
    proxy.on(OPS, other)
    sell(counter, FORTY[:2])
    counter.page.locator("#pill").click()
    expect(counter.page.locator("#sync-said")).to_contain_text("Somebody else is signed in")
    assert [row["retry_count"] for row in tablet.queue()] == [0, 0]
    proxy.clear()
    counter.page.locator("#send-now").click()
    tablet.drained()
    assert book() == FORTY[:2]


def test_a_tablet_that_was_off_all_day_brings_yesterdays_sales_on_yesterday(
    tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    """#14: no network all morning, switched off, opened the next day."""
    now = timezone.now()
    morning = now.astimezone(KOLKATA).replace(hour=5, minute=30, second=0) - dt.timedelta(days=1)
    tablet.context.add_init_script(hurried(10))
    counter = Counter(tablet.page, proxy.url)
    with time_machine.travel(morning, tick=True):
        cast.called(stall.malli, "600", morning - dt.timedelta(minutes=30), meena)
        counter.page.clock.install(time=morning)
        counter.open(stall.kumar)
        tablet.is_known()
        proxy.set(REFUSE)
        sell(counter, FORTY[:3])
        tablet.kill()
    proxy.set(PASS)
    tablet.start()
    Counter(tablet.page, proxy.url).open(stall.kumar)
    tablet.drained()
    assert book() == FORTY[:3]
    assert {line.business_date for line in lines()} == {morning.date()}
    assert {line.rate for line in lines()} == {Decimal(600)}
    assert all(line.captured_at < morning + dt.timedelta(minutes=5) for line in lines())


def test_a_tablet_that_is_fast_is_put_right(tablet: Tablet, proxy: Proxy, stall: Stall) -> None:
    """#63: 37 minutes ahead, without a network while it sold."""
    tablet.context.add_init_script(hurried(10))
    tablet.context.add_init_script("const now = Date.now; Date.now = () => now() + 37 * 60_000")
    counter = Counter(tablet.page, proxy.url).open(stall.kumar)
    tablet.is_known()
    proxy.set(REFUSE)
    sell(counter, FORTY[:1])
    proxy.set(PASS)
    tablet.drained()
    (line,) = lines()
    assert abs(line.captured_at - timezone.now()) < dt.timedelta(minutes=1)
    captured = tablet.queue()[0]["payload"]["captured"]
    assert captured["device_ms"] / 1000 - timezone.now().timestamp() > 36 * 60
    assert -38 * 60_000 < captured["offset_ms"] < -36 * 60_000


def test_a_tablet_in_another_time_zone_sells_on_the_shops_day(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#66"""
    tablet.kill()
    tablet.timezone = "America/Los_Angeles"
    tablet.start()
    counter = Counter(tablet.page, proxy.url).open(stall.kumar)
    proxy.set(REFUSE)
    sell(counter, FORTY[:1])
    proxy.set(PASS)
    tablet.drained()
    (line,) = lines()
    today = timezone.now().astimezone(KOLKATA).date()
    assert line.business_date == today
    assert line.slip_number == f"A1-{today:%d%m}-001"


def test_yesterdays_rate_is_never_taken_for_todays(
    tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    """#67: the tablet opens without a network and knows only what was called yesterday."""
    now = timezone.now()
    morning = now.astimezone(KOLKATA).replace(hour=5, minute=30, second=0) - dt.timedelta(days=1)
    tablet.context.add_init_script(hurried(10))
    counter = Counter(tablet.page, proxy.url)
    with time_machine.travel(morning, tick=True):
        cast.called(stall.malli, "600", morning - dt.timedelta(minutes=30), meena)
        counter.page.clock.install(time=morning)
        counter.open(stall.kumar)
        tablet.is_known()
        counter.page.wait_for_timeout(300)
        tablet.kill()
    proxy.on("^/(sync|api)/", instead(503))
    tablet.start()
    # A day later, still within the time in which the tablet may be used without a network.
    tablet.context.add_init_script(
        "Object.assign(self.malarOffline ??= {}, { settings: { verified: 1e12 } })"
    )
    opened = Counter(tablet.page, proxy.url).open(None)
    expect(opened.page.locator("#recents")).to_contain_text("Karuppasamy")
    expect(opened.page.locator("#flow label", has_text="Malli")).to_contain_text("rate?")
    opened.type("207⏎9⏎")
    expect(opened.page.locator("#amount")).not_to_contain_text("₹")


def test_the_tablet_shows_the_amount_that_the_server_writes(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, meena: Membership
) -> None:
    """#68: 0.1 kg ten times, at 33.35."""
    cast.called(stall.malli, "33.35", timezone.now() - dt.timedelta(seconds=1), meena)
    page = counter.page
    page.reload()
    expect(page.locator("#flow label", has_text="Malli")).to_contain_text("33.35")
    proxy.set(REFUSE)
    counter.type("045⏎*1⏎" + "0.1+" * 9 + "0.1")
    expect(page.locator("#amount")).to_have_text("₹33.35")
    counter.type("⏎⏎")
    if counter.panel.is_visible():  # ten sacks of a hundred grams are asked about
        counter.panel.get_by_role("button").last.click()
    counter.kept("33.35")
    proxy.set(PASS)
    tablet.drained()
    (line,) = lines()
    assert (line.quantity, line.amount) == (Decimal(1), Decimal("33.35"))


def test_a_server_put_back_to_last_night_is_told_again_what_it_had(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#69"""
    sell(counter, FORTY[:2])
    tablet.drained()
    sell(counter, FORTY[2:3])
    tablet.drained()
    with connection.cursor() as cursor:
        # A backup from before: the lines, their operations and keys are gone, and the operator has said so.
        cursor.execute("TRUNCATE ledger_dailyentry, sync_syncop, trail_answeredrequest CASCADE")
    SyncEpoch.objects.all().delete()
    assert book() == []
    counter.page.reload()
    wait_until(lambda: book() == FORTY[:3], seconds=20)
    tablet.drained()
    assert book() == FORTY[:3]


def test_what_the_server_cannot_use_is_mended_by_a_person(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#48: refused for its weight, mended on the slip; the first try is kept for whoever asks."""
    page = counter.page
    error = {"code": "not_positive", "pointer": "/gross_quantity", "detail": "Weigh it again.", "errors": []}

    refused: list[str] = []

    def once(route: object) -> None:
        request = route.request  # type: ignore[attr-defined]
        op = json.loads(request.post_data)["ops"][0]
        refused.append(op["op_id"])
        result = {
            "op_id": op["op_id"],
            "status": "needs_fix",
            "entity": None,
            "version": None,
            "error": error,
        }
        body = json.dumps({"server_time": timezone.now().isoformat(), "results": [result]})
        route.fulfill(  # type: ignore[attr-defined]
            status=200, body=body, headers={"X-Sync-Protocol": "1", "Content-Type": "application/json"}
        )

    page.route("**/sync/v1/ops/", once, times=1)
    counter.sell("9")
    expect(page.locator("#pill")).to_contain_text("To be mended: 1")
    page.wait_for_timeout(1300)
    page.locator("#pill").click()
    expect(page.locator("#sync-list")).to_contain_text("Weigh it again.")
    page.get_by_role("button", name="Mend it").click()
    expect(counter.weight).to_have_text("9")
    page.locator('[data-key="backspace"]').click()
    counter.tap("9¼")
    counter.save()
    counter.saved("5,920")
    first, second = tablet.queue()
    assert second["payload"]["supersedes"] == first["id"] == refused[0]
    assert (first["status"], first["superseded_by"]) == ("acked", second["id"])
    assert book() == [Decimal("9.25")]


def test_a_line_made_and_twice_corrected_without_a_network_arrives_in_order(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """#45"""
    page = counter.page
    tablet.worker_is_ready()  # what opens an entry comes from it, where the line cannot bring it
    proxy.set(REFUSE)
    sell(counter, [Decimal(9)])
    for weight, amount in (("9.5", "6,080"), ("10.25", "6,560")):
        page.wait_for_timeout(1300)
        page.locator("#string li button").first.click()
        page.locator("#line-correct").click()
        for _ in range(5):
            page.locator('[data-key="backspace"]').click()
        counter.tap(weight)
        counter.save()
        counter.kept(amount)
    assert [row["payload"]["base_version"] for row in tablet.queue()] == [None, None, None]
    expect(page.locator("#count")).to_have_text("1")
    proxy.set(PASS)
    tablet.drained()
    (line,) = lines()
    assert (line.quantity, line.amount, line.version) == (Decimal("10.25"), Decimal(6560), 3)
    assert Stream.objects.get().announced_seq == 3


def test_a_correction_waits_for_the_line_that_is_not_taken_yet(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """A line of the server's is corrected without a network; it is a bud until the correction is there."""
    page = counter.page
    sell(counter, [Decimal(9)])
    tablet.drained()
    tablet.worker_is_ready()
    proxy.set(REFUSE)
    page.wait_for_timeout(1300)
    page.locator("#string li button").first.click()
    expect(page.locator("#line-facts")).to_contain_text("A1-")
    page.locator("#line-correct").click()
    page.locator('[data-key="backspace"]').click()
    counter.tap("8")
    counter.save()
    counter.kept("5,120")
    expect(page.locator("#string li").first).to_contain_text("on the tablet")
    expect(page.locator("#string li").first).to_contain_text("₹5,120")
    assert book() == [Decimal(9)]
    proxy.set(PASS)
    tablet.drained()
    assert book() == [Decimal(8)]
    assert lines()[0].rate == Decimal(640)
