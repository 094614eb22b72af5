"""A script that waits under the debugger is changed from outside, and goes on with the change."""

from __future__ import annotations

import pytest

from tests.e2e.gradb_process import SCENARIOS, gradb

SCRIPT = SCENARIOS / "zero_grad.py"


CASES = {
    "zero_grad": (
        "until iteration 2; zero-grad off; expect event.kind == 'intervention'",
        "until iteration 4; until accumulate; expect event.before is not None",
        "zero-grad script; until kind zero_grad; until accumulate; expect event.before is None",
    ),
    "lr": (
        "until iteration 2; lr 0.5; until kind step; expect event.learning_rates == [0.5]",
        "lr script; until kind step; expect event.learning_rates == [0.001]",
    ),
    "record": (
        "until iteration 2; record watch; until iteration 4; expect event.kind == 'loss'",
        "record full; until node mseloss; until kind step; expect event.optimizer == 'SGD'",
    ),
    "later": (
        "zero-grad off@3; until iteration 3; expect event.kind == 'intervention'",
        "until kind zero_grad; expect event.is_suppressed",
    ),
}


@pytest.mark.parametrize("commands", CASES.values(), ids=CASES)
def test_a_paused_script_is_changed(commands: tuple[str, ...]) -> None:
    """The change is on the tape at once, or when its iteration begins, and the script goes on when it is told to."""
    done = gradb("run", "-e", "; ".join(commands), SCRIPT)
    assert (done.code, done.err) == (0, "")
    assert "from" in done.out
