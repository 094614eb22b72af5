"""Checkpoints of a script: what goes on from one does what the script did, and the script sees nothing of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gradb.debugger.rerun.again import around
from gradb.debugger.rerun.watched import of_tape
from gradb.frame.reader import Tape
from gradb.link.checkpoints import NotStarted
from gradb.link.spec import RunSpec
from gradb.log import marks
from tests.e2e import gradb_process
from tests.e2e.checkpointed import Script, begun, differing, events_of, full, lived, printed, script
from tests.e2e.gradb_process import (
    DEADLINE,
    ROOT,
    SCRIPTS,
    WarmParts,
    WarmProcess,
    bare,
    processes_with,
    wait_until_none_with,
)

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="there are none elsewhere")]

NAME = "looked_at.py"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the script in it, where what gradb starts is forked."""
    monkeypatch.setattr(subprocess, "Popen", WarmParts)
    shutil.copy(SCRIPTS / NAME, tmp_path)
    return tmp_path


def spec(folder: Path, *words: str) -> RunSpec:
    """Return the order to run the script."""
    return RunSpec(NAME, str(folder / "x.tape"), arguments=words, cwd=str(folder), seed=5)


def as_bare(folder: Path, *words: str) -> list[str]:
    """Return what the script prints without gradb."""
    (folder / "bare").mkdir()
    (folder / "bare" / "go").touch()
    return bare(folder / NAME, *words, cwd=folder / "bare").out.splitlines()


def opened() -> set[str]:
    """Return what this process has open."""
    found = set()
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one by which they are listed
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
    return found


def at(one: Script, iteration: int) -> None:
    """Have a checkpoint made at the beginning of an iteration."""
    one.go_to_iteration(iteration - 1)
    one.make_one()
    one.go_on()
    one.until(lambda: one.waiting or one.said)
    assert not one.said, one.said
    assert [(here.number, here.iteration) for here in one.waiting] == [(1, iteration)]


@pytest.mark.parametrize(
    ("words", "is_late", "accelerator"),
    [((), True, "on"), (("threads",), False, "on"), (("threads",), True, "off"), ((), False, "off")],
)
def test_a_runner_does_what_a_run_again_does(
    words: tuple[str, ...], is_late: bool, accelerator: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Event for event, while the script goes on and after it; the script itself does what it does without gradb."""
    monkeypatch.setenv("GRADB_ACCELERATOR", accelerator)
    with script(spec(folder, "waits", *words)) as one:
        at(one, 18)
        if is_late:
            (folder / "go").touch()
            one.end()
        run = lived(one.waiting[0], one.spec, folder / "r.tape", interventions=full(20), ends_after=22, probe="auto")
        assert (run.failure, run.status) == ("", "ended by gradb after iteration 22")
        (folder / "go").touch()
        one.end()
        (folder / "again").mkdir()
        again = around(of_tape(str(folder / "x.tape")), 21, str(folder / "again"), is_agreed=True)
        assert again.has_repeated
        assert differing(again.tape, folder / "r.tape") == []
    assert printed(folder / "x.tape") == as_bare(folder, "waits", *words)
    assert (folder / "exits.txt").read_text() == "finally\nexit\n"
    assert not (folder / "forks.txt").exists()
    left = {name for name in os.listdir(folder) if name.startswith(("x.", "r."))}
    assert left == {"x.tape", "r.tape"}
    wait_until_none_with(str(folder))


def test_a_runner_goes_to_the_end(folder: Path) -> None:
    """What is open is its own. It ends before it would write to a file by its path: that is the script's to do."""
    with script(spec(folder, "keeps", "waits")) as one:
        at(one, 12)
        run = begun(one.waiting[0], one.spec, folder / "r.tape")
        (folder / "go").touch()
        one.end()
        kept = (folder / "kept.txt").read_text()
        while run.is_live:
            run.pump(0.05)
    assert printed(folder / "x.tape") == as_bare(folder, "keeps", "waits")
    assert kept.split() == [str(number) for number in range(1, 41)]
    assert run.status.startswith(f"ended by gradb: it tried to write {folder / 'exits.txt'} at {NAME}:")
    with Tape.open(str(folder / "r.tape")) as tape:
        assert [write.path for write in tape.writes.kept] == [str(folder / "exits.txt")]
        assert tape.fact("tried") is not None
        assert {event.iteration for event in tape.events()} == set(range(1, 42))
    assert printed(folder / "r.tape") == [f"iteration {number} is over" for number in (10, 20, 30, 40)]
    assert (folder / "kept.txt").read_text() == kept
    assert (folder / "exits.txt").read_text() == "finally\nexit\n"


def test_a_run_in_full(folder: Path) -> None:
    """What is recorded from a checkpoint on is what the script itself has recorded, with all values."""
    with script(spec(folder), full=100) as one:
        at(one, 10)
        one.end()
        lived(one.waiting[0], one.spec, folder / "r.tape", ends_after=14)
    events = [events_of(folder / name, 14) for name in ("x.tape", "r.tape")]
    assert len(events[0]) > 14 * 20
    assert events[0] == events[1]


def test_what_stands_against_a_checkpoint_is_told(folder: Path) -> None:
    """Nothing is made then, and the script goes on."""
    with script(spec(folder, "thread")) as one:
        one.go_to_iteration(3)
        one.make_one()
        one.go_on()
        one.until(lambda: one.said)
        one.end()
    assert (one.said[0].why, one.said[0].iteration) == ("the script has another thread (sleeper)", 4)
    assert one.waiting == []


def test_several_runners_of_several_checkpoints(folder: Path) -> None:
    """Each checkpoint stays, and may be used again; garbage that is cyclic is collected all the same."""
    gradb_process.start_server()
    before = opened()
    with script(spec(folder, "garbage", "few")) as one:
        at(one, 10)
        one.until(lambda: not one.run.is_live)
        tapes = [folder / f"{number}.tape" for number in (1, 2)]
        for tape in tapes:
            lived(one.waiting[0], one.spec, tape, interventions=full(15), ends_after=16).close()
        assert differing(*tapes) == []
        pid = one.waiting[0].pid
        assert (os.getpgid(pid), os.getsid(pid)) == (pid, pid)  # what a terminal sends does not reach it
        one.waiting[0].close()
        with pytest.raises(NotStarted, match="is gone"):
            one.waiting[0].start(one.spec)
    assert (folder / "left.txt").read_text() == "0"
    wait_until_none_with(str(folder))
    assert opened() <= before


@pytest.mark.parametrize("victim", ["script", "gradb", "checkpoint"])
def test_what_is_killed_takes_along_what_it_should(victim: str, folder: Path) -> None:
    """A runner ends with its checkpoint, both with gradb; a checkpoint outlives its script while gradb is there."""
    gradb = WarmProcess(
        [sys.executable, str(SCRIPTS / "holds_checkpoint.py"), NAME, str(folder)], cwd=folder, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert gradb.stdout is not None
    pids = dict(zip(("script", "checkpoint", "runner"), map(int, gradb.stdout.readline().split()), strict=True))
    os.kill(pids.get(victim, gradb.pid), signal.SIGKILL)
    gone = {"script": ["script"], "checkpoint": ["checkpoint", "runner"], "gradb": [*pids]}[victim]
    deadline = time.monotonic() + DEADLINE
    while {pids[name] for name in gone} & set(processes_with(str(folder))) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = set(processes_with(str(folder)))
    assert {name for name in pids if pids[name] in left} == set(pids) - set(gone)
    gradb.kill()
    gradb.communicate()
    wait_until_none_with(str(folder))
    assert not Path(marks.folder_of(folder / "x.tape")).exists()
