"""Equality of operands: exact in the dtype, and told where it is not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from gradb.tape.expressions.equality import Approx, differences, is_equal, rounded, show
from gradb.tape.expressions.faults import NoValue
from gradb.tape.expressions.operands import Numbers, Unkept


def test_numbers_are_compared_in_the_dtype() -> None:
    """0.1 is the float32 nearest to it, and 1/3 the bfloat16."""
    tenth = Numbers((), (rounded(0.1, "float32"),), "float32")
    assert tenth.numbers[0] != 0.1
    assert is_equal(tenth, 0.1)
    assert not is_equal(tenth, 0.1001)
    assert is_equal(Numbers((1,), (0.333984375,), "bfloat16"), [1 / 3])
    assert not is_equal(Numbers((), (rounded(0.1, "float32"),), "float64"), 0.1)
    assert is_equal(Numbers((), (math.inf,), "float16"), 1e9)
    assert is_equal(Numbers((), (1 + 2j,), "complex64"), 1 + 2j)
    assert not is_equal(Numbers((), (1 + 2j,), "complex64"), 1 + 3j)


@given(st.floats(width=32), st.floats(width=32))
def test_float32_equality_is_equality(a: float, b: float) -> None:
    """Two float32 numbers are equal when they are, or when both are NaN."""
    expected = a == b or (math.isnan(a) and math.isnan(b))
    assert is_equal(Numbers((1,), (a,), "float32"), [b]) == expected


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["float16", "float32", "bfloat16", "float64"]))
def test_rounding_is_idempotent(number: float, dtype: str) -> None:
    """A number of a dtype is its own nearest."""
    once = rounded(number, dtype)
    assert rounded(once, dtype) == once


def test_unkept_value_is_not_compared() -> None:
    """A tensor too large to be kept whole has a shape, but cannot be equal to anything."""
    with pytest.raises(NoValue, match="too large"):
        is_equal(Unkept((5000,), "float32", "it is too large to be kept whole"), [1])
    assert show(Unkept((5000,), "float32", "too large")) == "<shape [5000]: too large>"


def test_lists_of_values_are_compared_one_by_one() -> None:
    """Where a node has several edges, each has its place."""
    values = [Numbers((2,), (1, 2), "float32"), None, Numbers((), (5,), "float32")]
    assert is_equal(values, [[1, 2], None, 5])
    assert list(differences(values, [[1, 3], None, 5])) == ["at [0]: at [1]: 2 is not 3"]
    assert is_equal(values, Approx([[1, 2.00001], None, 5]))
    assert show(values) == "[[1, 2], None, 5]"


def test_matrix_is_shown_as_nested_lists() -> None:
    """Rows and columns are seen as such, and an empty tensor is an empty list."""
    assert show(Numbers((2, 2), (1.0, 2.5, 3.0, 4.0), "float32")) == "[[1, 2.5], [3, 4]]"
    assert show(Numbers((0, 3), (), "float32")) == "[]"
    assert is_equal(Numbers((0,), (), "float32"), [])
