"""Text looked for in lines: which have it, where the cursor is among them, and how they are marked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from rich.text import Text

from gradb.tui.find import Tally

MARK = "reverse underline"


class Lookup:
    """The lines that have a text, case ignored."""

    def __init__(self) -> None:
        self.text = ""
        """What is looked for, in lower case; empty: nothing."""
        self.lines: list[int] = []
        """Which have it, from 0, in order."""
        self.at: int | None = None
        """The line of the hit that was gone to last."""
        self.tell: Callable[[], None] = lambda: None
        """Called when there may be other hits."""

    def look_for(self, text: str, lines: Sequence[str]) -> None:
        """Find the lines that have a text."""
        self.text = text.strip().lower()
        self.lines = [index for index, line in enumerate(lines) if self.text in line.lower()] if self.text else []
        self.at = None

    def step(self, step: int, cursor: int) -> int | None:
        """Return the line so many hits on from a line, round the ends; 0: the first at or below it."""
        if not self.lines:
            return None
        self.at = self.lines[beside(self.lines, cursor, step)]
        return self.at

    @property
    def tally(self) -> Tally:
        """How many there are, and which was gone to."""
        return Tally(len(self.lines), 0 if self.at not in self.lines else self.lines.index(self.at) + 1)


def beside(places: Sequence[int], cursor: int, step: int) -> int:
    """Return which of some places, in order and not none, is so many on from a cursor; 0: the first at or below it."""
    first = bisect_left(places, cursor)
    is_on = first < len(places) and places[first] == cursor
    return (first + (step if step < 0 or is_on else max(step - 1, 0))) % len(places)


def mark(text: Text, *wanted: str, first: int = 0) -> bool:
    """Mark where a drawn text has what was looked for, from a character on; tell whether it is seen anywhere."""
    plain, is_seen = text.plain.lower(), False
    if len(plain) != len(text.plain):  # a letter that is longer in lower case
        return False
    for word in filter(None, wanted):
        at = plain.find(word, first)
        while at >= 0:
            text.stylize(MARK, at, at + len(word))
            at, is_seen = plain.find(word, at + len(word)), True
    return is_seen
