"""The graph pane: the live grad_fn tree as a virtual list on the line API.

Only the rows on the screen are ever asked for and drawn, so a graph of 100,000 nodes costs what a graph of ten does.
"""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip

from gradb.frame.cache import Cache
from gradb.frame.frame import Frame
from gradb.frame.graph.choice import Choice
from gradb.frame.graph.flows import Measure
from gradb.frame.graph.listing import Line, Listing
from gradb.frame.graph.opening import showing
from gradb.frame.graph.view import GraphView
from gradb.frame.reader import TapeError
from gradb.present.draw import theme
from gradb.present.draw.fields import remark
from gradb.present.draw.safe import plain
from gradb.present.options import Options
from gradb.present.panes.graph import beginning, draw_line, link_lines, links_room, listing_of
from gradb.present.panes.table import PaneSpec
from gradb.tui.flows import FlowReading
from gradb.tui.graph_reading import GraphReading
from gradb.tui.graph_search import GraphSearch
from gradb.tui.layout import top_line
from gradb.tui.messages import FoldsChosen, NodeSelected
from gradb.tui.pane import Pane, finished

_FOLDED = "▸▾"
_MEASURES: dict[Measure, str] = {"norm": "2-norm of the gradient", "max": "largest of the gradient"}
_KEPT = 1000  # drawn rows

_Look = tuple[object, ...]
"""All that the looks of a line depend on: what it shows, how it is marked, width and ground."""


class GraphPane(Pane):
    """The grad_fn graph, unfolded from its roots; each shared node drawn once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Select the row above", show=False),
        Binding("down", "move(1)", "Select the row below", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("ctrl+home", "edge(-1)", "To the first line", show=False),
        Binding("ctrl+end", "edge(1)", "To the last line", show=False),
        Binding("enter", "turn", "Open or close a fold", show=False),
    ]

    cursor: reactive[int | None] = reactive(None, repaint=False)
    """The line that the user is at; of a run that is followed, that of the current node."""

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._looks: Cache[_Look, Strip] = Cache(lambda look: Strip.blank(0), _KEPT)
        self._listing = Listing(None, 0, Choice())
        self._footer: list[Strip] = []
        self._note: tuple[tuple[str, int], list[Strip]] = ("", 0), []
        """What is said where there is no graph, for which width, and its lines."""
        self._reading = GraphReading(self, self._take)
        self._flows = FlowReading(self, lambda: self._graph, self._show_rows)
        self.search: GraphSearch = GraphSearch(self, lambda: self._graph, self._row_here, self.reveal)
        self._expression = ""
        self._to_reveal: int | None = None
        """What is to be gone to once the graph is read."""
        self._is_chosen = False
        """True where the user has moved the cursor since the last step."""

    def watch_frame(self, frame: Frame | None) -> None:
        """Follow the node that the event is about, once the graph is read."""
        self._is_chosen = self._is_chosen and self.options.selected_node is not None
        self._to_reveal = None
        self._reading.read(None if frame is None else frame.graph)

    def _take(self) -> None:
        """Lay the list out anew for the graph that is read, or for none while it is not."""
        self.search.follow()
        self._list()
        self._lay_out()
        self.set_reactive(GraphPane.cursor, self._line_to_show())
        self._show_current()
        self._show_rows()
        self._flows.read(self.options.graph.measure)
        self._show_links()
        self.repaint()
        if self._graph is not None and self._to_reveal is not None:
            self.reveal(self._to_reveal)

    def watch_options(self, old: Options, new: Options) -> None:
        """Open and close folds, and stay at the line that the user is at."""
        if (old.graph, old.selected_node) != (new.graph, new.selected_node) and self._graph is not None:
            self._list_around_cursor(new.selected_node if new.selected_node != old.selected_node else None)
        self._flows.read(self.options.graph.measure)
        self.repaint()

    def _list(self) -> None:
        """Find which lines there are."""
        graph, options = self._graph, self.options
        if graph is not None:
            self._listing = listing_of(graph, options.graph.folds, options.selected_node)

    def _list_around_cursor(self, selected: int | None) -> None:
        """Find anew which lines there are; what is under the cursor stays where it is on the screen.

        ``selected`` is the node that has just been selected, if one was: the cursor goes there.
        """
        cursor, before = self.cursor, self._listing
        line = before.line(cursor) if cursor is not None and cursor < len(before) else None
        self._list()
        self._lay_out()
        now = None if line is None else self._listing.again(line)
        if selected is not None and (line is None or not self._shows(line, selected)):
            now = self._line_to_show()
        if now is not None:
            self.set_reactive(GraphPane.cursor, now)
            self.scroll_to(y=max(round(self.scroll_y) + now - (cursor or 0), 0), animate=False)
            self._show_cursor()
        self._show_rows()
        self._show_links()

    def _shows(self, line: Line, node: int) -> bool:
        """Tell whether a line is a row of a node, be it a reference."""
        return line.header is None and self._graph is not None and self._graph.row(line.row).node == node

    def watch_cursor(self, old: int | None, new: int | None) -> None:
        """Show the line that the cursor is at."""
        self.repaint()
        self._show_cursor()
        self._show_links()

    def on_resize(self, event: events.Resize) -> None:
        """Keep the virtual width in step with the real one."""
        if self.frame is not None:
            self._lay_out()
            self._show_rows()
            self._show_current()
            self._show_links()

    def _lay_out(self) -> None:
        """Take the lines that the graph needs, below what is to be said of it."""
        self.say_what_is_missing()
        self.set_lines((0 if self._graph is None else len(self._listing)) + self.room.height - self.list_height)

    def _show_rows(self, is_read: bool = True) -> None:
        """Say how many lines there are, where not all of them are seen, and of how many rows."""
        rows, lines = (0, 0) if self._graph is None else (len(self._graph), len(self._listing))
        is_folded = next(self._listing.headers, None) is not None
        about = f"{rows:,} rows" + (f" on {lines:,} lines" if is_folded else "")
        parts = [about] if rows and (is_folded or lines > self.list_height > 0) else []
        if (measure := self.options.graph.measure) is not None:
            parts.append(_MEASURES[measure] + ("" if is_read else " (reading ...)"))
        self.show_about(", ".join(parts))

    @property
    def _graph(self) -> GraphView | None:
        return self._reading.graph

    def _line_to_show(self) -> int | None:
        graph, selected = self._graph, self.options.selected_node
        node = selected if selected is not None or graph is None else graph.current
        row = None if graph is None or node is None else graph.index_of(node)
        return None if row is None else self._listing.line_of(row)

    def _show_links(self) -> None:
        """Say below the list which Python reaches the node under the cursor, and how that is linked."""
        graph, cursor, width = self._graph, self.cursor, max(self.room.width, 1)
        line = None if graph is None or cursor is None or cursor >= len(self._listing) else self._listing.line(cursor)
        if graph is None or line is None or line.header is not None:
            self._reach("")
            self._footer = []
        else:
            self._reach(beginning(plain(graph.expression(line.row)), self.app.size.width))
            lines = link_lines(graph, line.row, width, links_room(self.room.height))
            self._footer = [self.to_strips(one, width)[0] for one in lines]
        self.repaint()

    def _reach(self, expression: str) -> None:
        """Say in the border how Python reaches the node."""
        if expression != self._expression:
            self._expression = expression
            self.retitle_below(Content(expression) if expression else None)

    def _show_current(self) -> None:
        """Bring the current node, or the roots, into view."""
        self.scroll_to(y=top_line(self.cursor or 0, len(self._listing), max(self.list_height, 1)), animate=False)

    def _show_cursor(self) -> None:
        """Scroll the least that brings the cursor, with a line of context, into view."""
        if self.cursor is None:
            return
        height, top = max(self.list_height, 1), round(self.scroll_y)
        margin = min(1, (height - 1) // 2)
        highest, lowest = self.cursor - height + 1 + margin, self.cursor - margin
        target = min(max(top, highest), lowest)
        if target != top:
            self.scroll_to(y=max(target, 0), animate=False)

    @property
    def list_height(self) -> int:
        """Lines there are between what is missing and how a node is linked; as many whichever node that is."""
        return max(super().list_height - links_room(self.room.height), 1)

    def line_at(self, y: int) -> Strip:
        """Draw one row of the viewport."""
        if y < self.said:
            return self.said_line(y)
        if (at := y - self.said - self.lines_listed) >= 0:
            strip = self._footer[at] if at < len(self._footer) else Strip.blank(0)
            return strip.apply_style(self.line_style).adjust_cell_length(self.line_width, self.line_style)
        width, index, graph = self.line_width, y - self.said + self.scroll_offset.y, self._graph
        if graph is None:
            return self._note_line(index, width)
        if index >= len(self._listing):
            return Strip.blank(width, self.line_style)
        try:
            return self._drawn(graph, index, width)
        except TapeError as error:  # what a line says of its node is read as it is painted
            return self.to_strip(Text(f"! {plain(str(error))}", theme.WARNING), width)

    def _note_line(self, index: int, width: int) -> Strip:
        """Draw one line of what is said where there is no graph to be shown."""
        key = self._reading.note, width
        if key != self._note[0]:
            self._note = key, self.to_strips(remark(*key), width) if key[0] else []
        lines = self._note[1]
        return (
            finished(lines[index], width, self.line_style)
            if index < len(lines)
            else Strip.blank(width, self.line_style)
        )

    def _drawn(self, graph: GraphView, index: int, width: int) -> Strip:
        """Draw a line; those that look alike, as those of one iteration do to those of the next, are drawn once."""
        line, is_here = self._listing.line(index), index == self.cursor and self._is_chosen
        if line.header is not None:
            return self.to_strip(draw_line(graph, line, self.own_options(), is_selected=is_here), width)
        row = graph.row(line.row)
        is_current = row.node == graph.current and not row.is_reference
        is_hit = self.search.has(row.node)
        if self.options.graph.measure is not None:
            return self.to_strip(self._draw_row(graph, line, row.name, is_hit=is_hit, is_here=is_here), width)
        look = (
            row.name,
            row.label,
            row.others,
            row.indent,
            row.lanes,
            row.is_head,
            row.reference,
            self.search.words if is_hit else is_hit,
            graph.state(row.node),
            graph.shape(row.node, row.output_nr),
            is_current,
            is_here,
            width,
            self.line_style,
        )
        if look not in self._looks:
            drawn = self._draw_row(graph, line, row.name, is_hit=is_hit, is_here=is_here)
            self._looks.put(look, self.to_strip(drawn, width))
        return self._looks(look)

    def _draw_row(self, graph: GraphView, line: Line, name: str, *, is_hit: bool, is_here: bool) -> Text:
        """Draw the row of a node; what was looked for is marked in it."""
        drawn = draw_line(graph, line, self.own_options(), is_selected=is_here)
        if is_hit:
            self.search.mark(drawn, name)
        return drawn

    def on_click(self, event: events.Click) -> None:
        """Select the line under the mouse; a fold's that is selected, or its mark, is opened or closed."""
        offset = event.get_content_offset(self)
        index = -1 if offset is None else offset.y - self.said + self.scroll_offset.y
        if (
            offset is None
            or not self.said <= offset.y < self.said + self.list_height
            or not 0 <= index < len(self._listing)
        ):
            return
        was_here = self._is_chosen and index == self.cursor
        self._select(index)
        if was_here or self.line_at(offset.y).text[offset.x : offset.x + 1] in {*_FOLDED}:
            self.action_turn()

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._select((self.cursor if self.cursor is not None else -1) + step)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.action_move(direction * max(self.list_height - 1, 1))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first (-1) or last line."""
        self._select(0 if direction < 0 else len(self._listing) - 1)

    def action_turn(self) -> None:
        """Open or close the fold under the cursor, go where a reference leads, or close the fold that a row is in."""
        if self._graph is None or self.cursor is None or self.cursor >= len(self._listing):
            return
        line, header = self._listing.line(self.cursor), self._listing.around(self.cursor)
        if line.header is None and (row := self._graph.row(line.row)).is_reference:
            self.reveal(row.node)
        elif header is not None:
            self.post_message(FoldsChosen(self.options.graph.folds.turned(header.key, is_open=not header.is_open)))

    def reveal(self, node: int) -> bool:
        """Select a node and bring it into view, whatever hides it; return False where the graph does not have it.

        Where the graph is still being read that is done afterwards.
        """
        self._to_reveal = None if self._graph is not None else node
        graph, choice = self._graph, self.options.graph.folds
        row = None if graph is None else graph.index_of(node)
        if graph is None or row is None:
            return False
        revealed = showing(graph.folds(), len(graph), choice, row)
        if revealed != choice:
            self.post_message(FoldsChosen(revealed))
        self._is_chosen = True
        self.post_message(NodeSelected(node))
        return True

    def _row_here(self) -> int:
        """Return the row that the cursor is at, 0 without one."""
        has_line = self.cursor is not None and self.cursor < len(self._listing)
        return self._listing.line(self.cursor).row if self.cursor is not None and has_line else 0

    def _select(self, index: int) -> None:
        graph = self._graph
        if graph is None or not len(self._listing):
            return
        self._is_chosen = True
        self.cursor = min(max(index, 0), len(self._listing) - 1)
        self.repaint()
        line = self._listing.line(self.cursor)
        if line.header is None:
            self.post_message(NodeSelected(graph.row(line.row).node))
