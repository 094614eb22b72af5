from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given, strategies as st

from gradb.algebra import jacobian, structure
from gradb.algebra.local import Check, Local
from gradb.tape.kinds.jacobian import Axis, Probe
from gradb.tape.values import Number, Stats, TensorValue
from tests.fakes import pack, value

INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("matrix", "rows", "columns", "name", "values"),
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
        ([1, 1, 1], 3, 1, "expansion", (1,)),
        ([0, 1, 1, 0], 2, 2, "permutation", (0, 1, 1, 0)),
        ([1, 0, 0, 1, 1, 0], 3, 2, "selection", (1, 0, 0, 1, 1, 0)),
        ([5, 5, 0, 0, 0, 0, 5, 5], 4, 2, "dense", (5, 5, 0, 0, 0, 0, 5, 5)),
        ([5, 0, 0, 5, 5, 0, 0, 5], 4, 2, "expansion", (5,)),
        ([1, 2, 0, 0, 0, 0, 3, 4], 2, 4, "block", (1, 2, 0, 0, 0, 0, 3, 4)),
        ([1, 0, 2, 0, 0, 3, 0, 4, 0], 3, 3, "dense", (1, 0, 2, 0, 0, 3, 0, 4, 0)),
        ([1j, 0, 0, 1j], 2, 2, "scalar", (1j,)),
        ([1, 2, 3, 4], 2, 2, "dense", (1, 2, 3, 4)),
        ([0, 2, 3, 0], 2, 2, "dense", (0, 2, 3, 0)),
        ([2, 0, 0], 1, 3, "dense", (2, 0, 0)),
        ([NAN, 0, 0, 1], 2, 2, "diagonal", None),
    ],
)
def test_structures(
    matrix: list[Number], rows: int, columns: int, name: str, values: tuple[Number, ...] | None
) -> None:
    """A matrix is recognised as the narrowest structure it has."""
    local = structure.recognise(matrix, rows, columns)
    assert (local.structure, local.rows, local.columns) == (name, rows, columns)
    assert values is None or local.values == values


entries = st.sampled_from([0.0, 0.0, 1.0, 2.0, 1j])


@st.composite
def matrices(draw: st.DrawFn) -> tuple[list[Number], int, int]:
    """Draw a matrix: any, or one with repeated blocks, its rows and columns in any order."""
    rows, columns, count = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 3))
    block = draw(st.lists(entries, min_size=rows * columns, max_size=rows * columns))
    whole: list[Number] = [0.0] * (rows * columns * count * count)
    row_order, column_order = (draw(st.permutations(range(size * count))) for size in (rows, columns))
    for row in range(rows * count):
        for column in range(columns * count):
            if row // rows == column // columns:
                at = row_order[row] * columns * count + column_order[column]
                whole[at] = block[(row % rows) * columns + column % columns]
    return whole, rows * count, columns * count


@given(matrices())
def test_structures_say_the_whole_matrix(drawn: tuple[list[Number], int, int]) -> None:
    """From its structure the matrix can be built again."""
    matrix, rows, columns = drawn
    local = structure.recognise(matrix, rows, columns)
    assert structure.expand(local) == matrix


def test_repeated_blocks_are_found_wherever_their_rows_and_columns_are() -> None:
    """d(A @ B)/dB has one block a column of the result, all equal to A, with rows and columns interleaved."""
    a = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
    matrix = [
        a[i][k] if j == other else 0.0 for i in range(2) for j in range(2) for k in range(3) for other in range(2)
    ]
    local = structure.recognise(matrix, 4, 6)
    assert local.structure == "block"
    assert [(block.rows, block.columns) for block in local.blocks] == [((0, 2), (0, 2, 4)), ((1, 3), (1, 3, 5))]
    assert local.blocks[0].values == (1, 2, 3, 4, 5, 6)
    assert local.are_blocks_equal


def test_an_unknown_local_derivative_has_no_matrix() -> None:
    """Nothing is made up where nothing was measured."""
    with pytest.raises(ValueError, match="unknown"):
        structure.expand(Local("unknown", 2, 2, None))


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
    ("got", "noise", "is_ok", "clause"),
    [
        (2e-13, 0.0, False, "differs from the engine in 1 of 1 elements"),
        (2e-13, 1e-13, True, "agrees with the engine but for rounding inside its formula, of up to 2e-13"),
        (2e-12, 1e-13, False, "differs from the engine in 1 of 1 elements"),
        (INF, 1e-13, False, "differs"),
        (NAN, 1e-13, False, "differs"),
    ],
)
def test_what_a_formula_rounds_is_told_apart(got: float, noise: float, is_ok: bool, clause: str) -> None:
    """Where terms cancel out that the matrix does not show, agreement is as near as the formula is to itself."""
    measured = Probe(1, 1, "float64", pack([0.0], "float64"), noise=noise)
    check = jacobian.check([value([1.5], dtype="float64")], None, measured, value([got], dtype="float64"))
    assert check is not None
    assert check.is_ok is is_ok
    assert check.text.startswith(clause)


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
    """Without all numbers, for half a complex matrix and for shapes that do not fit there is no verdict."""
    large = TensorValue((2,), "float32", None, Stats(0, 1, 0, 0, 0, 0, ()))
    square = probe([1, 0, 0, 1], 2, 2)
    assert jacobian.check([large], None, square, value([1, 1])) is None
    assert jacobian.check([value([1, 1])], None, square, large) is None
    assert jacobian.check([value([1, 1, 1])], None, square, value([1, 1])) is None
    assert jacobian.check([None, None], None, square, value([1, 1])) is None
    assert jacobian.check([value([1, 1])], None, Probe(2, 2, "float32", None, "too large"), value([1, 1])) is None
    assert jacobian.check([value([1, 1])], None, square, value([1, 1, 1])) is None
    assert checked([1j], [2j], [2], "complex64") is None  # an older tape: one row a complex element


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


Z = Axis((1,), is_complex=True)
X = Axis((1,))


def complex_probe(matrix: Sequence[float], output: Axis, wanted: Axis) -> Probe:
    """Return a probe of real numbers between two tensors."""
    return Probe(output.size, wanted.size, "float64", pack(matrix, "float64"), "", (output,), wanted)


@pytest.mark.parametrize(
    ("matrix", "output", "wanted", "form", "name", "values"),
    [
        ([2, -3, 3, 2], Z, Z, "complex", "scalar", (2 - 3j,)),
        ([1, 0, 0, -1], Z, Z, "conjugate", "identity", ()),
        ([2, -3, -3, -2], Z, Z, "conjugate", "scalar", (2 - 3j,)),
        ([0, 0, 0, 0], Z, Z, "complex", "zero", ()),
        ([0.6, 0.8], X, Z, "from_real", "scalar", (0.6 + 0.8j,)),
        ([1, 0], Z, X, "parts", "selection", (1, 0)),
        ([1, 0, 0, 0], Z, Z, "parts", "diagonal", (1, 0)),
        ([INF, -1, 1, INF], Z, Z, "complex", "scalar", None),
        ([NAN, NAN, NAN, NAN], Z, Z, "complex", "scalar", None),
    ],
)
def test_what_a_matrix_is_in_complex_numbers(
    matrix: list[float], output: Axis, wanted: Axis, form: str, name: str, values: tuple[Number, ...] | None
) -> None:
    """One complex number where the op is holomorphic, in z or in z*; else real and imaginary parts."""
    local = jacobian.local(complex_probe(matrix, output, wanted))
    assert (local.form, local.structure if values is not None else name) == (form, name)
    assert values is None or local.values == values
    assert (local.outputs, local.input) == ((output,), wanted)


parts = st.floats(-8, 8, width=16)


@given(parts, parts, parts, parts, parts, parts)
def test_complex_products_are_checked(a: float, b: float, c: float, d: float, x: float, y: float) -> None:
    """A gradient g goes to A g + B conj(g), whatever A and B are; anything else differs."""
    first, second, g = complex(a, b), complex(c, d), complex(x, y)
    rows = [first + second, 1j * (first - second)]
    probe = complex_probe([part for row in rows for part in (row.real, row.imag)], Z, Z)
    want = first * g + second * g.conjugate()
    right = jacobian.check([value([g], dtype="complex128")], None, probe, value([want], dtype="complex128"))
    assert right is not None
    assert right.is_ok
    wrong = jacobian.check([value([g], dtype="complex128")], None, probe, value([want + 1e-3j], dtype="complex128"))
    assert wrong is not None
    assert not wrong.is_ok
    assert wrong.text.startswith("differs")
