"""Explanations of errors as JSON: a finding as ``gradb check`` tells it, of one event."""

from __future__ import annotations

from gradb.diagnosis.explaining import explanation
from gradb.diagnosis.fault import single
from gradb.diagnosis.registry import RULES
from gradb.frame.reader import Tape
from gradb.present.json.findings import fault_json
from gradb.present.json.values import Json
from gradb.tape.kinds.event import Event


def explanation_json(tape: Tape, event: Event) -> Json:
    """Return what an event's object has more because it is an error: its explanation, or null."""
    if event.kind != "error":
        return {}
    found = explanation(tape, event)
    return {"explanation": None if found is None else fault_json(single(tape, found, RULES[found.code]), tape.run)}
