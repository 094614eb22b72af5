"""Ids of our own for tensors.

``id()`` is reused after collection and a strong reference would keep the graph alive, so tensors are known by weak
reference.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import weakref
from collections.abc import Iterator
from typing import Any

import torch

from gradb.tape.renumbering import renumbered
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.tensors.buffers import Buffers
from gradb.tracer.tensors.records import TensorRecord


def _gone() -> None:
    """Stand for a weak reference that there is not at the moment."""


class TensorIds:
    """Gives each Python tensor an id that no other tensor of the run ever gets."""

    def __init__(self) -> None:
        self.records: dict[int, TensorRecord] = {}
        """What is known of each tensor, by its ``id()``."""
        self.buffers = Buffers()
        self._next = itertools.count(1)

    def parts(self) -> dict[str, Any]:
        """Return what the accelerator begins records with, and forgets them by."""
        return {"records": self.records, "record_numbers": self._next, "forget": self._forget}

    def record(self, tensor: torch.Tensor) -> TensorRecord:
        """Return what is known of a tensor, beginning a record when it was never seen."""
        key = id(tensor)
        known = self.records.get(key)
        if known is not None and known.ref() is tensor:
            return known
        ref = weakref.ref(tensor, functools.partial(self._forget, key))
        known = self.records[key] = TensorRecord(next(self._next), ref)
        return known

    def is_known(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor was seen before."""
        known = self.records.get(id(tensor))
        return known is not None and known.ref() is tensor

    def note_grad(self, tensor: torch.Tensor, grad: torch.Tensor | None) -> TensorRecord:
        """Remember which object a tensor's ``.grad`` is now, so that a change of it in place is recognised."""
        known = self.record(tensor)
        self.buffers.note(known, grad)
        return known

    def sharers_of_grad(self, known: TensorRecord) -> list[TensorRecord]:
        """Return the other tensors whose ``.grad`` is the same object as that of one."""
        return self.buffers.sharers(known)

    def note_memory(self, known: TensorRecord, tensor: torch.Tensor) -> None:
        """Remember where a leaf's own values lie, so that a change of them past autograd (``.data``) is recognised."""
        self.buffers.note_memory(known, tensor)

    def leaf_at(self, tensor: torch.Tensor) -> torch.Tensor | None:
        """Return the leaf whose memory a tensor that is no leaf itself shares, or None."""
        return self.buffers.leaf_at(tensor)

    def leaves(self) -> list[TensorRecord]:
        """Return what is known of every leaf that is alive."""
        return [known for known in self.records.values() if known.is_leaf]

    def renumber(self, numbers: tuple[int, ...]) -> None:
        """Correct in which iteration the buffers were filled first, where the first iterations are numbered anew."""
        for known in self.records.values():
            if known.since:
                known.since = renumbered(known.since, numbers)

    def owners_of_grad(self, grad: torch.Tensor) -> list[torch.Tensor]:
        """Return the tensors whose ``.grad`` this is, or shares its memory with."""
        return self.buffers.owners(grad)

    @contextlib.contextmanager
    def unreferenced(self, *tensors: torch.Tensor) -> Iterator[None]:
        """Hold no weak reference to some tensors for a while: torch refuses to swap what has one."""
        records = [(known, tensor) for tensor in tensors if (known := self.records.get(id(tensor))) is not None]
        for known, _ in records:
            known.ref = _gone
        try:
            yield
        finally:
            for known, tensor in records:
                known.ref = weakref.ref(tensor, functools.partial(self._forget, id(tensor)))

    @shielded
    def _forget(self, key: int, ref: weakref.ref[torch.Tensor]) -> None:
        known = self.records.get(key)
        if known is not None and known.ref is ref:
            del self.records[key]
            known.mark = None  # a record may be kept for its name; the mark tells by its end that the leaf is gone
            try:
                self.buffers.forget(known)
            except Exception:
                pass  # Python would print it, and at its end the module of `suppress` may be gone already
