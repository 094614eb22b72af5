"""Why a backward that raised an error has not come to a node, and which op cut the way to it."""

from __future__ import annotations

from gradb.frame.chain.record import Unreached
from gradb.frame.graph.graph import Graphs
from gradb.frame.graph.runs import BackwardAt
from gradb.frame.graph.scope import edges_of
from gradb.frame.graph.view import NodeState
from gradb.frame.store import Store
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor

_MAX_OPS = 1000  # looked through on the way back from the root
_MAX_NODES = 20_000  # looked through on the way down to the node


def unreached(
    graphs: Graphs, node: Node, state: NodeState, moment: BackwardAt | None, position: int
) -> Unreached | None:
    """Return why the backward that ended last has not come to a node that was there; None where it raised nothing."""
    if state != "created" or moment is None or moment.is_open or node.event > moment.backward.start:
        return None
    error = graphs.runs.error(moment.backward.start, position)
    roots = moment.backward.roots
    if not error:
        return None
    name = roots[0].name or "" if len(roots) == 1 else ""
    if node.id in moment.backward.nodes:
        return Unreached(name, error, True)
    if any(root.node is not None for root in roots):
        return None
    cuts = (_cut(graphs.store, root, node.id, moment.backward.start) for root in roots)
    return Unreached(name, error, False, next((cut for cut in cuts if cut is not None), None))


def _cut(store: Store, root: Tensor, node: int, position: int) -> Event | None:
    """Return the op between a node and a root whose result does not require grad though an input does."""
    queue, seen = [(root.id, position)], {root.id}
    while queue and len(seen) < _MAX_OPS:
        tensor, until = queue.pop(0)
        made = store.defined_at(tensor, until)
        detail = None if made is None else store.detail(made[0])
        if made is None or not isinstance(detail, OpDetail):
            continue
        for given in detail.inputs:
            if given.node is not None and _leads(store, given.node, node):
                return store.event(made[0])
            if given.id not in seen:
                seen.add(given.id)
                queue.append((given.id, made[0] - 1))
    return None


def _leads(store: Store, begin: int, node: int) -> bool:
    """Tell whether a node can be reached from another."""
    stack, seen = [begin], {begin}
    while stack and len(seen) < _MAX_NODES:
        at = stack.pop()
        if at == node:
            return True
        for edge in edges_of(store, at):
            if edge.to is not None and edge.to not in seen:
                seen.add(edge.to)
                stack.append(edge.to)
    return False
