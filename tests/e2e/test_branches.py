"""Branches of a run from the command line: what becomes of it where something is changed at a place in its past."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from gradb.frame.reader import Tape
from gradb.tape import branching
from tests.e2e.checkpointed import differing
from tests.e2e.gradb_process import ROOT, SCENARIOS, SCRIPTS, Done, gradb

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the script in it."""
    shutil.copy(SCRIPTS / "long_training.py", tmp_path)
    return tmp_path


def _run(folder: Path, commands: str, *words: str, options: tuple[str, ...] = ("--record", "watch")) -> Done:
    return gradb("run", "-e", commands, "-o", "x.tape", *options, "long_training.py", *words, cwd=folder)


def _points(path: Path) -> list[tuple[Any, ...]]:
    with Tape.open(path) as tape:
        return [
            (one.kind, one.label, one.iterations.tolist(), one.values[: one.count].tobytes()) for one in tape.series
        ]


def _losses(path: Path) -> list[float]:
    with Tape.open(path) as tape:
        return next(one.values[: one.count].tolist() for one in tape.series if one.kind == "loss")


@pytest.mark.parametrize(
    ("place", "record", "words"),
    [
        ("iteration @30; until kind accumulate", "full", ()),
        ("iteration @30; until step", "watch", ()),
        ("iteration @5; until kind backward_end", "full", ("hand",)),
        ("start", "full", ()),
        ("iteration @40", "watch@1-35", ()),
    ],
)
def test_a_branch_that_changes_nothing_is_the_first_run(
    folder: Path, place: str, record: str, words: tuple[str, ...]
) -> None:
    """Every number of every series is the same to the last bit, wherever it branches off and whatever is recorded."""
    commands = f"finish; start; {place}; branch zero_grad script; finish; branches 0"
    done = _run(folder, commands, *words, options=("--record", record, "--seed", "1"))
    assert done.code == 0, done.err
    assert _points(folder / "x.branches" / "1.tape") == _points(folder / "x.tape")


def test_what_is_changed_holds_from_the_place_on(folder: Path) -> None:
    """Up to there the losses are the same; a branch of the branch has what both changed, each at its place."""
    first_two = "iteration @30; until step; branch zero_grad off; finish"
    commands = f"{first_two}; iteration @45; branch lr 0.5; finish; branches 0; finish"
    done = _run(folder, commands)
    assert done.code == 0, done.err
    assert "branch 1: zero_grad off from iteration 30; " in done.out
    assert "equal bit for bit" in done.out
    first, one, two = (_losses(folder / name) for name in ("x.tape", "x.branches/1.tape", "x.branches/2.tape"))
    assert (len(first), len(one), len(two)) == (60, 60, 60)
    assert first[:31] == one[:31] == two[:31]
    assert first[31] != one[31]
    assert one[:45] == two[:45]
    assert one[46] != two[46]
    with Tape.open(folder / "x.branches" / "2.tape") as tape:
        origin = branching.read(tape.fact(branching.KEY))
        assert origin is not None
        assert (origin.tape, origin.iteration, origin.what, origin.value) == ("1.tape", 45, "lr", "0.5")
        marks = [(mark.what, mark.value) for mark in tape.frame(tape.head).training.marks]
        assert [mark for mark in marks if mark[0] != "record"] == [("zero_grad", "off"), ("lr", "0.5")]


def test_the_losses_of_zero_grad_without_it() -> None:
    """The command of the README: from iteration 120 on nothing clears gradients, and the loss blows up."""
    commands = "iteration @120; branch zero_grad off; until nan; expect 150 < first_nonfinite.iteration < 300"
    done = gradb("run", "--record", "watch", "-e", commands, SCENARIOS / "zero_grad.py")
    assert done.code == 0, done.err


@pytest.mark.skipif(sys.platform != "linux", reason="there are no checkpoints elsewhere")
def test_a_branch_goes_on_from_a_checkpoint(folder: Path) -> None:
    """Event for event it is the branch from the start; the checkpoint is let go once nothing goes on from it."""
    begin = "iteration @20; checkpoints 4; iteration @34; iteration @30; until kind accumulate"
    branches = ["branch zero_grad script", "branch zero_grad script anew", "branch lr 0.5"]
    done = _run(
        folder, f"{begin}; {'; finish; branches 0; '.join(branches)}; finish; branches 0; checkpoints off",
        options=("--zero-grad", "off@50"),
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.count(" since the checkpoint at iteration 21 are equal bit for bit (") == 2
    assert done.out.endswith("; 1 checkpoint let go\n")
    one, two, other = (folder / "x.branches" / f"{number}.tape" for number in (1, 2, 3))
    assert differing(one, two) == []
    assert _losses(one)[:30] == _losses(other)[:30]
    assert _losses(one)[30:] != _losses(other)[30:]


@pytest.mark.skipif(sys.platform != "linux", reason="there are no checkpoints elsewhere")
def test_a_branch_from_a_checkpoint_writes_nothing(folder: Path) -> None:
    """It is ended at the line that would: so it is said, and how it is made from the start, where it does write."""
    begin = "iteration @20; checkpoints 4; iteration @34; iteration @30"
    done = _run(folder, f"{begin}; branch lr 0.5; finish; branches", "saves")
    assert done.code == 0, done.err
    assert re.search(r"`branches 0; goto \d+; branch lr 0.5 anew` runs the script from its start", done.out)
    assert re.search(r"ended at long_training.py:\d+: saved.txt would have been opened for writing", done.out)
    assert not (folder / "saved.txt").exists()
    assert len(_losses(folder / "x.branches" / "1.tape")) == 50


def test_the_plot_of_the_readme() -> None:
    """It is what the command above it prints."""
    (command,) = (
        line for line in (ROOT / "README.md").read_text().splitlines() if "scenarios/another_future.py" in line
    )
    words = shlex.split(command)
    done = gradb(*words[1:], cwd=ROOT)
    assert done.code == 0, done.err
    assert f"```text\n{done.out}```" in (ROOT / "README.md").read_text()


def test_compare_knows_a_branch(folder: Path) -> None:
    """It says what it is a branch of, and by what; as data too."""
    assert _run(folder, "iteration @30; branch lr 0.001; finish; branches 0; finish").code == 0
    text = gradb("compare", "x.tape", "x.branches/1.tape", cwd=folder).out
    assert "1.tape is a branch of x.tape: lr 0.001 from right after event" in text
    assert "identical up to iteration 30 and part there" in text
    told = json.loads(gradb("compare", "--json", "x.branches/1.tape", "x.tape", cwd=folder).out)
    (branch,) = told["branches"]
    assert (branch["label"], branch["of"], branch["iteration"], branch["what"]) == ("1.tape", "x.tape", 30, "lr")
    shutil.copy(folder / "x.tape", folder / "y.tape")
    assert "is a branch of y.tape" in gradb("compare", "y.tape", "x.branches/1.tape", cwd=folder).out


def test_a_recording_branches_once_somebody_agrees(folder: Path) -> None:
    """Without --yes nothing is run; then its branches are there wherever it is opened, and one of them alone."""
    assert gradb("record", "--lr", "0.004@10,0.002@40", "-o", "x.tape", "long_training.py", cwd=folder).code == 0
    before = (folder / "x.tape").read_bytes()
    commands = "iteration @20; branch lr 0.001; finish"
    refused = gradb("run", "-e", commands, "x.tape", cwd=folder)
    assert refused.code == 2
    assert "has to be run again" in refused.err
    assert "--yes" in refused.err
    assert not (folder / "x.branches").exists()
    done = gradb("run", "--yes", "-e", commands, "x.tape", cwd=folder)
    assert done.code == 0, done.err
    assert (folder / "x.tape").read_bytes() == before
    with Tape.open(folder / "x.branches" / "1.tape") as tape:
        marks = [(mark.value, mark.iteration) for mark in tape.frame(tape.head).training.marks]
    assert marks == [("0.004", 10), ("0.001", 20), ("0.002", 40)]
    listed = gradb("run", "--json", "-e", "branches", "x.tape", cwd=folder)
    rows = json.loads(listed.out.splitlines()[-1])["branches"]
    assert [(row["key"], row["here"], row["iteration"]) for row in rows] == [("0", True, 60), ("1", False, 60)]
    assert "branch 1: lr 0.001 from iteration 20" in gradb("run", "-e", "show training", "x.tape", cwd=folder).out
    alone = gradb("run", "-e", "branches; branches 0; show training", "x.branches/1.tape", cwd=folder)
    assert alone.code == 0, alone.err
    assert "the first run, at event" in alone.out


@pytest.mark.parametrize(
    ("word", "told"), [("draws", "os.urandom, another in each run"), ("clock", "what the time is: time.time")]
)
def test_a_script_that_does_not_do_the_same(folder: Path, word: str, told: str) -> None:
    """It is said what differed and why it may have; nothing is kept, and the first run goes on."""
    done = _run(folder, "iteration @20; branch lr 0.001", word)
    assert done.code == 2
    assert "no branch: run again, the script did not do the same: loss:" in done.err
    assert told in done.err
    assert not (folder / "x.branches").exists()


def test_a_script_that_has_written_files_is_not_run_again_unasked(folder: Path) -> None:
    """It would write them once more; with --yes it is."""
    commands = "iteration @20; branch lr 0.001; finish"
    done = _run(folder, commands, "writes")
    assert done.code == 2
    assert "log.txt" in done.err
    (folder / "log.txt").unlink()
    assert _run(folder, commands, "writes", options=("--yes", "--record", "watch")).code == 0


def test_an_iteration_lived_again_can_branch(folder: Path) -> None:
    """From the very event of it; what both have is the same, and behind it no more is recorded than of the first."""
    assert gradb("record", "--record", "watch", "-o", "x.tape", "long_training.py", cwd=folder).code == 0
    assert gradb("relive", "--iteration", "40", "--yes", "x.tape", cwd=folder).code == 0
    commands = "goto 40:9; branch zero_grad off; finish"
    done = gradb("run", "--yes", "-e", commands, "x.tape", cwd=folder)
    assert done.code == 0, done.err
    assert "(right after event 40:" in done.out
    first, one = _losses(folder / "x.tape"), _losses(folder / "x.branches" / "1.tape")
    assert first[:40] == one[:40]
    assert first[-1] != one[-1]
    with Tape.open(folder / "x.branches" / "1.tape") as tape:
        depths = [
            (mark.iteration, mark.value) for mark in tape.frame(tape.head).training.marks if mark.what == "record"
        ]
    assert depths[-1] == (42, "watch")


@pytest.mark.parametrize(
    ("commands", "told"),
    [
        ("branch", "`branch` starts a run from here with something changed"),
        ("branch momentum 0", "a branch changes zero_grad or lr, not 'momentum'"),
        ("branch lr", "say what the learning rate is set to"),
        ("branch lr fast", "'fast' is not what the learning rate can be set to"),
        ("branch zero_grad off@12", "a branch begins at the position"),
        ("branches 7", "there is no '7' among the runs"),
        ("finish; branch lr 1", "the script is over here"),
    ],
)
def test_what_cannot_be_a_branch(folder: Path, commands: str, told: str) -> None:
    """One sentence, and exit code 2."""
    done = _run(folder, commands)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert told in done.err
