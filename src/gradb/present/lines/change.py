"""A change or a clearing of gradients in the chain-rule pane: each before and after, and the factor that all share.

That all were multiplied by one number is said only where the recorded numbers are just that, or, of gradients too large
to be kept whole, where all that is recorded of them is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

from gradb.algebra.figures import counted, number
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, cut, wrapped
from gradb.present.draw.numbers import shape_text
from gradb.present.draw.safe import plain_path
from gradb.present.lines.gradrows import value_text
from gradb.present.lines.headline import describe
from gradb.tape.kinds.buffer import BufferChange
from gradb.tape.kinds.grad_change import GradChangeDetail
from gradb.tape.kinds.zero_grad import ZeroGradDetail
from gradb.tape.values import TensorValue

MAX_BUFFERS = 50
_NAME_LIMIT = 40
_DIGITS = {"float64": 2.0**-50, "float32": 2.0**-21, "float16": 2.0**-8, "bfloat16": 2.0**-5}
_TINY = {"float64": 1e-300, "float32": 1e-37, "float16": 1e-4, "bfloat16": 1e-37}
Change = GradChangeDetail | ZeroGradDetail


@dataclass(frozen=True, slots=True)
class Factor:
    """The one number by which all changed gradients were multiplied."""

    value: float
    is_of_all: bool
    """True when each element is on the tape; False where of some there are statistics only."""


def change_lines(frame: Frame, detail: Change, width: int) -> list[Text]:
    """Return what a change did: in one clause, the factor where all share one, and each gradient before and after."""
    buffers = buffers_of(detail)
    lines = wrapped(describe(frame), width, theme.TITLE)
    if isinstance(detail, GradChangeDetail):
        lines += wrapped(factor_words(shared_factor(detail.changed)), width, theme.OK)
    for one in buffers[:MAX_BUFFERS]:
        lines += _buffer(one, width)
    left = len(buffers) - MAX_BUFFERS
    return [*lines, Text(f"… and {counted(left, 'more gradient')}", style=theme.DIM)] if left > 0 else lines


def buffers_of(detail: Change) -> tuple[BufferChange, ...]:
    """Return the buffers that were changed or cleared."""
    return detail.changed if isinstance(detail, GradChangeDetail) else detail.cleared


def factor_words(factor: Factor | None) -> str:
    """Return ``✓ after = before × 0.5, every element``; nothing where there is no such number."""
    if factor is None:
        return ""
    what = "every element" if factor.is_of_all else "as far as is recorded: norms, smallest and largest elements"
    return f"✓ after = before × {number(factor.value)}, {what}"


def _buffer(one: BufferChange, width: int) -> list[Text]:
    """Return ``w.grad [64 × 32]  norm 0.04362 → norm 0.005367``, on two lines where it is narrow."""
    value = one.before or one.after
    head = Text(no_wrap=True).append(f"{plain_path(one.parameter, _NAME_LIMIT)}.grad", theme.NAME)
    head.append(f" {shape_text(value.shape)}" if value is not None else "", theme.DIM)
    room = max((width - len(INDENT) - 3) // 2, 8)
    body = Text(no_wrap=True).append_text(value_text(one.before, room)).append(" → ", theme.DIM)
    body.append_text(value_text(one.after, room, theme.DOWNSTREAM))
    if head.cell_len + body.cell_len + 2 <= width:
        return [head.append("  ").append_text(body)]
    return [cut(head, width), cut(Text(INDENT, no_wrap=True).append_text(body), width)]


# --- the factor -------------------------------------------------------------------------------------------------------


def shared_factor(changed: Sequence[BufferChange]) -> Factor | None:
    """Return the number by which every gradient was multiplied; None where it is no one number, or not known."""
    pairs: list[tuple[float, float, str]] = []
    is_of_all = True
    for one in changed:
        found = _pairs(one)
        if found is None:
            return None
        pairs += [(before, after, found[2]) for before, after in zip(found[0], found[1], strict=True)]
        is_of_all = is_of_all and found[3]
    largest = max(pairs, key=lambda pair: abs(pair[0]), default=None)
    if largest is None or largest[0] == 0 or not all(math.isfinite(one) for pair in pairs for one in pair[:2]):
        return None
    factor = largest[1] / largest[0]
    is_shared = all(_is_product(before, after, factor, dtype) for before, after, dtype in pairs)
    return Factor(factor, is_of_all) if is_shared else None


def _is_product(before: float, after: float, factor: float, dtype: str) -> bool:
    return abs(after - factor * before) <= max(_DIGITS[dtype] * abs(after), _TINY[dtype])


def _pairs(one: BufferChange) -> tuple[list[float], list[float], str, bool] | None:
    """Return the numbers that are known of a gradient before and after, its dtype, and whether these are all."""
    if one.before is None or one.after is None or one.before.dtype not in _DIGITS or one.after.dtype not in _DIGITS:
        return None
    dtype = max(one.before.dtype, one.after.dtype, key=_DIGITS.__getitem__)
    whole = one.before.numbers(), one.after.numbers()
    if whole[0] is not None and whole[1] is not None:
        return _floats(whole[0]), _floats(whole[1]), dtype, True
    before, after = _figures(one.before), _figures(one.after)
    if before is None or after is None:
        return None
    return before, after, dtype, False


def _figures(value: TensorValue) -> list[float] | None:
    """Return smallest and largest element and 2-norm of a gradient that was not kept whole, where they are known."""
    stats = value.stats
    if stats is None or stats.nan or stats.posinf or stats.neginf:
        return None
    if stats.minimum is None or stats.maximum is None or stats.norm is None:
        return None
    return [stats.minimum, stats.maximum, stats.norm]


def _floats(numbers: Sequence[object]) -> list[float]:
    return [float(one) for one in numbers if isinstance(one, int | float)]
