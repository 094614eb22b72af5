"""Records a function and asks where its first NaN or infinity was born."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.diagnosis.nonfinite.why import explain
from gradb.frame.reader import Tape
from tests.tracer.recording import record


def recorded(folder: Path, function: Callable[[], Any], name: str = "run") -> Tape:
    """Return the tape of a function."""
    return record(folder / f"{name}.tape", function, probe="never")[1]


def explained(tape: Tape, at: int | None = None, iteration: int | None = None) -> Explanation:
    """Return what is told of a tape, which must be something."""
    found = explain(tape.origins, tape.head, at=at, iteration=iteration)
    assert isinstance(found, Explanation), found
    return found


def nothing(tape: Tape) -> Nothing:
    """Return why nothing is told of a tape."""
    found = explain(tape.origins, tape.head)
    assert isinstance(found, Nothing), found
    return found
