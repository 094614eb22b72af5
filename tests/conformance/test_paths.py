"""Random graphs against torch: the sum of the products along all paths is the gradient that the engine made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from gradb.tape.pathfinder import PathsAt
from gradb.tape.paths import Paths
from gradb.tape.tape import Tape
from tests.tracer.recording import record

pytestmark = pytest.mark.torch

Tensor = torch.Tensor
Op = Callable[[Tensor, Tensor], Tensor]
_SERIAL = itertools.count()


def _into(a: Tensor, b: Tensor) -> Tensor:
    return (a * 1).add_(b)


def _into_view(a: Tensor, b: Tensor) -> Tensor:
    copy = a * 1
    copy[0].mul_(b[1])
    return copy


def _through_parts(a: Tensor, b: Tensor) -> Tensor:
    first, second = a.unbind(0)
    return torch.stack([first * b[1], second])


SCALAR_OPS: dict[str, Op] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "sin": lambda a, b: torch.sin(a),
    "exp": lambda a, b: torch.exp(a * 0.1),
    "double": lambda a, b: a + a,
    "in place": _into,
}
MATRIX_OPS: dict[str, Op] = {
    **SCALAR_OPS,
    "matmul": torch.matmul,
    "transpose": lambda a, b: a.T + b,
    "slice": lambda a, b: a[:1] * b,
    "sum": lambda a, b: a.sum(0) - b,
    "view in place": _into_view,
    "parts": _through_parts,
    "softmax": lambda a, b: torch.softmax(a, 1) * b,
}


@st.composite
def programs(draw: st.DrawFn, names: tuple[str, ...]) -> list[tuple[str, int, int]]:
    """Return ops, each with two operands among the leaves and the results before it."""
    count = draw(st.integers(1, 6))
    indexes = [st.integers(0, at + 1) for at in range(count)]
    return [(draw(st.sampled_from(names)), draw(index), draw(index)) for index in indexes]


def _recorded(program: list[tuple[str, int, int]], ops: dict[str, Op], shape: tuple[int, ...], where: Path) -> Tape:
    torch.manual_seed(3)
    leaves = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2)]

    def run() -> None:
        found = list(leaves)
        for name, left, right in program:
            found.append(ops[name](found[left], found[right]))
        found[-1].sum().backward()

    _, tape = record(where / f"{next(_SERIAL)}.tape", run)
    return tape


def _all_paths(at: PathsAt) -> Iterator[Paths]:
    for leaf in at.leaves:
        paths = at.of(leaf)
        assert paths is not None
        yield paths


def _count_by_hand(tape: Tape, paths: Paths) -> int:
    """Count the paths by walking every one of them."""
    count, stack = 0, [root.node for root in paths.roots]
    frontier = list(stack)
    nodes = {row.node: None for row in map(tape.frame(tape.head).graph.row, range(len(tape.frame(tape.head).graph)))}
    assert nodes
    while frontier:
        node = frontier.pop()
        if node == paths.target.node:
            count += 1
            continue
        chain = tape.chain(node, tape.head)
        assert chain is not None
        frontier.extend(edge.to for edge in chain.edges if edge.to is not None)
    return count


def _hold(tape: Tape) -> None:
    """Assert of every leaf that its paths add up to what the engine made, one by one and all at once."""
    for paths in _all_paths(tape.frame(tape.head).paths):
        assert paths.check is not None, paths.total.why
        assert paths.check.is_ok, paths.check.text
        assert paths.count == _count_by_hand(tape, paths)
        made = paths.made.value
        assert made is not None
        products = [paths.path(number).product for number in range(1, paths.count + 1)]
        sums = [0.0] * made.numel
        for product in products:
            assert product is not None
            assert product.shape == made.shape
            sums = [a + b for a, b in zip(sums, _floats(product.numbers()), strict=True)]
        assert sums == pytest.approx(_floats(made.numbers()), rel=1e-9, abs=1e-9)
        assert paths.total.value is not None
        assert _floats(paths.total.value.numbers()) == pytest.approx(sums, rel=1e-9, abs=1e-9)


def _floats(numbers: object) -> list[float]:
    assert isinstance(numbers, list)
    return [float(number) for number in numbers]


_SETTINGS = settings(
    max_examples=25, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip


@_SETTINGS
@given(programs(tuple(SCALAR_OPS)))
def test_scalar_graphs(tmp_path: Path, program: list[tuple[str, int, int]]) -> None:
    """Of every leaf of a random graph of scalars the products of all paths add up to the engine's gradient."""
    _hold(_recorded(program, SCALAR_OPS, (), tmp_path))


@_SETTINGS
@given(programs(tuple(MATRIX_OPS)))
def test_matrix_graphs(tmp_path: Path, program: list[tuple[str, int, int]]) -> None:
    """The same with 2 x 2 matrices: products of Jacobians, views, nodes of several outputs, softmax."""
    _hold(_recorded(program, MATRIX_OPS, (2, 2), tmp_path))
