"""The paths pane: the chain rule over paths, from one leaf to what was differentiated.

Either all paths, one a line with its product, and their sum held against the engine's gradient; or one of them in full,
factor by factor. Factors are written as backward multiplies: from the root down.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import number
from gradb.frame.chain.path import Path, PathEnd, PathStep
from gradb.frame.chain.paths import Paths
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, cut, indented, layout, remark, wrapped
from gradb.present.draw.numbers import inline, lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.present.lines.call import forward_text
from gradb.present.lines.local import local_lines
from gradb.present.lines.rewrites import rewrite_text
from gradb.present.options import Options
from gradb.rules import describe, with_settled
from gradb.tape.cutting import listed
from gradb.tape.values import TensorValue

MAX_LISTED = 20
_MAX_NAME = 40
_MAX_SHOWN = 30  # steps of one path
_MAX_LEAVES = 8
_MANY_STOPS = 6
_FEW = 4
_MAX_STEPS = 400  # of all paths listed together
_WHOLE = 10**15  # counts below are told in full


def paths_pane(frame: Frame, options: Options) -> RenderableType:
    """Return the paths to the chosen leaf: those of the selection, else of the current accumulation, else the first."""
    at, width = with_settled(frame.paths), options.width
    if at.backward is None:
        return remark("no paths yet: they begin at the root of a backward, and none has begun", width)
    paths = at.chosen(options.paths.leaf, options.paths.node)
    if paths is None:
        return _nothing(frame, options)
    if paths.count is None:
        return remark(f"{_name(paths)}: too many nodes lie between to count the paths", width)
    which = options.paths.number
    if which is not None and 1 <= which <= paths.count:
        return Group(*_fitted(_one(frame, paths, paths.path(which, in_full=True), width), options))
    return Group(*_fitted(_all(frame, paths, options), options))


def _nothing(frame: Frame, options: Options) -> Group:
    names = listed((plain(leaf.name, _MAX_NAME) for leaf in frame.paths.leaves), _MAX_LEAVES)
    where = f"; it goes to {names}" if names else ""
    if options.paths.leaf:
        return remark(f"this backward does not go to {plain(options.paths.leaf, _MAX_NAME)}{where}", options.width)
    what = "the selected node" if options.paths.node is not None else "any leaf"
    return remark(f"this backward does not go to {what}{where}", options.width)


def _fitted(lines: list[Text], options: Options) -> list[Text]:
    if options.height is None or len(lines) <= options.height:
        return lines
    left = len(lines) - options.height + 1
    return [*lines[: options.height - 1], Text(f"… {left} more lines", style=theme.DIM)]


def count_text(count: int) -> str:
    """Return a count as people read it, however large: ``1,099,511,627,776``, ``2^100``, ``about 3.1 × 10^48``."""
    if count < _WHOLE:
        return f"{count:,}"
    if count & (count - 1) == 0:
        return f"2^{count.bit_length() - 1}"
    shift = max(count.bit_length() - 53, 0)
    digits = math.log10(count >> shift) + shift * math.log10(2)
    return f"about {10 ** (digits % 1):.1f} × 10^{int(digits)}"


def _name(paths: Paths) -> str:
    return plain(paths.target.name, _MAX_NAME)


def _goal(paths: Paths) -> str:
    """Return what the paths lead to: the root's name, or that there are several."""
    names = list(dict.fromkeys(plain(root.name, _MAX_NAME) for root in paths.roots))
    return names[0] if len(names) == 1 else f"{len(names)} roots" if names else "the root"


def _symbol(paths: Paths) -> str:
    names = {_root(root) for root in paths.roots}
    return f"∂{names.pop() if len(names) == 1 else 'L'}/∂{_name(paths)}"


def _root(root: PathEnd) -> str:
    """Return the name of what is differentiated, else L."""
    return plain(root.name, _MAX_NAME) if root.is_named else "L"


# --- all paths --------------------------------------------------------------------------------------------------------


def _all(frame: Frame, paths: Paths, options: Options) -> list[Text]:
    count, width = paths.count or 0, options.width
    title = Text(no_wrap=True).append(_name(paths), theme.NAME)
    title.append(f": {count_text(count)} {'path' if count == 1 else 'paths'} to {_goal(paths)}", theme.TITLE)
    if 2**20 < count < _WHOLE and count & (count - 1) == 0:
        title.append(f"  (2^{count.bit_length() - 1})", theme.DIM)
    room = MAX_LISTED if options.height is None else max(2, min(MAX_LISTED, options.height - 8))
    if paths.too_much:
        room = 0
    elif count:
        room = min(room, max(_FEW, _MAX_STEPS // (len(paths.path(1).steps) or 1)))
    shown = [paths.path(at) for at in range(1, min(count, room) + 1)]
    lines = [cut(title, width), *_listing(paths, shown, width)]
    if count > len(shown) > 0:
        more = f"… and {count_text(count - len(shown))} more: `path N` shows any one of them"
        lines += wrapped(more, width, theme.DIM)
    return [*lines, *_sum(paths, count, width), *_others(frame, paths, width)]


def _listing(paths: Paths, shown: list[Path], width: int) -> list[Text]:
    """Return each path and its product, side by side where all of them have the room."""
    texts = [
        (path, _route(paths, path, width - len(INDENT) - 2), _product(path, width - len(INDENT))) for path in shown
    ]
    number_room = len(str(len(shown)))
    first = max((route.cell_len for _, route, _ in texts), default=0) + number_room + 3
    is_beside = first + max((product.cell_len for _, _, product in texts), default=0) + 2 <= width
    lines: list[Text] = []
    for path, route, product in texts:
        head = Text(f"{path.number:>{number_room + 1}}  ", style=theme.DIM, no_wrap=True).append_text(route)
        if is_beside:
            lines.append(head.append(" " * (first + 2 - head.cell_len)).append_text(product))
        else:
            lines += [cut(head, width), indented(product, width)]
    return lines


def _route(paths: Paths, path: Path, width: int) -> Text:
    """Return ``w → y1 → loss``, from the target up to the root; the middle of a long path is left out."""
    stops = [Text(_name(paths), style=theme.NAME), *(_stop(step) for step in reversed(path.steps))]
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


def _product(path: Path, width: int) -> Text:
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


def _sum(paths: Paths, count: int, width: int) -> list[Text]:
    total, room = paths.total, max(width - len(INDENT), 16)
    if total.value is None:
        words = wrapped(f"the sum over all paths is not known: {total.why}", width, theme.DIM)
        words += [line for change in _changes(paths) for line in wrapped(change, width, theme.WARNING)]
        if paths.made.value is None:
            return words
        made = tensor_lines(paths.made.value, room, style=theme.DOWNSTREAM)
        return [*words, *layout([Field("the engine made", _symbol(paths), made)], width)]
    note = "" if total.is_listed else "(multiplied through the graph node by node: the same as all paths added up)"
    label = "product" if count == 1 else "sum"
    items: list[Field | Text] = [Field(label, _symbol(paths), tensor_lines(total.value, room), note, theme.DOWNSTREAM)]
    return [*layout(items, width), *_verdict(paths, room, width)]


def _verdict(paths: Paths, room: int, width: int) -> list[Text]:
    """Hold the sum against the engine, or say why it is not: the engine is not there yet, or hooks came between."""
    made = paths.made
    if not made.source:
        return wrapped(f"the engine has not come to {_name(paths)} yet", width, theme.DIM)
    if made.value is None:
        return wrapped("the engine's own value is undefined (None)", width, theme.DIM)
    lines: list[Text] = []
    if paths.hooks or paths.rewrites:
        words = f"{'; '.join(_changes(paths))}. That is in no path's product: the engine made"
        return [*wrapped(words, width, theme.WARNING), *_indented(made.value, room, width)]
    if paths.check is not None:
        style, symbol = (theme.OK, "✓") if paths.check.is_ok else (theme.WARNING, "✗")
        lines += wrapped(f"{symbol} {paths.check.text} ({_source(paths)})", width, style)
        if not paths.check.is_ok:
            lines += _indented(made.value, room, width)
    else:
        lines += wrapped("the engine's value was not kept whole: the sum is not checked", width, theme.DIM)
    if made.hook:
        words = f"the hook {plain(made.hook, 100)} then changed it at {_name(paths)} itself, and made of it"
        lines += [*wrapped(words, width, theme.WARNING), *_indented(made.after, room, width)]
    return lines


def _changes(paths: Paths) -> list[str]:
    """Say who changed a gradient on the way."""
    hooks = "; ".join(plain(hook, 100) for hook in paths.hooks)
    writers = "; ".join(map(rewrite_text, paths.rewrites))
    return [
        *([f"a hook changed the gradient on its way: {hooks}"] if hooks else []),
        *([f"a gradient was changed in place on its way: by {writers}"] if writers else []),
    ]


def _source(paths: Paths) -> str:
    made = paths.made
    if made.hook:
        return f"what arrived at {_name(paths)}"
    return f"{made.source}, event {made.event}" if made.source != "upstream" else f"upstream at event {made.event}"


def _indented(value: TensorValue | None, room: int, width: int) -> list[Text]:
    return [indented(line, width) for line in tensor_lines(value, room, style=theme.DOWNSTREAM)]


def _others(frame: Frame, paths: Paths, width: int) -> list[Text]:
    """Name the other leaves of the same backward."""
    others = [leaf for leaf in frame.paths.leaves if leaf != paths.target]
    if not others:
        return []
    names = ", ".join(plain(leaf.name, _MAX_NAME) for leaf in others[:_MAX_LEAVES])
    more = f" and {len(others) - _MAX_LEAVES} more" if len(others) > _MAX_LEAVES else ""
    return wrapped(f"other leaves: {names}{more} (`path NAME`)", width, theme.DIM)


# --- one path ---------------------------------------------------------------------------------------------------------


def _one(frame: Frame, paths: Paths, path: Path, width: int) -> list[Text]:
    title = Text(no_wrap=True).append(_name(paths), theme.NAME)
    words = f": path {count_text(path.number)} of {count_text(paths.count or 0)} to {plain(path.root.name, _MAX_NAME)}"
    room = max(width - len(INDENT), 16)
    root, leaf = _root(path.root), _name(paths)
    begin = tensor_lines(path.upstream, room) if path.upstream else [Text("not known", style=theme.DIM)]
    items: list[Field | Text] = [Field("upstream", f"∂{root}/∂{root}", begin, style=theme.UPSTREAM)]
    for step in path.steps[:_MAX_SHOWN]:
        items += _factor(frame, paths, path, step, width)
    if len(path.steps) > _MAX_SHOWN:
        items.append(Text(f"… and {len(path.steps) - _MAX_SHOWN} more factors", style=theme.DIM))
    if path.product is None:
        items += wrapped(f"the product is not known: {path.why}", width, theme.DIM)
    else:
        body = tensor_lines(path.product, room)
        items.append(Field("= product", f"∂{root}/∂{leaf} by this path", body, style=theme.DOWNSTREAM))
    written = _product(path, width)
    said = [Text(INDENT, no_wrap=True).append_text(written)] if " = " in written.plain else []
    return [
        cut(title.append(words, theme.TITLE), width),
        cut(_route(paths, path, width), width),
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
