"""Changes made from outside in a script that runs."""

from __future__ import annotations

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.interventions import next_policy, parse_intervention
from gradb.link.spec import Intervention
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.stops import Stop
from tests.processes.debugger.conftest import PATIENCE, Live, Recorded, carry_out


def say(debugger: Debugger, text: str) -> str:
    """Carry out one statement and wait for the script."""
    said = carry_out(debugger, text)
    assert debugger.wait(PATIENCE)
    return said


def test_policy_is_switched_while_paused(live: Live) -> None:
    """The key goes round the policies; each becomes an event at the head, and the position goes with it."""
    debugger = live("training")
    say(debugger, "step 4")
    head = debugger.head
    assert (
        say(debugger, "zero-grad") == "zero_grad: off from now on: nothing clears gradients, whatever the script calls"
    )
    assert (debugger.position, debugger.head) == (head + 1, head + 1)
    assert debugger.frame().detail == InterventionDetail("zero_grad", "script", "off")
    for expected in ("on", "script", "off"):
        assert f"zero_grad: {expected} from now on" in (say(debugger, "zero-grad") or "")
    assert debugger.in_force("zero_grad") == "off"
    policy = debugger.frame().training.policy
    assert policy is not None
    assert policy.value == "off"
    say(debugger, "step")
    assert debugger.position > head + 4


def test_change_at_the_very_start(live: Live) -> None:
    """Before the script's first line a change is the first event."""
    debugger = live("training")
    say(debugger, "zero-grad off")
    assert (debugger.position, debugger.head) == (1, 1)
    say(debugger, "finish")
    assert [mark.event for mark in debugger.frame().training.marks] == [1]


@pytest.mark.parametrize(("text", "asked"), [("lr 1e-4", "lr 1e-4"), ("zero-grad", "zero_grad off")])
def test_the_past_of_a_live_run_is_not_changed(live: Live, text: str, asked: str) -> None:
    """Who looks back is told of `branch`, and nothing happens; how much is recorded is changed at the head."""
    debugger = live("training")
    say(debugger, "step 6")
    say(debugger, "back 3")
    position, head = debugger.position, debugger.head
    with pytest.raises(UserError, match=f"the past stays as it is: `branch {asked}` starts a run from here with it"):
        say(debugger, text)
    assert (debugger.position, debugger.head) == (position, head)
    assert f"from now on at the head, event {head}" in (say(debugger, "record watch") or "")
    assert (debugger.position, debugger.head) == (position, head + 1)
    assert "from iteration 9 on" in (say(debugger, f"{text.partition(' ')[0]} script@9") or "")


def test_position_follows_after_coming_back_to_the_head_by_steps(live: Live) -> None:
    """Who stepped back and forth to the head again is at the head."""
    debugger = live("training")
    say(debugger, "step 4")
    say(debugger, "back")
    say(debugger, "step")
    say(debugger, "zero-grad off")
    assert debugger.position == debugger.head


def test_change_for_a_later_iteration(live: Live) -> None:
    """It is announced, made when that iteration begins, and is not yet in force."""
    debugger = live("training")
    say(debugger, "step 4")
    head = debugger.head
    assert (say(debugger, "zero-grad off@3") or "").startswith("zero_grad: off from iteration 3 on")
    assert (debugger.head, debugger.in_force("zero_grad")) == (head, "script")
    say(debugger, "finish")
    (mark,) = debugger.frame().training.marks
    assert (mark.iteration, mark.value) == (3, "off")


def test_change_for_an_iteration_that_has_begun(live: Live) -> None:
    """It is made at once, and the sentence says why."""
    debugger = live("training")
    say(debugger, "until iteration 3")
    assert "from now on (iteration 2 has begun already)" in (say(debugger, "zero-grad off @ 2") or "")


def test_change_while_the_script_runs(live: Live) -> None:
    """A running script takes it in as it goes; it goes on running."""
    debugger = live("training", "pace=0.01")
    debugger.run_to_end()
    debugger.pump(0.05)
    assert "recording: watch from now on" in (debugger.intervene(Intervention("record", "watch")) or "")
    assert debugger.is_running
    assert debugger.in_force("record") == "watch"
    assert debugger.wait(PATIENCE)
    (mark,) = debugger.frame().training.marks
    assert (mark.what, mark.value) == ("record", "watch")


def test_steps_and_changes_in_a_rush(live: Live) -> None:
    """Keys pressed faster than the script answers are neither lost nor leave the debugger waiting for ever."""
    debugger = live("training")
    for _ in range(12):
        debugger.forward(Stop("step"))
        debugger.intervene(parse_intervention("zero_grad", next_policy(debugger.in_force("zero_grad"))))
        debugger.pump(0.0)
    assert debugger.wait(PATIENCE)
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    assert debugger.status == "finished"
    assert [mark.value for mark in debugger.frame().training.marks] == ["off", "on", "script"] * 4


def test_a_step_to_what_was_recorded_but_not_told_yet(live: Live) -> None:
    """The tape may be further than what was heard of it: who has come there by a step is not in the past."""
    debugger = live("training")
    say(debugger, "step 4")
    say(debugger, "zero-grad off")
    head = debugger.head
    debugger.go(head - 1)
    debugger.run.head = head - 1  # as long as the answer to the change was not heard
    debugger.forward(Stop("step"))
    assert (debugger.position, debugger.head) == (head, head)
    assert "on from now on" in say(debugger, "zero-grad on")
    assert debugger.position == head + 1


def test_a_change_on_the_way_to_the_end_is_no_pause(live: Live) -> None:
    """The answer to a change that found the script pausing is not taken for the end of the next movement."""
    debugger = live("training", "pace=0.001")
    debugger.forward(Stop("step"))
    debugger.intervene(Intervention("lr", "0.5"))
    assert debugger.wait(PATIENCE)
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    assert not debugger.is_live


def test_an_ended_script_is_not_changed(live: Live) -> None:
    """Nor is what has just ended."""
    debugger = live("training")
    say(debugger, "finish")
    with pytest.raises(UserError, match="the script has ended: only a new run can change the past"):
        say(debugger, "zero-grad off")


def test_until_an_iteration(live: Live, recorded: Recorded) -> None:
    """Live and recorded stop at the same event; there is a way back; what is not there is said."""
    debugger, tape = live("training"), recorded("training")
    for text in ("until iteration 2", "until iteration 3", "until-back iteration 2", "iteration @3", "iteration @1"):
        say(debugger, text)
        say(tape, text)
        assert debugger.position == tape.position, text
        assert debugger.frame().iteration == int(text[-1])
    with pytest.raises(UserError, match=r"^there is no iteration 9 in this recording: the last is 3$"):
        say(tape, "until iteration 9")
    say(debugger, "until iteration 9")
    assert debugger.message == "the script has ended (finished) without iteration 9"


def test_an_iteration_that_has_begun_is_not_run_for(live: Live) -> None:
    """A live script is not run to its end for what cannot come any more."""
    debugger = live("training")
    say(debugger, "until iteration 2")
    say(debugger, "until iteration 2")
    assert (debugger.message, debugger.missed) == ("there is no later iteration 2", Stop("iteration", "2"))
    assert debugger.is_live
