"""Memory that nothing was written to yet (``torch.empty``): what lies there is no value, whatever its bits are.

It is known by its storage, so by views of it and by a parameter that is made of it too, until the first write.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Iterable

import torch

from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.isolation.signals import shielded


class Blanks:
    """The storages that are not initialised; none is kept alive."""

    def __init__(self) -> None:
        self.known: dict[int, weakref.ref[torch.UntypedStorage]] = {}
        """Weak references by address; empty in most of a run, which is quick to see, in C too: ever the same."""

    def made(self, tensor: torch.Tensor) -> None:
        """Take note of memory that was only reserved."""
        storage = _storage_of(tensor)
        if storage is not None:
            key = storage._cdata
            self.known[key] = weakref.ref(storage, functools.partial(self._forget, key))

    def written(self, tensor: torch.Tensor) -> None:
        """Take note that something was written to a tensor."""
        if self.known and (storage := _storage_of(tensor)) is not None:
            self.known.pop(storage._cdata, None)

    def has(self, tensor: torch.Tensor) -> bool:
        """Tell whether the memory of a tensor has nothing in it yet."""
        storage = _storage_of(tensor)
        known = None if storage is None else self.known.get(storage._cdata)
        return known is not None and known() is storage

    def read(self, inputs: Iterable[torch.Tensor], results: Iterable[torch.Tensor]) -> None:
        """Take note that an op has made something else of its inputs: what it read there was a value to the script."""
        views = {storage._cdata for result in results if (storage := _storage_of(result)) is not None}
        for tensor in inputs:
            if (storage := _storage_of(tensor)) is not None and storage._cdata not in views:
                self.known.pop(storage._cdata, None)

    @shielded
    def _forget(self, key: int, ref: weakref.ref[torch.UntypedStorage]) -> None:
        if self.known.get(key) is ref:
            del self.known[key]


def _storage_of(tensor: torch.Tensor) -> torch.UntypedStorage | None:
    try:
        return Methods.untyped_storage(tensor)
    except (RuntimeError, NotImplementedError):
        return None
