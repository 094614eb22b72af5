"""The displays pane: values beside what they were, marks where they have changed, and reasons where there are none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.frame.displayed import Found, Row
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.expressions.operands import Numbers, Unkept
from gradb.tape.values import Stats
from tests.fakes import TapeBuilder
from tests.unit.conftest import Tapes

LONG = Numbers((40,), tuple(float(number) for number in range(39)) + (math.nan,), "float32")
LARGE = Unkept((100, 100), "float32", "it is too large", Stats(-3.5, 2.0, 0.5, 0, 0, 0, (0.5, 1.0), None))


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    """A tape with little on it: what is drawn is given."""
    with TapeBuilder(tmp_path / "a.tape") as builder:
        builder.leaf("w", [1.0])
    return Tape.open(tmp_path / "a.tape")


def drawn(tape: Tape, *rows: Row, width: int = 60) -> list[str]:
    """Return the lines of the pane."""
    text = to_text(PANES["displays"].render(tape.frame(1), Options(width=width, displayed=rows)), width)
    return [line.rstrip() for line in text.splitlines()]


def test_what_has_changed_is_marked_and_stands_above_what_it_was(tape: Tape) -> None:
    """Of what is the same nothing but the value is said."""
    one, two = Found(Numbers((), (1.5,), "float32")), Found(Numbers((), (2.5,), "float32"))
    assert drawn(tape, Row(1, "loss", two, one, True), Row(3, "w", one, one, False), Row(4, "w", one, None, None)) == [
        "* 1 loss = 2.5",
        "    before 1.5",
        "  3 w = 1.5",
        "  4 w = 1.5",
    ]


def test_a_value_of_another_moment_says_of_when(tape: Tape) -> None:
    """Beside it where there is room, else below; the tape knows no scopes, so a name may have been bound anew."""
    row = Row(3, "w", Found(Numbers((), (1.5,), "float32")), None, None, "as of event 9, train.py:5 in f")
    assert drawn(tape, row) == ["  3 w = 1.5  as of event 9, train.py:5 in f"]
    assert drawn(tape, row, width=38) == ["  3 w = 1.5", "    as of event 9, train.py:5 in f"]


def test_what_has_no_value_says_why(tape: Tape) -> None:
    """Now and before, folded to the width."""
    row = Row(2, "grad_norm", Found(why="there is no grad_norm yet: no optimizer has made a step"), Found(None), True)
    assert drawn(tape, row, width=44) == [
        "* 2 grad_norm",
        "    there is no grad_norm yet: no optimizer",
        "      has made a step",
        "    before None",
    ]


def test_large_values_are_summed_up(tape: Tape) -> None:
    """What does not fit beside its expression stands below it; where a change cannot be seen, that is marked too."""
    assert drawn(
        tape, Row(1, "w.grad", Found(LARGE), Found(LARGE), None), Row(2, "x", Found(LONG), Found(LONG), False)
    ) == [
        "? 1 w.grad = [100 × 100] min -3.5 max 2 mean 0.5",
        "    before [100 × 100] min -3.5 max 2 mean 0.5",
        "  2 x  [40] float32",
        "    [0 1 2 3 4 5 6 7 8 9 10 11 12 … 33 34 35 36 37 38 nan]",
    ]


def test_what_was_not_recorded_is_a_reason_and_no_doubt(tape: Tape) -> None:
    """Of a value of which nothing but its shape is known there is nothing to compare."""
    unknown = Found(Unkept((3, 3), "", "it was not measured"))
    assert drawn(tape, Row(1, "local", unknown, unknown, None), Row(2, "x", Found(LONG), unknown, None)) == [
        "  1 local  [3 × 3]",
        "    it was not measured",
        "? 2 x  [40] float32",
        "    [0 1 2 3 4 5 6 7 8 9 10 11 12 … 33 34 35 36 37 38 nan]",
        "    before: it was not measured",
    ]


@pytest.mark.parametrize("width", [20, 44, 100])
def test_no_line_is_wider_than_the_pane(width: int, tape: Tape) -> None:
    """However long the expression or the value."""
    long = "w" * 60
    rows = [
        Row(1, text, Found(value), Found(why="not yet " * 20), True)
        for text in ("w", long)
        for value in (LONG, LARGE, long, 1 / 3)
    ]
    assert max(map(len, drawn(tape, *rows, width=width))) <= width


def test_an_empty_pane_says_how_to_add_one(tape: Tape) -> None:
    """There is a command for it."""
    assert "`display EXPR`" in " ".join(drawn(tape))
    assert pane_json("displays", tape.frame(1))["displays"] == []


def test_json_has_every_row(tapes: Tapes) -> None:
    """The value and the one before, whether it has changed, and the sentence where there is none."""
    debugger = Debugger.open(str(tapes("chain_rule")))
    debugger.displays.add("a.grad[0]")
    debugger.displays.add("grad_norm")
    debugger.go(16)
    shown = pane_json("displays", debugger.frame(), Options(displayed=debugger.displayed()))
    debugger.close()
    first, second = json.loads(json.dumps(shown))["displays"]
    assert (first["expression"], first["value"]["values"], first["changed"]) == ("a.grad[0]", [28], True)
    assert first["before"]["why"]
    assert (second["number"], second["value"], second["changed"]) == (2, None, False)
    assert second["why"].startswith("there is no grad_norm yet")
