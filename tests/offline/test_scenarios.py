"""Every scenario has a test that is there and is what it is said to be, or is admitted to be missing."""

import ast
import json
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = tomllib.loads((Path(__file__).parent / "scenarios.toml").read_text(encoding="utf-8"))
MISSING = LIST["missing"]
LISTED = {int(number): row for number, row in LIST.items() if number != "missing"}
ALL = range(1, 74)
KINDS = ("browser", "race", "server", "unit")
BROWSER = {"tablet", "tablets", "counter", "diskless", "page", "context"}


def found(test: str) -> tuple[set[str], set[str]] | None:
    """The fixtures and marks of a test (`path::name`, or for JavaScript `path::"its title"`); None: there is none."""
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return None
    source = file.read_text(encoding="utf-8")
    if file.suffix == ".js":
        return (set(), set()) if f"test({json.dumps(name, ensure_ascii=False)}" in source else None
    tree = ast.parse(source)
    module = {mark for node in tree.body if isinstance(node, ast.Assign) for mark in marks(node)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            own = {mark for each in node.decorator_list for mark in marks(each)}
            return {argument.arg for argument in node.args.args}, module | own
    return None


def marks(tree: ast.AST) -> set[str]:
    """x of every `pytest.mark.x`."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "mark"
    }


def wrong_with(row: dict[str, str]) -> str:
    """What is not as it is listed; empty: nothing."""
    if row.get("kind") not in KINDS:
        return "no such kind"
    test = found(row["test"])
    if test is None:
        return "no such test"
    fixtures, marked = test
    if marked & {"skip", "skipif", "xfail"}:
        return "is left out"
    if row["kind"] == "browser" and not fixtures & BROWSER:
        return "asks for no browser"
    if row["kind"] == "race" and "race" not in marked:
        return "is not marked as a race"
    if row["kind"] == "unit" and not row.get("reason"):
        return "gives no reason"
    return ""


def test_every_scenario_is_listed_or_admitted_to_be_missing() -> None:
    assert [number for number in ALL if number not in LISTED] == MISSING
    assert set(LISTED) <= set(ALL)


@pytest.mark.parametrize("number", sorted(LISTED))
def test_the_test_of_a_scenario_is_what_it_is_said_to_be(number: int) -> None:
    assert wrong_with(LISTED[number]) == ""
    assert LISTED[number]["what"]


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"test": "tests/offline/test_shell.py::test_nothing", "kind": "browser"}, "no such test"),
        ({"test": "tests/offline/test_nowhere.py::test_x", "kind": "browser"}, "no such test"),
        (
            {"test": "tests/offline/test_proxy.py::test_a_slow_line_takes_its_time", "kind": "browser"},
            "no browser",
        ),
        (
            {"test": "tests/offline/test_proxy.py::test_a_slow_line_takes_its_time", "kind": "unit"},
            "no reason",
        ),
        (
            {"test": "tests/offline/test_proxy.py::test_a_slow_line_takes_its_time", "kind": "race"},
            "as a race",
        ),
        ({"test": "tests/javascript/theme.test.js::no such title", "kind": "server"}, "no such test"),
        (
            {"test": "tests/offline/test_proxy.py::test_a_slow_line_takes_its_time", "kind": "e2e"},
            "no such kind",
        ),
    ],
)
def test_a_wrong_line_is_noticed(row: dict[str, str], wrong: str) -> None:
    assert wrong in wrong_with(row)
