"""Iterations that were only watched, lived again from the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gradb.debugger.rerun.relived import beside
from gradb.frame.reader import Tape
from tests.e2e.gradb_process import DEADLINE, GRADB, SCRIPTS, Done, WarmProcess, gradb, wait_until_none_with

pytestmark = pytest.mark.e2e


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the script in it."""
    shutil.copy(SCRIPTS / "long_training.py", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tape of the script as it is, only watched, for tests that change neither."""
    folder = tmp_path_factory.mktemp("watched")
    shutil.copy(SCRIPTS / "long_training.py", folder)
    _record(folder)
    return folder / "x.tape"


def _record(folder: Path, *words: str, depth: str = "watch", options: tuple[str, ...] = (), name: str = "x") -> None:
    done = gradb("record", "--record", depth, *options, "-o", f"{name}.tape", "long_training.py", *words, cwd=folder)
    assert done.code == 0, done.err


def _relive(folder: Path, *words: str) -> Done:
    return gradb("relive", *words, cwd=folder)


def _told(done: Done) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.out.splitlines()[-1])
    return told


def _iteration(path: Path, iteration: int) -> list[tuple[Any, ...]]:
    """Return what happened in an iteration, with all values; where leaves were made depends on what is recorded."""
    with Tape.open(path) as tape:
        found = []
        for event in tape.events():
            if event.iteration == iteration and event.kind in {"op", "loss", "node", "accumulate", "step"}:
                detail: Any = tape.detail(event.seq)
                tensors = getattr(detail, "outputs", None) or getattr(detail, "parameters", None) or ()
                some = [getattr(detail, name, None) for name in ("upstream", "before", "added", "after")]
                values = [getattr(one, "value", None) for one in tensors]
                line = None if event.kind == "accumulate" else event.line
                found.append((event.kind, event.name, line, values, some))
    return found


def _same(one: list[tuple[Any, ...]], other: list[tuple[Any, ...]]) -> bool:
    """Compare without having pytest lay out the difference, which takes it half a minute."""
    return len(one) == len(other) and all(a == b for a, b in zip(one, other, strict=True))


def test_an_iteration_is_in_full_as_if_it_had_been_recorded(folder: Path, watched: Path) -> None:
    """Its events have the values of a full recording; the first tape stays as it is, and no more lies beside it."""
    shutil.copy(watched, folder)
    _record(folder, depth="full", name="full")
    before = (folder / "x.tape").read_bytes()
    done = _relive(folder, "--iteration", "40", "--yes", "--json", "x.tape")
    assert done.code == 0, done.err
    told = _told(done)
    assert (told["opened"], told["path"], told["first"], told["last"]) == (True, "x.relived/40.tape", 39, 41)
    assert (told["run"]["repeated"], told["run"]["until"], told["run"]["difference"]) == (True, 41, None)
    assert told["run"]["compared"] == 3 * 41
    for iteration in (39, 40, 41):
        events = _iteration(folder / "x.relived" / "40.tape", iteration)
        assert len(events) > 10
        assert _same(events, _iteration(folder / "full.tape", iteration))
    with Tape.open(folder / "x.relived" / "40.tape") as tape:
        assert min(event.iteration for event in tape.events() if event.kind in {"loss", "step"}) < 3
        assert {event.iteration for event in tape.events() if event.kind in {"loss", "step"}} & set(
            range(3, 39)
        ) == set()
        assert {iteration for one in tape.series for iteration in one.iterations} == {39, 40, 41}
    assert (folder / "x.tape").read_bytes() == before
    assert sorted(os.listdir(folder / "x.relived")) == ["40.tape"]
    again = _relive(folder, "--iteration", "41", "x.tape")
    assert (again.code, again.err) == (0, "")
    assert again.out == "iterations 39 to 41 are in full in x.relived/40.tape: nothing had to be run\n"


def test_a_script_is_watched_first(folder: Path) -> None:
    """Its tape is kept; without a seed one is made up, so that it does the same; its output passes through once."""
    done = _relive(folder, "--iteration", "60", "--around", "0", "-o", "y.tape", "long_training.py", "unseeded")
    assert done.code == 0, done.err
    *printed, said, where = done.out.splitlines()
    assert printed == ["begins", "is over"]
    assert said.startswith("run again, the script did the same: 180 numbers of iterations 1 to 60")
    assert where == f"iteration 60 is in full in {folder}/y.relived/60.tape"


def test_updates_by_hand(folder: Path) -> None:
    """Where iterations begin unseen, one more goes before: the one that is meant is whole even alone."""
    _record(folder, "hand")
    _record(folder, "hand", depth="full", name="full")
    done = _relive(folder, "--iteration", "30", "--around", "0", "--yes", "--json", "x.tape")
    assert done.code == 0, done.out + done.err
    assert (_told(done)["first"], _told(done)["last"]) == (30, 30)
    assert _same(_iteration(folder / "x.relived" / "30.tape", 30), _iteration(folder / "full.tape", 30))


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("draws", "os.urandom, another in each run (long_training.py:19)"),
        ("clock", "what the time is: time.time (long_training.py:20)"),
    ],
)
def test_a_script_that_does_not_do_the_same(folder: Path, word: str, reason: str) -> None:
    """It is told where and what differed, and what likely made it so; nothing is put there."""
    _record(folder, word)
    done = _relive(folder, "--iteration", "40", "--yes", "x.tape")
    assert done.code == 1
    assert done.out.startswith("run again, the script did not do the same: loss:")
    assert " of iteration 1 was " in done.out
    assert reason in done.out
    assert done.out.endswith("so nothing of it is kept\n")
    assert not (folder / "x.relived").exists()


def test_a_script_that_writes_files_asks(folder: Path) -> None:
    """Without a terminal nobody can be asked: the files are named, and nothing is run."""
    done = _relive(folder, "--iteration", "40", "-o", "x.tape", "long_training.py", "writes")
    assert done.code == 2
    assert done.err.endswith("its first run wrote files (log.txt): give --yes to let it\n")
    assert len((folder / "log.txt").read_text().split()) == 60
    assert not (folder / "x.relived").exists()
    assert _relive(folder, "--iteration", "40", "--yes", "x.tape").code == 0
    assert len((folder / "log.txt").read_text().split()) == 60 + 40  # killed right behind the 41st step


def test_changes_from_outside_are_made_again(folder: Path) -> None:
    """The zero_grad policy and the learning rate of the first run are those of the second."""
    _record(folder, options=("--zero-grad", "off@20", "--lr", "0.02@25,script@35"))
    done = _relive(folder, "--iteration", "40", "--yes", "x.tape")
    assert done.code == 0, done.out + done.err
    with Tape.open(folder / "x.relived" / "40.tape") as tape:
        assert any(event.kind == "zero_grad" and tape.detail(event.seq).is_suppressed for event in tape.events())  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--iteration", "61", "x.tape"), "there is no iteration 61: x.tape has iterations 1 to 60"),
        (("--iteration", "0", "x.tape"), "--iteration takes a whole number from 1, not '0'"),
        (("x.tape",), "say which iteration: --iteration N (see gradb relive --help)"),
        (("--iteration", "3", "--seed", "1", "x.tape"), "a tape says itself how its script was run"),
        (("--iteration", "3", "none.tape"), "x.tape"),
    ],
)
def test_what_cannot_be(watched: Path, words: tuple[str, ...], sentence: str) -> None:
    """One sentence, and exit code 2."""
    done = _relive(watched.parent, *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err or "no such file: none.tape" in done.err


def test_what_nothing_tells_of_cannot_be_lived_again(folder: Path) -> None:
    """A run without a loss and a norm has nothing to compare."""
    _record(folder, "none")
    done = _relive(folder, "--iteration", "1", "--yes", "x.tape")
    assert done.code == 2
    assert "has no loss and no gradient norm" in done.err


def test_a_tape_that_was_moved_and_one_whose_script_is_another_now(folder: Path) -> None:
    """What lies beside a tape moves with it, and is seen without the script; to make more that has to be as it was."""
    _record(folder)
    assert _relive(folder, "--iteration", "40", "--yes", "x.tape").code == 0
    (folder / "elsewhere").mkdir()
    for name in ("x.tape", "x.relived"):
        shutil.move(folder / name, folder / "elsewhere")
    assert _relive(folder / "elsewhere", "--iteration", "20", "--yes", "x.tape").code == 0
    with (folder / "long_training.py").open("a") as script:
        script.write("# changed\n")
    assert _relive(folder / "elsewhere", "--iteration", "40", "x.tape").code == 0
    done = _relive(folder / "elsewhere", "--iteration", "30", "--yes", "x.tape")
    assert done.code == 2
    assert "long_training.py is not what it was when" in done.err
    assert sorted(os.listdir(folder / "elsewhere" / "x.relived")) == ["20.tape", "40.tape"]
    done = _relive(folder / "elsewhere", "--iteration", "40", "--yes", "x.relived/40.tape")
    assert done.code == 2
    assert "is itself of iterations that were lived again" in done.err


def test_a_second_run_that_is_killed_leaves_nothing(folder: Path) -> None:
    """It did not come to the iteration: exit code 1, and how it ended."""
    _record(folder, "second", "dies")
    done = _relive(folder, "--iteration", "40", "--yes", "x.tape")
    assert done.code == 1
    assert "the script was killed by SIGKILL (short of memory, perhaps): iteration 20 was its last" in done.out
    assert not (folder / "x.relived").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_gradb_that_is_killed_leaves_nothing(folder: Path, number: signal.Signals) -> None:
    """What ends it in the middle ends the script too; what SIGKILL leaves is no tape, and the next sweeps it away."""
    _record(folder, "second")
    words = [*GRADB, "relive", "--iteration", "40", "--yes", "x.tape"]
    with WarmProcess(words, cwd=folder, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True) as process:
        deadline = time.monotonic() + DEADLINE
        while not (folder / "at20.txt").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(number)
        process.communicate()
    wait_until_none_with(str(folder))
    if number != signal.SIGKILL:
        assert not (folder / "x.relived").exists()
        return
    assert [name for name in os.listdir(folder / "x.relived") if not name.startswith(".again-")] == []
    (folder / "seen.txt").unlink()
    assert _relive(folder, "--iteration", "40", "--yes", "x.tape").code == 0
    with Tape.open(folder / "x.tape") as tape:
        assert [one.iteration for one in beside(tape)] == [40]
    assert os.listdir(folder / "x.relived") == ["40.tape"]


@pytest.mark.skipif(sys.platform != "linux", reason="there are no checkpoints elsewhere")
def test_a_script_that_is_held_lives_an_iteration_again(folder: Path) -> None:
    """From a checkpoint, beside it: one steps into it and on to the head, and the script goes on as ever."""
    live = "iteration @20; checkpoints 4; iteration @40; relive 30; event; branches 0; until step; iteration @45"
    then = "branches 0; goto 30:2; finish; relive 30; branches 0"
    done = gradb("run", "--record", "watch", "-e", f"{live}; {then}", "-o", "x.tape", "long_training.py", cwd=folder)
    assert done.code == 0, done.err
    places = re.findall(r"at event (\S+) \((.*)\)", done.out)
    assert [place for place, _ in places] == ["30:2", places[1][0], "30:1"]
    assert int(places[1][0]) > 0
    assert [status for _, status in places] == ["paused", "paused", "finished"]
    assert done.out.count("iteration 30 is in full here, from x.relived/30.tape") == 2
    opened = gradb("run", "-e", "goto 30:2; branches 0; finish; expect iteration == 61", "x.tape", cwd=folder)
    assert opened.code == 0, opened.err


def test_a_command_script_lives_an_iteration_again(folder: Path) -> None:
    """Where the script wrote no file nobody has to agree; of a recording somebody has to, and `--yes` does."""
    then = "relive 30; expect iteration == 30; until node AddmmBackward0; expect event.iteration == 30"
    own = gradb("run", "--record", "watch", "-e", f"finish; {then}", "-o", "x.tape", "long_training.py", cwd=folder)
    assert own.code == 0, own.err
    shutil.rmtree(folder / "x.relived")
    refused = gradb("run", "-e", then, "x.tape", cwd=folder)
    assert refused.code == 2
    assert "has to be run again" in refused.err
    assert "give --yes to let it" in refused.err
    agreed = gradb("run", "--yes", "-e", then, "x.tape", cwd=folder)
    assert agreed.code == 0, agreed.err
