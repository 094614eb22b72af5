"""Finds the frame that the script is held in, and the variables that an expression in it can name."""

from __future__ import annotations

import os
import sys
from types import CodeType, FrameType
from typing import Any, NamedTuple

import torch

from gradb.tracer import PACKAGE
from gradb.tracer.recording.composer import Composer
from gradb.tracer.recording.threadstate import EngineCall
from gradb.tracer.source.places import PlaceRow
from gradb.tracer.source.variables import all_variables_of


def _code_of_engine() -> CodeType | None:
    function: Any = torch.autograd.graph._engine_run_backward
    return getattr(getattr(function, "__wrapped__", function), "__code__", None)


_LOOKS = os.path.join("watch", "aten.py")
"""What sees the ATen calls of a node."""
_ENGINE = _code_of_engine()
"""What calls the engine: tracing has not begun when this is read."""


class HeldFrame(NamedTuple):
    """The frame of the script's that is above the event at which the script is held."""

    frame: FrameType
    place: PlaceRow
    function: str
    """Empty for a module."""
    is_building: bool | None
    """Whether gradients were on where it called the engine; None where it did not."""
    node: Any
    """The node of torch's that the thread is in the middle of; None where it is in none, or that is not known."""

    def namespace(self) -> dict[str, Any]:
        """Return a copy of the variables that an expression can name there."""
        return self.frame.f_globals | dict(all_variables_of(self.frame))


def held_frame(composer: Composer) -> HeldFrame | None:
    """Return the innermost frame of the user's above this call; inside a backward perhaps the one that called it.

    On a thread of the engine's own there is none: then that of the thread which waits for the engine.
    """
    places, run = composer.recorder.places, composer.run()
    start = sys._getframe(1)  # not its own: that would keep all frames above alive, and what they hold
    frame = places.frame(start)
    is_elsewhere = frame is None and run is not None
    if frame is None and run is not None:
        frame = places.frame(sys._current_frames().get(run.thread))
    if frame is None:
        return None
    name = frame.f_code.co_qualname if sys.version_info >= (3, 11) else frame.f_code.co_name
    is_below = run is not None and (is_elsewhere or _is_above(start, frame))
    return HeldFrame(
        frame,
        places.find(frame).place.row,
        "" if name == "<module>" else name,
        _mode_of(run) if is_below else None,
        composer.local.visit.node if composer.local.visit is not None and _is_inside(start) else None,
    )


def _is_inside(frame: FrameType | None) -> bool:
    """Tell whether the engine is in the middle of a node: it calls ours alone before and after it."""
    is_inside = False
    while frame is not None and frame.f_code is not _ENGINE:
        name = frame.f_code.co_filename
        is_inside |= not name.startswith(PACKAGE) or name.endswith(_LOOKS)
        frame = frame.f_back
    return is_inside and frame is not None


def _mode_of(run: EngineCall | None) -> bool | None:
    return None if run is None else run.is_building


def _is_above(frame: FrameType | None, until: FrameType) -> bool:
    """Tell whether the engine is called by the script's frame, further in."""
    while frame is not None and frame is not until:
        if frame.f_code is _ENGINE:
            return True
        frame = frame.f_back
    return False
