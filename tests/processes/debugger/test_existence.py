"""What a script that runs may still come to, and what it never can."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.link.spec import RunSpec
from tests.fakes import DEBUGGEE
from tests.processes.debugger.conftest import LONG, PATIENCE, Live, Recorded, carry_out
from tests.unit.debugger.test_existence import do

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


def test_a_module_may_come(live: Live, recorded: Recorded) -> None:
    """It is waited for; where a recording has none at all, that is said."""
    assert "pending" in carry_out(live("chain_rule"), "break module layer1")
    with pytest.raises(UserError, match=r"in this recording: nothing happened in a module$"):
        carry_out(recorded("chain_rule"), "break module layer1")


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
