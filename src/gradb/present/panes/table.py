"""The panes by name: each a pure function of a Frame."""

from __future__ import annotations

from gradb.present.lines.unrecorded import Pane, telling
from gradb.present.options import Options
from gradb.present.panes.aten import aten_pane
from gradb.present.panes.chain import chain_pane
from gradb.present.panes.grads import grads_pane
from gradb.present.panes.graph import graph_pane, graph_row
from gradb.present.panes.output import output_pane
from gradb.present.panes.paths import paths_pane
from gradb.present.panes.saved import saved_pane
from gradb.present.panes.source import source_pane
from gradb.present.panes.training import training_pane

_DRAWN: dict[str, Pane] = {
    "source": source_pane,
    "graph": graph_pane,
    "chain": chain_pane,
    "grads": grads_pane,
    "training": training_pane,
    "output": output_pane,
    "paths": paths_pane,
    "saved": saved_pane,
    "aten": aten_pane,
}
PANES: dict[str, Pane] = {name: telling(name, pane) for name, pane in _DRAWN.items()}

__all__ = ["PANES", "Options", "Pane", "graph_row"]
