"""Numbers and tensors as text never lie: what is rounded, cut or not finite shows."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given, strategies as st

from gradb.algebra.figures import counted, number
from gradb.present.draw.numbers import inline, lines
from gradb.tape.values import Number, Stats, TensorValue
from tests.fakes.packing import value


@pytest.mark.parametrize(
    ("given_number", "dtype", "text"),
    [
        (14.0, "float32", "14"),
        (-2.5, "float32", "-2.5"),
        (0.10000000149011612, "float32", "0.1"),
        (0.10000000149011612, "float64", "0.1000"),
        (14.00001, "float64", "14.00"),
        (1 / 3, "float64", "0.3333"),
        (1234567.0, "float32", "1234567"),
        (12345.678, "float64", "12346."),
        (9999.7, "float64", "10000."),
        (1e7, "float64", "1e+07"),
        (16777216.0, "float32", "1.678e+07"),
        (1.5e-10, "float64", "1.5e-10"),
        (-0.0, "float32", "-0"),
        (math.nan, "float32", "nan"),
        (math.inf, "float32", "inf"),
        (-math.inf, "float32", "-inf"),
        (123456789, "int64", "123456789"),
        (True, "bool", "True"),
        (1 - 2j, "complex64", "1-2j"),
        (0.33203125, "bfloat16", "0.332"),
    ],
)
def test_one_number(given_number: Number, dtype: str, text: str) -> None:
    """A number that four digits say exactly is bare; a rounded one keeps its zeros or its point."""
    assert number(given_number, dtype) == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_shown_number_is_near_or_the_same(real: float) -> None:
    """Read back, the text is the number to four digits; without the mark of rounding it is the number itself."""
    text = number(real, "float32")
    shown = float(text)
    assert math.isclose(shown, real, rel_tol=1e-3, abs_tol=0) or shown == real
    digits = text.lstrip("-").partition("e")[0]
    is_marked = digits.endswith(".") or len(digits.replace(".", "").lstrip("0")) >= 4
    assert is_marked or struct.pack("<f", shown) == struct.pack("<f", real)


def shown(tensor: TensorValue | None, width: int = 60, rows: int = 8) -> list[str]:
    return [line.plain for line in lines(tensor, width, rows)]


def test_vectors_and_scalars() -> None:
    """A vector is bracketed, a 0-d tensor is bare, nothing is None."""
    assert shown(value([14, 18, 22, 26])) == ["[14 18 22 26]"]
    assert shown(value([420], ())) == ["420"]
    assert shown(None) == ["None"]
    assert shown(value([], [0, 3])) == ["[] (empty, shape 0×3)"]


def test_matrices_are_aligned() -> None:
    """Columns of a matrix stand below each other, at any rank."""
    assert shown(value([1, -20, 3, 4], [2, 2])) == ["[[1 -20]", " [3   4]]"]
    assert shown(value(range(8), [2, 2, 2])) == ["[[[0 1]", "  [2 3]]", " [[4 5]", "  [6 7]]]"]


def test_long_vectors_are_cut_in_the_middle() -> None:
    """Both ends stay, the cut shows, the number of elements is said."""
    first, note = shown(value(range(1000)), 30)
    assert first.startswith("[0 1 2 ")
    assert first.endswith("999]")
    assert "…" in first
    assert len(first) <= 30
    assert note == "(1000 elements)"


@given(st.integers(1, 40), st.integers(1, 40), st.integers(20, 100))
def test_no_row_is_wider_than_asked(height: int, breadth: int, width: int) -> None:
    """Matrices of any size are cut to the room; a cut one says its size."""
    text = shown(value(range(height * breadth), [height, breadth]), width)
    assert all(len(line) <= width for line in text)
    is_cut = any("…" in line for line in text)
    assert is_cut == text[-1].endswith("elements)")


def test_large_tensors_show_statistics() -> None:
    """Above the limit there are statistics; NaN and infinities are counted and stand out."""
    stats = Stats(-1.0, 2.5, math.nan, 3, 1, 0, (0.5, math.nan))
    tensor = TensorValue((100, 100), "float32", stats=stats)
    text = lines(tensor, 60)
    assert [line.plain for line in text] == [
        "[100 × 100] float32",
        "min -1 max 2.5 mean nan",
        "3 × nan, 1 × inf",
        "first [0.5 nan …]",
    ]
    assert any("reverse" in str(span.style) for span in text[1].spans)


def test_the_norm_of_a_large_tensor_is_told_where_there_is_room() -> None:
    """It stands behind the mean, and goes first on a line that is too short; of what is not finite the counts tell."""
    tensor = TensorValue((100, 100), "float32", stats=Stats(-1.0, 2.5, 0.25, 0, 0, 0, (0.5,), norm=123.5))
    assert lines(tensor, 60)[1].plain == "min -1 max 2.5 mean 0.25 norm 123.5"
    assert inline(tensor, 60).plain == "[100 × 100] min -1 max 2.5 mean 0.25 norm 123.5"
    assert inline(tensor, 40).plain == "[100 × 100] min -1 max 2.5 mean 0.25"


def test_values_that_were_not_recorded_say_why() -> None:
    """A sparse tensor has no numbers, and the reason stands in their place."""
    assert shown(TensorValue((3,), "float32", note="sparse_coo")) == ["[3] float32, sparse_coo"]


def test_one_line_forms() -> None:
    """In a table a matrix is one line where it fits, else its shape and range."""
    assert inline(value([1, 2, 3, 4], [2, 2]), 30).plain == "[[1 2] [3 4]]"
    assert inline(value(range(100), [10, 10]), 30).plain == "[10 × 10] 0 … 99"
    assert inline(None, 30).plain == "None"


def test_a_cut_tensor_says_what_of_it_is_not_finite() -> None:
    """Where the corner that is shown is finite, the NaN behind it are counted, and the first has its place."""
    numbers = [math.nan if row in {9, 11} and column % 2 else 1.0 for row in range(32) for column in range(32)]
    tensor = value(numbers, [32, 32])
    text = lines(tensor, 60)
    assert text[-1].plain == "32 × nan, the first at [9,1]"
    assert "reverse" in str(text[-1].style)
    assert "32 not finite" in inline(tensor, 60).plain


def test_infinities_and_nan_are_told_apart() -> None:
    """Each kind is counted for itself; a tensor shown in full needs no count."""
    tensor = value([*range(50), -math.inf, math.nan, math.inf, math.inf], [54])
    assert lines(tensor, 40)[-1].plain == "1 × nan, 2 × inf, 1 × -inf, the first of them at [50]"
    assert [line.plain for line in lines(value([1.0, math.nan], [2]), 40)] == ["[1 nan]"]


def test_a_summary_on_one_line_says_what_is_not_finite() -> None:
    """In a table a large tensor's NaN are not left out."""
    stats = Stats(0.0, 1.0, math.nan, 2, 0, 0, (0.5,), 130)
    text = inline(TensorValue((64, 64), "float32", stats=stats), 60).plain
    assert text == "[64 × 64] min 0 max 1 mean nan, 2 × nan, the first at [2,2]"


def test_what_is_counted_is_in_the_singular_once() -> None:
    """Only one is one; thousands are set apart."""
    assert [counted(count, "node") for count in (0, 1, 2, 4000)] == ["0 nodes", "1 node", "2 nodes", "4,000 nodes"]
