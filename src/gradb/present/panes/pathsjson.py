"""The paths of a Frame as JSON."""

from __future__ import annotations

from gradb.frame.chain.path import Path, PathStep
from gradb.frame.chain.paths import Paths
from gradb.frame.frame import Frame
from gradb.present.json.values import Json, check_json, local_json, rewrite_json, value_json
from gradb.present.options import PathChoice
from gradb.present.panes.paths import count_text
from gradb.rules import with_settled

MAX_LISTED = 100
_EXACT = 2**53
"""Counts up to here are numbers that every reader of JSON keeps."""


def paths_json(frame: Frame, choice: PathChoice) -> Json:
    """Return the paths of the chosen leaf, the first hundred of them, and their sum; ``paths`` is null without any."""
    at = with_settled(frame.paths)
    paths = at.chosen(choice.leaf, choice.node)
    head: Json = {
        "backward": None if at.backward is None else at.backward.start,
        "leaves": [leaf.name for leaf in at.leaves],
    }
    return {**head, "leaf": None, "paths": None} if paths is None else {**head, **_paths(paths, choice)}


def _paths(paths: Paths, choice: PathChoice) -> Json:
    count = paths.count
    numbers = range(1, min(count or 0, 0 if paths.too_much else MAX_LISTED) + 1)
    is_chosen = False
    if choice.number is not None and 1 <= choice.number <= (count or 0):
        numbers, is_chosen = range(choice.number, choice.number + 1), True
    total, made = paths.total, paths.made
    return {
        "leaf": paths.target.name,
        "roots": [root.name for root in paths.roots],
        "count": count if count is None or count <= _EXACT else count_text(count),
        "nodes": paths.nodes,
        "paths": [_path(paths.path(number, in_full=is_chosen)) for number in numbers],
        "sum": {"value": value_json(total.value), "listed": total.is_listed, "why": total.why or None},
        "engine": {
            "value": value_json(made.value),
            "source": made.source or None,
            "event": made.event,
            "hook": made.hook or None,
            "after": value_json(made.after),
        },
        "check": check_json(paths.check),
        "hooks": list(paths.hooks),
        "rewrites": [rewrite_json(rewrite) for rewrite in paths.rewrites],
    }


def _path(path: Path) -> Json:
    return {
        "number": path.number,
        "root": path.root.name,
        "upstream": value_json(path.upstream),
        "steps": [_step(step) for step in path.steps],
        "product": value_json(path.product),
        "why": path.why or None,
    }


def _step(step: PathStep) -> Json:
    return {
        "node": step.node,
        "name": step.node_name,
        "label": step.label,
        "output": step.output_nr,
        "entry": step.index,
        "local": local_json(step.local),
        "product": value_json(step.product),
    }
