"""Whose ``.grad`` a tensor is: the very object, or one that shares its memory (``p.grad.data``, ``p.grad[0]``)."""

from __future__ import annotations

import torch

from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.tensors.history import grad_of
from gradb.tracer.tensors.records import TensorRecord

_MANY = 64
"""So many buffers in one memory are parts of one flat buffer; then only the very object counts."""


class Buffers:
    """Remembers where the ``.grad`` buffers lie, so that a change of one in place is recognised."""

    def __init__(self) -> None:
        self._by_memory: dict[int, dict[int, TensorRecord]] = {}
        self._by_object: dict[int, TensorRecord] = {}
        self._leaves: dict[int, TensorRecord] = {}

    @property
    def tables(self) -> tuple[dict[int, dict[int, TensorRecord]], dict[int, TensorRecord]]:
        """What is known of each memory that gradients lie in, and of each gradient."""
        return self._by_memory, self._by_object

    def note_memory(self, known: TensorRecord, leaf: torch.Tensor) -> None:
        """Remember where the values of a leaf lie."""
        self._leaves.pop(known.memory_key, None)
        known.memory_key = _memory_of(leaf)
        self._leaves[known.memory_key] = known

    def leaf_at(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """Return the leaf whose memory a tensor shares, or None."""
        known = self._leaves.get(_memory_of(tensor))
        leaf = None if known is None else known.ref()
        return leaf if leaf is not None and leaf is not tensor and _memory_of(leaf) == _memory_of(tensor) else None

    def note(self, known: TensorRecord, grad: torch.Tensor | None) -> None:
        """Remember which buffer a tensor's ``.grad`` is now."""
        if grad is None:
            self.drop(known)
            return
        key = _memory_of(grad)
        if known.grad_id == id(grad) and self._by_object.get(known.grad_id) is known:
            if known.grad_key == key:
                return
            known.is_moved = known.is_leaf  # another is given another each time, which may get the id of the one before
        self.drop(known)
        known.grad_id, known.grad_key = id(grad), key
        self._by_memory.setdefault(known.grad_key, {})[known.id] = known
        self._by_object[known.grad_id] = known

    def sharers(self, known: TensorRecord) -> list[TensorRecord]:
        """Return the other tensors whose ``.grad`` is the very same object."""
        group = self._by_memory.get(known.grad_key, {})
        if len(group) < 2:
            return []
        same = (one for one in group.values() if one is not known and one.grad_id == known.grad_id)
        return [one for one in same if (tensor := one.ref()) is not None and id(grad_of(tensor)) == one.grad_id]

    def forget(self, known: TensorRecord) -> None:
        """Forget a tensor that is gone."""
        self.drop(known)
        if self._leaves.get(known.memory_key) is known:
            del self._leaves[known.memory_key]

    def drop(self, known: TensorRecord) -> None:
        """Forget the buffer of a tensor."""
        if not known.grad_id:
            return
        group = self._by_memory.get(known.grad_key)
        if group is not None:
            group.pop(known.id, None)
            if not group:
                del self._by_memory[known.grad_key]
        if self._by_object.get(known.grad_id) is known:
            del self._by_object[known.grad_id]
        known.grad_id = known.grad_key = 0

    def owners(self, grad: torch.Tensor) -> list[torch.Tensor]:
        """Return the tensors whose ``.grad`` changes when this tensor is changed in place."""
        key = _memory_of(grad) if self._by_memory else 0
        group = self._by_memory.get(key, {})
        known = self._by_object.get(id(grad))
        found = list(group.values()) if len(group) <= _MANY else [known] if known is not None else []
        alive = [tensor for one in found if (tensor := one.ref()) is not None]
        return [t for t in alive if (now := grad_of(t)) is not None and (now is grad or _memory_of(now) == key)]


def _memory_of(tensor: torch.Tensor) -> int:
    try:
        return int(Methods.untyped_storage(tensor)._cdata)
    except (RuntimeError, NotImplementedError):  # sparse: there is no one storage
        return id(tensor)
