"""Gradients on their way through the engine: when the one that is seen again is sure to have the value it had before.

Reading a large gradient costs as much as computing it, and the engine hands the same tensor from node to node and at
last makes it the buffer of a leaf.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from gradb.tape.wire import Blob
from gradb.tracer.isolation.genuine import Methods
from gradb.tracer.recording.composer import Composer
from gradb.tracer.tensors.history import grad_of, version

_OURS = 1 << 62
"""Where the numbers of our hooks begin: far from those of the script's."""


class Hooks:
    """Numbers the hooks that gradb registers apart, so that the script's have the numbers that they have without us."""

    def __init__(self) -> None:
        self._first = 0
        self._next = _OURS

    def begin(self) -> None:
        """Take all hooks that there are now for torch's own."""
        self._first = RemovableHandle.next_id

    @contextlib.contextmanager
    def ours(self) -> Iterator[None]:
        """Number what is registered here as ours."""
        others, RemovableHandle.next_id = RemovableHandle.next_id, self._next
        try:
            yield
        finally:
            self._next, RemovableHandle.next_id = RemovableHandle.next_id, others

    def are_ours(self) -> bool:
        """Tell whether every hook since is ours: any hook of tensors, nodes, modules or optimizers gets a number."""
        return self._first == RemovableHandle.next_id


def is_private(are_plain: bool) -> bool:
    """Tell whether no Python code of the script can lay hands on a gradient while the engine runs nodes.

    Then only the engine can change one, and it does so by ops that count its version up: what edits memory behind torch
    (``.data``, a NumPy alias) would have to get hold of it first. Gradients reach Python in hooks, in the backward of a
    custom Function (compiled regions and checkpoints are such), and in hooks of saved tensors where one is saved.
    Another thread could share the gradient that the script itself gave.

    Args:
        are_plain: whether the nodes are, see ``reach.Below``.
    """
    return (
        are_plain
        and threading.active_count() == 1
        and torch._C._autograd._top_saved_tensors_default_hooks(True) is None
    )


class Filling:
    """A ``.grad`` about to be filled: what it holds and what comes (values: a reference would change who owns them)."""

    __slots__ = ("_key", "added", "before", "before_odd", "blob", "odd")

    def __init__(self, composer: Composer, tensor: torch.Tensor) -> None:
        self.blob = Blob()
        self.before = composer.snapshots.take(grad_of(tensor), self.blob)
        self.before_odd = self.blob.odd
        self.added = "null"
        self.odd = 0
        """Of what comes."""
        self._key: Any = None

    @classmethod
    def kept(
        cls, before: tuple[str, bytes | None], added: tuple[str, bytes], *, odds: tuple[int, int], key: Any
    ) -> Filling:
        """Return one of which everything is known but what it becomes; text and bytes of what it held and what came."""
        filling = cls.__new__(cls)
        filling.blob = Blob()
        for data in (before[1], added[1]):
            if data is not None:
                filling.blob.add(data)
        filling.before, filling.added = before[0], added[0]
        filling.before_odd, filling.odd, filling._key = *odds, key
        return filling

    def add(self, composer: Composer, added: torch.Tensor | None) -> None:
        """Say what comes."""
        self.blob.odd = 0
        if added is not None and composer.snapshots.is_passing:
            self.added = composer.snapshots.take_passing(added, self.blob)
            self._key = _memory(added)
        else:
            self.added = composer.snapshots.take(added, self.blob)
        self.odd = self.blob.odd

    @property
    def given(self) -> int:
        """What is odd about what it held and what comes."""
        return self.before_odd | self.odd

    def became(self, composer: Composer, grad: torch.Tensor | None) -> str:
        """Return the text of what it holds now.

        The engine makes what comes the buffer itself if it can. Then it is the very memory, which was not let go of in
        between, and nothing else was done to it.
        """
        is_same = composer.snapshots.is_passing and grad is not None and self._key == _memory(grad)
        if is_same and self._key is not None:
            self.blob.odd = self.odd
            return self.added
        self.blob.odd = 0
        return composer.snapshots.take(grad, self.blob)


def _memory(tensor: torch.Tensor) -> Any:
    """Return where and how the elements of a tensor lie, and in which version; None where that cannot be told."""
    if tensor.layout is not torch.strided or tensor.is_nested or (changes := version(tensor)) < 0:
        return None
    return Methods.data_ptr(tensor), tensor.shape, Methods.stride(tensor), tensor.dtype, tensor.device, changes
