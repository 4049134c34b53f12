"""Rates, as an owner calls them: with the keypad, with the keyboard, and with a finger that slips."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower, MarketRate, TimeSlot
from tests.browser.places import in_the_rush, sign_in
from tests.cast import a_flower, a_member, a_slot, called

pytestmark = pytest.mark.django_db(transaction=True)

BOARD, WALL = "/pricing/rates/", "/pricing/rates/wall/"
DESK: ViewportSize = {"width": 1280, "height": 800}
TABLET: ViewportSize = {"width": 800, "height": 1280}
TELEVISION: ViewportSize = {"width": 1920, "height": 1080}
MARKET = (
    ("MUL", "முல்லை", "Mullai", "kg"),
    ("PIC", "பிச்சி", "Pichi", "kg"),
    ("KAK", "காக்கரட்டான்", "Kakkarattan", "kg"),
    ("KAN", "கனகாம்பரம்", "Kanakambaram", "kg"),
    ("PAN", "பன்னீர்", "Paneer rose", "kg"),
    ("BUT", "பட்டன்", "Button rose", "kg"),
    ("ROS", "ரோஜா கட்டு", "Stem rose", "bundle"),
    ("SEV", "செவ்வந்தி", "Sevanthi", "kg"),
    ("SEN", "செண்டு", "Sendumalli", "kg"),
    ("SAM", "சம்பங்கி", "Sampangi", "kg"),
    ("ARA", "அரளி", "Arali", "kg"),
    ("KOZ", "கோழிக்கொண்டை", "Kozhikondai", "kg"),
    ("LOT", "தாமரை", "Lotus", "piece"),
)
Open = Callable[..., None]


@pytest.fixture(autouse=True)
def _rush() -> Iterator[None]:
    with in_the_rush():
        yield


@pytest.fixture
def slot(meena: Membership) -> TimeSlot:
    """One that is always now."""
    return a_slot(meena.shop, "00:00", "23:59")


@pytest.fixture
def market(meena: Membership, jasmine: Flower, slot: TimeSlot) -> list[Flower]:
    """Fourteen flowers with calls of yesterday and two of today, one of them of a wedding day."""
    flowers = [jasmine, *(a_flower(meena.shop, *flower) for flower in MARKET)]
    for number, flower in enumerate(flowers, start=1):
        called(flower, str(number * 60), timezone.now() - dt.timedelta(days=1, minutes=5), meena)
        called(flower, str(number * 60 - 10), timezone.now() - dt.timedelta(minutes=2), meena)
        called(flower, str(number * 60 + 140), timezone.now() - dt.timedelta(minutes=1), meena)
    called(flowers[3], "1450", timezone.now(), meena)
    called(flowers[4], "12345", timezone.now(), meena)
    return flowers


@pytest.fixture
def open_board(page: Page, live_server: LiveServer) -> Open:
    def opened(member: Membership, address: str = BOARD) -> None:
        sign_in(page.context, live_server.url, member)
        page.goto(address)
        page.wait_for_selector("[data-pad]:not([hidden]), [data-full-screen], .grid:not(:has(input))")

    return opened


def place(page: Page, flower: Flower, slot: TimeSlot | None = None) -> str:
    return f"#id_rate-{flower.code}-{f'{slot.start:%H%M}' if slot else 'called'}"


def rates() -> list[tuple[str, Decimal]]:
    """What was published, oldest first."""
    found = MarketRate.objects.order_by("effective_from", "flower__position", "flower__code")
    return [(rate.flower.code, rate.rate) for rate in found.select_related("flower")]


def tap(page: Page, *keys: str) -> int:
    """Taps keys of the pad; returns how many taps it was."""
    for key in keys:
        page.locator(f'[data-key="{key}"]').tap()
    return len(keys)


@pytest.fixture
def context(browser: Browser, live_server: LiveServer) -> Iterator[BrowserContext]:
    """A tablet with a touch screen."""
    opened = browser.new_context(
        base_url=live_server.url,
        viewport=TABLET,
        has_touch=True,
        locale="en-IN",
        timezone_id="Asia/Kolkata",
    )
    yield opened
    opened.close()


def test_two_rates_are_published_with_nine_taps(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower, lotus: Flower
) -> None:
    open_board(meena)
    # The first flower is chosen already: its rate is typed at once.
    taps = tap(page, "6", "4", "0", "next") + tap(page, "1", "2", ".", "5")
    expect(page.locator("[data-publish]")).to_have_text("Publish 2 rates")
    page.locator("[data-publish]").tap()
    expect(page.locator("[data-news]")).to_contain_text("₹640 from")
    assert taps + 1 == 9
    assert rates() == [("MAL", Decimal(640)), ("THA", Decimal("12.5"))]
    page.wait_for_selector("[data-news]:focus")
    assert page.input_value(place(page, jasmine)) == ""


def test_one_tap_more_or_less_moves_a_rate_by_a_step(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower
) -> None:
    called(jasmine, "640", timezone.now() - dt.timedelta(minutes=1), meena)
    open_board(meena)
    tap(page, "up", "up", "up", "down")
    expect(page.locator("[data-hero]").last).to_have_text("₹660")
    expect(page.locator(".chosen [data-chip]")).to_have_text("+₹20")
    expect(page.locator(".chosen [data-old]")).to_have_text("₹640")


def test_the_keyboard_walks_over_the_board_types_and_publishes(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower, lotus: Flower, slot: TimeSlot
) -> None:
    open_board(meena)
    page.focus(place(page, jasmine))
    page.keyboard.type("700")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("680")
    page.keyboard.press("Enter")
    expect(page.locator(place(page, lotus, slot))).to_be_focused()
    page.keyboard.type("9")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-news]")).to_be_visible()
    assert sorted(rates()) == [("MAL", Decimal(680)), ("MAL", Decimal(700))]


@pytest.mark.parametrize(("answer", "rate"), [("Change to ₹640", 640), ("₹6,400 is right", 6400)])
def test_a_rate_far_from_yesterday_s_is_asked_about_where_the_keys_were(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower, lotus: Flower, answer: str, rate: int
) -> None:
    called(jasmine, "700", timezone.now() - dt.timedelta(days=1, minutes=1), meena)
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    open_board(meena)
    tap(page, "6", "4", "0", "0", "next", "9")
    page.locator("[data-publish]").tap()
    question = page.get_by_role("group", name="₹6,400 for Jasmine?")
    expect(question).to_be_focused()
    expect(page.locator("[data-pad]")).to_be_hidden()
    assert posts == [], "nothing was sent before the answer"
    question.get_by_role("button", name=answer).tap()
    expect(page.locator("[data-news]")).to_be_visible()
    assert len(posts) == 1
    assert MarketRate.objects.filter(flower=jasmine).latest("effective_from").rate == rate
    assert MarketRate.objects.filter(flower=lotus).exists()


def test_the_server_asks_where_the_page_did_not_know(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower
) -> None:
    open_board(meena)
    tap(page, "6", "4", "0", "0")
    called(jasmine, "640", timezone.now() - dt.timedelta(seconds=1), meena)  # meanwhile, by somebody else
    page.locator("[data-publish]").tap()
    question = page.get_by_role("group", name="₹6,400 for Jasmine?")
    expect(question).to_be_focused()
    question.get_by_role("button", name="Change to ₹640").tap()
    expect(page.locator("[data-news]")).to_contain_text("₹640")
    assert MarketRate.objects.count() == 2


def test_without_a_network_nothing_is_published_and_what_was_typed_stays(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower
) -> None:
    open_board(meena)
    tap(page, "6", "4", "0")
    page.context.set_offline(True)
    page.locator("[data-publish]").tap()
    expect(page.locator("[data-unpublished]")).to_be_visible()
    expect(page.locator(place(page, jasmine))).to_have_value("640")
    assert rates() == []

    page.context.set_offline(False)
    page.locator("[data-publish]").tap()
    expect(page.locator("[data-news]")).to_be_visible()
    assert rates() == [("MAL", Decimal(640))]


def test_the_way_back_is_to_publish_the_old_rate_again(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower
) -> None:
    called(jasmine, "640", timezone.now() - dt.timedelta(minutes=1), meena)
    open_board(meena)
    tap(page, "7", "0", "0")
    page.locator("[data-publish]").tap()
    page.get_by_role("button", name="Publish ₹640 again").tap()
    expect(page.locator("[data-news]")).to_contain_text("₹700 ₹640 from")
    assert [rate for _code, rate in rates()] == [640, 700, 640]


def test_without_javascript_it_is_a_form(
    browser: Browser, live_server: LiveServer, meena: Membership, jasmine: Flower
) -> None:
    called(jasmine, "700", timezone.now() - dt.timedelta(days=1, minutes=1), meena)
    plain = browser.new_context(base_url=live_server.url, java_script_enabled=False, viewport=TABLET)
    sign_in(plain, live_server.url, meena)
    page = plain.new_page()
    page.goto(BOARD)
    page.fill(place(page, jasmine), "6400")
    page.get_by_role("button", name="Publish rates").click()
    page.get_by_role("button", name="Change to ₹640").click()
    expect(page.locator(".news")).to_contain_text("₹640")
    plain.close()
    assert [rate for _code, rate in rates()] == [700, 640]


AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"color-contrast-enhanced": {"enabled": True}},
}


@pytest.mark.parametrize("language", ["ta", "en"])
def test_everybody_can_read_the_board_the_question_and_the_wall(
    page: Page, open_board: Open, meena: Membership, market: list[Flower], language: str
) -> None:
    """axe finds nothing by day and before sunrise, and nothing is wider than the screen."""
    owner = a_member(meena.shop, "Ponni", Role.ADMIN, language=language)
    wrong: dict[str, object] = {}

    def look(where: str) -> None:
        for theme in ("day", "dim"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme }", theme)
            found = Axe().run(page, options=AXE).response["violations"]
            if found:
                wrong[f"{where}, {theme}"] = [
                    (each["id"], [node["target"] for node in each["nodes"]][:3]) for each in found
                ]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wrong[f"{where} is wider than the screen"] = True

    for size in (DESK, TABLET):
        # Long enough for all of it: axe takes a place half under the keypad for a place too small to hit.
        page.set_viewport_size({"width": size["width"], "height": 2400})
        open_board(owner)
        tap(page, "up", "next", "9", "9", "9", "0")
        look(f"board {size}")
        page.locator("[data-publish]").tap()
        page.wait_for_selector("[data-question]")
        look(f"question {size}")
        page.set_viewport_size(size)
        open_board(owner, WALL)
        look(f"wall {size}")
    assert wrong == {}


@pytest.mark.parametrize("size", [DESK, TELEVISION, TABLET])
@pytest.mark.parametrize("language", ["ta", "en"])
def test_fourteen_flowers_fit_on_the_wall(
    page: Page,
    open_board: Open,
    meena: Membership,
    market: list[Flower],
    size: ViewportSize,
    language: str,
) -> None:
    """Nothing scrolls, and no word or figure leaves its flower."""
    page.set_viewport_size(size)
    open_board(a_member(meena.shop, "Ponni", Role.STAFF, language=language), WALL)
    page.evaluate("document.fonts.ready")
    assert page.locator(".wall__flower").count() == 14
    assert page.evaluate(
        "document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth"
    )
    outside = page.evaluate(
        """() => [...document.querySelectorAll('.wall__flower')].flatMap((flower) => {
            const room = flower.getBoundingClientRect();
            /** Sideways the words themselves, up and down their line: letters are lower than their line is high. */
            const box = (part) => {
                const range = document.createRange();
                range.selectNodeContents(part);
                const { left, right } = range.getBoundingClientRect();
                const { top, bottom } = part.getBoundingClientRect();
                const isChange = part.parentElement.matches('.wall__change');
                return { left, right, top, bottom, isChange, words: part.textContent.trim() };
            };
            const parts = '.wall__names > *, .wall__change > :last-child, .wall__rate';
            const words = [...flower.querySelectorAll(parts)].map(box);
            const change = words.find((each) => each.isChange);
            const meet = (one, other) => one !== other && one.top < other.bottom && one.right > other.left + 1
                && one.bottom > other.top + 1;
            return words.filter((each) => each.words && (each.left < room.left || each.right > room.right
                || each.top < room.top || each.bottom > room.bottom || meet(each, change)
            )).map((each) => each.words);
        })"""
    )
    assert outside == []


def test_the_wall_renews_itself_and_says_when_it_cannot(
    page: Page, open_board: Open, meena: Membership, jasmine: Flower
) -> None:
    open_board(meena, WALL)
    called(jasmine, "640", timezone.now() - dt.timedelta(seconds=1), meena)
    page.wait_for_function("() => window.htmx")
    renew = "document.getElementById('wall').dispatchEvent(new Event('refresh'))"
    page.evaluate(renew)
    expect(page.locator(".wall__rate")).to_have_text("₹640")
    page.wait_for_load_state("networkidle")  # the behaviour that says so is loaded
    page.context.set_offline(True)
    page.evaluate(renew)
    expect(page.locator(".wall__stale")).to_be_visible()
    expect(page.locator(".wall__rate")).to_have_text("₹640")
    page.context.set_offline(False)
    page.evaluate(renew)
    expect(page.locator(".wall__stale")).to_be_hidden()
