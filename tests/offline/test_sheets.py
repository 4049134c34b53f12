"""What else a clerk does at the counter while nobody listens: made there, kept through a fallen battery, sent once."""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from ledger.models import Charge, ClaimedRow, DailyEntry, Farmer, Movement
from malar.accounts.models import Membership
from malar.sync.conflicts import Decision, resolve_conflict
from malar.sync.models import Conflict, SyncOp
from settlements.models import Settlement
from tests import cast
from tests.browser.counter import Counter, Stall
from tests.ledger.terms import a_fee
from tests.offline.proxy import DROP_RESPONSE, PASS, REFUSE, Proxy, instead
from tests.offline.tablet import Tablet
from tests.offline.test_line import OPS
from tests.stack import wait_until
from tests.sync.clashes import changed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def counter(counter: Counter, tablet: Tablet, stall: Stall) -> Counter:
    """Kumar stands before it, and the tablet has its series."""
    counter.open(stall.kumar)
    tablet.is_known()
    return counter


def again(tablet: Tablet, proxy: Proxy, member: Membership) -> Counter:
    """The battery fell out; the tablet is started anew, and hears from the server but gets nothing through to it."""
    tablet.kill()
    proxy.clear()
    proxy.on(OPS, REFUSE)
    tablet.start()
    return Counter(tablet.page, proxy.url).open(member)


# --- What somebody else changed meanwhile -----------------------------------------------------------


def overtaken(counter: Counter, proxy: Proxy, stall: Stall, meena: Membership) -> DailyEntry:
    """Kumar takes a line back while nobody listens; Meena has corrected it meanwhile."""
    page = counter.page
    counter.sell("9")
    counter.sent()
    line = DailyEntry.objects.get(slip_number__startswith="A1-")
    proxy.set(REFUSE)
    page.wait_for_timeout(1300)
    page.locator("#string li button").first.click()
    page.locator("#line-cancel").click()
    expect(page.locator("#pill")).to_have_attribute("data-waiting", "1")
    changed(line, meena, gross_quantity=Decimal(8))
    proxy.set(PASS)
    expect(page.locator("#pill")).to_contain_text("To be mended: 1", timeout=20_000)
    return line


def test_a_clerk_leaves_what_the_owner_changed_and_the_server_hears_it(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, meena: Membership
) -> None:
    line = overtaken(counter, proxy, stall, meena)
    page = counter.page
    page.wait_for_timeout(1300)
    page.locator("#pill").click()
    item = page.locator("#sync-list li")
    expect(item).to_contain_text("tell the owner: he decides")
    expect(item.get_by_role("button", name="Take mine")).to_be_hidden()
    proxy.set(REFUSE)
    item.get_by_role("button", name="Leave it as it is").click()
    expect(item).to_contain_text("On its way")
    expect(page.locator("#pill")).not_to_contain_text("To be mended")
    assert Conflict.objects.get().resolved_at is None
    page = again(tablet, proxy, stall.kumar).page
    proxy.clear()
    tablet.drained()
    conflict = Conflict.objects.get()
    assert (conflict.choice, conflict.resolved_by, conflict.reason) == (
        "theirs",
        stall.kumar,
        "Decided at the counter",
    )
    line.refresh_from_db()
    assert (line.is_voided, line.quantity) == (False, Decimal(8))
    expect(page.locator("#pill")).to_contain_text("All saved")


def test_the_owner_may_take_his_own(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, meena: Membership
) -> None:
    counter.open(meena)
    line = overtaken(counter, proxy, stall, meena)
    page = counter.page
    page.wait_for_timeout(1300)
    page.locator("#pill").click()
    page.locator("#sync-list").get_by_role("button", name="Take mine").click()
    tablet.drained()
    assert Conflict.objects.get().choice == "mine"
    line.refresh_from_db()
    assert line.is_voided
    expect(page.locator("#sync-list li")).to_have_count(0)


def test_what_was_decided_on_the_owners_page_asks_nobody_at_the_counter(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall, meena: Membership
) -> None:
    overtaken(counter, proxy, stall, meena)
    page = counter.page
    page.wait_for_timeout(1300)
    page.locator("#pill").click()
    expect(page.locator("#sync-list li")).to_have_count(1)
    decided(meena)
    page.locator("#send-now").click()
    wait_until(lambda: not tablet.unsent(), seconds=40, why="it was decided")
    expect(page.locator("#sync-list li")).to_have_count(0)


def decided(by: Membership) -> None:
    conflict = Conflict.objects.get()
    line = DailyEntry.objects.get(pk=conflict.entity_id)
    decision = Decision(choice="theirs", reason="asked Raja", expected_version=line.version)
    resolve_conflict(by=by, conflict_id=conflict.pk, decision=decision)


# --- Somebody new ---------------------------------------------------------------------------------


def add(page: Page, **said: str) -> None:
    """Fill the sheet of a new farmer in, and save."""
    for name, value in said.items():
        page.fill(f"#form-fields [name={name}]", value)
    page.locator("#form").get_by_role("button", name="Save").click()


def test_somebody_new_sells_at_once_and_is_in_the_book_before_his_flowers(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    """Scenario 46, at the counter: a number that nobody has, and nobody listens."""
    page = counter.page
    proxy.set(REFUSE)
    counter.type("300⏎")
    expect(counter.panel).to_contain_text("Nobody has number 300")
    counter.panel.get_by_role("button", name="Add a farmer").click()
    expect(page.locator("#form-fields [name=number]")).to_have_value("300")
    add(page, name_en="Mani K.", village="Melur", phone="98430 12345")
    expect(page.locator("#who-name")).to_have_text("Mani K.")
    counter.flower("Malli")
    counter.type("6⏎⏎")
    counter.kept("3,840")
    page = again(tablet, proxy, stall.kumar).page
    assert Farmer.objects.filter(number=300).count() == 0
    # The server's whole list has come, and he is still known here.
    expect(page.locator("#recents")).to_contain_text("Selvi")
    Counter(page, proxy.url).type("300⏎")
    expect(page.locator("#who-name")).to_have_text("Mani K.")
    page.locator("#pill").click()
    items = page.locator("#sync-list li")
    expect(items).to_have_count(2)
    expect(items.filter(has_text="New farmer")).to_contain_text("Mani K.")
    proxy.clear()
    page.locator("#send-now").click()
    tablet.drained()
    mani = Farmer.objects.get(number=300)
    assert (mani.name_ta, mani.name_en, mani.village_en, mani.phone) == (
        "Mani K.",
        "Mani K.",
        "Melur",
        "+919843012345",
    )
    line = DailyEntry.objects.get(slip_number__startswith="A1-")
    assert (line.farmer, line.quantity) == (mani, Decimal(6))
    assert SyncOp.objects.count() == 2
    page.wait_for_timeout(300)
    page.reload()
    expect(page.locator("#recents")).to_contain_text("Mani K.")


def test_a_number_that_was_given_away_meanwhile_is_mended_and_his_line_follows(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    page = counter.page
    proxy.set(REFUSE)
    page.locator("#find-open").click()
    page.fill("#find-words", "Zacharias")
    page.locator("#find-new").click()
    expect(page.locator("#form-fields [name=name_en]")).to_have_value("Zacharias")
    add(page, number="45")
    expect(page.locator("#form-said")).to_contain_text("045 is Selvi R")
    add(page, number="301")
    expect(page.locator("#who-name")).to_have_text("Zacharias")
    counter.flower("Malli")
    counter.type("7⏎⏎")
    counter.kept("4,480")
    cast.a_farmer(stall.kumar.shop, 301, "வேறொருவர்", "Somebody")
    proxy.set(PASS)
    expect(page.locator("#pill")).to_contain_text("To be mended: 1", timeout=20_000)
    assert DailyEntry.objects.filter(slip_number__startswith="A1-").count() == 0
    page.wait_for_timeout(1300)
    page.locator("#pill").click()
    item = page.locator("#sync-list li").filter(has_text="New farmer")
    expect(item.get_by_role("button", name="Take it back")).to_be_hidden()
    item.get_by_role("button", name="Mend it").click()
    expect(page.locator("#form-said")).to_be_visible()
    expect(page.locator("#form-fields [name=name_en]")).to_have_value("Zacharias")
    add(page, number="302")
    tablet.drained()
    line = DailyEntry.objects.get(slip_number__startswith="A1-")
    assert (line.farmer.number, line.farmer.name_en) == (302, "Zacharias")


# --- Money and fees -------------------------------------------------------------------------------


def menu(page: Page, name: str) -> Locator:
    """Choose something of the menu that opens the sheet with fields."""
    page.get_by_role("button", name="Menu").click()
    page.locator("#menu").get_by_role("button", name=name).click()
    form = page.locator("#form")
    expect(form).to_be_visible()
    return form


def test_money_given_while_nobody_listens_arrives_once(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    page = counter.page
    shop = stall.kumar.shop
    shop.advance_limit, shop.draw_limit = Decimal(5000), None
    shop.save()
    page.reload()
    expect(page.locator("#recents")).to_contain_text("Selvi")
    counter.type("207⏎")
    proxy.set(REFUSE)
    form = menu(page, "Give money")
    expect(form).to_contain_text("Karuppasamy M.")
    expect(form).to_contain_text("Up to ₹5,000")
    form.locator("[name=amount]").fill("5000.01")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#form-said")).to_contain_text("More than ₹5,000: the owner decides")
    form.locator("[name=amount]").fill("1,500")
    form.locator("[name=note]").fill("for seed")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    form = menu(page, "Give money")
    form.get_by_text("Draw").click()
    expect(form).not_to_contain_text("Up to ₹")
    form.locator("[name=number]").fill("45")
    expect(form).to_contain_text("Selvi R.")
    form.locator("[name=amount]").fill("7000")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    page = again(tablet, proxy, stall.kumar).page
    page.locator("#pill").click()
    items = page.locator("#sync-list li")
    expect(items.filter(has_text="Karuppasamy")).to_contain_text("Advance · ₹1,500")
    expect(items.filter(has_text="Selvi")).to_contain_text("Draw · ₹7,000")
    expect(page.locator("#count")).to_have_text("0")
    assert Movement.objects.count() == 0
    # The first answer is lost: it is asked for again.
    proxy.clear()
    proxy.on(OPS, DROP_RESPONSE, times=1)
    page.locator("#send-now").click()
    tablet.drained(seconds=40)
    given = {m.farmer.number: (m.kind, m.amount, m.note, m.status) for m in Movement.objects.all()}
    assert given == {
        207: ("advance", Decimal(1500), "for seed", "posted"),
        45: ("draw", Decimal(7000), "", "posted"),
    }


def test_the_limit_is_known_when_the_tablet_opens_without_a_server(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    stall.kumar.shop.advance_limit = Decimal(900)
    stall.kumar.shop.save()
    counter.page.reload()
    expect(counter.page.locator("#recents")).to_contain_text("Selvi")
    counter.page.wait_for_timeout(500)
    tablet.kill()
    proxy.on("^/(sync|api)/", instead(503))
    tablet.start()
    opened = Counter(tablet.page, proxy.url).open(None)
    expect(opened.page.locator("#recents")).to_contain_text("Selvi")
    expect(menu(opened.page, "Give money")).to_contain_text("Up to ₹900")


def test_a_fee_is_charged_and_one_that_the_server_refuses_is_mended(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    page = counter.page
    luggage = a_fee(stall.kumar.shop, "luggage", "per_trip", "40", automatic=False)
    with page.expect_response("**/sync/v1/ref/**"):
        page.reload()
    page.wait_for_timeout(300)
    proxy.set(REFUSE)
    form = menu(page, "Charge a fee")
    expect(form).to_contain_text("₹40 per trip")
    form.locator("[name=number]").fill("999")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#form-said")).to_contain_text("Nobody has number 999")
    form.locator("[name=number]").fill("045")
    form.locator("[name=quantity]").fill("1.5")
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    proxy.clear()
    expect(page.locator("#pill")).to_contain_text("To be mended: 1", timeout=20_000)
    page.wait_for_timeout(1300)
    page.locator("#pill").click()
    item = page.locator("#sync-list li")
    expect(item).to_contain_text("× 1.5")
    item.get_by_role("button", name="Mend it").click()
    expect(page.locator("#form-said")).to_contain_text("counted in whole numbers")
    form.locator("[name=quantity]").fill("2")
    expect(form).to_contain_text("= ₹80")
    form.get_by_role("button", name="Save").click()
    tablet.drained()
    charge = Charge.objects.get(automatic=False)
    assert (charge.farmer, charge.fee, charge.amount) == (stall.selvi, luggage, Decimal(80))


# --- Settling ---------------------------------------------------------------------------------------


@pytest.fixture
def owner(counter: Counter, tablet: Tablet, meena: Membership) -> Counter:
    """Meena stands before it: who settles is the owner."""
    counter.page.get_by_role("button", name="Menu").click()
    expect(counter.page.locator("#settle")).to_be_hidden()
    counter.page.keyboard.press("Escape")
    counter.open(meena)
    tablet.is_known()
    return counter


def test_a_farmer_is_settled_after_the_sale_that_was_kept_before_it(
    tablet: Tablet, proxy: Proxy, owner: Counter, stall: Stall, meena: Membership
) -> None:
    page = owner.page
    proxy.set(REFUSE)
    owner.sell("10")
    form = menu(page, "Settle a farmer")
    form.locator("[name=number]").fill("207")
    expect(form).to_contain_text("Karuppasamy M.")
    form.get_by_text("This week").click()
    form.get_by_role("button", name="Save").click()
    expect(form).to_be_hidden()
    page = again(tablet, proxy, meena).page
    page.locator("#pill").click()
    expect(page.locator("#sync-list li").filter(has_text="Settle a farmer")).to_contain_text("Karuppasamy")
    assert Settlement.objects.count() == 0
    proxy.clear()
    page.locator("#send-now").click()
    tablet.drained(seconds=40)
    settlement = Settlement.objects.get()
    assert (settlement.farmer, settlement.period_end) == (stall.karuppasamy, timezone.localdate())
    line = DailyEntry.objects.get(slip_number__startswith="A1-")
    assert ClaimedRow.objects.filter(claim=settlement.pk, row=line.pk).exists()
    expect(page.locator("#pill")).to_contain_text("All saved")


def test_a_settlement_of_nothing_is_refused_with_the_reason_and_taken_back(
    tablet: Tablet, proxy: Proxy, owner: Counter, stall: Stall
) -> None:
    page = owner.page
    form = menu(page, "Settle a farmer")
    form.locator("[name=number]").fill("999")
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#form-said")).to_contain_text("Nobody has number 999")
    form.locator("[name=number]").fill("45")
    form.get_by_text("This month").click()
    form.get_by_role("button", name="Save").click()
    expect(page.locator("#pill")).to_contain_text("To be mended: 1", timeout=20_000)
    page.wait_for_timeout(1300)
    page.locator("#pill").click()
    item = page.locator("#sync-list li")
    expect(item).to_contain_text("Selvi")
    expect(item.locator(".why")).not_to_be_empty()
    item.get_by_role("button", name="Mend it").click()
    expect(form.locator("[name=number]")).to_have_value("045")
    expect(form.locator("[name=period][value=this_month]")).to_be_checked()
    form.get_by_role("button", name="Close").click()
    page.locator("#pill").click()
    item.get_by_role("button", name="Take it back").click()
    expect(item).to_have_count(0)
    assert tablet.unsent() == []
    assert Settlement.objects.count() == 0


# --- Today ----------------------------------------------------------------------------------------


def test_the_day_is_there_without_a_network_and_says_what_is_only_here(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    page = counter.page
    for weight in ("2", "3.5"):
        cast.recorded(stall.kumar, stall.selvi, stall.pichi, quantity=Decimal(weight), rate=Decimal(500))
    counter.sell("9")
    counter.sent()
    page.locator("#report").click()
    sheet = page.locator("#day")
    expect(page.locator("#day-sum")).to_have_text("3 entries · 14.5 kg · ₹8,510")
    sheet.locator("[data-close]").click()
    proxy.set(REFUSE)
    counter.tap("045")
    counter.flower("Malli")
    counter.tap("4")
    counter.save()
    counter.kept("2,560")
    page.locator("#report").click()
    expect(page.locator("#day-said")).to_contain_text("1 only on this tablet")
    expect(page.locator("#day-sum")).to_have_text("4 entries · 18.5 kg · ₹11,070")
    expect(page.locator("#day-flowers tr")).to_have_count(2)
    expect(page.locator("#day-flowers tr").first).to_have_text("Malli13 kg₹8,320")
    expect(page.locator("#day-farmers tr").last).to_have_text("045 Selvi R.9.5 kg₹5,310")
    expect(page.locator("#day-lines li")).to_have_count(4)
    expect(page.locator("#day-lines li").first).to_contain_text("on the tablet")
    # A line of which the tablet itself knows no more than the list: taken back from here.
    page.locator("#day-lines button", has_text="3.500").click()
    expect(page.locator("#line-who")).to_contain_text("Selvi R.")
    page.locator("#line-cancel").click()
    expect(page.locator("#day-sum")).to_have_text("3 entries · 15 kg · ₹9,320")
    struck = page.locator("#day-lines li.void")
    expect(struck).to_contain_text("Selvi R.")
    expect(struck).to_contain_text("3.500")
    page.set_viewport_size({"width": 412, "height": 915})
    sheet.locator("[data-close]").click()
    expect(page.locator("#string")).to_be_hidden()
    page.locator("#report").click()
    expect(page.locator("#day-lines li")).to_have_count(4)
    # Correcting one puts it on the slip, and all sheets away.
    page.locator("#day-lines button", has_text="4.000").click()
    page.locator("#line-correct").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(counter.weight).to_have_text("4")
    counter.page.locator("#clear").click()
    proxy.clear()
    tablet.drained()
    standing = DailyEntry.objects.filter(business_date=timezone.localdate(), status="confirmed")
    assert sorted(line.quantity for line in standing) == [Decimal(2), Decimal(4), Decimal(9)]


def test_the_whole_day_is_known_though_the_string_holds_thirty(
    tablet: Tablet, proxy: Proxy, counter: Counter, stall: Stall
) -> None:
    page = counter.page
    for _ in range(35):
        cast.recorded(stall.kumar, stall.selvi, stall.pichi, quantity=Decimal(1), rate=Decimal(500))
    with page.expect_response("**/sync/v1/ref/**"):
        page.reload()
    expect(page.locator("#count")).to_have_text("35")
    proxy.on("parts=day,lines", instead(503))
    page.locator("#report").click()
    expect(page.locator("#day-said")).to_contain_text("This tablet knows 30 of 35 entries")
    page.locator("#day [data-close]").click()
    proxy.clear()
    page.locator("#report").click()
    expect(page.locator("#day-sum")).to_have_text("35 entries · 35 kg · ₹17,500")
    expect(page.locator("#day-said")).not_to_contain_text("This tablet knows")
    expect(page.locator("#day-lines li")).to_have_count(35)
