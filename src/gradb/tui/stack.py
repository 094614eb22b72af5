"""The stack pane on the screen: up and down select a call, enter shows its line in the source pane."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from gradb.frame.frame import SourceView
from gradb.frame.stack import CallStack
from gradb.present.options import Options
from gradb.present.panes.stack import lines
from gradb.present.panes.table import PaneSpec
from gradb.tui.layout import top_line
from gradb.tui.messages import CallChosen
from gradb.tui.pane import DrawnPane


class StackPane(DrawnPane):
    """The calls that lead to the position."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Select the call that it has made", show=False),
        Binding("down", "move(1)", "Select the call around it", show=False),
        Binding("enter", "look", "Show the line of the call", show=False),
    ]

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._row: int | None = None
        self._position: tuple[str, int] | None = None

    def watch_frame(self) -> None:
        """Draw the new Frame; at another position nothing is selected."""
        position = None if self.frame is None else self.frame.place
        if position != self._position:
            self._position, self._row = position, None
        super().watch_frame()

    def own_options(self, *, with_height: bool = False) -> Options:
        """Return the options for the renderer, with the call that is selected."""
        return super().own_options(with_height=with_height).with_row(self._row)

    @property
    def _stack(self) -> CallStack | None:
        return None if self.frame is None else self.frame.stack

    def show_place(self) -> None:
        """Bring the selected call into view."""
        frame, stack = self.frame, self._stack
        if frame is None or stack is None:
            return
        about = [index for index, _ in lines(frame, stack, self.own_options())]
        top = about.index(self._row) if self._row in about and self._row is not None else 0
        self.scroll_to(y=top_line(top, len(about), max(self.list_height, 1)), animate=False)

    def action_move(self, step: int) -> None:
        """Select another call."""
        stack = self._stack
        if stack is not None:
            at = 0 if self._row is None else self._row + step
            self._row = min(max(at, 0), len(stack.frames) - 1)
            self.draw()

    def action_look(self) -> None:
        """Show the line of the selected call; without one that of the innermost."""
        stack = self._stack
        if stack is not None:
            call = stack.frames[self._row or 0]
            place = (call.line, call.end_line, call.column, call.end_column)
            self.post_message(CallChosen(SourceView(call.file, call.lines, *place)))
