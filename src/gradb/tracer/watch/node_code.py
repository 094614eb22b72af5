"""Sees the script's own Python code inside of nodes: the backward of a custom Function, and hooks.

``Tensor.backward`` is itself handled by the forward mode, so the mode is off while the engine runs. It is turned on
again, on the thread that runs the node, for just the script's functions. What they compute is told as inside of that
node: it gives nothing a new name and begins no iteration.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.compiler import is_compiling
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from gradb.tracer.isolation.signals import shielded_context
from gradb.tracer.recording.composer import Composer

_NOTHING = contextlib.nullcontext()
_NAMES = ("apply", "apply_boxed")
"""How the engine calls a custom Function's backward."""


def entered(mode: TorchFunctionMode) -> contextlib.AbstractContextManager[Any]:
    """Return what turns the mode on in this thread, where it is off."""
    return _NOTHING if mode in _get_current_function_mode_stack() else mode


@shielded_context
def inside(composer: Composer, mode: TorchFunctionMode, node: int) -> Iterator[None]:
    """Trace the script's code as part of a node's backward, as long as the context lasts."""
    local = composer.local
    outer = local.inside, local.recomputing
    local.inside, local.recomputing = node, None
    try:
        with entered(mode):
            yield
    finally:
        local.inside, local.recomputing = outer


@contextlib.contextmanager
def custom_backwards(composer: Composer, mode: TorchFunctionMode) -> Iterator[None]:
    """Trace what the backward of each custom Function of the script's computes, as long as the context lasts."""
    owner = torch.autograd.function.BackwardCFunction
    originals = {name: vars(owner)[name] for name in _NAMES if name in vars(owner)}
    for name, original in originals.items():
        setattr(owner, name, _traced(composer, mode, original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(owner, name, original)


def _traced(composer: Composer, mode: TorchFunctionMode, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def apply(node: Any, *args: Any) -> Any:
        if is_compiling() or not _is_seen(composer, node):
            return original(node, *args)
        visit = composer.visit()
        with inside(composer, mode, 0 if visit is None else visit.mark.id):
            return original(node, *args)

    return apply


def _is_seen(composer: Composer, node: Any) -> bool:
    """Tell whether the engine calls code of the script's here: not torch's own, and not we, to measure a node."""
    recorder = composer.recorder
    lock: Any = recorder.lock
    is_recording = recorder.is_active and recorder.is_full and not lock._is_owned()
    return is_recording and composer.run() is not None and not _is_torchs(node._forward_cls)


def _is_torchs(function: type) -> bool:
    return function.__module__.partition(".")[0] == "torch"
