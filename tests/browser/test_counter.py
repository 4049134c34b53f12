"""A rush hour at the counter: real fingers, a real server, real lines in the book."""

import datetime as dt
from contextlib import suppress
from decimal import Decimal

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from ledger.models import DailyEntry, Farmer
from ledger.services.entries import edit_entry, void_entry
from malar.accounts.models import Membership
from pricing.models import Flower
from tests import cast
from tests.browser.counter import Counter, Stall, a_full_morning, a_stall
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stall(kumar: Membership) -> Stall:
    return a_stall(kumar)


@pytest.fixture
def counter(page: Page, live_server: LiveServer) -> Counter:
    return Counter(page, live_server.url)


@pytest.fixture
def diskless(counter: Counter) -> Counter:
    """In a browser that keeps nothing for us: a private window of some, a profile that is damaged."""
    counter.page.add_init_script("Object.defineProperty(self, 'indexedDB', { value: undefined })")
    return counter


def figures(line: DailyEntry) -> tuple[int, str, Decimal, Decimal | None]:
    return line.farmer.number, line.flower.code, line.quantity, line.amount


@pytest.mark.parametrize(
    ("width", "height", "language", "theme"),
    [(1280, 800, "ta", "day"), (800, 1280, "en", "dim"), (1024, 600, "ta", "dim"), (412, 915, "en", "day")],
)
def test_the_ways_of_writing_a_sale_take_as_many_taps_as_we_promise(
    counter: Counter, stall: Stall, width: int, height: int, language: str, theme: str
) -> None:
    """A: from the recents, usual flower, fraction. A2: with a point. B: another flower. C: by number.
    E: the same farmer's second flower."""
    counter.page.set_viewport_size({"width": width, "height": height})
    counter.open(stall.kumar, language)
    counter.page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
    farmer, pichi = ("கருப்பசாமி", "பிச்சி") if language == "ta" else ("Karuppasamy", "Pichi")
    counter.counted()

    counter.farmer(farmer)
    counter.tap("12½")
    counter.save()
    counter.saved("8,000")
    assert counter.counted() == (5, 0)
    assert figures(stall.line) == (207, "MAL", Decimal("12.500"), Decimal("8000.00"))

    counter.flower(pichi)
    counter.tap("8¼")
    counter.save()
    counter.saved("4,290")
    assert counter.counted() == (4, 0)
    assert figures(stall.line) == (207, "PIC", Decimal("8.250"), Decimal("4290.00"))

    counter.farmer(farmer)
    counter.tap("11.5")
    counter.save()
    counter.saved("7,360")
    assert counter.counted() == (6, 0)

    counter.farmer(farmer)
    counter.flower(pichi)
    counter.tap("10½")
    counter.save()
    counter.saved("5,460")
    assert counter.counted() == (6, 0)

    counter.tap("207")
    counter.tap("14¾")
    counter.save()
    counter.saved("9,440")
    assert counter.counted() == (7, 0)
    assert figures(stall.line) == (207, "MAL", Decimal("14.750"), Decimal("9440.00"))
    assert stall.lines == 5


def test_the_keyboard_of_a_desktop_takes_as_many_keys_as_we_promise(counter: Counter, stall: Stall) -> None:
    counter.page.set_viewport_size({"width": 1280, "height": 800})
    counter.open(stall.kumar)
    counter.counted()

    counter.type("207⏎12.5⏎⏎")
    counter.saved("8,000")
    assert counter.counted() == (0, 10)

    counter.type("207⏎*2⏎10.5⏎⏎")
    counter.saved("5,460")
    assert counter.counted() == (0, 13)

    counter.type("/kar⏎")
    expect(counter.page.locator("#who-name")).to_have_text("Karuppasamy M.")
    counter.type("11.5⏎⏎")
    counter.saved("7,360")
    assert counter.counted() == (0, 11)
    assert stall.lines == 3


def test_save_too_early_says_what_is_missing_and_moves_the_ring_there(counter: Counter, stall: Stall) -> None:
    counter.open(stall.kumar)
    save, app = counter.page.locator("#save"), counter.page.locator("#app")
    assert save.get_attribute("aria-disabled") == "true"
    assert not save.evaluate("button => button.disabled")
    counter.page.evaluate(
        """() => addEventListener("animationstart", ({ target }) => {
          document.body.dataset.shaken = (document.body.dataset.shaken ?? "") + target.matches(".shake");
        })"""
    )
    counter.save()
    expect(app).to_have_attribute("data-ring", "number")
    expect(counter.page.locator("#said")).to_have_text("The farmer is missing")
    counter.farmer("Karuppasamy")
    counter.save()
    expect(app).to_have_attribute("data-ring", "weight")
    expect(counter.page.locator("body")).to_have_attribute("data-shaken", "truetrue")
    expect(counter.page.locator("#said")).to_have_text("The weight is missing")
    assert stall.lines == 0


def test_a_double_tap_on_save_writes_one_line(counter: Counter, stall: Stall) -> None:
    counter.open(stall.kumar)
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    counter.page.locator("#save").dblclick()
    counter.saved("8,000")
    expect(counter.page.locator("#count")).to_have_text("1")
    assert stall.lines == 1


def test_turning_the_tablet_or_changing_the_language_keeps_the_slip(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.flower("Pichi")
    counter.tap("12.")
    page.set_viewport_size({"width": 1280, "height": 800})
    expect(counter.weight).to_have_text("12.")
    expect(page.locator("#app")).to_have_attribute("data-ring", "weight")
    expect(page.locator("#flow :checked")).to_have_value(str(stall.pichi.pk))
    page.get_by_role("link", name="தமிழ்").click()
    expect(page.locator("html")).to_have_attribute("lang", "ta")
    expect(page.locator("#who-name")).to_have_text("கருப்பசாமி மு.")
    expect(counter.weight).to_have_text("12.")
    counter.tap("5")
    page.get_by_role("button", name="சேமி").click()
    counter.saved("6,500")
    assert figures(stall.line) == (207, "PIC", Decimal("12.500"), Decimal("6500.00"))
    stall.kumar.user.refresh_from_db()
    assert stall.kumar.user.language == "ta"


def test_every_way_to_write_twelve_and_a_half(counter: Counter, stall: Stall) -> None:
    """Comma and point are both decimal, Tamil digits are digits, and a pasted 1,250 is a kilo and a quarter."""
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    for typed, shown in (("12,5", "12.5"), ("௧௨.௫", "12.5")):
        for key in typed:
            page.keyboard.press(key) if key.isascii() else page.evaluate(
                "key => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))", key
            )
        expect(counter.weight).to_have_text(shown)
        expect(page.locator("#amount")).to_have_text("₹8,000.00")
        for _ in typed:
            page.locator('[data-key="backspace"]').click()
    for pasted, shown in (("12,5", "12.5"), ("௧௨.௫", "12.5"), ("1,250", "1.25")):
        page.evaluate(
            """text => {
              const clipboardData = new DataTransfer();
              clipboardData.setData("text", text);
              const pasted = { clipboardData, bubbles: true, cancelable: true };
              document.body.dispatchEvent(new ClipboardEvent("paste", pasted));
            }""",
            pasted,
        )
        expect(counter.weight).to_have_text(shown)
    expect(page.locator("#amount")).to_have_text("₹800.00")


def test_125_kilograms_are_asked_about_and_either_answer_counts(counter: Counter, stall: Stall) -> None:
    counter.open(stall.kumar)
    counter.farmer("Karuppasamy")
    counter.tap("125")
    counter.save()
    expect(counter.panel).to_contain_text("125 kg?")
    expect(counter.panel).to_contain_text("Karuppasamy M. usually brings")
    assert stall.lines == 0
    counter.panel.get_by_role("button", name="Change to 12.5").click()
    counter.saved("8,000")
    assert stall.line.quantity == Decimal("12.500")

    counter.farmer("Karuppasamy")
    counter.tap("115")
    counter.save()
    counter.panel.get_by_role("button", name="115 is right").click()
    counter.saved("73,600")
    assert stall.line.quantity == Decimal("115.000")


def test_a_farmer_is_found_while_his_name_is_composed_and_enter_then_picks_nobody(
    counter: Counter, stall: Stall
) -> None:
    page = counter.open(stall.kumar, "ta").page
    page.get_by_role("button", name="பெயரில் தேடு").click()
    expect(page.locator("#find-words")).to_be_focused()
    keyboard = page.context.new_cdp_session(page)
    for text in ("க", "கரு", "கருப்ப"):
        keyboard.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})
    found = page.locator("#found button")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("கருப்பசாமி மு.")
    page.evaluate(
        """() => {
          const field = document.activeElement;
          field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true }));
          field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, bubbles: true }));
        }"""
    )
    expect(page.locator("#find")).to_be_visible()
    assert page.evaluate("() => document.activeElement.value") == "கருப்ப"
    keyboard.send("Input.insertText", {"text": "கருப்ப"})
    page.keyboard.press("Enter")
    expect(page.locator("#who-name")).to_have_text("கருப்பசாமி மு.")
    expect(page.locator("#find")).to_be_hidden()


def test_he_is_found_by_latin_spelling_number_village_and_phone(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar, "ta").page
    Farmer.objects.filter(pk=stall.selvi.pk).update(phone="+919840012345")
    page.reload()
    page.locator("#recents label").first.wait_for()
    page.keyboard.press("/")
    for words in ("karupasami", "207", "அலங்கா"):
        page.fill("#find-words", words)
        expect(page.locator("#found button").first).to_contain_text("207")
    # The list of an hour ago may still stand when he types; the new one comes meanwhile.
    for _try in range(10):
        page.fill("#find-words", "")
        page.fill("#find-words", "2345")
        with suppress(AssertionError):
            expect(page.locator("#found button").first).to_contain_text("045", timeout=1000)
            break
    expect(page.locator("#found button").first).to_contain_text("045")
    page.fill("#find-words", "999")
    expect(page.locator("#find-said")).to_contain_text("யாரும் கிடைக்கவில்லை")
    page.keyboard.press("Escape")
    expect(page.locator("#find")).to_be_hidden()


def test_without_the_server_the_slip_stays_and_the_second_save_writes_once(
    diskless: Counter, stall: Stall, context: BrowserContext
) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("12½")
    context.set_offline(True)
    diskless.save()
    expect(diskless.panel).to_contain_text("It is not certain that it arrived")
    expect(diskless.weight).to_have_text("12.5")
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    expect(page.locator("#pill")).to_have_text("Not saved yet")
    assert stall.lines == 0
    diskless.tap("045")
    expect(diskless.weight).to_have_text("12.5")
    context.set_offline(False)
    diskless.panel.get_by_role("button", name="Try again").click()
    diskless.saved("8,000")
    assert stall.lines == 1


def test_a_save_that_arrived_without_its_answer_is_not_written_twice(diskless: Counter, stall: Stall) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("12½")

    def swallow(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/v1/daily-entries/", swallow)
    diskless.save()
    expect(diskless.panel).to_contain_text("It is not certain that it arrived")
    assert stall.lines == 1
    page.unroute("**/api/v1/daily-entries/")
    page.reload()
    expect(diskless.weight).to_have_text("12.5")
    expect(diskless.panel).to_contain_text("Not saved yet")
    expect(page.locator("#pill")).to_have_text("Not saved yet")
    diskless.save()
    diskless.saved("8,000")
    expect(page.locator("#pill")).to_have_text("All saved")
    assert stall.lines == 1


def test_a_page_that_ends_in_the_middle_of_a_save_writes_the_line_once(
    diskless: Counter, stall: Stall
) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("12½")
    page.route("**/api/v1/daily-entries/", lambda route: route.fetch() and None)
    diskless.save()
    expect(page.locator("#save-amount")).to_have_text("Saving…")
    page.reload()
    expect(diskless.panel).to_contain_text("Not saved yet")
    page.unroute("**/api/v1/daily-entries/")
    diskless.save()
    diskless.saved("8,000")
    assert stall.lines == 1


def test_a_slip_changed_after_a_save_whose_answer_was_lost_is_not_written_beside_the_first(
    diskless: Counter, stall: Stall
) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("12½")
    page.route("**/api/v1/daily-entries/", lambda route: (route.fetch(), route.abort()))
    diskless.save()
    expect(diskless.panel).to_contain_text("It is not certain that it arrived")
    page.unroute("**/api/v1/daily-entries/")
    page.locator('[data-key="backspace"]').click()
    diskless.tap("¾")
    page.wait_for_timeout(600)  # a second tap within that time is a trembling finger
    diskless.save()
    expect(diskless.panel).to_contain_text("The first try has arrived")
    link = diskless.panel.get_by_role("link", name="Open the entry")
    expect(link).to_have_attribute("href", f"/ledger/entries/{stall.line.pk}/")
    diskless.panel.get_by_role("button", name="Clear it all the same").click()
    expect(page.locator("#who-name")).to_have_text("Choose the farmer")
    assert stall.lines == 1


def test_a_refusal_names_the_field_and_keeps_the_slip(diskless: Counter, stall: Stall) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("12½")
    problem = {
        "type": "about:blank",
        "title": "Refused",
        "status": 422,
        "detail": "No.",
        "code": "not_positive",
        "errors": [{"pointer": "/gross_quantity", "code": "not_positive", "detail": "Weigh it again."}],
    }
    page.route("**/api/v1/daily-entries/", lambda route: route.fulfill(status=422, json=problem))
    diskless.save()
    expect(diskless.panel).to_contain_text("Weight: Weigh it again.")
    expect(diskless.weight).to_have_text("12.5")
    expect(page.locator("#app")).to_have_attribute("data-ring", "weight")
    diskless.tap("½")
    expect(diskless.panel).to_be_hidden()


def test_undo_says_what_it_cancels_and_cancels_it(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    expect(page.locator("#undo")).to_be_hidden()
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    counter.save()
    counter.saved("8,000")
    expect(page.locator("#undo")).to_contain_text("207 · ₹8,000")
    page.locator("#undo").click()
    expect(page.locator("#said")).to_contain_text("Cancelled: 207 Karuppasamy M., Malli, 12.5 kg")
    expect(page.locator("#string li").first).to_contain_text("cancelled")
    expect(page.locator("#undo")).to_be_hidden()
    counter.sent()
    line = stall.line
    assert line.status == "voided"
    assert line.void_reason == "Taken back at the counter"


def test_every_sack_of_a_line_is_kept(counter: Counter, stall: Stall) -> None:
    counter.open(stall.kumar)
    counter.farmer("Karuppasamy")
    counter.tap("12½+8¼")
    expect(counter.page.locator("#usual")).to_have_text("2 sacks: 12.5 + 8.25 = 20.750")
    counter.save()
    counter.saved("13,280")
    assert stall.line.sack_weights == ["12.500", "8.250"]
    assert (stall.line.sacks, stall.line.quantity) == (2, Decimal("20.750"))


def test_another_rate_asks_for_a_reason_and_keeps_it(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    page.locator("#rate").click()
    counter.tap("600")
    counter.save()
    assert stall.lines == 0
    counter.panel.get_by_text("quality").click()
    expect(page.locator("#amount")).to_have_text("₹7,500.00")
    counter.save()
    counter.saved("7,500")
    assert (stall.line.rate, stall.line.rate_reason) == (Decimal("600.00"), "quality")


def test_a_line_without_any_rate_is_kept_for_later(counter: Counter, stall: Stall, meena: Membership) -> None:
    cast.a_flower(meena.shop, "ROS", "ரோஜா", "Rose")
    page = counter.open(stall.kumar).page
    expect(page.locator("#flow label", has_text="Rose")).to_contain_text("rate?")
    counter.farmer("Selvi")
    counter.flower("Rose")
    counter.tap("5")
    counter.save()
    expect(page.locator("#done-title")).to_have_text("Saved")
    assert (stall.line.rate, stall.line.amount) == (None, None)


def test_a_rate_called_meanwhile_is_offered_and_not_taken_by_itself(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    cast.called(stall.malli, "700", timezone.now() - dt.timedelta(seconds=1), meena)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    offer = page.get_by_role("button", name="New rate ₹700")
    expect(offer).to_be_visible()
    expect(page.locator("#amount")).to_have_text("₹8,000.00")
    offer.click()
    expect(page.locator("#amount")).to_have_text("₹8,750.00")
    counter.save()
    counter.saved("8,750")
    assert stall.line.rate == Decimal("700.00")


def test_when_the_session_ends_the_slip_waits_for_whoever_signs_in_again(
    diskless: Counter, stall: Stall
) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("12½")
    Session.objects.all().delete()
    cache.clear()
    diskless.save()
    expect(diskless.panel).to_contain_text("Nobody is signed in")
    expect(diskless.weight).to_have_text("12.5")
    diskless.panel.get_by_role("link", name="Sign in").click()
    page.fill("input[name=login]", stall.kumar.user.email or "")
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    diskless.save()
    diskless.saved("8,000")
    assert stall.lines == 1


def test_undo_tapped_while_another_line_is_saved_takes_nothing_back(diskless: Counter, stall: Stall) -> None:
    """What the button named is not what could be undone when the answer is there."""
    page = diskless.open(stall.kumar).page
    diskless.tap("207")
    diskless.tap("12½")
    diskless.save()
    diskless.saved("8,000")
    diskless.tap("207")
    diskless.tap("10")
    held: list[Route] = []
    page.route("**/api/v1/daily-entries/", lambda route: held.append(route))
    diskless.save()
    expect(page.locator("#save-amount")).to_have_text("Saving…")
    expect(page.locator("#undo")).to_contain_text("207 · ₹8,000")
    page.locator("#undo").click()
    page.keyboard.press("Escape")
    diskless.tap("045")
    held[0].continue_()
    expect(page.locator("#who-name")).to_have_text("Selvi R.")
    expect(page.locator("#undo")).to_contain_text("207 · ₹6,400")
    expect(page.locator("#count")).to_have_text("2")
    assert not DailyEntry.objects.filter(status="voided").exists()


def test_a_line_priced_otherwise_than_its_slip_says_so_until_somebody_answers(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    cast.called(stall.malli, "655.5", timezone.now() - dt.timedelta(seconds=1), meena)
    page.route("**/sync/v1/ref/**", lambda route: route.abort())
    counter.save()
    expect(counter.panel).to_contain_text("Written at ₹655.50; the slip said ₹640")
    expect(page.locator("#done")).to_be_hidden()
    expect(counter.panel).to_be_visible()
    counter.panel.get_by_role("button", name="Right").click()
    expect(counter.panel).to_be_hidden()
    counter.tap("207")
    counter.tap("12½")
    counter.save()
    counter.panel.get_by_role("button", name="Undo").click()
    expect(page.locator("#said")).to_contain_text("Cancelled: 207")
    counter.sent()
    assert [line.status for line in DailyEntry.objects.order_by("captured_at")][-2:] == [
        "confirmed",
        "voided",
    ]


def test_a_slip_that_may_have_arrived_is_cleared_only_with_a_second_word(
    diskless: Counter, stall: Stall, context: BrowserContext
) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("12½")
    context.set_offline(True)
    diskless.save()
    expect(diskless.panel).to_contain_text("It is not certain that it arrived")
    for _ in range(2):
        page.locator("#clear").click()
        expect(diskless.weight).to_have_text("12.5")
    diskless.panel.get_by_role("button", name="Clear it all the same").click()
    expect(diskless.panel).to_be_hidden()
    expect(page.locator("#who-name")).to_have_text("Choose the farmer")


def test_keys_meant_for_an_empty_slip_do_not_lengthen_the_one_that_comes_back(
    diskless: Counter, stall: Stall
) -> None:
    page = diskless.open(stall.kumar).page
    diskless.farmer("Karuppasamy")
    diskless.tap("4.")
    held: list[Route] = []
    page.route("**/sync/v1/ref/**", lambda route: held.append(route))
    page.reload()
    expect(page.locator("#who-name")).to_have_text("Loading…")
    diskless.tap("002")
    held[0].continue_()
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    expect(diskless.weight).to_have_text("4.")
    diskless.tap("5")
    expect(diskless.weight).to_have_text("4.5")


def test_more_keys_than_can_wait_are_all_dropped(counter: Counter, stall: Stall) -> None:
    page = counter.page
    held: list[Route] = []
    page.route("**/sync/v1/ref/**", lambda route: held.append(route))
    counter.cookie(stall.kumar)
    page.goto("/app/en/")
    expect(page.locator("#who-name")).to_have_text("Loading…")
    for _ in range(16):
        page.keyboard.type("2078")
    held[0].continue_()
    expect(page.locator("#who-name")).to_have_text("Choose the farmer")
    expect(page.locator("#number-typed")).to_have_text("")
    counter.tap("207")
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")


def test_a_farmer_added_elsewhere_is_looked_for_before_it_is_said_that_nobody_has_the_number(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    page = counter.open(stall.kumar).page
    cast.a_farmer(meena.shop, 56, "புதியவர் அ.", "Puthiyavar A.")
    counter.tap("056")
    counter.tap("8")
    expect(page.locator("#who-name")).to_have_text("Puthiyavar A.")
    expect(counter.weight).to_have_text("8")
    page.locator("#clear").click()
    counter.tap("057")
    expect(page.locator("#who-name")).to_have_text("Nobody has number 057")


def test_what_cannot_be_undone_any_more_is_said_and_no_longer_offered(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    counter.save()
    counter.saved("8,000")
    edit_entry(by=meena, entry_id=stall.line.pk, version=1, changes={"note": "Weighed again"})
    page.locator("#undo").click()
    expect(counter.panel).to_contain_text("changed or cancelled by somebody else")
    expect(page.locator("#undo")).to_be_hidden()
    assert stall.line.status == "confirmed"


def test_what_somebody_else_has_cancelled_need_not_be_cancelled_again(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    counter.save()
    counter.saved("8,000")
    void_entry(by=meena, entry_id=stall.line.pk, reason="Weighed wrongly")
    page.locator("#undo").click()
    expect(page.locator("#said")).to_contain_text("Cancelled: 207")
    counter.sent()
    expect(counter.panel).to_be_hidden()
    assert stall.line.void_reason == "Weighed wrongly"


def test_a_rate_of_nothing_needs_a_reason_and_is_then_kept(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    page.locator("#rate").click()
    counter.tap(".")
    counter.save()
    expect(page.locator("#said")).to_have_text("The rate is missing")
    counter.tap("0")
    counter.save()
    expect(page.locator("#said")).to_have_text("Choose why the rate is another one")
    assert stall.lines == 0
    counter.panel.get_by_text("quality").click()
    counter.save()
    counter.saved("0")
    assert (stall.line.rate, stall.line.amount) == (Decimal("0.00"), Decimal("0.00"))


def test_a_tablet_whose_clock_is_set_writes_at_the_right_time(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 6 * 3600 * 1000 }")
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    counter.save()
    counter.saved("8,000")
    assert abs(timezone.now() - stall.line.captured_at) < dt.timedelta(minutes=1)


def test_whoever_finds_nobody_signed_in_finds_no_slip_either(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    page.context.clear_cookies()
    page.reload()
    expect(counter.panel).to_contain_text("Please sign in")
    assert page.evaluate("sessionStorage.length") == 0


def test_strangers_and_farmers_are_told_where_to_go(counter: Counter, raja: Farmer) -> None:
    counter.open(None)
    expect(counter.panel).to_contain_text("Please sign in")
    assert raja.member is not None
    counter.page.context.clear_cookies()
    counter.page.wait_for_function("() => document.querySelector('#panel-answers a')")
    counter.cookie(raja.member)
    counter.page.reload()
    expect(counter.panel).to_contain_text("The counter is for the shop’s people")
    expect(counter.panel.get_by_role("link")).to_have_attribute("href", "/")


def test_another_person_does_not_get_the_slip_of_the_one_before(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    counter.open(stall.kumar)
    counter.farmer("Karuppasamy")
    counter.tap("12½")
    counter.open(meena)
    expect(counter.page.locator("#who-name")).to_have_text("Choose the farmer")


def test_a_new_shop_is_told_what_it_needs_first(counter: Counter, kumar: Membership) -> None:
    counter.open(None)
    counter.cookie(kumar)
    counter.page.reload()
    expect(counter.panel).to_contain_text("No flowers yet")
    cast.a_flower(kumar.shop, "MAL", "மல்லிகை", "Jasmine")
    counter.page.reload()
    expect(counter.panel.get_by_role("link", name="Add a farmer")).to_be_visible()


def test_keys_pressed_while_everything_is_still_loading_are_not_lost(counter: Counter, stall: Stall) -> None:
    page = counter.page
    held: list[Route] = []
    page.route("**/sync/v1/ref/**", lambda route: held.append(route))
    counter.cookie(stall.kumar)
    page.goto("/app/en/")
    expect(page.locator("#who-name")).to_have_text("Loading…")
    counter.tap("20712½")
    assert held
    held[0].continue_()
    expect(page.locator("#who-name")).to_have_text("Karuppasamy M.")
    expect(counter.weight).to_have_text("12.5")


SCALE = """
const lines = new TextEncoder();
let says = "";
const port = {
  open: async () => {},
  close: async () => {},
  readable: new ReadableStream({
    start(stream) { setInterval(() => says && stream.enqueue(lines.encode(`${says}\\r\\n`)), 100) },
  }),
};
Object.defineProperty(navigator, "serial", { value: { getPorts: async () => [port] } });
window.scaleSays = (line) => { says = line };
"""


def test_with_a_scale_a_sale_is_two_taps_and_the_last_sack_never_fills_the_next_slip(
    counter: Counter, stall: Stall
) -> None:
    """ux.md §1.2, way D, and trap 5."""
    counter.page.add_init_script(SCALE)
    page = counter.open(stall.kumar).page
    chip = page.locator("#scale")
    page.evaluate("scaleSays('ST,GS,+  0.000kg')")
    expect(chip).to_contain_text("Scale 0.000")
    counter.counted()
    counter.farmer("Karuppasamy")
    page.evaluate("scaleSays('ST,GS,+ 12.500kg')")
    expect(counter.weight).to_have_text("12.500")
    counter.save()
    counter.saved("8,000")
    assert counter.counted() == (2, 0)
    assert stall.line.quantity == Decimal("12.500")

    counter.farmer("Karuppasamy")
    expect(chip).to_contain_text("Waiting for the scale to return to 0")
    expect(counter.weight).to_have_text("")
    page.evaluate("scaleSays('ST,GS,+  0.000kg')")
    expect(chip).to_contain_text("Scale 0.000")
    page.evaluate("scaleSays('ST,GS,+  9.000kg')")
    expect(counter.weight).to_have_text("9.000")


def test_the_page_of_a_farmer_leads_to_his_slip(counter: Counter, stall: Stall) -> None:
    counter.open(None)
    counter.cookie(stall.kumar)
    counter.page.goto("/ledger/farmers/")
    counter.page.goto("/app/en/#farmer=207")
    expect(counter.page.locator("#who-name")).to_have_text("Karuppasamy M.")
    assert counter.page.url.endswith("/app/en/")


def test_the_page_of_a_farmer_does_not_take_the_slip_of_another(counter: Counter, stall: Stall) -> None:
    page = counter.open(stall.kumar).page
    counter.tap("207")
    for typed, number, name in (("", 45, "Selvi R."), ("8", 207, "Selvi R.")):
        counter.tap(typed)
        page.goto("about:blank")
        page.goto(f"/app/en/#farmer={number}")
        expect(page.locator("#who-name")).to_have_text(name)
        assert page.url.endswith("/app/en/")
    expect(counter.panel).to_contain_text("The slip of 045 is still open")
    expect(counter.panel).to_contain_text("then choose 207")
    expect(counter.weight).to_have_text("8")


def test_a_farmer_moves_only_the_tiles_that_stand_elsewhere_and_a_key_moves_nothing(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    """To build them all anew is what a slow tablet took longest for; a key that glides costs it as much again."""
    a_full_morning(stall, meena)
    cast.recorded(stall.kumar, stall.selvi, Flower.objects.get(code="ROJA"))
    page = counter.open(stall.kumar).page
    tiles = page.locator("#flow label.tile")
    stays = tiles.nth(4).element_handle()
    page.evaluate(
        """() => {
          window.moved = [];
          new MutationObserver((changes) => {
            for (const { addedNodes } of changes) moved.push(...addedNodes);
          }).observe(document.getElementById("flow"), { childList: true });
          addEventListener("pointerup", () => { window.glides = document.getAnimations().length }, true);
        }"""
    )
    counter.tap("045")
    expect(tiles.first).to_contain_text("Roja")
    assert page.evaluate("moved.map((tile) => tile.textContent.includes('Roja'))") == [True]
    assert stays.is_visible()
    expect(page.locator("#flow :checked")).to_have_value(str(Flower.objects.get(code="ROJA").pk))
    box = page.locator('[data-key="4"]').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.up()
    assert page.evaluate("window.glides") == 0


def test_the_sheet_of_all_flowers_has_them_in_his_order_with_todays_rates(
    counter: Counter, stall: Stall, meena: Membership
) -> None:
    a_full_morning(stall, meena)
    page = counter.open(stall.kumar).page
    counter.farmer("Karuppasamy")
    for _ in range(2):
        page.locator("#more").click()
        every = page.locator("#all button")
        expect(every).to_have_count(12)
        expect(every.first).to_contain_text("Malli")
        expect(every.first).to_contain_text("₹640")
        page.locator("#flowers [data-close]").click()
    page.locator("#more").click()
    cast.called(stall.malli, "700", timezone.now(), meena)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(every.first).to_contain_text("₹700")
    every.filter(has_text="Thamarai").click()
    expect(page.locator("#what-name")).to_have_text("Thamarai")
