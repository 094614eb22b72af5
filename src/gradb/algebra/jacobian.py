"""Local Jacobians as numbers: their structure, and upstream times local held against what the engine produced.

Pure functions on lists of Python numbers; nothing here reads a tape. Rows run over all outputs of a node, concatenated;
columns over the input that one edge leads to.
"""

from __future__ import annotations

import cmath
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradb.algebra.local import Check, Form, Local
from gradb.algebra.structure import expand, recognise
from gradb.tape.kinds.jacobian import Axis, Probe
from gradb.tape.values import PARTS, Number, TensorValue

MAX_ELEMENTS = 262_144  # a larger Jacobian is not taken apart: it would hold up the screen
AGREES = "agrees with the engine"
_NOISE = 16  # times the measured rounding: each row of the matrix has as much of its own


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
    epsilon: float
    """From 1 to the next number."""


_LIMITS = {
    "float64": _Limits(1e-9, 1e-300, 1.797e308, 1e-15, 2.3e-16),
    "float32": _Limits(1e-4, 1e-37, 3.4e38, 1e-6, 1.2e-7),
    "bfloat16": _Limits(5e-2, 1e-37, 3.38e38, 3e-2, 7.9e-3),
    "float16": _Limits(1e-2, 1e-6, 65500.0, 4e-3, 9.8e-4),
}


@dataclass(slots=True)
class _Product:
    """upstream x local, one item a column."""

    total: list[Number]
    magnitude: list[float]
    """Sum of the absolute terms: what a tolerance is relative to."""
    is_moot: list[bool]
    """True where NaN or an infinity met a zero of the matrix: the engine may say NaN there, or nothing."""
    floor: list[float]
    """The largest upstream gradient times the number of terms where several meet, else zero: what rounding inside a
    formula scales with, which adds up as many terms."""
    zero_times_inf: int = 0
    """How many of the columns are NaN since a 0 met an infinity."""


def local(probe: Probe) -> Local:
    """Return the local derivative that a probe measured, by its structure."""
    rows, columns = probe.rows, probe.columns
    if probe.data is None:
        return Local("unknown", rows, columns, None, probe.note or "not probed")
    if rows * columns > MAX_ELEMENTS:
        return Local("unknown", rows, columns, None, "too large to be shown")
    if probe.dtype in PARTS:
        return Local("unknown", rows, columns, None, "an older gradb measured no more than a part of a complex matrix")
    return _recognised(probe)


@functools.lru_cache(16)
def _recognised(probe: Probe) -> Local:
    form, matrix = in_form(probe, _matrix(probe))
    rows = probe.rows // (2 if form in {"complex", "conjugate"} else 1)
    columns = probe.columns // (2 if form in {"complex", "conjugate", "from_real"} else 1)
    return replace(
        recognise(matrix, rows, columns), note=probe.note, form=form, outputs=probe.outputs, input=probe.input
    )


@functools.lru_cache(8)
def _matrix(probe: Probe) -> tuple[Number, ...]:
    return tuple(TensorValue((probe.rows, probe.columns), probe.dtype, probe.data).numbers() or ())


def in_form(probe: Probe, matrix: Sequence[Number]) -> tuple[Form, Sequence[Number]]:
    """Return what a matrix of real numbers is in complex ones, and its entries in that form.

    A backward maps the gradient g to A g + B conj(g): it sends 1 to A + B and i to i (A - B). Where the function has a
    complex derivative f'(z), B is zero and A is the conjugate of f'(z); where it has one in z*, A is zero. Source: the
    notes of PyTorch, "Autograd for complex numbers".
    """
    has_complex_columns = probe.input is not None and probe.input.is_complex
    are_complex = {axis.is_complex for axis in probe.outputs if axis.size}
    if not has_complex_columns:
        return ("parts" if True in are_complex else "real"), matrix
    pairs = [complex(re, im) for re, im in zip(matrix[::2], matrix[1::2], strict=True)]
    if True not in are_complex:
        return "from_real", pairs
    if are_complex == {True}:
        width = probe.columns // 2
        ones = [pair for row in range(0, probe.rows, 2) for pair in pairs[row * width : (row + 1) * width]]
        turned = [pair for row in range(1, probe.rows, 2) for pair in pairs[row * width : (row + 1) * width]]
        allowed = (
            8 * limits_of([probe.dtype]).epsilon * max((abs(one) for one in ones if cmath.isfinite(one)), default=0)
        )
        if _is_turned(ones, turned, 1, allowed):
            return "complex", ones
        if _is_turned(ones, turned, -1, allowed):
            return "conjugate", ones
    return "parts", matrix


def _is_turned(ones: Sequence[complex], turned: Sequence[complex], sign: int, allowed: float) -> bool:
    """Tell whether what i gives is i (sign 1) or -i (sign -1) times what 1 gives."""
    for one, other in zip(ones, turned, strict=True):
        for want, have in ((-sign * one.imag, other.real), (sign * one.real, other.imag)):
            if not (_is_same(want, have) or abs(want - have) <= allowed):
                return False
    return True


def check(
    upstream: Sequence[TensorValue | None], sizes: Sequence[int] | None, probe: Probe, downstream: TensorValue | None
) -> Check | None:
    """Hold upstream x local against the engine's downstream.

    Args:
        upstream: dL/d(output) of each output; None stands for zeros.
        sizes: real numbers of each output; None where not known. A probe that says them is believed.
        downstream: dL/d(input); None stands for zeros (the engine's undefined gradient).

    Returns:
        None where there are not all the numbers for it.
    """
    if probe.data is None or probe.rows * probe.columns > MAX_ELEMENTS or probe.dtype in PARTS:
        return None
    flat = _flatten(upstream, sizes, probe)
    got = [0.0] * probe.columns if downstream is None else parts(downstream, probe.input)
    if flat is None or got is None or len(got) != probe.columns:
        return None
    dtypes = [probe.dtype, *(value.dtype for value in (*upstream, downstream) if value is not None)]
    return _compare(_product(flat, _matrix(probe), probe.columns), got, limits_of(dtypes), probe.noise)


def check_direction(probe: Probe, dtypes: Sequence[str]) -> Check | None:
    """Return what came of holding a node against its formula in a random direction; None where that was not done."""
    if probe.direction is None:
        return None
    engine, formula, length = probe.direction
    error, limits = abs(engine - formula), limits_of(dtypes)
    if not math.isfinite(error) or not math.isfinite(length):
        text = "a random vector upstream could not be compared: it meets NaN, infinity or overflow"
        return Check(True, 0.0, text, "direction", is_compared=False)
    if error <= limits.relative * length + limits.absolute:
        return Check(True, error, "a random vector upstream gives what the formula says (one projection)", "direction")
    text = f"a random vector upstream gives {engine:.6g} in projection, and by the formula {formula:.6g}"
    return Check(False, error, text, "direction")


def check_local(
    upstream: Sequence[TensorValue | None], local: Local, dtype: str, downstream: TensorValue | None
) -> Check | None:
    """Hold upstream x local against as much of the engine's downstream as the tape has.

    None where there are not the numbers for it. Real numbers only.
    """
    probe = Probe(local.rows, local.columns, dtype, b"", outputs=local.outputs, input=local.input)
    flat = _flatten(upstream, None, probe)
    got = _kept(downstream, local.columns)
    if flat is None or not got:
        return None
    dtypes = [dtype, *(value.dtype for value in (*upstream, downstream) if value is not None)]
    product = _product(flat, expand(local), local.columns)
    if len(got) < local.columns:
        count = len(got)
        product = _Product(
            product.total[:count], product.magnitude[:count], product.is_moot[:count], product.floor[:count]
        )
    return _compare(product, got, limits_of(dtypes))


def _kept(value: TensorValue | None, columns: int) -> Sequence[Number]:
    """Return the elements of a gradient that the tape has: all, or the first few."""
    if value is None:
        return [0.0] * columns
    found = value.stats.corner if value.stats is not None else parts(value)
    return found if found is not None and value.numel == columns else ()


def parts(value: TensorValue, axis: Axis | None = None) -> list[Number] | None:
    """Return all elements, complex ones as real and imaginary part; None where they were not kept.

    ``axis`` is the tensor whose gradient it is: a real gradient of a complex tensor has imaginary parts of zero.
    """
    numbers = value.numbers()
    is_complex = value.dtype in PARTS or (axis is not None and axis.is_complex)
    if numbers is None or not is_complex:
        return numbers
    return [part for number in numbers for part in (number.real, number.imag)]


def _flatten(upstream: Sequence[TensorValue | None], sizes: Sequence[int] | None, probe: Probe) -> list[Number] | None:
    """Concatenate the upstream gradients of all outputs, zeros for the undefined ones."""
    axes: Sequence[Axis | None] = probe.outputs or [None] * len(upstream)
    if probe.outputs:
        sizes = [axis.size for axis in probe.outputs]
    elif sizes is None:
        sizes = _guess_sizes(upstream, probe.rows)
    if sizes is None or not len(sizes) == len(axes) == len(upstream) or sum(sizes) != probe.rows:
        return None
    flat: list[Number] = []
    for value, count, axis in zip(upstream, sizes, axes, strict=True):
        numbers = [0.0] * count if value is None else parts(value, axis)
        if numbers is None or len(numbers) != count:
            return None
        flat.extend(numbers)
    return flat


def _guess_sizes(upstream: Sequence[TensorValue | None], rows: int) -> list[int] | None:
    """Return the sizes of the outputs where at most one is not known from its gradient."""
    if rows > MAX_ELEMENTS or sum(value is None for value in upstream) > 1:
        return None
    rest = rows - sum(size(value) for value in upstream if value is not None)
    return [rest if value is None else size(value) for value in upstream] if rest >= 0 else None


def size(value: TensorValue) -> int:
    """Return how many real numbers a tensor has: two for each complex element."""
    return value.numel * (2 if value.dtype in PARTS else 1)


def _product(upstream: list[Number], matrix: Sequence[Number], columns: int) -> _Product:
    """Return upstream x matrix. Zeros of the matrix are left out, as an element-wise formula leaves them out."""
    result = _Product([0.0] * columns, [0.0] * columns, [False] * columns, [0.0] * columns)
    counts, is_lost = [0] * columns, [False] * columns
    largest = max((abs(weight) for weight in upstream if math.isfinite(abs(weight))), default=0.0)
    for row, weight in enumerate(upstream):
        is_finite = math.isfinite(abs(weight))
        for column, value in enumerate(matrix[row * columns : (row + 1) * columns]):
            if value != 0:
                term = weight * value
                is_lost[column] |= term != term and value == value and weight == weight
                result.total[column] += term
                result.magnitude[column] += abs(term)
                counts[column] += 1
            elif not is_finite:
                result.is_moot[column] = True
    result.floor = [largest * count if count > 1 else 0.0 for count in counts]
    result.zero_times_inf = sum(is_lost)
    return result


def limits_of(dtypes: Sequence[str]) -> _Limits:
    """Return the widest limits among some dtypes."""
    found = [_LIMITS.get(PARTS.get(dtype, dtype), _LIMITS["float32"]) for dtype in dtypes]
    return _Limits(
        max(limits.relative for limits in found),
        max(limits.absolute for limits in found),
        min(limits.largest for limits in found),
        max(limits.rounding for limits in found),
        max(limits.epsilon for limits in found),
    )


def _compare(product: _Product, got: Sequence[Number], limits: _Limits, noise: float = 0.0) -> Check:
    """Compare element by element; what arithmetic with infinities or NaN made moot is told apart from what differs, and
    what is no more than the measured rounding inside of the node's formula from what agrees to the last digits.
    """
    worst, differing, moot, rounded = 0.0, 0, 0, 0
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
        if not error <= allowed or math.isinf(abs(have)):
            is_noise = math.isfinite(error) and error <= allowed + _NOISE * noise
            rounded += is_noise
            differing += not is_noise
    check = _verdict(worst, differing, moot, rounded, len(got))
    if product.zero_times_inf and check.is_ok:
        return replace(check, text=f"{check.text}; 0 × inf = nan in {product.zero_times_inf} of {len(got)} elements")
    return check


def _is_same(want: Number, have: Number) -> bool:
    return want == have or (cmath.isnan(want) and cmath.isnan(have))


def _verdict(worst: float, differing: int, moot: int, rounded: int, count: int) -> Check:
    if differing:
        return Check(False, worst, f"differs from the engine in {differing} of {count} elements, by up to {worst:.4g}")
    if moot:
        text = f"cannot be compared in {moot} of {count} elements: the product meets NaN, infinity or overflow"
        return Check(True, worst, text, is_compared=False)
    if rounded:
        return Check(True, worst, f"{AGREES} but for rounding inside its formula, of up to {worst:.4g}")
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
    noise: float = 0.0,
) -> Check:
    """Hold a row vector that was put together elsewhere (see ``_Product``) against the engine's.

    ``noise`` is how far it is known to be off by rounding.
    """
    return _compare(_Product(list(total), list(magnitude), list(is_moot), list(floor)), got, limits_of(dtypes), noise)
