"""The paths pane and its twin in JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.lines.path import count_text
from gradb.present.options import Options, PathChoice
from gradb.present.panes.table import PANES, pane_json
from tests.fakes import TapeBuilder
from tests.unit.present.conftest import OpenExample


def pane(tape: Tape, position: int | None = None, width: int = 80, height: int | None = None, **chosen: object) -> str:
    """Return the pane as text."""
    choice = PathChoice(**chosen)  # type: ignore[arg-type]
    options = Options(width=width, height=height, paths=choice)
    return to_text(PANES["paths"].render(tape.frame(tape.head if position is None else position), options), width)


def test_a_shared_weight_reads_well(example: OpenExample) -> None:
    """Every path has a line: names from the leaf to the root, factors from the root down; then the sum, checked."""
    assert pane(example("shared_weight")).splitlines() == [
        "w: 4 paths to loss",
        " 1  w → y1 → loss            1 × 3 = 3",
        " 2  w → y1 → y2 → y3 → loss  1 × 2 × 2 × 3 = 12",
        " 3  w → y2 → y3 → loss       1 × 2 × 6 = 12",
        " 4  w → y3 → loss            1 × 12 = 12",
        "sum          ∂loss/∂w  39",
        "✓ agrees with the engine (added to .grad, event 17)",
    ]


def test_one_path_in_full(example: OpenExample) -> None:
    """The chosen path shows upstream, each factor with its forward call and rule, the product so far, and the end."""
    text = pane(example("shared_weight"), number=3)
    assert text.splitlines()[:3] == ["w: path 3 of 4 to loss", "w → y2 → y3 → loss", text.splitlines()[2]]
    for words in ("upstream", "through y3 = y2 * w", "∂y3/∂y2 = w", "∂y2/∂w = y1", "= so far", "1 × 2 × 6 = 12"):
        assert words in text
    assert "∂loss/∂w by this path  12" in text


@pytest.mark.parametrize("number", [5, 0, None])
def test_a_path_that_is_not_there_lists_them_all(example: OpenExample, number: int | None) -> None:
    """The number was chosen where there were more paths."""
    assert pane(example("shared_weight"), number=number).startswith("w: 4 paths to loss")


def test_two_to_the_fortieth_paths(example: OpenExample) -> None:
    """The number is said in full, a few are shown, long ones without their middle, and the sum without listing them."""
    text = pane(example("diamond"))
    assert text.startswith("a: 1,099,511,627,776 paths to x  (2^40)\n")
    assert "a → AddBackward0 (input 1) → … 37 more … → " in text
    assert "more: `path N` shows any one of them" in text
    assert "multiplied through the graph node by node" in text
    assert "✓ agrees with the engine" in text


@pytest.mark.parametrize("name", ["diamond", "shared_weight", "chain_rule"])
def test_the_pane_keeps_to_its_room(example: OpenExample, name: str) -> None:
    """No line is wider than the pane and there are no more lines than it has."""
    tape = example(name)
    for width, height in ((20, 5), (40, 8), (200, 60)):
        for number in (None, 1):
            lines = pane(tape, width=width, height=height, number=number).splitlines()
            assert len(lines) <= height
            assert max(map(len, lines)) <= width


def test_before_any_backward(example: OpenExample) -> None:
    """The forward alone has no paths, which is said."""
    tape = example("shared_weight")
    for position in (0, 3):
        assert "none has begun" in pane(tape, position)


def test_in_the_middle_of_a_backward(example: OpenExample) -> None:
    """What the engine has not come to is said to be unknown, and why."""
    tape = example("shared_weight")
    start = next(event.seq for event in tape.events() if event.kind == "backward_start")
    text = pane(tape, start)
    assert "w: 4 paths to loss" in text
    assert "not known: AddBackward0 has not run yet in this backward" in text.replace("\n    ", " ")
    assert "✓" not in text


def test_a_name_that_the_backward_does_not_reach(example: OpenExample) -> None:
    """It is said which tensors it goes to."""
    assert pane(example("shared_weight"), leaf="x") == "this backward does not go to x; it goes to w\n"


def test_hostile_names_are_text(tmp_path: Path) -> None:
    """Escape sequences in a leaf's name are spelled out."""
    with TapeBuilder(tmp_path / "t.tape") as builder:
        a = builder.leaf("\x1b[31ma", [1.0], ())
        builder.backward(builder.op("f", "\x1b]0;Backward0", [a], [2.0], (), jacobians=[[2.0]], name="b\x07"))
    with Tape.open(tmp_path / "t.tape") as tape:
        for number in (None, 1):
            text = pane(tape, number=number)
            assert "\\x1b[31ma" in text
            assert not {"\x1b", "\x07"} & set(text)


def test_the_json_of_a_shared_weight(example: OpenExample) -> None:
    """The twin has the same paths, products, sum and check; of a chosen path the products on the way too."""
    tape = example("shared_weight")
    shown = json.loads(json.dumps(pane_json("paths", tape.frame(tape.head)), allow_nan=False))
    assert (shown["leaf"], shown["roots"], shown["count"], shown["nodes"]) == ("w", ["loss"], 4, 5)
    assert [path["product"]["values"] for path in shown["paths"]] == [[3.0], [12.0], [12.0], [12.0]]
    assert (shown["sum"]["value"]["values"], shown["sum"]["listed"]) == ([39.0], True)
    assert shown["engine"]["source"] == "added to .grad"
    assert shown["check"]["ok"]
    chosen = pane_json("paths", tape.frame(tape.head), Options(paths=PathChoice(number=2)))
    (path,) = chosen["paths"]
    assert path["number"] == 2
    assert [step["product"]["values"] for step in path["steps"]] == [[1.0], [2.0], [4.0], [12.0]]


def test_the_json_without_paths(example: OpenExample) -> None:
    """Before a backward, and for a name that it does not reach, ``paths`` is null."""
    tape = example("shared_weight")
    assert pane_json("paths", tape.frame(2))["paths"] is None
    assert pane_json("paths", tape.frame(tape.head), Options(paths=PathChoice(leaf="x")))["paths"] is None
    assert pane_json("paths", example("diamond").frame(100))["count"] == 2**40


@pytest.mark.parametrize(
    ("base", "power", "text"),
    [
        (1, 1, "1"),
        (2, 40, "1,099,511,627,776"),
        (2, 100, "2^100"),
        (3, 100, "about 5.2 × 10^47"),
        (2, 20000, "2^20000"),
        (7, 30000, "about 8.7 × 10^25352"),
    ],
)
def test_counts_of_any_size(base: int, power: int, text: str) -> None:
    """A count is told in full while that can be read, else as a power; never a million digits."""
    assert count_text(base**power) == text
