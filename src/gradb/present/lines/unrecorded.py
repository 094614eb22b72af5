"""The line by which a pane says that what it shows is not all there was.

Something was lost, the recording ended, or the script was only watched.

Past such a point a pane's own sentence about there being nothing would be a guess, so it gives way to the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.frame import Frame
from gradb.frame.training import Training
from gradb.present.draw import theme
from gradb.present.draw.fields import Hint, wrapped
from gradb.present.draw.safe import plain
from gradb.present.lines.unseen import only_watched
from gradb.present.options import Options

_MAX = 400
_PLACED = frozenset(
    {"leaf", "op", "backward_start", "node_start", "node", "accumulate", "backward_end", "step", "zero_grad"}
    | {"grad_change", "loss"}
)
"""Kinds of events that a line of the script leads to."""
Render = Callable[[Frame, Options], RenderableType]


def unrecorded(shows: frozenset[str], frame: Frame) -> str:
    """Return what a pane must say of what is missing at a position; empty where nothing is.

    Args:
        shows: what the pane shows of that which a gap may hide.
        frame: the position.
    """
    if frame.cut is not None:
        return frame.cut.text
    found = [gap for gap in frame.gaps if gap.hides & shows]
    if not found:
        return _unseen(shows, frame.training) or _of_event(shows, frame)
    others = len(found) - 1
    more = f"; and at {counted(others, 'earlier event')}" if others else ""
    return f"something here was {found[0].text}{more}"


def _unseen(shows: frozenset[str], training: Training) -> str:
    return only_watched(training) if "insides" in shows else ""


def _of_event(shows: frozenset[str], frame: Frame) -> str:
    """Return what is missing from the event at a position, for a pane that shows that."""
    if "event" in shows and frame.missing:
        parts = "; ".join(f"{gap.part}, {gap.why}" for gap in frame.missing)
        return f"not recorded of this event: {parts}"
    event = frame.event
    is_nowhere = "place" in shows and event is not None and event.kind in _PLACED and event.line is None
    return "where in the source this happened is not known" if is_nowhere else ""


def unrecorded_lines(shows: frozenset[str], frame: Frame, width: int) -> list[Text]:
    """Return the same as lines of a pane; none where nothing is missing."""
    words = unrecorded(shows, frame)
    if words and words == _unseen(shows, frame.training):  # which was asked for
        return wrapped(words, width, theme.DIM)
    return wrapped(f"! {plain(words, _MAX)}", width, theme.WARNING) if words else []


def telling(render: Render, shows: frozenset[str], frame: Frame, options: Options) -> RenderableType:
    """Draw a pane, and say first what is missing of what it shows."""
    lines = unrecorded_lines(shows, frame, options.width)
    if not lines:
        return render(frame, options)
    if options.height is not None:
        options = replace(options, height=max(options.height - len(lines), 1))
    return Group(*lines, *_without_remarks(render(frame, options)))


def _without_remarks(body: RenderableType) -> list[RenderableType]:
    if isinstance(body, Hint):
        return []
    if not isinstance(body, Group):
        return [body]
    return [part for part in body.renderables if not isinstance(part, Hint)]
