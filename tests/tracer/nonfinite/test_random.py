"""Births of random programs: what is named made a value that is not finite, of values that are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings, strategies as st

from gradb.diagnosis.nonfinite import traffic
from gradb.diagnosis.nonfinite.explanation import Explanation, Nothing
from gradb.diagnosis.nonfinite.why import explain
from gradb.frame.reader import Tape
from tests.tracer.nonfinite.explaining import recorded

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]

UNARY: tuple[Callable[[Any], Any], ...] = (
    torch.sqrt, torch.log, torch.exp, torch.reciprocal, torch.abs, torch.tanh, torch.square, torch.relu,
    lambda x: x.softmax(-1), lambda x: x - x.mean(), lambda x: x * 3, lambda x: x**1.5,
    lambda x: x.masked_fill(x > 2, 0.0), lambda x: x.cumsum(0), lambda x: torch.where(x > 0, x, x * 0),
    lambda x: x.std(),
    lambda x: x.t() if x.dim() else x,
)  # fmt: skip
BINARY: tuple[Callable[[Any, Any], Any], ...] = (torch.add, torch.sub, torch.mul, torch.div, torch.atan2, torch.hypot)
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 4.0, 0.25, -0.5, 1e20, 1e-30, 90.0, -90.0])
Step = tuple[int, int, int]


def compute(values: list[list[float]], program: list[Step], steps: int) -> list[torch.Tensor]:
    """Run a program of ops on leaves, sum what it made last, and train on that."""
    leaves = [torch.tensor(each).reshape(2, 2).requires_grad_() for each in values]
    optimizer = torch.optim.SGD(leaves, lr=0.1)
    for _ in range(steps):
        made: list[torch.Tensor] = list(leaves)
        for op, one, other in program:
            first, second = made[one % len(made)], made[other % len(made)]
            if op < len(UNARY):
                made.append(UNARY[op](first))
            else:
                made.append(BINARY[op - len(UNARY)](first, second))
        made[-1].sum().backward()
        optimizer.step()
    return [*leaves, *(leaf.grad for leaf in leaves if leaf.grad is not None), made[-1].detach()]


STEPS = st.tuples(st.integers(0, len(UNARY) + len(BINARY) - 1), st.integers(0, 20), st.integers(0, 20))


@settings(deadline=None)
@given(
    st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=2, max_size=2),
    st.lists(STEPS, min_size=1, max_size=6),
    st.integers(1, 2),
)
def test_the_birth_is_one(values: list[list[float]], program: list[Step], steps: int) -> None:
    """What is named made a NaN or an infinity, and nothing that it made it of was one; a finite run has none."""
    results: list[torch.Tensor] = []
    with tempfile.TemporaryDirectory() as folder:
        tape = recorded(Path(folder), lambda: results.extend(compute(values, program, steps)))
        with tape:
            found = explain(tape.origins, tape.head)
            if isinstance(found, Nothing):
                assert all(bool(torch.isfinite(each).all()) for each in results)
                assert not any(event.is_birth for event in tape.events())
            else:
                _check(tape, found)


def _check(tape: Tape, found: Explanation) -> None:
    born = found.births[0]
    assert born.kind == "birth", born
    made = traffic.made(tape.origins, born.event)
    event = tape.event(born.event)
    if event.kind in {"op", "node"}:
        assert any(one.nonfinite for one in made)
        elementwise = born.inputs if born.reason is not None else ()
        assert all(number not in {"nan", "inf", "-inf"} for _, number in elementwise), born
    if event.kind == "op":
        assert event.is_birth
        assert not any(one.nonfinite for one in traffic.read(tape.origins, born.event)), born
    road = [step.event for step in found.road]
    assert road == sorted(set(road))
    assert road[0] == born.event
    assert road[-1] == found.event
