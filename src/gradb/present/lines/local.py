"""The local derivative of one edge as text: by its structure, with the names and indices of what its rows and columns
run over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.text import Text

from gradb.algebra.figures import counted, number
from gradb.algebra.local import Local
from gradb.frame.chain.record import Chain, ChainEdge
from gradb.present.draw import theme
from gradb.present.draw.fields import wrapped
from gradb.present.draw.matrix import Window, matrix_lines
from gradb.present.draw.numbers import element, numbers_lines
from gradb.present.draw.safe import plain
from gradb.present.options import Options
from gradb.tape.kinds.jacobian import Axis
from gradb.tape.values import Number

if TYPE_CHECKING:
    from gradb.rules.explain import Explanation

_MAX_NAME = 8
_MAX_BLOCKS = 3
_MAX_ARROW_LINES = 4
_FORMS = {
    "real": "",
    "complex": "(holomorphic: the conjugate of the derivative)",
    "conjugate": "(holomorphic in z*: upstream is conjugated)",
    "from_real": "(∂/∂Re + i·∂/∂Im, which is 2 ∂/∂z*)",
    "parts": "(not holomorphic: real and imaginary parts apart)",
}


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What a matrix is drawn with."""

    local: Local
    rows: Sequence[str]
    """Label of each row."""
    columns: Sequence[str]
    window: Window
    text: Callable[[Number], str]
    """A number as text."""


def local_lines(
    local: Local, explanation: Explanation, chain: Chain, edge: ChainEdge, options: Options, width: int
) -> tuple[list[Text], str]:
    """Return the local derivative's numbers, or why there are none, and a remark on their form."""
    dtype = _dtype(chain, edge)
    if local.structure == "unknown" or local.values is None:
        return _unknown(local, explanation, chain, edge, dtype, width)
    if local.structure == "diagonal":
        texts = [number(value or 0, dtype) for value in local.values]  # a one-hot leaves -0 where nothing flows
        body, note = numbers_lines(texts, _shape(len(texts), chain, edge), width, style=theme.LOCAL), "(elementwise)"
    elif local.structure in _DRAWN:
        row, column = options.matrix
        body, note = _DRAWN[local.structure](
            _Drawing(
                local,
                _labels(output_names(chain, explanation.target, len(local.outputs)), local.outputs, local, local.rows),
                _labels([plain(explanation.source, 200)], [local.input] if local.input else [], local, local.columns),
                Window(width, first_row=row, first_column=column),
                lambda value: number(value or 0, dtype),
            )
        )
    else:
        single = number(local.values[0], dtype) if local.values else {"identity": "1"}.get(local.structure, "0")
        body, note = [Text(single, style=theme.LOCAL)], _note(local)
    notes = (note, _FORMS[local.form], local.note and f"({plain(local.note, 100)})")
    return body, " ".join(filter(None, notes))


def _note(local: Local) -> str:
    if local.structure == "sum":
        if local.rows == 1:
            return f"(for each of {local.columns} summed)"
        return "(the same for all that are summed)"
    if local.structure == "expansion":
        return f"(for each of {local.rows // max(local.columns, 1)} copies, which add up)"
    notes = {"identity": "(passes unchanged)", "zero": "(nothing passes)", "scalar": "(for every element)"}
    return notes.get(local.structure, "")


# --- matrices ---------------------------------------------------------------------------------------------------------


def _dense(drawing: _Drawing) -> tuple[list[Text], str]:
    local, values = drawing.local, drawing.local.values or ()

    def cell(row: int, column: int) -> str:
        return drawing.text(_short(values[row * local.columns + column]))

    lines = matrix_lines(cell, drawing.rows, drawing.columns, drawing.window, theme.LOCAL)
    return lines, f"(Jacobian: {counted(local.rows, 'output')} × {counted(local.columns, 'input')})"


def _block(drawing: _Drawing) -> tuple[list[Text], str]:
    """Draw equal blocks once, else the first few."""
    local, lines = drawing.local, list[Text]()
    count, height, breadth = len(local.blocks), len(local.blocks[0].rows), len(local.blocks[0].columns)
    shown = local.blocks[: 1 if local.are_blocks_equal else _MAX_BLOCKS]
    for block in shown:

        def cell(row: int, column: int, numbers: Sequence[Number] = block.values) -> str:
            return drawing.text(_short(numbers[row * breadth + column]))

        rows, columns = [drawing.rows[row] for row in block.rows], [drawing.columns[column] for column in block.columns]
        lines += matrix_lines(cell, rows, columns, drawing.window, theme.LOCAL)
    if local.are_blocks_equal:
        return lines, f"({count} equal blocks of {height} × {breadth}, the first is shown; all else is 0)"
    if count > len(shown):
        lines.append(Text(f"… {count - len(shown)} more blocks", style=theme.DIM))
    return lines, f"({count} blocks of {height} × {breadth}; all else is 0)"


def _arrows(drawing: _Drawing) -> tuple[list[Text], str]:
    """Draw what each output is taken from: ``b[0] ← a[1]``."""
    local, window = drawing.local, drawing.window
    begin = min(window.first_row, max(local.rows - 1, 0))
    items = []
    for row in range(begin, min(local.rows, begin + 200)):
        column = local.where[row]
        items.append(f"{drawing.rows[row]} ← {drawing.columns[column] if column >= 0 else '0'}")
    size = max(map(len, items), default=1) + 3
    per_line = max((window.width + 3) // size, 1)
    lines = [items[start : start + per_line] for start in range(0, len(items), per_line)]
    body = [
        Text("".join(f"{item:<{size}}" for item in line).rstrip(), theme.LOCAL) for line in lines[:_MAX_ARROW_LINES]
    ]
    if begin + min(len(items), per_line * _MAX_ARROW_LINES) < local.rows:
        body.append(Text(f"… of {local.rows} outputs", style=theme.DIM))
    if local.structure == "permutation":
        return body, "(a permutation: the same elements in another order)"
    return body, "(a selection: each output is one of the inputs" + (", or 0)" if -1 in local.where else ")")


_DRAWN = {"permutation": _arrows, "selection": _arrows, "block": _block, "dense": _dense}


def _short(value: Number) -> Number:
    """Return a complex number without imaginary part as a real one: its text is shorter."""
    return value.real if isinstance(value, complex) and value.imag == 0 else value


# --- labels -----------------------------------------------------------------------------------------------------------


def output_names(chain: Chain, target: str, count: int) -> list[str]:
    """Return what to call each output of a node."""
    if count == 1:
        named = chain.output.name if chain.output is not None else None
        return [plain(named or target or "out", 200)]
    made = {
        tensor.output_nr: tensor.name for tensor in (chain.op.outputs if chain.op else ()) if tensor.node == chain.node
    }
    return [plain(made.get(number) or f"out{number}", 200) for number in range(count)]


def _labels(names: Sequence[str], axes: Sequence[Axis], local: Local, count: int) -> Sequence[str]:
    """Return the label of each row or column: ``A[0,1]``, ``Re z[2]``; of old tapes the number alone."""
    is_split = local.form == "parts"
    found = [
        label for name, axis in zip(names, axes, strict=False) for label in axis_labels(name, axis, is_split=is_split)
    ]
    return found if len(found) == count else [f"[{index}]" for index in range(count)]


def axis_labels(name: str, axis: Axis, *, is_split: bool) -> list[str]:
    """Return the labels of a tensor's elements; ``is_split``: of a complex one those of both parts."""
    short = name if len(name) <= _MAX_NAME else ""
    labels = [f"{short}{element(index, axis.shape)}" or "1" for index in range(math.prod(axis.shape))]
    if not (axis.is_complex and is_split):
        return labels
    return [f"{part} {label}" for label in labels for part in ("Re", "Im")]


# --- what is not known ------------------------------------------------------------------------------------------------


def _unknown(
    local: Local, explanation: Explanation, chain: Chain, edge: ChainEdge, dtype: str, width: int
) -> tuple[list[Text], str]:
    predicted = explanation.predicted
    if not predicted and explanation.has_formula and not chain.upstream:
        return [Text("numbers come with backward", style=theme.DIM)], ""
    if not predicted:
        return wrapped(local.note or "not measured", width, theme.DIM), ""
    texts = [number(value, dtype) for value in predicted]
    note = "(by the formula; `probe` measures it)" if "`probe`" in local.note else "(by the formula)"
    if all(value == predicted[0] for value in predicted):
        return [Text(texts[0], style=theme.LOCAL)], note
    return numbers_lines(texts, _shape(len(texts), chain, edge), width, style=theme.LOCAL), note


def _shape(count: int, chain: Chain, edge: ChainEdge) -> tuple[int, ...]:
    """Return the shape in which one factor an element is shown: the tensors' own where it is known."""
    values = (edge.downstream, edge.tensor.value if edge.tensor else None, chain.output.value if chain.output else None)
    return next((value.shape for value in values if value is not None and value.numel == count), (count,))


def _dtype(chain: Chain, edge: ChainEdge) -> str:
    value = edge.downstream or (edge.tensor.value if edge.tensor else None)
    if value is None and chain.output is not None:
        value = chain.output.value
    return value.dtype if value is not None else "float64"
