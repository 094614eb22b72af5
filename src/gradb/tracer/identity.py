"""Ids of our own for tensors and nodes, and the names tensors are known by.

``id()`` is reused after collection and a strong reference would keep the graph alive, so tensors are known by weak
reference and nodes by a mark in their own ``metadata``, which lives as long as the C++ node does.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch

from gradb.tape.codec import dumps
from gradb.tape.renumbering import renumbered
from gradb.tape.writer import TapeWriter
from gradb.tracer import remarks
from gradb.tracer.buffers import Buffers
from gradb.tracer.places import PlaceRow
from gradb.tracer.saving import Hands, Saving
from gradb.tracer.shielding import shielded

MARK = "gradb"
ACCUMULATE = "AccumulateGrad"
_top_saved_hooks = torch._C._autograd._top_saved_tensors_default_hooks


def _gone() -> None:
    """Stand for a weak reference that there is not at the moment."""


class TensorRecord:
    """What is remembered of a tensor for as long as it lives."""

    __slots__ = (
        "fills",
        "grad_id",
        "grad_key",
        "head",
        "hung",
        "id",
        "is_leaf",
        "is_moved",
        "is_settled",
        "mark",
        "memory_key",
        "name",
        "ref",
        "scope",
        "since",
    )

    def __init__(self, id: int, ref: weakref.ref[torch.Tensor]) -> None:
        self.id = id
        self.ref: Callable[[], torch.Tensor | None] = ref
        self.name: str | None = None
        self.head = f"[{id},null,"
        """How the wire form of an appearance begins."""
        self.is_leaf = self.is_settled = False
        """Leaves: True when the name is the path by which variables lead to it, or there is none."""
        self.scope = ""
        """The function whose variable the name is; empty in a module."""
        self.mark: NodeMark | None = None
        """Leaves: the mark of the AccumulateGrad node."""
        self.fills = self.since = 0
        """Accumulations into ``.grad`` since it was cleared (-1: not known), and the iteration of the first of them."""
        self.grad_id = self.grad_key = self.memory_key = 0
        """Which object ``.grad`` is, and where it lies."""
        self.is_moved = False  # True once .grad, the same object, lies elsewhere than before (``set_``)

    def hang(self, node: int, hook: str) -> list[list[Any]]:
        """Remember which hook was registered on the tensor, and at which node; return the list of all of them."""
        if not hasattr(self, "hung"):
            self.hung: list[list[Any]] = []
        self.hung.append([node, hook])
        return self.hung

    def filled(self, iteration: int) -> None:
        """Count an accumulation into ``.grad``."""
        if not self.fills:
            self.since = iteration
        if self.fills >= 0:
            self.fills += 1

    @property
    def label(self) -> str:
        """What to call it where there must be a name."""
        return self.name or f"leaf #{self.id}"

    def call(self, name: str) -> None:
        """Give it a name."""
        self.name = name
        self.head = f"[{self.id},{dumps(name)},"


class TensorIds:
    """Gives each Python tensor an id that no other tensor of the run ever gets."""

    def __init__(self) -> None:
        self._records: dict[int, TensorRecord] = {}
        self._buffers = Buffers()
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

    def is_known(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor was seen before."""
        known = self._records.get(id(tensor))
        return known is not None and known.ref() is tensor

    def note_grad(self, tensor: torch.Tensor, grad: torch.Tensor | None) -> TensorRecord:
        """Remember which object a tensor's ``.grad`` is now, so that a change of it in place is recognised."""
        known = self.record(tensor)
        self._buffers.note(known, grad)
        return known

    def sharers_of_grad(self, known: TensorRecord) -> list[TensorRecord]:
        """Return the other tensors whose ``.grad`` is the same object as that of one."""
        return self._buffers.sharers(known)

    def note_memory(self, known: TensorRecord, tensor: torch.Tensor) -> None:
        """Remember where a leaf's own values lie, so that a change of them past autograd (``.data``) is recognised."""
        self._buffers.note_memory(known, tensor)

    def leaf_at(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """Return the leaf whose memory a tensor that is no leaf itself shares, or None."""
        return self._buffers.leaf_at(tensor)

    def leaves(self) -> list[TensorRecord]:
        """Return what is known of every leaf that is alive."""
        return [known for known in self._records.values() if known.is_leaf]

    def renumber(self, numbers: tuple[int, ...]) -> None:
        """Correct in which iteration the buffers were filled first, where the first iterations are numbered anew."""
        for known in self._records.values():
            if known.since:
                known.since = renumbered(known.since, numbers)

    def owners_of_grad(self, grad: torch.Tensor) -> list[torch.Tensor]:
        """Return the tensors whose ``.grad`` this is, or shares its memory with."""
        return self._buffers.owners(grad)

    @contextlib.contextmanager
    def unreferenced(self, *tensors: torch.Tensor) -> Iterator[None]:
        """Hold no weak reference to some tensors for a while: torch refuses to swap what has one."""
        records = [(known, tensor) for tensor in tensors if (known := self._records.get(id(tensor))) is not None]
        for known, _ in records:
            known.ref = _gone
        try:
            yield
        finally:
            for known, tensor in records:
                known.ref = weakref.ref(tensor, functools.partial(self._forget, id(tensor)))

    @shielded
    def _forget(self, key: int, ref: weakref.ref[torch.Tensor]) -> None:
        known = self._records.get(key)
        if known is not None and known.ref is ref:
            del self._records[key]
            known.mark = None  # a record may be kept for its name; the mark tells by its end that the leaf is gone
            with contextlib.suppress(Exception):  # Python would print it: nobody is there to catch it
                self._buffers.forget(known)


class NodeMark:
    """What a node remembers for us; made once and not changed (a frozen dataclass takes four times as long to make)."""

    __slots__ = ("edges", "has_run", "id", "is_hooked", "is_leaf", "name", "place", "scope", "writer")

    def __init__(
        self, id: int, name: str, place: PlaceRow, scope: str, edges: int, is_hooked: bool, writer: TapeWriter
    ) -> None:
        self.id = id
        self.name = name
        self.is_leaf = name == ACCUMULATE
        """True for the AccumulateGrad node of a leaf."""
        self.place = place
        """Where the forward call that created it stands."""
        self.scope = scope
        self.edges = edges
        """How many ``next_functions`` it has."""
        self.is_hooked = is_hooked
        """True when saved-tensor hooks were active at creation: reading what the node saved runs them."""
        self.writer = writer
        self.has_run = False
        """True once the engine has begun to run it."""

    @shielded
    def __del__(self) -> None:
        """Say that the node is no more: the mark lives as long as it does. Any thread may come here, at any time."""
        writer = self.writer
        writer.gone.append((writer.head + 1, self.id))


class NodeIds:
    """Finds new nodes of the grad_fn graph and writes them to the tape, each once.

    Args:
        writer: the tape.
        tensors: ids of tensors, for the leaves.
        saving: reads what new nodes saved.
    """

    def __init__(self, writer: TapeWriter, tensors: TensorIds, saving: Saving) -> None:
        self._writer = writer
        self._tensors = tensors
        self._saving = saving
        self._next = itertools.count(1)
        self._kinds: dict[type, tuple[str, bool]] = {}
        self.on_unseen_leaf: Callable[[TensorRecord], None] = lambda known: None
        """Called when a graph ends in a leaf that no event has shown."""
        self.on_failure: Callable[[str, Exception], object] = lambda what, error: None
        """Called when something that is to be known of a node cannot be found out."""
        self.newest = self._edited = 0
        self.is_exposed = False
        """True once the script may write to a tensor's memory where torch does not see it (``numpy()``)."""

    def edited(self) -> None:
        """Take note that values may have been changed without autograd's notice: those that the nodes so far saved."""
        self._edited = self.newest

    def runs(self, node: Any, mark: NodeMark, event: int) -> None:
        """Take note that the engine runs a node; read again what it saved where that may be other values by now."""
        if (mark.has_run or mark.id <= self._edited or self.is_exposed) and not mark.is_leaf:
            kind, saves = self._kinds.get(type(node)) or self._kind(node)
            if saves:
                try:
                    self._saving.read_again(node, mark, kind, event)
                except Exception as error:
                    self.on_failure("saved tensors", error)
        mark.has_run = True

    def mark(self, node: Any) -> NodeMark | None:
        """Return the mark of a node, or None when it was never seen."""
        mark = node.metadata.get(MARK)
        return mark if isinstance(mark, NodeMark) else None

    def leaf(self, tensor: torch.Tensor, event: int, place: PlaceRow, scope: str) -> NodeMark:
        """Return the mark of the AccumulateGrad node of a leaf; one for the leaf's whole life."""
        known = self._tensors.record(tensor)
        if known.mark is None:
            if not known.is_leaf:
                self.on_unseen_leaf(known)
            known.mark = NodeMark(next(self._next), ACCUMULATE, place, scope, 0, False, self._writer)
            self._writer.node(known.mark.id, ACCUMULATE, event, "accumulate", False, known.id, [])
        return known.mark

    def register(self, root: Any, event: int, place: PlaceRow, scope: str, at_hand: Hands = ()) -> list[int]:
        """Write every node below ``root`` that was never seen; return the ids of all but leaves, inputs first.

        ``at_hand`` are the inputs and the results of the call that made the nodes, where it is known.
        """
        new: list[int] = []
        try:
            if MARK not in root.metadata:
                self._walk(root, event, place, scope, at_hand, new)
        except Exception as error:
            self.on_failure("nodes", error)
        return new

    def _walk(
        self, root: Any, event: int, place: PlaceRow, scope: str, at_hand: Hands, new: list[int]
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
        scope: str, at_hand: Hands, is_late: bool,
    ) -> int:  # fmt: skip
        name = node.name()
        hooks: Any = _top_saved_hooks(True)
        kind, saves = self._kinds.get(type(node)) or self._kind(node)
        is_hooked = hooks is not None or (saves and is_late and self._saving.is_packed(node, kind))
        mark = NodeMark(next(self._next), name, place, scope, len(edges), is_hooked, self._writer)
        self.newest = mark.id
        self._writer.node(mark.id, name, event, kind, saves, None, edges)
        metadata[MARK] = mark
        try:
            if hooks is not None and saves:
                self._remark(mark.id, event, remarks.of_hooks(hooks))
            if kind != "builtin":
                self._remark(mark.id, event, remarks.of_custom(node, kind))
            if self._saving.wants(mark):
                self._saving.read(node, mark, kind, at_hand)
        except Exception as error:
            self.on_failure("remarks on nodes", error)
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
        found = self._kinds[cls] = "builtin", any(name.startswith("_raw_saved_") for name in dir(cls))
        return found


def is_custom(node: Any) -> bool:
    """Tell whether a node is a Python autograd.Function's."""
    return isinstance(node, torch.autograd.function.BackwardCFunction)


def is_accumulate(node: Any) -> bool:
    """Tell whether a node is a leaf's AccumulateGrad."""
    return type(node).__name__ == ACCUMULATE
