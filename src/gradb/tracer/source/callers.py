"""Which function of torch's own the script has called when a change of ``.grad`` happens inside of it.

``clip_grad_norm_`` changes gradients by ops of its own; what changed them, for a reader of the script, is the function.
"""

from __future__ import annotations

import os
from types import CodeType, FrameType
from typing import NamedTuple

import torch

from gradb.tracer import PACKAGE

_TORCH = os.path.dirname(torch.__file__) + os.sep
_THIN = tuple(
    _TORCH + name.replace("/", os.sep)
    for name in ("_tensor.py", "functional.py", "nn/functional.py", "overrides.py", "_jit_internal.py")
)
_WRAPPERS = frozenset({"decorate_context", "_no_grad_wrapper", "wrapper", "wrapped", "inner", "profile_hook_step"})
_MAX_FRAMES = 100


class Caller(NamedTuple):
    """A function of torch that runs, as far as it can be told from its other calls without holding it."""

    name: str
    """``clip_grad_norm_``, ``GradScaler.unscale_``, ``Module.to``."""
    frame: int
    code: CodeType
    at: int
    """The instruction that it has come to."""

    def goes_on(self, frame: FrameType | None) -> bool:
        """Tell whether the stack above ``frame`` is still in the same call: not back at an earlier instruction."""
        for _ in range(_MAX_FRAMES):
            if frame is None:
                return False
            if id(frame) == self.frame and frame.f_code is self.code:
                return frame.f_lasti >= self.at
            frame = frame.f_back
        return False


def caller_in_torch(frame: FrameType | None) -> Caller | None:
    """Return the outermost public function of torch between ``frame`` and the script; None where there is none."""
    found: Caller | None = None
    for _ in range(_MAX_FRAMES):
        if frame is None:
            break
        code = frame.f_code
        file = code.co_filename
        if file.startswith(_TORCH):
            name = code.co_qualname.rpartition("<locals>.")[2] if hasattr(code, "co_qualname") else code.co_name
            is_inner = code.co_name.startswith("_") or code.co_name in _WRAPPERS or file.startswith(_THIN)
            if not is_inner and (found is None or not found.name.endswith("GradScaler.unscale_")):
                found = Caller(name, id(frame), code, frame.f_lasti)
        elif not file.startswith(PACKAGE):
            break
        frame = frame.f_back
    return found
