"""A script that runs while the screen lives: nothing blocks, and nothing is left behind."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import cast

import pytest

from gradb.debugger.breakpoints import Breakpoints
from gradb.debugger.debugger import Debugger
from gradb.debugger.displays import Displays
from gradb.debugger.errors import UserError
from gradb.debugger.inplace import InPlace, Spot
from gradb.debugger.judging import Judging
from gradb.debugger.pace import News
from gradb.debugger.quiz.quiz import Quiz
from gradb.debugger.run import Run
from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.options import Grads, PathChoice, Values
from gradb.tape.stops import Stop
from gradb.tui.app import GradbApp
from tests.tui.support import debug_screen, enter, position_of, shown, text_of, there, wait_until


class SlowDebugger:
    """A live debugger by hand: it moves when the test says so, over a real descriptor."""

    def __init__(self, path: Path) -> None:
        self.tape: Tape | None = Tape.open(str(path))
        self.position = self.head = 0
        self.is_live, self.is_running, self.is_closed = True, True, False
        self.status, self.message, self.waiting = "importing torch", "", ""
        self.progress = self.share = None
        self.patience = 0.0
        self.breakpoints = Breakpoints()
        self.shows_quiet = self.is_free = self.is_stepping = self.tells_of_end = False
        self.missed: Stop | None = None
        self.choice, self.grads, self.values = PathChoice(), Grads(), Values()
        self.news, self.judging, self.displays, self.quiz = News(), Judging(), Displays(), Quiz()
        self.path = str(path)
        self.judging_of_run, self.inplace, self.run = self.judging, InPlace(), Run(self.path)
        self.run._tape = self.tape
        self._ours, self._theirs = socket.socketpair()

    @property
    def spot(self) -> Spot:
        self.run.head = self.head
        return Spot(self.position)

    @property
    def position_of_run(self) -> int:
        self.run.head = self.head
        return self.position

    def take_news(self) -> str:
        return ""

    def says(self, status: str, head: int, *, is_running: bool) -> None:
        """Speak as the debuggee."""
        self._next = (status, head, is_running)
        self._theirs.send(b"!")

    def fileno(self) -> int:
        return -1 if self.is_closed else self._ours.fileno()

    def pump(self, timeout: float) -> bool:
        self._ours.setblocking(False)
        try:
            self._ours.recv(1)
        except BlockingIOError:
            return False
        self.status, self.head, self.is_running = self._next
        self.position = self.head
        return True

    def frame(self) -> Frame:
        assert self.tape is not None
        return self.tape.frame(self.position)

    def forward(self, stop: Stop, also: tuple[Stop, ...] = (), count: int = 1) -> None:
        self.is_running, self.status = True, "running"

    def pause(self) -> None:
        self.status = "pausing"

    def close(self) -> None:
        self.is_closed = True
        if self.tape is not None:
            self.tape.close()
        self._ours.close()
        self._theirs.close()


def live(path: Path) -> tuple[GradbApp, SlowDebugger]:
    debugger = SlowDebugger(path)
    return GradbApp(cast(Debugger, debugger), script="chain_rule.py"), debugger


async def test_the_screen_lives_while_torch_is_imported_and_while_the_script_runs(chain_tape: Path) -> None:
    """Status follows the debuggee; help opens and closes meanwhile; pause is passed on."""
    app, debugger = live(chain_tape)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(lambda: "importing torch…" in text_of(app))
        await pilot.press("question_mark")
        await wait_until(lambda: "graph pane" in text_of(app))
        await pilot.press("escape")
        debugger.says("paused", 3, is_running=False)
        await wait_until(lambda: "AddBackward0" in text_of(app))
        await pilot.press("space")
        await wait_until(lambda: "▶ running" in text_of(app))
        await pilot.press("s")
        await wait_until(lambda: "pausing" in text_of(app))
        debugger.says("paused", 4, is_running=False)
        await wait_until(lambda: position_of(app) == 4)


async def test_what_is_pressed_before_the_script_begins_is_told(chain_tape: Path) -> None:
    """A key that is about nothing yet is neither played later nor passed over in silence; some work all the same."""
    app, debugger = live(chain_tape)
    debugger.tape, tape = None, debugger.tape
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(lambda: "importing torch…" in text_of(app))
        await pilot.press("space")
        await wait_until(lambda: "! `step` was not done: the script had not begun (importing torch)" in text_of(app))
        assert debugger.status == "importing torch"
        for key, name in (("0", "zero-grad"), ("d", "quiet"), ("b", "break"), ("tab", "next-pane")):
            await pilot.press(key)
            await wait_until(lambda: f"! `{name}` was not done" in text_of(app))  # noqa: B023 - awaited in its turn
        assert not debugger.shows_quiet
        assert not len(debugger.breakpoints)
        await pilot.press("s")
        await wait_until(lambda: debugger.status == "pausing")
        debugger.tape = tape


async def test_a_movement_that_is_refused_takes_the_place_of_none(chain_tape: Path) -> None:
    """What is under way stays what it is: a `continue` that was refused would go on at the next stop."""
    app, debugger = live(chain_tape)
    async with app.run_test(size=(80, 24)) as pilot:
        session = (await there(app)).session
        debugger.says("paused", 3, is_running=False)
        await wait_until(lambda: "AddBackward0" in text_of(app))
        await enter(pilot, "continue x")
        assert "✗ `continue` takes nothing after it" in text_of(app)
        assert session.doing == ""
        await pilot.press("escape", "space")
        await wait_until(lambda: debugger.is_running)
        assert session.doing == "step"
        await pilot.press("c")
        await enter(pilot, "continue x")
        assert session.doing == "step"


async def test_a_script_that_runs_on_is_watched(chain_tape: Path) -> None:
    """What it has come to is drawn now and then, though it never pauses."""
    app, debugger = live(chain_tape)
    async with app.run_test(size=(80, 24)):
        await there(app)
        debugger.says("running", 3, is_running=True)
        await wait_until(lambda: debug_screen(app).frame is not None and position_of(app) == 3)
        await wait_until(lambda: "c = b + 5" in text_of(app))
        assert "running" in text_of(app).splitlines()[0]


async def test_what_a_running_script_is_looked_through_for_is_said(chain_tape: Path) -> None:
    """Until it comes or the script has ended, and no longer; what gradb has to say goes before it."""
    app, debugger = live(chain_tape)
    async with app.run_test(size=(80, 24)) as pilot:
        debugger.waiting = "running on to node Softmax; if it does not come, to the end of the script"
        debugger.says("running", 3, is_running=True)
        await wait_until(lambda: "… running on to node Softmax; if it does not come" in text_of(app))
        debugger.waiting = ""
        debugger.says("paused", 4, is_running=False)
        await wait_until(lambda: debug_screen(app).frame is not None and position_of(app) == 4)
        await pilot.pause()
        assert "running on" not in text_of(app)


async def test_quit_while_running_closes_the_debugger(chain_tape: Path) -> None:
    """`q` ends the app and the debuggee with it, however busy that is."""
    app, debugger = live(chain_tape)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await there(app)
        await wait_until(lambda: screen.session.debugger is not None)
        await pilot.press("q")
    assert debugger.is_closed


async def test_an_error_in_the_app_closes_the_debugger(chain_tape: Path) -> None:
    """Whatever breaks, the debuggee is ended."""
    app, debugger = live(chain_tape)

    def fail() -> None:
        raise RuntimeError("broken")

    async def break_it() -> None:
        async with app.run_test(size=(80, 24)):
            screen = await there(app)
            await wait_until(lambda: screen.session.debugger is not None)
            app.call_later(fail)
            await wait_until(lambda: app.return_code is not None)

    with pytest.raises(RuntimeError, match="broken"):
        await break_it()
    assert debugger.is_closed


async def test_a_debugger_that_cannot_be_made_ends_the_app_with_its_sentence(tmp_path: Path) -> None:
    """The sentence comes after the screen is gone; the exit code is 2."""

    def refuse() -> Debugger:
        raise UserError("there is no such file")

    app = GradbApp(refuse)
    async with app.run_test(size=(80, 24)):
        await wait_until(lambda: app.return_code is not None)
    assert app.return_code == 2


async def test_the_last_step_before_the_end_keeps_the_position(
    chain_tape: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the script runs the Frame stays where it was for a while, and only the bars move."""
    monkeypatch.setattr("gradb.tui.following._LIVE", 60.0)
    app, debugger = live(chain_tape)
    debugger.is_running, debugger.head, debugger.position = False, 5, 5
    async with shown(app, 80, 24) as pilot:
        await pilot.press("space")
        debugger.says("running", 9, is_running=True)
        await wait_until(lambda: debugger.head == 9)
        await pilot.pause()
        assert position_of(app) == 5
        debugger.says("finished", 19, is_running=False)
        await wait_until(lambda: position_of(app) == 19)
