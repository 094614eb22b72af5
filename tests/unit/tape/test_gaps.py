"""What a position of a tape says of buffers, values and nodes that something lost may have changed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from gradb.debugger.ending import closing_lines
from gradb.frame.frame import Frame
from gradb.frame.gradbuffer import GradBuffer
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.json.events import event_json
from gradb.present.options import Options
from gradb.present.panes.table import PANES, pane_json
from gradb.tape.finish import finish
from tests.fakes import TapeBuilder, Variable, diagonal

WHY = "ValueError: odd"


def drawn(name: str, frame: Frame) -> str:
    return " ".join(to_text(PANES[name].render(frame, Options(width=100)), 100).split())


def buffers(tape: Tape, position: int) -> dict[str, GradBuffer]:
    return {one.name: one for one in tape.frame(position).grads}


def doubled(builder: TapeBuilder, leaf: Variable) -> Variable:
    """Multiply a leaf by 2."""
    return builder.op("Tensor.mul", "MulBackward0", [leaf, 2], [2, 4], name="b", jacobians=[diagonal([2, 2]), None])


def accumulations(tape: Tape, name: str = "a") -> list[int]:
    return [event.seq for event in tape.events() if event.kind == "accumulate" and event.name == name]


@pytest.fixture
def lost(tmp_path: Path) -> tuple[str, int]:
    """Return a tape with two leaves, on which a second accumulation into ``a`` is lost, and that event."""
    path = tmp_path / "lost.tape"
    with TapeBuilder(path) as builder:
        a, c = builder.leaf("a", [1.0, 2.0]), builder.leaf("c", [1.0, 2.0])
        builder.backward(doubled(builder, a), gradient=[1, 1])
        builder.backward(doubled(builder, c), gradient=[1, 1])
        gap = builder.lose("an accumulation", WHY, "gradients", node=builder.leaves[a.id])
        builder.output("hello\n")
        builder.backward(doubled(builder, a), gradient=[1, 1])
        builder.end()
    return str(path), gap


def test_a_buffer_is_not_known_after_a_lost_accumulation(lost: tuple[str, int]) -> None:
    """Until the next write that was recorded; other buffers stay known."""
    path, gap = lost
    words = f"not known since event {gap}: an accumulation was not recorded"
    with Tape.open(path) as tape:
        known = buffers(tape, gap - 1)["a"].after
        assert known is not None
        assert known.numbers() == [2, 2]
        for position in (gap, gap + 1):
            one = buffers(tape, position)["a"]
            assert one.after is not None
            assert one.after.data is None
            assert one.after.note == words
            assert (one.before, one.added, one.event, one.fills, one.is_stale) == (None, None, None, -1, None)
            other = buffers(tape, position)["c"].after
            assert other is not None
            assert other.numbers() == [2, 2]
            unknown = tape.grad("a", position)
            assert unknown is not None
            assert unknown.data is None
        last = buffers(tape, accumulations(tape)[-1])["a"].after
        assert last is not None
        assert last.numbers() == [4, 4]


def test_the_grad_pane_shows_no_older_value_as_if_it_were_current(lost: tuple[str, int]) -> None:
    """Text and JSON both say that it is not known."""
    path, gap = lost
    with Tape.open(path) as tape:
        text, data = drawn("grads", tape.frame(gap)), pane_json("grads", tape.frame(gap))
    assert f"a.grad [2] not known since event {gap}" in text
    row = next(row for row in data["grads"] if row["name"] == "a")
    assert row["after"] == {
        "shape": [2], "dtype": "float32", "note": f"not known since event {gap}: an accumulation was not recorded"
    }  # fmt: skip
    assert (row["fills"], row["stale"]) == (None, None)


def test_how_often_a_buffer_was_filled_is_not_known_after_a_lost_accumulation(lost: tuple[str, int]) -> None:
    """The next accumulation is known, not how many calls are in it; a clear makes that known again."""
    with Tape.open(lost[0]) as tape:
        at = accumulations(tape)[-1]
        one = buffers(tape, at)["a"]
    assert (one.is_current, one.fills, one.is_stale) == (True, -1, None)


def test_a_lost_clear_leaves_every_buffer_unknown(tmp_path: Path) -> None:
    """A call that was lost has no node: whose gradients it has changed is not known."""
    with TapeBuilder(tmp_path / "clear.tape") as builder:
        a, c = builder.leaf("a", [1.0, 2.0]), builder.leaf("c", [1.0, 2.0])
        builder.backward(doubled(builder, a), gradient=[1, 1])
        gap = builder.lose("a call that clears gradients", WHY, "gradients")
        cleared = builder.zero_grad([c])
        builder.end()
    with Tape.open(tmp_path / "clear.tape") as tape:
        unknown = {name for name, one in buffers(tape, gap).items() if one.after and one.after.note}
        assert unknown == {"a", "c"}
        known = buffers(tape, cleared)
        assert known["c"].after is None
        assert known["a"].after is not None


def test_a_lost_node_changes_no_buffer_of_a_leaf(tmp_path: Path) -> None:
    """What is added to a leaf is recorded where it is added."""
    with TapeBuilder(tmp_path / "node.tape") as builder:
        b = doubled(builder, builder.leaf("a", [1.0, 2.0]))
        builder.backward(b, gradient=[1, 1])
        gap = builder.lose("a node", WHY, "gradients", node=b.node)
        builder.end()
    with Tape.open(tmp_path / "node.tape") as tape:
        after = buffers(tape, gap)["a"].after
        assert after is not None
        assert after.numbers() == [2, 2]


def test_a_value_is_not_known_after_a_lost_step(tmp_path: Path) -> None:
    """Neither in the pane nor for `expect`, until the next step that was recorded."""
    with TapeBuilder(tmp_path / "step.tape") as builder:
        a = builder.leaf("a", [1.0, 2.0])
        builder.backward(doubled(builder, a), gradient=[1, 1])
        gap = builder.lose("a step", WHY, "values")
        (a,) = builder.step([a])
        builder.end()
    with Tape.open(tmp_path / "step.tape") as tape:
        unknown, known = tape.lookup("a", gap), tape.lookup("a", gap + 1)
        leaf = buffers(tape, gap)["a"]
    assert unknown is not None
    assert (unknown.data, unknown.note) == (None, f"not known since event {gap}: a step was not recorded")
    assert known is not None
    assert known.data is not None
    assert leaf.leaf is not None
    assert leaf.leaf.data is None
    assert leaf.after is not None
    assert leaf.after.numbers() == [2, 2]


def test_nothing_is_known_past_the_end_of_a_recording_that_broke_off(tmp_path: Path) -> None:
    """The last event is known; after it a buffer, and a value, may be anything."""
    with TapeBuilder(tmp_path / "stopped.tape") as builder:
        a = builder.leaf("a", [1.0, 2.0])
        builder.backward(doubled(builder, a), gradient=[1, 1])
        last = builder.head
        builder.stop("OSError: no space left")
        builder.end()
    with Tape.open(tmp_path / "stopped.tape") as tape:
        now, later = buffers(tape, last)["a"].after, buffers(tape, last + 1)["a"].after
        value = tape.lookup("a", last + 1)
    assert now is not None
    assert now.data is not None
    assert later is not None
    assert (later.data, later.note) == (None, f"not known since event {last}: the recording ended")
    assert value is not None
    assert value.data is None


@pytest.mark.parametrize("part", ["a call", "a backward", "an event"])
def test_whether_a_node_has_run_is_not_known_after_what_may_have_run_it(tmp_path: Path, part: str) -> None:
    """A lost call or backward tells of no node, and may have run any that was there; one made later has not run."""
    with TapeBuilder(tmp_path / "whole.tape") as builder:
        b = doubled(builder, builder.leaf("a", [1.0, 2.0]))
        gap = builder.lose(part, WHY, "values gradients")
        later = doubled(builder, builder.leaf("c", [1.0, 2.0]))
        builder.output("hello\n")
        builder.end()
    assert b.node is not None
    assert later.node is not None
    with Tape.open(tmp_path / "whole.tape") as tape:
        frame = tape.frame(tape.head - 1)
        chain, other = tape.chain(b.node, tape.head - 1), tape.chain(later.node, tape.head - 1)
        before = tape.chain(b.node, gap - 1)
        assert chain is not None
        assert (chain.state, chain.unseen) == ("unrecorded", f"not recorded (event {gap}: {part}, {WHY})")
        assert other is not None
        assert other.state == "created"
        assert before is not None
        assert before.state == "created"
        assert frame.graph.state(b.node) == "unrecorded"
        assert frame.graph.state(later.node) == "created"


def test_a_lost_call_that_clears_runs_no_node(tmp_path: Path) -> None:
    """It changes gradients and nothing else."""
    with TapeBuilder(tmp_path / "clear.tape") as builder:
        b = doubled(builder, builder.leaf("a", [1.0, 2.0]))
        gap = builder.lose("a call that clears gradients", WHY, "gradients")
        builder.end()
    assert b.node is not None
    with Tape.open(tmp_path / "clear.tape") as tape:
        chain = tape.chain(b.node, gap)
    assert chain is not None
    assert chain.state == "created"


def test_a_node_that_waits_in_an_open_backward_waits_after_a_lost_call(tmp_path: Path) -> None:
    """The engine tells of each node that it runs, whatever else is lost meanwhile."""
    with TapeBuilder(tmp_path / "open.tape") as builder:
        a = builder.leaf("a", [1.0, 2.0])
        builder.backward(doubled(builder, a), gradient=[1, 1])
        start = builder.head - 4
        builder.writer.missing(start + 1, "a call", WHY, "values gradients")
        builder.end()
    with Tape.open(tmp_path / "open.tape") as tape:
        assert tape.event(start).kind == "node_start"
        chain = tape.chain(builder.leaves[a.id], start + 1)
    assert chain is not None
    assert chain.state == "pending"


def test_what_ran_while_only_watching_is_not_known(tmp_path: Path) -> None:
    """A node that was made before may have run."""
    with TapeBuilder(tmp_path / "watched.tape") as builder:
        b = doubled(builder, builder.leaf("a", [1.0, 2.0]))
        watched = builder.set_depth("watch")
        builder.loss("b", 1.0)
        builder.end()
    assert b.node is not None
    with Tape.open(tmp_path / "watched.tape") as tape:
        chain = tape.chain(b.node, watched + 1)
    assert chain is not None
    assert (chain.state, chain.unseen) == ("unrecorded", f"only watched since event {watched}")


KILLED = "what came after event {} may be missing: the script was killed by {} {}"
BEFORE = "before its last moments were sure to be written"


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_last_moments_of_a_script_that_was_killed_may_be_missing(tmp_path: Path, number: signal.Signals) -> None:
    """Every pane says so at the end, as JSON too, and so does the end itself; what is recorded stays known."""
    path = tmp_path / "killed.tape"
    with TapeBuilder(path) as builder:
        a = builder.leaf("a", [1.0, 2.0])
        builder.backward(doubled(builder, a), gradient=[1, 1])
        last = builder.head
    assert finish(path, None, int(number))
    sentence = KILLED.format(last, number.name, BEFORE)
    with Tape.open(path) as tape:
        assert tape.run.stopped is not None
        assert closing_lines(tape.run)[-1] == sentence
        assert event_json(tape, tape.event(tape.head))["not_recorded"] == sentence
        for name in PANES:
            assert drawn(name, tape.frame(tape.head)).startswith(f"! {sentence}")
            assert pane_json(name, tape.frame(last))["not_recorded"] == sentence
            assert sentence not in str(pane_json(name, tape.frame(last - 1))["not_recorded"])
        after = buffers(tape, tape.head)["a"].after
    assert after is not None
    assert after.numbers() == [2, 2]


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_a_script_that_ends_in_order_has_told_all(tmp_path: Path, is_interrupted: bool) -> None:
    """Neither an exit code nor its own KeyboardInterrupt, after which it ends by the signal, leaves a doubt."""
    path = tmp_path / "whole.tape"
    with TapeBuilder(path) as builder:
        builder.leaf("a", [1.0, 2.0])
        if is_interrupted:
            builder.error("KeyboardInterrupt", "", is_uncaught=True)
    assert finish(path, None if is_interrupted else 3, int(signal.SIGINT) if is_interrupted else None)
    with Tape.open(path) as tape:
        assert tape.run.stopped is None
        assert pane_json("chain", tape.frame(tape.head))["not_recorded"] is None
