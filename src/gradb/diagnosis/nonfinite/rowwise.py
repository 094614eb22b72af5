"""Reasons of ops that make an element of many: softmax of a masked row, spread of one element, sums that overflow."""

from __future__ import annotations

import math
from itertools import product

from gradb.algebra.figures import number
from gradb.diagnosis.nonfinite.case import Case, extremes, is_same_kind, largest
from gradb.diagnosis.nonfinite.pointwise import names
from gradb.diagnosis.nonfinite.reason import Row
from gradb.tape.indices import ravel, unravel
from gradb.tape.values import TensorValue

_MOST = 1 << 16  # elements of one row that are looked through


def _input(case: Case) -> TensorValue | None:
    return case.op.inputs[0].value if case.op is not None and case.op.inputs else None


def _dims(case: Case, rank: int) -> list[int] | None:
    """Return the dimensions that a call reduces, from the front; all where it names none; None where not known."""
    given = case.argument("dim", 1)
    if given is None or given == () or isinstance(given, bool):
        return list(range(rank))
    named = given if isinstance(given, tuple | list) else (given,)
    if not all(isinstance(one, int) and -rank <= one < rank for one in named):
        return None
    return sorted({one % rank for one in named}) if rank else []


def _row_at(value: TensorValue, index: tuple[int, ...], dims: list[int]) -> list[float] | None:
    """Return the elements that differ from an index in some dimensions alone; None where they were not kept."""
    numbers = value.numbers()
    if numbers is None or math.prod(value.shape[dim] for dim in dims) > _MOST:
        return None
    ranges = [range(size) if dim in dims else (index[dim],) for dim, size in enumerate(value.shape)]
    return [float(numbers[ravel(each, value.shape)].real) for each in product(*ranges)]


def _row_name(index: tuple[int, ...], dims: list[int]) -> str:
    return "[" + ", ".join(":" if dim in dims else str(each) for dim, each in enumerate(index)) + "]"


# --- softmax ----------------------------------------------------------------------------------------------------------


_ALL_MASKED = "-inf - (-inf) is nan, no element is left to give a weight to"


def _masked_row(case: Case) -> str | None:
    """All of a row is -inf: the largest is subtracted first, -inf - -inf."""
    value, dim = _input(case), case.argument("dim", 1)
    if value is None:
        return None
    rank = len(value.shape)
    if not isinstance(dim, int) or not rank or not -rank <= dim < rank or value.shape != case.made.value.shape:
        return None
    if case.made.element is None:  # which of a large value's elements are NaN and which -inf was not kept
        made = case.made.value.nonfinite()
        return f"a row of its input is all -inf: {_ALL_MASKED}" if made and made.nan and _has_no_other(value) else None
    if not _is_nan(case):
        return None
    index, dims = unravel(case.made.element, value.shape), [dim % rank]
    row, name = _row_at(value, index, dims), _row_name(index, dims)
    if row is not None and any(each == math.inf for each in row):
        return f"row {name} of its input has inf: inf - inf is nan"
    if (row is None and _has_no_other(value)) or (row and all(each == -math.inf for each in row)):
        return f"row {name} of its input is all -inf: {_ALL_MASKED}"
    return None


def _has_no_other(value: TensorValue) -> bool:
    """Tell whether -inf is all that is not finite in a value."""
    found = value.nonfinite()
    return found is not None and not found.nan and not found.posinf and found.neginf > 0


def _masked_attention(case: Case) -> str | None:
    """Every key is masked for one query of an attention that is one call."""
    element = case.made.element
    if element is None or not _is_nan(case) or len(case.made.value.shape) < 2:
        return None
    query, batch, *_ = unravel(element, case.made.value.shape)
    for keyword, row in (("attn_mask", query), ("key_padding_mask", batch)):
        mask = _tensor_argument(case, keyword)
        if mask is None or len(mask.shape) != 2 or row >= mask.shape[0]:
            continue
        masked = 1.0 if mask.dtype == "bool" else -math.inf
        found = _row_at(mask, (row, 0), [1])
        if found and all(each == masked for each in found):
            return f"row [{row}, :] of {keyword} leaves no key: softmax of a row that is all -inf"
    return None


def _tensor_argument(case: Case, keyword: str) -> TensorValue | None:
    """Return a tensor that was given by its keyword."""
    if case.op is None:
        return None
    for name, text in case.op.arguments:
        if name == keyword and text[:1] == "%" and text[1:].isdecimal() and int(text[1:]) < len(case.op.inputs):
            return case.op.inputs[int(text[1:])].value
    return None


def _is_nan(case: Case) -> bool:
    return case.born is not None and math.isnan(case.born)


# --- of too few elements ----------------------------------------------------------------------------------------------


def spread_of_one(case: Case) -> str | None:
    """The variance of n elements divides by n - 1."""
    value = _input(case)
    count, correction = None if value is None else _count(case, value), _correction(case)
    if count is None or correction is None or count - correction > 0 or case.born is None:
        return None
    what = "1 element" if count == 1 else f"{count} elements"
    above = "0" if _is_nan(case) else "their spread"
    divisor = f"n - {correction:g} = {max(count - correction, 0):g}"
    return f"{case.name} of {what} divides by {divisor}: {above} / 0 is {number(case.born)}"


def _count(case: Case, value: TensorValue) -> int | None:
    """Return how many elements are reduced to one."""
    dims = _dims(case, len(value.shape))
    return None if dims is None else math.prod(value.shape[dim] for dim in dims)


def _correction(case: Case) -> float | None:
    """Return what is subtracted from the number of elements: 1 by default."""
    if case.op is None:
        return None
    for position, (keyword, text) in enumerate(case.op.arguments):
        literal = Case.literal(text)
        if keyword == "correction" and isinstance(literal, int | float):
            return float(literal)
        if (keyword == "unbiased" or (not keyword and position in {1, 2})) and isinstance(literal, bool):
            return float(literal)
    return 1.0


def _mean_of_nothing(case: Case) -> str | None:
    value = _input(case)
    if value is None or not _is_nan(case) or _count(case, value) != 0:
        return None
    return f"{case.name} of no elements (shape {list(value.shape)}) is 0 / 0 = nan"


def _no_targets(case: Case) -> str | None:
    """A loss is the mean over the targets that are not ignored, and all are."""
    target = case.op.inputs[1].value if case.op is not None and len(case.op.inputs) > 1 else None
    numbers = None if target is None else target.numbers()
    ignored = case.argument("ignore_index", 4 if case.name == "cross_entropy" else 3)
    wanted = -100 if ignored is None else ignored
    if target is None or numbers is None or not _is_nan(case) or any(each != wanted for each in numbers):
        return None
    if not target.dtype.startswith("int"):
        return None
    if not numbers:
        return "it is the mean over 0 targets: 0 / 0 is nan"
    return f"all {len(numbers)} targets are ignore_index ({wanted}): the mean over 0 of them is 0 / 0 = nan"


# --- too large --------------------------------------------------------------------------------------------------------

_SUMS = names(
    "sum mean matmul mm bmm linear addmm baddbmm addmv mv dot inner outer einsum conv1d conv2d conv3d prod cumsum"
    " cumprod norm vector_norm var std mse_loss l1_loss addcmul addcdiv mul add sub square pow div logsumexp addbmm"
    " layer_norm batch_norm group_norm smooth_l1_loss huber_loss bilinear lerp"
    " cumulative_trapezoid trapz var_mean std_mean nansum kron cross tensordot conv_transpose2d rms_norm"
)


def _too_large(case: Case) -> str | None:
    """Finite numbers went in, and a sum or product of them does not fit: nothing else makes an infinity here."""
    inputs = case.op.inputs if case.op is not None else ()
    if case.born is None or not inputs or any(one.value.is_finite is not True for one in inputs):
        return None
    limit = largest(case.dtype)
    if limit == math.inf or not _may_exceed(case, limit):
        return None
    sizes = [f"{_called(one.name, index)} up to {_magnitude(one.value)}" for index, one in enumerate(inputs[:3])]
    tail = "" if not math.isnan(case.born) else ", and inf - inf is nan"
    return (
        f"it read finite numbers ({', '.join(sizes)}), and what it makes of them overflows: the largest {case.dtype}"
        f" is {number(limit)}{tail}"
    )


def _may_exceed(case: Case, limit: float) -> bool:
    """Tell whether numbers of these magnitudes can exceed a limit when they are multiplied and added."""
    bounds = [extremes(one.value) for one in (case.op.inputs if case.op is not None else ())]
    logs = [math.log(max(abs(low), abs(high), 1.0)) for low, high in (each for each in bounds if each is not None)]
    terms = (
        math.log(max(2, max((one.value.numel for one in case.op.inputs), default=2))) if case.op is not None else 0.0
    )
    power = case.argument("exponent", 1)
    top = max(logs, default=0.0)
    reach = max(sum(logs), 2 * top, top * abs(power) if isinstance(power, int | float) else 0.0)
    if case.name in {"prod", "cumprod"}:
        reach = top * max((one.value.numel for one in case.op.inputs), default=1) if case.op is not None else 0.0
    return reach + terms >= math.log(limit) - math.log(4)


def _called(name: str | None, index: int) -> str:
    return name or ("its input" if index == 0 else f"input {index + 1}")


def _magnitude(value: TensorValue) -> str:
    bounds = extremes(value)
    return "?" if bounds is None else number(max(map(abs, bounds)), value.dtype)


def _sum_with_infinities(case: Case) -> str | None:
    """Infinities of both signs were added."""
    value = _input(case)
    if value is None or not _is_nan(case):
        return None
    found = value.nonfinite()
    if found is None or found.nan or not (found.posinf and found.neginf):
        return None
    return f"its input has {found.posinf:,} inf and {found.neginf:,} -inf: inf - inf is nan"


def _spread_of_infinite(case: Case) -> str | None:
    """The mean is subtracted from each element, and it is infinite."""
    value = _input(case)
    found = None if value is None else value.nonfinite()
    if found is None or found.nan or not _is_nan(case) or not (found.posinf or found.neginf):
        return None
    return "its input has an infinity, so its mean is infinite, and inf - inf is nan"


def _zero_in_product(case: Case) -> str | None:
    """A row with an infinity met a column with a zero at its place."""
    if case.op is None or len(case.op.inputs) < 2 or not _is_nan(case):
        return None
    odd = [one for one in case.op.inputs if (found := one.value.nonfinite()) is not None and not found.nan]
    if not odd or is_same_kind(0.0, case.born or 0.0):
        return None
    return f"{odd[0].name or 'an input'} has infinities: 0 × inf, or inf - inf in the sum of the products, is nan"


ROW_ROWS: tuple[Row, ...] = (
    Row("masked-row", names("softmax log_softmax logsoftmax gumbel_softmax softmin"), _masked_row),
    Row("masked-row", names("multi_head_attention_forward"), _masked_attention),
    Row("spread-of-one", names("var std var_mean std_mean"), spread_of_one),
    Row("mean-of-nothing", names("mean nanmean mse_loss l1_loss"), _mean_of_nothing),
    Row("no-targets", names("cross_entropy nll_loss nll_loss_nd"), _no_targets),
    Row("inf-minus-inf", names("sum mean cumsum nansum"), _sum_with_infinities),
    Row("inf-minus-inf", names("var std var_mean std_mean layer_norm batch_norm group_norm"), _spread_of_infinite),
    Row("zero-times-inf", names("matmul mm bmm linear addmm baddbmm mv dot einsum"), _zero_in_product),
    Row("overflow", _SUMS, _too_large),
)
