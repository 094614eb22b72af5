"""A line of a picture that is kept drawn, and drawn again with few of its cells changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.text import Span, Text


@dataclass(frozen=True, slots=True)
class StyledLine:
    """Characters and the styles they are drawn in."""

    chars: str
    """One a cell."""
    runs: tuple[tuple[int, int, str], ...]
    """(first cell, end, style) of what is drawn in one style, from left to right."""

    @staticmethod
    def of(chars: Sequence[str], styles: Sequence[str]) -> StyledLine:
        """Return the line of characters, each with its style."""
        runs, first = list[tuple[int, int, str]](), 0
        for style, run in groupby(styles):
            end = first + sum(1 for _ in run)
            runs.append((first, end, style))
            first = end
        return StyledLine("".join(chars), tuple(runs))

    def style_at(self, at: int) -> str:
        """Return the style of a cell."""
        return next(style for _, end, style in self.runs if at < end)

    def with_cell(self, at: int, char: str, style: str) -> StyledLine:
        """Return the same line with another cell."""
        runs = list[tuple[int, int, str]]()
        for first, end, before in self.runs:
            if not first <= at < end:
                runs.append((first, end, before))
                continue
            parts = ((first, at, before), (at, at + 1, style), (at + 1, end, before))
            runs += [part for part in parts if part[0] < part[1]]
        joined = [(run[0][0], run[-1][1], key) for key, run in _by_style(runs)]
        return StyledLine(self.chars[:at] + char + self.chars[at + 1 :], tuple(joined))

    def text(self) -> Text:
        """Return it for a terminal."""
        return Text(self.chars, no_wrap=True, spans=[Span(*run) for run in self.runs if run[2]])


def _by_style(runs: Sequence[tuple[int, int, str]]) -> Iterator[tuple[str, list[tuple[int, int, str]]]]:
    for style, group in groupby(runs, lambda run: run[2]):
        yield style, list(group)
