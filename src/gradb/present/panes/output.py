"""The output pane: what the script printed up to the position, newest last."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from gradb.frame.frame import Frame, OutputLine
from gradb.present.draw import theme
from gradb.present.draw.fields import remark
from gradb.present.draw.folding import folded
from gradb.present.draw.safe import plain_lines
from gradb.present.json.values import Json
from gradb.present.options import Options
from gradb.tape.kinds.output import OutputDetail

_MAX_TEXT = 20_000  # characters of one print that are drawn: its last
_HANG = "    "  # before what is folded


def render(frame: Frame, options: Options) -> RenderableType:
    """Return the printed lines, long ones folded; ``!`` leads what went to stderr."""
    if not frame.outputs:
        return remark("nothing printed so far", options.width)
    lines = _lines(frame)
    if options.height is not None:
        lines = lines[-options.height :]
    drawn = [piece for line in lines for piece in folded(line, options.width, _HANG)]
    if options.height is not None:
        drawn = drawn[-options.height :]
    elif frame.outputs_dropped:
        drawn.insert(0, Text(f"… {frame.outputs_dropped} earlier outputs", style=theme.DIM))
    return Group(*drawn)


def _lines(frame: Frame) -> list[Text]:
    """Join what belongs to one line of a stream, and mark what is new at the position."""
    result: list[Text] = []
    open_stream = ""
    for output in frame.outputs:
        is_new = isinstance(frame.detail, OutputDetail) and output.event == frame.position
        parts = plain_lines(output.text[-_MAX_TEXT:])
        if len(output.text) > _MAX_TEXT:
            parts.insert(0, f"… {len(output.text) - _MAX_TEXT:,} characters")
        for position, part in enumerate(parts):
            if position == 0 and open_stream == output.stream and result:
                result[-1].append(part, _style(output, is_new))
            else:
                result.append(_new_line(output, part, is_new))
        open_stream = "" if output.text.endswith("\n") or not output.text else output.stream
    return result


def _new_line(output: OutputLine, text: str, is_new: bool) -> Text:
    line = Text(no_wrap=True)
    line.append("! " if output.stream == "stderr" else "  ", theme.STDERR)
    return line.append(text, _style(output, is_new))


def _style(output: OutputLine, is_new: bool) -> str:
    base = theme.STDERR if output.stream == "stderr" else ""
    return f"{base} bold".strip() if is_new else base


# --- JSON -------------------------------------------------------------------------------------------------------------


def to_json(frame: Frame, options: Options) -> Json:
    """Return what was printed up to the position."""
    lines = [{"event": o.event, "stream": o.stream, "text": o.text} for o in frame.outputs]
    return {"outputs": lines, "dropped": frame.outputs_dropped}
