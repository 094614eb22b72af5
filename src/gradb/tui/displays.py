"""The displays on the screen: the pane, and what keeps it up to date with the position."""

from __future__ import annotations

from dataclasses import replace

from gradb.debugger.debugger import Debugger
from gradb.debugger.errors import UserError
from gradb.frame.displayed import Row
from gradb.present.lines.unrecorded import unrecorded
from gradb.present.options import Options
from gradb.present.panes.table import PaneSpec
from gradb.tui.pane import DrawnPane


class DisplaysView:
    """Keeps the options up to date with what the displays come to."""

    def __init__(self) -> None:
        self._known: tuple[object, ...] | None = None
        self._count = 0

    def update(self, options: Options, debugger: Debugger, *, is_seen: bool) -> Options:
        """Return the options with what the displays come to at the position; while they are not seen, as they are."""
        shown, tape = debugger.displays.expressions, debugger.tape
        key = (tape, debugger.spot, debugger.head, debugger.is_live, shown, debugger.shows_quiet)
        if not is_seen or key == self._known:
            return options
        self._known = key
        rows = () if tape is None else _rows(debugger)
        return options if rows == options.displayed else replace(options, displayed=rows)

    def has_new(self, debugger: Debugger) -> bool:
        """Tell, once, whether there is one more than when this was last asked."""
        before, self._count = self._count, len(debugger.displays)
        return self._count > before


def _rows(debugger: Debugger) -> tuple[Row, ...]:
    try:
        return debugger.displayed()
    except UserError:  # the tape is damaged there: the Frame says so
        return ()


class DisplaysPane(DrawnPane):
    """What the user's expressions come to; it stays scrolled to where it is."""

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._shown: tuple[object, ...] | None = None

    def draw(self) -> None:
        """Draw, where it is seen and would look different."""
        missing = "" if self.frame is None else unrecorded(self.spec.shows, self.frame)
        wanted = (self.frame is None, missing, self.options, self.room, self.display)
        if wanted != self._shown:
            self._shown = wanted
            super().draw()

    def show_place(self) -> None:
        """Stay where the user has scrolled to."""
