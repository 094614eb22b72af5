"""Breakpoints as objects: numbers, on and off, what is let pass, and how often each was met."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gradb.debugger.breakpoints import Breakpoints
from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.frame.reader import TapeError
from gradb.tape.stops import Stop
from tests.fakes import TapeBuilder
from tests.unit.debugger.conftest import PATIENCE, Notes, Recorded, carry_out


def do(debugger: Debugger, text: str) -> str:
    said = ""
    for statement in parse(text):
        said = carry_out(debugger, statement.text)
        assert debugger.wait(PATIENCE)
    return said


def test_breakpoints_are_listed_and_cleared(recorded: Recorded) -> None:
    """What is set is listed with its number, what is cleared is gone, and no number is given twice."""
    debugger = recorded("chain_rule")
    assert do(debugger, "breakpoints") == "there are no breakpoints"
    assert do(debugger, "break line 12") == "breakpoint 1: chain_rule.py:12"
    assert do(debugger, "break 12") == "there is a breakpoint already: 1, chain_rule.py:12"
    assert do(debugger, "break nonfinite") == "breakpoint 2: nonfinite (there is none in this recording)"
    assert (
        do(debugger, "breakpoints")
        == "1 ◉ chain_rule.py:12  0 hits\n2 ◉ nonfinite         0 hits, not in this recording"
    )
    assert do(debugger, "clear nonfinite") == "cleared 2: nonfinite"
    assert do(debugger, "break accumulate") == "breakpoint 3: accumulate"
    assert do(debugger, "clear 3") == "cleared 3: accumulate"
    assert do(debugger, "clear") == "1 breakpoint cleared"
    assert do(debugger, "clear") == "0 breakpoints cleared"


def test_a_bare_number_is_a_breakpoints_else_a_line(recorded: Recorded) -> None:
    """`clear 12` takes away what is numbered so, and the breakpoint on that line where none is."""
    debugger = recorded("chain_rule")
    do(debugger, "break line 8; clear;" * 7 + "break line 9; break line 8")
    assert do(debugger, "clear 9") == "cleared 9: chain_rule.py:8"
    assert do(debugger, "clear 9") == "cleared 8: chain_rule.py:9"
    with pytest.raises(UserError, match=r"there is no breakpoint with the number 9, nor chain_rule\.py:9"):
        do(debugger, "clear 9")


@pytest.mark.parametrize("text", ["ignore", "ignore 1", "ignore 1 x", "ignore 3 1", "disable 3", "enable node x"])
def test_what_is_not_there_is_refused(text: str, recorded: Recorded) -> None:
    """A number of no breakpoint, or a count that is none, is told in one sentence."""
    debugger = recorded("chain_rule")
    do(debugger, "break node pow")
    (statement,) = parse(text)
    with pytest.raises(UserError) as caught:
        statement.run(debugger, Notes())
    assert "\n" not in str(caught.value)


# --- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("break iteration > 3", "newly determined by an event: say where, as in `12 if iteration > 3`"),
        ("break phase == 'backward'", "say where"),
        ("break 12 if", "a condition is missing"),
        ("break 12 if loss >", "cannot read the expression 'loss >'"),
        ("break node pow if local > 1", "knows upstream and downstream of a node, but not its local derivative"),
        ("break 12 if loss != loss", "loss equals itself, for two NaN are equal here: say `loss == nan`"),
        ("break 12 if iteration > 1 and norm(a.grad) == norm(a.grad)", "two NaN are equal here"),
        ("break node pow if print(loss)", "a condition can call approx"),
        ("break node pow if __import__('os')", "a condition can call approx"),
        ("break loss > 1 if loss < 3", "`if` follows a place: say `loss > 1 and loss < 3`"),
        ("break param", "param needs a name, e.g. param layer1.weight"),
        ("break weather > 3", "nothing in this recording is called 'weather'"),
        ("break line 12 if lss > 3", "nothing in this recording is called 'lss'"),
        ("break param aa", "there is no param aa in this recording"),
        ("until if loss > 3", "there is no place to stop"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, sentence: str, recorded: Recorded) -> None:
    """What cannot be read, can never stop anything or names what there is not is told in one sentence."""
    debugger = recorded("chain_rule")
    (statement,) = parse(text)
    with pytest.raises(UserError, match=sentence) as caught:
        statement.run(debugger, Notes())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "condition", "name"),
    [
        ("accumulate", "norm(downstream) > 1e9", "downstream"),
        ("accumulate", "norm(a) > 1e9 or norm(a.grad) > 1e9", "a"),
        ("accumulate", "norm(a.grad) > 1e9", ""),
        ("node MulBackward0", "norm(upstream) > 1e9", ""),
        ("node MulBackward0", "a.grad[0] > 1e9", "a.grad[0]"),
        ("node MulBackward0", "norm(a) > 1e9", ""),
    ],
)
def test_what_no_event_at_a_place_tells_of_is_said(place: str, condition: str, name: str, recorded: Recorded) -> None:
    """A condition that cannot hold where it is asked says so: of a recording at once, of a script when it has ended."""
    debugger = recorded("chain_rule")
    remark = f"no event there tells of {name!r}" if name else ""
    words = f"{place} if {condition}"
    assert do(debugger, f"break {words}") == f"breakpoint 1: {words}" + (f" ({remark})" if remark else "")
    assert do(debugger, "breakpoints") == f"1 ◉ {words}  0 hits" + (f", {remark}" if remark else "")
    news = debugger.breakpoints.news(debugger.tapes, is_over=True)
    assert news == ([f"breakpoint 1: {words}: {remark}"] if remark else [])
    assert not debugger.breakpoints.news(debugger.tapes, is_over=False)


def test_a_condition_on_an_update_that_nobody_measured_says_so(tmp_path: Path) -> None:
    """Where a condition cannot come true because its number is not recorded, that is told when it is set and listed."""
    path = tmp_path / "watched.tape"
    with TapeBuilder(path) as tape:
        tape.step_unseen()
        tape.end()
    debugger = Debugger.open(str(path))
    why = "not known so far: the update of the step at event 1 is not known: nobody had asked for it before "
    why += "(see --updates), and not every parameter was kept whole"
    assert do(debugger, "break update > 0.1") == f"breakpoint 1: update > 0.1 ({why})"
    assert do(debugger, "breakpoints") == f"1 ◉ update > 0.1  0 hits, {why}"
    debugger.close()


def test_what_never_came_on_a_damaged_tape_is_a_sentence(recorded: Recorded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever goes through a tape for names may meet what is damaged."""

    def damaged(position: int) -> tuple[str, ...]:
        raise TapeError("run.tape is damaged at event 3")

    debugger = recorded("chain_rule")
    debugger.breakpoints.add(Stop("param", "w"))
    monkeypatch.setattr(debugger.tape, "names", damaged)
    with pytest.raises(UserError, match="damaged at event 3"):
        debugger.breakpoints.news(debugger.tapes, is_over=True)


def test_marks_of_a_file() -> None:
    """Of several on one line the one that says most is told, of a statement the first line, and of other files none."""
    breakpoints = Breakpoints()
    loss = "loss > 5"
    for argument, condition in (
        ("s.py:1", ""),
        ("/a/s.py:2-4", loss),
        ("s.py:5", loss),
        ("s.py:5", ""),
        ("t.py:6", ""),
    ):
        breakpoints.add(Stop("at", argument, condition=condition))
    breakpoints.add(Stop("node", "Mul"))
    breakpoints.change(replace(next(iter(breakpoints)), is_enabled=False))
    assert breakpoints.marks("/a/s.py", lambda stop: not stop.condition) == {1: "off", 2: "conditional", 5: "on"}
    assert breakpoints.marks("/a/s.py", lambda stop: False) == {1: "off", 2: "pending", 5: "pending"}
    assert breakpoints.marks("/b/s.py", lambda stop: True) == {1: "off", 5: "on"}


def test_files_of_one_name_are_told_apart() -> None:
    """As much of a path is said as tells it from others, and what the list says is understood."""
    breakpoints = Breakpoints([Stop("at", "/app/one/util.py:2-2"), Stop("at", "/app/main.py:2-2")])
    assert [one.words for one in breakpoints] == ["util.py:2", "main.py:2"]
    breakpoints.add(Stop("at", "/app/two/util.py:3-4", condition="loss > 1"))
    breakpoints.add(Stop("at", "/app/two/util.py:2-2"))
    assert [one.words for one in breakpoints] == [
        "one/util.py:2",
        "main.py:2",
        "two/util.py:3 if loss > 1",
        "two/util.py:2",
    ]
    assert breakpoints.meant("one/util.py:2").number == 1
    assert breakpoints.meant("two/util.py:3 if loss > 1").number == 3
    with pytest.raises(UserError, match=r"util\.py:2 may be breakpoint 1 or 4: give its number"):
        breakpoints.meant("util.py:2")
