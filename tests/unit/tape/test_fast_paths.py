"""What the reader keeps near, and reads at once, makes no Frame another one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gradb.frame import growing
from gradb.frame.graph import graph, runs, scope
from gradb.frame.leafrows import LeafRows
from gradb.frame.reader import Tape
from tests.bench.reader.tapes import training
from tests.fakes import TapeBuilder
from tests.properties import positions, tried
from tests.unit.tape.pictures import whole
from tests.unit.tape.test_purity import Script, scripts

SMALL = {
    (growing, "_SHORT"): 1,
    (growing, "_KEPT"): 3,
    (graph, "_SCREEN"): 2,
    (graph, "_MOST"): 4,
    (graph, "_KEPT"): 2,
    (runs, "_MOST"): 4,
    (scope, "_SPANS"): 2,
}
"""Sizes at which what is kept is soon dropped, and what is read at once is soon read on."""


@pytest.fixture(autouse=True, scope="module")
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in SMALL.items():
            assert hasattr(module, name)
            patch.setattr(module, name, value)
        yield


def alone(path: Path, position: int) -> dict[str, Any]:
    """Return the Frame at a position as one sees it who looks at nothing else, and asks for one thing at a time."""
    with pytest.MonkeyPatch.context() as patch, Tape.open(path) as tape:
        patch.setattr(growing, "_SHORT", 0)  # nothing is kept of tensors and nodes
        patch.setattr(LeafRows, "has", lambda *_: False)
        return whole(tape.frame(position))


@tried(0.32)
@given(scripts, st.data())
def test_a_frame_is_the_same_whatever_was_looked_at_before(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int]], data: st.DataObject
) -> None:
    """At random jumps, backwards and forwards, on a tape that grows meanwhile, each Frame is that of a fresh reader."""
    path = tmp_path_factory.mktemp("fast") / "t.tape"
    with TapeBuilder(path) as builder:
        run = Script(builder)
        builder.commit()
        with Tape.open(path) as tape:
            for statement in script:
                run.do(*statement)
                builder.commit()
                for position in (data.draw(st.integers(0, builder.head)), builder.head):
                    assert whole(tape.frame(position)) == alone(path, position)
            fresh = {position: alone(path, position) for position in range(builder.head + 1)}
            for order in (sorted(fresh, reverse=True), sorted(fresh)):
                assert {position: whole(tape.frame(position)) for position in order} == fresh


def test_a_training_is_the_same_backwards(tmp_path: Path) -> None:
    """Many parameters, each with more rows than are kept: any Frame is that of a reader who sees it first."""
    path = tmp_path / "training.tape"
    training(path, 3, events=50, parameters=5)
    with Tape.open(path) as tape:
        for position in reversed(positions(tape.head)):
            assert whole(tape.frame(position)) == alone(path, position)


def test_a_tape_without_indexes_tells_the_same(tmp_path: Path) -> None:
    """A free run that was cut off has none; each Frame is that of the tape that has them."""
    path, bare = tmp_path / "training.tape", tmp_path / "bare.tape"
    training(path, 2, events=50, parameters=5)
    bare.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(bare)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql NOT NULL").fetchall():
            db.execute(f"DROP INDEX {name}")
    with Tape.open(path) as tape, Tape.open(bare) as other:
        for position in positions(tape.head, 0.6):
            assert whole(other.frame(position)) == whole(tape.frame(position))
