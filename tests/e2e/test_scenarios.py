"""Each scenario ships with a command script that says what it teaches, and holds it to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradb.batch.show import Style, pane_text
from gradb.frame.reader import Tape
from gradb.present.draw.ascii import spelled
from gradb.present.panes.table import PANES
from tests.e2e.gradb_process import ROOT, SCENARIOS, SCRIPTS, bare, gradb

NAMES = sorted(path.stem for path in SCENARIOS.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_command_script_holds(name: str, tmp_path: Path) -> None:
    """The command script beside a scenario runs through without a failed expectation.

    At the last node that it came to every pane can be shown in ASCII, but for letters of the scenario's own.
    """
    tape, commands = tmp_path / "run.tape", f"scenarios/{name}.gradb"
    done = gradb("run", "-o", tape, "--commands", commands, f"scenarios/{name}.py", cwd=ROOT)
    assert (done.code, done.err) == (0, "")
    assert done.out
    with Tape.open(tape) as recorded:
        frame = recorded.frame(recorded.latest("node", recorded.head) or recorded.head)
        text = spelled("".join(pane_text(pane, frame, Style()) for pane in PANES))
    assert not {letter for letter in text if not letter.isascii()} - set((SCENARIOS / f"{name}.py").read_text())


@pytest.fixture(scope="module")
def bare_runs() -> dict[str, list[str]]:
    """Return what each scenario does under plain Python: exit status, standard output, standard error."""
    done = bare(SCRIPTS / "run_all.py", *(SCENARIOS / f"{name}.py" for name in NAMES), cwd=ROOT)
    assert done.code == 0, done.err
    found: dict[str, list[str]] = json.loads(done.out)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_scenario_runs_bare(name: str, bare_runs: dict[str, list[str]]) -> None:
    """A scenario is plain Python: no warning, no error, something printed, and a docstring with title and lesson."""
    status, out, err = bare_runs[str(SCENARIOS / f"{name}.py")]
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
