"""Search for panes that are lines: which have the text, and going from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.style import Style
from textual.strip import Strip

from gradb.tui.find import Tally
from gradb.tui.lookup import MARK, Lookup

_MARK = Style.parse(MARK)


class LineSearch:
    """A search of the lines of a pane.

    Args:
        lines: returns them as they can be read, top down.
        here: returns the line from which the first hit is looked for, from 0.
        show: brings a line into view.
        paint: has the pane painted, with what was found marked.
    """

    def __init__(
        self,
        lines: Callable[[], Sequence[str]],
        here: Callable[[], int],
        show: Callable[[int], object],
        paint: Callable[[], object],
    ) -> None:
        self._lines, self._here, self._show, self._paint = lines, here, show, paint
        self._lookup = Lookup()

    @property
    def text(self) -> str:
        """What is looked for, in lower case; empty: nothing."""
        return self._lookup.text

    @property
    def tally(self) -> Tally:
        """What the search has come to."""
        return self._lookup.tally

    def look_for(self, text: str, tell: Callable[[], None]) -> None:
        """Find the lines that have a text, or with an empty text forget them."""
        self._lookup.look_for(text, self._lines() if text else ())
        self._lookup.tell = tell
        self._paint()
        tell()

    def look_again(self) -> None:
        """Look through lines that may be others now."""
        if self._lookup.text:
            at = self._lookup.at
            self._lookup.look_for(self._lookup.text, self._lines())
            self._lookup.at = at
            self._lookup.tell()

    def go_to_hit(self, step: int) -> None:
        """Go so many hits on, or to the first at or below where the cursor is."""
        at = self._lookup.at
        line = self._lookup.step(step, self._here() if at is None or step == 0 else at)
        if line is not None:
            self._show(line)
            self._paint()


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
