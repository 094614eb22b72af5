from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from gradb.tape import jacobian
from gradb.tape.events import Probe
from gradb.tape.frame import Check
from gradb.tape.values import Number, Stats, TensorValue
from gradb.testing import diagonal, pack, value

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("matrix", "rows", "columns", "structure", "values"),
    [
        ([0, 0, 0, 0], 2, 2, "zero", ()),
        ([], 0, 3, "zero", ()),
        ([1, 0, 0, 1], 2, 2, "identity", ()),
        ([1], 1, 1, "identity", ()),
        ([2], 1, 1, "scalar", (2,)),
        ([2, 0, 0, 2], 2, 2, "scalar", (2,)),
        ([2, 0, 0, 3], 2, 2, "diagonal", (2, 3)),
        ([2, 0, 0, 0], 2, 2, "diagonal", (2, 0)),
        ([1, 1, 1], 1, 3, "sum", (1,)),
        ([0.25] * 4, 1, 4, "sum", (0.25,)),
        ([1, 1, 0, 0, 0, 0, 1, 1], 2, 4, "sum", (1,)),
        ([0, 1, 0], 1, 3, "selection", (0, 1, 0)),
        ([1, 1, 1], 3, 1, "selection", (1, 1, 1)),
        ([0, 1, 1, 0], 2, 2, "selection", (0, 1, 1, 0)),
        ([1, 2, 3, 4], 2, 2, "dense", (1, 2, 3, 4)),
        ([0, 2, 3, 0], 2, 2, "dense", (0, 2, 3, 0)),
        ([2, 0, 0], 1, 3, "dense", (2, 0, 0)),
        ([NAN, 0, 0, 1], 2, 2, "diagonal", None),
    ],
)
def test_structures(
    matrix: list[Number], rows: int, columns: int, structure: str, values: tuple[Number, ...] | None
) -> None:
    """A matrix is recognised as the narrowest structure it has."""
    local = jacobian.recognise(matrix, rows, columns)
    assert (local.structure, local.rows, local.columns) == (structure, rows, columns)
    assert values is None or local.values == values


@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_structures_say_the_whole_matrix(rows: int, columns: int, data: st.DataObject) -> None:
    """From a structure that is square or lists its values, the matrix can be built again."""
    numbers = st.sampled_from([0.0, 1.0, 2.0])
    matrix = data.draw(st.lists(numbers, min_size=rows * columns, max_size=rows * columns))
    local = jacobian.recognise(matrix, rows, columns)
    kept = list(local.values or ())
    again: dict[str, list[Number]] = {
        "zero": [0.0] * (rows * columns),
        "identity": diagonal([1.0] * rows),
        "scalar": diagonal(kept * rows),
        "diagonal": diagonal(kept),
        "selection": kept,
        "dense": kept,
    }
    if local.structure != "sum":
        assert again[local.structure] == matrix


def probe(matrix: Sequence[Number], rows: int, columns: int, dtype: str = "float32") -> Probe:
    """Return a probe that measured a matrix."""
    return Probe(rows, columns, dtype, pack(matrix, dtype))


def checked(
    upstream: Sequence[Number], matrix: Sequence[Number], downstream: Sequence[Number] | None, dtype: str = "float32"
) -> Check | None:
    """Check one output against one input."""
    columns = len(matrix) // len(upstream)
    got = None if downstream is None else value(downstream, dtype=dtype)
    return jacobian.check([value(upstream, dtype=dtype)], None, probe(matrix, len(upstream), columns, dtype), got)


@pytest.mark.parametrize(
    ("upstream", "matrix", "downstream", "is_ok", "clause"),
    [
        ([1, 1], [14, 0, 0, 18], [14, 18], True, "agrees"),
        ([1, 1], [14, 0, 0, 18], [14, 18.00001], True, "agrees"),
        ([1, 1], [14, 0, 0, 18], [14, 19], False, "differs from the engine in 1 of 2 elements, by up to 1"),
        ([1e30, 1e30], [1e8, 0, 0, 1], [1e38, 1e30], True, "agrees"),
        ([1e30, 1e30], [1e9, 0, 0, 1], [INF, 1e30], True, "cannot be compared in 1 of 2"),
        ([0, 1], [INF, 0, 0, 1], [NAN, 1], True, "agrees"),
        ([0, 1], [INF, 0, 0, 1], [0, 1], True, "cannot be compared in 1 of 2"),
        ([INF, 1], [2, 0, 0, 3], [INF, 3], True, "agrees"),
        ([INF, 1], [2, 0, 0, 3], [INF, NAN], True, "cannot be compared in 1 of 2"),
        ([1, 1], [2, 0, 0, 3], [NAN, 3], False, "differs"),
        ([1, 1], [2, 0, 0, 3], [INF, 3], False, "differs"),
        ([1, 1], [0, 0, 0, 0], None, True, "agrees"),
        ([1, 1], [1, 0, 0, 0], None, False, "differs from the engine in 1 of 2"),
        ([1e8, -1e8], [1, 1], [3], True, "agrees"),
    ],
)
def test_checks(
    upstream: list[float], matrix: list[float], downstream: list[float] | None, is_ok: bool, clause: str
) -> None:
    """Agreement is relative to the terms; what is not finite is told apart from what differs."""
    check = checked(upstream, matrix, downstream)
    assert check is not None
    assert check.is_ok is is_ok
    assert clause in check.text


@pytest.mark.parametrize(
    ("dtype", "off", "is_ok"),
    [("float64", 1e-6, False), ("float32", 1e-6, True), ("float16", 1e-3, True), ("bfloat16", 1e-2, True)],
)
def test_tolerance_follows_the_dtype(dtype: str, off: float, is_ok: bool) -> None:
    """The same relative error is fine in a narrow dtype and not in a wide one."""
    check = checked([1], [2], [2 * (1 + off)], dtype)
    assert check is not None
    assert check.is_ok is is_ok


def test_several_outputs_are_concatenated() -> None:
    """Rows of the Jacobian run over all outputs; an undefined upstream counts as zeros."""
    both = probe([1, 0, 0, 1, 5, 5], 3, 2)
    check = jacobian.check([value([2, 3]), value([10])], None, both, value([52, 53]))
    assert check is not None
    assert check.is_ok
    for sizes in (None, [2, 1]):
        check = jacobian.check([value([2, 3]), None], sizes, both, value([2, 3]))
        assert check is not None
        assert check.is_ok


def test_what_cannot_be_checked_is_not() -> None:
    """Without all numbers, for complex numbers and for shapes that do not fit there is no verdict."""
    large = TensorValue((2,), "float32", None, Stats(0, 1, 0, 0, 0, 0, ()))
    square = probe([1, 0, 0, 1], 2, 2)
    assert jacobian.check([large], None, square, value([1, 1])) is None
    assert jacobian.check([value([1, 1])], None, square, large) is None
    assert jacobian.check([value([1, 1, 1])], None, square, value([1, 1])) is None
    assert jacobian.check([None, None], None, square, value([1, 1])) is None
    assert jacobian.check([value([1, 1])], None, Probe(2, 2, "float32", None, "too large"), value([1, 1])) is None
    assert jacobian.check([value([1, 1])], None, square, value([1, 1, 1])) is None
    assert checked([1j], [2j], [2], "complex64") is None


def test_what_was_not_probed_is_unknown() -> None:
    """A Jacobian that was not measured, or is too large, is unknown and says why."""
    assert jacobian.local(Probe(9, 9, "float32", None, "too large to probe")).note == "too large to probe"
    assert jacobian.local(Probe(9, 9, "float32", None)).note == "not probed"
    huge = Probe(1024, 1024, "float32", bytes(4 << 20))
    assert jacobian.local(huge).structure == "unknown"
    assert jacobian.check([value([0.0] * 1024)], None, huge, value([0.0] * 1024)) is None


def test_sums() -> None:
    """Contributions are added up and held against the whole."""
    check = jacobian.check_sum([value([1, 2]), None, value([3, 4])], value([4, 6]))
    assert check is not None
    assert check.is_ok
    check = jacobian.check_sum([value([1, 2])], value([1, 5]))
    assert check is not None
    assert not check.is_ok
    assert jacobian.check_sum([value([1, 2])], None) is None
    assert jacobian.check_sum([value([1, 2, 3])], value([1, 5])) is None
