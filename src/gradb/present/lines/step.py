"""An optimizer step as the chain-rule pane shows it: each parameter before, its gradient, the rate, and after.

That an optimizer subtracts rate times gradient is said only where the recorded numbers do just that.
"""

from __future__ import annotations

import math
import struct

from rich.text import Text

from gradb.algebra.figures import counted, number
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, cut, wrapped
from gradb.present.draw.numbers import lines as tensor_lines, shape_text
from gradb.present.draw.safe import plain, plain_path
from gradb.tape.kinds.step import StepDetail
from gradb.tape.kinds.tensor import Tensor
from gradb.tape.values import TensorValue

MAX_PARAMETERS = 50
_NAME_LIMIT = 40
_ROWS = 4  # of a matrix
_FORMATS = {"float32": "<f", "float64": "<d", "float16": "<e"}


def step_title(detail: StepDetail, width: int) -> Text:
    """Return ``SGD step   learning rate 0.01   2 parameters``."""
    line = Text(no_wrap=True).append(f"{plain(detail.optimizer, _NAME_LIMIT)} step", theme.TITLE)
    if detail.skipped:
        line.append(f"   skipped by GradScaler: {plain(detail.skipped, _NAME_LIMIT)}", theme.WARNING)
    line.append(f"   {rates_text(detail)}", theme.DIM)
    if detail.parameters:
        line.append(f"   {counted(len(detail.parameters), 'parameter')}", theme.DIM)
    return cut(line, width)


def rates_text(detail: StepDetail) -> str:
    """Return ``learning rate 0.01``, ``learning rates 0.1, 0.01``, or that there is none."""
    rates = [number(rate) for rate in detail.learning_rates]
    if not rates:
        return "no learning rate"
    if len(set(rates)) == 1:
        return f"learning rate {rates[0]}"
    return "learning rates " + ", ".join(rates[:4]) + (", …" if len(rates) > 4 else "")


def step_items(detail: StepDetail, width: int) -> list[Field | Text]:
    """Return each parameter's values, for ``fields.layout``."""
    if not detail.parameters:
        return [*wrapped("what the step found and left is not recorded", width, theme.DIM)]
    items: list[Field | Text] = []
    for index, tensor in enumerate(detail.parameters[:MAX_PARAMETERS]):
        items += _parameter(detail, index, tensor, width)
    left = len(detail.parameters) - MAX_PARAMETERS
    return [*items, Text(f"… and {left} more parameters", style=theme.DIM)] if left > 0 else items


def _parameter(detail: StepDetail, index: int, tensor: Tensor, width: int) -> list[Field | Text]:
    name = plain_path(tensor.name or f"leaf #{tensor.id}", _NAME_LIMIT)
    room = max(width - len(INDENT), 16)
    before, gradient = _at(detail.before, index), _at(detail.gradients, index)
    rate = detail.rate(index)
    title = Text(no_wrap=True).append("── ", theme.DIM).append(name, theme.NAME)
    title.append(f"  {shape_text(tensor.value.shape)}", theme.DIM)
    items: list[Field | Text] = [cut(title, width)]
    if before is not None:
        items.append(Field("before", name, tensor_lines(before, room, _ROWS)))
    if index < len(detail.gradients):
        body = tensor_lines(gradient, room, _ROWS) if gradient is not None else [_none()]
        items.append(Field("gradient", f"{name}.grad", body, style=theme.UPSTREAM))
    if rate is not None and len(set(detail.learning_rates)) > 1:
        items.append(Field("rate", "lr", [Text(number(rate))], style=theme.LOCAL))
    items.append(Field("after", name, tensor_lines(tensor.value, room, _ROWS), style=theme.DOWNSTREAM))
    if before is not None and gradient is not None and rate is not None and is_descent(tensor, before, gradient, rate):
        items += wrapped(f"✓ before - {number(rate)} · gradient = after", width, theme.OK)
    return items


def _none() -> Text:
    return Text("None: the step leaves this parameter as it is", style=theme.DIM)


def _at(values: tuple[TensorValue | None, ...], index: int) -> TensorValue | None:
    return values[index] if index < len(values) else None


def is_descent(after: Tensor, before: TensorValue, gradient: TensorValue, rate: float) -> bool:
    """Tell whether every recorded element is before - rate x gradient, but for the rounding of its dtype."""
    code = _FORMATS.get(before.dtype)
    columns = [value.numbers() for value in (before, gradient, after.value)]
    if code is None or not columns[0] or len({len(column or ()) for column in columns}) > 1:
        return False
    digits = {"<f": 2.0**-22, "<d": 2.0**-50, "<e": 2.0**-9}[code]
    for old, slope, new in zip(*(column or () for column in columns), strict=True):
        if isinstance(old, complex) or isinstance(slope, complex) or isinstance(new, complex):
            return False
        try:
            wanted = struct.unpack(code, struct.pack(code, old - rate * slope))[0]
        except OverflowError:
            return False
        size = max(abs(old), abs(rate * slope), abs(new))
        if not math.isfinite(size) or not abs(wanted - new) <= digits * size:  # all is within an infinite error
            return False
    return True
