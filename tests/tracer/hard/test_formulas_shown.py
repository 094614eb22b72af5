"""Formulas as the pane shows them: with the very numbers, orders and dimensions of the call."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.tracer.hard.seeing import watch

pytestmark = pytest.mark.torch

ROWS = [[3.0, 1.0, 2.0, 5.0], [1.0, 4.0, 0.5, 2.0]]


def _shown(call: Callable[[torch.Tensor], Any], node: str) -> str:
    """Return the chain pane at a node of a call on two rows of four."""

    def script() -> None:
        x = torch.tensor(ROWS, dtype=torch.float64, requires_grad=True)
        made = call(x)
        torch.autograd.backward([part.sum() for part in (made if isinstance(made, tuple) else [made])])

    seen = watch(script)
    return re.sub(r"\b(part|std)\b", "made", seen.chain(seen.at(node)))


SPREADS: list[tuple[Callable[[torch.Tensor], Any], str, str]] = [
    (lambda x: torch.var_mean(x, dim=1), "VarMean", "2·(x[j] - mean)/(4 - 1)"),
    (lambda x: torch.var_mean(x, dim=0, keepdim=True), "VarMean", "2·(x[j] - mean)/(2 - 1)"),
    (lambda x: torch.var_mean(x, 1, correction=0), "VarMean", "2·(x[j] - mean)/4"),
    (lambda x: torch.var_mean(x, correction=3), "VarMean", "2·(x[j] - mean)/(8 - 3)"),
    (lambda x: torch.std_mean(x, dim=1), "StdMean", "(x[j] - mean)/((4 - 1)·made)"),
    (lambda x: torch.var(x, False), "Var", "2·(x[j] - mean)/8"),
    (lambda x: x.std(-1, unbiased=False), "Std", "(x[j] - mean)/(4·made)"),
    (lambda x: torch.var(x, (0, 1)), "Var", "2·(x[j] - mean)/(8 - 1)"),
]


@pytest.mark.parametrize(("call", "node", "formula"), SPREADS, ids=[formula for _, _, formula in SPREADS])
def test_a_spread_counts_the_elements_of_one_result(
    call: Callable[[torch.Tensor], Any], node: str, formula: str
) -> None:
    """The divisor is that of the dimension reduced, whatever else the node returns."""
    assert formula in _shown(call, node)


NORMS: list[tuple[float, str, str]] = [
    (2, "x[j]/made", "at 0 PyTorch takes 0"),
    (1, "sign(x[j])", "each element counts alike"),
    (3, "sign(x[j])·(|x[j]|/made)^(3 - 1)", "at 0 PyTorch takes 0"),
    (0.5, "sign(x[j])·(|x[j]|/made)^(0.5 - 1)", "at 0 PyTorch takes 0"),
    (float("inf"), "sign(x[j]) at the largest, else 0", "a tie is shared evenly"),
    (float("-inf"), "sign(x[j]) at the smallest, else 0", "a tie is shared evenly"),
]


@pytest.mark.parametrize(("order", "formula", "words"), NORMS)
def test_a_norm_has_the_formula_of_its_order(order: float, formula: str, words: str) -> None:
    """Not that of order 2, whatever the order is."""
    for call in (lambda x: torch.linalg.vector_norm(x, order), lambda x: torch.linalg.vector_norm(x, order, dim=1)):
        text = _shown(call, "VectorNorm")
        assert f"= {formula} " in text
        assert words in text


def test_a_count_is_flat() -> None:
    """The norm of order 0 counts what is not 0: no gradient, and no formula of order 2."""
    text = _shown(lambda x: torch.linalg.vector_norm(x, 0) + x.sum(), "VectorNorm")
    assert "how many are not 0 is flat: PyTorch sends no gradient" in text
    assert "∂result/∂x[j] 0 (by the formula" in text


def test_a_distance_has_the_formula_of_its_order() -> None:
    """``dist`` and ``cdist`` with an order of their own."""
    assert "= sign((x[j] - other[j])) " in _shown(lambda x: torch.dist(x, torch.zeros(2, 4).double(), 1), "Dist")
    text = _shown(lambda x: torch.cdist(x, torch.zeros(3, 4).double(), p=3.0), "Cdist")
    assert "^(3 - 1)" in text


REPEATED: list[tuple[str, Callable[[torch.Tensor], torch.Tensor]]] = [
    ("IndexPut", lambda v: torch.zeros(3).index_put((torch.tensor([0, 0, 1]),), v)),
    ("IndexCopy", lambda v: torch.zeros(3).index_copy(0, torch.tensor([0, 0, 1]), v)),
    ("Put", lambda v: torch.zeros(3).put(torch.tensor([0, 0, 1]), v)),
    ("Scatter", lambda v: torch.zeros(3).scatter(0, torch.tensor([0, 0, 1]), v)),
]


@pytest.mark.parametrize(("node", "call"), REPEATED, ids=[node for node, _ in REPEATED])
def test_several_elements_at_one_place(node: str, call: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """One of them is kept, and PyTorch sends the gradient to all: each op that writes over says it."""
    seen = watch(lambda: call(torch.ones(3, requires_grad=True)).sum().backward())
    assert "PyTorch keeps one and sends the gradient to all of them" in seen.chain(seen.at(node))


def test_what_is_added_is_not_written_over() -> None:
    """With accumulate=True every element counts, and the remark would be false."""
    index = (torch.tensor([0, 0, 1]),)
    seen = watch(
        lambda: torch.zeros(3).index_put(index, torch.ones(3, requires_grad=True), accumulate=True).sum().backward()
    )
    text = seen.chain(seen.at("IndexPut"))
    assert "keeps one" not in text
    assert "it is added" in text
