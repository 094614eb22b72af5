"""What the user has selected: what each pane is told of it, no more than it shows, and the Python that reaches it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradb.frame.frame import Frame
from gradb.present.options import Branches, Checkpoints, Grads, GraphChoice, Options, Plot, Values
from gradb.tui.judging import found_alone


def for_panes(options: Options, names: Iterable[str]) -> dict[str, Options]:
    """Return the options of each pane."""
    alike = replace(options, asked=None, given=frozenset())
    whole = replace(
        alike, plot=Plot(), ghost=None, branches=Branches(), displayed=(), grads=Grads(), values=Values(),
        checkpoints=Checkpoints(),
    )  # fmt: skip
    judged = replace(whole, graph=GraphChoice())
    of_its_own = {
        "source": replace(judged, judged=None, given=options.given),
        "training": replace(
            alike, selected_node=None, chain=None, judged=found_alone(options.judged), displayed=(),
            graph=GraphChoice(), grads=Grads(), values=Values(),
        ),
        "findings": judged,
        "graph": replace(whole, judged=None),
        "values": Options(values=options.values),
        "grads": Options(grads=options.grads),
        "displays": Options(displayed=options.displayed),
    }  # fmt: skip
    return dict.fromkeys(names, replace(judged, judged=None)) | of_its_own


def expression(frame: Frame | None, selected: int | None) -> str:
    """Return the Python that reaches the selected, else the current node; empty where none is known."""
    graph = None if frame is None else frame.graph
    node = selected or (None if graph is None else graph.current)
    row = None if graph is None or node is None else graph.index_of(node)
    return "" if graph is None or row is None else graph.expression(row)
