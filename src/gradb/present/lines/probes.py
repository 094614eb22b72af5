"""What somebody asked of a node, as lines: what was put in, what came out, and whether the node is linear."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.text import Text

from gradb.frame.chain.record import Asked, Chain
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, wrapped
from gradb.present.draw.numbers import element, lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.present.lines.local import output_names
from gradb.present.options import Options
from gradb.rules import describe
from gradb.tape.values import TensorValue

_MAX_SHOWN = 6
_CODE = "gradb ran the script's own code for this: random states and .grad were put back, anything else it did stays"


def asked_lines(chain: Chain, options: Options) -> list[Field | Text]:
    """Return the newest answers about a node."""
    items: list[Field | Text] = []
    for asked in chain.asked[-_MAX_SHOWN:]:
        items += _one(chain, asked, options)
    return items


def _one(chain: Chain, asked: Asked, options: Options) -> list[Field | Text]:
    width, sources = options.width, [plain(describe(chain, index).source, 40) for index in range(len(chain.edges))]
    targets = output_names(chain, describe(chain, 0).target if chain.edges else "", max(len(chain.upstream), 1))
    items: list[Field | Text] = [*wrapped(f"── asked: {title(chain, asked, targets, sources)}", width, theme.DIM)]
    if asked.note:
        items += wrapped(asked.note, width, theme.WARNING)
    elif asked.what == "column":
        what = f"{_name(sources, asked.of)}{element(asked.index, _shape_in(chain, asked.of))}"
        for name, value in zip(targets, asked.result, strict=False):
            items.append(_field("column", f"∂{name}/∂{what}", value, options, theme.LOCAL))
    elif asked.what != "full":
        items += _along(asked, targets, sources, options)
    if asked.check is not None:
        symbol, style = ("✓", theme.OK) if asked.check.is_ok else ("✗", theme.WARNING)
        items += wrapped(f"{symbol} {asked.check.text}", width, style)
    if asked.has_run_code:
        items += wrapped(_CODE, width, theme.WARNING)
    return items


def _along(asked: Asked, targets: Sequence[str], sources: Sequence[str], options: Options) -> list[Field | Text]:
    """Return a vector upstream and what it gives downstream of each edge that leads on."""
    items: list[Field | Text] = []
    is_row = asked.what == "row"
    for name, vector in zip(targets, asked.vector, strict=False):
        if not is_row:
            items.append(_field("v upstream", f"for {name}", vector, options, theme.UPSTREAM))
    for name, value in zip(sources, asked.result, strict=False):
        if value is not None:
            items.append(_field("row" if is_row else "v × local", f"for {name}", value, options, theme.LOCAL))
    return items


def title(chain: Chain, asked: Asked, targets: Sequence[str], sources: Sequence[str]) -> str:
    """Say what was asked for."""
    match asked.what:
        case "row":
            shape = _shape_out(chain, asked)
            return f"row {_name(targets, asked.of)}{element(asked.index, shape)}: 1 there upstream, 0 elsewhere"
        case "column":
            where = element(asked.index, _shape_in(chain, asked.of))
            return f"column {_name(sources, asked.of)}{where}, found from all rows"
        case "random":
            return f"a random direction v upstream (seed {asked.index})"
        case "with":
            return "a direction v upstream, as given"
    return "all rows and columns" + ("" if asked.note else ", shown above")


def _name(names: Sequence[str], index: int) -> str:
    return names[index] if 0 <= index < len(names) else "?"


def _field(label: str, symbol: str, value: TensorValue | None, options: Options, style: str) -> Field:
    return Field(label, symbol, tensor_lines(value, max(options.width - len(INDENT), 16)), style=style)


def _shape_out(chain: Chain, asked: Asked) -> tuple[int, ...]:
    value = asked.vector[asked.of] if 0 <= asked.of < len(asked.vector) else None
    if value is None and 0 <= asked.of < len(chain.upstream):
        value = chain.upstream[asked.of]
    return _fitting(value, asked.index)


def _shape_in(chain: Chain, index: int) -> tuple[int, ...]:
    if not 0 <= index < len(chain.edges):
        return ()
    edge = chain.edges[index]
    value = edge.downstream or (edge.tensor.value if edge.tensor is not None else None)
    return value.shape if value is not None else ()


def _fitting(value: TensorValue | None, index: int) -> tuple[int, ...]:
    """Return the shape that a flat index is told in; a flat one where the tensor's own is not known."""
    return value.shape if value is not None and index < math.prod(value.shape) else (index + 1,)
