"""The ghost: what it runs, how it ends, and what is said of the comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.ghost import Ghost, ghost_spec, other_policy
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.stops import Stop
from tests.fakes import TapeBuilder
from tests.unit.debugger.conftest import Recorded


def test_the_second_run_has_the_other_policy_and_all_else_the_same(recorded: Recorded) -> None:
    """Script, arguments, seed and learning rates are those of the first run; it is only watched, and never pauses."""
    changes = (Intervention("lr", "1e-4", 300), Intervention("zero_grad", "on", 5), Intervention("record", "watch", 9))
    spec = RunSpec("t.py", "a.tape", arguments=("-x",), breakpoints=(Stop("at", "3"),), seed=7, interventions=changes)
    made = ghost_spec(spec, "off", recorded("training").training(), "b.tape")
    assert (made.script, made.arguments, made.seed, made.tape) == ("t.py", ("-x",), 7, "b.tape")
    assert made.interventions == (
        Intervention("zero_grad", "off"),
        Intervention("record", "watch"),
        Intervention("lr", "1e-4", 300),
    )
    assert (made.is_paused_at_start, made.breakpoints, made.passes_output) == (False, (), False)


def test_rates_changed_on_the_way_are_the_ghosts_too(tmp_path: Path) -> None:
    """A learning rate that the user set in the first run holds in the second from the same iteration on."""
    with TapeBuilder(tmp_path / "a.tape") as tape:
        tape.iteration = 12
        tape.intervene("lr", "0.5")
    debugger = Debugger.open(str(tmp_path / "a.tape"))
    made = ghost_spec(RunSpec("t.py", "a.tape"), "off", debugger.training(), "b.tape")
    debugger.close()
    assert Intervention("lr", "0.5", 12) in made.interventions


def test_the_other_policy(tmp_path: Path) -> None:
    """Off is compared with the script as it is written, anything else with off."""
    assert other_policy(None) == "off"
    with TapeBuilder(tmp_path / "a.tape") as tape:
        for word, expected in (("off", "script"), ("on", "off"), ("script", "off")):
            tape.intervene("zero_grad", word)
            tape.commit()
            debugger = Debugger.open(str(tmp_path / "a.tape"))
            assert other_policy(debugger.training()) == expected
            debugger.close()


def test_a_recording_has_no_ghost_but_another_recording(recorded: Recorded) -> None:
    """What has no script to run says how recordings are compared."""
    with pytest.raises(UserError, match=r"this is a recording.*gradb compare A.tape B.tape"):
        Ghost.launch(recorded("training"))
