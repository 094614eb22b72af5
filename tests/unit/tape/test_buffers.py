"""The .grad buffers of a Frame: the same however a position was reached, what was left out, and how large they are."""

from __future__ import annotations

import math
import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.frame.sizes import norm_of
from gradb.tape.kinds.step import StepDetail
from gradb.tape.sums import checksum
from gradb.tape.values import Stats, TensorValue
from tests.fakes import TapeBuilder, diagonal, examples
from tests.fakes.packing import value


@pytest.fixture
def left_out(tmp_path: Path) -> Path:
    """Return the tape of a script in which ``unused`` gets no gradient, and ``late`` comes after the backward."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as tape:
        used, unused = tape.leaf("used", [1.0, 2.0]), tape.leaf("unused", [3.0])
        y = tape.op("Tensor.mul", "MulBackward0", [used, 2.0], [2.0, 4.0], name="y", jacobians=[diagonal([2, 2]), None])
        tape.zero_grad([used, unused])
        tape.backward(y, gradient=[1.0, 1.0])
        tape.leaf("late", [1.0])
        tape.end()
    return path


@pytest.mark.parametrize("example", [examples.training, examples.watched, examples.accumulation])
def test_buffers_are_the_same_however_a_position_was_reached(example: object, tmp_path: Path) -> None:
    """What is kept from one position to the next is never another than what would be read anew."""
    path = tmp_path / "t.tape"
    example(path)  # type: ignore[operator]
    with Tape.open(path) as tape, Tape.open(path) as walked:
        fresh = [tape.frame(position).grads for position in range(tape.head + 1)]
        order = list(range(tape.head + 1)) * 2
        random.Random(1).shuffle(order)
        assert [walked.frame(position).grads for position in order] == [fresh[position] for position in order]


def test_a_parameter_that_backward_left_out_is_told(left_out: Path) -> None:
    """It is said once the backward is over, of what was there before it and has never had a gradient."""
    with Tape.open(left_out) as tape:
        at_end = {one.name: one.is_never for one in tape.frame(tape.head).grads}
        in_backward = {one.name: one.is_never for one in tape.frame(tape.head - 3).grads}
    assert at_end == {"used": False, "unused": True, "late": False}
    assert not any(in_backward.values())


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Return the tape of a training of fifty leaves, of which one loses its name and one accumulation is damaged."""
    path = tmp_path / "t.tape"
    with TapeBuilder(path) as tape:
        leaves = [tape.leaf(f"w.{number}", [1.0 + number]) for number in range(50)]
        for _ in range(2):
            made = [tape.op("Tensor.mul", "MulBackward0", [one, 2.0], [2.0], name=None) for one in leaves]
            total = tape.op("torch.cat", "CatBackward0", made, [2.0] * 50, name="total")
            tape.backward(total, gradient=[1.0] * 50)
        tape.leaf("w.7", [1.0])
        leaves = tape.step(leaves, 0.1)
        tape.zero_grad(leaves)
        tape.end()
    with closing(sqlite3.connect(path)) as db, db:
        (event,) = db.execute("SELECT max(event) FROM grad WHERE tensor = ? AND fills = 2", (leaves[25].id,)).fetchone()
        db.execute("INSERT OR REPLACE INTO apart VALUES(?, '[]', NULL, ?)", (event, checksum(event, "[]")))
    return path


def test_of_many_leaves_each_is_what_it_would_be_alone(many: Path) -> None:
    """What is read for all of them at once, and kept, is never another than what is looked up for one."""
    with Tape.open(many) as tape:
        positions = [*range(1, tape.head, 37), tape.head, *range(tape.head - 60, 0, -41)]
        found = [(position, buffer) for position in positions for buffer in tape.frame(position).grads]
        assert len(found) > 500
        for position, buffer in found:
            assert tape.label(buffer.tensor, position) in {buffer.name, None}
            if buffer.after is None or not buffer.after.note:
                assert buffer.after == tape.grad(buffer.tensor, position)


def test_a_damaged_accumulation_is_said_to_be_not_known(many: Path) -> None:
    """All other buffers are what they were, and it is known why that one is not."""
    with Tape.open(many) as tape:
        last = max(seq for seq in range(1, tape.head) if tape.event(seq).kind == "accumulate")
        notes = ["" if one.after is None else one.after.note for one in tape.frame(last).grads]
    assert "is damaged at event" in notes.pop(25)
    assert not any(notes)


def test_norms_are_of_what_was_recorded() -> None:
    """A norm is computed of what was kept whole, else recorded; older statistics may leave one answer."""
    large = TensorValue((40, 50), "float32", None, Stats(-1.0, 1.0, 0.0, 0, 0, 0, ()))
    assert large.stats is not None
    told = {
        "nan": replace(large.stats, nan=1, posinf=1),
        "inf": replace(large.stats, neginf=2),
        "same": replace(large.stats, minimum=-0.5, maximum=-0.5),
        "recorded": replace(large.stats, norm=12.5),
    }
    found = {name: norm_of(replace(large, stats=stats)) for name, stats in told.items()}
    assert math.isnan(found["nan"] or 0)
    assert (found["inf"], found["same"], found["recorded"]) == (math.inf, 0.5 * math.sqrt(2000), 12.5)
    assert norm_of(value([3.0, 4.0])) == 5.0
    assert norm_of(large) is norm_of(None) is norm_of(TensorValue((2,), "float32", note="sparse")) is None


def test_the_norm_of_a_large_parameter_is_the_one_that_its_step_told(tmp_path: Path) -> None:
    """It holds as long as no later event defines the parameter; of two of one name it is not known whose it is."""
    path = tmp_path / "t.tape"
    large = TensorValue((40, 50), "float32", None, Stats(-1.0, 1.0, 0.0, 0, 0, 0, ()))
    with TapeBuilder(path) as tape:
        leaf = replace(tape.leaf("w", [1.0]), value=large)
        two = [replace(tape.leaf("twin", [1.0]), value=large) for _ in range(2)]
        seq = tape.event(StepDetail("SGD", (0.1,), (leaf.seen(), *(one.seen() for one in two))), "step", "SGD")
        for one, norm in zip((leaf, *two), (4.5, 1.0, 2.0), strict=True):
            tape.writer.tensor(one.id, seq, tape.leaves[one.id], 0)
            tape.point("parameter_norm", one.name or "", norm, seq)
        tape.end()
    with Tape.open(path) as tape:
        assert [one.leaf_norm for one in tape.frame(tape.head).grads] == [4.5, None, None]
