"""Births of random programs, held against brute force: a run without gradb in which every value is looked at."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import Phase, given, settings, strategies as st

from gradb.frame.reader import Tape
from gradb.tape.kinds.op import OpDetail
from gradb.tape.kinds.tensor import Tensor
from tests.properties import tried
from tests.tracer.both_ways import in_python
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch
Row = tuple[str, str, bool, bool, bool]
"""Kind, name, has a NaN, has an infinity, is a birth."""

NUMBERS = (0.0, 1.0, -1.0, 4.0, 3e38, -3e38, 1e-30)
LEAVES = 3
UNARY: list[Callable[[Any], Any]] = [
    torch.sqrt, torch.log, torch.exp, torch.neg, torch.square, torch.reciprocal, torch.relu,
    lambda x: x[1:], lambda x: x.masked_fill(x > 2, -math.inf), lambda x: x.softmax(0), lambda x: x / 0,
    lambda x: x.clone().mul_(3e38), lambda x: x.clone().fill_(1.0) + x, lambda x: x.nan_to_num(0.0, 1.0, -1.0),
    lambda x: x.detach() * 2,
]  # fmt: skip
BINARY: list[Callable[[Any, Any], Any]] = [
    torch.add, torch.sub, torch.mul, torch.div, lambda x, y: torch.where(x > y, x, y), lambda x, y: torch.cat([x, y]),
]  # fmt: skip

steps = st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 9), st.integers(0, 9))
programs = st.tuples(
    st.lists(st.lists(st.sampled_from(NUMBERS), min_size=2, max_size=2), min_size=LEAVES, max_size=LEAVES),
    st.lists(steps, min_size=1, max_size=9),
)
Program = tuple[list[list[float]], list[tuple[int, int, int]]]


def run(program: Program, before: Callable[[torch.Tensor], None] = lambda _: None) -> list[torch.Tensor]:
    """Run a program, and a backward of the sum of all that it computed; return its leaves."""
    numbers, chosen = program
    leaves = [torch.tensor(row, requires_grad=True) for row in numbers]
    values = list(leaves)
    for which, one, other in chosen:
        x, y = values[one % len(values)], values[other % len(values)]
        if which < len(UNARY):
            values.append(UNARY[which](x))
        else:
            size = min(len(x), len(y))
            values.append(BINARY[which - len(UNARY)](x[:size], y[:size]))
    root = torch.stack([value.sum() for value in values]).sum()
    before(root)
    root.backward()
    return leaves


# --- brute force ------------------------------------------------------------------------------------------------------


def odd(*tensors: torch.Tensor | None) -> tuple[bool, bool]:
    """Tell whether there is a NaN, and an infinity, in some tensors."""
    found = [one.detach() for one in tensors if one is not None and one.is_floating_point()]
    return any(bool(one.isnan().any()) for one in found), any(bool(one.isinf().any()) for one in found)


def is_born(made: tuple[bool, bool], given: tuple[bool, bool]) -> bool:
    """Tell whether a NaN was made of none, or an infinity of finite numbers."""
    return (made[0] and not given[0]) or (made[1] and not any(given))


def either(one: tuple[bool, bool], other: tuple[bool, bool]) -> tuple[bool, bool]:
    """Return what is odd about both together."""
    return one[0] or other[0], one[1] or other[1]


class Engine:
    """Sees all that the engine does, by hooks of its own."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._sent: dict[Any, tuple[bool, bool]] = {}
        self._given: dict[Any, tuple[bool, bool]] = {}

    def look(self, root: torch.Tensor) -> None:
        """Hook every node of a graph, and read what each has saved."""
        waiting, seen = [root.grad_fn], set()
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            waiting += [target for target, _ in node.next_functions]
            self._hook(node)

    def _hook(self, node: Any) -> None:
        leaf, name = getattr(node, "variable", None), node.name().rpartition(":")[2]
        names = [name for name in dir(node) if name.startswith("_saved_")]
        values = [getattr(node, name) for name in names]
        saved = odd(*(value for value in values if isinstance(value, torch.Tensor)))

        def begins(gradients: tuple[Any, ...]) -> None:
            made, sent = odd(*gradients), self._sent.get(node, (False, False))
            self.rows.append(("node_start", name, *made, is_born(made, sent)))
            self._given[node] = made

        def ends(inputs: tuple[Any, ...], _: tuple[Any, ...]) -> None:
            if leaf is not None:
                self.rows.append(("accumulate", "", *odd(leaf.grad), is_born(odd(leaf.grad), self._given[node])))
                return
            for (target, _), gradient in zip(node.next_functions, inputs, strict=True):
                self._sent[target] = either(self._sent.get(target, (False, False)), odd(gradient))
            made = odd(*inputs)
            self.rows.append(("node", node.name(), *made, is_born(made, either(saved, self._given[node]))))

        node.register_prehook(begins)
        node.register_hook(ends)


def of_op(detail: OpDetail) -> tuple[tuple[bool, bool], tuple[bool, bool]]:
    """Return what is odd about the results of an op, and about its inputs, by the numbers on the tape."""
    is_fill = detail.function.endswith("fill_") and "masked" not in detail.function
    given_, wanted = detail.inputs[is_fill:], any(text in {"-inf", "inf"} for _, text in detail.arguments)
    made, given_odd = _numbers(detail.outputs), _numbers(given_)
    return made, (given_odd[0], given_odd[1] or (wanted and not given_odd[0]))


def _numbers(tensors: tuple[Tensor, ...]) -> tuple[bool, bool]:
    found = [number for one in tensors for number in one.value.numbers() or () if isinstance(number, float)]
    return any(map(math.isnan, found)), any(map(math.isinf, found))


def told(tape: Tape) -> list[Row]:
    """Return what the tape says of each event of the engine."""
    kinds = {"node_start", "node", "accumulate"}
    rows = []
    for event in tape.events():
        if event.kind in kinds and not (event.kind == "node" and event.name == "AccumulateGrad"):
            name = "" if event.kind == "accumulate" else event.name
            rows.append((str(event.kind), name, event.has_nan, event.has_inf, event.is_birth))
    return rows


@pytest.mark.parametrize("writer", ["C", "Python"])
def test_births_are_those_that_brute_force_finds(tmp_path_factory: pytest.TempPathFactory, writer: str) -> None:
    """Whatever a program computes, births of ops and of gradients are where a look at all values finds them."""

    @settings(tried(0.6), phases=(Phase.explicit, Phase.generate))
    @given(programs)
    def check(program: Program) -> None:
        path = tmp_path_factory.mktemp("force") / "run.tape"
        if writer == "C":
            tape = record(path, lambda: run(program), probe="never")[1]
        else:
            with in_python():
                tape = record(path, lambda: run(program), probe="never")[1]
        with tape:
            assert notes(tape) == []
            for event in tape.events():
                if isinstance(detail := tape.detail(event.seq), OpDetail):
                    assert event.is_birth is is_born(*of_op(detail)), (event, detail)
            engine = Engine()
            run(program, engine.look)
            assert told(tape) == engine.rows

    check()
