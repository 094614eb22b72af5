"""Births of values that are not finite: where one is seen first, though no input that is known explains it.

What was seen of a tensor is kept with its record, and of odd ones their memory, which other tensors may share. Nearly
all of this is only asked where something odd was read, which is rare: what is finite costs next to nothing.
"""

from __future__ import annotations

import functools
import math
import weakref
from collections.abc import Iterable
from typing import Any

import torch

from gradb.tape.oddity import UNREAD, born
from gradb.tape.schema import BIRTH, INFINITY, NONFINITE, SCALED
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.isolation.signals import shielded
from gradb.tracer.tensors.records import TensorRecord

_MOST = 100_000


class Births:
    """Judges the births of one recording; none of what it knows of is kept alive."""

    def __init__(self) -> None:
        self.memory: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        """Memory of which an event has shown something odd, by address."""
        self.scaling = 0
        """``SCALED`` while a GradScaler multiplies a loss, which may become infinite by that."""
        self._watched: set[str] = set()
        """What is odd while only watching."""
        self.has_passed = False
        """True once something was born in the backward of a scaled loss, where nothing stops."""

    def arrives(self, known: TensorRecord, tensor: torch.Tensor, odd: int) -> int:
        """Take note of what was read of an input, or of a leaf; return ``BIRTH`` where it comes from outside.

        What was seen before and was finite then was changed without an event: where, is not known. What was never seen,
        nor anything in its memory, was made where gradb does not look: by NumPy, ``torch.load``, a DataLoader.
        """
        before, known.odd = known.odd, odd
        if not odd & NONFINITE:
            return 0
        is_news = before is None and not self.knows(tensor)
        self.note(tensor)
        return BIRTH if is_news else 0

    def made(self, known: TensorRecord, tensor: torch.Tensor, odd: int) -> int:
        """Take note of what was read of the result of an event; return ``UNREAD`` where its memory was known to be odd.

        Then an event before has told of it: ``autograd.grad`` returns what a node has sent.
        """
        known.odd = odd
        if not odd & NONFINITE:
            return 0
        if self.knows(tensor):
            return UNREAD
        self.note(tensor)
        return 0

    def of_call(self, made: int, given: int, values: Iterable[Any]) -> int:
        """Return ``BIRTH`` where something odd is born in a call, with ``SCALED`` where that is passed over, else 0.

        Args:
            made: what is odd about the results, as flags.
            given: what is odd about the tensors it was given.
            values: all that it was given: an infinite number is what the script wants (``masked_fill(mask, -inf)``).
        """
        birth = born(made, given)
        if birth and made & INFINITY and has_infinity(values):
            birth = born(made & ~INFINITY, given)
        return birth | self.scaling if birth else 0

    def explains(self, known: TensorRecord, tensor: torch.Tensor) -> int:
        """Return, as flags, what may have been odd about a tensor before the event that shows it: all, or nothing."""
        return NONFINITE if known.odd is not None or self.knows(tensor) else 0

    def overwritten(self, tensors: Iterable[torch.Tensor]) -> None:
        """Take note that all that lies in the memory of some tensors is finite now, where they are the whole of it."""
        for tensor in tensors if self.memory else ():
            storage = _storage_of(tensor)
            if storage is not None and storage.nbytes() == Methods.numel(tensor) * Methods.element_size(tensor):
                self.memory.pop(storage._cdata, None)

    def watched(self, name: str, odd: int) -> int:
        """Return the flags of a loss or a norm of gradients, which are all that is seen while only watching.

        The first that is odd while all others are finite stands for the birth, which was not seen.
        """
        is_first = odd and not self._watched
        if odd:
            self._watched.add(name)
        else:
            self._watched.discard(name)
        return odd | (BIRTH if is_first else 0)

    def told(self, flags: int) -> int:
        """Take note of what is told of an event, and return it."""
        if flags & BIRTH and flags & SCALED:
            self.has_passed = True
        return flags

    def note(self, tensor: torch.Tensor) -> None:
        """Take note that an event has shown something odd in the memory of a tensor."""
        storage = _storage_of(tensor)
        if storage is not None and storage._cdata not in self.memory:
            key = storage._cdata
            self.memory[key] = weakref.ref(storage, functools.partial(self._forget, key))

    def knows(self, tensor: torch.Tensor) -> bool:
        """Tell whether an event has shown something odd in the memory of a tensor."""
        storage = _storage_of(tensor) if self.memory else None
        known = None if storage is None else self.memory.get(storage._cdata)
        return known is not None and known() is storage

    @shielded
    def _forget(self, key: int, ref: weakref.ref[torch.UntypedStorage]) -> None:
        if self.memory.get(key) is ref:
            del self.memory[key]


def _storage_of(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    try:
        return Methods.untyped_storage(tensor)
    except (RuntimeError, NotImplementedError):
        return None


def has_infinity(values: Iterable[Any], most: int = _MOST) -> bool:
    """Tell whether an infinite number is among some values, or in lists of them; only so many are looked at."""
    waiting = [iter(values)]
    while waiting and most:
        for value in waiting[-1]:
            most -= 1
            if type(value) is float and math.isinf(value):
                return True
            if type(value) is list or type(value) is tuple:
                waiting.append(iter(value))
                break
            if not most:
                break
        else:
            waiting.pop()
    return False
