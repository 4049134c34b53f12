"""The papers of worked settlements A and B, read back to the paisa from what a printer or a phone gets."""

import datetime as dt
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser

import pytest
import segno

from settlements.documents.html import render_html
from settlements.documents.paper import fees_of, paper_of
from settlements.documents.pdf import FEW, Layout, render_pdf
from settlements.documents.statement import Language, Statement, StatementPayment
from settlements.documents.thermal import DOTS, render_thermal
from tests.settlements.pdf_text import pages_of, squeezed
from tests.settlements.statements import LINK, A, B


class Text(HTMLParser):
    """What is on the page for a person to read."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def squeezed(self) -> str:
        return squeezed("".join(self.words))


def in_html(statement: Statement, language: Language) -> str:
    return Text(render_html(statement, language)).squeezed


def on_a5(statement: Statement, language: Language) -> str:
    return "".join(pages_of(render_pdf([statement], lambda _: language, "a5")))


def on_a_sixth(statement: Statement, language: Language) -> str:
    return "".join(pages_of(render_pdf([statement], lambda _: language, "a4_six_up")))


Read = Callable[[Statement, Language], str]
every_reading = pytest.mark.parametrize("read", [in_html, on_a5, on_a_sixth])


@every_reading
def test_settlement_a_is_on_paper_to_the_paisa(read: Read) -> None:
    page = read(A, "ta")
    for figures in (
        *("46,193.97", "−4,619.40", "−450.00", "−3,000.00", "−5,000.00", "+0.43", "₹33,125.00"),
        *("இறக்கு கூலி 12 × 10.00 = 120.00", "வண்டி வாடகை 6 × 40.00 = 240.00"),
        *("சுங்கம் 12 × 5.00 = 60.00", "சாக்கு 2 × 15.00 = 30.00"),
        *("ரூபாய் முப்பத்து மூன்றாயிரத்து நூற்று இருபத்து ஐந்து மட்டும்", "₹17,000.00", "₹12,000.00"),
        *("ஸ்ரீ மலர் கமிஷன் மண்டி", "பெ. முருகேசன்", "வெள்ளோடு · F014", "S-2026-0147", "02/03/2026 – 08/03/2026"),
        *("04/03/2026 · D-0012 · ₹3,000.00", "08/03/2026 காலை 11:00", "ரொக்கம் · P-0031"),
    ):
        assert squeezed(figures) in page, figures


@every_reading
def test_every_line_of_a_is_there_in_the_order_of_his_slips(read: Read) -> None:
    page, place = read(A, "ta"), 0
    for line in A.lines:
        for figure in (
            f"{line.flower_ta}",
            f"{line.quantity}",
            f"{line.amount:,}",
        ):
            place = page.find(squeezed(figure), place)
            assert place > 0, (line.slip_number, figure)


@pytest.mark.parametrize("read", [in_html, on_a5])
def test_where_there_is_room_a_line_has_its_slip_its_rate_and_its_commission(read: Read) -> None:
    page = read(A, "ta")
    assert re.findall(r"A1-\d{4}-\d{3}", page) == [line.slip_number for line in A.lines]
    assert all(f"{line.commission:,}" in page and f"{line.rate:,.2f}" in page for line in A.lines)


@every_reading
def test_a_delivery_at_a_loss_says_in_words_who_must_pay(read: Read) -> None:
    page = read(B, "ta")
    for figures in (
        *("420.00", "−42.00", "−405.00", "+27.00", "₹0.00", "ரூபாய் பூஜ்யம் மட்டும்"),
        "நீங்கள் கடைக்குத் தர வேண்டியது ₹27.00. அடுத்த கணக்கில் கழிக்கப்படும்.",
        "42.000 கிலோ",
    ):
        assert squeezed(figures) in page, figures
    assert "−27" not in page
    assert squeezed("You must pay the shop ₹27.00.") in read(B, "en")


@every_reading
def test_what_the_shop_still_owes_is_said_too(read: Read) -> None:
    page = read(replace(A, carried=Decimal("12.40"), brought_forward=Decimal("-80.00")), "en")
    assert squeezed("The shop must pay you ₹12.40 more.") in page
    assert squeezed("Owed from before") in page
    assert "−80.00" in page


@every_reading
@pytest.mark.parametrize("status", ["draft", "cancelled", "reversed"])
def test_a_paper_that_does_not_count_is_stamped(read: Read, status: str) -> None:
    words = {"draft": "வரைவு", "cancelled": "ரத்து ஆனது", "reversed": "திரும்ப எடுத்தது"}
    page = read(replace(A, status=status, number=None), "ta")
    assert page.count(squeezed(words[status])) >= 2  # beside the number, and across
    assert A.reference in page
    assert not paper_of(replace(A, status="approved"), "ta").stamp


@every_reading
def test_a_correction_and_a_late_entry_are_called_so(read: Read) -> None:
    line = A.lines[9]
    back = replace(
        line,
        quantity=-line.quantity,
        amount=-line.amount,
        commission=-line.commission,
        correction="reversal",
        is_late=True,
    )
    page = read(replace(A, lines=(back, replace(line, correction="replacement"))), "ta")
    for figures in ("எதிர்ப் பதிவு · தாமதமாக வந்த பதிவு", "திருத்திய பதிவு", "−5.900", "−8,555.00"):
        assert squeezed(figures) in page, figures


NASTY = '#panic("x") *b* _i_ $x$ <script>alert(1)</script> \\ [a] @ref `r` {{ shop }} {% now %} "q" \'s\' &amp; //c'


@every_reading
def test_a_name_cannot_be_markup(read: Read) -> None:
    statement = replace(
        A,
        farmer_name_ta=NASTY,
        shop_name_ta=NASTY,
        shop_address=NASTY,
        village_ta=NASTY,
        number=NASTY,
        lines=tuple(replace(line, flower_ta=NASTY, slip_number=NASTY) for line in A.lines),
        charge_lines=tuple(replace(charge, name_ta=NASTY) for charge in A.charge_lines),
        draw_lines=tuple(replace(draw, reference=NASTY) for draw in A.draw_lines),
        payments=tuple(replace(paid, reference=NASTY) for paid in A.payments),
    )
    page = read(statement, "ta")
    assert page.count(squeezed(NASTY)) >= 15 + 7
    assert "script" not in Text(render_html(statement, "ta")).tags


def test_odd_letters_do_not_stop_a_print_run_nor_turn_its_reading_direction() -> None:
    odd = "\x00\x07\u202eபெ\u200d\ud7ff\U0001f33c\n\r\t\u2028 नाम"
    statement = replace(A, farmer_name_ta=odd, shop_name_ta="", village_ta="", shop_address="", shop_phone="")
    for layout in ("a5", "a4_six_up"):
        assert len(pages_of(render_pdf([statement], lambda _: "ta", layout))) == 1
    assert render_thermal(statement, "ta")
    assert paper_of(statement, "ta").farmer == "பெ\u200d\ud7ff\U0001f33c नाम"


@pytest.mark.parametrize("layout", ["a5", "a4_six_up"])
def test_each_farmer_has_his_own_language(layout: Layout) -> None:
    page = "".join(pages_of(render_pdf([A, B], lambda s: "ta" if s is A else "en", layout)))
    assert squeezed("பெ. முருகேசன்") in page
    assert squeezed("R. Selvi") in page
    assert squeezed("ரா. செல்வி") not in page


def test_a_tamil_paper_has_no_english_word() -> None:
    words = re.findall(
        r"[A-Za-z]{2,}", in_html(replace(A, shop_address="", content_hash="", upi="upi://pay?pa=a@b"), "ta")
    )
    assert words == []


def test_a_long_month_goes_on_overleaf_with_numbered_pages() -> None:
    lines = tuple(line for _ in range(5) for line in A.lines)
    pages = pages_of(render_pdf([replace(A, lines=lines), A, replace(B, lines=lines)], lambda _: "en", "a5"))
    numbered = [re.findall(r"page(\d)of(\d)", page) for page in pages]
    of = len(pages) // 2
    many = [[(str(number), str(of))] for number in range(1, of + 1)]
    assert numbered == [*many, [], *many]
    assert all("Date" in page for page in pages[:of] if "Jasmine" in page)


def test_a_statement_too_long_for_a_sixth_goes_on_in_the_next() -> None:
    lines = tuple(line for _ in range(5) for line in A.lines)
    (page, *more) = pages_of(render_pdf([replace(A, lines=lines)], lambda _: "en", "a4_six_up"))
    assert not more
    parts = re.findall(r"part(\d)of(\d)", page)
    assert parts == [(str(number), str(len(parts))) for number in range(1, len(parts) + 1)]
    assert len(parts) > 4
    assert page.count("Jasmine") == 5 * sum(line.flower_en == "Jasmine" for line in A.lines)
    assert page.count("Netamount") == 1


@pytest.mark.parametrize("layout", ["a5", "a4_six_up"])
def test_a_long_print_run_is_the_same_though_another_process_makes_it(layout: Layout) -> None:
    statements = [replace(B, farmer_number=number, number=f"S-{number}") for number in range(1, FEW + 2)]
    text = "".join(pages_of(render_pdf(statements, lambda _: "en", layout)))
    few = "".join(pages_of(render_pdf(statements[:FEW], lambda _: "en", layout)))
    assert text.startswith(few)
    assert [text.count(f"S-{number}·") > 0 for number in range(1, FEW + 2)] == [True] * (FEW + 1)


def test_no_statement_is_no_document() -> None:
    with pytest.raises(ValueError, match="no statement"):
        render_pdf([], lambda _: "ta", "a5")


def test_the_same_statement_is_the_same_paper() -> None:
    assert render_pdf([A], lambda _: "ta", "a5") == render_pdf([A], lambda _: "ta", "a5")
    assert render_thermal(A, "ta") == render_thermal(A, "ta")


def test_the_fees_of_the_week_add_up_to_its_charges() -> None:
    fees = fees_of(A.charge_lines)
    assert [(fee.name_en, fee.quantity, fee.amount) for fee in fees] == [
        ("Coolie", Decimal(12), Decimal(120)),
        ("Toll", Decimal(12), Decimal(60)),
        ("Freight", Decimal(6), Decimal(240)),
        ("Sack", Decimal(2), Decimal(30)),
    ]
    assert sum(fee.amount for fee in fees) == A.charges


def test_without_a_page_of_his_there_is_no_code() -> None:
    assert "<svg" in render_html(A, "ta").split("<dl", 1)[1]
    assert "<svg" not in render_html(replace(A, link=""), "ta").split("<dl", 1)[1]
    shorter = height_of(render_thermal(replace(A, link=""), "ta"))
    assert height_of(render_thermal(A, "ta")) - shorter > 184  # 23 mm at least


def height_of(picture: bytes) -> int:
    (height,) = struct.unpack(">I", picture[20:24])
    assert isinstance(height, int)
    return height


def rows_of(picture: bytes) -> list[str]:
    """A one-bit picture as lines of 0 (black) and 1, and proof that it is one."""
    width, height, depth, colours = struct.unpack(">IIBB", picture[16:26])
    assert (width, depth, colours) == (DOTS, 1, 0)
    assert DOTS == 576
    start = picture.index(b"IDAT") + 4
    (length,) = struct.unpack(">I", picture[start - 8 : start - 4])
    raw = zlib.decompress(picture[start : start + length])
    stride = width // 8 + 1
    assert len(raw) == stride * height
    return [
        f"{int.from_bytes(raw[at + 1 : at + stride], 'big'):0{width}b}" for at in range(0, len(raw), stride)
    ]


@pytest.mark.parametrize("language", ["ta", "en"])
def test_the_roll_is_a_picture_of_one_bit_as_wide_as_the_printer(language: Language) -> None:
    rows = rows_of(render_thermal(A, language))
    black = sum(row.count("0") for row in rows) / (DOTS * len(rows))
    assert 0.04 < black < 0.25
    assert set(rows[0]) == set(rows[-1]) == {"1"}


def test_the_code_on_the_roll_is_in_whole_dots() -> None:
    """Scanned dot by dot, the modules are those of a code for his page."""
    code = segno.make(LINK, error="m", micro=False)
    size = len(code.matrix)
    dots = -(-184 // size)
    rows = rows_of(render_thermal(A, "ta"))
    edge = "0" * 7 * dots
    between = "1" * dots
    left = 8
    top = next(
        at
        for at, row in enumerate(rows)
        if row[left:].startswith(edge + between) and row[left : left + size * dots].endswith(between + edge)
    )
    middle = dots // 2
    scanned = [
        bytearray(rows[top + dots * y + middle][left + dots * x + middle] == "0" for x in range(size))
        for y in range(size)
    ]
    assert scanned == list(code.matrix)


def test_a_roll_says_what_was_paid_and_how() -> None:
    paid = StatementPayment(dt.datetime(2026, 3, 9, 4, 0, tzinfo=dt.UTC), "upi", "UTR1", Decimal("125.00"))
    assert height_of(render_thermal(replace(A, payments=(*A.payments, paid)), "ta")) > height_of(
        render_thermal(A, "ta")
    )
