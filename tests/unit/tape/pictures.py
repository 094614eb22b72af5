"""Pictures of Frames as plain tuples and strings, so that a test can say what it expects in a line."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from gradb.frame.chain.pathview import PathsAt
from gradb.frame.frame import Frame
from gradb.frame.gradbuffer import known
from gradb.frame.graph.view import GraphView
from gradb.frame.training import Training
from gradb.tape.values import Number, TensorValue

SYMBOLS = {"created": "+", "pending": ".", "running": ">", "done": "*", "freed": "x", "failed": "!"}


def states(graph: GraphView) -> str:
    """Return one character a row: ``+`` created, ``.`` pending, ``>`` running, ``*`` done, ``x`` freed."""
    return "".join(SYMBOLS[graph.state(graph.row(index).node)] for index in range(len(graph)))


def rows(graph: GraphView) -> list[str]:
    """Return ``name label`` of each row as it is drawn, references in brackets; a line of the tree goes on at ``|``."""
    found = []
    for row in map(graph.row, range(len(graph))):
        text = f"{row.name} {row.label}" if row.label else row.name
        lead = "  " * row.indent + ("" if row.is_head else "| ")
        found.append(lead + (f"[{text}]" if row.is_reference else text))
    return found


def numbers(value: TensorValue | None) -> list[Number] | None:
    """Return the elements of a value, None for None."""
    return None if value is None else value.numbers()


def training(view: Training) -> dict[str, Any]:
    """Return what holds at the position, and the series up to it (the plot shows the later points as well)."""
    until = [(series, series.until(view.position)) for series in view.series]
    return {
        "series": [
            (one.label, list(one.events[:count]), repr(list(one.values[:count]))) for one, count in until if count
        ],
        "marks": [mark for mark in view.marks if mark.event <= view.position],
        "in force": (view.policy, view.rate, view.depth, view.touched, view.iteration),
    }


def paths(at: PathsAt) -> list[Any]:
    """Return of every leaf how many paths there are, the first few, their sum and what it is held against."""
    found: list[Any] = [at.default]
    for one in map(at.of, at.leaves):
        assert one is not None
        few = [one.path(number) for number in range(1, min(one.count or 0, 4) + 1)]
        found.append(repr((one.target, one.roots, one.count, few, one.total, one.made, one.check, one.hooks)))
    return found


def whole(frame: Frame) -> dict[str, Any]:
    """Return everything a Frame says that must not depend on what comes after it, the whole graph included."""
    apart = {"head", "run", "graph", "training", "paths", "saved", "backward"}
    found = {name: getattr(frame, name) for name in Frame.__slots__ if name not in apart}
    found["grads"] = tuple(replace(buffer, touched=known(buffer.touched())) for buffer in frame.grads)
    found["paths"] = paths(frame.paths)
    found["training"] = training(frame.training)
    found["backward"] = None if frame.backward is None else (frame.backward.event, frame.backward.number)
    found["saved"] = [frame.saved.of(node) for node in range(1, 20)]
    found["memory"] = frame.saved.memory()
    graph = frame.graph
    found["current"] = graph.current
    found["rows"] = [asdict(graph.row(index)) | {"expression": graph.expression(index)} for index in range(len(graph))]
    found["states"] = states(graph)
    found["shapes"] = [graph.shape(graph.row(index).node) for index in range(len(graph))]
    found["places"] = [graph.index_of(graph.row(index).node) for index in range(len(graph))]
    return found
