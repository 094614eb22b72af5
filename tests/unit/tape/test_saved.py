"""What is saved at a position, on tapes written without torch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gradb.frame.reader import Tape
from gradb.tape.database import TapeError
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.step import StepDetail
from gradb.tape.saved import NOT_READ, Memory, SavedEntry, SavedRecord, decode_saved
from gradb.tape.wire import WireError
from tests.fakes import TapeBuilder, Variable, diagonal, value
from tests.fakes.examples import saved_of
from tests.fakes.wire import encode_saved
from tests.unit.tape.conftest import Opener

Change = Callable[[TapeBuilder, Variable, Variable], object]


def _square(tape: TapeBuilder, x: Variable, storage: int, name: str = "y") -> Variable:
    """Write ``y = x * x``, which saves x twice."""
    double = diagonal([2 * number for number in x.numbers])
    squares = [number * number for number in x.numbers]
    made = tape.op("Tensor.pow", "PowBackward0", [x], squares, name=name, jacobians=[double])
    tape.save(made, saved_of("self", x, storage=storage, is_leaf=x.node is None), arguments=[("exponent", "2")])
    return made


def test_the_record_survives_the_wire() -> None:
    """What a node saved reads back as it was written."""
    entry = SavedEntry("result", "tensor", 3, 2, 7, 16, True, value([1.5, 2.5]), "")
    record = SavedRecord("", (entry, SavedEntry("weight", "none")), (("dim", "1"),))
    assert decode_saved(*encode_saved(record)) == record


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "null",
        '["",[["self","tensor",1]],[]]',
        '["",[["self","strange",0,0,0,null,false,null,""]],[]]',
        '["",[["self","tensor",0,0,0,-4,false,null,""]],[]]',
        '["",[["self","tensor",0,0,0,4,false,[[4],"float32",9,null,""],""]],[]]',
        '["",[],[["dim"]]]',
        "[" * 100_000,
    ],
)
def test_a_damaged_record_is_refused(text: str) -> None:
    """Whatever is no record raises one kind of error."""
    with pytest.raises(WireError):
        decode_saved(text, b"")


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    """A tape whose row is damaged says which node it is about."""
    path = tmp_path / "t.tape"
    TapeBuilder.chain_rule_example(path)
    db = sqlite3.connect(path)
    db.execute("UPDATE saved SET detail = 'x' WHERE node = 4")
    db.commit()
    db.close()
    with Tape.open(path) as tape:
        frame = tape.frame(5)
        with pytest.raises(TapeError, match="node 4"):
            frame.saved.of(4)
        with pytest.raises(TapeError, match="node 4"):
            frame.saved.memory()


def test_a_saved_tensor_has_the_value_of_its_event(chain_rule: Tape) -> None:
    """A tensor that the node's event shows is named, and its numbers are those of the event."""
    found = chain_rule.frame(4).saved.of(4)
    assert found is not None
    (saved,) = found.tensors
    assert (saved.name, saved.variable, saved.bytes) == ("self", "c", 16)
    assert saved.value is not None
    assert saved.value.numbers() == [7, 9, 11, 13]
    assert found.arguments == (("exponent", "2"),)
    assert (found.freed, found.gone) == (None, None)


def test_a_node_is_not_known_before_its_event(chain_rule: Tape) -> None:
    """Before the op there is nothing saved, and no memory held."""
    frame = chain_rule.frame(3)
    assert frame.saved.of(4) is None
    assert frame.saved.of(99) is None
    assert chain_rule.frame(0).saved.memory() == Memory(0, 0, 0, 0, 0, 0, 0)


def test_the_backward_that_freed_it_is_named(chain_rule: Tape) -> None:
    """Freed is said from the node's run on, with the call and its line."""
    before, after = chain_rule.frame(9).saved.of(4), chain_rule.frame(10).saved.of(4)
    assert before is not None
    assert after is not None
    assert before.freed is None
    assert after.freed is not None
    assert (after.freed.event, after.freed.backward, after.freed.line) == (10, 6, 13)
    assert after.freed.call == "backward"


def test_a_kept_graph_is_freed_by_the_backward_that_keeps_it_not(opener: Opener) -> None:
    """Two backwards with retain_graph free nothing, the third does."""
    tape = opener("accumulation")
    starts = [event.seq for event in tape.events() if event.kind == "backward_start"]
    found = tape.frame(tape.head).saved.of(4)
    assert found is not None
    assert found.freed is not None
    assert found.freed.backward == starts[2]
    held = tape.frame(starts[2]).saved
    assert held.memory().bytes == 24
    assert tape.frame(tape.head).saved.memory().bytes == 0


def test_memory_at_each_position(chain_rule: Tape) -> None:
    """Bytes come with the ops that save something, and go as backward runs their nodes."""
    sums = [chain_rule.frame(position).saved.memory().bytes for position in range(20)]
    assert sums == [0, 0, 8, 8, 24, 24, 24, 24, 24, 24, 8, 8, 8, 8, 0, 0, 0, 0, 0, 0]
    assert chain_rule.frame(5).saved.memory() == Memory(4, 2, 0, 24, 0, 16, 0)
    assert chain_rule.frame(19).saved.memory() == Memory(4, 0, 2, 0, 0, 0, 0)


def test_shared_memory_is_counted_once(tmp_path: Path) -> None:
    """A leaf that two nodes saved counts once, and as the leaf's own."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        x = tape.leaf("x", [1.0, 2.0])
        _square(tape, _square(tape, x, 1), 2, "z")
        _square(tape, x, 1, "u")
        tape.end()
    with Tape.open(tmp_path / "t.tape") as read:
        assert read.frame(4).saved.memory() == Memory(3, 3, 0, 16, 8, 8, 0)


def test_a_graph_that_is_let_go_holds_nothing(tmp_path: Path) -> None:
    """Nodes that nothing refers to are gone from the event on that is said, and with them their memory."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        x = tape.leaf("x", [1.0, 2.0])
        y = _square(tape, x, 1)
        z = _square(tape, y, 2, "z")
        u = _square(tape, x, 1, "u")
        tape.let_go(y, z)
        tape.output("later")
        tape.end()
    with Tape.open(tmp_path / "t.tape") as read:
        assert read.frame(4).saved.memory().nodes == 3
        assert read.frame(5).saved.memory() == Memory(1, 1, 0, 8, 8, 0, 0)
        gone = [read.frame(5).saved.of(made.node or 0) for made in (y, z, u)]
        assert [found and found.gone for found in gone] == [5, 5, None]
        before = read.frame(4).saved.of(y.node or 0)
        assert before is not None
        assert before.gone is None


def test_what_was_not_read_is_counted(tmp_path: Path) -> None:
    """A node without a record, or with a reason for having none, makes the sum a least."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        x = tape.leaf("x", [1.0, 2.0])
        y = tape.op("Tensor.exp", "ExpBackward0", [x], [1, 2], name="y")
        z = tape.op("Tensor.exp", "ExpBackward0", [y], [1, 2], name="z")
        tape.save(z, note="it cannot be read")
        u = tape.op("Tensor.exp", "ExpBackward0", [z], [1, 2], name="u")
        tape.save(u, SavedEntry("result", "packed", note="packed by a saved-tensors hook as tuple"))
        tape.end()
    with Tape.open(tmp_path / "t.tape") as read:
        saved = read.frame(4).saved
        assert saved.memory().unread == 3
        notes = [found.note for made in (y, z, u) if (found := saved.of(made.node or 0))]
        assert notes == [NOT_READ, "it cannot be read", ""]


def test_what_was_only_watched_is_not_vouched_for(tmp_path: Path) -> None:
    """After a stretch that was only watched, a graph from before may have been freed unseen."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        _square(tape, tape.leaf("x", [1.0]), 1)
        tape.set_depth("watch")
        tape.set_depth("full")
        tape.end()
    with Tape.open(tmp_path / "t.tape") as read:
        assert read.frame(2).saved.memory().note == ""
        assert "only watched" in read.frame(4).saved.memory().note


def _in_place(tape: TapeBuilder, y: Variable, *outputs: Variable, function: str = "Tensor.add_") -> int:
    detail = OpDetail(function, (y.seen(),), tuple(one.seen() for one in outputs), (), (), is_inplace=True)
    seq = tape.event(detail, "op", function)
    for one in outputs:
        tape.writer.tensor(one.id, seq, one.node, 0)
    return seq


def _leaf_by_another(tape: TapeBuilder, x: Variable, y: Variable) -> object:
    return _in_place(tape, x, replace(x, id=90), replace(x, node=tape.leaves[x.id]))


def _unmoved_step(tape: TapeBuilder, x: Variable, y: Variable) -> object:
    seq = tape.event(StepDetail("SGD", (0.1,), (x.seen(),), (x.value,), (None,), (0,)), "step", "SGD")
    tape.writer.tensor(x.id, seq, tape.leaves[x.id], 0)
    return seq


@pytest.mark.parametrize(
    ("change", "of_leaf", "of_result"),
    [
        (lambda tape, x, y: tape.output("nothing"), "", ""),
        (lambda tape, x, y: _in_place(tape, y, y), "", "changed"),
        (lambda tape, x, y: _in_place(tape, y, replace(y, id=91), y), "", "changed"),
        (_leaf_by_another, "perhaps", ""),
        (lambda tape, x, y: _in_place(tape, x, x, function="Tensor.data = value"), "perhaps", ""),
        (_unmoved_step, "", ""),
    ],
)
def test_a_change_in_place_is_told(tmp_path: Path, change: Change, of_leaf: str, of_result: str) -> None:
    """What was modified after it was saved is said, and what torch may not notice is told from it."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        x = tape.leaf("x", [1.0, 2.0])
        y = _square(tape, x, 1)
        z = _square(tape, y, 2, "z")
        change(tape, x, y)
        tape.end()
    with Tape.open(tmp_path / "t.tape") as read:
        for made, wanted in ((y, of_leaf), (z, of_result)):
            found = read.frame(4).saved.of(made.node or 0)
            assert found is not None
            assert (found.tensors[0].change, found.tensors[0].changed_at) == (wanted, 4 if wanted else 0)
            before = read.frame(3).saved.of(made.node or 0)
            assert before is not None
            assert before.tensors[0].change == ""


def test_a_step_changes_what_a_kept_graph_saved(tmp_path: Path) -> None:
    """An optimizer's step modifies a parameter that an older graph saved, and a freed one is not warned about."""
    with TapeBuilder(tmp_path / "t.tape") as tape:
        x = tape.leaf("x", [1.0, 2.0])
        y, z = _square(tape, x, 1), _square(tape, x, 1, "z")
        tape.backward(y, gradient=[1, 1], retain_graph=True)
        tape.backward(z, gradient=[1, 1])
        step = tape.head + 1
        tape.step([x])
        tape.end()
    with Tape.open(tmp_path / "t.tape") as read:
        kept, freed = (read.frame(step).saved.of(made.node or 0) for made in (y, z))
        assert kept is not None
        assert freed is not None
        assert (kept.tensors[0].change, kept.tensors[0].changed_at) == ("changed", step)
        assert freed.tensors[0].change == ""
