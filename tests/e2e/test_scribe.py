"""Whatever is killed at whatever moment, what was recorded until then is on the tape, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradb.debugger.run import Run
from gradb.link.messages import Continue
from gradb.link.spec import RunSpec
from gradb.log.segments import folder_of
from gradb.tape.stops import Stop
from tests.e2e.gradb_process import DEADLINE, GRADB, WarmProcess, gradb, processes_with, wait_until_none_with

pytestmark = pytest.mark.e2e
_SCRIPT = """
import sys, time
for number in range(int(sys.argv[1])):
    print("line", number, flush=True)
    time.sleep(0.002)
"""


_LINES = 500


def is_scribe(id_: int) -> bool:
    """Tell whether a process is a scribe."""
    return b"scribe/__main__.py" in Path(f"/proc/{id_}/cmdline").read_bytes()


_REMOVES = """
import os, shutil, sys, time
log = sys.argv[1] + "-log"
print("before", flush=True)
time.sleep(0.5)
{act}
for number in range(20):
    print("after", number)
"""


class Recording:
    """A ``gradb record`` that is under way."""

    def __init__(self, folder: Path, lines: int) -> None:
        self.tape = folder / "run.tape"
        (folder / "script.py").write_text(_SCRIPT)
        words = [*GRADB, "record", "-o", str(self.tape), "script.py", str(lines)]
        self.process = WarmProcess(words, cwd=folder, stdout=subprocess.PIPE, text=True)

    def read_until(self, line: str) -> None:
        """Read what the script prints, up to a line."""
        assert self.process.stdout is not None
        assert any(one.strip() == line for one in self.process.stdout)

    def wait_until_logged(self, number: int) -> None:
        """Wait until a line is in a whole record of the log, where a later record stands behind it.

        The script's process writes lines by the clock, many at once: what is seen may be in one that is not whole yet.
        """
        self._wait_until_seen(number)
        later = next((one for one in range(number, _LINES) if not self._is_seen(one)), None)
        if later is not None:
            self._wait_until_seen(later)

    def _is_seen(self, number: int) -> bool:
        files = Path(folder_of(self.tape)).iterdir()
        return any(f"line {number}".encode() in path.read_bytes() for path in files)

    def _wait_until_seen(self, number: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while not self._is_seen(number):
            assert time.monotonic() < deadline, f"line {number} is not in the log"
            time.sleep(0.05)  # a look takes long: the files are read whole

    def scribe(self) -> int:
        """Return the id of the process that writes the tape, waiting until there is one."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            for id_ in processes_with(str(self.tape)):
                if is_scribe(id_):
                    return id_
            time.sleep(0.05)
        raise AssertionError("there is no scribe")

    def debuggee(self) -> int:
        """Return the id of the script's process."""
        (found,) = (
            id_
            for id_ in processes_with(str(self.tape))
            if b"tracer/__main__.py" in Path(f"/proc/{id_}/cmdline").read_bytes()
        )
        return found

    def lines(self) -> int:
        """Return how many lines the tape has, which must be the first that were printed."""
        shown = gradb("show", "--pane", "output", self.tape)
        assert shown.code == 0, shown.err
        printed = [line.strip() for line in shown.out.splitlines() if line.strip().startswith("line ")]
        assert printed == [f"line {number}" for number in range(len(printed))]
        return len(printed)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    """Give a recording of 500 lines."""
    recording = Recording(tmp_path, _LINES)
    yield recording
    recording.process.kill()
    recording.process.communicate(timeout=DEADLINE)
    wait_until_none_with(str(recording.tape))


def test_a_scribe_that_is_killed_is_started_again(recording: Recording) -> None:
    """Twice: the tape is whole, the exit code is the script's, and nobody has to know."""
    for line in (50, 250):
        recording.read_until(f"line {line}")
        os.kill(recording.scribe(), signal.SIGKILL)
    out, _ = recording.process.communicate(timeout=DEADLINE)
    assert recording.process.returncode == 0
    assert out.endswith("line 499\n")
    assert recording.lines() == 500
    assert not os.path.exists(folder_of(recording.tape))


def test_a_scribe_that_does_not_answer_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was stopped is ended after a while, and the pause that waited for it comes."""
    monkeypatch.setattr("gradb.debugger.writing.PATIENCE", 0.3)
    (tmp_path / "script.py").write_text(_SCRIPT)
    run = Run.launch(RunSpec(str(tmp_path / "script.py"), str(tmp_path / "run.tape"), arguments=("30",)))

    def wait() -> None:
        deadline = time.monotonic() + DEADLINE
        while run.is_running and time.monotonic() < deadline:
            run.pump(0.05)
        assert run.status == "paused"

    try:
        wait()
        (scribe,) = (id_ for id_ in processes_with(run.path) if is_scribe(id_))
        os.kill(scribe, signal.SIGSTOP)
        run.run_on(Continue(Stop("event")))
        wait()
        assert run.tape is not None
        assert run.tape.head >= 1
    finally:
        run.close()


def test_a_killed_gradb_leaves_a_tape(recording: Recording) -> None:
    """The script ends, and what it has recorded until then is written; no process and no log is left."""
    recording.read_until("line 100")
    recording.process.kill()
    wait_until_none_with(str(recording.tape))
    assert recording.lines() > 100
    assert not os.path.exists(folder_of(recording.tape))


def test_where_all_are_killed_the_tape_is_made_whole_when_it_is_opened(recording: Recording) -> None:
    """The log is there, with all but the record that was being written; afterwards it is not."""
    recording.read_until("line 100")
    scribe, debuggee = recording.scribe(), recording.debuggee()
    os.kill(scribe, signal.SIGSTOP)
    recording.read_until("line 200")
    recording.wait_until_logged(200)
    recording.process.kill()
    for id_ in (debuggee, scribe):
        with contextlib.suppress(ProcessLookupError):  # a script whose gradb is gone may have ended by itself
            os.kill(id_, signal.SIGKILL)
    wait_until_none_with(str(recording.tape))
    assert os.path.exists(folder_of(recording.tape))
    assert recording.lines() > 200
    assert not os.path.exists(folder_of(recording.tape))


def test_a_scribe_that_dies_again_and_again_ends_the_recording_and_not_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence says so; the exit code stands."""
    (tmp_path / "script.py").write_text("import sys, time\nprint('hello')\ntime.sleep(0.5)\nsys.exit(3)\n")
    code = (
        "import sys; from gradb.link import scribes; from pathlib import Path\n"
        "scribes._SCRIBE = Path(sys.argv[1]); from gradb.cli.main import main\n"
        "sys.exit(main(sys.argv[2:]))"
    )
    (tmp_path / "dies.py").write_text("raise SystemExit(1)\n")
    words = [sys.executable, "-c", code, str(tmp_path / "dies.py"), "record", "-o", "run.tape", "script.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert (done.returncode, done.stdout) == (3, "hello\n")
    said, rest = done.stderr.splitlines()
    assert said.startswith("gradb: the recording ends after event 0: ")
    assert "the process that writes the tape dies again and again" in said
    assert rest == "gradb: the tape is not written to its end yet: opening run.tape does the rest".replace(
        "run.tape", str(tmp_path / "run.tape")
    )
    shown = gradb("show", "--pane", "output", tmp_path / "run.tape")
    assert shown.code == 0
    assert sorted(one.name for one in tmp_path.iterdir()) == ["dies.py", "run.tape", "script.py"]


def test_what_the_scribe_has_no_time_for_waits_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who leaves while it is behind loses nothing: the tape is made whole when it is opened."""
    monkeypatch.setattr("gradb.debugger.writing._PARTING", 0.3)
    (tmp_path / "script.py").write_text(_SCRIPT)
    script, tape = str(tmp_path / "script.py"), str(tmp_path / "run.tape")
    run = Run.launch(RunSpec(script, tape, arguments=("100",), is_paused_at_start=False))
    try:
        deadline = time.monotonic() + DEADLINE
        while not (scribes := [id_ for id_ in processes_with(run.path) if is_scribe(id_)]):
            assert time.monotonic() < deadline
        os.kill(scribes[0], signal.SIGSTOP)
        while run.status != "writing the tape":
            run.pump(0.05)
            assert time.monotonic() < deadline
    finally:
        run.close()
    assert run.closing == [f"the tape is not written to its end yet: opening {run.path} does the rest"]
    whole = Run.open(run.path)
    assert whole.tape is not None
    assert whole.tape.is_finished
    whole.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["run.tape", "script.py"]


@pytest.mark.parametrize("act", ["shutil.rmtree(log)", "[os.remove(f'{log}/{name}') for name in os.listdir(log)]"])
def test_a_script_that_removes_its_log_loses_nothing_of_what_had_room(act: str, tmp_path: Path) -> None:
    """The segment that is read is read to its end."""
    (tmp_path / "script.py").write_text(_REMOVES.format(act=act))
    done = gradb("record", "-o", tmp_path / "run.tape", "script.py", tmp_path / "run.tape", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    shown = gradb("show", "--pane", "output", tmp_path / "run.tape")
    assert [line.strip() for line in shown.out.splitlines()] == ["before", *(f"after {n}" for n in range(20))]


def test_what_is_no_log_of_gradbs_is_not_touched(tmp_path: Path) -> None:
    """Neither by a recording, which says so before anything is done, nor by who looks at the tape."""
    (tmp_path / "script.py").write_text("print('hello')\n")
    assert gradb("record", "-o", "run.tape", "script.py", cwd=tmp_path).code == 0
    kept = (tmp_path / "run.tape").read_bytes()
    (tmp_path / "run.tape-log").mkdir()
    (tmp_path / "run.tape-log" / "1").write_text("mine")
    done = gradb("record", "-o", "run.tape", "script.py", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "gradb: cannot write run.tape: run.tape-log is there already, and it is no log of gradb's\n"
    assert gradb("show", "--pane", "output", "run.tape", cwd=tmp_path).code == 0
    assert (tmp_path / "run.tape-log" / "1").read_text() == "mine"
    assert (tmp_path / "run.tape").read_bytes() == kept
