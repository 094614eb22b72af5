"""Nodes whose numbers are rounding, or that have none at all: their products are compared all the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from gradb.frame.chain.record import Chain
from tests.tracer.recording import record

pytestmark = pytest.mark.torch


def _chains(path: Path, function: Callable[[], torch.Tensor]) -> list[Chain]:
    """Return the record of each node of a backward from the sum of what a function returns."""
    _, tape = record(path, lambda: function().sum().backward())
    frames = [tape.frame(event.seq) for event in tape.events() if event.kind == "node"]
    return [frame.chain for frame in frames if frame.chain is not None]


def test_a_formula_that_cancels_agrees_but_for_its_rounding(tmp_path: Path) -> None:
    """layer_norm of a single element is constant: what the engine gives in place of 0 is rounding, and called so."""
    x = torch.linspace(-5, 5, 20, dtype=torch.float64).reshape(20, 1).requires_grad_()
    weight = torch.tensor([-4.8270], dtype=torch.float64)

    def run() -> torch.Tensor:
        return functional.layer_norm(x, (1,), weight) * x.detach().exp()

    edges = [
        edge for chain in _chains(tmp_path / "t.tape", run) if "LayerNorm" in chain.node_name for edge in chain.edges
    ]
    assert x.grad is not None
    assert 0 < x.grad.abs().max() < 1e-10
    assert edges[0].local.structure == "zero"
    assert edges[0].check is not None
    assert edges[0].check.is_ok
    assert "but for rounding inside its formula" in edges[0].check.text


def test_a_matrix_without_rows_is_one(tmp_path: Path) -> None:
    """An output without elements passes zeros on: a product of nothing, which agrees."""
    x = torch.ones(3, requires_grad=True)
    chains = _chains(tmp_path / "t.tape", lambda: x[3:] * 2)
    sliced = next(chain for chain in chains if chain.node_name == "SliceBackward0")
    (edge,) = sliced.edges
    assert (edge.local.structure, edge.local.rows, edge.local.columns) == ("zero", 0, 3)
    assert edge.check is not None
    assert edge.check.is_ok
