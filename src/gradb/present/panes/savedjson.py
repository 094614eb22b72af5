"""What a node saved and the memory of the graph, as JSON."""

from __future__ import annotations

from gradb.frame.frame import Frame
from gradb.present.json.values import Json, value_json
from gradb.present.options import Options
from gradb.present.panes.saved import saved_node
from gradb.tape.saved import Memory, NodeSaved, SavedTensor


def saved_pane_json(frame: Frame) -> Json:
    """Return ``{"saved", "memory"}`` of the node that the position is about."""
    node = saved_node(frame, Options())
    saved = None if node is None else frame.saved.of(node)
    return {"saved": None if saved is None else _node(saved), "memory": _memory(frame.saved.memory())}


def _node(saved: NodeSaved) -> Json:
    freed = saved.freed
    return {
        "node": saved.node,
        "name": saved.name,
        "note": saved.note or None,
        "saves": saved.saves,
        "tensors": [_tensor(tensor) for tensor in saved.tensors],
        "arguments": [{"name": name, "text": text} for name, text in saved.arguments],
        "bytes": saved.bytes,
        "freed": None
        if freed is None
        else {"event": freed.event, "backward": freed.backward, "call": freed.call, "line": freed.line},
        "gone": saved.gone,
    }


def _tensor(tensor: SavedTensor) -> Json:
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


def _memory(memory: Memory) -> Json:
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
