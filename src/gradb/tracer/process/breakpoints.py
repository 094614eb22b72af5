"""Makes an event of each ``breakpoint()`` and ``gradb.set_trace()`` of the script's.

The gate decides, as for every event, whether the script is held there. ``PYTHONBREAKPOINT`` means what it does without
gradb, and so does a hook that the script sets itself.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import gradb
from gradb.tape.kinds.breakpoint import write as write_breakpoint
from gradb.tracer.recording.recorder import Recorder

_CHOICE = "PYTHONBREAKPOINT"
_MAX_HEADER = 1000


class Breakpoints:
    """The breakpoints that the script has of its own."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._pythons = sys.__breakpointhook__

    def install(self) -> None:
        """Take the place of pdb; a debugger that the environment names is called by Python itself, without us."""
        gradb.on_trace = lambda header: self._reached("gradb.set_trace()", header)
        if not os.environ.get(_CHOICE):
            sys.breakpointhook = sys.__breakpointhook__ = self._hook()

    def _hook(self) -> Any:
        def breakpointhook(*arguments: Any, **options: Any) -> Any:
            if os.environ.get(_CHOICE):  # the script has set it since
                return self._pythons(*arguments, **options)
            self._reached("breakpoint()", options.get("header"))
            return None

        return breakpointhook

    def _reached(self, call: str, header: object) -> None:
        self._recorder.guard(self._tell, call, header, what="a breakpoint of the script's")

    def _tell(self, call: str, header: object) -> None:
        recorder = self._recorder
        place = recorder.find().place.row
        recorder.settle()
        text = header[:_MAX_HEADER] if type(header) is str else ""
        recorder.emit("breakpoint", call, place, write_breakpoint(header=text), scope=recorder.scope())
