"""What the benchmark of the reader makes of its tapes and figures; the figures are nobody's business here."""

from __future__ import annotations

from pathlib import Path

from gradb.debugger.branches.beside import beside as branches_beside
from gradb.debugger.rerun.relived import beside as relived_beside
from gradb.frame.chain.record import ChainEdge
from gradb.frame.reader import Tape
from tests.bench.reader.__main__ import percentile, row, said
from tests.bench.reader.drawing import measure
from tests.bench.reader.keys import KEYS, Times, turns
from tests.bench.reader.tapes import beside, training, wide


def test_percentiles() -> None:
    """The 95th percentile of twenty is the second largest, that of one is itself."""
    assert percentile(range(1, 21), 0.95) == 19
    assert percentile([7.0], 0.95) == 7.0


def test_a_key_above_the_bar_is_named() -> None:
    """A key is missed when it takes too long at the 95th percentile of the processor's time."""
    quick = {"step": [Times(9.0, 0.01)]}
    assert said(quick).endswith("none")
    assert said(quick | {"end": [Times(0.1, 0.1)]}).endswith(": end")


def test_it_is_told_when_the_screen_stood_only_where_something_was_painted_later() -> None:
    """What is read a little at a time is painted after the key: the key itself is not judged by that."""
    first, last = Times(0.02, 0.02), Times(0.9, 0.4)
    assert "stood" not in row("step", [first], [first])
    line = row("step", [first], [last])
    assert line.endswith("stood after 900, 900 / 400, 400")
    assert "above" not in line


def test_the_wide_node_has_as_many_edges(tmp_path: Path) -> None:
    """Each of them is checked."""
    path = tmp_path / "wide.tape"
    wide(path, 70)
    with Tape.open(path) as tape:
        edges = list(_edges(tape))
    assert sum(edge.check is not None for edge in edges) > 70
    assert all(edge.check is None or edge.check.is_ok for edge in edges)


def test_what_lies_beside_a_tape_is_found(tmp_path: Path) -> None:
    """Branches of its run, and iterations of it that were lived again."""
    path = tmp_path / "beside.tape"
    beside(path, 8, 60)
    with Tape.open(path) as tape:
        assert [one.iteration for one in relived_beside(tape)] == [2, 4, 6]
    assert [one.number for one in branches_beside(path)] == [1, 2]


def test_each_key_is_pressed_as_often_as_any_other() -> None:
    """Keys come one after the other, at positions and with statements that are the same for the same seed."""
    pressed = list(turns(KEYS, 100, 3, 1))
    assert [key for key, _, _ in pressed] == [key for key in KEYS for _ in range(3)]
    assert pressed == list(turns(KEYS, 100, 3, 1))
    assert all("{" not in statement for _, _, statement in pressed)


def test_the_training_is_drawn_at_any_key(tmp_path: Path) -> None:
    """An iteration uses and steps every parameter, and each key finds something to draw."""
    path = tmp_path / "training.tape"
    training(path, 2, events=60, parameters=4)
    with Tape.open(path) as tape:
        assert tape.frame(tape.head).iteration == 3
        assert len(tape.frame(tape.head).grads) == 4
        assert sum(event.kind == "accumulate" for event in tape.events()) == 8
        assert all(edge.check is None or edge.check.is_ok for edge in _edges(tape))
    found = dict(measure(str(path), KEYS, 1))
    assert {name: len(times) for name, times in found.items()} == {key.name: 1 for key in KEYS}


def _edges(tape: Tape) -> list[ChainEdge]:
    chains = (tape.frame(event.seq).chain for event in tape.events() if event.kind == "node")
    return [edge for chain in chains if chain is not None for edge in chain.edges]
