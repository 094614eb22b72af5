"""The screen follows the debugger: what is shown anew as the position moves, the script runs or something is found.

It asks the views what has changed and sets the Frame and the options of the screen; it lays nothing out and takes no
keys.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from textual.message_pump import MessagePump

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.debugger.inplace import Spot
from gradb.frame.frame import Frame
from gradb.frame.reader import TapeError
from gradb.present.lines.pages import page_of
from gradb.present.options import Options, Values
from gradb.tape.expressions.operands import Unkept
from gradb.tui.arranging import Arranging
from gradb.tui.displays import DisplaysView
from gradb.tui.garbage import Garbage
from gradb.tui.ghost import GhostView
from gradb.tui.judging import JudgingView
from gradb.tui.kin import KinView
from gradb.tui.pane import Pane
from gradb.tui.printed import PrintedView
from gradb.tui.pulse import Pulse
from gradb.tui.session import Session

_LIVE = 0.4  # seconds between Frames of a script that runs on and on
_BUSY, _IDLE = 0.1, 1.0  # seconds between looks at the debuggees whose sockets say nothing: one runs, none does
_JUDGE = 0.05  # seconds between looks at what is not judged yet
_REST = 0.4  # seconds that have to pass after a key before the run is judged: no key is painted later for it


class Followed(Protocol):
    """The screen, as far as what it shows is concerned."""

    frame: Frame | None
    options: Options
    session: Session
    arranging: Arranging

    @property
    def panes(self) -> Mapping[str, Pane]:
        """The panes by their names."""

    def update_bars(self) -> None:
        """Draw header, event line and scrubber."""


class Following:
    """Keeps one screen up to date with its session.

    Args:
        screen: what is kept up to date.
        pump: whose loop waits between two looks at what may have changed.
    """

    def __init__(self, screen: Followed, pump: MessagePump) -> None:
        self._screen = screen
        self._ticking, self._judgings = Pulse(pump, self.tick), Pulse(pump, self._judge)
        self._drawn: tuple[Spot, str, int, bool] | None = None
        self._drawn_at = time.monotonic()
        self._ghost, self._kin = GhostView(), KinView()
        self._judging = JudgingView()
        self._displays = DisplaysView()
        self._printed = PrintedView()
        self._garbage = Garbage()
        self.trouble = ""
        """Why what there is to show cannot be shown, as one sentence or two; empty where it can."""

    def begin(self) -> None:
        """Look at the debuggees now and then, and for cycles while nobody waits for a key."""
        self._garbage.install()
        self._ticking.within(_BUSY)

    def end(self) -> None:
        """Leave nothing behind."""
        self._garbage.uninstall()

    def tick(self) -> float:
        """Look at the debuggees, and show what has changed while one of them runs; return when to look again."""
        self._garbage.rest(time.monotonic() - self._drawn_at)
        session = self._screen.session
        session.poll()
        if session.is_moving:
            self.update()
        return _BUSY if session.is_moving or session.checks.is_running else _IDLE

    def _judge(self) -> float:
        """Judge a little more of the run, and show what is new; return when to go on."""
        screen, now = self._screen, time.monotonic()
        debugger, options = screen.session.debugger, screen.options
        if debugger is None or screen.session.is_searching:
            return _IDLE
        if not debugger.is_running and (left := self._drawn_at + _REST - now) > 0:
            return left
        screen.options = self._judging.update(options, debugger, now)
        if screen.options is not options:
            screen.update_bars()
        is_waiting = debugger.is_running or self._judging.is_done(debugger)
        return _IDLE if is_waiting else _JUDGE

    def update(self) -> None:
        """Show what has changed: a new Frame where the script stands still, now and then where it runs; the bars."""
        self._ticking.within(_BUSY)
        self._judgings.within(_REST)
        screen = self._screen
        debugger, now = screen.session.debugger, time.monotonic()
        if debugger is not None:
            self.trouble = ""
            try:
                self._show(debugger, now)
            except (UserError, TapeError) as error:
                if screen.frame is None:
                    raise UserError(str(error)) from error
                self.trouble = self._lacking(debugger, screen.frame, error)
        screen.update_bars()

    def _show(self, debugger: Debugger, now: float) -> None:
        """Show what has changed of a debugger.

        Raises:
            UserError, TapeError: the tape is damaged there.
        """
        screen = self._screen
        is_due = not debugger.is_running or now - self._drawn_at > _LIVE
        if debugger.tape is not None and is_due and not screen.session.is_searching:
            self._drawn_at = now
            self._show_displays(debugger)
            self._show_place(debugger)
        self._follow_choice(debugger)
        screen.options = self._ghost.update(screen.options, screen.session.ghost, debugger, now)
        screen.options = self._kin.update(screen.options, screen.session.family, now)
        if (standing := debugger.run.checkpoints.standing) != screen.options.checkpoints:
            screen.options = replace(screen.options, checkpoints=standing)

    def _lacking(self, debugger: Debugger, frame: Frame, error: Exception) -> str:
        """Say what cannot be shown, and what is in its place."""
        if (debugger.spot, debugger.run.path) == (None if self._drawn is None else self._drawn[:2]):
            return str(error)
        place = f"event {frame.called(frame.position)}" if frame.position else "the start"
        return f"{error} The panes are still those of {place}."

    def update_displays(self) -> None:
        """Show what the displays come to."""
        if self._screen.session.debugger is not None:
            self._show_displays(self._screen.session.debugger)

    def _show_displays(self, debugger: Debugger) -> None:
        """Show what the displays come to, and bring them to the front where there is a new one."""
        screen = self._screen
        if self._displays.has_new(debugger):
            screen.arranging.bring_to_front("displays")
        is_seen = screen.panes["displays"].display
        screen.options = self._displays.update(screen.options, debugger, is_seen=is_seen)

    def _show_place(self, debugger: Debugger) -> None:
        """Take the Frame of another position, or of the same on a longer tape; what was selected is left behind."""
        screen = self._screen
        place = (debugger.spot, debugger.run.path, debugger.head, debugger.is_live)
        if place == self._drawn:
            return
        has_moved = self._drawn is None or self._drawn[:2] != place[:2]
        if has_moved:
            judged = debugger.judging.judged  # of another tape others than were found on the one that was left
            plot = replace(screen.options.plot, chosen=None)
            screen.options = replace(screen.options, selected_node=None, chain=None, judged=judged, plot=plot)
            debugger.choice = replace(debugger.choice, node=None)
        frame = debugger.frame()
        screen.frame, self._drawn = frame, place
        is_page = has_moved and _is_page(frame, screen.options.values)
        if has_moved and (front := self._printed.front(frame, screen.arranging.fronts, is_page=is_page)):
            screen.arranging.bring_to_front(front)
        if debugger.is_free:
            self._show_training_of_its_own()

    def _follow_choice(self, debugger: Debugger) -> None:
        """Show what a command has chosen of buffers and paths; a node that was selected brings no pane to the front."""
        screen = self._screen
        if debugger.grads != screen.options.grads:
            screen.options = replace(screen.options, grads=debugger.grads)
        if debugger.values.asked != screen.options.values.asked:
            screen.arranging.show("values")
        if screen.panes["values"].display and debugger.tape is not None and not debugger.is_running:
            screen.options = replace(screen.options, values=debugger.looked())
        if debugger.choice == screen.options.paths:
            return
        is_asked = debugger.choice.node == screen.options.paths.node
        screen.options = replace(screen.options, paths=debugger.choice)
        if is_asked:
            screen.arranging.bring_to_front("paths")

    def _show_training_of_its_own(self) -> None:
        """Bring the training to the front, once, when a script that runs on and on has losses to show."""
        screen = self._screen
        has_curve = screen.frame is not None and any(series.count > 1 for series in screen.frame.training.losses)
        if has_curve and not screen.arranging.has_chosen:
            screen.arranging.has_chosen = True
            screen.arranging.bring_to_front("training")


def _is_page(frame: Frame, values: Values) -> bool:
    """Tell whether an answer of the script's at the position is a part of the tensor that is looked at."""
    is_answer = frame.printed is not None and frame.printed.event == frame.position
    value = None if values.found is None else values.found.value
    return is_answer and isinstance(value, Unkept) and page_of(frame, values.text, value.shape) is not None
