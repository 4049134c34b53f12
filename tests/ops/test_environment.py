"""What .env.example promises."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Read by tools we start, or by Python's own conventions.
OTHERS = {"PATH", "PLAYWRIGHT_BROWSERS_PATH", "PLAYWRIGHT_NODEJS_PATH"}


def test_the_example_names_every_variable_that_is_read_and_no_other() -> None:
    named = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    sources = [*ROOT.glob("malar/**/*.py"), ROOT / "manage.py", ROOT / "tests/browser/chromium.py"]
    read = set()
    for path in sources:
        text = path.read_text()
        read |= set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text))
        read |= set(re.findall(r'environ(?:\.get\(|\.setdefault\(|\[)"([A-Z_]+)"', text))
    assert named == read - OTHERS
