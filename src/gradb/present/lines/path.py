"""A path from a leaf to a root, as text: its route, its product, or in full, factor by factor."""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.text import Text

from gradb.algebra.figures import number
from gradb.frame.chain.path import Path, PathStep
from gradb.frame.chain.paths import Paths
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, cut, layout, wrapped
from gradb.present.draw.numbers import inline, lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.present.lines.call import forward_text
from gradb.present.lines.local import local_lines
from gradb.present.lines.weights import root_name
from gradb.present.options import Options
from gradb.rules import describe

_MAX_NAME = 40
_MAX_SHOWN = 30  # steps of one path
_MANY_STOPS = 6
WHOLE = 10**15
"""Counts below are told in full."""


def count_text(count: int) -> str:
    """Return a count as people read it, however large: ``1,099,511,627,776``, ``2^100``, ``about 3.1 × 10^48``."""
    if count < WHOLE:
        return f"{count:,}"
    if count & (count - 1) == 0:
        return f"2^{count.bit_length() - 1}"
    shift = max(count.bit_length() - 53, 0)
    digits = math.log10(count >> shift) + shift * math.log10(2)
    return f"about {10 ** (digits % 1):.1f} × 10^{int(digits)}"


def leaf_name(paths: Paths) -> str:
    """Return the name of what the paths begin at."""
    return plain(paths.target.name, _MAX_NAME)


def route_text(paths: Paths, path: Path, width: int) -> Text:
    """Return ``w → y1 → loss``, from the target up to the root; the middle of a long path is left out."""
    stops = [Text(leaf_name(paths), style=theme.NAME), *(_stop(step) for step in reversed(path.steps))]
    arrow = Text(" → ", style=theme.DIM)
    whole = arrow.join(stops)
    if whole.cell_len <= width or len(stops) < _MANY_STOPS:
        return whole
    left_out = Text(f"… {len(stops) - 4} more …", style=theme.DIM)
    return arrow.join([*stops[:2], left_out, *stops[-2:]])


def _stop(step: PathStep) -> Text:
    stop = Text(plain(step.label or step.node_name, _MAX_NAME), style=theme.NAME if step.label else "", no_wrap=True)
    if step.output_nr and not step.label:
        stop.append(f" (output {step.output_nr + 1})", theme.DIM)
    return stop.append(f" (input {step.index + 1})", theme.DIM) if step.parallel > 1 else stop


def product_text(path: Path, width: int) -> Text:
    """Return ``4 × 1 × 2 = 8`` where every factor is one number, else the row vector."""
    if path.product is None:
        return Text(f"not known: {plain(path.why, 200)}", style=theme.DIM, no_wrap=True)
    value = inline(path.product, width, theme.DOWNSTREAM)
    factors = list(_factors(path))
    if not factors or None in factors:
        return value
    texts = [number(factor, path.product.dtype) for factor in factors if factor is not None]
    texts = [f"({text})" if at and text.startswith("-") else text for at, text in enumerate(texts)]
    written = Text(" × ".join(texts), style=theme.LOCAL, no_wrap=True)
    if written.cell_len + value.cell_len + 3 > width:
        return value
    return written.append(" = ", "").append_text(value) if len(texts) > 1 else value


def _factors(path: Path) -> Iterator[float | None]:
    """Yield the factors from the root down, None for one that is no single number; a given 1 is left out."""
    begin = path.upstream.numbers() if path.upstream is not None else None
    first = begin[0] if begin and len(begin) == 1 else None
    if first != 1 or not path.steps:
        yield first if isinstance(first, float) else None
    for step in path.steps:
        yield _single(step)


def _single(step: PathStep) -> float | None:
    local = step.local
    if (local.rows, local.columns) != (1, 1) or local.values is None:
        return None
    value = local.values[0] if local.values else {"identity": 1.0, "zero": 0.0}.get(local.structure)
    return value if isinstance(value, float) else None


def path_lines(frame: Frame, paths: Paths, path: Path, width: int) -> list[Text]:
    """Return one path in full: upstream, factor by factor, product."""
    title = Text(no_wrap=True).append(leaf_name(paths), theme.NAME)
    words = f": path {count_text(path.number)} of {count_text(paths.count or 0)} to {plain(path.root.name, _MAX_NAME)}"
    room = max(width - len(INDENT), 16)
    root, leaf = root_name(path.root), leaf_name(paths)
    begin = tensor_lines(path.upstream, room) if path.upstream else [Text("not known", style=theme.DIM)]
    symbol = f"∂{root}/∂{plain(path.root.name, _MAX_NAME) if path.root.is_named else root}"
    note = "(v is what was given)" if path.root.is_weighted else ""
    items: list[Field | Text] = [Field("upstream", symbol, begin, note, theme.UPSTREAM)]
    for step in path.steps[:_MAX_SHOWN]:
        items += _factor(frame, paths, path, step, width)
    if len(path.steps) > _MAX_SHOWN:
        items.append(Text(f"… and {len(path.steps) - _MAX_SHOWN} more factors", style=theme.DIM))
    if path.product is None:
        items += wrapped(f"the product is not known: {path.why}", width, theme.DIM)
    else:
        body = tensor_lines(path.product, room)
        items.append(Field("= product", f"∂{root}/∂{leaf} by this path", body, style=theme.DOWNSTREAM))
    written = product_text(path, width)
    said = [Text(INDENT, no_wrap=True).append_text(written)] if " = " in written.plain else []
    return [
        cut(title.append(words, theme.TITLE), width),
        cut(route_text(paths, path, width), width),
        *said,
        *layout(items, width),
    ]


def _factor(frame: Frame, paths: Paths, path: Path, step: PathStep, width: int) -> list[Field | Text]:
    """Return one factor of a path: the node's forward call, the derivative with its numbers, the product so far."""
    chain, room = paths.chain(step.node), max(width - len(INDENT), 16)
    name = plain(step.label or step.node_name, _MAX_NAME)
    if chain is None or step.index >= len(chain.edges):
        return [Field("× local", name, [Text(plain(step.local.note, 200), style=theme.DIM)], style=theme.LOCAL)]
    explanation = describe(chain, step.index)
    call = forward_text(frame, chain)
    head = Text("through ", style=theme.DIM, no_wrap=True)
    head.append(f"{plain(step.label, _MAX_NAME)} = {call}" if step.label and call else call or name, "")
    head.append(f"   {plain(step.node_name, _MAX_NAME)}", theme.DIM)
    body, note = local_lines(step.local, explanation, chain, chain.edges[step.index], Options(width=width), room)
    if _single(step) is not None:
        note = ""  # of one number there is nothing more to say
    is_said = len(body) == 1 and body[0].plain == explanation.local
    symbol = plain(explanation.symbol if is_said else explanation.math, 200)
    items: list[Field | Text] = [cut(head, width), Field("× local", symbol, body, note, theme.LOCAL)]
    if step != path.steps[-1] and step.product is not None:
        items.append(Field("= so far", "", tensor_lines(step.product, room), style=theme.UPSTREAM))
    return items
