"""The script's process is as it would be without gradb: signals, the terminal, descriptors, and who outlives whom."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from gradb.frame.reader import Tape
from tests.e2e.gradb_process import GRADB, SCRIPTS, WarmProcess, bare, gradb, processes_with

PATIENCE = 60.0
SIGNALS = ("HUP", "TERM", "INT", "QUIT", "USR1", "USR2", "WINCH", "CONT")


def state(pid: int) -> str:
    """Return the state of a process as the system has it: T for stopped, empty once it is gone."""
    try:
        found = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""
    return "" if found == "Z" else found


def waits_for_signals(pid: int) -> bool:
    """Tell whether a process has signals kept from its first thread, as gradb has while it passes them on.

    While it starts another process Python keeps all of them from it, SIGALRM too.
    """
    blocked = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigBlk"))
    user, alarm = (int(blocked.split()[1], 16) >> (number - 1) & 1 for number in (signal.SIGUSR2, signal.SIGALRM))
    return bool(user and not alarm)


def wait_for(condition: Callable[[], object]) -> None:
    """Wait for a condition, however slow the machine is."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def heed_signals() -> None:
    """Undo what a background job of a shell, or nohup, has the tests and all that they start ignore."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


RECORD = ("record",)
RUN = ("run", "-e", "finish")
SEARCH = ("run", "-e", "until node Softmax; show chain")


def said(folder: Path) -> list[str]:
    """Return what the script has said up to now."""
    file = folder / "end.said"
    return file.read_text().split("\n")[:-1] if file.exists() else []


class Recording:
    """``gradb record``, or ``gradb run`` without a screen, of the script that says what signals it gets."""

    def __init__(self, folder: Path, *words: str, by: tuple[str, ...] = RECORD) -> None:
        self.tape = folder / "run.tape"
        self._end = folder / "end"
        command = [*GRADB, *by, "-o", str(self.tape), "gets_signals.py", str(self._end), *words]
        self.process = WarmProcess(
            command, cwd=SCRIPTS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0
        )
        self._folder = folder
        self._read = 0
        words = tuple(self.line().split())
        self.script, self.child = int(words[1]), int(words[2])
        wait_for(lambda: waits_for_signals(self.process.pid))  # a script that is forked may say so sooner

    def line(self) -> str:
        """Return the next line that the script says."""
        wait_for(lambda: len(said(self._folder)) > self._read)
        self._read += 1
        return said(self._folder)[self._read - 1]

    def end(self) -> int:
        """Have the script end and return the exit code."""
        self._end.touch()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End whatever is left."""
        self.process.kill()
        self.process.wait(PATIENCE)


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Callable[..., Recording]]:
    """Start recordings, and end them after the test."""
    started: list[Recording] = []

    def start(*words: str, by: tuple[str, ...] = RECORD) -> Recording:
        started.append(Recording(tmp_path, *words, by=by))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.mark.parametrize(("by", "code"), [(RECORD, 7), (RUN, 0)])
def test_every_signal_reaches_the_script(by: tuple[str, ...], code: int, recording: Callable[..., Recording]) -> None:
    """Its own handlers run, once each; all stop together and go on together; the exit code is what it is without."""
    run = recording(by=by)
    for name in SIGNALS:
        run.process.send_signal(getattr(signal, f"SIG{name}"))
        assert run.line() == f"SIG{name}"
    pids = [run.process.pid, run.script]
    run.process.send_signal(signal.SIGTSTP)
    wait_for(lambda: [state(pid) for pid in pids] == ["T", "T"])
    run.process.send_signal(signal.SIGCONT)
    assert run.line() == "SIGCONT"
    wait_for(lambda: "T" not in [state(pid) for pid in pids])
    assert run.end() == code


@pytest.mark.parametrize("by", [RECORD, RUN])
def test_a_script_that_stays_at_a_stop_has_gradb_stay(by: tuple[str, ...], recording: Callable[..., Recording]) -> None:
    """Its own handler runs and neither is stopped; what comes after is heard."""
    run = recording("busy", by=by)
    for name in ("TSTP", "USR1"):
        run.process.send_signal(getattr(signal, f"SIG{name}"))
        assert run.line() == f"SIG{name}"
    assert "T" not in [state(run.process.pid), state(run.script)]


@pytest.mark.parametrize(("name", "by"), [("TERM", RECORD), ("USR1", RECORD), ("HUP", RUN), ("TERM", SEARCH)])
def test_a_signal_that_ends_the_script_ends_gradb(
    name: str, by: tuple[str, ...], recording: Callable[..., Recording]
) -> None:
    """The shell sees what it would see; what another process sends does not go to the script's children."""
    run = recording("plain", by=by)
    number = getattr(signal, f"SIG{name}")
    run.process.send_signal(number)
    assert run.process.wait(PATIENCE) == -number
    assert state(run.child)
    os.kill(run.child, signal.SIGKILL)
    with Tape.open(run.tape) as tape:
        assert tape.is_finished


@pytest.mark.parametrize("by", [RECORD, RUN])
def test_a_recorder_that_is_killed_takes_the_script_and_its_children(
    by: tuple[str, ...], recording: Callable[..., Recording]
) -> None:
    """Nothing lives on unseen, and what is on the tape opens."""
    run = recording("plain", by=by)
    run.process.kill()
    wait_for(lambda: not state(run.script) and not state(run.child))
    with Tape.open(run.tape) as tape:
        assert not tape.is_finished


def test_the_terminal_stops_and_continues_all(tmp_path: Path) -> None:
    """Ctrl+Z stops gradb, the script and its child, `fg` continues them, and a hang-up ends them."""
    shell = pexpect.spawn(
        "sh", ["-i"], env=os.environ | {"PS1": "$ "}, cwd=str(SCRIPTS), encoding="utf-8",
        preexec_fn=heed_signals,
    )  # fmt: skip
    try:
        command = [
            *GRADB,
            "record",
            "-o",
            str(tmp_path / "run.tape"),
            "gets_signals.py",
            str(tmp_path / "end"),
            "plain",
        ]
        shell.sendline(" ".join(command))
        shell.expect(r"ready (\d+) (\d+)", timeout=PATIENCE)
        pids = [int(word) for word in shell.match.groups()]
        shell.send("\x1a")
        wait_for(lambda: [state(pid) for pid in pids] == ["T", "T"])
        shell.expect(r"\$ ", timeout=PATIENCE)
        shell.sendline("fg")
        wait_for(lambda: "T" not in [state(pid) for pid in pids])
        shell.send("\x03")
        shell.expect("KeyboardInterrupt", timeout=PATIENCE)
        wait_for(lambda: not any(state(pid) for pid in pids))
    finally:
        shell.close(force=True)


@pytest.mark.parametrize("limit", [256, 2000])
def test_closed_descriptors_cost_nothing(limit: int, tmp_path: Path) -> None:
    """The script's descriptors have the numbers that they have bare; no file of its is touched; all is recorded."""
    done = gradb("record", "-o", tmp_path / "run.tape", "closes_descriptors.py", str(limit))
    plain = bare("closes_descriptors.py", str(limit))
    assert (done.code, done.out) == (plain.code, plain.out)
    assert plain.out == "3 [8.0, 8.0, 8.0] []\n"
    with Tape.open(tmp_path / "run.tape") as tape:
        assert tape.run.stopped is None
        assert tape.is_finished
        assert [event.kind for event in tape.events()].count("accumulate") == 4
    assert done.err == plain.err


class App:
    """The app on a terminal that is not its own, so that no signal tells it when that goes away."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.terminal, theirs = os.openpty()
        os.set_blocking(self.terminal, False)
        self._folder = folder
        command = [*GRADB, "-o", f"{folder}/run.tape", f"{SCRIPTS}/gets_signals.py", f"{folder}/end", *words]
        self.process = WarmProcess(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        self._painted = b""

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait for a condition, and take in meanwhile what is painted."""

        def is_met() -> object:
            self._take_in()
            return condition()

        wait_for(is_met)

    def read_until(self, text: bytes) -> None:
        """Take in what is painted until a text has been."""
        self.wait_for(lambda: text in self._painted)

    def _take_in(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            self._painted += os.read(self.terminal, 65536)

    def run_on(self) -> None:
        """Press the key that has the script run to its end."""
        os.write(self.terminal, b"f")

    def send(self, name: str) -> None:
        """Send the app a signal."""
        self.process.send_signal(getattr(signal, f"SIG{name}"))

    def said(self, name: str) -> int:
        """Return how often the script has said that it got a signal."""
        return said(self._folder).count(f"SIG{name}")

    def states(self) -> list[str]:
        """Return the states of the app and of the script."""
        return [state(self.process.pid), state(int(said(self._folder)[0].split()[1]))]

    def hang_up(self) -> None:
        """Take the terminal away."""
        os.close(self.terminal)
        self.terminal = -1

    def left(self) -> list[int]:
        """Return the processes of the script that live."""
        return [pid for pid in processes_with(str(self._folder / "run.tape")) if pid != self.process.pid]

    def close(self) -> None:
        """End whatever is left."""
        self.process.kill()
        self.process.wait(PATIENCE)
        if self.terminal >= 0:
            self.hang_up()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Start apps, and end them after the test."""
    started: list[App] = []

    def start(*words: str) -> App:
        started.append(App(tmp_path, *words))
        started[-1].read_until(b"paused")
        started[-1].run_on()
        started[-1].wait_for(lambda: said(tmp_path))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.mark.parametrize("last", ["HUP", "TERM", "QUIT"])
def test_an_app_that_a_signal_ends_lets_the_script_have_it(last: str, app: Callable[..., App]) -> None:
    """The script's own handler runs, then nothing is left of either."""
    run = app()
    run.send(last)
    run.wait_for(lambda: run.process.poll() is not None)
    assert run.process.returncode == 128 + getattr(signal, f"SIG{last}")
    assert run.said(last) == 1
    wait_for(lambda: not run.left())


def test_every_signal_of_the_app_reaches_the_script(app: Callable[..., App]) -> None:
    """Its own handlers run, once each (Ctrl+C pauses it); app and script stop and go on together, a second time too."""
    run = app()
    counts = dict.fromkeys(("USR1", "USR2", "WINCH", "CONT"), 0)
    for name in (*counts, "TSTP", "CONT", "WINCH", "USR1", "TSTP", "CONT", "USR2"):
        run.send(name)
        if name == "TSTP":
            run.wait_for(lambda: run.states() == ["T", "T"])
            continue
        counts[name] += 1
        run.wait_for(lambda: {name: run.said(name) for name in counts} == counts)
    assert "T" not in run.states()


def test_an_app_without_a_terminal_ends_whatever_arrives(app: Callable[..., App]) -> None:
    """It notices by itself, and a signal that would have it write to the terminal does not keep it."""
    run = app()
    run.process.send_signal(signal.SIGSTOP)
    run.hang_up()
    run.process.send_signal(signal.SIGCONT)
    assert run.process.wait(PATIENCE) == 128 + signal.SIGHUP
    wait_for(lambda: not run.left())


def test_an_app_that_is_killed_takes_the_script(app: Callable[..., App]) -> None:
    """However it goes, nothing lives on unseen."""
    run = app()
    run.process.kill()
    run.process.wait(PATIENCE)
    wait_for(lambda: not run.left())
