"""The training as JSON: series, what was changed, what holds at a position, and which checkpoints wait."""

from __future__ import annotations

from gradb.frame.training import InterventionMark, Onset, Training
from gradb.present.json.values import Json, number_json
from gradb.present.options import Checkpoints, Kin
from gradb.tape.series import Series


def training_json(training: Training) -> Json:
    """Return series, interventions and what holds at the position."""
    interventions = [mark for mark in training.marks if mark.what != "record"]
    depths = [mark for mark in training.marks if mark.what == "record"]
    return {
        "iteration": training.iteration,
        "iterations": training.iterations,
        "finished": training.is_finished,
        "seed": training.seed,
        "policy": _in_force(training.policy, "script") | {"count": training.touched, "missed": training.missed},
        "learning_rate": _in_force(training.rate, "script"),
        "depth": _in_force(training.depth, "full"),
        "interventions": [mark_json(mark) for mark in interventions],
        "depths": [mark_json(mark) for mark in depths],
        "first_nonfinite": nonfinite_json(training.first_nonfinite),
        "series": [series_json(series) for series in training.series],
    }


def checkpoints_json(kept: Checkpoints) -> Json | None:
    """Return the checkpoints of a live run; None where none are kept."""
    if not kept.most and not kept.places:
        return None
    return {
        "most": kept.most,
        "waiting": [{"iteration": iteration, "event": event} for iteration, event in kept.places],
        "bytes": kept.size,
        "made": kept.made,
        "cpu_seconds": kept.spent,
        "refused": kept.refusal or None,
    }


def _in_force(mark: InterventionMark | None, first: str) -> Json:
    if mark is None:
        return {"value": first, "event": None, "iteration": None}
    return {"value": mark.value, "event": mark.event, "iteration": mark.iteration}


def mark_json(mark: InterventionMark) -> Json:
    """Return a change made from outside, or of the depth of recording."""
    result: Json = {"event": mark.event, "iteration": mark.iteration, "what": mark.what, "value": mark.value}
    return result | {"reason": mark.reason} if mark.what == "record" else result


def nonfinite_json(hit: Onset | None) -> Json | None:
    """Return where a series first has a NaN or an infinity."""
    if hit is None:
        return None
    place = {"iteration": hit.iteration, "event": hit.event, "value": number_json(hit.value)}
    return {"kind": hit.series.kind, "series": hit.series.label, **place}


def series_json(series: Series) -> Json:
    """Return a series; each point is ``[iteration, event, value]``."""
    count = series.count
    columns = (series.iterations[:count], series.events[:count], map(number_json, series.values[:count]))
    points = [list(point) for point in zip(*columns, strict=True)]
    place = {"file": series.file, "line": series.line}
    return {"kind": series.kind, "name": series.name, **place, "points": points}


def kin_json(one: Kin) -> Json:
    """Return a run of which this is a branch, or the other way round; of its series only the losses."""
    return {
        "number": one.number,
        "label": one.label,
        "change": one.change or None,
        "iteration": one.iteration,
        "running": one.is_running,
        "losses": [series_json(series) for series in one.series if series.kind == "loss"],
    }
