"""Local Jacobians as numbers: their structure, and upstream times local held against what the engine produced.

Pure functions on lists of Python numbers; nothing here reads a tape. Rows run over all outputs of a node, concatenated;
columns over the input that one edge leads to.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradb.tape.events import Probe
from gradb.tape.frame import Check, Local
from gradb.tape.values import Number, TensorValue

MAX_ELEMENTS = 262_144  # a larger Jacobian is not taken apart: it would hold up the screen
AGREES = "agrees with the engine"


@dataclass(frozen=True, slots=True)
class _Limits:
    """How far apart two results may be and still agree."""

    relative: float
    """Of the sum of the magnitudes of the terms."""
    absolute: float
    """About the smallest normal number of the dtype."""
    largest: float
    """The largest number of the dtype: beyond it the engine has an infinity where Python has a number."""
    rounding: float
    """How far the engine may be off, as a part of the largest upstream gradient, where terms cancel out inside a
    formula (softmax)."""


_LIMITS = {
    "float64": _Limits(1e-9, 1e-300, 1.797e308, 1e-15),
    "float32": _Limits(1e-4, 1e-37, 3.4e38, 1e-6),
    "bfloat16": _Limits(5e-2, 1e-37, 3.38e38, 3e-2),
    "float16": _Limits(1e-2, 1e-6, 65500.0, 4e-3),
}


_PARTS = {"complex128": "float64", "complex64": "float32", "complex32": "float16"}
_EPSILON = {"float64": 2.3e-16, "float32": 1.2e-7, "float16": 1e-3}


@dataclass(slots=True)
class _Product:
    """upstream x local, one item a column."""

    total: list[Number]
    magnitude: list[float]
    """Sum of the absolute terms: what a tolerance is relative to."""
    is_moot: list[bool]
    """True where NaN or an infinity met a zero of the matrix: the engine may say NaN there, or nothing."""
    floor: list[float]
    """The largest upstream gradient where several terms meet, else zero: what rounding inside a formula scales with."""


def local(probe: Probe) -> Local:
    """Return the local derivative that a probe measured, by its structure."""
    rows, columns = probe.rows, probe.columns
    if probe.data is None:
        return Local("unknown", rows, columns, None, probe.note or "not probed")
    if rows * columns > MAX_ELEMENTS:
        return Local("unknown", rows, columns, None, "too large to be shown")
    matrix = TensorValue((rows, columns), probe.dtype, probe.data).numbers() or []
    if not (probe.has_complex_rows or probe.has_complex_columns):
        return recognise(matrix, rows, columns)
    factors = _factors(probe, [_real(number) for number in matrix])
    if factors is not None:
        return replace(recognise(factors, rows // 2, columns // 2), form="complex")
    return replace(recognise(matrix, rows, columns), form="parts")


def _real(number: Number) -> float:
    return number.real if isinstance(number, complex) else float(number)


def _factors(probe: Probe, matrix: list[float]) -> list[Number] | None:
    """Return one complex number an entry, or None where the op is not holomorphic.

    A backward maps the gradient g to A g + B conj(g): it sends 1 to A + B and i to i (A - B). B is zero where the
    function has a complex derivative f'(z), and then A is its conjugate. Source: the autograd notes of PyTorch,
    "Autograd for complex numbers".
    """
    rows, columns = probe.rows, probe.columns
    if not (probe.has_complex_rows and probe.has_complex_columns) or rows % 2 or columns % 2:
        return None
    pairs = [complex(re, im) for re, im in zip(matrix[::2], matrix[1::2], strict=True)]
    width = columns // 2
    found: list[Number] = []
    worst = largest = 0.0
    for row in range(0, rows, 2):
        start = row * width
        for one, i in zip(pairs[start : start + width], pairs[start + width : start + 2 * width], strict=True):
            found.append((one - 1j * i) / 2)
            worst, largest = max(worst, abs(one + 1j * i)), max(largest, abs(one))
    return found if worst <= 8 * _EPSILON.get(probe.dtype, 1e-6) * largest else None


def recognise(matrix: Sequence[Number], rows: int, columns: int) -> Local:
    """Return the narrowest structure that a row-major matrix has."""
    entries = [(index // columns, index % columns, value) for index, value in enumerate(matrix) if value != 0]
    if not entries:
        return Local("zero", rows, columns, ())
    if rows == columns and all(row == column for row, column, _ in entries):
        return _diagonal([matrix[index * columns + index] for index in range(rows)])
    if _is_selection(entries):
        return Local("selection", rows, columns, tuple(matrix))
    if _is_sum(entries, columns):
        return Local("sum", rows, columns, (entries[0][2],))
    return Local("dense", rows, columns, tuple(matrix))


def _diagonal(values: list[Number]) -> Local:
    size = len(values)
    if all(value == values[0] for value in values):
        if values[0] == 1:
            return Local("identity", size, size, ())
        return Local("scalar", size, size, (values[0],))
    return Local("diagonal", size, size, tuple(values))


def _is_selection(entries: list[tuple[int, int, Number]]) -> bool:
    """Each output is one input, or none: slices, gathers, expands, permutations."""
    return all(value == 1 for _, _, value in entries) and len({row for row, _, _ in entries}) == len(entries)


def _is_sum(entries: list[tuple[int, int, Number]], columns: int) -> bool:
    """Each input goes into one output, all with the same weight: sums and means, whole or along dimensions."""
    weight = entries[0][2]
    if any(value != weight for _, _, value in entries):
        return False
    return len(entries) == columns == len({column for _, column, _ in entries})


def check(
    upstream: Sequence[TensorValue | None], sizes: Sequence[int] | None, probe: Probe, downstream: TensorValue | None
) -> Check | None:
    """Hold upstream x local against the engine's downstream.

    Args:
        upstream: dL/d(output) of each output; None stands for zeros.
        sizes: rows of each output; None where not known.
        downstream: dL/d(input); None stands for zeros (the engine's undefined gradient).

    Returns:
        None where there are not all the numbers for it.
    """
    flat = _flatten(upstream, sizes, probe.rows)
    if flat is None or probe.data is None or probe.rows * probe.columns > MAX_ELEMENTS:
        return None
    got = [0.0] * probe.columns if downstream is None else parts(downstream)
    dtypes = [probe.dtype, *(value.dtype for value in (*upstream, downstream) if value is not None)]
    if got is None or len(got) != probe.columns:
        return None
    matrix = TensorValue((probe.rows, probe.columns), probe.dtype, probe.data).numbers() or []
    return _compare(_product(flat, matrix, probe.columns), got, limits_of(dtypes))


def _flatten(upstream: Sequence[TensorValue | None], sizes: Sequence[int] | None, rows: int) -> list[Number] | None:
    """Concatenate the upstream gradients of all outputs, zeros for the undefined ones."""
    if sizes is None:
        sizes = guess_sizes(upstream, rows)
    if sizes is None or len(sizes) != len(upstream) or sum(sizes) != rows:
        return None
    flat: list[Number] = []
    for value, count in zip(upstream, sizes, strict=True):
        numbers = [0.0] * count if value is None else parts(value)
        if numbers is None or len(numbers) != count:
            return None
        flat.extend(numbers)
    return flat


def guess_sizes(upstream: Sequence[TensorValue | None], rows: int) -> list[int] | None:
    """Return the sizes of the outputs where at most one is not known from its gradient."""
    if rows > MAX_ELEMENTS or sum(value is None for value in upstream) > 1:
        return None
    rest = rows - sum(size(value) for value in upstream if value is not None)
    return [rest if value is None else size(value) for value in upstream] if rest >= 0 else None


def size(value: TensorValue) -> int:
    """Return how many real numbers a tensor has: two for each complex element."""
    return value.numel * (2 if value.dtype.startswith("complex") else 1)


def parts(value: TensorValue) -> list[Number] | None:
    """Return all elements, a complex one as its real and its imaginary part; None where they were not kept."""
    numbers = value.numbers()
    if numbers is None or not value.dtype.startswith("complex"):
        return numbers
    return [part for number in numbers for part in (number.real, number.imag)]


def _product(upstream: list[Number], matrix: Sequence[Number], columns: int) -> _Product:
    """Return upstream x matrix. Zeros of the matrix are left out, as an element-wise formula leaves them out."""
    result = _Product([0.0] * columns, [0.0] * columns, [False] * columns, [0.0] * columns)
    counts = [0] * columns
    largest = max((abs(weight) for weight in upstream if math.isfinite(abs(weight))), default=0.0)
    for row, weight in enumerate(upstream):
        is_finite = math.isfinite(abs(weight))
        for column, value in enumerate(matrix[row * columns : (row + 1) * columns]):
            if value != 0:
                term = weight * value
                result.total[column] += term
                result.magnitude[column] += abs(term)
                counts[column] += 1
            elif not is_finite:
                result.is_moot[column] = True
    result.floor = [largest if count > 1 else 0.0 for count in counts]
    return result


def limits_of(dtypes: Sequence[str]) -> _Limits:
    """Return the widest limits among some dtypes."""
    found = [_LIMITS.get(_PARTS.get(dtype, dtype), _LIMITS["float32"]) for dtype in dtypes]
    return _Limits(
        max(limits.relative for limits in found),
        max(limits.absolute for limits in found),
        min(limits.largest for limits in found),
        max(limits.rounding for limits in found),
    )


def _compare(product: _Product, got: Sequence[Number], limits: _Limits) -> Check:
    """Compare element by element; what arithmetic with infinities or NaN made moot is told apart from what differs."""
    worst, differing, moot = 0.0, 0, 0
    columns = zip(product.total, product.magnitude, product.is_moot, product.floor, got, strict=True)
    for want, size, is_moot, floor, have in columns:
        if _is_same(want, have):
            continue
        if is_moot or not abs(want) <= limits.largest:
            moot += 1
            continue
        error = abs(want - have)
        worst = math.inf if math.isnan(error) else max(worst, error)
        allowed = limits.relative * max(size, abs(have)) + limits.rounding * floor + limits.absolute
        differing += not error <= allowed or math.isinf(abs(have))
    return _verdict(worst, differing, moot, len(got))


def _is_same(want: Number, have: Number) -> bool:
    return want == have or (cmath.isnan(want) and cmath.isnan(have))


def _verdict(worst: float, differing: int, moot: int, count: int) -> Check:
    if differing:
        return Check(False, worst, f"differs from the engine in {differing} of {count} elements, by up to {worst:.4g}")
    if moot:
        text = f"cannot be compared in {moot} of {count} elements: the product meets NaN, infinity or overflow"
        return Check(True, worst, text)
    return Check(True, worst, AGREES)


def check_sum(parts: Sequence[TensorValue | None], total: TensorValue | None) -> Check | None:
    """Hold the sum of some gradients (None: zeros) against their recorded total; None where numbers are missing."""
    known = [part for part in parts if part is not None]
    values = [part.numbers() for part in known]
    want = None if total is None else total.numbers()
    if total is None or want is None or not all(value is not None and len(value) == len(want) for value in values):
        return None
    dtypes = [total.dtype, *(part.dtype for part in known)]
    sums = _Product([0.0] * len(want), [0.0] * len(want), [False] * len(want), [0.0] * len(want))
    for numbers in values:
        for index, number in enumerate(numbers or ()):
            sums.total[index] += number
            sums.magnitude[index] += abs(number)
    return _compare(sums, want, limits_of(dtypes))


def check_row(
    total: Sequence[float],
    magnitude: Sequence[float],
    is_moot: Sequence[bool],
    floor: Sequence[float],
    got: Sequence[float],
    dtypes: Sequence[str],
) -> Check:
    """Hold a row vector that was put together elsewhere (see ``_Product``) against the engine's."""
    return _compare(_Product(list(total), list(magnitude), list(is_moot), list(floor)), got, limits_of(dtypes))
