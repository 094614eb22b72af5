"""What an expression comes to, as text and as JSON."""

from __future__ import annotations

import json
import math
import struct

import pytest
from hypothesis import given, strategies as st

from gradb.algebra.figures import whole
from gradb.frame.displayed import Found, Row
from gradb.present.json.operands import found_json, row_json
from gradb.present.lines.operand import operand_line, printed_line, printed_lines, stats_of
from gradb.tape.expressions.operands import Numbers, Operand, Unkept
from gradb.tape.values import Stats

MATRIX = Numbers((2, 2), (1.0, 2.5, 3.0, math.nan), "float32")
LONG = Numbers((40,), tuple(float(number) for number in range(39)) + (math.inf,), "float32")
LARGE = Unkept((100, 100), "float32", "it is too large", Stats(-3.5, 2.0, math.nan, 2, 0, 1, (0.5, 1.0), 7))
ONE_LINE: tuple[tuple[Operand, str], ...] = (
    (Numbers((), (0.1 + 1.5e-9,), "float32"), "x = 0.1"),
    (0.1 + 0.2, "x = 0.30000000000000004"),
    (1 / 3, "x = 0.3333333333333333"),
    (7, "x = 7"),
    (Numbers((), (420.0,), "float32"), "x = 420"),
    (Numbers((), (12345.671875,), "float32"), "x = 12345.672"),
    (True, "x = True"),
    (None, "x = None"),
    (math.nan, "x = nan"),
    (1 + 2j, "x = 1+2j"),
    ("a\nb", "x = 'a\\nb'"),
    ([1, MATRIX, None], "x = [1, [[1 2.5] [3 nan]], None]"),
    (Numbers((2,), (1.0, 2.0), "int64"), "x = [1 2]  [2] int64"),
    (MATRIX, "x = [[1 2.5] [3 nan]]  [2 × 2] float32"),
    (LARGE, "x = [100 × 100] min -3.5 max 2 mean nan, 2 × nan, 1 × -inf, the first of them at [0,7]"),
    (Unkept((3,), "float32", "it was on its way"), "x = [3] it was on its way"),
)


@pytest.mark.parametrize(("value", "text"), ONE_LINE, ids=[text for _, text in ONE_LINE])
def test_line_of_a_value(value: Operand, text: str) -> None:
    """A single number is told exactly in its dtype, a value with its shape, a large one by what is known of it."""
    shown = printed_line("x", Found(value), 200).plain
    assert shown == text


def test_large_values_are_summed_up() -> None:
    """What is cut has its extremes, its mean, and its NaN and infinities counted."""
    assert [line.plain for line in printed_lines("x", Found(LONG), 40)] == [
        "x  [40] float32",
        "    [0 1 2 3 4 5 6 7 8 … 36 37 38 inf]",
        "    (40 elements)",
        "    min 0 max 38 mean inf",
        "    1 × inf, the first at [39]",
    ]
    assert [line.plain for line in printed_lines("x", Found(LARGE), 60)] == [
        "x  [100 × 100] float32",
        "    min -3.5 max 2 mean nan",
        "    2 × nan, 1 × -inf, the first of them at [0,7]",
        "    first [0.5 1 …]",
    ]


def test_what_has_no_value_is_told_in_a_sentence() -> None:
    """The reason stands in the place of the value."""
    found = Found(why="there is no loss yet")
    assert printed_line("loss", found, 80).plain == "there is no loss yet"
    assert [line.plain for line in printed_lines("loss", found, 80)] == ["there is no loss yet"]
    assert found_json(found) == {"value": None, "why": "there is no loss yet"}


def test_json_of_a_row() -> None:
    """Now and before, with shape and dtype; what is not finite is text."""
    row = Row(2, "x", Found(MATRIX), Found(why="not yet"), True)
    assert json.loads(json.dumps(row_json(row), allow_nan=False)) == {
        "number": 2,
        "expression": "x",
        "value": {"shape": [2, 2], "dtype": "float32", "values": [1, 2.5, 3, "nan"]},
        "why": None,
        "before": {"value": None, "why": "not yet"},
        "changed": True,
        "origin": None,
    }
    assert row_json(Row(1, "y", Found(2), None, None, "as of event 3"))["origin"] == "as of event 3"
    assert row_json(Row(1, "y", Found([LARGE, 1.5]), None, None))["value"][0]["stats"]["nan"] == 2


@given(st.floats(width=32))
def test_single_number_is_told_exactly(number: float) -> None:
    """What is printed of a float32 is that float32 and no other."""
    told = float(whole(number, "float32"))
    assert struct.pack("<f", told) == struct.pack("<f", number) or (math.isnan(told) and math.isnan(number))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.integers(10, 80))
def test_line_is_drawn_of_any_numbers(numbers: list[float], width: int) -> None:
    """However many and however large."""
    value = Numbers((len(numbers),), tuple(numbers), "float64")
    assert operand_line(value, width).plain
    stats = stats_of(numbers)
    assert stats is not None
    assert (stats.minimum, stats.maximum, stats.first) == (min(numbers), max(numbers), None)
