"""Matrix square root and polar decomposition: held against torch, or where it has none against what makes them up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from gradb.rules.arguments import Array, Given
from gradb.rules.factors import FACTORS
from gradb.rules.model import Rule
from tests.conformance.rows import SPD, SQUARE, Row, row
from tests.conformance.test_rows_against_torch import agree, ran

pytestmark = pytest.mark.torch
ROOT, POLAR = FACTORS
OTHER = [[2.0, -0.3], [-0.3, 5.0]]
TALL = [[1.0, 2.0], [0.3, -1.0], [2.0, 0.1]]


def _root(a: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return the square root of a symmetric matrix by its eigenvalues."""
    values, vectors = torch.linalg.eigh((a + a.mT) / 2)
    return (vectors @ torch.diag_embed(values.sqrt()) @ vectors.mT,)


def _polar(a: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Return both factors by singular values."""
    u, values, vh = torch.linalg.svd(a, full_matrices=False)
    return u @ vh, vh.mT @ torch.diag_embed(values) @ vh


def _array(tensor: torch.Tensor) -> Array:
    return Array(tuple(tensor.shape), [float(value) for value in tensor.flatten()])


@pytest.mark.parametrize(
    ("rule", "function", "matrix"),
    [
        (ROOT, _root, SPD),
        (ROOT, _root, [OTHER, [[1.0, 0.5], [0.5, 3.0]]]),
        (POLAR, _polar, TALL),
        (POLAR, _polar, SQUARE),
        (POLAR, _polar, [OTHER, [[1.0, 2.0], [0.5, -1.0]]]),
    ],
)
def test_entries_are_those_of_the_function(
    rule: Rule, function: Callable[[torch.Tensor], tuple[torch.Tensor, ...]], matrix: list[list[float]]
) -> None:
    """The formula is the derivative of the same function made of ops that every torch can differentiate."""
    a = torch.tensor(matrix, dtype=torch.float64)
    results = tuple(_array(result) for result in function(a))
    entries = rule.parts[0].entries
    assert entries is not None
    for slot, out in enumerate(results):
        jacobian = torch.autograd.functional.jacobian(lambda x, slot=slot: function(x)[slot], a)
        found = torch.zeros(out.size, a.numel(), dtype=torch.float64)
        for i, j, value in entries(Given({"A": _array(a)}, _array(a), out, results, (), slot)):
            found[i, j] += value
        assert torch.allclose(found, jacobian.reshape(found.shape), rtol=1e-8, atol=1e-10)


ROWS = [
    row(ROOT.node, "torch.linalg.matrix_sqrth(x)", x=SPD),
    row(ROOT.node, "torch.linalg.matrix_sqrth(x)", x=[OTHER, [[1.0, 0.5], [0.5, 3.0]]]),
    row(POLAR.node, "torch.linalg.polar(x)", x=TALL),
    row(POLAR.node, "torch.linalg.polar(x)[0]", x=SQUARE),
    row(POLAR.node, "torch.linalg.polar(x)[1]", x=(2, 3, 2)),
]


@pytest.mark.skipif(not hasattr(torch.linalg, "polar"), reason="torch has it since 2.14")
@pytest.mark.parametrize("given", ROWS, ids=lambda given: given.call)
def test_the_formula_agrees_with_the_engine(given: Row) -> None:
    """Where torch has the node: upstream times the formula is what the engine sent."""
    agree(given, *ran([given]))
