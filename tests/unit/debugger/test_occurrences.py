"""What is known of a growing tape: whether there is anything that a stop stops at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradb.debugger.occurrences import Occurrences
from gradb.frame.reader import Tape
from gradb.tape.kinds.note import NoteDetail
from gradb.tape.stops import Stop
from tests.fakes import TapeBuilder


def test_what_was_not_there_is_looked_for_in_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the tape grows, each event is searched once for what is missing; what was found stays found."""
    begun: list[int] = []
    seek = Tape.seek

    def watched(tape: Tape, stop: Stop, position: int, *rest: Any) -> Any:
        begun.append(position)
        return seek(tape, stop, position, *rest)

    monkeypatch.setattr(Tape, "seek", watched)
    path, known, told = tmp_path / "t.tape", Occurrences(), []
    stops = (Stop("node", "mul"), Stop("at", "3"), Stop("module", "layer1"))
    with TapeBuilder(path) as builder, Tape.open(path) as tape:
        for number in range(1, 5):
            builder.scope = "layer1" if number == 3 else ""
            builder.event(NoteDetail(""), "op", "MulBackward0" if number == 2 else "AddBackward0", node=1, line=number)
            builder.commit()
            told.append([known.has(stop, tape) for stop in stops])
    assert told == [[False] * 3, [True, False, False], [True] * 3, [True] * 3]
    assert begun == [0, 0, 0, 1, 1, 1, 2, 2]


def test_nothing_is_there_before_there_is_a_tape() -> None:
    """What has no tape yet is asked again once there is one."""
    assert not Occurrences().has(Stop("node", "mul"), None)
