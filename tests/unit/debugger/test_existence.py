"""What a stop names is there, may come, or is refused with what may have been meant."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.debugger.commands.language import parse
from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.existence.names import function_nodes
from gradb.link.spec import RunSpec
from gradb.tape.kinds.note import NoteDetail
from tests.fakes import DEBUGGEE, TapeBuilder
from tests.unit.debugger.conftest import PATIENCE, Live, Notes, Recorded, carry_out

LONG = """\
import torch

a = torch.tensor([1.0, 2.0], requires_grad=True)
b = (
    a
    * 2
)
# the end
b.sum().backward()
"""


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


NOT_LIVE = (
    ("node SofmaxBackward0", "knows that name (did you mean SoftmaxBackward0?); `node SofmaxBackward0!` waits for it"),
    ("node PowBackward7", "knows that name (did you mean PowBackward0?)"),
)


@pytest.mark.parametrize(("where", "sentence"), NOT_LIVE)
def test_a_name_that_nobody_knows_is_refused(where: str, sentence: str, live: Live) -> None:
    """A live script is not run to its end for a name that is mistyped."""
    debugger = live("chain_rule")
    for command in ("until", "break"):
        with pytest.raises(UserError) as caught:
            carry_out(debugger, f"{command} {where}")
        assert sentence in str(caught.value)
    assert (debugger.is_live, debugger.position, list(debugger.breakpoints)) == (True, 0, [])


def test_what_may_come_is_waited_for_and_said_so(live: Live) -> None:
    """A node of torch's that was not seen is pending, until it was seen; with a mark any name is."""
    debugger = live("chain_rule")
    pending = " (pending: none yet, it will stop at the first)"
    assert do(debugger, "break node Softmax; break node Foreign!; break node pow") == [
        f"breakpoint 1: node Softmax{pending}",
        f"breakpoint 2: node Foreign{pending}",
        f"breakpoint 3: node pow{pending}",
    ]
    assert do(debugger, "continue; break node mul") == ["breakpoint 4: node mul"]
    assert debugger.position == 4
    assert "2 ◉ node Foreign  0 hits, pending\n3 ◉ node pow      1 hit\n" in do(debugger, "breakpoints")[0]
    do(debugger, "clear node pow; finish")
    assert "2 ◉ node Foreign  0 hits, not in this recording" in do(debugger, "breakpoints")[0]
    assert do(debugger, "clear node Softmax; clear node Foreign; clear node mul; breakpoints") == [
        "cleared 1: node Softmax",
        "cleared 2: node Foreign",
        "cleared 4: node mul",
        "there are no breakpoints",
    ]


@pytest.mark.parametrize("name", ["torch::autograd::CopySlices", "CopySlices", "accumulategrad", "ToCopy"])
def test_nodes_without_a_formula_are_known(name: str, live: Live) -> None:
    """The engine's own nodes may come, with and without their namespace."""
    assert "pending" in carry_out(live("chain_rule"), f"break node {name}")


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


def test_a_module_may_come(live: Live, recorded: Recorded) -> None:
    """It is waited for; where a recording has none at all, that is said."""
    assert "pending" in carry_out(live("chain_rule"), "break module layer1")
    with pytest.raises(UserError, match=r"in this recording: nothing happened in a module$"):
        carry_out(recorded("chain_rule"), "break module layer1")


FUNCTIONS = """\
from layers import (
    Thrice as Third
)
import torch, ops
class Twice(torch.autograd.Function): ...
y = ops.Fifth.apply(x)
"""


CONDITIONS = (
    ("break 9 if b > 2", "(pending: nothing is called 'b' so far)"),
    ("break 9 if b[0] > 2", "(pending: nothing is called 'b' so far)"),
    ("break grad_nrm > 3 !", "(pending: nothing is called 'grad_nrm' so far (did you mean grad_norm?))"),
    ("break 4 if loss > 2 and bb > 1!", "(pending: nothing is called 'bb' so far (did you mean b?))"),
    ("break norm(backbone.weight) > 2", "(pending: nothing is called 'backbone.weight' so far)"),
    ("break param layer1.weigth", "(pending: none yet, it will stop at the first (did you mean layer1.weight?))"),
)
MISTYPED = (
    ("break grad_nrm > 3", "grad_nrm", " (did you mean grad_norm?)"),
    ("break updat > 0.1", "updat", " (did you mean update?)"),
    ("break 4 if loss > 2 and bb > 1", "bb", " (did you mean b?)"),
    ("break 9 if tensr > 2", "tensr", " (did you mean tensor?)"),
    ("break 9 if tensr[0][1] > 2", "tensr", " (did you mean tensor?)"),
    ("break node pow if norm(upstrem) > 0", "upstrem", " (did you mean upstream?)"),
    ("break 9 if upstrem.shape == (1,)", "upstrem.shape", " (did you mean upstream?)"),
    ("until qqq > 3", "qqq", ""),
)


@pytest.mark.parametrize(("command", "note"), CONDITIONS)
def test_what_a_condition_names_may_come(command: str, note: str, project: Debugger) -> None:
    """A word of the script's may be a variable, and with a mark, or as part of a path, any other."""
    assert carry_out(project, command).endswith(note)


@pytest.mark.parametrize(("command", "name", "hint"), MISTYPED)
def test_a_word_that_the_script_has_not_is_refused(command: str, name: str, hint: str, project: Debugger) -> None:
    """What is near is told, and how to insist; nothing is set and the script stays where it is."""
    with pytest.raises(UserError) as caught:
        carry_out(project, command)
    assert str(caught.value) == (
        f"nothing is called {name!r} so far, and it is no word of the script's{hint};"
        " with `!` at its end the condition waits for it all the same"
    )
    assert (project.is_live, project.position, list(project.breakpoints)) == (True, 0, [])


def test_words_of_what_the_script_imports_may_come(project: Debugger, tmp_path: Path) -> None:
    """A module of the script's is read before it is imported; any other file in the folder is not."""
    (tmp_path / "torch.py").write_text("logits = 1\n")
    (tmp_path / "other.py").write_text("foreign = 1\n")
    assert "pending" in carry_out(project, "break 9 if logits > 2")
    with pytest.raises(UserError, match="no word of the script's"):
        carry_out(project, "break 9 if foreign > 2")


def test_what_was_never_called_so_is_told_once(project: Debugger) -> None:
    """The list marks it as long as it is waited for; at the end one notice says so, and so does the list."""
    do(project, "break lost > 3 !; break param layer1.weigth")
    assert do(project, "breakpoints")[0].splitlines() == [
        "1 ◉ lost > 3             0 hits, pending: nothing is called 'lost' so far",
        "2 ◉ param layer1.weigth  0 hits, pending: nothing is called 'layer1.weigth' so far",
    ]
    do(project, "finish")
    assert project.take_news().splitlines() == [
        "breakpoint 1: lost > 3: nothing in this recording was ever called 'lost'",
        "breakpoint 2: param layer1.weigth: nothing in this recording was ever called 'layer1.weigth'",
    ]
    assert (
        "1 ◉ lost > 3             0 hits, nothing in this recording was ever called 'lost'"
        in do(project, "breakpoints")[0]
    )
    do(project, "start; finish")
    assert not project.take_news()


def test_a_parameter_near_a_known_one_is_refused(live: Live) -> None:
    """A path with a word that is not the script's is mistyped where another is known but for that word."""
    debugger = live("shared_weight")
    assert "pending" in carry_out(debugger, "break param los")
    do(debugger, "clear; until node AddBackward0")
    with pytest.raises(UserError, match=r"no param los so far.*did you mean loss\?\); `param los!` waits for it"):
        carry_out(debugger, "break param los")
    assert "pending" in carry_out(debugger, "break param los!")
    assert "pending" in carry_out(debugger, "break param y9")


def test_functions_of_the_script() -> None:
    """Classes, what is imported and what is applied may be the name of a node."""
    found = function_nodes([FUNCTIONS])
    assert {"TwiceBackward", "ThirdBackward", "FifthBackward"} <= found
    assert "yBackward" not in found


@pytest.fixture
def long_tape(tmp_path: Path) -> Path:
    """Write the tape of a script with a statement of four lines; its op stands on the second."""
    with TapeBuilder(tmp_path / "long.tape", "long.py", LONG) as tape:
        a = tape.leaf("a", [1.0, 2.0], line=3)
        b = tape.op("Tensor.mul", "MulBackward0", [a, 2], [2.0, 4.0], name="b", line=5, columns=(4, 9))
        tape.op("Tensor.sum", "SumBackward0", [b], [6.0], (), line=9, columns=(0, 7))
        tape.end()
    return tmp_path / "long.tape"


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


@pytest.fixture
def project(tmp_path: Path, long_tape: Path) -> Iterator[Debugger]:
    """Start a script that has a module beside it, and a package under it."""
    (tmp_path / "long.py").write_text(LONG)
    (tmp_path / "layers.py").write_text("import torch\n\n\ndef twice(x):\n    return x * 2\n")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.py").write_text("x = 1\n")
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "net.py").write_text("x = 1\n")
    spec = RunSpec(str(tmp_path / "long.py"), str(tmp_path / "live.tape"))
    debugger = Debugger.launch(spec, (sys.executable, DEBUGGEE, str(long_tape)))
    assert debugger.wait(PATIENCE)
    yield debugger
    debugger.close()


FILES = (
    ("layers.py:5", "breakpoint 1: layers.py:5 (pending: nothing of that file has run yet)"),
    ("layers.py:4", "breakpoint 1: layers.py:4 (pending: nothing of that file has run yet)"),
    ("layers.py:2", "line 2 of layers.py is empty: the nearest line with code is 1"),
    ("layer.py:5", "(did you mean layers.py?)"),
    ("net.py:1", "say more of its path"),
    ("models/net.py:1", "line 1 of net.py does nothing that gradb records"),
    ("models/net.py:9", "net.py has 1 line, and no line 9"),
    ("weather.py:1", "no source file weather.py: there is no such file where the script looks for its own"),
    ("weather.py:1", "; `weather.py:1!` waits for it all the same"),
    ("weather.py:1!", "breakpoint 1: weather.py:1 (pending: none yet, it will stop at the first)"),
    ("line 8", "line 8 of long.py is a comment: the nearest line with code is 9"),
    ("7", "breakpoint 1: long.py:4 (line 7 belongs to the statement that begins there)"),
)


@pytest.mark.parametrize(("where", "sentence"), FILES)
def test_files_that_may_be_imported(where: str, sentence: str, project: Debugger) -> None:
    """A live script's own files are known before they are imported, and a number alone means the script."""
    try:
        said = carry_out(project, f"break {where}")
    except UserError as error:
        said = str(error)
    assert sentence in said


def test_a_module_is_known_before_its_first_event(tmp_path: Path, long_tape: Path) -> None:
    """What `-m` was given is a file in the working directory, or the main one of a package."""
    for name, where in (("models.run", "run.py"), ("models", "__main__.py")):
        (tmp_path / "models").mkdir(exist_ok=True)
        (tmp_path / "models" / where).write_text(LONG)
        spec = RunSpec(None, str(tmp_path / f"{name}.tape"), module=name, cwd=str(tmp_path))
        debugger = Debugger.launch(spec, (sys.executable, DEBUGGEE, str(long_tape)))
        try:
            assert debugger.wait(PATIENCE)
            assert carry_out(debugger, f"break {where}:9").startswith(f"breakpoint 1: {where}:9")
            with pytest.raises(UserError, match=f"line 8 of {where} is a comment"):
                carry_out(debugger, f"break {where}:8")
        finally:
            debugger.close()


def test_a_script_that_is_linked_imports_from_where_it_lies(tmp_path: Path, long_tape: Path) -> None:
    """A module beside it is waited for under the path that Python gives it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "long.py").write_text(LONG)
    (tmp_path / "real" / "layers.py").write_text("import torch\n")
    (tmp_path / "linked.py").symlink_to(tmp_path / "real" / "long.py")
    spec = RunSpec(str(tmp_path / "linked.py"), str(tmp_path / "live.tape"))
    debugger = Debugger.launch(spec, (sys.executable, DEBUGGEE, str(long_tape)))
    try:
        assert debugger.wait(PATIENCE)
        carry_out(debugger, "break layers.py:1")
        (one,) = debugger.breakpoints
        assert one.stop.argument == f"{tmp_path.resolve()}/real/layers.py:1"
    finally:
        debugger.close()


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
