"""The training pane: the plot of the losses and what was changed from outside, drawn anew only where it changes.

A plot costs more than all the other panes together, and most steps of a run change nothing in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from gradb.frame.frame import Frame
from gradb.present.lines.unrecorded import unrecorded
from gradb.present.panes.table import PANES, PaneSpec
from gradb.tape.kinds.backward_start import BackwardStartDetail
from gradb.tui.messages import IterationChosen
from gradb.tui.pane import DrawnPane


class TrainingPane(DrawnPane):
    """Losses over the iterations, with the position as a cursor on them, and one of the keyboard's own."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+left", "choose(-1)", "Choose an iteration further left", show=False),
        Binding("shift+right", "choose(1)", "Choose an iteration further right", show=False),
    ]

    FILLS: ClassVar[bool] = True

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._shown: tuple[object, ...] | None = None

    def on_show(self, event: events.Show) -> None:
        """Draw what was left undrawn while another pane was in front."""
        self.draw()

    def action_choose(self, step: int) -> None:
        """Choose an iteration so many columns to the right of the one that is chosen, or of the position's."""
        self.post_message(IterationChosen(step, self.room.width))

    def draw(self) -> None:
        """Draw, where it is seen and would look different."""
        frame = self.frame
        if frame is None or not self.display:
            return
        wanted = (*seen(frame), self.options, self.room)
        if wanted != self._shown:
            self._shown = wanted
            super().draw()


def seen(frame: Frame) -> tuple[object, ...]:
    """Return all that the pane depends on: what it shows is the same for Frames for which this is."""
    training = frame.training
    lengths = tuple((series.count, series.until(training.position)) for series in training.series)
    is_about_step = not training.losses or isinstance(frame.detail, BackwardStartDetail)
    return (
        replace(training, series=(), position=frame.position if is_about_step else 0),
        training.position > 0,
        lengths,
        unrecorded(PANES["training"].shows, frame),
    )
