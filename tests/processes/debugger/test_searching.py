"""A search in what a script that runs has recorded."""

from __future__ import annotations

from tests.processes.debugger.conftest import Live, carry_out
from tests.unit.debugger.test_searching import state


def test_who_waits_waits_for_the_search(live: Live) -> None:
    """`wait` comes back when nothing is left to be looked through."""
    debugger = live("training")
    carry_out(debugger, "finish")
    assert debugger.wait()
    debugger.patience = 0.0
    carry_out(debugger, "until-back norm(upstream) > 1e9")
    assert debugger.progress is not None
    assert debugger.wait()
    assert state(debugger)[1] is None
    assert debugger.missed is not None
