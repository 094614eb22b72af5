"""Random graphs against torch: the sum of the products along all paths is the gradient that the engine made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

from gradb.frame.chain.paths import Paths
from gradb.frame.chain.pathview import PathsAt
from gradb.frame.reader import Tape
from tests.properties import tried
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
    count, frontier = 0, [root.node for root in paths.roots]
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


_SETTINGS = settings(tried(0.6), suppress_health_check=[HealthCheck.function_scoped_fixture])


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


def _leaf(*numbers: complex, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(numbers if len(numbers) > 1 else numbers[0], dtype=dtype, requires_grad=True)


def _double_backward() -> None:
    x = _leaf(2.0)
    (slope,) = torch.autograd.grad(x**3, x, create_graph=True)
    (slope * x).backward()


def _returned() -> None:
    x, w = _leaf(1.0, 2.0), _leaf(3.0)
    h = x * w
    torch.autograd.grad((h * h).sum(), [h, w])


def _backward_twice() -> None:
    a = _leaf(2.0)
    b = a * a
    b.backward(retain_graph=True)
    b.backward()


def _two_roots() -> None:
    a = _leaf(2.0, 5.0)
    torch.autograd.backward([a * 3, (a * a).sum()], [torch.ones(2, dtype=torch.float64), None])


def _complex() -> None:
    z = _leaf(1 + 2j, 3 - 1j, dtype=torch.complex128)
    (z * z.conj() * 1j + z).abs().sum().backward()


def _bfloat16() -> None:
    a = h = _leaf(1.1, 2.3, 0.7, dtype=torch.bfloat16)
    for _ in range(6):
        h = torch.sin(h) * a
    h.exp().sum().backward()


def _hooked_leaf() -> None:
    a = _leaf(2.0)
    a.register_hook(lambda gradient: gradient * 10)
    (a * 3 + a).backward()


@pytest.mark.parametrize(
    ("function", "counts"),
    [
        (_double_backward, [2]),
        (_returned, [2, 2]),
        (_backward_twice, [2]),
        (_two_roots, [3]),
        (_complex, [3]),
        (_bfloat16, [7]),
        (_hooked_leaf, [2]),
    ],
)
def test_hard_backwards(tmp_path: Path, function: Callable[[], None], counts: list[int]) -> None:
    """Graphs of gradients, ``autograd.grad``, a second backward, several roots, complex numbers, low precision and a
    hook at the leaf: the sum over all paths is what the engine made, or what arrived at the hook.
    """
    _, tape = record(tmp_path / "hard.tape", function)
    found = list(_all_paths(tape.frame(tape.head).paths))
    assert [paths.count for paths in found] == counts
    for paths in found:
        assert paths.check is not None, paths.total.why
        assert paths.check.is_ok, paths.check.text
        assert paths.hooks == ()


def test_a_hook_on_the_way(tmp_path: Path) -> None:
    """A hook that multiplies by ten on one of two paths is named; the sum knows nothing of it and is not checked."""

    def run() -> None:
        a = _leaf(2.0)
        b = a * 3
        b.register_hook(lambda gradient: gradient * 10)
        (b + a).backward()

    _, tape = record(tmp_path / "hook.tape", run)
    (paths,) = _all_paths(tape.frame(tape.head).paths)
    assert paths.total.value is not None
    assert paths.made.value is not None
    assert (paths.total.value.numbers(), paths.made.value.numbers()) == ([4.0], [31.0])
    assert len(paths.hooks) == 1
    assert "at b" in paths.hooks[0]
    assert paths.check is None
