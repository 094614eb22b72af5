"""Warnings are shown where they would be without us: our frames, and torch's detour to them, count for no stack level.

A warning whose level ends in another frame than it would is given again, at the right place and past the filters and
the memory of what was shown there.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from types import FrameType

from torch.overrides import handle_torch_function

from gradb.tracer import FOLDER, PACKAGE

_BELOW = os.path.join(FOLDER, "process", "execute.py")
"""What lies below it on the stack is not there without us."""
_DETOUR = handle_torch_function.__code__


class _Local(threading.local):
    is_again = False


@contextlib.contextmanager
def at_their_place() -> Iterator[None]:
    """Give warnings that would stand in another frame without us again there, as long as it lasts."""
    original = getattr(warnings, "_showwarnmsg", None)
    if original is None:
        yield
        return
    local = _Local()

    def show(message: warnings.WarningMessage) -> None:
        if local.is_again or not (moved := _moved(message, sys._getframe(1))):
            original(message)
            return
        _take_back(message, moved[0])
        local.is_again = True
        try:
            _warn(message, moved[1])
        finally:
            local.is_again = False

    warnings._showwarnmsg = show  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if getattr(warnings, "_showwarnmsg", None) is show:  # else another has taken its place since
            warnings._showwarnmsg = original  # type: ignore[attr-defined]


def _moved(message: warnings.WarningMessage, frame: FrameType | None) -> tuple[FrameType, FrameType | None] | None:
    """Return the frame that a warning stands in and the one of the same level without us; None where they are one.

    There is no such frame (None) where the level is beyond the stack.
    """
    level, bare, has_ours, called = 0, _bare(frame), False, frame
    while frame is not None:
        level += 1
        has_ours |= _is_ours(frame) or _is_detour(frame, called)
        if frame.f_code.co_filename == message.filename and frame.f_lineno == message.lineno:
            break
        frame, called = frame.f_back, frame
    if frame is None or not has_ours:
        return None
    target = None
    for _ in range(level):
        target = next(bare, None)
    return None if target is frame else (frame, target)


def _bare(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames that there would be without us, the innermost first."""
    called = frame
    while frame is not None and frame.f_code.co_filename != _BELOW:
        if _is_detour(frame, called):
            frame = frame.f_back  # the function that torch has handed to us, which runs once more inside
        elif not _is_ours(frame):
            yield frame
        frame, called = None if frame is None else frame.f_back, frame


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def _is_detour(frame: FrameType, called: FrameType | None) -> bool:
    """Tell whether this is where torch hands a function to us: we run then, or, from C, that function once more."""
    if frame.f_code is not _DETOUR or called is None or frame.f_back is None:
        return False
    return _is_ours(called) or called.f_code is frame.f_back.f_code


def _take_back(message: warnings.WarningMessage, frame: FrameType) -> None:
    """Take back that a warning was shown where it does not belong."""
    text = str(message.message)
    registry = frame.f_globals.get("__warningregistry__")
    if isinstance(registry, dict):
        for line in (message.lineno, 0):
            registry.pop((text, message.category, line), None)
    warnings.onceregistry.pop((text, message.category), None)  # type: ignore[attr-defined]


def _warn(message: warnings.WarningMessage, frame: FrameType | None) -> None:
    held = vars(sys) if frame is None else frame.f_globals
    file, line = ("sys", 1) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
    registry = held.setdefault("__warningregistry__", {})
    module = held.get("__name__") or "<string>"
    warnings.warn_explicit(
        message.message, message.category, file, line, module, registry, None, getattr(message, "source", None)
    )
