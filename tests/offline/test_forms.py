"""A form of the office that does not reach the server is kept on the tablet, and becomes one thing in the book."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from ledger.models import Charge, Movement
from malar.accounts.models import Membership
from tests.browser.counter import Counter, Stall
from tests.ledger.terms import a_fee
from tests.offline.proxy import DROP_RESPONSE, REFUSE, Proxy, instead
from tests.offline.tablet import Tablet

pytestmark = pytest.mark.django_db(transaction=True)

MONEY = "/ledger/movements/new/"
MARKED = re.compile(r"\?offline=\w+&by=[\w-]+&shop=[\w-]+$")


@pytest.fixture
def office(tablet: Tablet, counter: Counter, kumar: Membership, stall: Stall) -> Page:
    """Kumar's, who has been at the counter before."""
    counter.open(kumar)
    tablet.worker_is_ready()
    return counter.page


def filled(page: Page, *, farmer: str = "207", kind: str = "Hand loan", amount: str = "1,250") -> None:
    page.goto(MONEY)
    expect(page.locator("#money")).to_have_attribute("action", MARKED)
    page.locator("#id_farmer").fill(farmer)
    page.locator("label.kind", has_text=kind).first.click()
    page.locator("#id_amount").fill(amount)


def press(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def kept(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("Saved on this tablet")


def to_counter(page: Page, proxy: Proxy) -> None:
    proxy.clear()
    page.goto("/app/en/")


def test_money_is_given_in_the_office_without_a_network(
    office: Page, tablet: Tablet, proxy: Proxy, stall: Stall
) -> None:
    filled(office)
    proxy.set(REFUSE)
    press(office)
    kept(office)
    expect(office.locator("#count")).to_have_text("1")
    assert Movement.objects.count() == 0
    to_counter(office, proxy)
    tablet.drained()
    movement = Movement.objects.get()
    assert (movement.farmer, movement.kind, movement.amount, movement.mode) == (
        stall.karuppasamy,
        "hand_loan",
        Decimal("1250.00"),
        "cash",
    )


def test_it_is_said_in_the_language_of_the_page(
    office: Page, tablet: Tablet, proxy: Proxy, kumar: Membership
) -> None:
    kumar.user.language = "ta"
    kumar.user.save()
    filled(office, kind="கைமாற்று")
    proxy.set(REFUSE)
    office.get_by_role("button", name="சேமி").click()
    expect(office.locator("h1")).to_have_text("இந்த டேப்லெட்டில் பதிவானது")


@pytest.mark.parametrize("fault", [DROP_RESPONSE, instead(502)], ids=["answer lost", "502"])
def test_a_form_has_one_effect_whether_it_had_arrived_or_not(
    office: Page, tablet: Tablet, proxy: Proxy, stall: Stall, fault: object
) -> None:
    filled(office)
    # The worker must not send it by the outbox before it is counted.
    proxy.on("^/sync/v1/ops/", instead(503))
    proxy.on(f"^{MONEY}", fault)  # type: ignore[arg-type]
    press(office)
    kept(office)
    assert Movement.objects.count() == (1 if fault is DROP_RESPONSE else 0)
    to_counter(office, proxy)
    tablet.drained()
    assert Movement.objects.get().amount == Decimal("1250.00")
    assert [op["status"] for op in tablet.queue()] == ["acked"]
    assert [op["error"] for op in tablet.queue()] == [None]


def test_a_fee_is_charged_in_the_office_without_a_network(
    office: Page, tablet: Tablet, proxy: Proxy, stall: Stall, meena: Membership
) -> None:
    a_fee(meena.shop, "coolie", "per_sack", "10", automatic=False)
    office.goto("/ledger/charges/new/")
    office.locator("#id_farmer").fill("045")
    office.locator("#id_fee").select_option(index=1)
    office.locator("#id_quantity").fill("2")
    expect(office.locator("form[data-offline]")).to_have_attribute("action", MARKED)
    proxy.set(REFUSE)
    press(office)
    kept(office)
    to_counter(office, proxy)
    tablet.drained()
    charge = Charge.objects.get()
    assert (charge.farmer, charge.amount) == (stall.selvi, Decimal("20.00"))


def test_htmx_is_answered_with_a_fragment(office: Page, tablet: Tablet, proxy: Proxy) -> None:
    filled(office)
    office.evaluate(
        """() => {
          const form = document.getElementById("money");
          form.setAttribute("hx-post", "/ledger/movements/new/");
          htmx.process(form);
        }"""
    )
    proxy.set(REFUSE)
    press(office)
    expect(office.locator("#messages")).to_contain_text("Saved on this tablet")
    expect(office.locator("#money")).to_be_visible()
    # Once more, and with other words.
    press(office)
    expect(office.locator("#messages")).to_contain_text("Saved on this tablet")
    office.locator("#id_amount").fill("9")
    press(office)
    expect(office.locator("#messages")).to_contain_text("as it was typed first")
    assert [op["payload"]["set"]["amount"] for op in tablet.queue()] == ["1250"]


def test_whom_the_tablet_does_not_know_is_not_written_down(
    office: Page, tablet: Tablet, proxy: Proxy
) -> None:
    filled(office, farmer="999")
    proxy.set(REFUSE)
    press(office)
    expect(office.locator("h1")).to_have_text("Not saved")
    assert tablet.queue() == []


def test_what_the_server_refuses_waits_in_the_sheet_of_what_is_only_here(
    office: Page, tablet: Tablet, proxy: Proxy
) -> None:
    """He pays back what he never owed."""
    filled(office, kind="Hand loan paid back", amount="500")
    proxy.set(REFUSE)
    press(office)
    kept(office)
    to_counter(office, proxy)
    expect(office.locator("#pill")).to_contain_text("To be mended: 1")
    office.locator("#pill").click()
    item = office.locator("#sync-list li")
    expect(item).to_contain_text("Hand loan paid back · ₹500")
    item.locator("[data-act=mend]").click()
    expect(office.locator("#form-said")).to_be_visible()
    expect(office.locator("#form-fields input[value=hand_loan_repayment]")).to_be_checked()
    office.locator("#form-fields label", has_text="Advance").first.click()
    office.locator("#form .best").click()
    tablet.drained()
    movement = Movement.objects.get()
    assert (movement.kind, movement.amount) == ("advance", Decimal("500.00"))


def unmarked(page: Page) -> None:
    filled(page)
    page.evaluate(
        "() => document.getElementById('money').setAttribute('action', location.pathname)",
    )


def of_another_site(page: Page) -> None:
    """The same words to the same address, but the page is not ours."""
    filled(page)
    address = page.locator("#money").evaluate("(form) => form.action")
    fields = page.locator("#money").evaluate("(form) => Object.fromEntries(new FormData(form))")
    page.goto("about:blank")
    page.evaluate(
        """([address, fields]) => {
          const form = Object.assign(document.createElement("form"), { action: address, method: "post" });
          for (const [name, value] of Object.entries(fields))
            form.append(Object.assign(document.createElement("input"), { name, value }));
          form.append(Object.assign(document.createElement("button"), { textContent: "Save" }));
          document.body.append(form);
        }""",
        [address, fields],
    )


@pytest.mark.parametrize("form", [unmarked, of_another_site])
def test_the_worker_answers_no_other_post(
    office: Page, tablet: Tablet, proxy: Proxy, form: Callable[[Page], None]
) -> None:
    """The negative control: all as in the first test but for the mark, or for whose page it is."""
    form(office)
    proxy.set(REFUSE)
    with office.expect_event("requestfailed", lambda request: request.method == "POST"):
        press(office)
    # The browser's own page, and nothing of ours.
    expect(office).to_have_url(re.compile("^chrome-error:"), timeout=20_000)
    to_counter(office, proxy)
    assert tablet.queue() == []
    assert Movement.objects.count() == 0
