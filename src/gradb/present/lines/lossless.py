"""Why there is no loss: none of the whole recording, or none of the backward at the position."""

from __future__ import annotations

from rich.text import Text

from gradb.frame.frame import Frame
from gradb.frame.training import Training
from gradb.present.draw import theme
from gradb.present.draw.fields import wrapped
from gradb.present.draw.numbers import shape_text
from gradb.tape.kinds.backward_start import BackwardStartDetail


def without_loss(frame: Frame, width: int) -> list[Text]:
    """Say why there is no loss: none of the whole recording, or none of the backward at the position."""
    lines = []
    if isinstance(frame.detail, BackwardStartDetail):
        odd = [root for root in frame.detail.roots if root.value.numel != 1]
        shapes = ", ".join(f"{root.name or 'a tensor'} {shape_text(root.value.shape)}" for root in odd)
        if odd:
            lines += wrapped(
                f"this backward begins from {shapes}, not a scalar: it has no loss value", width, theme.DIM
            )
    if not frame.training.losses and frame.cut is None:
        lines += wrapped(_nothing(frame), width, theme.DIM)
    if frame.cut is None and not frame.gaps and _never_trains(frame.training):
        sentence = "this script never trains: it made no optimizer step and updated no parameter by hand"
        lines += wrapped(sentence, width, theme.DIM)
    return lines


def _never_trains(training: Training) -> bool:
    """Tell whether it is certain: a run to its end of which every event is recorded, and no update among them."""
    is_whole = training.is_finished and not any(mark.what == "record" for mark in training.marks)
    return is_whole and not training.has_updates


def _nothing(frame: Frame) -> str:
    if frame.training.has_updates or any(buffer.fills for buffer in frame.grads):
        return "no loss to plot: no backward that was recorded so far began from a scalar"
    if frame.training.is_finished:
        return "no backward from a scalar was recorded of this script: there is no loss to plot"
    return "no backward from a scalar has been recorded yet: there is no loss to plot"
