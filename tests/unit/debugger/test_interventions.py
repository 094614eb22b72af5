"""Changes from outside: the words for them, and what they do to a live, a looked-back-in and a recorded run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gradb.debugger.errors import UserError
from gradb.debugger.interventions import next_policy, option, parse_depths, parse_intervention, parse_schedule
from gradb.link.spec import Intervention, What
from gradb.tape.stops import Stop
from tests.unit.debugger.conftest import Recorded, carry_out

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
