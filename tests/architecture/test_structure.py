"""The house keeps its shape."""

import ast
import os
import subprocess
import sys
import tomllib
from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
OURS = [config for config in apps.get_app_configs() if Path(config.path).is_relative_to(ROOT)]
OURS = [config for config in OURS if ".venv" not in config.path]


def root_packages() -> set[str]:
    return {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}


def test_every_root_package_is_on_the_ladder() -> None:
    assert root_packages() == set(CONTRACTS["root_packages"])
    ladder = CONTRACTS["contracts"][0]["layers"]
    for package in root_packages() - {"malar"}:
        assert package in ladder


def test_every_app_is_checked_from_the_inside() -> None:
    inside = next(each for each in CONTRACTS["contracts"] if each["name"] == "Inside an app")
    assert set(inside["containers"]) == {config.name for config in OURS} - {"malar.kernel", "malar.ops"}
    assert inside["exhaustive"]


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_a_settlement_never_prices() -> None:
    """Indirectly, through the book, it may know a rate; it may not ask for one."""
    offenders = [path for path in (ROOT / "settlements").rglob("*.py") if "pricing" in imports_of(path)]
    assert offenders == []
    # The check can see what it looks for:
    assert "pricing" in imports_of(ROOT / "ledger" / "models" / "entries.py")


def test_nobody_imports_the_messages() -> None:
    below = [
        ROOT / room
        for room in ("ledger", "pricing", "settlements", "malar/trail", "malar/accounts", "malar/kernel")
    ]
    offenders = [path for room in below for path in room.rglob("*.py") if "notifications" in imports_of(path)]
    assert offenders == []


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def test_migrations_stand_in_one_line() -> None:
    graph = MigrationLoader(None).graph
    for config in OURS:
        nodes = [node for node in graph.nodes if node[0] == config.label]
        for node in nodes:
            children = [child for child in graph.node_map[node].children if child.key[0] == config.label]
            assert len(children) <= 1, node
        if nodes:
            assert len(graph.leaf_nodes(config.label)) == 1


def test_production_settings_pass_djangos_own_check() -> None:
    # Browser tests in this process set it for themselves.
    environ = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    environ |= {
        "DJANGO_SETTINGS_MODULE": "malar.settings.prod",
        "ALLOWED_HOSTS": "malar.example",
        "SECRET_KEY": "k" * 20 + "0123456789abcdefghijklmnopqrstuvwxyz-ABCDEF",
    }
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    "missing", ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "JWT_PRIVATE_KEY", "SEAL_PRIVATE_KEY"]
)
def test_a_setting_that_is_missing_is_named_and_nothing_starts(missing: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in {missing, f"{missing}_FILE"}}
    started = subprocess.run(
        [sys.executable, "-c", "import django; django.setup()"],
        cwd=ROOT,
        env=environ | {"DJANGO_SETTINGS_MODULE": "malar.settings.prod"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode != 0
    assert f"{missing} is not set" in started.stderr
