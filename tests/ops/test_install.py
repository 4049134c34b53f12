"""What `make setup` says when it cannot."""

import ast
import shutil
from pathlib import Path

import pytest

from malar.ops import install


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "is full. Malar needs"),
        ("Error: [Errno 13] Permission denied: '.venv'", "Run as the user who owns"),
        (
            "WARNING: Retrying after NewConnectionError(...)\nERROR: No matching",
            "cannot reach a package index",
        ),
        ("ERROR: Hash mismatch.\nmore", "Installing failed: Hash mismatch."),
        ("", "it gave no reason"),
    ],
)
def test_what_pip_says_becomes_one_line(said: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    roomy = shutil.disk_usage(Path.cwd())._replace(free=10**10)
    monkeypatch.setattr("malar.ops.install.shutil.disk_usage", lambda _: roomy)
    assert line in install.reason(said)
    assert "\n" not in install.reason(said)


def test_a_debian_without_venv_is_told_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("malar.ops.install.importlib.util.find_spec", lambda _: None)
    with pytest.raises(SystemExit, match="sudo apt-get install python3-venv"):
        install.make_venv()


def test_what_is_installed_already_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        shutil.copyfile(install.ROOT / name, tmp_path / name)
    monkeypatch.setattr(install, "VENV", tmp_path)
    install.install(tests=True)  # would need a network, and be seen to write, if it did anything


def test_an_old_python_can_read_the_file_that_asks_for_another_one() -> None:
    source = (install.ROOT / "malar/ops/install.py").read_text()
    ast.parse(source, feature_version=(3, 6))
