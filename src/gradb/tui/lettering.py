"""The screen in ASCII: every line that is painted, of whatever widget, goes through the table of signs."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from gradb.present.draw.ascii import fitted


class AsciiFilter(LineFilter):
    """Spells the signs of a painted line, in as many cells as it has; borders and scroll bars too."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the line in ASCII."""
        if all(segment.text.isascii() for segment in segments):
            return segments
        runs = [(segment.text, segment) for segment in segments]
        return [Segment(text, segment.style, segment.control) for text, segment in fitted(runs)]
