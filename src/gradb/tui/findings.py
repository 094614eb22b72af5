"""The findings pane on the screen: up and down select a row, enter goes to its event."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from gradb.frame.frame import Frame
from gradb.present.lines.unrecorded import unrecorded_lines
from gradb.present.options import Options
from gradb.present.panes.findings import Row, leading, rows
from gradb.present.panes.table import PaneSpec
from gradb.tui.keys import key_hint
from gradb.tui.layout import top_line
from gradb.tui.messages import PositionChosen
from gradb.tui.pane import DrawnPane

_HINTS = f"{key_hint('hints', '').key} judges the hints too"


class FindingsPane(DrawnPane):
    """What is wrong with the training."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Select the row above", show=False),
        Binding("down", "move(1)", "Select the row below", show=False),
        Binding("enter", "jump", "Go to the event of the row", show=False),
    ]

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._row: int | None = None  # among those that lead to an event
        self._shown: tuple[object, ...] | None = None

    def draw(self) -> None:
        """Draw, where it is seen and would look different."""
        frame = self.frame
        wanted = (frame and (frame.place, frame.head), self.options.judged, self._row, self.room, self.display)
        if wanted != self._shown:
            self._shown = wanted
            has_hints_off = self.options.judged is not None and bool(self.options.judged.hints_off)
            self.retitle_below(Content(_HINTS) if has_hints_off else None)
            super().draw()

    def own_options(self, *, with_height: bool = False) -> Options:
        """Return the options for the renderer, with the row that is selected."""
        options = super().own_options(with_height=with_height)
        count = 0 if self.frame is None else len(leading(rows(self.frame, options)))
        return options.with_row(None if self._row is None or not count else min(self._row, count - 1))

    def _rows(self, frame: Frame) -> tuple[list[Row], Options]:
        options = self.own_options()
        return rows(frame, options), options

    def show_place(self) -> None:
        """Bring the selected row into view."""
        if self.frame is None:
            return
        found, options = self._rows(self.frame)
        top = self._line_of(found, options.row) if options.row is not None else 0
        self.scroll_to(y=top_line(top, len(self._strips), max(self.room.height, 1)), animate=False)

    def _line_of(self, found: list[Row], selected: int) -> int:
        """Return the first line of a row."""
        frame, line, number = self.frame, 0, -1
        line += 0 if frame is None else len(unrecorded_lines(self.spec.shows, frame, max(self.room.width, 1)))
        for row in found:
            number += row.event is not None
            if number == selected:
                break
            line += len(row.lines)
        return line

    def action_move(self, step: int) -> None:
        """Select another row."""
        if self.frame is None:
            return
        found, options = self._rows(self.frame)
        count = len(leading(found))
        if count:
            self._row = min(max((-1 if options.row is None and step > 0 else options.row or 0) + step, 0), count - 1)
            self.draw()

    def action_jump(self) -> None:
        """Go to the event of the selected row, without one to that of the first."""
        if self.frame is None:
            return
        found, options = self._rows(self.frame)
        events = [row.event for row in leading(found) if row.event is not None]
        if events:
            self.post_message(PositionChosen(events[options.row or 0]))
