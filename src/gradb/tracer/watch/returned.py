"""Names what a function of torch's returned that is one event for all it does: ``norm = clip_grad_norm_(...)``.

An op is named when it has run, as the mode sees what it returns. What such a function returns nobody sees; but once it
is left, the variable has it.
"""

from __future__ import annotations

import sys
from types import FrameType

import torch

from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.syntax import Names
from gradb.tracer.source.variables import variables_of

_MODULE = "<module>"


def name_returned(composer: Composer, names: Names, event: int) -> None:
    """Name the tensors that have been assigned to variables by the expression that a function was called in.

    Args:
        composer: knows which tensors are recorded, and how they are named.
        names: of the expression.
        event: seq of the event from which on they have the names.
    """
    if not names.targets or names.is_unpacked:
        return
    try:
        frame = _scope(composer, sys._getframe(1), names.scope)
        for name, value in [] if frame is None else variables_of(frame):
            if name in names.targets and isinstance(value, torch.Tensor) and composer.tensors.is_known(value):
                composer.naming.name(value, name, event, names.scope)
    except Exception as error:
        composer.naming.missing("names", error)


def _scope(composer: Composer, frame: FrameType | None, scope: str) -> FrameType | None:
    """Return the innermost running frame of the script, where that is of the function that an expression stands in."""
    found = composer.recorder.places.frame(frame)
    if found is None:
        return None
    code = found.f_code
    return found if (code.co_name == _MODULE and not scope) or code.co_qualname == scope else None
