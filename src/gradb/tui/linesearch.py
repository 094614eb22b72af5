"""Search for panes that are lines: which have the text, and going from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from gradb.tui.find import Tally
from gradb.tui.lookup import MARK, Lookup

_MARK = Style.parse(MARK)


class LineSearched:
    """Lines that can be searched, beside a widget's own class: it makes ``lookup``, and says which lines there are."""

    lookup: Lookup

    def searched_lines(self) -> Sequence[str]:
        """Return the lines as they can be read, top down."""
        raise NotImplementedError

    def line_here(self) -> int:
        """Return the line from which the first hit is looked for, from 0."""
        raise NotImplementedError

    def show_line(self, line: int) -> None:
        """Bring a line into view."""
        raise NotImplementedError

    @property
    def tally(self) -> Tally:
        """What the search has come to."""
        return self.lookup.tally

    def look_for(self, text: str, tell: Callable[[], None]) -> None:
        """Find the lines that have a text, or with an empty text forget them."""
        self.lookup.look_for(text, self.searched_lines() if text else ())
        self.lookup.tell = tell
        cast("Widget", self).refresh()
        tell()

    def look_again(self) -> None:
        """Look through lines that may be others now."""
        if self.lookup.text:
            at = self.lookup.at
            self.lookup.look_for(self.lookup.text, self.searched_lines())
            self.lookup.at = at
            self.lookup.tell()

    def go_to_hit(self, step: int) -> None:
        """Go so many hits on, or to the first at or below where the cursor is."""
        at = self.lookup.at
        line = self.lookup.step(step, self.line_here() if at is None or step == 0 else at)
        if line is not None:
            self.show_line(line)
            cast("Widget", self).refresh()


def marked(strip: Strip, wanted: str) -> Strip:
    """Return a strip with what was looked for marked on it."""
    text = strip.text.lower()
    if not wanted or wanted not in text or len(text) != strip.cell_length:
        return strip
    parts, last, at = list[Strip](), 0, text.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        parts += [strip.crop(last, at), _styled(strip.crop(at, end))]
        last, at = end, text.find(wanted, end)
    return Strip.join([*parts, strip.crop(last, strip.cell_length)])


def _styled(strip: Strip) -> Strip:
    return Strip(
        [segment.__class__(segment.text, (segment.style or Style.null()) + _MARK) for segment in strip],
        strip.cell_length,
    )
