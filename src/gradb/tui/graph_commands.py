"""What the commands about the graph pane do: pure functions of what is drawn and of a command's argument."""

from __future__ import annotations

from dataclasses import replace

from gradb.algebra.figures import counted
from gradb.debugger.errors import UserError
from gradb.frame.graph.choice import AT_FIRST, Choice
from gradb.frame.graph.flows import Measure
from gradb.frame.graph.listing import FEW
from gradb.frame.graph.opening import names_of, turning
from gradb.tui.screen import DebugScreen

_SAID: dict[Measure | None, str] = {
    "norm": "2-norm of the gradient that came to each node, a cell a power of ten; ? where it is not known",
    "max": "largest element of the gradient that came to each node, by absolute value, a cell a power of ten",
    None: "",
}
_NAMED = 6
"""Folds that are named where one is not found."""


def fold(screen: DebugScreen, argument: str) -> None:
    """Open or close folds of the graph, and show it."""
    graph = None if screen.frame is None else screen.frame.graph
    items = None if graph is None else graph.folds()
    if graph is None or items is None:
        raise UserError(unfoldable_words(0 if graph is None else len(graph)))
    choice = screen.options.graph.folds
    match argument:
        case "":
            chosen = Choice("none") if choice.mode != "none" else AT_FIRST
        case "all" | "none" | "auto":
            chosen = Choice(argument)
        case name:
            turned = turning(items, len(graph), choice, name)
            if turned is None:
                raise UserError(f"there is no fold {name!r} in the graph: it has {_listed(names_of(items))}")
            chosen = turned
    screen.options = replace(screen.options, graph=replace(screen.options.graph, folds=chosen))
    screen.arranging.bring_to_front("graph")


def unfoldable_words(rows: int) -> str:
    """Say why a graph of so many rows has no folds."""
    if not rows:
        return "there is nothing to fold: there is no graph here"
    if rows < FEW:
        return f"there is nothing to fold: the graph has {counted(rows, 'row')}, and from {FEW} on it is folded"
    return "there is nothing to fold: no module made any of this graph, and no ops are repeated in it"


def norms(screen: DebugScreen, argument: str) -> None:
    """Show one measure of the gradients in the graph, the next one, or none."""
    measures: dict[str, Measure | None] = {"norm": "norm", "max": "max", "off": None}
    now = screen.options.graph.measure
    chosen = measures.get(argument) if argument else {None: "norm", "norm": "max", "max": None}[now]
    if argument and argument not in measures:
        raise UserError(f"`norms` takes {', '.join(measures)} or nothing, not {argument!r}")
    screen.options = replace(screen.options, graph=replace(screen.options.graph, measure=chosen))
    screen.arranging.bring_to_front("graph")
    screen.notice(_SAID[chosen])


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")
