"""Walks up the stack that were made before: the same frames at the same instructions lead to the same place.

What a walk meets is its key, so that it costs a look into a dictionary to find what such a walk has found. The frames
that gradb itself is called in do not count. The accelerator makes the same keys.
"""

from __future__ import annotations

from array import array
from types import CodeType, FrameType
from typing import Generic, NamedTuple, TypeVar

Found = TypeVar("Found")
MOST_FRAMES = 100
"""So many frames are looked at, also in ``native/places.c``."""
_MOST_WALKS = 4096


class Walk(NamedTuple):
    """The frames that a walk meets."""

    key: bytes
    is_cut: bool
    """True where there are more than are looked at."""


class Walks(Generic[Found]):
    """Remembers what walks have found."""

    def __init__(self) -> None:
        self.known: dict[bytes, tuple[Found, tuple[CodeType, ...], object]] = {}
        """What was found, and what has to live so that the key stands for it alone."""
        self.end: list[CodeType] = []
        """The code that runs the script, once that is known: what is below it is none of the script's."""

    def walk(self, frame: FrameType | None, within: object, last: int) -> Walk:
        """Return the frames from ``frame`` on to the one whose ``id`` is ``last``, that included."""
        end = self.end[0] if self.end else None
        met = array("q", (id(within) if within is not None else 0,))
        room = MOST_FRAMES
        while frame is not None and (code := frame.f_code) is not end:
            if not room:
                return Walk(met.tobytes(), True)
            met.append(id(code))
            met.append(frame.f_lasti)
            room -= 1
            if id(frame) == last:
                break
            frame = frame.f_back
        return Walk(met.tobytes(), False)

    def keep(self, walk: Walk, found: Found, frame: FrameType | None, within: object) -> None:
        """Remember what a walk from a frame on has found."""
        if len(self.known) >= _MOST_WALKS:
            self.known.clear()
        codes: list[CodeType] = []
        while frame is not None and len(codes) < len(walk.key) // 16:
            codes.append(frame.f_code)
            frame = frame.f_back
        self.known[walk.key] = (found, tuple(codes), within)
