"""What came of living an iteration again, as text or as JSON. That it is done is the debugger's."""

from __future__ import annotations

from typing import Any

from gradb.batch.lines import line
from gradb.batch.show import Style
from gradb.debugger.rerun.again import Again
from gradb.debugger.rerun.comparison import Difference
from gradb.debugger.rerun.reliving import Opened
from gradb.present.draw.safe import plain
from gradb.present.json.values import number_json


def relive_text(opened: Opened, tape: str, iteration: int, style: Style) -> str:
    """Return what is to be said of it, as text that ends with a line end.

    Args:
        opened: what came of it.
        tape: path of the first tape.
        iteration: the one that is meant.
        style: how it is printed.
    """
    if style.is_json:
        return line(_as_json(opened, tape, iteration)) + "\n"
    return "".join(f"{plain(sentence)}\n" for sentence in opened.sentences)


def _as_json(opened: Opened, tape: str, iteration: int) -> dict[str, Any]:
    again, relived = opened.again, opened.relived
    return {
        "tape": tape,
        "iteration": iteration,
        "opened": relived is not None,
        "path": None if relived is None else relived.path,
        "first": None if relived is None else relived.first,
        "last": None if relived is None else relived.last,
        "run": None if again is None else _again_json(again),
        "said": opened.sentences,
    }


def _again_json(again: Again) -> dict[str, Any]:
    found = again.comparison
    return {
        "repeated": again.has_repeated,
        "checkpoint": None if again.checkpoint.event is None else again.checkpoint.iteration,
        "tried": again.tried or None,
        "compared": found.count,
        "until": found.until,
        "difference": None if found.difference is None else _difference_json(found.difference),
        "reasons": [{"text": reason.text, "is_known": reason.is_known} for reason in again.reasons],
        "reached": again.reached,
        "status": again.status,
    }


def _difference_json(found: Difference) -> dict[str, Any]:
    return {
        "series": found.series,
        "iteration": found.iteration,
        "first": number_json(found.first),
        "again": number_json(found.again),
    }
