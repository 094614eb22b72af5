"""Runs of a script for a check, and how they are ended."""

from __future__ import annotations

import pytest

from gradb.debugger.errors import UserError
from gradb.debugger.gradcheck import gradcheck
from gradb.debugger.gradcheck.gradcheck import GradCheck
from gradb.debugger.gradcheck.target import Request
from tests.processes.debugger.conftest import Live


def test_a_debuggee_that_tells_nothing_ends_the_check(live: Live) -> None:
    """A run that plays a tape does not nudge: the check says so in one sentence, and no run is left."""
    debugger = live("chain_rule")
    debugger.wait()
    debugger.run_to_end()
    debugger.wait()
    check = gradcheck.start(debugger, "a[2]")
    with pytest.raises(UserError, match="a second time"):
        check.wait(20)
    assert check.runs == 1


def test_a_time_out_ends_the_runs(live: Live) -> None:
    """A script that hangs is given up, with a sentence that says how far it came."""
    debugger = live("chain_rule", "spin=3")
    assert debugger.run.spec is not None
    check = GradCheck(debugger.run.spec, Request("a[2]"), command=debugger.run.command)
    with pytest.raises(UserError, match=r"no result after 0.3 seconds, with 0 runs made"):
        check.wait(0.3)
