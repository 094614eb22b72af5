"""How the graph pane says a node is linked, held against what Python prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tracer.recording import record

pytestmark = pytest.mark.torch


class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * 2

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        return grads[0] * 2


def test_next_functions_are_what_python_prints(tmp_path: Path) -> None:
    """The tuple of pairs, with edges to nowhere, one pair alone, and a custom Function; addresses apart."""
    printed: dict[str, str] = {}

    def script() -> None:
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        b = a * 3.0
        c = Twice.apply(b) + a  # type: ignore[no-untyped-call]
        first, second = c.split(1)
        d = first * second
        for name, tensor in {"b": b, "c": c, "first": first, "d": d}.items():
            printed[name] = re.sub(r" object at 0x[0-9a-f]+", "", repr(tensor.grad_fn.next_functions))
        assert d.grad_fn.next_functions[0][0] is first.grad_fn
        leaf: Any = b.grad_fn.next_functions[0][0] if b.grad_fn is not None else None
        assert leaf.variable is a

    _, tape = record(tmp_path / "t.tape", script)
    with tape:
        graph = tape.frame(tape.latest("op", tape.head) or 0).graph
        rows = [graph.row(index) for index in range(len(graph))]
        found = {row.label: graph.links(index) for index, row in enumerate(rows) if not row.is_reference}
    assert {name: found[name].printed for name in printed} == printed
    assert found["first"].identity == "d.grad_fn.next_functions[0][0] is first.grad_fn"
    assert ".next_functions[1][0].variable is a" in found["a"].identity or "[0][0].variable is a" in found["a"].identity
    assert found["d"].parent == ""
