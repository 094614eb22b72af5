"""The forward inputs of a node, found by the edges that lead to them: a node may have thousands of either."""

from __future__ import annotations

from gradb.tape.kinds.graph import Edge, Node
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor


class Inputs:
    """What an op has seen.

    Args:
        op: as it was recorded.
    """

    def __init__(self, op: OpDetail) -> None:
        self.op = op
        self._made: dict[tuple[int | None, int], Tensor] = {}
        """(node, which of its outputs) -> the first input that is this."""
        self._known: dict[int, Tensor] = {}
        """id of a tensor -> the first input that is this."""
        for tensor in op.inputs:
            self._made.setdefault((tensor.node, tensor.output_nr), tensor)
            self._known.setdefault(tensor.id, tensor)

    def at(self, edge: Edge, leads_to: Node | None) -> Tensor | None:
        """Return the input that an edge leads to, as the op saw it; ``leads_to`` is the node at its end."""
        if edge.to is None:
            return None
        found = self._made.get((edge.to, edge.input_nr))
        leaf = None if leads_to is None else leads_to.tensor
        return self._known.get(leaf) if found is None and leaf is not None else found
