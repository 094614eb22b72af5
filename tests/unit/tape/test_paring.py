"""What goes of a tape whose beginning is on another one."""

from __future__ import annotations

import os
from pathlib import Path

from gradb.frame.reader import Tape
from gradb.tape.paring import pare
from tests.fakes.examples import training, watched


def test_points_before_an_iteration_go(tmp_path: Path) -> None:
    """All other points, every event and every value stay; the file is smaller."""
    path, whole = tmp_path / "x.tape", tmp_path / "whole.tape"
    watched(path)
    watched(whole)
    pare(path, 98)
    with Tape.open(path) as pared, Tape.open(whole) as tape:
        for one, other in zip(pared.series, tape.series, strict=True):
            kept = [index for index, iteration in enumerate(other.iterations) if iteration >= 98]
            assert kept
            assert list(one.iterations) == [other.iterations[index] for index in kept]
            assert list(one.events) == [other.events[index] for index in kept]
            assert list(one.values) == [other.values[index] for index in kept]
        assert list(pared.events()) == list(tape.events())
        assert [pared.detail(seq) for seq in range(1, tape.head + 1)] == [
            tape.detail(seq) for seq in range(1, tape.head + 1)
        ]
        assert pared.run == tape.run
    assert os.path.getsize(path) < os.path.getsize(whole) / 2


def test_what_is_counted_stays_counted(tmp_path: Path) -> None:
    """Of a series that counts, the last point before stays: the count goes on from there."""
    path, whole = tmp_path / "x.tape", tmp_path / "whole.tape"
    training(path, 8, off_at=3)
    training(whole, 8, off_at=3)
    pare(path, 7)
    with Tape.open(path) as pared, Tape.open(whole) as tape:
        first = next(event.seq for event in tape.events() if event.iteration == 7)
        for position in (first, tape.head):
            assert pared.frame(position).training.touched == tape.frame(position).training.touched > 0


def test_a_tape_that_is_whole_from_its_beginning_keeps_all(tmp_path: Path) -> None:
    """Nothing but room is taken from it."""
    path, whole = tmp_path / "x.tape", tmp_path / "whole.tape"
    training(path)
    training(whole)
    pare(path, 1)
    with Tape.open(path) as pared, Tape.open(whole) as tape:
        assert pared.series == tape.series
