"""Takes the mode off where torch asks whether there is one, to choose by what it computes.

Without gradients ``nn.MultiheadAttention`` and the encoders of ``nn.Transformer`` compute with kernels of their own,
unless a subclass or a mode overrides torch's functions: then in the ordinary way, whose last digits are others, and at
masked places all of them. They are answered as if our mode was not there; a mode of the script's above it counts.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch.compiler import is_compiling

from gradb.tracer.isolation.mode_stack import once_imported
from gradb.tracer.isolation.patches import replaced
from gradb.tracer.watch.blind_spots import BlindSpots

_ASKING = frozenset({"torch.nn.modules.activation", "torch.nn.modules.transformer"})
_DYNAMO = "torch._dynamo.variables.torch"
_NAME = "has_torch_function"


@contextlib.contextmanager
def unnoticed(blind_spots: BlindSpots) -> Iterator[None]:
    """Have the modules that have a fast path take it where they would without us, as long as the context lasts."""
    genuine = torch.overrides.has_torch_function

    def asking(original: Any) -> Any:
        @functools.wraps(original)
        def has_torch_function(tensors: Any) -> Any:
            if is_compiling() or sys._getframe(1).f_globals.get("__name__") not in _ASKING:
                return original(tensors)
            return blind_spots.run(original, tensors) if blind_spots.is_uppermost() else original(tensors)

        return has_torch_function

    def registering(module: Any) -> contextlib.AbstractContextManager[None]:
        return replaced(module.TorchInGraphFunctionVariable, "_get_handlers", lambda table: _of(table, genuine))

    with replaced(torch.overrides, _NAME, asking), once_imported(_DYNAMO, registering):
        yield


def _of(table: staticmethod[[], Any], genuine: Any) -> staticmethod[[], Any]:
    """Have Dynamo's table of functions, which is made at its first use, know torch's function and not ours."""

    @functools.wraps(table.__func__)
    def get_handlers() -> Any:
        with replaced(torch.overrides, _NAME, lambda _: genuine):
            return table.__func__()

    return staticmethod(get_handlers)
