"""The debugger and its debuggee: starting, running, pausing, ending, and every way in which that goes wrong."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.run import Run
from gradb.frame.reader import Tape
from gradb.link.messages import Continue, Message, Paused, Request
from gradb.link.spec import Intervention, RunSpec
from gradb.tape.kinds.end import EndDetail
from gradb.tape.stops import Stop
from tests.fakes.debuggee import PRINTED
from tests.processes.debugger.conftest import PATIENCE, Live

STEP = Stop("step")


class Words:
    """A debuggee that says what it is told to, and keeps what it hears."""

    is_dead = is_gone = is_cut_off = False

    def __init__(self) -> None:
        self.heard: list[Request] = []
        self.said: list[Message] = []

    def send(self, message: Request) -> None:
        """Hear a request."""
        self.heard.append(message)

    def poll(self, timeout: float) -> list[Message]:
        """Say what is to be said."""
        words, self.said = self.said, []
        return words


def pump_until(debugger: Debugger, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        debugger.pump(0.05)


def test_an_answer_from_before_the_script_went_on_is_no_pause(tmp_path: Path) -> None:
    """A change found the script at its stop: its answer comes when the script has been sent on, and it runs."""
    words = Words()
    run = Run(str(tmp_path / "none.tape"), words)  # type: ignore[arg-type]
    seen = []

    def hear(*messages: Message) -> None:
        words.said += messages
        run.pump()
        seen.append((run.head, run.is_running))

    hear(Paused(0))
    run.run_on(Continue(STEP))
    run.intervene(Intervention("lr", "0.5"))
    hear(Paused(3, 1))
    run.run_on(Continue(Stop("end")))
    hear(Paused(4, 2))
    run.pause()
    hear(Paused(9, 4))
    assert seen == [(0, False), (3, False), (4, True), (9, False)]
    assert [request.seq for request in words.heard] == [1, 2, 3, 4]


def end_of(path: Path) -> EndDetail:
    with Tape.open(path) as tape:
        detail = tape.detail(tape.head)
        assert isinstance(detail, EndDetail)
        return detail


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_start_does_not_wait(live: Live) -> None:
    """Launching returns at once; the status says what takes its time, until the script is paused at its start."""
    debugger = live("chain_rule", is_waited_for=False)
    assert (debugger.is_live, debugger.is_running, debugger.status) == (True, True, "starting Python")
    with pytest.raises(UserError, match="nothing is recorded yet"):
        debugger.frame()
    assert debugger.wait(PATIENCE)
    assert (debugger.is_running, debugger.status, debugger.position) == (False, "paused", 0)
    assert debugger.run.torch == "2.13.0"
    assert debugger.frame().run.title


def test_steps_asked_for_while_starting_are_kept(live: Live) -> None:
    """Keys pressed before the script is there are not lost."""
    debugger = live("chain_rule", is_waited_for=False)
    for _ in range(3):
        debugger.forward(STEP)
    assert debugger.wait(PATIENCE)
    assert debugger.position == 3


def test_event_loop_can_watch_one_descriptor(live: Live) -> None:
    """The descriptor is readable when there is something to take in, and quiet when there is not."""
    debugger = live("chain_rule")
    assert not select.select([debugger.fileno()], [], [], 0)[0]
    debugger.forward(STEP)
    while debugger.is_running:
        assert select.select([debugger.fileno()], [], [], PATIENCE)[0]
        debugger.pump(0.0)
    assert debugger.position == 1
    assert not debugger.pump(0.0)
    debugger.run_to_end()
    while debugger.is_live:
        assert select.select([debugger.fileno()], [], [], PATIENCE)[0]
        debugger.pump(0.0)
    assert debugger.fileno() == -1
    assert not debugger.pump(0.0)


def test_going_back_leaves_the_script_alone(live: Live) -> None:
    """Looking at earlier positions does not move the head; stepping past it goes on from there."""
    debugger = live("chain_rule")
    debugger.forward(STEP, count=4)
    assert debugger.wait(PATIENCE)
    debugger.back(STEP, count=3)
    assert (debugger.position, debugger.head, debugger.is_running) == (1, 4, False)
    debugger.forward(STEP, count=4)
    assert debugger.wait(PATIENCE)
    assert (debugger.position, debugger.head) == (5, 5)


def test_run_to_the_end(live: Live, tmp_path: Path) -> None:
    """After the end the tape is one clean file, the position is its head, and the status is the run's."""
    debugger = live("chain_rule")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    assert (debugger.is_live, debugger.position, debugger.head, debugger.status) == (False, 19, 19, "finished")
    assert debugger.run.return_code == 0
    assert debugger.message == "the script has ended (finished)"
    debugger.close()
    assert {path.name for path in tmp_path.iterdir()} == {"live.tape"}


def test_run_without_a_pause_at_the_start(live: Live) -> None:
    """A run that is not paused at its start goes to its end."""
    debugger = live("chain_rule", is_paused_at_start=False)
    assert (debugger.is_live, debugger.position) == (False, 19)


def test_endless_loop_can_be_left(live: Live, tmp_path: Path) -> None:
    """A script that loops for ever without an event leaves the debugger usable, and no process behind."""
    debugger = live("chain_rule", "spin=5")
    debugger.forward(Stop("end"))
    assert not debugger.wait(0.3)
    pump_until(debugger, lambda: debugger.position == 5)
    assert (debugger.is_running, debugger.status) == (True, "running")
    debugger.pause()
    debugger.pause()
    assert debugger.status == "pausing"
    debugger.back(STEP)
    assert debugger.position == 4
    assert debugger.frame().event is not None
    debugger.forward(STEP)
    assert debugger.position == 5
    live_run = debugger.run._live
    assert live_run is not None
    pid = live_run.debuggee.pid
    debugger.close()
    assert not is_alive(pid)
    assert end_of(tmp_path / "live.tape").reason == "ended without notice"


def test_pause_stops_a_run(live: Live) -> None:
    """A script that is asked to pause does, at its next event; what was queued is forgotten."""
    debugger = live("training", is_waited_for=False)
    debugger.forward(STEP, count=5)
    debugger.pause()
    assert debugger.wait(PATIENCE)
    assert debugger.position <= 1
    debugger.pause()
    assert debugger.message == "the script is not running"


def test_another_movement_has_to_wait(live: Live) -> None:
    """While the script runs on, another movement is refused, and the same is kept for later."""
    debugger = live("chain_rule", "spin=9")
    debugger.forward(STEP, count=7)
    pump_until(debugger, lambda: debugger.position == 9)
    debugger.forward(Stop("line"))
    assert debugger.message == "the script is running: pause it first"
    for _ in range(100):
        debugger.forward(STEP)
    assert debugger.is_running


@pytest.mark.parametrize(
    ("mischief", "code", "status"), [("kill=5", -9, "killed by SIGKILL"), ("exit=5", 3, "exit code 3")]
)
def test_sudden_end(mischief: str, code: int, status: str, live: Live) -> None:
    """A debuggee that is killed, or leaves by the back door, ends the run with what was recorded up to there."""
    debugger = live("chain_rule", mischief)
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    assert (debugger.run.return_code, debugger.status, debugger.position) == (code, status, 6)
    assert debugger.frame().phase == "end"
    debugger.back(STEP)
    assert debugger.position == 5


def test_a_script_that_ends_is_left_to(live: Live) -> None:
    """It writes the rest of its open files after it has said that it ends: who closes the run waits for that."""
    debugger = live("chain_rule", "late=0.6")
    debugger.run_to_end()
    pump_until(debugger, lambda: debugger.status == "ending")
    debugger.close()
    assert debugger.run.return_code == 0


def test_much_output_is_drained_and_bounded(live: Live) -> None:
    """A process that prints without end is neither blocked nor kept in memory."""
    debugger = live("chain_rule", "print=5")
    debugger.run_to_end()
    assert debugger.wait(PATIENCE)
    assert debugger.status == "finished"
    text = "".join(line.text for line in debugger.frame().outputs)
    assert len(text) < 400_000 < PRINTED
    assert "bytes before this were not kept" in text


def test_children_are_ended_too(live: Live, tmp_path: Path) -> None:
    """A process that the script started does not outlive the debugger."""
    debugger = live("chain_rule", "child=3")
    debugger.forward(STEP, count=4)
    assert debugger.wait(PATIENCE)
    debugger.close()
    with Tape.open(tmp_path / "live.tape") as tape:
        (child,) = (line.text for line in tape.frame(tape.head).outputs)
    deadline = time.monotonic() + PATIENCE
    while is_alive(int(child.removeprefix("child "))):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_debuggee_that_never_begins(live: Live) -> None:
    """A debuggee that gives up before there is a tape is told in its own last words."""
    debugger = live("chain_rule", "refuse")
    assert debugger.run.failure == debugger.message == "there is no torch here"
    assert (debugger.is_live, debugger.tape, debugger.status) == (False, None, "nothing recorded")
    with pytest.raises(UserError, match="there is no torch here"):
        debugger.frame()


def test_command_that_does_not_exist(tmp_path: Path) -> None:
    """Where no process can be started, launching says so."""
    with pytest.raises(UserError, match="cannot start"):
        Run.launch(RunSpec("a.py", str(tmp_path / "a.tape")), (str(tmp_path / "no-such-python"),))


def test_close_is_idempotent(live: Live) -> None:
    """Closing twice, or after the end, does nothing more, and leaks no descriptor."""
    before = len(os.listdir("/proc/self/fd"))
    debugger = live("chain_rule")
    debugger.close()
    debugger.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert not debugger.is_live


def test_opening_what_is_no_tape(tmp_path: Path) -> None:
    """A file that is no tape is refused in a sentence."""
    (tmp_path / "x.tape").write_text("hello\n" * 100)
    with pytest.raises(UserError, match="not a gradb tape"):
        Debugger.open(str(tmp_path / "x.tape"))
