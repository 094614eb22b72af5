"""Knows which functions of ours must not be left half-way, and whether one of them is running."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FrameType
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])
_codes: set[CodeType] = set()


def shielded(function: _F) -> _F:
    """Declare a function to be one of these; to be used as a decorator."""
    _codes.add(function.__code__)
    return function


def shields_above(frame: FrameType | None) -> int:
    """Count the calls of such functions that a frame is in, itself included."""
    count = 0
    while frame is not None:
        count += frame.f_code in _codes
        frame = frame.f_back
    return count
