"""The paths pane: the chain rule over paths, from one leaf to what was differentiated.

Either all paths, one a line with its product, and their sum held against the engine's gradient; or one of them in full,
factor by factor. Factors are written as backward multiplies: from the root down.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.chain.path import Path, PathStep
from gradb.frame.chain.paths import Paths
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, cut, indented, layout, remark, wrapped
from gradb.present.draw.numbers import lines as tensor_lines
from gradb.present.draw.safe import plain
from gradb.present.json.values import Json, check_json, local_json, rewrite_json, value_json
from gradb.present.lines.path import WHOLE, count_text, leaf_name, path_lines, product_text, route_text
from gradb.present.lines.rewrites import rewrite_text
from gradb.present.lines.unseen import none_yet
from gradb.present.lines.weights import root_name
from gradb.present.options import Options, PathChoice
from gradb.rules import with_settled
from gradb.tape.cutting import listed
from gradb.tape.values import TensorValue

MAX_LISTED = 20
_MAX_IN_JSON = 100
_EXACT = 2**53
"""Counts up to here are numbers that every reader of JSON keeps."""
_NONE_YET = "no paths yet: they begin at the root of a backward, and none has begun"
_MAX_NAME = 40
_MAX_LEAVES = 8
_FEW = 4
_MAX_STEPS = 400  # of all paths listed together


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the paths to the chosen leaf: those of the selection, else of the current accumulation, else the first."""
    at, width = with_settled(frame.paths), options.width
    if at.backward is None:
        return remark(none_yet(_NONE_YET, frame.training), width)
    paths = at.chosen(options.paths.leaf, options.paths.node)
    if paths is None:
        return _nothing(frame, options)
    if paths.count is None:
        return remark(f"{leaf_name(paths)}: too many nodes lie between to count the paths", width)
    which = options.paths.number
    if which is not None and 1 <= which <= paths.count:
        return Group(*_fitted(path_lines(frame, paths, paths.path(which, in_full=True), width), options))
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


def _goal(paths: Paths) -> str:
    """Return what the paths lead to: the root's name, or that there are several."""
    names = list(dict.fromkeys(plain(root.name, _MAX_NAME) for root in paths.roots))
    return names[0] if len(names) == 1 else f"{len(names)} roots" if names else "the root"


def _symbol(paths: Paths) -> str:
    names = {root_name(root) for root in paths.roots}
    return f"∂{names.pop() if len(names) == 1 else 'L'}/∂{leaf_name(paths)}"


# --- all paths --------------------------------------------------------------------------------------------------------


def _all(frame: Frame, paths: Paths, options: Options) -> list[Text]:
    count, width = paths.count or 0, options.width
    title = Text(no_wrap=True).append(leaf_name(paths), theme.NAME)
    title.append(f": {count_text(count)} {'path' if count == 1 else 'paths'} to {_goal(paths)}", theme.TITLE)
    if 2**20 < count < WHOLE and count & (count - 1) == 0:
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
        (path, route_text(paths, path, width - len(INDENT) - 2), product_text(path, width - len(INDENT)))
        for path in shown
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
        return wrapped(f"the engine has not come to {leaf_name(paths)} yet", width, theme.DIM)
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
        words = f"the hook {plain(made.hook, 100)} then changed it at {leaf_name(paths)} itself, and made of it"
        lines += [*wrapped(words, width, theme.WARNING), *_indented(made.after, room, width)]
    return lines


def _changes(paths: Paths) -> list[str]:
    """Say who changed a gradient on the way."""
    hooks = "; ".join(plain(hook, 100) for hook in paths.hooks)
    writers = "; ".join(rewrite_text(one, paths.called) for one in paths.rewrites)
    return [
        *([f"a hook changed the gradient on its way: {hooks}"] if hooks else []),
        *([f"a gradient was changed in place on its way: by {writers}"] if writers else []),
    ]


def _source(paths: Paths) -> str:
    made = paths.made
    if made.hook:
        return f"what arrived at {leaf_name(paths)}"
    event = "" if made.event is None else paths.called(made.event)
    return f"{made.source}, event {event}" if made.source != "upstream" else f"upstream at event {event}"


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


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the paths of the chosen leaf, the first hundred of them, and their sum; ``paths`` is null without any."""
    at, choice = with_settled(frame.paths), options.paths
    paths = at.chosen(choice.leaf, choice.node)
    head: Json = {
        "backward": None if at.backward is None else at.backward.start,
        "leaves": [leaf.name for leaf in at.leaves],
    }
    return {**head, "leaf": None, "paths": None} if paths is None else {**head, **_paths_json(paths, choice)}


def _paths_json(paths: Paths, choice: PathChoice) -> Json:
    count = paths.count
    numbers = range(1, min(count or 0, 0 if paths.too_much else _MAX_IN_JSON) + 1)
    is_chosen = False
    if choice.number is not None and 1 <= choice.number <= (count or 0):
        numbers, is_chosen = range(choice.number, choice.number + 1), True
    total, made = paths.total, paths.made
    return {
        "leaf": paths.target.name,
        "roots": [root.name for root in paths.roots],
        "count": count if count is None or count <= _EXACT else count_text(count),
        "nodes": paths.nodes,
        "paths": [_path_json(paths.path(number, in_full=is_chosen)) for number in numbers],
        "sum": {"value": value_json(total.value), "listed": total.is_listed, "why": total.why or None},
        "engine": {
            "value": value_json(made.value),
            "source": made.source or None,
            "event": made.event,
            "hook": made.hook or None,
            "after": value_json(made.after),
        },
        "check": check_json(paths.check),
        "hooks": list(paths.hooks),
        "rewrites": [rewrite_json(rewrite) for rewrite in paths.rewrites],
    }


def _path_json(path: Path) -> Json:
    return {
        "number": path.number,
        "root": path.root.name,
        "upstream": value_json(path.upstream),
        "steps": [_step_json(step) for step in path.steps],
        "product": value_json(path.product),
        "why": path.why or None,
    }


def _step_json(step: PathStep) -> Json:
    return {
        "node": step.node,
        "name": step.node_name,
        "label": step.label,
        "output": step.output_nr,
        "entry": step.index,
        "local": local_json(step.local),
        "product": value_json(step.product),
    }
