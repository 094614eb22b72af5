from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from gradb.frame.reader import Tape
from tests.fakes import TapeBuilder, diagonal
from tests.fakes.examples import saved_of
from tests.fakes.forward import Variable
from tests.properties import positions, tried
from tests.unit.tape.conftest import Opener
from tests.unit.tape.pictures import whole

OPS = ("leaf", "double", "add", "rename", "backward", "retain", "zero_grad", "step", "look", "print", "inner", "let go")


class Script:
    """Runs drawn statements against a builder: any order of them is a script that might be."""

    def __init__(self, tape: TapeBuilder) -> None:
        self.tape = tape
        self.leaves = [tape.leaf("w", [1.0, 2.0])]
        self.known: list[Variable] = list(self.leaves)

    def do(self, statement: str, number: int) -> None:
        """Carry out one statement on the number-th tensor known."""
        at = self.known[number % len(self.known)]
        name = "xyz"[number % 3]
        if statement == "leaf":
            self.leaves.append(self.tape.leaf(name, [0.5, number]))
            self.known.append(self.leaves[-1])
        elif statement == "double":
            self._op("MulBackward0", [at], name, 2.0)
        elif statement == "add":
            self._op("AddBackward0", [at, self.known[-1]], name, 1.0)
        elif statement == "rename":
            self.tape.output("a name takes effect with an event of its own\n")
            self.tape.name(at, name)
        elif statement in {"backward", "retain"} and at.node is not None:
            self.tape.backward(at, gradient=[1.0, 1.0], retain_graph=statement == "retain", line=number)
        elif statement == "zero_grad":
            self.tape.zero_grad(self.leaves, to_none=bool(number % 2))
        elif statement == "step":
            self.tape.step(self.leaves)
        elif statement == "look":
            self.tape.looks_in = not self.tape.looks_in
        elif statement == "let go":
            self.tape.let_go(at)
            self.known = [one for one in self.known if one is not at] or list(self.leaves)
        else:
            self.tape.output(f"{number}\n")

    def _op(self, node: str, inputs: list[Variable], name: str, factor: float) -> None:
        numbers = [factor * one for one in inputs[0].numbers]
        jacobians = [diagonal([factor] * 2)] * len(inputs)
        made = self.tape.op("f", node, inputs, numbers, name=name, jacobians=jacobians)
        self.tape.save(made, saved_of("self", inputs[0], storage=inputs[0].id))
        self.known.append(made)


scripts = st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 9)), min_size=1, max_size=12)


def pictures(tape: Tape, until: int) -> dict[int, dict[str, Any]]:
    """Return all of the Frames up to a position, by theirs; of a long tape of every few, and of the last."""
    return {position: whole(tape.frame(position)) for position in (*positions(until), until)}


@tried(0.48)
@given(scripts, st.data())
def test_a_frame_does_not_depend_on_what_comes_later(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Frames seen while the tape is being written are the same once it has grown, and to a reader who comes later."""
    path = tmp_path_factory.mktemp("pure") / "t.tape"
    with TapeBuilder(path) as builder:
        run = Script(builder)
        cut = data.draw(st.integers(0, len(script)))
        for statement in script[:cut]:
            run.do(*statement)
        builder.commit()
        with Tape.open(path) as early:
            head = early.head
            seen = pictures(early, head)
            for statement in script[cut:]:
                run.do(*statement)
            builder.commit()
            assert early.head == builder.head
            order = data.draw(st.permutations(range(builder.head + 1)))
            again = {position: whole(early.frame(position)) for position in order}
            assert {position: again[position] for position in seen} == seen
        with Tape.open(path) as late:
            backwards = {position: whole(late.frame(position)) for position in reversed(range(builder.head + 1))}
    assert backwards == again


@pytest.mark.parametrize("name", ["chain_rule", "accumulation", "small_diamond", "nonfinite", "training"])
def test_every_prefix_of_an_example_gives_the_same_frames(opener: Opener, tmp_path: Path, name: str) -> None:
    """A tape that ends after N events shows, up to N, what the whole tape shows."""
    tape = opener(name)
    cut = tape.head // 2
    copy = tmp_path / "prefix.tape"
    copy.write_bytes(Path(tape.path).read_bytes())
    db = sqlite3.connect(copy)
    db.execute("DELETE FROM event WHERE seq > ?", (cut,))
    for table in ("node", "tensor", "name", "grad"):
        db.execute(f"DELETE FROM {table} WHERE event > ?", (cut,))
    db.commit()
    db.close()
    with Tape.open(copy) as prefix:
        assert pictures(prefix, cut) == pictures(tape, cut)


def test_a_live_tape_is_read_while_it_grows(tmp_path: Path) -> None:
    """What the writer commits is seen by a reader that was open before, at once."""
    path = tmp_path / "live.tape"
    with TapeBuilder(path) as builder, Tape.open(path) as tape:
        assert (tape.head, tape.is_finished) == (0, False)
        assert len(tape.frame(0).graph) == 0
        a = builder.leaf("a", [1.0])
        assert tape.head == 0
        builder.commit()
        assert tape.head == tape.refresh() == 1
        assert tape.frame(1).names == ("a",)
        builder.op("Tensor.mul", "MulBackward0", [a, 2], [2.0], name="b", jacobians=[[2.0], None])
        builder.end()
        builder.commit()
        assert [row.label for row in map(tape.frame(2).graph.row, range(2))] == ["b", "a"]
        assert tape.is_finished
        assert tape.run.status == "finished"
