"""A script that is held evaluates what it is asked for, and goes on as if it had not been."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.e2e.gradb_process import gradb
from tests.e2e.terminal import Terminal

SCRIPT = Path(__file__).with_name("scripts") / "printed.py"

QUESTIONS = (
    "until kind backward_start; print model(x).sum().backward(); print !loss",
    "until kind node; print torch.autograd.grad(loss, list(model.parameters()), retain_graph=True)[0].shape",
    "until kind accumulate; print [p.grad is None for p in model.parameters()]; print 1 + nowhere",
    "until kind step; print random.random() + torch.rand(1).item(); print exit(3); print print('hi')",
)


@pytest.mark.parametrize("accelerator", ["", "off"])
def test_the_run_is_that_of_the_bare_script(accelerator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was evaluated at whatever event, the script prints the very same numbers."""
    monkeypatch.setenv("GRADB_ACCELERATOR", accelerator)
    bare = gradb("run", "-e", "finish; show output", SCRIPT)
    done = gradb("run", "-e", "; ".join([*QUESTIONS, "finish; show output"]), SCRIPT)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith(bare.out)
    for part in (
        "your code, may have side effects", "torch.Size([4, 3])", "NameError: name 'nowhere' is not defined",
        "SystemExit: 3", "it printed:\n    hi", "grad_fn MeanBackward0",
    ):  # fmt: skip
        assert part in done.out


def test_the_answer_as_data(tmp_path: Path) -> None:
    """It is an event of the tape, with its values, and `show` has it from there on."""
    tape = tmp_path / "run.tape"
    question = "print {'x': x * 2, 'step': step}"
    commands = f"until kind backward_start; {question}; expect event.kind == 'print'; event; save {tape}"
    done = gradb("run", "-e", commands, SCRIPT)
    assert (done.code, done.err) == (0, "")
    shown = gradb("show", "--pane", "printed", "--json", tape)
    found = json.loads(shown.out)["printed"]
    assert found["expression"] == "{'x': x * 2, 'step': step}"
    parts = found["value"]
    assert [(part["path"], part["type"]) for part in parts] == [("", "dict"), ("['x']", "Tensor"), ("['step']", "int")]
    assert parts[1]["shape"] == [2, 3]
    assert len(parts[1]["values"]) == 6
    events = [json.loads(line) for line in gradb("events", tape).out.splitlines()]
    (event,) = [event for event in events if event["kind"] == "print"]
    assert event["value"] == parts
    assert event["line"] == SCRIPT.read_text().splitlines().index("    loss.backward()") + 1


SCOPES = """import torch
w = torch.ones(2, requires_grad=True)
def before(loss):
    y = loss * 100
    return y.sum()
def now(event):
    x = w * 3
    x = 7
    z = w * 5
    del z
    q = w + 1
    q.sum().backward()
before(w).backward()
now("mine")
"""


def test_a_variable_is_the_held_frames(tmp_path: Path) -> None:
    """What a name was bound to anew is told, and what only a function had that is over says when and where that was."""
    script = tmp_path / "scopes.py"
    script.write_text(SCOPES)
    names = ("x", "event", "y", "z", "w")
    done = gradb("run", "--json", "-e", "until line 11; " + "; ".join(f"print {name}" for name in names), script)
    assert (done.code, done.err) == (0, "")
    found = {one["print"]: one for one in map(json.loads, done.out.splitlines())}
    assert [found[name]["script"]["value"][0]["text"] for name in ("x", "event")] == ["7", "'mine'"]
    assert found["w"]["script"]["function"] == "now"
    (source,) = found["y"]["sources"]
    assert (source["line"], source["function"]) == (4, "before")
    assert "name 'y' is not defined" in found["y"]["note"]
    assert "name 'z' is not defined" in found["z"]["note"]


def test_a_value_of_another_function_on_a_terminal(tmp_path: Path) -> None:
    """What the held frame does not know is told from the tape there too, with event and place."""
    script = tmp_path / "scopes.py"
    script.write_text(SCOPES)
    with Terminal(script, columns=120, lines=40) as terminal:
        terminal.wait_for("paused")
        type_in(terminal, "until line 11")
        type_in(terminal, "print y")
        terminal.wait_for("scopes.py:4 in before")
        type_in(terminal, "print x")
        terminal.wait_for("int 7")
        terminal.press("q")


@pytest.mark.parametrize(
    ("commands", "clause"),
    [
        ("until kind op; print nowhere +", "print"),
        ("until kind accumulate; back 2; print x.mean()", "no"),
        ("until kind accumulate; back 2; print !x", "it is held at event"),
        ("finish; print !x", "this is a recording: only what is on it can be told"),
    ],
)
def test_what_cannot_be_asked(commands: str, clause: str) -> None:
    """What is past or over has no frame any more, and one sentence says so; no expression is told as the answer."""
    done = gradb("run", "-e", commands, SCRIPT)
    assert done.code == (0 if "+" in commands else 2)
    assert clause in (done.out if "+" in commands else done.err)


def test_before_the_script_has_begun() -> None:
    """Where none of the script's own code is running there is nothing to evaluate in."""
    done = gradb("run", "-e", "print !x", SCRIPT)
    assert done.code == 0
    assert "not evaluated: " in done.out


def test_on_a_terminal() -> None:
    """The answer comes to the front and goes with the position; a print that does not end is broken off by `s`."""
    with Terminal(SCRIPT, columns=120, lines=40) as terminal:
        terminal.wait_for("paused")
        type_in(terminal, "until kind backward_start")
        terminal.wait_for("backward begins from loss")
        type_in(terminal, "print (x * 0 + 7).tolist()")
        terminal.wait_for("X print")
        terminal.wait_for("[[7.0, 7.0, 7.0], [7.0, 7.0, 7.0]]")
        assert "your code, may have side effects" in terminal.settle()
        terminal.press("backspace")
        terminal.wait_for("3 chain rule")
        terminal.press("space")
        terminal.wait_for("X print")
        type_in(terminal, "print wait()")
        terminal.wait_for("evaluating")
        time.sleep(0.2)
        terminal.press("s")
        terminal.wait_for("broken off")
        type_in(terminal, "finish")
        terminal.wait_for("finished")
        terminal.press("q")
        assert terminal.wait_until_gone() == 0


def type_in(terminal: Terminal, statement: str) -> None:
    """Type a statement at the prompt."""
    terminal.press(":")
    terminal.press([*statement, "enter"])
