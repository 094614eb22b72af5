"""What is to be known of a node beside its product, read from the tape, and which node a call of grad is about.

Nothing here knows gradients, products or words.
"""

from __future__ import annotations

import json

from gradb.frame.chain.record import Remark
from gradb.frame.graph.runs import Backward
from gradb.frame.store import Store
from gradb.tape.kinds.backward_end import BackwardEndDetail
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.op import OpDetail

_OF_NODES = frozenset({"made_by", "recomputed"})
_MAX_DIGITS = 18


def op_of(store: Store, node: Node) -> OpDetail | None:
    """Return the forward call that made a node, where it was seen."""
    if node.kind == "accumulate":
        return None
    detail = store.detail(node.event)
    return detail if isinstance(detail, OpDetail) and node.id in detail.nodes else None


def remarks(store: Store, node: Node, backward: Backward | None, position: int) -> tuple[Remark, ...]:
    """Return the remarks on a node, and that a backward's root is a loss times a GradScaler's scale, where it is."""
    told = [(kind, text) for kind, text in store.remarks(node.id, position) if kind != "scaled"]
    found = [_remark(store, kind, text) for kind, text in told if kind != "lost_hooks"]
    found += [one for kind, text in told if kind == "lost_hooks" for one in _lost(store, text, position)]
    roots = [root.node for root in backward.roots if root.node is not None] if backward is not None else []
    of_root = store.remarks(roots[0], position) if len(roots) == 1 else []
    return (*found, *(Remark(kind, text) for kind, text in of_root if kind == "scaled"))


def _remark(store: Store, kind: str, text: str) -> Remark:
    is_id = kind in _OF_NODES and text.isdecimal() and len(text) <= _MAX_DIGITS
    node = store.node(int(text)) if is_id else None
    return Remark(kind, text) if node is None else Remark(kind, node.name, op_of(store, node))


def _lost(store: Store, text: str, position: int) -> list[Remark]:
    """Return the hooks that a tensor's newer node does not have; one whose node is gone can never run any more."""
    try:
        hooks = [(int(node), str(name)) for node, name in json.loads(text)]
    except (ValueError, TypeError, RecursionError, OverflowError):
        return []
    return [Remark("left_hook" if store.gone(node, position) is None else "lost_hook", name) for node, name in hooks]


def returned_by_grad(store: Store, position: int) -> int | None:
    """Return the node of the gradient that ``autograd.grad`` returned at a position, which create_graph made."""
    event = store.event(position) if position else None
    if event is None or event.kind not in {"op", "backward_end"}:
        return None
    detail = store.detail(position)
    if isinstance(detail, OpDetail) and detail.function == "torch.autograd.grad":
        made = detail.outputs[0] if detail.outputs else None
    else:
        made = detail.results[0] if isinstance(detail, BackwardEndDetail) and detail.results else None
    node = None if made is None or made.node is None else store.node(made.node)
    return node.id if node is not None and node.kind != "accumulate" else None
