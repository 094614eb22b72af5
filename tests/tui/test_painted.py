"""Painting line by line: what looks as it did is left alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.pilot import Pilot
from textual.strip import Strip

from gradb.tui.painted import Painted
from tests.tui.support import look_at

LINES = ["one", "two", "three", "four"]


class Rows(Painted):
    """Some lines, and which of them were painted."""

    DEFAULT_CSS = "Rows { border: round white; width: 20; height: 5; }"

    def __init__(self) -> None:
        super().__init__()
        self.virtual_size = Size(10, len(LINES))
        self.texts = list(LINES)
        self.seen: list[int] = []

    def line_at(self, y: int) -> Strip:
        """Return a line."""
        at = y + self.scroll_offset.y
        text = self.texts[at] if at < len(self.texts) else ""
        return Strip([Segment(text)]).adjust_cell_length(self.line_width)

    def render_line(self, y: int) -> Strip:
        """Take note of it."""
        self.seen.append(y)
        return super().render_line(y)


class RowsApp(App[None]):
    """An app of nothing else."""

    def compose(self) -> ComposeResult:
        """Lay it out."""
        yield Rows()


@asynccontextmanager
async def rows() -> AsyncIterator[tuple[Rows, Pilot[None]]]:
    """Run it until it is painted."""
    app = RowsApp()
    async with app.run_test(size=(30, 8)) as pilot:
        shown = app.query_one(Rows)
        await looked_at(pilot)
        shown.seen.clear()
        yield shown, pilot


async def looked_at(pilot: Pilot[None]) -> str:
    """Paint what is to be painted by now, and return what is seen."""
    await pilot.pause()
    return "\n".join(strip.text for strip in look_at(pilot.app))


async def test_the_lines_that_look_different_are_painted() -> None:
    """Of three lines one has another text: that one is painted, once, however often it was asked for."""
    async with rows() as (shown, pilot):
        shown.texts[1] = "TWO"
        shown.repaint()
        shown.repaint()
        assert "TWO" in await looked_at(pilot)
        assert shown.seen == [1]


async def test_nothing_is_painted_where_nothing_looks_different() -> None:
    """Whoever is not sure asks for it."""
    async with rows() as (shown, pilot):
        shown.repaint()
        await looked_at(pilot)
        assert shown.seen == []


async def test_scrolled_lines_are_painted_where_they_differ() -> None:
    """A line that comes to where an equal one was is left alone."""
    async with rows() as (shown, pilot):
        shown.texts = ["same", "same", "two", "three"]
        shown.repaint()
        await looked_at(pilot)
        shown.seen.clear()
        shown.scroll_to(y=1, animate=False)
        assert "three" in await looked_at(pilot)
        assert shown.seen == [1, 2]


async def test_a_title_is_written_without_the_lines() -> None:
    """The border alone is painted."""
    async with rows() as (shown, pilot):
        shown.retitle(Content("above"))
        shown.retitle_below(Content("below"))
        text = await looked_at(pilot)
        assert shown.seen == []
        assert "above" in text
        assert "below" in text


async def test_all_is_painted_where_colours_are_others() -> None:
    """Textual asks for that itself."""
    async with rows() as (shown, pilot):
        shown.styles.background = "red"
        await looked_at(pilot)
        assert shown.seen == [0, 1, 2]
