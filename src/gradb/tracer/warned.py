"""Warnings that torch raises inside a recorded call are shown at the script's line, not at ours."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from types import FrameType

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


@contextlib.contextmanager
def at_their_place() -> Iterator[None]:
    """Put warnings whose nearest Python frame is ours where they would stand without us, as long as it lasts."""
    original = getattr(warnings, "_showwarnmsg", None)
    if original is None:
        yield
        return

    def show(message: warnings.WarningMessage) -> None:
        if message.filename.startswith(_OURS):
            caller = _caller(sys._getframe(1))
            if caller is not None:
                message.filename, message.lineno = caller.f_code.co_filename, caller.f_lineno
        original(message)

    warnings._showwarnmsg = show  # type: ignore[attr-defined]
    try:
        yield
    finally:
        warnings._showwarnmsg = original  # type: ignore[attr-defined]


def _caller(frame: FrameType | None) -> FrameType | None:
    """Return the frame that called torch, beyond those by which torch came to us."""
    while frame is not None and not frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    if frame is not None and frame.f_code.co_name == "handle_torch_function" and frame.f_back is not None:
        return frame.f_back.f_back
    return frame
