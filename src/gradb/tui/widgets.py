"""Which widget shows which pane."""

from __future__ import annotations

from gradb.present.panes.table import PANES
from gradb.tui.displays import DisplaysPane
from gradb.tui.findings import FindingsPane
from gradb.tui.grads import GradsPane
from gradb.tui.graph import GraphPane
from gradb.tui.pane import ChainPane, DrawnPane, OutputPane, Pane
from gradb.tui.source import SourcePane
from gradb.tui.stack import StackPane
from gradb.tui.training import TrainingPane
from gradb.tui.values import ValuesPane

_WIDGETS: dict[str, type[Pane]] = {
    "source": SourcePane,
    "graph": GraphPane,
    "chain": ChainPane,
    "grads": GradsPane,
    "output": OutputPane,
    "training": TrainingPane,
    "findings": FindingsPane,
    "displays": DisplaysPane,
    "stack": StackPane,
    "values": ValuesPane,
}
"""Panes that do more than scroll over the lines that are drawn of them."""


def make_panes() -> dict[str, Pane]:
    """Return a widget for each pane, by its name."""
    return {name: _WIDGETS.get(name, DrawnPane)(spec) for name, spec in PANES.items()}
