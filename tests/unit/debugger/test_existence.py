"""What a stop names is there, may come, or is refused with what may have been meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.existence.names import function_nodes
from gradb.tape.kinds.note import NoteDetail
from tests.fakes import TapeBuilder
from tests.unit.debugger.conftest import PATIENCE, Notes, Recorded, carry_out


def do(debugger: Debugger, text: str) -> list[str]:
    """Carry out statements one after the other, and return what they said."""
    notes = Notes()
    for statement in parse(text):
        statement.run(debugger, notes)
        assert debugger.wait(PATIENCE)
    return [said for said in notes.said if said]


NOT_ON_A_RECORDING = (
    ("line 999", "chain_rule.py has 14 lines, and no line 999: the nearest line with code is 14"),
    ("line 0", "chain_rule.py has 14 lines, and no line 0: the nearest line with code is 6"),
    ("5", "line 5 of chain_rule.py is empty: the nearest line with code is 6"),
    ("chain_rule.py:3", "line 3 of chain_rule.py is part of a docstring: the nearest line with code is 6"),
    ("6", "nothing happened at chain_rule.py:6 in this recording: the nearest line where something did is 8"),
    ("chain_rules.py:8", "no source file chain_rules.py: it is not on the tape (did you mean chain_rule.py?)"),
    ("weather.py:8", "no source file weather.py: it is not on the tape"),
    ("node PwBackward0", "there is no node PwBackward0 in this recording (did you mean PowBackward0?)"),
    ("node Softmax", "there is no node Softmax in this recording"),
    ("node Softmax!", "there is no node Softmax in this recording"),
    ("iteration 2", "there is no iteration 2 in this recording: the last is 1"),
    ("aten mul", "there is no aten mul in this recording: no ATen calls were recorded (`gradb record --aten` does)"),
)


@pytest.mark.parametrize("command", ["break", "until", "until-back"])
@pytest.mark.parametrize(("where", "sentence"), NOT_ON_A_RECORDING)
def test_what_never_occurs_on_a_recording_is_refused(
    command: str, where: str, sentence: str, recorded: Recorded
) -> None:
    """There is a sentence with what is near, nothing is set, and the position stays."""
    debugger = recorded("chain_rule")
    debugger.go(5)
    with pytest.raises(UserError) as caught:
        carry_out(debugger, f"{command} {where}")
    assert (str(caught.value), debugger.position, list(debugger.breakpoints)) == (sentence, 5, [])


def test_calls_are_suggested(recorded: Recorded) -> None:
    """Where the ATen calls are recorded, a name that is near one of them is told with it."""
    with pytest.raises(UserError, match=r"^there is no aten detatch in this recording \(did you mean detach\?\)$"):
        carry_out(recorded("looked_into"), "break aten detatch")


def test_trouble_that_a_recording_does_not_have_is_no_mistake(recorded: Recorded) -> None:
    """A breakpoint at errors or NaNs may stand where there are none; that is said."""
    debugger = recorded("chain_rule")
    assert do(debugger, "break nan; break error") == [
        "breakpoint 1: nan (there is none in this recording)",
        "breakpoint 2: error (there is none in this recording)",
    ]
    do(debugger, "continue")
    assert debugger.position == debugger.head


@pytest.fixture
def modules(tmp_path: Path) -> Iterator[Debugger]:
    """Open a tape of two steps in a module, one outside, and one in a module beside it."""
    path = tmp_path / "modules.tape"
    with TapeBuilder(path, "net.py") as builder:
        for scope in ("h.0.attn", "h.0.attn.c_attn", "", "h.1", "h.0.attn", ""):
            builder.scope = scope
            builder.event(NoteDetail(""), "op", "MulBackward0", node=1)
    debugger = Debugger.open(str(path))
    yield debugger
    debugger.close()


def test_modules_are_gone_to_by_their_names(modules: Debugger) -> None:
    """Each entering of a module is one stop, both ways; a path may lack its beginning."""
    positions = []
    for command in ("until module 0.attn", "until module h.0", "until module h", "until-back module attn"):
        do(modules, command)
        positions.append(modules.position)
    assert positions == [1, 5, 5, 2]
    assert modules.message == "there is no later module h"
    do(modules, "start; break module h; ignore 1 1; continue")
    assert (modules.position, modules.breakpoints.meant("1").hits) == (4, 2)


def test_a_module_that_there_is_not_is_refused(modules: Debugger) -> None:
    """What is near is told, on a recording; a script may still come to it."""
    for name, end in (
        ("h.0.atn", r" \(did you mean h\.0\.attn\?\)"),
        ("model.h.0.attn", r" \(did you mean h\.0\.attn\?\)"),
        ("h.2", ".*"),
    ):
        with pytest.raises(UserError, match=rf"^there is no module {name} in this recording{end}$"):
            carry_out(modules, f"break module {name}")


FUNCTIONS = """\
from layers import (
    Thrice as Third
)
import torch, ops
class Twice(torch.autograd.Function): ...
y = ops.Fifth.apply(x)
"""


def test_functions_of_the_script() -> None:
    """Classes, what is imported and what is applied may be the name of a node."""
    found = function_nodes([FUNCTIONS])
    assert {"TwiceBackward", "ThirdBackward", "FifthBackward"} <= found
    assert "yBackward" not in found


@pytest.fixture
def long(long_tape: Path) -> Iterator[Debugger]:
    """Open it."""
    debugger = Debugger.open(str(long_tape))
    yield debugger
    debugger.close()


@pytest.mark.parametrize("line", [4, 5, 6, 7])
def test_a_statement_of_many_lines_is_one_place(line: int, long: Debugger) -> None:
    """A breakpoint on any line of it stops at what happens on any other; it is told by its first."""
    note = "" if line == 4 else f" (line {line} belongs to the statement that begins there)"
    assert do(long, f"break {line}; continue") == [f"breakpoint 1: long.py:4{note}"]
    assert long.position == 2
    do(long, "continue")
    assert long.position == long.head
    assert do(long, f"until-back line {line}; break 5; clear 6") == [
        "there is a breakpoint already: 1, long.py:4 (line 5 belongs to the statement that begins there)",
        "cleared 1: long.py:4",
    ]
    assert long.position == 2


def test_a_line_at_which_something_happened_is_never_refused(tmp_path: Path) -> None:
    """An error may be raised where there is nothing to call, by a name that means nothing or by a signal."""
    with TapeBuilder(tmp_path / "odd.tape", "odd.py", "import torch\nx = 5\npass\n") as tape:
        tape.leaf("a", [1.0], line=1)
        tape.leaf("b", [1.0], line=2)
        tape.end()
    debugger = Debugger.open(str(tmp_path / "odd.tape"))
    try:
        assert carry_out(debugger, "break 2") == "breakpoint 1: odd.py:2"
        with pytest.raises(UserError, match=r"line 3 of odd\.py does nothing that gradb records"):
            carry_out(debugger, "break 3")
    finally:
        debugger.close()


def test_an_element_of_what_there_is_may_be_asked_for(recorded: Recorded) -> None:
    """A condition on one stops where it is met; of what there is not the name is told, without indexes."""
    debugger = recorded("looked_into")
    assert "pending" not in carry_out(debugger, "break kind op if a[0] > -100 and a.grad[0].shape != [9]")
    with pytest.raises(UserError, match=r"^nothing in this recording is called 'nobody'"):
        carry_out(debugger, "break kind op if nobody[0][1] > 2")


@pytest.mark.parametrize(
    "command",
    [
        "break 8 if ({}",
        "expect ({}",
        "expect {} > 1",
        "break {} > 1",
        "break op {}",
        "until op {}",
        "{}",
    ],
)
def test_a_long_text_is_cut_in_a_sentence(command: str, recorded: Recorded) -> None:
    """Whatever somebody has typed, what is said of it stays readable."""
    with pytest.raises(UserError) as caught:
        carry_out(recorded("chain_rule"), command.format("x" * 5_000))
    assert "x" * 50 in str(caught.value)
    assert len(str(caught.value)) < 600
