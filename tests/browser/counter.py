"""The counter as the tests use it: a stall with people and prices, and fingers that are counted."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from ledger.models import DailyEntry, Farmer
from malar.accounts.domain import Role
from malar.accounts.models import Membership
from pricing.models import Flower
from tests import cast
from tests.conftest import page_of

COUNT = """
window.counted = { taps: 0, keys: 0 };
addEventListener("pointerdown", () => { counted.taps += 1 }, true);
addEventListener("keydown", () => { counted.keys += 1 }, true);
"""
KEYS = {"¼": "quarter", "½": "half", "¾": "threequarters", "+": "sack"}


@dataclass
class Stall:
    """Meena's: Kumar weighs; 207 Karuppasamy brings jasmine, 8 to 15 kg, and now and then Pichi."""

    kumar: Membership
    karuppasamy: Farmer
    selvi: Farmer
    malli: Flower
    pichi: Flower

    @property
    def line(self) -> DailyEntry:
        """The line written last at the counter."""
        return DailyEntry.objects.order_by("captured_at").last()  # type: ignore[return-value]

    @property
    def lines(self) -> int:
        """How many lines were written today."""
        return DailyEntry.objects.filter(captured_at__gte=timezone.now() - dt.timedelta(minutes=10)).count()


def a_stall(kumar: Membership) -> Stall:
    """Two flowers with rates, two farmers, and a week in which Karuppasamy came every day."""
    shop = kumar.shop
    meena = cast.a_member(shop, "Meenakshi", Role.ADMIN)
    malli = cast.a_flower(shop, "MAL", "மல்லிகை", "Jasmine")
    pichi = cast.a_flower(shop, "PIC", "பிச்சிப்பூ", "Jathi malli")
    for flower, glyph, ta, en in ((malli, "malli", "மல்லி", "Malli"), (pichi, "pichi", "பிச்சி", "Pichi")):
        flower.glyph, flower.short_name_ta, flower.short_name_en = glyph, ta, en
        flower.save()
    karuppasamy = cast.a_farmer(
        shop, 207, "கருப்பசாமி மு.", "Karuppasamy M.", village_ta="அலங்காநல்லூர்", village_en="Alanganallur"
    )
    selvi = cast.a_farmer(shop, 45, "செல்வி ரா.", "Selvi R.", village_ta="மேலூர்", village_en="Melur")
    now = timezone.now()
    for flower, rate in ((malli, "640"), (pichi, "520")):
        cast.called(flower, rate, now - dt.timedelta(minutes=30), meena)
    for day, weight in enumerate(("8", "9", "10", "12", "14", "15"), start=1):
        cast.recorded(
            kumar,
            karuppasamy,
            malli,
            quantity=Decimal(weight),
            rate=Decimal(600),
            captured_at=now - dt.timedelta(days=day),
        )
    return Stall(kumar=kumar, karuppasamy=karuppasamy, selvi=selvi, malli=malli, pichi=pichi)


class Counter:
    """The screen, and whoever stands before it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        page.add_init_script(COUNT)
        page.set_default_timeout(8000)

    def open(self, member: Membership | None, language: str = "en") -> "Counter":
        """Signed in as `member`, with everything loaded."""
        if member is not None:
            self.cookie(member)
        self.page.goto(f"/app/{language}/")
        if member is not None:
            expect(self.page.locator("#recents label").first).to_be_visible()
        return self

    def cookie(self, member: Membership) -> None:
        """Signed in as `member` from the next request on."""
        cookie = page_of(member).cookies[settings.SESSION_COOKIE_NAME].value
        self.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": self.address, "httpOnly": True}]
        )

    def farmer(self, name: str) -> None:
        """Tap somebody who was here lately."""
        self.page.locator("#recents label", has_text=name).click()

    def flower(self, name: str) -> None:
        """Tap a tile."""
        self.page.locator("#flow label", has_text=name).click()

    def tap(self, keys: str) -> None:
        """Tap on the keypad, key by key: digits, point, ¼ ½ ¾, +."""
        for key in keys:
            self.page.locator(f'[data-key="{KEYS.get(key, key)}"]').click()
            # Two touches far apart within 30 ms are water on the glass (counter/wet.js), and no finger's.
            self.page.wait_for_timeout(40)

    def save(self) -> None:
        """Tap Save, also while it says that something is missing."""
        box = self.page.locator("#save").bounding_box()
        assert box is not None
        self.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def type(self, keys: str) -> None:
        """The keyboard of a desktop; ⏎ is Enter."""
        for key in keys:
            self.page.keyboard.press("Enter" if key == "⏎" else key)

    def sell(self, weight: str, number: str = "207") -> None:
        """A whole sale on the keyboard, until it is said that it is saved: on the tablet, at least."""
        before = self.page.locator("#count").text_content()
        self.type(f"{number}⏎{weight}⏎⏎")
        expect(self.page.locator("#count")).not_to_have_text(before or "")

    def saved(self, amount: str) -> None:
        """Wait for the flower to open, with the amount, and for the server to have it."""
        self.kept(amount)
        self.sent()

    def kept(self, amount: str) -> None:
        """Wait for the flower to open, with the amount: the line is on the tablet."""
        expect(self.page.locator("#done-amount")).to_have_text(amount)

    def sent(self) -> None:
        """Wait until the server has everything."""
        expect(self.page.locator("#pill")).to_have_attribute("data-waiting", "0")

    @property
    def weight(self) -> Locator:
        """The big number."""
        return self.page.locator("#weight")

    @property
    def panel(self) -> Locator:
        """What is asked or said in place of the flowers."""
        return self.page.locator("#panel")

    def counted(self) -> tuple[int, int]:
        """Taps and keys since the last time."""
        counts = self.page.evaluate(
            "() => { const was = counted; counted = { taps: 0, keys: 0 }; return was }"
        )
        return counts["taps"], counts["keys"]


CROWD = (
    (112, "முருகேசன் பா.", "Murugesan P.", "வலையங்குளம்", "Valayankulam"),
    (318, "பாண்டியம்மாள்", "Pandiammal", "பாரைப்பட்டி", "Paraipatti"),
    (271, "முருகேசன் பா.", "Murugesan P.", "காரியாபட்டி", "Kariapatti"),
    (126, "அழகர்சாமி வே.", "Alagarsamy V.", "மேலூர்", "Melur"),
    (89, "ஜோதி சு.", "Jothi S.", "நிலக்கோட்டை", "Nilakottai"),
    (154, "இருளாயி", "Irulayi", "அருப்புக்கோட்டை", "Aruppukkottai"),
)
GARDEN = (
    ("mullai", "முல்லை", "Mullai", "580"),
    ("kanakam", "கனகாம்பரம்", "Kanakambaram", "760"),
    ("arali", "அரளி", "Arali", "180"),
    ("sampangi", "சம்பங்கி", "Sampangi", "140"),
    ("sevanthi", "செவ்வந்தி", "Sevanthi", "120"),
    ("roja", "ரோஜா", "Roja", "160"),
    ("sendu", "செண்டுமல்லி", "Sendumalli", "70"),
    ("kozhi", "கோழிப்பூ", "Kozhikondai", "60"),
    ("mari", "மரிக்கொழுந்து", "Marikozhundhu", "90"),
    ("thamarai", "தாமரை", "Thamarai", "12"),
)


def a_full_morning(stall: Stall, meena: Membership) -> None:
    """Twelve flowers, eight farmers of whom two share a name, and four lines on the string."""
    for glyph, name_ta, name_en, rate in GARDEN:
        flower = cast.a_flower(meena.shop, glyph[:4].upper(), name_ta, name_en)
        flower.glyph, flower.short_name_ta, flower.short_name_en = glyph, name_ta, name_en
        flower.save()
        cast.called(flower, rate, timezone.now() - dt.timedelta(minutes=20), meena)
    for number, name_ta, name_en, village_ta, village_en in CROWD:
        farmer = cast.a_farmer(
            meena.shop, number, name_ta, name_en, village_ta=village_ta, village_en=village_en
        )
        cast.recorded(stall.kumar, farmer, stall.malli, quantity=Decimal("8.250"))
    now = timezone.localtime()
    slot = cast.a_slot(
        meena.shop, f"{now.hour:02}:00", f"{now.hour + 1:02}:00" if now.hour < 23 else "23:59:59"
    )
    slot.name_ta, slot.name_en = "அதிகாலை விலை", "Pre-dawn rate"
    slot.save()
