"""Starting and ending a debuggee, with small children that are no debuggees."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.link.channel import Channel, Closed
from gradb.link.launch import DebuggeeProcess, Strays, launch
from gradb.link.messages import Loading, Pause
from gradb.link.spec import RunSpec

PATIENCE = 60.0


def child(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


@pytest.fixture
def spec(tmp_path: Path) -> RunSpec:
    """Give an order for a script that nobody will read."""
    return RunSpec("a.py", str(tmp_path / "a.tape"))


@pytest.fixture
def started() -> Iterator[list[DebuggeeProcess]]:
    """Collect debuggees and end them after the test."""
    debuggees: list[DebuggeeProcess] = []
    yield debuggees
    for debuggee in debuggees:
        debuggee.kill()
        debuggee.close()


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def drained(debuggee: DebuggeeProcess, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while debuggee.poll() is None or debuggee.pipes:
        debuggee.drain_rest()
        assert time.monotonic() < deadline
        time.sleep(0.005)


ECHO = """
import sys
from gradb.link.channel import Channel
from gradb.link.messages import Loading
from gradb.link.spec import RunSpec
channel = Channel.from_fd(int(sys.argv[1]))
channel.send(Loading(RunSpec.from_json(sys.argv[2]).target + repr(channel.receive(60.0)) + sys.stdin.read()))
"""


def test_child_gets_channel_spec_and_stdin(spec: RunSpec, started: list[DebuggeeProcess], tmp_path: Path) -> None:
    """The child finds its descriptor, its order and its standard input, and the two speak."""
    (tmp_path / "in").write_text("5\n")
    started.append(launch(RunSpec("a.py", spec.tape, stdin=str(tmp_path / "in")), child(ECHO)))
    channel: Channel = started[0].channel
    channel.send(Pause(4))
    assert channel.receive(60.0) == Loading("a.pyPause(seq=4)5\n")
    with pytest.raises(Closed):
        channel.receive(60.0)
    assert started[0].wait(PATIENCE) == 0


PRINT_SURROUNDINGS = "import os; print(os.getcwd(), os.environ.get('PYTHONHASHSEED'))"


def test_child_has_the_working_directory_that_is_asked_for(
    spec: RunSpec, started: list[DebuggeeProcess], tmp_path: Path
) -> None:
    """A script can be run where it ran before, wherever gradb is, and with the hashes that it had."""
    started.append(launch(replace(spec, cwd=str(tmp_path), hash_seed=7), child(PRINT_SURROUNDINGS)))
    drained(started[0])
    assert started[0].strays.texts() == [("stdout", f"{tmp_path} 7\n")]


def test_hash_seed_is_made_up_once_and_told(
    spec: RunSpec, started: list[DebuggeeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run has a seed of its own for the hashes of text, which it is told of; the user's own stays."""
    told = "import sys; from gradb.link.spec import RunSpec; print(RunSpec.from_json(sys.argv[2]).hash_seed)"
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    texts = []
    for _ in range(2):
        started.append(launch(spec, child(f"{PRINT_SURROUNDINGS}; {told}")))
        drained(started[-1])
        texts.append(started[-1].strays.texts()[0][1].split()[1:])
    assert texts[0][0] == texts[0][1]
    assert texts[0] != texts[1]
    monkeypatch.setenv("PYTHONHASHSEED", "random")
    started.append(launch(spec, child(f"{PRINT_SURROUNDINGS}; {told}")))
    drained(started[-1])
    assert started[-1].strays.texts()[0][1].split()[1:] == ["random", "None"]


def test_missing_stdin_starts_nothing(spec: RunSpec, tmp_path: Path) -> None:
    """Where the file for stdin cannot be opened, nothing is started and nothing stays open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        launch(RunSpec("a.py", spec.tape, stdin=str(tmp_path / "no")), child(""))
    assert len(os.listdir("/proc/self/fd")) == before


def test_output_past_the_tracer_is_kept(spec: RunSpec, started: list[DebuggeeProcess]) -> None:
    """What reaches the process's own stdout and stderr is kept by stream."""
    started.append(launch(spec, child("import os; os.write(1, b'one\\n'); os.write(2, b'tw\\xff\\n')")))
    drained(started[0])
    assert sorted(started[0].strays.texts()) == [("stderr", "tw\ufffd\n"), ("stdout", "one\n")]


def test_kill_takes_the_whole_group(spec: RunSpec, started: list[DebuggeeProcess]) -> None:
    """A child of the child does not survive."""
    code = "import os, time; pid = os.fork(); pid and os.write(1, b'%d ' % pid); time.sleep(600)"
    started.append(launch(spec, child(code)))
    deadline = time.monotonic() + PATIENCE
    while not started[0].strays.texts():
        started[0].drain_rest()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    grandchild = int(started[0].strays.texts()[0][1])
    assert is_alive(grandchild)
    started[0].kill()
    assert started[0].poll() == -9
    wait_until_gone(grandchild)


def test_interrupt_is_ctrl_c(spec: RunSpec, started: list[DebuggeeProcess]) -> None:
    """The child gets a KeyboardInterrupt."""
    code = """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
try:
    os.write(1, b'ready')
    time.sleep(600)
except KeyboardInterrupt:
    raise SystemExit(7)
"""
    started.append(launch(spec, child(code)))
    deadline = time.monotonic() + PATIENCE
    while not started[0].strays.texts():
        started[0].drain_rest()
        assert time.monotonic() < deadline
    started[0].signal(signal.SIGINT)
    assert started[0].wait(PATIENCE) == 7


def test_wait_gives_up(spec: RunSpec, started: list[DebuggeeProcess]) -> None:
    """A process that lives on is not waited for beyond the time."""
    started.append(launch(spec, child("import time; time.sleep(600)")))
    assert started[0].wait(0.01) is None
    assert started[0].poll() is None


def test_strays_are_bounded() -> None:
    """Of much output the newest is kept, and how much was let go is said."""
    strays = Strays(limit=1000)
    for i in range(100):
        strays.add("stdout", f"{i:099}\n".encode())
    strays.add("stderr", b"the end")
    (note, *_), stdout, stderr = strays.texts()[0], strays.texts()[1], strays.texts()[-1]
    assert note == "stdout"
    assert "9,100 bytes" in strays.texts()[0][1]
    assert len(stdout[1]) <= 1000
    assert stdout[1].endswith("99\n")
    assert stderr == ("stderr", "the end")
