"""The runs that one goes to and fro between, as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from gradb.present.json.values import Json, number_json
from gradb.present.options import Listed


def branches_json(listed: Sequence[Listed]) -> Json:
    """Return ``{"branches"}``, a row each."""
    rows = [
        {
            "key": one.key,
            "label": one.label,
            "status": one.status or None,
            "iteration": one.iteration,
            "loss": None if one.loss is None else number_json(one.loss),
            "here": one.is_here,
            "path": one.path,
        }
        for one in listed
    ]
    return {"branches": rows}
