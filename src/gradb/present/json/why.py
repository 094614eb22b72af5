"""Where a NaN or an infinity was born, and its road, as JSON."""

from __future__ import annotations

from gradb.diagnosis.nonfinite.explanation import Born, Explanation, Nothing
from gradb.diagnosis.nonfinite.folding import Fold, folded
from gradb.present.json.positions import tape_json
from gradb.present.json.values import Json
from gradb.present.lines.why import sentence

_MAX_STEPS = 10_000


def why_json(found: Explanation | Nothing) -> Json:
    """Return what was found; ``births`` is empty where nothing was."""
    if isinstance(found, Nothing):
        return {"found": False, "sure": found.is_sure, "text": sentence(found), "births": [], "road": []}
    return {
        "found": found.is_found,
        "sure": found.is_found,
        "text": sentence(found),
        **tape_json(found.called),
        "event": found.event,
        "here": found.here,
        "births": [_born_json(born) for born in found.births],
        "prelude": list(found.prelude),
        "steps": len(found.road) + sum(step.lasting.count for step in found.road if step.lasting is not None),
        "road": [
            {
                "event": step.event,
                "kind": step.kind,
                "text": step.text,
                "file": step.file,
                "line": step.line,
                "scope": step.scope,
                "iteration": step.iteration,
            }
            for step in found.road[:_MAX_STEPS]
        ],
        "folds": [
            {"first": row.first, "last": row.last, "steps": row.count, "text": row.text}
            for row in folded(found.road, {born.event for born in found.births})
            if isinstance(row, Fold)
        ],
    }


def _born_json(born: Born) -> Json:
    return {
        "event": born.event,
        "kind": born.kind,
        "what": born.what,
        "call": born.call,
        "name": born.name,
        "shape": list(born.shape),
        "element": None if born.element is None else list(born.element),
        "counts": born.counts,
        "inputs": [{"name": name, "value": value} for name, value in born.inputs],
        "reason": None if born.reason is None else {"code": born.reason.code, "text": born.reason.text},
        "file": born.file,
        "line": born.line,
        "scope": born.scope,
        "iteration": born.iteration,
        "phase": born.phase,
        "since": born.since or None,
        "why": born.why or None,
    }
