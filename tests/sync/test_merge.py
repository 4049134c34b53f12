"""Three versions of a line become one: no order, no repetition, no batch makes another (offline.md, d 37–42)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malar.sync.merge import ConflictKind, Facts, Merged, Rule, merge, put_over, taken_over

RAJA, LAKSHMI, SELVI = (UUID(int=n) for n in (1, 2, 3))
JASMINE, MULLAI, LOTUS = (UUID(int=n) for n in (11, 12, 13))
MOST = Decimal("9999999.999")


def line(gross: str | Decimal | None = "10.200", tare: str = "0.200", **said: Any) -> Facts:
    """10 kg of Raja's jasmine at ₹900, in one sack."""
    weighed = None if gross is None else Decimal(gross)
    net = said.pop("quantity", None)
    return Facts(
        **{
            "farmer": RAJA,
            "flower": JASMINE,
            "unit": "kg",
            "gross_quantity": weighed,
            "tare": Decimal(tare),
            "quantity": Decimal(net) if weighed is None else weighed - Decimal(tare),
            "sacks": 1,
            "sack_weights": (),
            "rate": Decimal(900),
            "rate_source": "called",
            "rate_reason": "",
            "adjustments": (),
            "commission_pct": Decimal(10),
            "commission_per_unit": Decimal(0),
            "note": "",
            "status": "confirmed",
            **said,
        }
    )


def merged(base: Facts, mine: Facts, theirs: Facts, most: Decimal = MOST) -> Facts:
    found = merge(base, mine, theirs, most=most)
    assert isinstance(found, Merged), found
    return put_over(theirs, found.changes)


@dataclass(frozen=True)
class Edit:
    """A tablet's correction of version 1."""

    id: int
    mine: Facts


@dataclass
class Book:
    """A server in little: versions, and the answer of each operation."""

    versions: list[Facts]
    answers: dict[int, str] = field(default_factory=dict)

    def take(self, edits: Sequence[Edit]) -> None:
        for edit in edits:
            if edit.id in self.answers:
                continue
            if len(self.versions) == 1:
                self.versions.append(edit.mine)
                self.answers[edit.id] = "applied"
                continue
            found = merge(self.versions[0], edit.mine, self.versions[-1], most=MOST)
            if isinstance(found, Merged):
                self.versions.append(put_over(self.versions[-1], found.changes))
                self.answers[edit.id] = "merged"
            else:
                self.answers[edit.id] = "conflict"

    @property
    def present(self) -> Facts:
        return self.versions[-1]


@pytest.mark.parametrize("order", list(permutations((0, 1))))
def test_twelve_and_thirteen_of_ten_are_fifteen(order: tuple[int, ...]) -> None:
    """#54: in each order, replayed three times; neither 25 nor 13."""
    edits = [Edit(0, line("12.200")), Edit(1, line("13.200"))]
    book = Book([line()])
    for _ in range(3):
        book.take([edits[n] for n in order])
    assert (book.present.quantity, book.present.gross_quantity) == (Decimal("15.000"), Decimal("15.200"))
    assert len(book.versions) == 3


weights = st.integers(201, 500_000).map(lambda grams: Decimal(grams) / 1000)


@settings(max_examples=400, deadline=None)
@given(weights, st.lists(weights, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_no_order_no_repetition_and_no_batch_makes_another_weight(
    first: Decimal, typed: list[Decimal], chance: random.Random
) -> None:
    """#54: to the gram, wherever nobody has to decide."""
    edits = [Edit(n, line(gross)) for n, gross in enumerate(typed)]
    found = set()
    for _ in range(4):
        sent = edits + [chance.choice(edits) for _ in range(3)]
        chance.shuffle(sent)
        book = Book([line(first)])
        while sent:
            cut = chance.randint(1, len(sent))
            book.take(sent[:cut])
            sent = sent[cut:]
        applied = [edit for edit in edits if book.answers[edit.id] != "conflict"]
        assert book.present.gross_quantity == first + sum(
            (edit.mine.gross_quantity or 0) - first for edit in applied
        )
        assert book.present.quantity > 0
        if len(applied) == len(edits):
            found.add(book.present)
    assert len(found) <= 1


@settings(max_examples=200, deadline=None)
@given(st.permutations(range(5)), st.randoms(use_true_random=False))
def test_what_different_people_changed_is_all_there_whoever_came_first(
    order: list[int], chance: random.Random
) -> None:
    base = line()
    edits = [
        Edit(0, line("12.200")),
        Edit(1, line(tare="0.500")),
        Edit(2, replace(base, note="wet")),
        Edit(3, replace(base, farmer=LAKSHMI)),
        Edit(4, replace(base, sacks=2)),
    ]
    book = Book([base])
    book.take([edits[n] for n in order] + [chance.choice(edits) for _ in range(3)])
    assert book.present == replace(line("12.200", "0.500"), note="wet", farmer=LAKSHMI, sacks=2)


@settings(max_examples=200, deadline=None)
@given(weights, weights, weights)
def test_a_weight_that_nobody_else_changed_is_the_tablets(
    first: Decimal, typed: Decimal, tare: Decimal
) -> None:
    base, mine = line(first), line(typed)
    assert merged(base, mine, replace(base, note="wet")) == replace(mine, note="wet")


def test_a_weight_of_nothing_is_for_a_person() -> None:
    """#55."""
    assert merge(line(), line("3.200"), line("6.200"), most=MOST) is ConflictKind.QUANTITY
    assert merge(line(), line("4.200"), line("6.200"), most=MOST) is ConflictKind.QUANTITY  # 0, exactly
    assert merged(line(), line("4.201"), line("6.200")).quantity == Decimal("0.001")


def test_a_weight_beyond_all_others_is_for_a_person() -> None:
    assert merge(line(), line("20.200"), line("20.200"), most=Decimal(29)) is ConflictKind.QUANTITY
    assert merged(line(), line("20.200"), line("20.200"), Decimal(30)).quantity == 30


def test_counts_are_added_too() -> None:
    base = line(None, "0", quantity="100", unit="piece", flower=LOTUS)
    mine, theirs = replace(base, quantity=Decimal(120)), replace(base, quantity=Decimal(90))
    assert merged(base, mine, theirs).quantity == 110


def test_two_sack_weights_are_for_a_person_one_is_taken() -> None:
    base = line()
    assert merge(base, line(tare="0.300"), line(tare="0.400"), most=MOST) is ConflictKind.QUANTITY
    assert merged(base, line(tare="0.300"), line("12.200")) == line("12.200", "0.300")
    assert merged(base, line("12.200"), line(tare="0.300")) == line("12.200", "0.300")


def test_sack_by_sack_is_for_a_person_where_both_changed_it() -> None:
    base = line("10.000", sack_weights=(Decimal(4), Decimal(6)), sacks=2)
    mine = line("11.000", sack_weights=(Decimal(5), Decimal(6)), sacks=2)
    assert merge(base, mine, line("12.000"), most=MOST) is ConflictKind.QUANTITY
    assert merged(base, mine, replace(base, note="wet")) == replace(mine, note="wet")
    assert merge(line("10.000"), mine, line("12.000"), most=MOST) is ConflictKind.QUANTITY


def test_a_count_and_a_weight_are_not_added() -> None:
    base = line()
    mine = line("12.200")
    theirs = line(None, "0", quantity="12", unit="piece", flower=LOTUS)
    assert merge(base, mine, theirs, most=MOST) is ConflictKind.QUANTITY
    # Neither where the other flower came with the same number.
    renamed = replace(base, flower=LOTUS, unit="piece")
    assert merge(base, mine, renamed, most=MOST) is ConflictKind.QUANTITY


def test_a_rate_that_both_changed_is_the_books() -> None:
    """#56."""
    base = line()
    mine = replace(base, rate=Decimal(800), rate_source="manual", rate_reason="wet")
    theirs = replace(base, rate=Decimal(850), rate_source="manual")
    found = merge(base, mine, theirs, most=MOST)
    assert found == Merged({}, {"rate": "server"})
    assert merged(base, mine, replace(base, note="wet")).rate == 800, "a typed rate is a fact"
    assert merge(base, mine, mine, most=MOST) == Merged({}, {"rate": Rule.SAME})


def test_of_two_notes_the_last_counts_and_the_book_says_so() -> None:
    base = line(note="")
    found = merge(base, replace(base, note="wet"), replace(base, note="small"), most=MOST)
    assert found == Merged({"note": "wet"}, {"note": "last"})


@pytest.mark.parametrize(
    ("name", "one", "other", "kind"),
    [
        ("farmer", LAKSHMI, SELVI, ConflictKind.FARMER),
        ("flower", MULLAI, LOTUS, ConflictKind.FLOWER),
    ],
)
def test_two_farmers_or_two_flowers_are_for_a_person(
    name: str, one: Any, other: Any, kind: ConflictKind
) -> None:
    """#59."""
    base = line()
    mine, theirs = line(**{name: one}), line(**{name: other})
    assert merge(base, mine, theirs, most=MOST) is kind
    assert merged(base, mine, base) == mine
    assert merged(base, base, theirs) == theirs
    assert merge(base, mine, mine, most=MOST) == Merged({}, {name: "same"})


def test_a_commission_that_both_changed_is_the_books() -> None:
    base = line()
    mine, theirs = (replace(base, commission_pct=Decimal(n)) for n in (8, 9))
    assert merged(base, mine, theirs).commission_pct == 9
    assert merged(base, mine, base).commission_pct == 8


def test_deciding_for_the_tablet_takes_what_it_changed_and_nothing_else() -> None:
    base = line()
    theirs = replace(line("3.200", "0.500"), note="wet")
    mine = replace(line("6.200"), sacks=2)
    assert taken_over(base, mine, theirs) == replace(mine, note="wet")
    assert taken_over(None, mine, theirs) == mine


def test_what_is_kept_of_a_line_is_read_as_it_was() -> None:
    mine = line(sack_weights=(Decimal("4.100"), Decimal("6.100")), rate=None, rate_source="")
    assert Facts.of_json(mine.as_json()) == mine
    assert mine.as_json()["gross_quantity"] == "10.200"
