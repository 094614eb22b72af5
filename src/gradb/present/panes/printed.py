"""The pane of what the script was asked for: the newest answer to a `print` up to the position, in full."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame
from gradb.present.draw import theme
from gradb.present.draw.fields import remark
from gradb.present.json.events import print_json
from gradb.present.json.values import Json
from gradb.present.lines.printed import print_lines
from gradb.present.options import Options

_NOTHING = (
    "nothing was asked of the script so far: `print EXPR` has a script that is held evaluate an expression, where the "
    "tape cannot tell it"
)


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the answer; one from before the position says so first."""
    if frame.printed is None:
        return remark(_NOTHING, options.width)
    lines = print_lines(frame.printed.detail, options.width)
    if frame.printed.event != frame.position:
        lines.insert(0, Text(f"as of event {frame.called(frame.printed.event)}:", style=theme.DIM))
    return Group(*lines)


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the answer, and of which event it is."""
    found = frame.printed
    return {"printed": None if found is None else {"event": found.event, **print_json(found.detail)}}
