"""The stack pane: the calls of the script's functions that lead to the position, frames of libraries folded."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.algebra.figures import counted
from gradb.frame.frame import Frame
from gradb.frame.stack import CallStack, StackFrame
from gradb.present.draw import theme
from gradb.present.draw.fields import INDENT, cut, indented, remark, wrapped
from gradb.present.draw.files import relative
from gradb.present.draw.safe import plain
from gradb.present.json.values import Json
from gradb.present.options import Options

_ENGINE = "where backward was called: the engine runs the node itself, no code of the script's"
_CUT = "what called it is not known: nobody looked any further"
_MOST = 200


def render(frame: Frame, options: Options) -> RenderableType:
    """Return each call with its line of the source, the innermost first."""
    if frame.stack is None:
        return remark(_nothing(frame), options.width)
    return Group(*(line for _, line in lines(frame, frame.stack, options)))


def lines(frame: Frame, stack: CallStack, options: Options) -> list[tuple[int | None, Text]]:
    """Return what is shown, and with each line which of the calls it is about, from 0; None: about none."""
    width = options.width
    found: list[tuple[int | None, Text]] = []
    if _is_engines(frame):
        found += [(None, line) for line in wrapped(_ENGINE, width, theme.DIM)]
    elif frame.source is not None and frame.source.library:
        found.append((None, cut(Text(f"in {plain(frame.source.library, _MOST)}", theme.DIM), width)))
    for index, call in enumerate(stack.frames):
        if call.others:
            found.append((None, cut(Text(INDENT + _folded(call), theme.DIM), width)))
        found += [(index, line) for line in _call(call, frame, is_innermost=not index, width=width)]
    if stack.is_cut:
        found += [(None, line) for line in wrapped(_CUT, width, theme.DIM)]
    return [(index, _selected(line) if index is not None and index == options.row else line) for index, line in found]


def _is_engines(frame: Frame) -> bool:
    """Tell whether the calls are those that lead to the backward whose node is at the position."""
    return frame.backward is not None and frame.stack is not None and frame.stack.event != frame.position


def _call(call: StackFrame, frame: Frame, *, is_innermost: bool, width: int) -> list[Text]:
    where = f"{plain(call.file.rpartition('/')[2], _MOST)}:{call.line or '?'}"
    line = Text("▶ " if is_innermost else "  ", theme.CURRENT, no_wrap=True).append(where, theme.NAME)
    head = cut(line.append(f"  {plain(call.function, _MOST)}", theme.DIM), width)
    text = "its text is not on the tape" if call.text is None else call.text.strip()
    style = theme.DIM if call.text is None else ""
    return [head, indented(Text(plain(text, 2 * _MOST), style, no_wrap=True), width)]


def _folded(call: StackFrame) -> str:
    """Return ``3 frames of torch``."""
    return f"{counted(call.others, 'frame')} of {plain(call.packages, _MOST) or 'others'}"


def _selected(line: Text) -> Text:
    marked = line.copy()
    marked.stylize(theme.SELECTED)
    return marked


def _nothing(frame: Frame) -> str:
    if frame.event is None:
        return "before the first event"
    if frame.event.file is None:
        return "what happened here has no line of the script's, so there are no calls that lead to it"
    return "which calls lead here was not recorded"


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return the calls that lead to the position, the innermost first; null where they are not known."""
    stack = frame.stack
    if stack is None:
        return {"event": None, "frames": None, "cut": False}
    return {"event": stack.event, "frames": [_json(call, frame) for call in stack.frames], "cut": stack.is_cut}


def _json(call: StackFrame, frame: Frame) -> Json:
    place = {key: getattr(call, key) for key in ("line", "end_line", "column", "end_column")}
    packages = [name for name in call.packages.split(", ") if name]
    rest = {"function": call.function, "text": call.text, "others": call.others, "packages": packages}
    return {"file": relative(call.file, frame.run), **place, **rest}
