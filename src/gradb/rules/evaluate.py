"""The table's formulas as numbers: an elementwise derivative evaluated at the values on the tape.

This is how gradb says, while the script is still in its forward, what local derivative the backward will use.
"""

from __future__ import annotations

from collections.abc import Mapping

from gradb.rules.model import Part
from gradb.rules.names import Argument
from gradb.tape.values import TensorValue

MAX_ELEMENTS = 4096


def evaluate(part: Part, arguments: Mapping[str, Argument], output: TensorValue | None) -> tuple[float, ...] | None:
    """Return d out_i / d input_i for every element i, or None where the tape or the table does not tell.

    Args:
        part: the derivative wanted.
        arguments: what is known of each argument; tensors of one element and literals count for every i.
        output: the op's result; the input must have its shape, else the derivative is not elementwise.
    """
    mine = arguments.get(part.role)
    if part.derivative is None or mine is None or mine.tensor is None or output is None:
        return None
    if mine.tensor.value.shape != output.shape or output.numel > MAX_ELEMENTS:
        return None
    columns = {role: _column(argument, output) for role, argument in arguments.items()}
    known = {role: column for role, column in columns.items() if column is not None}
    try:
        return tuple(
            part.derivative({role: column[i % len(column)] for role, column in known.items()})
            for i in range(output.numel)
        )
    except (KeyError, ValueError, ArithmeticError, TypeError):
        return None


def _column(argument: Argument, output: TensorValue) -> list[float] | None:
    """Return an argument's numbers: one for each element, or a single one for all."""
    if argument.tensor is None:
        return _literal(argument.text)
    value = argument.tensor.value
    numbers = value.numbers()
    if not numbers or (value.shape != output.shape and len(numbers) != 1):
        return None
    real = [float(n) for n in numbers if not isinstance(n, complex)]
    return real if len(real) == len(numbers) else None


def _literal(text: str) -> list[float] | None:
    """Read a literal; of a word (the form of gelu, a rounding mode) only whether it is ``'none'``."""
    try:
        return [float(text.strip("()"))]
    except ValueError:
        words = {"'tanh'": 1.0, "'floor'": 1.0, "'trunc'": 1.0, "'none'": 0.0, "True": 1.0, "False": 0.0}
        return [words[text]] if text in words else None
