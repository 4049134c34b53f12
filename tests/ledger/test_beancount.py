"""The book in another engine's eyes: beancount adds it up by itself and must come to our figures."""

import re
import subprocess
import sys
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledger.models import Transfer
from malar.accounts.models import Membership
from malar.kernel.money import PAISA
from tests.book import a_whole_book

pytestmark = pytest.mark.django_db


@pytest.fixture
def text(meena: Membership) -> str:
    a_whole_book(meena)
    said = StringIO()
    call_command("export_beancount", stdout=said)
    return said.getvalue()


def bean_check(text: str, folder: Path) -> tuple[int, str]:
    """What beancount's own program says: its code, and its complaint."""
    file = folder / "book.beancount"
    file.write_text(text)
    program = Path(sys.executable).with_name("bean-check")
    done = subprocess.run([program, "--no-cache", file], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def by_a_paisa(found: re.Match[str]) -> str:
    return f"{found[1]}{Decimal(found[2]) + PAISA:.2f}{found[3]}"


def test_an_engine_that_knows_nothing_of_ours_agrees(text: str, tmp_path: Path) -> None:
    assert bean_check(text, tmp_path) == (0, "")
    assert text.count(" * ") > Transfer.objects.count() > 15
    for name in ("Gross", "Commission", "Charges", "Advances", "HandLoans", "Draws", "Cash", "Buyers:B3"):
        assert re.search(rf"balance \S*{name}\S*  -?[1-9]", text), f"{name} is asserted to be something"


@pytest.mark.parametrize(
    "account", ["Gross", "Commission", "Charges", "Advances", "HandLoans", "Draws", "Cash", "Farmers:F14 "]
)
def test_an_assertion_that_is_off_by_a_paisa_is_seen(text: str, tmp_path: Path, account: str) -> None:
    wrong, changed = re.subn(rf"(balance \S*{account}\S*  ?)(-?[\d.]+)( ~)", by_a_paisa, text, count=1)
    assert changed
    code, said = bean_check(wrong, tmp_path)
    assert code == 1
    assert "Balance failed" in said


@pytest.mark.parametrize("what", ["movement", "line", "charge"])
def test_an_amount_that_is_off_by_a_paisa_is_seen(text: str, tmp_path: Path, what: str) -> None:
    """One leg: it does not balance. Both: the assertion does not hold."""
    one = rf'(\* "{what} [^\n]*\n  \S+  )(-?[\d.]+)( INR)'
    wrong, changed = re.subn(one, by_a_paisa, text, count=1)
    assert changed
    assert bean_check(wrong, tmp_path)[0] == 1


def test_a_transfer_that_is_missing_is_seen(text: str, tmp_path: Path) -> None:
    wrong, changed = re.subn(r'[^\n]*\* "movement[^\n]*\n[^\n]*\n[^\n]*\n', "", text, count=1)
    assert changed
    assert bean_check(wrong, tmp_path)[0] == 1


def test_one_shop_is_written_and_which_one_is_asked(text: str, meena: Membership, devi: Membership) -> None:
    with pytest.raises(CommandError, match="--shop"):
        call_command("export_beancount", stdout=StringIO())
    said = StringIO()
    call_command("export_beancount", shop=devi.shop_id, stdout=said)
    assert said.getvalue() == ""
    said = StringIO()
    call_command("export_beancount", shop=meena.shop_id, stdout=said)
    assert said.getvalue() == text
