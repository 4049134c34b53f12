"""Doing once what a start needs done once."""

import os
from pathlib import Path

import pytest

from malar.ops import prepare as module
from malar.ops.prepare import fingerprint, prepare
from malar.ops.state import CannotStartError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with one migration and one style sheet."""
    for name in (
        "ledger/migrations/0001.py",
        "static/css/a.css",
        "requirements.txt",
        "home/postgres/PG_VERSION",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "home/log").mkdir()
    monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


def prints(root: Path, *, own_database: bool = True, url: str = "postgres://a") -> dict[str, str]:
    environment = {"DATABASE_URL": url}
    return {
        name: fingerprint(name, root / "home", environment, own_database=own_database)
        for name in ("database", "static")
    }


def test_nothing_is_done_again_for_nothing(root: Path) -> None:
    before = prints(root)
    os.utime(root / "static/css/a.css")  # as a fresh checkout does
    assert prints(root) == before


def test_each_step_is_done_again_for_its_own_reasons(root: Path) -> None:
    before = prints(root)
    (root / "static/css/a.css").write_text("body {}")
    after = prints(root)
    assert after["static"] != before["static"]
    assert after["database"] == before["database"]
    (root / "ledger/migrations/0002.py").write_text("")
    assert prints(root)["database"] != after["database"]
    assert prints(root)["static"] == after["static"]


def test_another_database_is_prepared_anew(root: Path) -> None:
    before = prints(root)["database"]
    assert prints(root, url="postgres://b", own_database=False)["database"] != before
    os.utime(root / "home/postgres/PG_VERSION", (1, 1))  # thrown away and made again
    assert prints(root)["database"] != before


def test_what_goes_wrong_is_told_by_its_last_line(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "malar/ops").mkdir(parents=True)
    (root / "malar/ops/prepare.py").write_text("print('one')\nraise SystemExit('no such table')")
    with pytest.raises(
        CannotStartError, match=r"^Preparing the database failed: no such table \(see .*database.log\)$"
    ):
        prepare(root / "home", os.environ, own_database=True)


def test_a_full_disk_is_told_as_such(root: Path) -> None:
    (root / "malar/ops").mkdir(parents=True)
    (root / "malar/ops/prepare.py").write_text("raise SystemExit('[Errno 28] No space left on device')")
    with pytest.raises(CannotStartError, match="is full"):
        prepare(root / "home", os.environ, own_database=True)
