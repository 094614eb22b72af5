"""Which nodes the engine will run: a walk over the grad_fn graph, iterative, each node once.

Nothing here records anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch

from gradb.tracer.tensors.history import maker
from gradb.tracer.tensors.nodes import is_accumulate, is_custom
from gradb.tracer.tensors.records import NodeMark


def node_of(item: Any) -> Any:
    """Return the node that a tensor or a GradientEdge is the output of, or None."""
    if isinstance(item, torch.Tensor):
        if not item.requires_grad:
            return None
        return maker(item) or _end_of(item)
    return getattr(item, "node", None)  # a GradientEdge


def _end_of(leaf: torch.Tensor) -> Any:
    """Return the AccumulateGrad node of a leaf; None where torch, which is about to refuse the tensor, has none."""
    try:
        return torch.autograd.graph.get_gradient_edge(leaf).node
    except RuntimeError:
        return None


def ends_of(items: Iterable[Any], roots: list[Any]) -> set[Any]:
    """Return the nodes of what gradients are wanted for; empty only where nothing is named.

    A leaf's is looked for below the roots: to ask torch for it makes a node, which a hook of the script's may see.
    """
    leaves = {id(item) for item in items if isinstance(item, torch.Tensor) and maker(item) is None}
    if not leaves:
        return {node for item in items if (node := node_of(item)) is not None}
    others = {node_of(item) for item in items if id(item) not in leaves}
    found = {node for node in _postorder(roots) if is_accumulate(node) and id(node.variable) in leaves}
    return (others | found) - {None} or {_NOWHERE}


_NOWHERE = object()
"""Stands for the end of a way that does not exist."""


def edges_in(items: Iterable[Any]) -> list[Any]:
    """Return the nodes of the GradientEdges among what gradients are wanted for."""
    return [node for item in items if not isinstance(item, torch.Tensor) and (node := node_of(item)) is not None]


def to_run(roots: list[Any], wanted: set[Any], is_grad: bool) -> list[Any]:
    """Return the nodes that the engine will run, as it decides itself.

    Without ``inputs`` these are all that can be reached. With ``inputs`` they are the nodes from which an input's node
    can be reached; an input's own node runs too under ``backward``, and under ``autograd.grad`` only if it lies on the
    way to another.
    """
    order = _postorder(roots)
    if not wanted:
        return [node for node in order if not (is_grad and is_accumulate(node))]
    needed: set[Any] = set()
    kept = []
    for node in order:  # inputs before consumers
        leads = any(child in wanted or child in needed for child, _ in node.next_functions)
        if leads or (node in wanted and not is_grad):
            needed.add(node)
            kept.append(node)
    return kept


class Below(NamedTuple):
    """The nodes that a call of the engine will run, and what is known of each."""

    nodes: list[Any]
    marks: list[NodeMark | None]
    customs: list[bool]
    """Whether each is a custom Function's."""
    are_plain: bool
    """True when all have marks, none is a custom Function's, and none was made under hooks of saved tensors."""


class Reach:
    """Finds the nodes that a call of the engine will run.

    Args:
        mark: returns the mark of a node.
        quick: the accelerator's ``reach``; None where there is none.
    """

    def __init__(self, mark: Callable[[Any], NodeMark | None], quick: Callable[..., Any] | None = None) -> None:
        self._mark, self._quick = mark, quick

    def below(self, roots: list[Any], wanted: Iterable[Any], is_grad: bool) -> Below:
        """Return what will run from some nodes on; for the others see ``to_run``."""
        if self._quick is not None and not wanted and not is_grad:
            found = self._quick(roots, torch.autograd.function.BackwardCFunction)
            if found is not None:
                return Below(*found)
        nodes = to_run(roots, ends_of(wanted, roots), is_grad)
        marks, customs = list(map(self._mark, nodes)), list(map(is_custom, nodes))
        are_known = all(mark is not None and not mark.is_hooked for mark in marks)
        return Below(nodes, marks, customs, are_known and not any(customs))


def leaves_of(roots: Iterable[Any]) -> list[torch.Tensor]:
    """Return the leaves that can be reached from some tensors or GradientEdges."""
    nodes = _postorder([node for root in roots if (node := node_of(root)) is not None])
    return [node.variable for node in nodes if is_accumulate(node)]


def _postorder(roots: list[Any]) -> list[Any]:
    """Return every node below the roots once, each after all it leads to; holding them keeps their ``id`` their own."""
    seen: set[Any] = set()
    order: list[Any] = []
    stack: list[tuple[Any, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions if child is not None)
    return order
