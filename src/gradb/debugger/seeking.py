"""Looks for nodes of the graph at the position: all that fit a text, or the one that a name means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gradb.debugger.errors import UserError
from gradb.debugger.suggestion import did_you_mean
from gradb.frame.called import NUMBERS, Called
from gradb.frame.graph.finding import Query, read_query
from gradb.frame.graph.view import GraphView
from gradb.present.lines.unseen import none_yet
from gradb.tape.expressions.variables import quoted

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger
    from gradb.frame.graph.finding import Search

_ROWS = 512  # looked at between two looks at what was found


@dataclass(frozen=True, slots=True)
class Found:
    """What a search of the graph has found."""

    text: str
    """What was looked for."""
    position: int
    graph: GraphView
    rows: tuple[int, ...]
    """The rows of the nodes that fit, top down."""
    called: Called = NUMBERS
    """What the events of the tape are called."""


def find(debugger: Debugger, text: str) -> Found:
    """Look for all nodes of the graph at the position that fit a text.

    Raises:
        UserError: there is no text, or there is no graph.
    """
    query, graph = read_query(text), _graph(debugger)
    if query.is_empty:
        raise UserError("`find` needs something to look for: a name, a shape such as 64x10, nan or inf")
    search = graph.search(query)
    search.look_at_all()
    return Found(text, debugger.position, graph, tuple(search.rows), debugger.recorded().called)


def node_called(debugger: Debugger, name: str) -> int:
    """Return the node that a name means: of a variable, of a parameter, or of the first node of that name; without a
    name, the node that the event at the position is about.

    Raises:
        UserError: there is none.
    """
    graph = _graph(debugger)
    if not name:
        if graph.current is None:
            raise UserError("the event here is about no node: `jump NAME` goes to that of a variable or parameter")
        return graph.current
    if (node := _of_variable(debugger, graph, name)) is not None:
        return node
    search = graph.search(Query(called=name))
    node = _first(graph, search, name, _is_label(debugger, name))
    if node is None:
        raise UserError(_no_such(debugger, name, search.names))
    return node


def _first(graph: GraphView, search: Search, name: str, is_label: bool) -> int | None:
    """Return the first node whose label a name is, else whose label ends with it, else that is called so.

    A graph may have 100,000 nodes of that name: it is looked through no further than the answer needs.
    """
    ending = called = None
    while not search.is_over:
        seen = len(search.rows)
        search.look(_ROWS)
        for index in search.rows[seen:]:
            row = graph.row(index)
            if row.label == name:
                return row.node
            if ending is None and (row.label or "").endswith(f".{name}"):
                ending = row.node
            if called is None and row.name == name:
                called = row.node
            if called is not None and not is_label:
                return called
    return called if ending is None else ending


def _is_label(debugger: Debugger, name: str) -> bool:
    """Tell whether a name, or what ends with it, is that of a variable or a parameter."""
    known = () if debugger.tape is None else debugger.tape.names(debugger.position)
    return any(one == name or one.endswith(f".{name}") for one in known)


def _of_variable(debugger: Debugger, graph: GraphView, name: str) -> int | None:
    """Return the node that a variable's ``grad_fn`` is, if it is one of the graph."""
    tape, position = debugger.tape, debugger.position
    tensor = None if tape is None else tape.tensor(name, position)
    if tape is None or tensor is None or (defined := tape.appearance(tensor, position)) is None:
        return None
    return defined.node if defined.node is not None and graph.index_of(defined.node) is not None else None


def _graph(debugger: Debugger) -> GraphView:
    frame = debugger.frame()
    if not len(frame.graph):
        raise UserError(none_yet("there is no graph yet: nothing that requires grad has been computed", frame.training))
    return frame.graph


def _no_such(debugger: Debugger, name: str, nodes: Iterable[str]) -> str:
    known = () if debugger.tape is None else debugger.tape.names(debugger.position)
    if name in known:
        return f"{quoted(name)} has no node in the graph here: its node was made elsewhere, or it has none"
    return f"there is no {quoted(name)} in the graph here{did_you_mean(name, known, nodes)}"
