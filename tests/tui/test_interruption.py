"""Ctrl+C and Esc: what they break off, when the script gets KeyboardInterrupt, and that the app stays."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from textual.binding import Binding

from gradb.cli.pick import Offer
from gradb.debugger.commands.registry import BY_NAME
from gradb.tui.again import Again
from gradb.tui.app import GradbApp
from gradb.tui.interruption import Interruption
from gradb.tui.session import Session
from tests.tui.support import debug_screen, opening, shown, text_of, there, wait_until
from tests.tui.test_live import SlowDebugger, live

INSISTED = "KeyboardInterrupt was sent to the script"


class Played:
    """An interruption of a session by hand, whose clock the test turns."""

    def __init__(self, *, is_running: bool = False, is_again: bool = False) -> None:
        self.did: list[str] = []
        self.now = 100.0
        self.is_again = is_again
        self.search = ""
        self.debugger = SimpleNamespace(is_running=is_running, pause=lambda: self.did.append("pause"))
        self.checks = SimpleNamespace(is_running=False)
        self.session = SimpleNamespace(
            debugger=self.debugger,
            is_searching=False,
            break_off_search=lambda: self.search,
            ghost=None,
            checks=self.checks,
            signal=self._note,
            stop_ghost=lambda: "",
            gradcheck=self._note,
        )
        self.interruption = Interruption(cast(Session, self.session), cast(Again, self), lambda: self.now)

    def look(self) -> str:
        """Return what another Ctrl+C does, painted at once."""
        return self.interruption.look(lambda seen: seen())

    @property
    def is_running(self) -> bool:
        """Stand for what is run again."""
        return self.is_again

    def give_up(self) -> bool:
        """Stand for what is run again."""
        was, self.is_again = self.is_again, False
        return was

    def _note(self, what: object) -> str:
        self.did.append(f"{what:d}" if isinstance(what, int) else str(what))
        return "given up"


@pytest.mark.parametrize(("after", "did"), [(1.9, ["pause", "2"]), (2.1, ["pause", "pause"])])
def test_a_second_ctrl_c_insists_for_two_seconds(after: float, did: list[str]) -> None:
    """Within them the script gets KeyboardInterrupt, which the first says; later it is asked to pause once more."""
    played = Played(is_running=True)
    assert played.interruption.interrupt() == ""
    played.now += 10  # until it was painted
    assert "again within 2 s sends it KeyboardInterrupt" in played.look()
    played.now += after
    assert (played.look() == "") == (after > 2)
    assert (played.interruption.interrupt() == INSISTED) == (after < 2)
    assert played.did == did


def test_a_script_that_has_paused_is_asked_anew() -> None:
    """What was asked before it stood still is done with, however fast it goes on."""
    played = Played(is_running=True)
    played.interruption.interrupt()
    played.debugger.is_running = False
    assert played.look() == ""
    played.debugger.is_running = True
    played.interruption.interrupt()
    assert played.did == ["pause", "pause"]


def test_a_search_goes_before_the_script() -> None:
    """While a recording is searched, the script that runs on is left alone, however often Ctrl+C is pressed."""
    played = Played(is_running=True)
    played.session.is_searching, played.search = True, "broken off"
    assert [played.interruption.interrupt(), played.interruption.interrupt()] == ["broken off"] * 2
    assert played.did == []


def test_what_runs_beside_the_script_is_broken_off_one_by_one() -> None:
    """First what is awaited on the screen; with nothing left, Ctrl+C says what quits and Esc nothing."""
    played = Played(is_again=True)
    played.checks.is_running = True
    assert not played.interruption.is_idle
    assert played.interruption.interrupt() == "the run again is given up"
    assert played.interruption.break_off() == "given up"
    assert played.did == ["off"]
    played.checks.is_running = False
    assert played.interruption.break_off() == ""
    assert "`q` quits" in played.interruption.interrupt()
    assert played.interruption.is_idle


def held_clock(app: GradbApp) -> None:
    """Have no time go by between two keys, however busy the machine is."""
    cast(Any, debug_screen(app).interruption)._clock = lambda: 0.0


def listening(debugger: SlowDebugger) -> list[int]:
    """Have a debugger's script take note of the signals that it is sent."""
    heard: list[int] = []
    cast(Any, debugger.run).signal = lambda number, **_: heard.append(number)
    return heard


async def test_ctrl_c_pauses_and_insists(chain_tape: Path) -> None:
    """Nothing else ends: the app stays, and says what it has done."""
    app, debugger = live(chain_tape)
    heard = listening(debugger)
    async with app.run_test(size=(120, 40)) as pilot:
        debugger.says("running", 3, is_running=True)
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        held_clock(app)
        await pilot.press("ctrl+c")
        await wait_until(lambda: "Ctrl+C again within 2 s" in text_of(app))
        assert (debugger.status, heard) == ("pausing", [])
        await pilot.press("ctrl+c")
        await wait_until(lambda: INSISTED in text_of(app))
        assert heard == [signal.SIGINT]
        debugger.says("paused", 4, is_running=False)
        await wait_until(lambda: not debugger.is_running)
        await pilot.press("ctrl+c")
        await wait_until(lambda: "`q` quits" in text_of(app))
    assert app.return_code in {0, None}


async def test_a_signal_does_what_the_key_does(chain_tape: Path) -> None:
    """`kill -INT` of the app pauses the script, and is not passed on at once."""
    app, debugger = live(chain_tape)
    heard = listening(debugger)
    async with app.run_test(size=(80, 24)):
        debugger.says("running", 3, is_running=True)
        screen = await there(app)
        await wait_until(lambda: screen.frame is not None)
        held_clock(app)
        os.kill(os.getpid(), signal.SIGINT)
        await wait_until(lambda: debugger.status == "pausing")
        assert heard == []
        os.kill(os.getpid(), signal.SIGINT)
        await wait_until(lambda: heard == [signal.SIGINT])


@pytest.mark.parametrize("is_recording", [True, False])
async def test_ctrl_c_at_the_start_is_answered_once_the_run_is_there(chain_tape: Path, is_recording: bool) -> None:
    """As if it had been pressed a moment later: a script is asked to pause, else it is said what quits."""
    app = opening(chain_tape) if is_recording else live(chain_tape)[0]
    where: list[str] = []

    def press() -> None:
        where.append(type(app.screen).__name__)
        app.action_interrupt()

    app.call_after_refresh(press)
    async with app.run_test(size=(120, 40)):
        await wait_until(lambda: ("`q` quits" if is_recording else "Ctrl+C again within 2 s") in text_of(app))
        assert where == ["StartScreen"]


async def test_ctrl_c_is_answered_on_every_screen(chain_tape: Path) -> None:
    """Over the debug screen as on it; in the prompt text that is marked is copied instead."""
    app = opening(chain_tape)
    async with shown(app) as pilot:
        await pilot.press("question_mark")
        await wait_until(lambda: app.screen is not debug_screen(app))
        await pilot.press("ctrl+c")
        await wait_until(lambda: [one.message for one in app._notifications if "`q` quits" in one.message])
        await pilot.press("escape", "colon", *"goto", "shift+home", "ctrl+c")
        await wait_until(lambda: app.clipboard == "goto")


async def test_ctrl_c_in_the_picker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It says what quits there too."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))  # what other tests have opened would be listed first
    app = GradbApp(shelf=Offer())
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until(lambda: "chain_rule" in text_of(app))
        await pilot.press("ctrl+c")
        await wait_until(lambda: "Esc quits" in text_of(app))


def test_the_app_has_the_key_of_the_registry() -> None:
    """The app binds it before the registry is loaded."""
    keys = [key for each in GradbApp.BINDINGS if isinstance(each, Binding) for key in each.key.split(",")]
    assert keys == list(BY_NAME["interrupt"].keys)
