"""What is said in C of all leaves or nodes at once is what Python says of each."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from gradb.tracer.native.trial import accelerator
from gradb.tracer.tensors.reach import Below, Reach
from tests.tracer.both_ways import check_recording

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(accelerator() is None, reason="gradb has no C accelerator here"),
]


def trained(parameters: list[torch.Tensor], rounds: int = 3, **options: Any) -> None:
    """Train some leaves, clearing their gradients first in each round."""
    optimizer = torch.optim.SGD(parameters, lr=0.1)
    for _ in range(rounds):
        optimizer.zero_grad(**options)
        sum((leaf * leaf).sum() for leaf in parameters if leaf.requires_grad).backward()  # type: ignore[union-attr]
        optimizer.step()


def leaf(*shape: int, **options: Any) -> torch.Tensor:
    """Return a leaf of numbers that are the same each time."""
    count = torch.Size(shape).numel()
    return (torch.arange(count, **options).reshape(shape) / 7 - 1).requires_grad_()


def plain() -> None:
    """Leaves of several sizes: some kept whole, one by its statistics."""
    trained([leaf(2, 2), leaf(3), leaf(40, 40), leaf()])


def to_zeros() -> None:
    """Gradients that are cleared to zeros."""
    trained([leaf(2, 2), leaf(3)], set_to_none=False)


def frozen() -> None:
    """One that requires grad no more."""
    trained([leaf(2), leaf(3).detach()])


def odd() -> None:
    """Values that are not finite."""
    weight = leaf(3)
    with torch.no_grad():
        weight[1] = float("nan")
    trained([weight, leaf(2)])
    trained([leaf(2), (leaf(2).detach() * float("inf")).requires_grad_()])


def unlike() -> None:
    """Steps that change nothing, that are added to meanwhile, or are made from a closure."""

    class Idle(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            """Add one more."""
            if len(self.param_groups) < 3:
                self.add_param_group({"params": [leaf(2)], "lr": 0.0})

    one = leaf(2)
    one.sum().backward()
    idle = Idle([one], lr=-0.0)
    for _ in range(3):
        idle.step()
    plain = torch.optim.SGD([one], lr=0.1)
    plain.step(lambda: float(one.detach().square().sum()))
    with torch.no_grad():
        plain.step()


def given() -> None:
    """Gradients that the script gives, one of them to two leaves."""
    one, other = leaf(3), leaf(3)
    one.grad = other.grad = torch.ones(3)
    trained([one, other])
    one.grad = torch.ones(3)
    torch.optim.SGD([one, other]).zero_grad()


def shared() -> None:
    """A parameter under two names, cleared by its module."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    for _ in range(3):
        model.zero_grad()
        model(torch.ones(2, 3)).sum().backward()
        torch.optim.SGD(model.parameters(), lr=0.1).step()


def sparse() -> None:
    """Gradients that are not dense."""
    torch.manual_seed(0)
    table = nn.Embedding(4, 2, sparse=True)
    optimizer = torch.optim.SGD(table.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        table(torch.tensor([0, 2])).sum().backward()
        optimizer.step()


def dtypes() -> None:
    """Leaves of other kinds of numbers, one that does not lie row by row, one without elements."""
    trained([leaf(2, dtype=torch.float64), leaf(2, dtype=torch.bfloat16), leaf(0)])
    turned = leaf(2, 3).detach().t().requires_grad_()
    trained([turned, leaf(2, dtype=torch.float16)])


def sizes() -> None:
    """Leaves kept whole and by their statistics, whose norms are taken in several ways; sums beyond any double."""
    kinds = torch.float64, torch.bfloat16, torch.float32
    turned = leaf(41, 39).detach().t().requires_grad_()
    trained([leaf(300), turned, *(leaf(n, dtype=kind) for kind in kinds for n in (65, 1_500))])
    trained([(leaf(1_500, dtype=torch.float64).detach() * 1e306).requires_grad_(), leaf(70)])


def views() -> None:
    """A leaf that becomes part of one, and one that is a view of what needs no gradient."""
    base = torch.ones(4)
    part, rest = base[:2].requires_grad_(), torch.ones(4)[1:].requires_grad_()
    optimizer = torch.optim.SGD([part, rest], lr=0.1)
    trained([part, rest])
    base.requires_grad_()
    optimizer.zero_grad()


def subclass() -> None:
    """A leaf that is no tensor of torch's own."""

    class Named(torch.Tensor):
        pass

    trained([torch.ones(2).as_subclass(Named).requires_grad_(), leaf(2)])


def named() -> None:
    """Names that need escapes, and several groups."""
    weights = {'say "ä"': leaf(2), "b\\": leaf(2)}
    optimizer = torch.optim.SGD(
        [{"params": [one], "lr": rate} for one, rate in zip(weights.values(), (0.1, 0.2), strict=True)]
    )
    for _ in range(2):
        optimizer.zero_grad()
        (weights['say "ä"'] * weights["b\\"]).sum().backward()
        optimizer.step()


@pytest.mark.parametrize(
    "script", [plain, to_zeros, frozen, odd, unlike, given, shared, sparse, dtypes, sizes, views, subclass, named]
)
def test_steps_and_clearings_are_recorded_the_same(tmp_path: Path, script: Callable[[], None]) -> None:
    """With the accelerator and without it, row by row."""
    assert check_recording(tmp_path, "steps", script, probe="never")


def kept() -> None:
    """One that keeps its graph and is run again."""
    one = leaf(3)
    loss = (one * one).sum()
    loss.backward(retain_graph=True)
    loss.backward()


def handed() -> None:
    """Gradients that the script gives: finite ones, not finite ones, and to several roots."""
    one = leaf(3)
    for gradient in (torch.ones(3), torch.tensor([1.0, float("nan"), float("inf")])):
        (one * one).backward(gradient)
    torch.autograd.backward([(one * one).sum(), one.sin().sum()])
    torch.autograd.backward((one * one).sum(), torch.tensor(2.0))
    one.sum().backward(inputs=[one])


def undefined() -> None:
    """Losses that are not finite, one of them with no name, and a leaf itself."""
    one = leaf(3)
    loss = (one.detach() * float("nan") * one).sum()
    loss.backward()
    (one * float("inf")).sum().backward()
    leaf().backward()


def refused() -> None:
    """Calls that torch refuses, and one whose hook raises."""
    one = leaf(3)
    loss = (one * one).sum()
    loss.backward()
    with pytest.raises(RuntimeError):
        loss.backward()
    with pytest.raises(RuntimeError):
        (one * one).backward()

    def fail(gradient: torch.Tensor) -> None:
        raise ValueError("from a hook")

    made = one * one
    made.register_hook(fail)
    with pytest.raises(ValueError, match="from a hook"):
        made.sum().backward()
    (one * one).sum().backward()


def within() -> None:
    """A backward in a hook of another."""
    one, other = leaf(3), leaf(3)
    made = one * one

    def again(gradient: torch.Tensor) -> None:
        with torch.enable_grad():
            (other * other).sum().backward()

    made.register_hook(again)
    made.sum().backward()
    torch.autograd.grad((one * one).sum(), [one])


@pytest.mark.parametrize("script", [kept, handed, undefined, refused, within])
def test_backwards_begin_and_end_the_same(tmp_path: Path, script: Callable[[], None]) -> None:
    """With the accelerator and without it, row by row."""
    assert check_recording(tmp_path, "backwards", script, probe="never")


class Doubled(torch.autograd.Function):
    """A custom Function."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return twice the input."""
        return 2 * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        """Return twice the gradient."""
        return 2 * gradient


@pytest.mark.only_c
@pytest.mark.parametrize("seed", range(8))
def test_the_nodes_that_will_run_are_found_in_the_same_order(tmp_path: Path, seed: int) -> None:
    """In graphs with diamonds, several outputs of a node, custom Functions and several roots."""
    found = list[tuple[Below, Below]]()
    quick = getattr(accelerator(), "reach", None)
    assert quick is not None

    def script() -> None:
        choose, tensors = random.Random(seed), [leaf(4), leaf(4)]
        for _ in range(30):
            one, other = choose.choice(tensors), choose.choice(tensors)
            doubled: torch.Tensor = Doubled.apply(one)  # type: ignore[no-untyped-call]
            made = [one * other, one + other, doubled if seed % 2 else one.sin(), *one.unbind()[:1]]
            tensors.append(choose.choice(made) + 0 * one)
        roots = [tensor.grad_fn for tensor in tensors[-2:] if tensor.grad_fn is not None]

        def mark(node: Any) -> Any:
            return node.metadata.get("gradb")

        found.append((Reach(mark, quick).below(roots, (), False), Reach(mark).below(roots, (), False)))

    check_recording(tmp_path, "graph", script, probe="never")
    assert all(quickly == slowly for quickly, slowly in found[:1])
    assert len(found[0][0].nodes) > 10
