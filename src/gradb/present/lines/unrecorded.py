"""The line by which a pane says that what it shows is not all there was: something was lost, or the recording ended.

Past such a point a pane's own sentence about there being nothing would be a guess, so it gives way to the line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import Remark, wrapped
from gradb.present.draw.safe import plain
from gradb.present.options import Options

_MAX = 400
_ALL = frozenset({"values", "gradients"})
_SHOWS = {
    "graph": _ALL,
    "chain": _ALL,
    "grads": frozenset({"gradients"}),
    "training": _ALL,
    "paths": _ALL,
    "saved": frozenset({"values"}),
}
"""What a pane shows of that which a gap may hide; the others show nothing of it."""
Pane = Callable[[Frame, Options], RenderableType]


def unrecorded(name: str, frame: Frame) -> str:
    """Return what a pane must say of what is missing at a position; empty where nothing is."""
    if frame.cut is not None:
        return frame.cut.text
    found = [gap for gap in frame.gaps if gap.hides & _SHOWS.get(name, frozenset())]
    if not found:
        return ""
    others = len(found) - 1
    more = f"; and at {others} earlier event{'' if others == 1 else 's'}" if others else ""
    return f"something here was {found[0].text}{more}"


def unrecorded_lines(name: str, frame: Frame, width: int) -> list[Text]:
    """Return the same as lines of a pane; none where nothing is missing."""
    words = unrecorded(name, frame)
    return wrapped(f"! {plain(words, _MAX)}", width, theme.WARNING) if words else []


def telling(name: str, pane: Pane) -> Pane:
    """Return a pane that says first what is missing."""

    def drawn(frame: Frame, options: Options) -> RenderableType:
        lines = unrecorded_lines(name, frame, options.width)
        if not lines:
            return pane(frame, options)
        if options.height is not None:
            options = replace(options, height=max(options.height - len(lines), 1))
        return Group(*lines, *_without_remarks(pane(frame, options)))

    return drawn


def _without_remarks(body: RenderableType) -> list[RenderableType]:
    if isinstance(body, Remark):
        return []
    if not isinstance(body, Group):
        return [body]
    return [part for part in body.renderables if not isinstance(part, Remark)]
