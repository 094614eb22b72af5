"""The saved pane: what a node saved for its backward, what became of it, and the memory that the graph holds.

The numbers are the tape's. What was not read is said, with the reason; a sum that misses something is called a least.
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import bytes_text, counted
from gradb.frame.called import Called
from gradb.frame.chain.record import Chain
from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, Field, cut, indented, layout, remark, wrapped
from gradb.present.draw.numbers import lines as tensor_lines, shape_text
from gradb.present.draw.safe import plain
from gradb.present.json.values import Json, value_json
from gradb.present.lines.call import forward_text
from gradb.present.options import Options
from gradb.tape.saved import Memory, NodeSaved, SavedTensor

_MAX_NAME = 40
_MAX_TEXT = 200
_Items = list[Field | Text]


def render(frame: Frame, options: Options) -> RenderableType:
    """Return what the selected node saved, or the node that the position is about, and the memory of the graph."""
    node, width = saved_node(frame, options), options.width
    saved = None if node is None else frame.saved.of(node)
    memory = _memory(frame, width)
    if saved is None:
        return Group(remark("no node here that could have saved anything", width), *memory)
    body = [
        *_title(frame, saved, options),
        *layout(_items(saved, width, frame.called), width),
        *_fate(frame, saved, width),
    ]
    if options.height is not None and len(body) + len(memory) > options.height:
        room = max(options.height - len(memory) - 1, 1)
        body = [*body[:room], Text(f"… {len(body) - room} more lines", style=theme.DIM)]
    return Group(*body, *memory)


def _memory(frame: Frame, width: int) -> list[Text]:
    """Return what the graph holds; nothing where it is not known of any of it whether it is there."""
    memory, watched = frame.saved.memory(), frame.training.watched is not None
    return [] if frame.cut is not None or (watched and not memory.nodes) else memory_lines(memory, width)


def saved_node(frame: Frame, options: Options) -> int | None:
    """Return the node that the pane is about."""
    if options.selected_node is not None:
        return options.selected_node
    return frame.chain.node if frame.chain is not None else frame.graph.current


# --- the node ---------------------------------------------------------------------------------------------------------


def _title(frame: Frame, saved: NodeSaved, options: Options) -> list[Text]:
    """Return ``PowBackward0   d = c ** 2   ◌ freed``; the call only where it fits."""
    chain = options.chain if options.chain is not None else frame.chain
    call = _call(frame, chain) if chain is not None and chain.node == saved.node else ""
    state = frame.graph.state(saved.node)
    tail = Text(f"{theme.STATE_SYMBOLS[state]} {state}", style=theme.STATE_STYLES[state])
    line = Text(plain(saved.name, _MAX_NAME), style=theme.TITLE, no_wrap=True)
    if call and line.cell_len + len(call) + tail.cell_len + 6 <= options.width:
        line = Text.assemble(line, "   ", call, no_wrap=True)
    gap = " " * max(options.width - line.cell_len - tail.cell_len, 1)
    return [cut(Text.assemble(line, gap, tail, no_wrap=True), options.width)]


def _call(frame: Frame, chain: Chain) -> str:
    """Return the forward call in the script's names: ``d = c ** 2``."""
    if chain.op is None:
        return ""
    is_named = len(chain.op.nodes) < 2 and not chain.op.is_inplace
    name = plain(", ".join(chain.result_names), _MAX_NAME) if is_named else ""
    return f"{name} = {forward_text(frame, chain)}" if name else forward_text(frame, chain)


def _items(saved: NodeSaved, width: int, called: Called) -> _Items:
    if saved.note:
        return [*wrapped(f"what it saved is not known: {saved.note}", width, theme.DIM)]
    items: _Items = []
    for tensor in saved.tensors:
        items.append(_tensor(tensor, width))
        items += _change(tensor, width, called)
    for name, text in saved.arguments:
        items.append(Field(plain(name, _MAX_NAME), "", [Text(plain(text, _MAX_TEXT))], "", theme.LABEL))
    if not items:
        what = "no values of the forward" if saved.saves else "nothing: its backward needs no values of the forward"
        items += wrapped(f"saved {what}", width, theme.DIM)
    return items


def _tensor(tensor: SavedTensor, width: int) -> Field:
    label = plain(tensor.name, _MAX_NAME)
    if tensor.form == "none":
        return Field(label, "", [Text("nothing: not needed, or not given", style=theme.DIM)])
    if tensor.value is None:
        return Field(label, "", [Text(plain(tensor.note, _MAX_TEXT) or "not known", style=theme.DIM)])
    body = tensor_lines(tensor.value, max(width - len(INDENT), 16))
    return Field(label, _who(tensor), body, f"({_facts(tensor)})")


def _who(tensor: SavedTensor) -> str:
    """Say which of the script's tensors it is."""
    if tensor.variable:
        return plain(tensor.variable, _MAX_NAME)
    return f"view of {plain(tensor.view_of, _MAX_NAME)}" if tensor.view_of else ""


def _facts(tensor: SavedTensor) -> str:
    """Return ``[4] float32, 16 bytes, a leaf's own``."""
    value = tensor.value
    told = [f"{shape_text(value.shape)} {plain(value.dtype)}"] if value is not None and value.stats is None else []
    told += [bytes_text(tensor.bytes)] if tensor.bytes is not None else ["bytes not known"]
    return ", ".join([*told, *(["a leaf's own memory"] if tensor.is_leaf else [])])


def _change(tensor: SavedTensor, width: int, called: Called) -> list[Text]:
    if not tensor.change:
        return []
    who = _who(tensor) or plain(tensor.name, _MAX_NAME)
    if tensor.change == "unnoticed":
        return _unnoticed(tensor, who, width, called)
    if tensor.change == "changed":
        by = f" by {plain(tensor.changed_by, _MAX_TEXT)}" if tensor.changed_by else ""
        words = f"! {who} was modified in place since{by} (event {called(tensor.changed_at)})"
        return wrapped(f"{words}: a backward through here raises an error", width, theme.WARNING)
    words = f"{who} was written to past autograd or by way of another tensor since (event {called(tensor.changed_at)})"
    return wrapped(f"! {words}: torch may not notice, and then use the new values", width, theme.WARNING)


def _unnoticed(tensor: SavedTensor, who: str, width: int, called: Called) -> list[Text]:
    """Say that a node uses, or will use, other values than it saved."""
    at = f" (event {called(tensor.changed_at)})" if tensor.changed_at else ""
    words = f"! {who} was changed after it was saved{at}, and autograd did not notice"
    if tensor.used is None:
        return wrapped(f"{words}: a backward through here uses the new values", width, theme.WARNING)
    lines = wrapped(f"{words}: the run of event {called(tensor.used_at)} used", width, theme.WARNING)
    return [*lines, *(indented(line, width) for line in tensor_lines(tensor.used, max(width - len(INDENT), 16)))]


def _fate(frame: Frame, saved: NodeSaved, width: int) -> list[Text]:
    """Say whether what was saved is held, freed or gone."""
    lines = []
    if saved.freed is not None:
        freed = saved.freed
        call = f"{'autograd.grad' if freed.call == 'grad' else 'backward'}()"
        line = f" of line {freed.line}" if freed.line else ""
        began, ran = frame.called(freed.backward), frame.called(freed.event)
        words = f"freed by {call}{line} (event {began}), once it had run this node (event {ran})"
        lines += wrapped(f"{theme.STATE_SYMBOLS['freed']} {words}", width, theme.DIM)
    if saved.gone is not None:
        lines += wrapped(
            f"the node itself is gone since event {frame.called(saved.gone)}: nothing refers to it", width, theme.DIM
        )
    if saved.freed is None and saved.gone is None and saved.saves:
        lines += wrapped(
            "held until a backward without retain_graph runs this node, or the graph is let go", width, theme.DIM
        )
    return lines


# --- the graph --------------------------------------------------------------------------------------------------------


def memory_lines(memory: Memory, width: int) -> list[Text]:
    """Return what the whole graph holds, and how much of it would be there without it."""
    if not memory.nodes:
        return wrapped("memory: no graph is held", width, theme.LABEL)
    least = "at least " if memory.unread or memory.note else ""
    nodes = f"{memory.holding:,} of {counted(memory.nodes, 'node')}"
    lines = wrapped(
        f"memory: the graph holds {least}{bytes_text(memory.bytes)} for backward, in {nodes}", width, theme.LABEL
    )
    for words in _shares(memory):
        lines += wrapped(f"  {words}", width, theme.DIM)
    return lines


def _shares(memory: Memory) -> list[str]:
    shares = []
    if memory.leaf_bytes:
        shares.append(f"{bytes_text(memory.leaf_bytes)} of it are leaves' own memory, there anyway")
    if memory.named_bytes:
        shares.append(f"{bytes_text(memory.named_bytes)} are of tensors that the script named, and may hold as well")
    alone = memory.bytes - memory.leaf_bytes - (memory.named_bytes or 0)
    if memory.named_bytes is not None and alone:
        shares.append(f"{bytes_text(alone)} are known to be held by the graph only")
    if memory.freed:
        shares.append(f"{counted(memory.freed, 'node')} freed")
    if memory.unread:
        shares.append(f"of {counted(memory.unread, 'node')} it is not known what they hold")
    return [*shares, *([memory.note] if memory.note else [])]


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return ``{"saved", "memory"}`` of the node that the position is about."""
    node = saved_node(frame, Options())
    saved = None if node is None else frame.saved.of(node)
    return {"saved": None if saved is None else _node_json(saved), "memory": _memory_json(frame.saved.memory())}


def _node_json(saved: NodeSaved) -> Json:
    freed = saved.freed
    return {
        "node": saved.node,
        "name": saved.name,
        "note": saved.note or None,
        "saves": saved.saves,
        "tensors": [_tensor_json(tensor) for tensor in saved.tensors],
        "arguments": [{"name": name, "text": text} for name, text in saved.arguments],
        "bytes": saved.bytes,
        "freed": None
        if freed is None
        else {"event": freed.event, "backward": freed.backward, "call": freed.call, "line": freed.line},
        "gone": saved.gone,
    }


def _tensor_json(tensor: SavedTensor) -> Json:
    return {
        "name": tensor.name,
        "form": tensor.form,
        "variable": tensor.variable,
        "view_of": tensor.view_of,
        "value": value_json(tensor.value),
        "bytes": tensor.bytes,
        "leaf": tensor.is_leaf,
        "change": tensor.change or None,
        "changed_at": tensor.changed_at or None,
        "changed_by": tensor.changed_by or None,
        "used": value_json(tensor.used),
        "used_at": tensor.used_at or None,
        "note": tensor.note or None,
    }


def _memory_json(memory: Memory) -> Json:
    return {
        "nodes": memory.nodes,
        "holding": memory.holding,
        "freed": memory.freed,
        "bytes": memory.bytes,
        "leaf_bytes": memory.leaf_bytes,
        "named_bytes": memory.named_bytes,
        "unread": memory.unread,
        "least": bool(memory.unread or memory.note),
        "note": memory.note or None,
    }
