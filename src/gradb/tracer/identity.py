"""Ids of our own for tensors and nodes, and the names tensors are known by.

``id()`` is reused after collection and a strong reference would keep the graph alive, so tensors are known by weak
reference and nodes by a mark in their own ``metadata``, which lives as long as the C++ node does.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from dataclasses import dataclass
from typing import Any

import torch

from gradb.tape.writer import TapeWriter
from gradb.tracer.places import PlaceRow

_MARK = "gradb"


class TensorRecord:
    """What is remembered of a tensor for as long as it lives."""

    __slots__ = ("grad_key", "id", "is_leaf", "is_parameter", "name", "ref")

    def __init__(self, id: int, ref: weakref.ref[torch.Tensor]) -> None:
        self.id = id
        self.ref = ref
        self.name: str | None = None
        self.is_leaf = False
        self.is_parameter = False
        self.grad_key = 0


class TensorIds:
    """Gives each Python tensor an id that no other tensor of the run ever gets."""

    def __init__(self) -> None:
        self._records: dict[int, TensorRecord] = {}
        self._grads: dict[int, TensorRecord] = {}
        self._next = itertools.count(1)

    def record(self, tensor: torch.Tensor) -> TensorRecord:
        """Return what is known of a tensor, beginning a record when it was never seen."""
        key = id(tensor)
        known = self._records.get(key)
        if known is not None and known.ref() is tensor:
            return known
        ref = weakref.ref(tensor, functools.partial(self._forget, key))
        known = self._records[key] = TensorRecord(next(self._next), ref)
        return known

    def note_grad(self, tensor: torch.Tensor) -> TensorRecord:
        """Remember which object a tensor's ``.grad`` is now, so that a change of it in place is recognised."""
        known = self.record(tensor)
        self._grads.pop(known.grad_key, None)
        known.grad_key = 0 if tensor.grad is None else id(tensor.grad)
        if known.grad_key:
            self._grads[known.grad_key] = known
        return known

    def owner_of_grad(self, grad: torch.Tensor) -> torch.Tensor | None:
        """Return the tensor whose ``.grad`` is this very object, or None."""
        known = self._grads.get(id(grad))
        tensor = None if known is None else known.ref()
        return tensor if tensor is not None and tensor.grad is grad else None

    def _forget(self, key: int, ref: weakref.ref[torch.Tensor]) -> None:
        known = self._records.get(key)
        if known is not None and known.ref is ref:
            del self._records[key]
            self._grads.pop(known.grad_key, None)


@dataclass(frozen=True, slots=True)
class NodeMark:
    """What a node remembers for us."""

    id: int
    place: PlaceRow
    """Where the forward call that created it stands."""
    scope: str
    is_hooked: bool = False
    """True when saved-tensor hooks were active at creation: reading what the node saved runs them."""


class NodeIds:
    """Finds new nodes of the grad_fn graph and writes them to the tape, each once.

    Args:
        writer: the tape.
        tensors: ids of tensors, for the leaves.
    """

    def __init__(self, writer: TapeWriter, tensors: TensorIds) -> None:
        self._writer = writer
        self._tensors = tensors
        self._next = itertools.count(1)
        self._leaves: dict[int, NodeMark] = {}
        self._saves: dict[type, bool] = {}

    def mark(self, node: Any) -> NodeMark | None:
        """Return the mark of a node, or None when it was never seen."""
        mark = node.metadata.get(_MARK)
        return mark if isinstance(mark, NodeMark) else None

    def leaf(self, tensor: torch.Tensor, event: int, place: PlaceRow, scope: str) -> NodeMark:
        """Return the mark of the AccumulateGrad node of a leaf; one for the leaf's whole life."""
        number = self._tensors.record(tensor).id
        mark = self._leaves.get(number)
        if mark is None:
            mark = self._leaves[number] = NodeMark(next(self._next), place, scope)
            weakref.finalize(tensor, self._leaves.pop, number, None).atexit = False
            self._writer.node(mark.id, "AccumulateGrad", event, "accumulate", False, number, [])
        return mark

    def register(self, root: Any, event: int, place: PlaceRow, scope: str) -> list[int]:
        """Write every node below ``root`` that was never seen; return the ids of all but leaves, inputs first."""
        new: list[int] = []
        stack = [root]
        while stack:
            node = stack[-1]
            if _MARK in node.metadata:
                stack.pop()
                continue
            children = node.next_functions
            unseen = [child for child, _ in children if child is not None and _MARK not in child.metadata]
            if unseen:
                stack.extend(reversed(unseen))
                continue
            stack.pop()
            if is_accumulate(node):
                node.metadata[_MARK] = self.leaf(node.variable, event, place, scope)
            else:
                new.append(self._write(node, children, event, place, scope))
        return new

    def _write(self, node: Any, children: Any, event: int, place: PlaceRow, scope: str) -> int:
        mark = NodeMark(next(self._next), place, scope, _hooks_are_active())
        node.metadata[_MARK] = mark
        edges = [(None if child is None else child.metadata[_MARK].id, nr) for child, nr in children]
        self._writer.node(mark.id, node.name(), event, kind_of(node), self._holds_saved(node), None, edges)
        return mark.id

    def _holds_saved(self, node: Any) -> bool:
        kind = type(node)
        if is_custom(node):
            return bool(getattr(node, "_raw_saved_tensors", ()) or ())
        known = self._saves.get(kind)
        if known is None:  # the attributes are named without reading them: reading would unpack
            known = self._saves[kind] = any(name.startswith("_raw_saved_") for name in dir(kind))
        return known


def _hooks_are_active() -> bool:
    return torch._C._autograd._top_saved_tensors_default_hooks(True) is not None


def is_custom(node: Any) -> bool:
    """Tell whether a node is a Python autograd.Function's."""
    return isinstance(node, torch.autograd.function.BackwardCFunction)


def is_accumulate(node: Any) -> bool:
    """Tell whether a node is a leaf's AccumulateGrad."""
    return type(node).__name__ == "AccumulateGrad"


def kind_of(node: Any) -> str:
    """Return the kind of a node that is not a leaf's, as the tape calls it."""
    if is_custom(node):
        return "compiled" if node.name().startswith("CompiledFunction") else "custom"
    return "builtin"
