"""The dictionary of its variables that a function's frame keeps, up to Python 3.12, once ``locals()`` has made it.

Python offers no way to look at it as it is: each attribute and function that returns it first writes the present
variables into it. So it is found where the interpreter keeps it, if the rest of the frame lies as expected.
"""

from __future__ import annotations

import ctypes
import sys
from types import FrameType
from typing import Any, NamedTuple

_WORD = ctypes.sizeof(ctypes.c_void_p)
_HEAD = object.__basicsize__


class _Layout(NamedTuple):
    """Where the interpreter's own frame has things, in words."""

    code: int
    globals: int
    locals: int


_LAYOUTS = {
    (3, 11): _Layout(code=4, globals=1, locals=3),  # function, globals, builtins, locals, code
    (3, 12): _Layout(code=0, globals=3, locals=5),  # code, previous, function, globals, builtins, locals
}


def kept_dictionary(frame: FrameType) -> dict[str, Any] | None:
    """Return the dictionary that a running function's frame keeps, as it is; None where there is none, or not known."""
    layout = _LAYOUTS.get(sys.version_info[:2])
    if layout is None or sys.implementation.name != "cpython":
        return None
    start = _word(id(frame) + _HEAD + _WORD)  # behind the frame that has called
    if _word(start + layout.code * _WORD) != id(frame.f_code):
        return None
    if _word(start + layout.globals * _WORD) != id(frame.f_globals):
        return None
    found = _word(start + layout.locals * _WORD)
    value = ctypes.cast(found, ctypes.py_object).value if found else None
    return value if type(value) is dict else None


def _word(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0


def put_back(held: dict[str, Any], before: dict[str, Any]) -> None:
    """Give a dictionary the items that it had, in their order, so that also who is iterating over it goes on."""
    names = list(held)
    if names[: len(before)] == list(before):
        for name in names[len(before) :]:
            del held[name]
    else:
        held.clear()
    held.update(before)
