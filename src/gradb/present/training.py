"""The training pane: where the training stands, and its losses over the iterations."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.present import theme
from gradb.present.fields import wrapped
from gradb.present.numbers import shape_text
from gradb.present.options import Options
from gradb.present.readings import status_lines
from gradb.tape.events import BackwardStartDetail
from gradb.tape.frame import Frame


def training_pane(frame: Frame, options: Options) -> RenderableType:
    """Return the readings at the position over the plot of the losses."""
    lines = [*status_lines(frame, options.width), *_without_loss(frame, options.width)]
    return Group(*lines)


def _without_loss(frame: Frame, width: int) -> list[Text]:
    """Say why there is no loss: none of the whole recording, or none of the backward at the position."""
    lines = []
    if isinstance(frame.detail, BackwardStartDetail):
        odd = [root for root in frame.detail.roots if root.value.numel != 1]
        shapes = ", ".join(f"{root.name or 'a tensor'} {shape_text(root.value.shape)}" for root in odd)
        if odd:
            lines += wrapped(
                f"this backward begins from {shapes}, not a scalar: it has no loss value", width, theme.DIM
            )
    if not frame.training.losses:
        lines += wrapped(_nothing(frame), width, theme.DIM)
    return lines


def _nothing(frame: Frame) -> str:
    is_trained = any(series.kind == "grad_norm" for series in frame.training.series)
    if is_trained or any(buffer.fills for buffer in frame.grads):
        return "no loss to plot: every backward so far began from something that is not a scalar"
    if frame.training.is_finished:
        return "this script ran no backward from a scalar: there is no loss to plot"
    return "no backward has been run yet from a scalar: there is no loss to plot"
