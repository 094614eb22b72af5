"""How much of PyTorch the table explains, counted on nodes that were really created."""

from __future__ import annotations

import pytest

from gradb.rules.formulas import formula_for, node_names
from tests.conformance.count import covered

pytestmark = pytest.mark.torch

BY_HAND = {"torch::autograd::CopyBackwards", "torch::autograd::CopySlices", "torch::autograd::AccumulateGrad"}
"""Nodes that PyTorch writes by hand: derivatives.yaml has no formula for them."""


def test_the_table_explains_the_common_nodes() -> None:
    """At least 280 distinct node names, as autograd itself names them, have a row of their own."""
    assert len(covered()) >= 280


def test_pytorchs_own_formula_is_beside_each() -> None:
    """Every node that the table explains has PyTorch's formula too, under the very name of its overload."""
    for name in covered():
        if name in BY_HAND:
            continue
        assert name in node_names()
        assert formula_for(name, "")
