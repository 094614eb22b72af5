"""The panes: thin widgets that take a Frame and show what a pure renderer of `gradb.present` draws from it.

A pane owns its scrolling and nothing else: it keeps the drawn lines, paints the visible ones (line API), and never
looks at another pane, the screen or the debugger.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import ClassVar

from rich.console import Console, Group, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.strip import Strip

from gradb.frame.chain.record import Chain
from gradb.frame.frame import Frame
from gradb.present.draw.fields import cut, held
from gradb.present.draw.safe import plain
from gradb.present.lines.unrecorded import unrecorded_lines
from gradb.present.options import Options
from gradb.present.panes.table import PaneSpec
from gradb.tui.find import Searched
from gradb.tui.layout import top_line
from gradb.tui.linesearch import LineSearch, marked
from gradb.tui.painted import Painted

_SHARE = 3  # of the lines of a pane one in so many may say what is missing


class Pane(Painted, can_focus=True, inherit_bindings=False):
    """A bordered, scrollable part of the screen that shows a Frame.

    The arrow keys left and right, Home and End stay free: they move through the run.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Scroll up", show=False),
        Binding("down", "scroll_down", "Scroll down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown", "page_down", "Page down", show=False),
        Binding("shift+left", "scroll_left", "Scroll left", show=False),
        Binding("shift+right", "scroll_right", "Scroll right", show=False),
    ]

    frame: reactive[Frame | None] = reactive(None, repaint=False, always_update=True)
    """What is shown; the screen sets it."""
    options: reactive[Options] = reactive(Options(), repaint=False)
    """What the user has selected; width and height are the pane's own affair."""
    search: Searched
    """Looks for something in it."""

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(id=spec.name, name=spec.name, classes="pane")
        self.spec = spec
        self.lines_listed = 0
        """``list_height`` of the lines that are painted."""
        self._said: list[Strip] = []
        self._about: str | None = None
        self.show_about("")

    @property
    def said(self) -> int:
        """How many lines at the top say what is missing; they stay there, however far the pane is scrolled."""
        return len(self._said)

    @property
    def list_height(self) -> int:
        """Lines there are below these."""
        return max(self.room.height - self.said, 0)

    def say_what_is_missing(self) -> None:
        """Find out what is missing of what is shown; a pane of few lines says the beginning of it."""
        width, most = max(self.room.width, 1), max(self.room.height // _SHARE, 1)
        lines = [] if self.frame is None else unrecorded_lines(self.spec.shows, self.frame, width)
        if len(lines) > most:
            lines = [*lines[: most - 1], cut(Text.assemble(lines[most - 1], " …"), width)]
        self._said = self.to_strips(Group(*lines), width) if lines else []

    def said_line(self, y: int) -> Strip:
        """Paint one of these lines."""
        width = self.line_width
        return self._said[y].apply_style(self.line_style).adjust_cell_length(width, self.line_style)

    def show_about(self, about: str) -> None:
        """Set the title: key, label and what is shown (plain text, never markup)."""
        if about == self._about:
            return
        self._about = about
        key = f"{self.spec.keys[0]} " if self.spec.keys else ""
        about = f" {plain(about)}" if about else ""
        self.retitle(Content.assemble((key, "dim"), self.spec.label, (about, "dim")))

    def set_lines(self, count: int) -> None:
        """Say how many lines there are to scroll through.

        The scroll bar has its place always, so that the screen need not be laid out anew, which costs more than the
        paint.
        """
        size = Size(max(self.room.width, 1), max(count, self.room.height))
        if size.width == self.virtual_size.width and self.room.height:
            self.set_reactive(Pane.virtual_size, size)
            self.vertical_scrollbar.window_virtual_size = size.height
        else:
            self.virtual_size = size

    def prepare_lines(self) -> None:
        """Look up colours and room."""
        super().prepare_lines()
        self.lines_listed = self.list_height

    def own_options(self, *, with_height: bool = False) -> Options:
        """Return the options for a renderer that draws on this pane."""
        return replace(self.options, width=max(self.room.width, 1), height=self.room.height if with_height else None)

    def to_strips(self, renderable: RenderableType, width: int) -> list[Strip]:
        """Render without the pane's own colours, one strip a line."""
        return lines_of(renderable, self.app.console, width)

    def to_strip(self, text: Text, width: int) -> Strip:
        """Render one line, cut to ``width``."""
        return finished(text.render(self.app.console, end=""), width, self.line_style)


def lines_of(renderable: RenderableType, console: Console, width: int) -> list[Strip]:
    """Return the lines that are drawn of something; a text that is one line already is not laid out first."""
    options = console.options.update(width=width, height=None, highlight=False, markup=False)
    strips: list[Strip] = []
    for part in _parts(held(renderable, width)):
        if isinstance(part, Text) and _is_line(part, width):
            strips.append(Strip(_segments(part, console)))
        else:
            strips += [Strip(line) for line in console.render_lines(part, options, pad=False)]
    return strips


def _parts(renderable: RenderableType) -> Iterator[RenderableType]:
    """Yield what a group is made of, groups in it apart."""
    if isinstance(renderable, Group):
        for part in renderable.renderables:
            yield from _parts(part)
    else:
        yield renderable


def _is_line(text: Text, width: int) -> bool:
    """Tell whether a text is one line as it is: to lay it out takes longer than to draw it."""
    plain = text.plain
    return bool(plain) and "\n" not in plain and "\t" not in plain and not text.justify and text.cell_len <= width


def _segments(text: Text, console: Console) -> Iterable[Segment]:
    """Draw a text; one without spans has its style as the whole of it."""
    if text.spans or not text.style:
        return text.render(console, end="")
    return [Segment(text.plain, console.get_style(text.style))]


def finished(segments: Iterable[Segment], width: int, style: Style) -> Strip:
    """Return a line of ``width`` cells; made at once, since a strip costs more than what is on it."""
    line = list(Segment.apply_style(segments, style))
    length = sum(segment.cell_length for segment in line)
    if length > width:
        return Strip(line).adjust_cell_length(width, style)
    if length < width:
        line.append(Segment(" " * (width - length), style))
    return Strip(line, width)


class DrawnPane(Pane):
    """A pane whose lines all come from one pure renderer."""

    FILLS: ClassVar[bool] = False
    """True for what is drawn to the height that there is."""

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._strips: list[Strip] = []
        self.search: LineSearch = LineSearch(
            lambda: [strip.text for strip in self._strips], lambda: self.scroll_offset.y, self._show_line, self.repaint
        )

    def _show_line(self, line: int) -> None:
        """Bring a line into view."""
        self.scroll_to(y=top_line(line, len(self._strips), max(self.room.height, 1)), animate=False)

    def watch_frame(self) -> None:
        """Draw the new Frame."""
        self.draw()

    def watch_options(self) -> None:
        """Draw what the user has selected."""
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """Draw again for the new width."""
        self.draw()

    def on_show(self, event: events.Show) -> None:
        """Draw what was not drawn while another pane had the place."""
        self.draw()

    def draw(self) -> None:
        """Draw all lines and repaint; nothing while another pane has the place."""
        if not self.display:
            self._clear()
            return
        frame, width = self.frame, self.room.width
        if width <= 0 or frame is None:
            strips: list[Strip] = []
        else:
            options = self.own_options(with_height=self.FILLS)
            strips = self.to_strips(self.spec.render(frame, options), width)
        self._strips = strips
        self.search.look_again()
        self.say_what_is_missing()
        self.set_lines(len(strips))
        self.show_place()
        self.repaint()

    def _clear(self) -> None:
        """Forget what was drawn."""
        if self._strips or self._said:
            self._strips, self._said = [], []
            self.search.look_again()

    def show_place(self) -> None:
        """Scroll to what the Frame is about; the top unless a pane knows better."""
        self.scroll_to(y=0, animate=False)

    def line_at(self, y: int) -> Strip:
        """Return a line of the viewport."""
        index, width = y + self.scroll_offset.y, self.line_width
        if y < self.said and index != y:
            return self.said_line(y)
        if index >= len(self._strips):
            return Strip.blank(width, self.line_style)
        strip, left = marked(self._strips[index], self.search.text), self.scroll_offset.x
        return finished(strip.crop(left, left + width) if left else strip, width, self.line_style)


class ChainPane(DrawnPane):
    """The chain rule at the current or selected node."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("shift+up", "scroll_matrix(-1, 0)", "Matrix up", show=False),
        Binding("shift+down", "scroll_matrix(1, 0)", "Matrix down", show=False),
        Binding("shift+left", "scroll_matrix(0, -1)", "Matrix left", show=False),
        Binding("shift+right", "scroll_matrix(0, 1)", "Matrix right", show=False),
    ]

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._matrix = (0, 0)  # first row and column shown of a large matrix
        self._node: tuple[int | None, int | None] = (None, None)

    def watch_frame(self) -> None:
        """Draw the new Frame; another node's matrix is shown from its beginning."""
        chain = self._chain()
        node = (None, None) if chain is None else (chain.node, chain.event)
        if node != self._node:
            self._node, self._matrix = node, (0, 0)
        super().watch_frame()

    def _chain(self) -> Chain | None:
        return self.options.chain or (self.frame.chain if self.frame is not None else None)

    def own_options(self, *, with_height: bool = False) -> Options:
        """Return the options for the renderer, with the part of a matrix that is looked at."""
        return replace(super().own_options(with_height=with_height), matrix=self._matrix)

    def action_scroll_matrix(self, rows: int, columns: int) -> None:
        """Move over the matrices by so many rows and columns; the place of the pane stays."""
        chain = self._chain()
        edges = () if chain is None else chain.edges
        most = [
            max((size - 1 for size in sizes), default=0)
            for sizes in ([edge.local.rows for edge in edges], [edge.local.columns for edge in edges])
        ]
        row, column = self._matrix
        self._matrix = min(max(row + rows, 0), max(most[0], 0)), min(max(column + columns, 0), max(most[1], 0))
        place = self.scroll_offset.y
        self.draw()
        self.scroll_to(y=place, animate=False)


class OutputPane(DrawnPane):
    """What the script printed."""

    def show_place(self) -> None:
        """Show the newest line."""
        self.scroll_to(y=max(len(self._strips) - self.room.height, 0), animate=False)
