"""Sees what a checkpoint computes again during a backward.

``Tensor.backward`` is itself handled by the forward mode, so the mode is off while the engine runs. It is turned on
again for just the function that a checkpoint calls a second time; what that does is told as recomputed, gives nothing
a new name and begins no iteration.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from torch.overrides import TorchFunctionMode
from torch.utils import checkpoint

from gradb.tracer.isolation.patches import replaced
from gradb.tracer.isolation.signals import shielded_context
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.threadstate import ThreadState
from gradb.tracer.watch.node_code import entered

STOP: tuple[type[BaseException], ...] = tuple(
    found for found in (getattr(checkpoint, "_StopRecomputationError", None),) if found is not None
)
"""Raised inside of an op by torch when all that is needed has been computed: no error of the script's."""


@contextlib.contextmanager
def recomputing_frames(composer: Composer, mode: TorchFunctionMode) -> Iterator[None]:
    """Trace what checkpoints without reentrance compute again, for as long as the context lasts."""

    def beginning(begin: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(begin)
        def begin_frame(self: Any, recompute_fn: Any, *args: Any, **kwargs: Any) -> None:
            begin(self, _again(composer, mode, recompute_fn), *args, **kwargs)

        return begin_frame

    with replaced(checkpoint._CheckpointFrame, "__init__", beginning):
        yield


@contextlib.contextmanager
def recomputing_functions(composer: Composer, mode: TorchFunctionMode) -> Iterator[None]:
    """Trace what reentrant checkpoints compute again, for as long as the context lasts."""

    def running(backward: Any) -> Any:
        @functools.wraps(backward.__func__)
        def run_backward(ctx: Any, *args: Any) -> Any:
            run_function = ctx.run_function
            ctx.run_function = _again(composer, mode, run_function)
            try:
                return backward.__func__(ctx, *args)
            finally:
                ctx.run_function = run_function

        return staticmethod(run_backward)

    with replaced(checkpoint.CheckpointFunction, "backward", running):
        yield


def _again(composer: Composer, mode: TorchFunctionMode, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that traces ``function`` when a backward that is being recorded calls it."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        recorder, local = composer.recorder, composer.local
        engine = composer.run()
        if not recorder.is_active or not recorder.is_full or engine is None:
            return function(*args, **kwargs)
        visit = composer.visit()
        with _recomputed(local, mode, engine.running if visit is None else visit.mark.id):
            return function(*args, **kwargs)

    return run


@shielded_context
def _recomputed(local: ThreadState, mode: TorchFunctionMode, node: int) -> Iterator[None]:
    outer, local.recomputing = local.recomputing, node
    try:
        with entered(mode):
            yield
    finally:
        local.recomputing = outer
