"""What is known of one node of the graph at a position: the name of what it made, and that itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from gradb.frame.naming import Naming
from gradb.frame.store import Store
from gradb.tape.kinds.graph import Node
from gradb.tape.kinds.node import NodeDetail
from gradb.tape.kinds.tensor import Tensor


class Labels:
    """Names and outputs of the nodes of one tape."""

    def __init__(self, store: Store, naming: Naming) -> None:
        self.store = store
        self.naming = naming

    def label(self, node: int, position: int, output_nr: int | None = None) -> str | None:
        """Return the name of a leaf, or of a tensor whose ``grad_fn`` is the node at a position: of its first output
        that has a name, or of one output.
        """
        found = self.store.node(node)
        if found is not None and found.kind == "accumulate":
            return self._leaf_label(found, position)
        return next(self._names(node, position, output_nr), None)

    def labels(self, node: int, position: int, most: int) -> tuple[str, ...]:
        """Return the names of all outputs of a node at a position, so many at most; none of a leaf."""
        found = self.store.node(node)
        if found is None or found.kind == "accumulate":
            return ()
        return tuple(islice(dict.fromkeys(self._names(node, position, None)), most))

    def _names(self, node: int, position: int, output_nr: int | None) -> Iterator[str]:
        for number, tensor in self.store.outputs_of(node, position):
            if output_nr not in {None, number}:
                continue
            name = self.naming.label(tensor, position)
            if name is not None and self._is_grad_fn(node, tensor, position):
                yield name

    def load_labels(self, nodes: list[int], position: int) -> None:
        """Read at once what the labels of some nodes are made of."""
        made = [node for node in nodes if (found := self.store.node(node)) is not None and found.kind != "accumulate"]
        self.store.outputs.load(made)
        tensors = [tensor for node in made for _, tensor in self.store.outputs_of(node, position)]
        self.store.definitions.load(tensors)
        self.naming.load(tensors)

    def _leaf_label(self, node: Node, position: int) -> str | None:
        if node.tensor is None:
            return None
        leaf = self.store.value_at(node.tensor, position)
        return self.naming.best(node.tensor, position, leaf.name if leaf is not None else None)

    def _is_grad_fn(self, node: int, tensor: int, position: int) -> bool:
        """Tell whether a tensor still has the node as its ``grad_fn``: an in-place op gives it another."""
        defined = self.store.defined_at(tensor, position)
        return defined is not None and defined[1] == node

    def output(self, node: int, position: int, output_nr: int = 0) -> Tensor | None:
        """Return the first forward output of a node as it was made, or another, or a leaf as it is at the position."""
        found = self.store.node(node)
        if found is None or found.event > position:
            return None
        if found.kind == "accumulate":
            return None if found.tensor is None else self.store.value_at(found.tensor, position)
        made = [tensor for tensor in self.store.defined(found.event).values() if tensor.node == node]
        if output_nr:
            return next((tensor for tensor in made if tensor.output_nr == output_nr), None)
        first = min(made, key=lambda tensor: tensor.output_nr, default=None)
        return first or self.store.first_output(node, position) or self._sent(found)

    def _sent(self, node: Node) -> Tensor | None:
        """Return the gradient that a node made under create_graph is the ``grad_fn`` of, as the engine sent it."""
        detail = self.store.detail(node.event)
        sent = detail.downstream if isinstance(detail, NodeDetail) else ()
        return next((tensor for tensor in sent if tensor is not None and tensor.node == node.id), None)
