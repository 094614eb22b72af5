"""Debuggers on live debuggees that replay a tape, beside those on recorded tapes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.link.spec import RunSpec
from tests.fakes import DEBUGGEE
from tests.unit.conftest import Tapes
from tests.unit.debugger.conftest import LONG, PATIENCE, Notes, Recorded, carry_out, long_tape, recorded

__all__ = ["LONG", "PATIENCE", "Live", "Notes", "Recorded", "carry_out", "long_tape", "recorded"]

Live = Callable[..., Debugger]


@pytest.fixture
def live(tapes: Tapes, tmp_path: Path) -> Iterator[Live]:
    """Return a function that starts a debuggee which replays an example, and waits until it pauses.

    It takes the mischief of ``tests.fakes.debuggee``, and fields of the spec as keywords.
    """
    debuggers: list[Debugger] = []

    def start(name: str, *mischief: str, is_waited_for: bool = True, is_paused_at_start: bool = True) -> Debugger:
        command = (sys.executable, DEBUGGEE, str(tapes(name)), *mischief)
        spec = RunSpec(f"{name}.py", str(tmp_path / "live.tape"), is_paused_at_start=is_paused_at_start)
        debuggers.append(Debugger.launch(spec, command))
        if is_waited_for:
            assert debuggers[-1].wait(PATIENCE)
        return debuggers[-1]

    yield start
    for debugger in debuggers:
        debugger.close()
