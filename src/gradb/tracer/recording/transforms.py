"""Where on the stack torch.func transforms and torch.compile are at work."""

from __future__ import annotations

import os
import sys
from types import FrameType


def is_compiling() -> bool:
    """Tell whether torch.compile is at work above: it runs transforms of its own, which are none of the script's."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if f"{os.sep}torch{os.sep}_dynamo{os.sep}" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def caller_of_transform() -> FrameType | None:
    """Return the frame that called the outermost torch.func transform now running."""
    frame: FrameType | None = sys._getframe()
    outer: FrameType | None = None
    while frame is not None:
        if f"{os.sep}torch{os.sep}_functorch{os.sep}" in frame.f_code.co_filename:
            outer = frame
        frame = frame.f_back
    return None if outer is None else outer.f_back
