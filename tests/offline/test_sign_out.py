"""Signing out of a tablet that still has unsent entries: none is lost, shown to the next one, or becomes his."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from ledger.domain import ReviewReason
from ledger.models import DailyEntry
from malar.accounts.models import Membership
from malar.sync.models import HandedIn, SyncOp
from tests.browser.counter import Counter, Stall
from tests.conftest import page_of
from tests.offline.privacy import DUMP, leaks, leaks_on_disk
from tests.offline.proxy import DROP_RESPONSE, PASS, PORTAL, REFUSE, Proxy, instead
from tests.offline.tablet import Tablet
from tests.stack import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("Karuppasamy", "கருப்பசாமி", "Alanganallur", "8,160.00", "8160.00", "12.750")
AWAY = instead(503, "")


@pytest.fixture
def counter(tablet: Tablet, proxy: Proxy, stall: Stall) -> Counter:
    """Kumar at his tablet, with everything loaded and the worker at work."""
    counter = Counter(tablet.page, proxy.url).open(stall.kumar)
    tablet.worker_is_ready()
    # Its series of slip numbers and the key to seal with have come.
    wait_until(lambda: "jwk" in dump(tablet).get("device.device", ""), seconds=10)
    return counter


def sell(counter: Counter, weight: str = "12¾", amount: str = "8,160") -> None:
    """A sale, on the tablet."""
    before = counter.page.locator("#count").text_content() or ""
    counter.farmer("Karuppasamy")
    counter.tap(weight)
    counter.save()
    counter.kept(amount)
    # One before it with the same amount may still be shown.
    expect(counter.page.locator("#count")).not_to_have_text(before)


def dump(tablet: Tablet) -> dict[str, str]:
    """All rows of all databases as text, by `database.store`."""
    kept = tablet.evaluate(DUMP, [])
    return {f"{row['name']}.{row['store']}": row["text"] for row in kept["databases"]}


def shown(text: str) -> list[str]:
    return [name for name in NAMES if name in text]


def boxes(tablet: Tablet) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dump(tablet).get("device.sealed", "[]"))
    return sorted(found, key=lambda box: int(box["seq"]))


def ask_to_sign_out(counter: Counter) -> None:
    """Menu, Sign out."""
    counter.page.locator(".bar [popovertarget=menu]").click()
    counter.page.locator("#leave").click()


def test_with_nothing_unsent_it_happens_at_once(counter: Counter, tablet: Tablet) -> None:
    sell(counter)
    counter.sent()
    ask_to_sign_out(counter)
    counter.page.wait_for_url("**/accounts/login/**")
    assert shown(str(dump(tablet))) == []


def test_in_the_office_too(counter: Counter) -> None:
    page = counter.page
    page.goto("/")
    page.locator("[popovertarget=person]").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/accounts/login/**")
    expect(page.locator("#leaving")).to_have_count(0)


def test_what_is_unsent_goes_first_and_then_it_signs_out_by_itself(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    """Scenario 31, from the office: the dialog stays as long as anything does."""
    before = stall.lines
    proxy.on("/sync/v1/ops/", AWAY)
    sell(counter)
    sell(counter)
    page = counter.page
    page.goto("/")
    page.locator("[popovertarget=person]").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    dialog = page.locator("#leaving")
    expect(dialog).to_contain_text("Only on this tablet: 2")
    page.get_by_role("button", name="Send them first").click()
    expect(dialog).to_contain_text("The server cannot be reached now.")
    assert stall.lines == before
    proxy.on("/sync/v1/ops/", PASS)
    page.get_by_role("button", name="Send them first").click()
    page.wait_for_url("**/accounts/login/**")
    assert stall.lines == before + 2
    assert boxes(tablet) == []
    assert shown(str(dump(tablet))) == []


def test_staying_changes_nothing(counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall) -> None:
    proxy.on("/sync/v1/ops/", AWAY)
    sell(counter)
    ask_to_sign_out(counter)
    counter.page.get_by_role("button", name="Stay signed in").click()
    proxy.on("/sync/v1/ops/", PASS)
    counter.page.locator("#pill").click()
    counter.page.locator("#send-now").click()
    counter.sent()
    assert boxes(tablet) == []


def test_offline_it_leaves_boxes_that_the_next_one_hands_in_unread(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    """Scenarios 32, 33 and 37: Kumar leaves three entries on a dead line; Meena signs in and hands them in as his."""
    before = stall.lines
    proxy.set(REFUSE)
    for _ in range(3):
        sell(counter)
    assert shown(str(dump(tablet))) != []  # it finds what there is
    ask_to_sign_out(counter)
    page = counter.page
    expect(page.locator("#leaving")).to_contain_text("Only on this tablet: 3")
    page.get_by_role("button", name="Sign out, keep them sealed").click()
    page.wait_for_url("**/app/en/")
    expect(counter.panel).to_contain_text("The server cannot be reached")
    assert [(box["seq"], box["author_id"]) for box in boxes(tablet)] == [
        (seq, str(stall.kumar.user_id)) for seq in (1, 2, 3)
    ]
    assert shown(str(dump(tablet))) == []
    assert shown(page.content()) == []
    assert leaks(tablet, NAMES) == []
    page.locator("#pill").click()
    expect(page.locator("#sync-sealed")).to_contain_text("3")
    page.keyboard.press("Escape")

    # The line is back before anybody signed in: the session ends, and nothing meant for Kumar is taken.
    proxy.set(PASS)
    page.goto("/app/en/")
    expect(counter.panel).to_contain_text("Please sign in")
    assert shown(str(dump(tablet))) == []
    assert len(boxes(tablet)) == 3

    proxy.on("/sync/v1/parked/", DROP_RESPONSE)
    counter.open(meena)
    wait_until(lambda: stall.lines == before + 3, seconds=10)
    assert len(boxes(tablet)) == 3
    proxy.on("/sync/v1/parked/", PASS)
    page.goto("/app/en/")
    wait_until(lambda: boxes(tablet) == [], seconds=10)
    lines = DailyEntry.objects.order_by("-received_at")[:3]
    assert {line.created_by for line in lines} == {stall.kumar}
    assert stall.lines == before + 3
    assert set(HandedIn.objects.values_list("brought_by", "outcome")) == {(meena.pk, "taken")}
    assert proxy.asked("/sync/v1/ops/") == []
    assert set(SyncOp.objects.values_list("author", flat=True)) == {stall.kumar.pk}
    tablet.context.close()
    assert leaks_on_disk(tablet.profile, NAMES) == []


def test_of_one_who_was_put_off_meanwhile_the_entries_come_and_are_looked_at(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    """Scenario 19."""
    before = stall.lines
    proxy.on("/sync/v1/ops/", AWAY)
    sell(counter)
    ask_to_sign_out(counter)
    counter.page.get_by_role("button", name="Sign out, keep them sealed").click()
    counter.page.wait_for_url("**/accounts/login/**")
    stall.kumar.user.is_active = False
    stall.kumar.user.save()
    counter.cookie(meena)
    counter.page.goto("/")  # the office does it, too
    wait_until(lambda: stall.lines == before + 1, seconds=10)
    line = DailyEntry.objects.order_by("-received_at")[0]
    assert line.created_by == stall.kumar
    assert ReviewReason.AUTHOR_LEFT in line.review_reasons
    wait_until(lambda: boxes(tablet) == [], seconds=10)


def test_who_never_signed_out_is_sealed_when_the_next_one_signs_in(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    """Scenario 33, without a good-bye: his session had ended."""
    before = stall.lines
    proxy.on("/sync/v1/ops/", AWAY)
    sell(counter)
    tablet.context.clear_cookies()
    proxy.on("/sync/v1/parked/", AWAY)
    counter.open(meena)
    wait_until(lambda: len(boxes(tablet)) == 1, seconds=10)
    assert "12.750" not in str(dump(tablet))
    proxy.on("/sync/v1/parked/", PASS)
    proxy.on("/sync/v1/ops/", PASS)
    counter.page.goto("/app/en/")
    wait_until(lambda: stall.lines == before + 1, seconds=10)
    assert DailyEntry.objects.order_by("-received_at")[0].created_by == stall.kumar


def test_a_file_from_a_broken_tablet_is_taken_in_once(
    counter: Counter,
    tablet: Tablet,
    proxy: Proxy,
    stall: Stall,
    meena: Membership,
    tmp_path: Path,
    tablets: Callable[[Proxy], Tablet],
) -> None:
    """Scenario 73: taken away as a file, brought by the owner, and the tablet works after all."""
    before = stall.lines
    proxy.on("/sync/v1/ops/", AWAY)
    sell(counter)
    sell(counter)
    ask_to_sign_out(counter)
    page = counter.page
    with page.expect_download() as download:
        page.get_by_role("button", name="Take them away as a file").click()
    file = tmp_path / "malar.json"
    download.value.save_as(file)
    said = json.loads(file.read_text())
    assert next(iter(said)) == "what"
    assert shown(said["what"]) == []
    expect(page.locator("#leaving")).to_contain_text("is saved. You can sign out now.")
    page.get_by_role("button", name="Sign out, keep them sealed").click()
    page.wait_for_url("**/accounts/login/**")

    office = tablets(proxy)
    desk = Counter(office.page, proxy.url)
    desk.cookie(meena)
    office.page.goto("/handed-in/")
    office.page.locator("input[type=file]").set_input_files(file)
    office.page.get_by_role("button", name="Take it into the book").click()
    expect(office.page.locator("body")).to_contain_text("2 taken into the book.")
    assert stall.lines == before + 2
    counter.open(meena)
    wait_until(lambda: boxes(tablet) == [], seconds=10)
    assert stall.lines == before + 2
    assert SyncOp.objects.count() == 2
    assert page_of(meena).get("/handed-in/").status_code == 200


def test_where_nothing_can_be_sealed_it_stays_for_whoever_wrote_it(
    counter: Counter, tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    """Plain http has no WebCrypto. It is said, nothing is lost, and the next one sees and sends nothing of it."""
    before = stall.lines
    page = counter.page
    page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    page.goto("/app/en/")
    proxy.on("/sync/v1/ops/", AWAY)
    sell(counter)
    ask_to_sign_out(counter)
    expect(page.get_by_role("button", name="Sign out, keep them sealed")).to_be_hidden()
    page.get_by_role("button", name="Sign out all the same").click()
    page.wait_for_url("**/accounts/login/**")
    proxy.clear()
    counter.open(meena)
    page.locator("#pill").click()
    expect(page.locator("#sync-list")).to_be_empty()
    page.wait_for_timeout(1500)
    assert stall.lines == before
    counter.open(stall.kumar)
    wait_until(lambda: stall.lines == before + 1, seconds=10)
    assert DailyEntry.objects.order_by("-received_at")[0].created_by == stall.kumar


@pytest.mark.parametrize("address", ["/", "/app/en/"])
def test_a_wall_that_answers_for_the_server_signs_nobody_out(
    counter: Counter, tablet: Tablet, proxy: Proxy, address: str
) -> None:
    """Whatever is opened next ends the session first, and shows nothing of his."""
    page = counter.page
    proxy.on("/accounts/log", instead(302, "", {"Location": "/portal/"}))
    proxy.on("/portal/", PORTAL)
    ask_to_sign_out(counter)
    page.wait_for_url("**/portal/")
    proxy.clear()
    page.goto(address)
    page.wait_for_url("**/accounts/login/**" if address == "/" else "**/app/en/")
    if address != "/":
        expect(counter.panel).to_contain_text("Please sign in")
        assert shown(page.content()) == []
    assert tablet.evaluate("fetch('/sync/v1/hello/').then((answer) => answer.status)") == 401
