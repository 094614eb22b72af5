"""The graph pane: the live grad_fn tree as a virtual list on the line API.

Only the rows on the screen are ever asked for and drawn, so a graph of 100,000 nodes costs what a graph of ten does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip

from gradb.frame.cache import Cache
from gradb.frame.frame import Frame
from gradb.frame.graph.view import GraphRow, GraphView, NodeState
from gradb.present.draw.safe import plain
from gradb.present.panes.graph import beginning, graph_row
from gradb.present.panes.table import PaneSpec
from gradb.tui.layout import top_line
from gradb.tui.messages import NodeSelected
from gradb.tui.pane import Pane

_NAME_ROOM = 30  # cells of a row kept for name, variable and shape
_NARROW = 44  # below this a level of the tree takes two cells, else three
_LEAST_DEPTH = 4
_KEPT = 1000  # drawn rows

_Look = tuple[GraphRow, NodeState, tuple[int, ...] | None, bool, bool, int, Style]
"""All that the looks of a row depend on: row, state, shape, current, selected, width and ground."""


class GraphPane(Pane):
    """The grad_fn graph, unfolded from its roots; each shared node drawn once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Select the row above", show=False),
        Binding("down", "move(1)", "Select the row below", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
    ]

    cursor: reactive[int | None] = reactive(None, repaint=False)

    def __init__(self, spec: PaneSpec) -> None:
        super().__init__(spec)
        self._looks = Cache(self._draw, _KEPT)

    def watch_frame(self, frame: Frame | None) -> None:
        """Follow the node that the event is about, and lay the list out anew."""
        graph = self._graph
        self._lay_out()
        self.set_reactive(GraphPane.cursor, self._row_to_show(graph))
        self._show_current()
        self._show_rows()
        self._show_expression()
        self.refresh()

    def watch_options(self) -> None:
        """Show or forget the mark of a selected row."""
        self.refresh()

    def watch_cursor(self, old: int | None, new: int | None) -> None:
        """Repaint the two rows that changed."""
        for row in (old, new):
            if row is not None:
                self.refresh_line(row + self.said)
        self._show_cursor()
        self._show_expression()

    def on_resize(self, event: events.Resize) -> None:
        """Keep the virtual width in step with the real one."""
        if self.frame is not None:
            self._lay_out()
            self._show_rows()
            self._show_current()
            self.refresh()

    def _lay_out(self) -> None:
        """Take the lines that the graph needs, below what is to be said of it."""
        self.say_what_is_missing()
        self.set_lines((0 if self._graph is None else len(self._graph)) + self.said)

    def _show_rows(self) -> None:
        """Say how many rows there are, where not all of them are seen."""
        rows = 0 if self._graph is None else len(self._graph)
        self.show_about(f"{rows:,} rows" if rows > self.list_height > 0 else "")

    @property
    def _graph(self) -> GraphView | None:
        return None if self.frame is None else self.frame.graph

    def _row_to_show(self, graph: GraphView | None) -> int | None:
        if graph is None or graph.current is None:
            return None
        return graph.index_of(graph.current)

    def _show_expression(self) -> None:
        """Say below the list which Python reaches the node under the cursor."""
        graph, cursor = self._graph, self.cursor
        if graph is None or cursor is None or cursor >= len(graph):
            self.border_subtitle = None
        else:
            self.border_subtitle = Content(beginning(plain(graph.expression(cursor)), self.outer_size.width))

    def _show_current(self) -> None:
        """Bring the current node, or the roots, into view."""
        rows = 0 if self._graph is None else len(self._graph)
        self.scroll_to(y=top_line(self.cursor or 0, rows, max(self.list_height, 1)), animate=False)

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

    def render_line(self, y: int) -> Strip:
        """Draw one row of the viewport."""
        if y < self.said:
            return self.said_line(y)
        width, index, graph = self.line_width, y - self.said + self.scroll_offset.y, self._graph
        if graph is None or index >= len(graph):
            return Strip.blank(width, self.line_style)
        return self._row(graph, index, width)

    def _row(self, graph: GraphView, index: int, width: int) -> Strip:
        row = graph.row(index)
        is_current = row.node == graph.current and not row.is_reference
        is_selected = index == self.cursor and self.options.selected_node is not None
        look = (replace(row, node=0), graph.state(row.node), graph.shape(row.node), is_current, is_selected)
        return self._looks((*look, width, self.line_style))

    def _draw(self, look: _Look) -> Strip:
        """Draw a row; rows that look alike, as those of one iteration do to those of the next, are drawn once."""
        row, state, shape, is_current, is_selected, width, _ = look
        indent = 2 if width < _NARROW else 3
        depth = max((width - _NAME_ROOM) // indent, _LEAST_DEPTH)
        text = graph_row(row, state, shape, is_current, is_selected, depth, indent)
        text.truncate(width, overflow="ellipsis")
        return self.to_strip(text, width)

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y >= self.said:
            self._select(offset.y - self.said + self.scroll_offset.y)

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._select((self.cursor if self.cursor is not None else -1) + step)

    def action_page(self, direction: int) -> None:
        """Move the cursor by a page."""
        self.action_move(direction * max(self.list_height - 1, 1))

    def reveal(self, node: int) -> bool:
        """Select a node and bring it into view, whatever hides it; return False where the graph does not have it."""
        index = None if self._graph is None else self._graph.index_of(node)
        if index is None:
            return False
        self._select(index)
        return True

    def _select(self, index: int) -> None:
        graph = self._graph
        if graph is None or not len(graph):
            return
        self.cursor = min(max(index, 0), len(graph) - 1)
        self.post_message(NodeSelected(graph.row(self.cursor).node))
