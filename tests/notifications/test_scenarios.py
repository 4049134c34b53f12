"""Every scenario has a test that is there and is what it is said to be, or is admitted to be missing."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = tomllib.loads((Path(__file__).parent / "scenarios.toml").read_text(encoding="utf-8"))
MISSING = LIST["missing"]
LISTED = {int(number): row for number, row in LIST.items() if number != "missing"}
ALL = range(1, 53)
KINDS = ("race", "server", "unit")


def found(test: str) -> set[str] | None:
    """The marks of a test (`path::name`); None: there is none."""
    path, _, name = test.partition("::")
    file = ROOT / path
    if not file.is_file():
        return None
    tree = ast.parse(file.read_text(encoding="utf-8"))
    module = {mark for node in tree.body if isinstance(node, ast.Assign) for mark in marks(node)}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return module | {mark for each in node.decorator_list for mark in marks(each)}
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
    marked = found(row["test"])
    if marked is None:
        return "no such test"
    if marked & {"skip", "skipif", "xfail"}:
        return "is left out"
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


HERE = "tests/notifications/test_domain.py::test_a_wording_is_filled_with_its_variables"


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        ({"test": "tests/notifications/test_domain.py::test_nothing", "kind": "server"}, "no such test"),
        ({"test": "tests/notifications/test_nowhere.py::test_x", "kind": "server"}, "no such test"),
        ({"test": HERE, "kind": "unit"}, "no reason"),
        ({"test": HERE, "kind": "race"}, "as a race"),
        ({"test": HERE, "kind": "e2e"}, "no such kind"),
    ],
)
def test_a_wrong_line_is_noticed(row: dict[str, str], wrong: str) -> None:
    assert wrong in wrong_with(row)
