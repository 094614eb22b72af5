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
from gradb.tape.expressions.variables import quoted

if TYPE_CHECKING:
    from gradb.debugger.debugger import Debugger


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
    search = graph.search(Query((name.lower(),)))
    search.look_at_all()
    rows = [graph.row(row) for row in search.rows]
    ways = (
        [row.node for row in rows if row.label == name],
        [row.node for row in rows if (row.label or "").endswith(f".{name}")],
        [row.node for row in rows if row.name == name],
    )
    for found in filter(None, ways):
        return found[0]
    raise UserError(_no_such(debugger, name, search.names))


def _of_variable(debugger: Debugger, graph: GraphView, name: str) -> int | None:
    """Return the node that a variable's ``grad_fn`` is, if it is one of the graph."""
    tape, position = debugger.tape, debugger.position
    tensor = None if tape is None else tape.tensor(name, position)
    if tape is None or tensor is None or (defined := tape.appearance(tensor, position)) is None:
        return None
    return defined.node if defined.node is not None and graph.index_of(defined.node) is not None else None


def _graph(debugger: Debugger) -> GraphView:
    graph = debugger.frame().graph
    if not len(graph):
        raise UserError("there is no graph yet: nothing that requires grad has been computed")
    return graph


def _no_such(debugger: Debugger, name: str, nodes: Iterable[str]) -> str:
    known = () if debugger.tape is None else debugger.tape.names(debugger.position)
    if name in known:
        return f"{quoted(name)} has no node in the graph here: its node was made elsewhere, or it has none"
    return f"there is no {quoted(name)} in the graph here{did_you_mean(name, known, nodes)}"
