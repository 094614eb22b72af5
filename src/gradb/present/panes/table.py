"""The panes by name: each a pure function of a Frame, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable

from gradb.frame.frame import Frame
from gradb.present.json.values import Json
from gradb.present.lines.unrecorded import Pane, telling, unrecorded
from gradb.present.options import Options
from gradb.present.panes.aten import aten_json, aten_pane
from gradb.present.panes.chain import chain_pane, chain_pane_json
from gradb.present.panes.grads import grads_json, grads_pane
from gradb.present.panes.graph import graph_json, graph_pane, graph_row
from gradb.present.panes.output import output_json, output_pane
from gradb.present.panes.paths import paths_json, paths_pane
from gradb.present.panes.saved import saved_json, saved_pane
from gradb.present.panes.source import source_json, source_pane
from gradb.present.panes.training import training_pane, training_pane_json

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

_JSON: dict[str, Callable[[Frame, Options], Json]] = {
    "source": lambda frame, options: source_json(frame),
    "graph": lambda frame, options: graph_json(frame),
    "chain": lambda frame, options: chain_pane_json(frame),
    "grads": lambda frame, options: grads_json(frame),
    "training": lambda frame, options: training_pane_json(frame),
    "output": lambda frame, options: output_json(frame),
    "paths": lambda frame, options: paths_json(frame, options.paths),
    "saved": lambda frame, options: saved_json(frame),
    "aten": lambda frame, options: aten_json(frame),
}


def pane_json(name: str, frame: Frame, options: Options | None = None) -> Json:
    """Return what a pane shows, as data.

    Raises:
        KeyError: there is no pane of that name.
    """
    head = {"pane": name, "position": frame.position, "head": frame.head, "phase": frame.phase}
    head["not_recorded"] = unrecorded(name, frame) or None
    return {**head, **_JSON[name](frame, Options() if options is None else options)}


__all__ = ["PANES", "Options", "Pane", "graph_row", "pane_json"]
