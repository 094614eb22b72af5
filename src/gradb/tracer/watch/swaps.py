"""``torch.utils.swap_tensors`` refuses tensors that have a weak reference, and we know tensors by nothing else."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator

import torch

from gradb.tracer.recording.composer import Composer


@contextlib.contextmanager
def allowed(composer: Composer) -> Iterator[None]:
    """Let go of two tensors while they are swapped, as long as the context lasts."""
    original = torch.utils.swap_tensors

    @functools.wraps(original)
    def swap(first: torch.Tensor, second: torch.Tensor) -> None:
        with composer.tensors.unreferenced(first, second):
            original(first, second)  # type: ignore[no-untyped-call]

    torch.utils.swap_tensors = swap
    try:
        yield
    finally:
        torch.utils.swap_tensors = original
