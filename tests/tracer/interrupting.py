"""Has a signal come at each place in turn where Python looks for one while functions of gradb's run.

Python looks for signals where a call of something written in C ends, and where a function begins. A trace function
marks the signal as arrived before such a call, in C, lest it be noticed in the trace function already. What is shielded
is passed over: there it waits.
"""

from __future__ import annotations

import contextlib
import ctypes
import dis
import functools
import itertools
import sys
from types import CodeType, FrameType, ModuleType
from typing import Any

from gradb.tracer.isolation.signals import shields_above

_arrive: Any = ctypes.PyDLL(None).PyErr_SetInterruptEx
_arrive.argtypes, _arrive.restype = [ctypes.c_int, *[ctypes.py_object] * 3], None


@functools.cache
def _calls(code: CodeType) -> dict[int, int]:
    """Return where the calls in a function are, by what comes before each."""
    found = list(dis.get_instructions(code))
    return {before.offset: call.offset for before, call in itertools.pairwise(found) if call.opname.startswith("CALL")}


class Interrupting:
    """The places in some modules at which a signal has come."""

    def __init__(self, number: int, *modules: ModuleType) -> None:
        self._send = functools.partial(_arrive, number)
        self._files = {module.__file__ for module in modules}
        self._done: set[tuple[CodeType, int]] = set()
        self._armed: FrameType | None = None

    def arm(self) -> None:
        """Have the signal come at a place where it has not come yet, if there is another."""
        self._armed = None
        sys.settrace(self._enter)

    def disarm(self) -> bool:
        """Have no signal come any more; return whether one was to come."""
        sys.settrace(None)
        if self._armed is not None:
            self._armed.f_trace = None
        return self._armed is not None

    def _enter(self, frame: FrameType, event: str, argument: object) -> Any:
        code, caller = frame.f_code, frame.f_back
        if code.co_filename == contextlib.__file__ and caller is not None:
            code = caller.f_code
        if self._armed is not None or code.co_filename not in self._files or shields_above(frame):
            return None
        frame.f_trace_opcodes = True
        return self._look

    def _look(self, frame: FrameType, event: str, argument: object) -> Any:
        call = _calls(frame.f_code).get(frame.f_lasti) if event == "opcode" and self._armed is None else None
        if call is not None and (frame.f_code, call) not in self._done:
            self._done.add((frame.f_code, call))
            self._armed, frame.f_trace = frame, self._send
        return None
