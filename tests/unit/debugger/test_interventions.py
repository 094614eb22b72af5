"""Changes from outside: the words for them, and what they do to a live, a looked-back-in and a recorded run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.interventions import next_policy, option, parse_depths, parse_intervention, parse_schedule
from gradb.link.spec import Intervention, What
from gradb.tape.kinds.intervention import InterventionDetail
from gradb.tape.stops import Stop
from tests.unit.debugger.conftest import PATIENCE, Live, Recorded, carry_out

SCHEDULES: tuple[tuple[What, str, Sequence[tuple[str, int]]], ...] = (
    ("zero_grad", "off", [("off", 1)]),
    ("zero_grad", "off@120,on@200", [("off", 120), ("on", 200)]),
    ("zero_grad", " on @ 200 , off@120", [("off", 120), ("on", 200)]),
    ("lr", "1e-4", [("1e-4", 1)]),
    ("lr", "1e-4@300,script@500", [("1e-4", 300), ("script", 500)]),
    ("lr", "0", [("0", 1)]),
    ("lr", ".5", [(".5", 1)]),
)


@pytest.mark.parametrize(("what", "text", "expected"), SCHEDULES)
def test_schedule_is_read(what: What, text: str, expected: Sequence[tuple[str, int]]) -> None:
    """Words and the iterations from which on they hold, in order."""
    assert parse_schedule(what, text) == tuple(Intervention(what, word, iteration) for word, iteration in expected)


DEPTHS: tuple[tuple[str, Sequence[tuple[str, int]]], ...] = (
    ("full", []),
    ("watch", [("watch", 1)]),
    ("full@100-110", [("watch", 1), ("full", 100), ("watch", 111)]),
    ("full@1-3", [("watch", 4)]),
    ("full@100-110,200-210", [("watch", 1), ("full", 100), ("watch", 111), ("full", 200), ("watch", 211)]),
    ("full@100-110,full@200-210", [("watch", 1), ("full", 100), ("watch", 111), ("full", 200), ("watch", 211)]),
    ("full@100-110,111-120", [("watch", 1), ("full", 100), ("watch", 121)]),
    ("full@7-7", [("watch", 1), ("full", 7), ("watch", 8)]),
    ("watch@100", [("watch", 100)]),
    ("full@100", [("watch", 1), ("full", 100)]),
    ("watch@10-20", [("watch", 10), ("full", 21)]),
)


@pytest.mark.parametrize(("text", "expected"), DEPTHS)
def test_depths_are_read(text: str, expected: Sequence[tuple[str, int]]) -> None:
    """A range is recorded in the one way, what is around it in the other."""
    assert parse_depths(text) == tuple(Intervention("record", word, iteration) for word, iteration in expected)


MISTAKES: tuple[tuple[What, str, str], ...] = (
    ("zero_grad", "sideways", r"'sideways' is not what zero_grad can be set to: give script, off or on"),
    ("zero_grad", "off@abc", r"'abc' is not an iteration: give a whole number from 1"),
    ("zero_grad", "off@0", r"'0' is not an iteration"),
    ("zero_grad", "off@-3", r"'-3' is not an iteration"),
    ("zero_grad", "off@", r"'' is not an iteration"),
    ("zero_grad", "off@1.5", r"'1.5' is not an iteration"),
    ("zero_grad", "off@²", r"'²' is not an iteration"),
    ("zero_grad", "", r"'' is not what zero_grad can be set to"),
    ("zero_grad", "off,on", r"iteration 1 twice"),
    ("zero_grad", "off@5,on@5", r"iteration 5 twice"),
    ("zero_grad", "off,", r"'' is not"),
    ("lr", "-1", r"'-1' is not what the learning rate can be set to: give script, or a number from 0 on"),
    ("lr", "nan", r"'nan' is not"),
    ("lr", "inf", r"'inf' is not"),
    ("lr", "1e999", r"'1e999' is not"),
    ("lr", "fast", r"'fast' is not"),
    ("lr", "1_0", r"'1_0' is not"),
    ("record", "some", r"'some' is not what recording can be set to: give full or watch"),
    ("record", "full@110-100", r"'full@110-100' ends before it begins"),
    ("record", "full@0-3", r"'0' is not an iteration"),
    ("record", "full@5-9,8-12", r"'8-12' does not come after"),
    ("record", "full@5,full@5", r"'full@5' does not come after"),
    ("record", "full@a-b", r"'a-b' is not an iteration"),
    ("record", "5-9", r"'5-9' is not what"),
)


@pytest.mark.parametrize(("what", "text", "sentence"), MISTAKES)
def test_mistake_is_named(what: What, text: str, sentence: str) -> None:
    """What cannot be read is named, with what is allowed, in one sentence."""
    with pytest.raises(UserError, match=sentence) as caught:
        parse_depths(text) if what == "record" else parse_schedule(what, text)
    assert "\n" not in str(caught.value)


def test_policy_goes_round() -> None:
    """Script, off, on, and script again."""
    assert [next_policy(word) for word in ("script", "off", "on")] == ["off", "on", "script"]


def test_option_for_a_new_run() -> None:
    """A change as the option that makes it from the start, or from an iteration on."""
    assert option(parse_intervention("zero_grad", "off"), 120) == "--zero-grad off@120"
    assert option(parse_intervention("lr", "1e-4"), 1) == "--lr 1e-4"


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
    debugger = live("training", "pace=0.002")
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


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("zero-grad", "`branch zero_grad off` starts one from here"),
        ("zero-grad on", "`branch zero_grad on` starts one from here"),
        ("lr 1e-4", "`branch lr 1e-4` starts one from here"),
        ("record", "gradb --record watch@2 SCRIPT"),
        ("record watch", "gradb --record watch@2 SCRIPT"),
    ],
)
def test_the_past_is_not_changed(text: str, hint: str, recorded: Recorded) -> None:
    """A recording refuses, and says how a new run would go."""
    debugger = recorded("training")
    debugger.forward(Stop("iteration", "2"))
    with pytest.raises(UserError, match=rf"only a new run can change the past \({hint}\)"):
        carry_out(debugger, text)


def test_at_the_end_there_is_nothing_left_to_change(recorded: Recorded) -> None:
    """No iteration is named that there is not: a branch begins before the end, a new run at its start."""
    debugger = recorded("training")
    debugger.go_to_end()
    with pytest.raises(UserError, match=r"\(`branch zero_grad off` starts one from an earlier position\)"):
        carry_out(debugger, "zero-grad off")
    with pytest.raises(UserError, match=r"\(gradb --record watch SCRIPT\)"):
        carry_out(debugger, "record watch")


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
