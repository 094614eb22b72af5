"""How far the run is: which iteration of how many, and which of its backward calls."""

from __future__ import annotations

from gradb.frame.frame import Frame


def iteration_text(iteration: int, total: int) -> str:
    """Return ``iteration 3 of 20``, and no total where there is none, or no more than one."""
    return f"iteration {iteration:,}" + (f" of {total:,}" if 1 < total >= iteration else "")


def backward_clause(frame: Frame) -> str:
    """Return what follows the word backward: `` 2 of 4``, `` 2 of 2 so far``; nothing for the only one."""
    call = frame.backward
    if call is None or call.count < 2 or frame.phase != "backward":
        return ""
    return f" {call.number} of {call.count}" + ("" if call.is_whole else " so far")
