"""Ids of our own for nodes: a mark in a node's own ``metadata``, which lives as long as the C++ node does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch

from gradb.log.writer import LogWriter
from gradb.tape.oddity import UNREAD
from gradb.tracer.source.places import PlaceRow
from gradb.tracer.tensors import remarks
from gradb.tracer.tensors.ids import TensorIds
from gradb.tracer.tensors.records import ACCUMULATE, MARK, NodeMark, TensorRecord
from gradb.tracer.tensors.saving import AtHand, Saving

_top_saved_hooks = torch._C._autograd._top_saved_tensors_default_hooks


class NodeIds:
    """Finds new nodes of the grad_fn graph and writes them to the tape, each once.

    Args:
        writer: the tape.
        tensors: ids of tensors, for the leaves.
        saving: reads what new nodes saved.
        unseen_leaf: is told where a graph ends in a leaf that no event has shown.
        missing: is told what cannot be found out, and why.
    """

    __slots__ = ("__dict__", "__weakref__", "_edited", "is_exposed")

    def __init__(
        self, writer: LogWriter, tensors: TensorIds, saving: Saving, unseen_leaf: Callable[[TensorRecord], object],
        missing: Callable[[str, Exception], object],
    ) -> None:  # fmt: skip
        self._writer = writer
        self._tensors = tensors
        self._saving = saving
        self._next = itertools.count(1)
        self.kinds: dict[type, tuple[str, bool]] = {}
        """What the tape calls a class of nodes, and whether these save tensors."""
        self._unseen_leaf, self._missing = unseen_leaf, missing
        self.newest = self._edited = 0
        self.is_exposed = False
        """True once the script may write to a tensor's memory where torch does not see it (``numpy()``)."""

    def parts(self) -> dict[str, Any]:
        """Return what the accelerator numbers nodes with."""
        return {"node_numbers": self._next, "node_kinds": self.kinds, "saved": self._saving.visits}

    def edited(self) -> None:
        """Take note that values may have been changed without autograd's notice: those that the nodes so far saved."""
        self._edited = self.newest

    def runs(self, node: Any, mark: NodeMark, event: int) -> None:
        """Take note that the engine runs a node; read again what it saved where that may be other values by now."""
        if (mark.has_run or mark.id <= self._edited or self.is_exposed) and not mark.is_leaf:
            kind, saves = self.kinds.get(type(node)) or self._kind(node)
            if saves:
                try:
                    self._saving.read_again(node, mark, kind, event)
                except Exception as error:
                    self._missing("saved tensors", error)
        mark.has_run = True

    def oddity(self, node: Any) -> int:
        """Return what is odd about what a node saved, as flags; ``UNREAD`` where that cannot be told."""
        kind, _ = self.kinds.get(type(node)) or self._kind(node)
        try:
            return self._saving.oddity(node, kind)
        except (RuntimeError, TypeError):
            return UNREAD  # freed, or torch has no words for it

    def mark(self, node: Any) -> NodeMark | None:
        """Return the mark of a node, or None when it was never seen."""
        mark = node.metadata.get(MARK)
        return mark if isinstance(mark, NodeMark) else None

    def leaf(self, tensor: torch.Tensor, event: int, place: PlaceRow, scope: str) -> NodeMark:
        """Return the mark of the AccumulateGrad node of a leaf; one for the leaf's whole life."""
        known = self._tensors.record(tensor)
        if known.mark is None:
            if not known.is_leaf:
                self._unseen_leaf(known)
            known.mark = NodeMark(next(self._next), ACCUMULATE, place, scope, 0, False, self._writer)
            self._writer.pen.node(known.mark.id, ACCUMULATE, event, "accumulate", False, known.id, [])
        return known.mark

    def register(self, root: Any, event: int, place: PlaceRow, scope: str, at_hand: AtHand = ()) -> list[int]:
        """Write every node below ``root`` that was never seen; return the ids of all but leaves, inputs first.

        ``at_hand`` are the inputs and the results of the call that made the nodes, where it is known.
        """
        new: list[int] = []
        try:
            if MARK not in root.metadata:
                self._walk(root, event, place, scope, at_hand, new)
        except Exception as error:
            self._missing("nodes", error)
        return new

    def _walk(
        self, root: Any, event: int, place: PlaceRow, scope: str, at_hand: AtHand, new: list[int]
    ) -> None:  # fmt: skip
        stack = [root]
        while stack:
            node = stack[-1]
            metadata = node.metadata
            if MARK in metadata:
                stack.pop()
                continue
            children = node.next_functions
            edges, unseen = [], []
            for child, number in children:
                mark = child.metadata.get(MARK) if child is not None else None
                if mark is not None:
                    edges.append((mark.id, number))
                elif child is None:
                    edges.append((None, number))
                else:
                    unseen.append(child)
            if unseen:
                stack.extend(reversed(unseen))
                continue
            stack.pop()
            if is_accumulate(node):
                metadata[MARK] = self.leaf(node.variable, event, place, scope)
            else:
                is_late = node is not root or not at_hand
                new.append(self._write(node, metadata, edges, event, place, scope, at_hand, is_late))

    def _write(
        self, node: Any, metadata: dict[str, Any], edges: list[tuple[int | None, int]], event: int, place: PlaceRow,
        scope: str, at_hand: AtHand, is_late: bool,
    ) -> int:  # fmt: skip
        name = node.name()
        hooks: Any = _top_saved_hooks(True)
        kind, saves = self.kinds.get(type(node)) or self._kind(node)
        is_hooked = hooks is not None or (saves and is_late and self._saving.is_packed(node, kind))
        mark = NodeMark(next(self._next), name, place, scope, len(edges), is_hooked, self._writer)
        self.newest = mark.id
        self._writer.pen.node(mark.id, name, event, kind, saves, None, edges)
        metadata[MARK] = mark
        try:
            if hooks is not None and saves:
                self._remark(mark.id, event, remarks.of_hooks(hooks))
            if kind != "builtin":
                self._remark(mark.id, event, remarks.of_custom(node, kind))
            if self._saving.wants(mark):
                self._saving.read(node, mark, kind, at_hand)
        except Exception as error:
            self._missing("remarks on nodes", error)
        return mark.id

    def _remark(self, node: int, event: int, found: remarks.Remarks) -> None:
        for kind, text in found:
            self._writer.remark(node, event, kind, text)

    def _kind(self, node: Any) -> tuple[str, bool]:
        """Return the kind of a node as the tape calls it, and whether it saves tensors; found out once for a class."""
        if is_custom(node):
            kind = "compiled" if node.name().startswith("CompiledFunction") else "custom"
            return kind, bool(getattr(node, "_raw_saved_tensors", ()) or ())
        cls = type(node)  # the attributes are named without reading them: reading would unpack
        found = self.kinds[cls] = "builtin", any(name.startswith("_raw_saved_") for name in dir(cls))
        return found


def is_custom(node: Any) -> bool:
    """Tell whether a node is a Python autograd.Function's."""
    return isinstance(node, torch.autograd.function.BackwardCFunction)


def is_accumulate(node: Any) -> bool:
    """Tell whether a node is a leaf's AccumulateGrad."""
    return type(node).__name__ == ACCUMULATE
