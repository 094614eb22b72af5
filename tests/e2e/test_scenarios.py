"""Each scenario ships with a command script that says what it teaches, and with right answers to what it asks."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gradb.batch.quiz import grade, read_answers
from gradb.batch.script import prepare
from gradb.batch.show import Style, pane_text
from gradb.debugger.debugger import Debugger
from gradb.debugger.quiz.quiz import questions_of
from gradb.link.spec import Intervention, RunSpec
from gradb.present.draw.ascii import spelled
from gradb.present.panes.table import PANES
from tests.e2e.gradb_process import ROOT, SCENARIOS, SCRIPTS, WarmParts, bare, gradb

NAMES = sorted(path.stem for path in SCENARIOS.glob("*.py"))
_SHORT = Intervention("record", "watch", 251)
"""What no command script goes to, and no question is about, is only watched."""
_ENOUGH = {"zero_grad": 20}
"""Iterations after which a scenario is ended that goes on for thousands as it has begun; bare it goes on for more."""
_SHORTER = ("5001", "1001")
"""What stands in such a scenario, and in the copy that is run bare: it prints at the first iteration and the last."""


@pytest.fixture
def launched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Debugger]]:
    """Return a function that starts a scenario, by its name; what is started is forked."""
    monkeypatch.setattr(subprocess, "Popen", WarmParts)
    monkeypatch.chdir(ROOT)
    with ExitStack() as stack:

        def launch(name: str) -> Debugger:
            last, tape = _ENOUGH.get(name), str(tmp_path / "run.tape")
            spec = RunSpec(f"scenarios/{name}.py", tape, interventions=(_SHORT,), ends_after=last)
            debugger = Debugger.launch(spec)
            stack.callback(debugger.close)
            return debugger

        yield launch


@pytest.mark.parametrize("name", NAMES)
def test_command_script_holds(name: str, launched: Callable[[str], Debugger]) -> None:
    """The command script beside a scenario runs through, and the answers to its questions are right.

    At the last node that it came to every pane can be shown in ASCII, but for letters of the scenario's own.
    """
    debugger, said, graded = launched(name), list[str](), list[str]()
    commands, answers = SCENARIOS / f"{name}.gradb", SCENARIOS / "answers" / f"{name}.txt"
    prepare(commands.read_text(), str(commands)).run(debugger, Style(), said.append)
    assert said
    tape = debugger.tape
    assert tape is not None
    frame = tape.frame(tape.latest("node", debugger.head) or debugger.head)
    text = spelled("".join(pane_text(pane, frame, Style()) for pane in PANES))
    assert not {letter for letter in text if not letter.isascii()} - set((SCENARIOS / f"{name}.py").read_text())
    assert answers.exists() == bool(questions_of(tape))
    if answers.exists():
        given = read_answers(answers.read_text(), str(answers))
        assert grade(debugger, given, str(answers), Style(), graded.append), "".join(graded)


@pytest.fixture(scope="module")
def bare_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Return what each scenario does under plain Python: exit status, standard output, standard error."""
    paths = {name: SCENARIOS / f"{name}.py" for name in NAMES}
    for name in _ENOUGH:
        text, copy = paths[name].read_text(), tmp_path_factory.mktemp("shorter") / f"{name}.py"
        assert text.count(_SHORTER[0]) == 1
        copy.write_text(text.replace(*_SHORTER))
        paths[name] = copy
    done = bare(SCRIPTS / "run_all.py", *paths.values(), cwd=ROOT)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    return {name: found[str(path)] for name, path in paths.items()}


@pytest.mark.parametrize("name", NAMES)
def test_scenario_runs_bare(name: str, bare_runs: dict[str, list[str]]) -> None:
    """A scenario is plain Python: no warning, no error, something printed, and a docstring with title and lesson."""
    status, out, err = bare_runs[name]
    assert (status, err) == ("0", "")
    assert out
    text = (SCENARIOS / f"{name}.py").read_text()
    title, _, rest = text.removeprefix('"""').partition("\n\n")
    assert "\n" not in title
    assert rest.strip()


def test_failed_expectation_is_told(tmp_path: Path) -> None:
    """A wrong expectation ends with exit code 1 and shows what was expected and what there was."""
    commands = "until accumulate; expect a.grad == [28, 36, 44, 53]"
    done = gradb("run", "-e", commands, SCENARIOS / "chain_rule.py", cwd=tmp_path)
    assert done.code == 1
    told = done.out + done.err
    assert "a.grad == [28, 36, 44, 53]" in told
    assert "52" in told
    assert "Traceback" not in told


def test_tape_takes_the_same_commands(chain_rule_tape: Path) -> None:
    """A recording answers a command script as the live run does."""
    done = gradb("run", chain_rule_tape, "--commands", SCENARIOS / "chain_rule.gradb")
    live = gradb("run", SCENARIOS / "chain_rule.py", "--commands", SCENARIOS / "chain_rule.gradb")
    assert (done.code, done.err) == (0, "")
    assert done.out == live.out
