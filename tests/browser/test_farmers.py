"""Farmers in a real browser: taken in with suggestions and a warning, imported as a list, found by sound."""

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Page, ViewportSize, expect

from ledger.models import Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from tests.cast import PASSWORD, a_farmer, a_member

pytestmark = pytest.mark.django_db(transaction=True)

TABLET: ViewportSize = {"width": 800, "height": 1280}
PHONE: ViewportSize = {"width": 412, "height": 915}
# A tick is tapped by its label, a farmer of the list by his row.
TOO_SMALL = """
    () => [...document.querySelectorAll("main :is(a, button, input, select, summary, .button)")]
        .filter((each) => each.checkVisibility() && !["hidden", "file"].includes(each.type))
        .filter((each) => {
            const tapped = each.type === "checkbox" ? each.closest("label") : each;
            const box = (each.matches(".farmers__name a") ? each.closest("tr") : tapped).getBoundingClientRect();
            return box.height < 47.5;
        })
        .map((each) => each.outerHTML.slice(0, 90))
"""
FIGURES = """எண்,பெயர்,ஊர்,நாம் கொடுக்க வேண்டியது,அவர் தர வேண்டியது,முன்பணம்
521,செல்வி,நிலக்கோட்டை,"1,23,456.50",,15000
522,மணி,நிலக்கோட்டை,,27,
523,தேவி,வெள்ளோடு,5,6,500.50
"""
LIST = (
    "எண்,பெயர்,ஊர்,கைபேசி எண்\n"
    "207,மு. கருப்பசாமி,அலங்காநல்லூர்,98765 43210\n"
    ",பா. முருகேசன்,வலையங்குளம்,\n"
    "14,க. கண்ணன்,,\n"
    "31,ந. பழனி,,12\n"
)


def sign_in(page: Page, member: Membership) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", member.user.email or "")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/")


def test_a_farmer_is_added_with_a_suggested_name_and_a_warning_seen_in_time(
    page: Page, kumar: Membership, raja: Farmer
) -> None:
    sign_in(page, kumar)
    page.goto("/ledger/farmers/new/")
    expect(page.locator("#id_number")).to_have_value("15")

    page.locator("#id_name_ta").press_sequentially("மு. ராஜா")
    page.locator("#id_village_ta").fill("வெள்ளோடு")
    expect(page.locator("#id_name_en")).to_have_value("M. Raja")
    expect(page.locator("[data-hint-of=name_en]")).to_contain_text("Suggested.")
    expect(page.locator("#hint-namesakes")).to_contain_text("P. Raja")
    expect(page.locator("#hint-namesakes")).to_contain_text("Vellodu")

    page.locator("#id_phone").fill("98765")
    expect(page.locator("#hint-phone")).to_contain_text("5 digits so far.")
    expect(page.locator("#id_village_en")).to_have_value("Vellodu")
    page.locator("#id_number").fill("14")
    expect(page.locator("#hint-number")).to_contain_text(
        "14 is P. Raja, Vellodu. The next free number is 15."
    )
    page.locator("#id_number").fill("15")
    page.locator("#id_phone").fill("98765 43210")
    expect(page.locator("#hint-phone")).to_contain_text("+91 98765 43210")

    page.get_by_role("button", name="Save").click()
    page.wait_for_url(lambda url: not url.endswith("/new/"))
    made = Farmer.objects.get(number=15)
    assert (made.name_ta, made.name_en, made.village_en) == ("மு. ராஜா", "M. Raja", "Vellodu")


def test_a_suggestion_never_touches_what_a_person_typed(page: Page, kumar: Membership) -> None:
    sign_in(page, kumar)
    page.goto("/ledger/farmers/new/")
    page.locator("#id_name_en").fill("Rasa")
    page.locator("#id_name_ta").fill("ராஜா")
    with page.expect_response("**/hints/"):
        page.locator("#id_village_ta").fill("மேலூர்")
        page.locator("#id_phone").focus()
    expect(page.locator("#id_village_en")).not_to_have_value("")
    assert page.input_value("#id_name_en") == "Rasa"

    # A suggestion follows its source until somebody types over it.
    page.locator("#id_village_ta").fill("திருமங்கலம்")
    page.locator("#id_phone").focus()
    expect(page.locator("#id_village_en")).to_have_value("Thirumangalam")
    page.locator("#id_village_en").fill("Tirumangalam")
    page.locator("#id_village_ta").fill("மேலூர்")
    with page.expect_response("**/hints/"):
        page.locator("#id_phone").focus()
    assert page.input_value("#id_village_en") == "Tirumangalam"


def test_the_list_answers_while_somebody_types_by_sound_too(
    page: Page, kumar: Membership, raja: Farmer, lakshmi: Farmer
) -> None:
    sign_in(page, kumar)
    page.goto("/ledger/farmers/")
    page.locator("#id_q").press_sequentially("latchumi")
    expect(page.locator(".farmers tbody tr")).to_have_count(1)
    expect(page.locator(".farmers")).to_contain_text("S. Lakshmi")
    assert "q=latchumi" in page.url

    page.reload()
    expect(page.locator(".farmers tbody tr")).to_have_count(1)
    page.locator(".farmers__name a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("S. Lakshmi")


@pytest.mark.parametrize("language", ["en", "ta"])
def test_a_list_is_looked_at_and_taken_into_the_book(
    page: Page, meena: Membership, raja: Farmer, tmp_path: Path, language: str
) -> None:
    owner = a_member(meena.shop, "Ponni", Role.ADMIN, language=language)
    file = tmp_path / "list.csv"
    file.write_text(LIST, encoding="utf-16")
    sign_in(page, owner)
    page.goto("/ledger/farmers/import/")
    page.set_input_files("[name=file]", file)
    expect(page.locator("[data-file-name]")).to_have_text("list.csv")
    page.locator("main .button--primary").click()

    expect(page.locator(".figure--main .figure__value")).to_have_text("2")
    expect(page.locator(".cell-fault")).to_have_count(1)
    page.locator(".import-rows [name=ticked]").check()
    page.locator("main .button--primary").click()
    page.wait_for_url("**/ledger/farmers/")
    expect(page.locator(".toast")).to_be_visible()
    assert set(Farmer.objects.values_list("number", flat=True)) == {14, 207, 208, 209}


def test_somebody_who_comes_no_more_is_brought_back_with_one_tap(
    page: Page, kumar: Membership, raja: Farmer
) -> None:
    sign_in(page, kumar)
    page.goto(reverse("ledger:farmer_detail", args=[raja.pk]))
    page.get_by_role("button", name="No longer comes").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="No longer comes")).to_be_visible()
    assert page.locator("main .button--primary").get_attribute("href") == "/app/en/#farmer=14"


@pytest.mark.parametrize("theme", ["day", "dim"])
@pytest.mark.parametrize("language", ["en", "ta"])
def test_what_stands_on_no_page_of_its_own_can_be_read_and_reached_too(
    page: Page, meena: Membership, raja: Farmer, tmp_path: Path, language: str, theme: str
) -> None:
    """A warned form, the preview, an answer that finds nobody: axe finds nothing, nothing is wider than the
    screen, nothing to tap is smaller than a finger. `test_every_page` looks at the others."""
    owner = a_member(meena.shop, "Ponni", Role.ADMIN, language=language)
    gone = a_farmer(meena.shop, 16, "மு. ராஜா", "M. Raja", village_ta="பெருமாள்கோவில்பட்டி", is_active=False)
    file = tmp_path / "list.csv"
    file.write_text(f"{LIST}14,P. Raja,Melur,98765 43210\n", encoding="utf-8")
    money = tmp_path / "figures.csv"
    money.write_text(FIGURES, encoding="utf-8")
    # The theme goes by the clock unless it was chosen.
    page.add_init_script(f"localStorage.setItem('malar-theme', '{theme} ' + (Date.now() + 3600000))")
    sign_in(page, owner)

    def preview(chosen: Path = file) -> None:
        page.goto("/ledger/farmers/import/")
        page.set_input_files("[name=file]", chosen)
        page.locator("main .button--primary").click()
        page.locator(".import-rows").first.wait_for()

    def figures() -> None:
        preview(money)
        page.fill("[name=we_owe]", "1,23,456.50")
        page.locator("main .button--primary").click()
        page.locator(".error-summary").wait_for()

    def warned() -> None:
        page.goto("/ledger/farmers/new/")
        page.fill("#id_name_ta", "கா. ராஜா")
        page.fill("#id_number", "14")
        page.fill("#id_phone", "98765")
        page.locator(".namesakes").wait_for()

    places: dict[str, Callable[[], object]] = {
        "nobody": lambda: page.goto("/ledger/farmers/?q=4711"),
        "all": lambda: page.goto("/ledger/farmers/?active=all"),
        "gone": lambda: page.goto(reverse("ledger:farmer_detail", args=[gone.pk])),
        "warned": warned,
        "import": lambda: page.goto("/ledger/farmers/import/"),
        "preview": preview,
        "figures": figures,
    }
    wrong: dict[str, object] = {}
    for name, go in places.items():
        page.set_viewport_size(TABLET)
        go()
        for size in (TABLET, PHONE):
            page.set_viewport_size(size)
            where = f"{name} at {size['width']}"
            if violations := Axe().run(page).response["violations"]:
                wrong[where] = [
                    (each["id"], [node["target"] for node in each["nodes"]][:3]) for each in violations
                ]
            if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
                wrong[f"{where} is wider than the screen"] = True
            if small := page.evaluate(TOO_SMALL):
                wrong[f"{where}: too small to tap"] = small
    assert wrong == {}
