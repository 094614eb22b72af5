"""The values pane: numbers, heat maps and what is said of what was not kept."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from gradb.frame.displayed import Found
from gradb.frame.frame import Frame, PrintedAt
from gradb.present.draw.heat import glyph, scale_line
from gradb.present.draw.text import to_text
from gradb.present.lines.pages import asking, page_of
from gradb.present.options import Options, Values
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.expressions.operands import Numbers, Unkept
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart, PrintedTensor
from gradb.tape.values import Stats
from tests.fakes import value
from tests.unit.present.conftest import OpenExample


@pytest.fixture
def frame(example: OpenExample) -> Frame:
    """Return any Frame: what is looked at comes with the options."""
    return example("chain_rule").frame(4)


def options(found: Found | None, **more: Any) -> Options:
    """Return options of a pane that looks at W."""
    return Options(values=Values("W", 1, found), **{"width": 60, **more})


def pane(frame: Frame, found: Found | None, **more: Any) -> list[str]:
    """Return the lines of the pane."""
    chosen = options(found, **more)
    return to_text(PANES["values"].render(frame, chosen), chosen.width).splitlines()


def matrix(rows: int, columns: int) -> Found:
    """Return numbers from 0 on."""
    return Found(Numbers((rows, columns), tuple(float(n) for n in range(rows * columns)), "float32"))


def test_a_small_matrix_is_drawn_in_numbers(frame: Frame) -> None:
    """Rows and columns have their indices."""
    title, head, first, second = pane(frame, matrix(2, 3))
    assert title == "W  [2 × 3] float32"
    assert head.split() == ["[0]", "[1]", "[2]"]
    assert (first.split(), second.split()) == (["[0]", "0", "1", "2"], ["[1]", "3", "4", "5"])


def test_a_large_matrix_is_a_heat_map_with_its_scale(frame: Frame) -> None:
    """From the lowest glyph to the highest; the part that is shown is told, and its numbers are below."""
    _, scale, first, *rest = pane(frame, matrix(20, 40), width=46, height=20)
    assert scale == "0 [ .:-=+*#%@] 799"
    assert set(first) <= {" ", "."}
    assert any(line.startswith("rows 0 to ") and line.endswith("columns 0 to 22 of 40") for line in rest)


def test_the_part_that_is_moved_to_is_shown(frame: Frame) -> None:
    """Heat map and numbers begin there, as far as there are so many."""
    lines = pane(frame, matrix(20, 40), width=46, height=20, matrix=(19, 35))
    assert any(line.endswith("to 19 of 20, columns 17 to 39 of 40") for line in lines)
    assert any("799" in line for line in lines[3:])


def test_more_dimensions_are_rows_of_the_last(frame: Frame) -> None:
    """A row has the indices of all others."""
    found = Found(Numbers((2, 2, 2), tuple(float(n) for n in range(8)), "float32"))
    assert [line.split()[0] for line in pane(frame, found)[2:]] == ["[0,0]", "[0,1]", "[1,0]", "[1,1]"]


def test_what_was_not_kept_says_what_there_is(frame: Frame) -> None:
    """Statistics and the first elements, and how a script that is held is asked for more."""
    stats = Stats(-0.5, 0.5, 0.25, 0, 0, 0, (0.5, 0.25))
    text = " ".join(" ".join(pane(frame, Found(Unkept((64, 784), "float32", "too large", stats)))).split())
    assert "min -0.5 max 0.5 mean 0.25 first [0.5 0.25 …]" in text
    assert "of 50,176 elements the statistics and the first 2 are recorded; `gradb --limit 50176` keeps all" in text
    assert "A script that is held, and knows it by that name, is asked for a part: Enter" in text


@pytest.mark.parametrize(
    ("shape", "at", "part"),
    [
        ((64, 784), (0, 0), "W[0:32, 0:32]"),
        ((64, 784), (33, 70), "W[32:64, 64:96]"),
        ((5000,), (0, 1025), "W[1024:2048]"),
        ((8, 16, 3, 3), (40, 2), "W.flatten(0, -2)[32:64, 0:32]"),
    ],
)
def test_a_part_is_asked_for_in_python(shape: tuple[int, ...], at: tuple[int, int], part: str) -> None:
    """Of a vector a stretch, of a matrix a square, of more dimensions one of the rows of the last."""
    assert asking("W", shape, *at) == part


def test_what_the_script_has_told_of_it_is_shown(frame: Frame) -> None:
    """With its own indices, and of when it is; an answer about something else is none."""
    stats = Stats(-0.5, 0.5, 0.25, 0, 0, 0, (0.5, 0.25))
    found = Found(Unkept((64, 40), "float32", "too large", stats))
    told = value([float(n) for n in range(32 * 8)], (32, 8))
    part = PrintedPart("", "Tensor", "", PrintedTensor(told, "cpu", False, ""))
    at = replace(frame, printed=PrintedAt(4, PrintDetail("W[32:64, 32:40]", "", (part,))))
    assert page_of(at, "W", (64, 40)) is None  # nobody asks so
    at = replace(frame, printed=PrintedAt(4, PrintDetail("W[32:64, 32:64]", "", (part,))))
    lines = pane(at, found, height=20, matrix=(33, 33))
    text = " ".join(" ".join(lines).split())
    assert "rows 32 to 63 of 64, columns 32 to 39 of 40, as of event 4: told by the script" in text
    row = next(line.split() for line in lines if line.startswith("[33]"))
    assert row[:3] == ["[33]", "…", "9"]
    assert "min -0.5 max 0.5" in text
    page = pane_json("values", at, options(found))["values"]["page"]
    assert (page["row"], page["column"], page["event"], page["value"]["shape"]) == (32, 32, 4, [32, 8])
    assert page_of(at, "V", (64, 40)) is None
    assert page_of(at, "W", (64,)) is None


def test_nothing_and_no_tensor(frame: Frame) -> None:
    """What has no value says why; where nothing was asked for, what to ask."""
    assert pane(frame, Found(why="no tensor is called 'W'")) == ["W", "no tensor is called 'W'"]
    assert "values a.grad" in " ".join(to_text(PANES["values"].render(frame, Options(width=80)), 80).split())
    assert pane_json("values", frame)["values"] is None


def test_json_has_all_elements(frame: Frame) -> None:
    """As a display has them."""
    told = pane_json("values", frame, options(matrix(1, 2)))["values"]
    assert told == {
        "expression": "W",
        "value": {"shape": [1, 2], "dtype": "float32", "values": [0.0, 1.0]},
        "why": None,
        "page": None,
    }


def test_glyphs() -> None:
    """What is no number has a letter, which the scale explains; extremes of a double do not overflow."""
    assert [glyph(value, (-1.0, 1.0))[0] for value in (-1.0, 0.0, 1.0, math.nan, -math.inf)] == [
        " ",
        "+",
        "@",
        "N",
        "I",
    ]
    assert glyph(1.7e308, (-1.7e308, 1.7e308))[0] == "@"
    assert scale_line([0.0, 1.0, math.nan], "float32", 60).plain == "0 [ .:-=+*#%@] 1   N nan"
    assert scale_line([3 + 4j, 0j], "complex64", 60).plain == "|x| 0 [ .:-=+*#%@] 5"
