"""What an expression comes to, as JSON."""

from __future__ import annotations

from typing import Any

from gradb.frame.displayed import Found, Row
from gradb.present.json.values import Json, number_json, value_json
from gradb.tape.expressions.equality import show
from gradb.tape.expressions.operands import EventView, Numbers, OnsetView, Operand, Unkept
from gradb.tape.values import TensorValue


def operand_json(value: Operand) -> Any:
    """Return an operand: of a tensor's value shape, dtype and values or statistics, of an event what tells which."""
    if isinstance(value, Numbers):
        structure = {"structure": value.structure} if value.structure else {}
        numbers = [number_json(one) for one in value.numbers]
        return {"shape": list(value.shape), "dtype": value.dtype, "values": numbers, **structure}
    if isinstance(value, Unkept):
        return value_json(TensorValue(value.shape, value.dtype, None, value.stats, value.why))
    if isinstance(value, EventView):
        return {"event": value.event.seq, "kind": value.event.kind, "name": value.event.name}
    if isinstance(value, OnsetView):
        place = {"iteration": value.iteration, "event": value.event, "value": number_json(value.value)}
        return {"kind": value.kind, "series": value.series, **place}
    if isinstance(value, list):
        return [operand_json(item) for item in value]
    if value is None or isinstance(value, str):
        return value
    return number_json(value) if isinstance(value, int | float | complex) else show(value)


def found_json(found: Found) -> Json:
    """Return ``{"value"}``, with ``why`` where there is none."""
    return {"value": operand_json(found.value), "why": found.why or None}


def row_json(row: Row) -> Json:
    """Return an expression that is displayed, now and one stop before."""
    return {
        "number": row.number,
        "expression": row.text,
        **found_json(row.now),
        "before": None if row.before is None else found_json(row.before),
        "changed": row.has_changed,
        "origin": row.origin or None,
    }
