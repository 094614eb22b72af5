"""The differential test of the table: each elementwise derivative, evaluated in Python, against torch autograd."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from gradb.rules.model import Part
from gradb.rules.table import RULES, lookup

pytestmark = pytest.mark.torch

ANY = (-2.5, -0.7, 0.3, 1.9)
KINK = (-2.5, 0.0, 0.3, 1.9)
ABOVE = (0.2, 0.7, 1.3, 4.0)
INSIDE = (-0.9, -0.2, 0.1, 0.8)
OTHER = (1.5, -0.4, 2.0, 0.6)
TIED = (-2.5, -0.7, 0.9, 1.9)
Call = Callable[..., Any]


@dataclass(frozen=True)
class Case:
    """One op to be compared."""

    key: str
    call: str
    """Python over ``torch``, ``F`` and the roles."""
    values: Mapping[str, tuple[float, ...]] = field(default_factory=lambda: {"self": ANY})
    """Roles that are tensors."""
    scalars: Mapping[str, float] = field(default_factory=dict)
    """Roles that are numbers."""


def one(key: str, values: tuple[float, ...] = ANY, call: str = "", **scalars: float) -> Case:
    """Return the case of an op of one tensor."""
    return Case(key, call or f"torch.{key.lower()}(self)", {"self": values}, scalars)


def two(key: str, call: str, left: tuple[float, ...] = ANY, **scalars: float) -> Case:
    """Return the case of an op of two tensors."""
    return Case(key, call, {"self": left, "other": OTHER}, scalars)


CASES = [
    *(one(key) for key in ("Neg", "Exp", "Exp2", "Expm1", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Tanh", "Erf")),
    *(one(key) for key in ("Sigmoid", "Sign", "Floor", "Ceil", "Round", "Trunc")),
    *(one(key, ABOVE) for key in ("Log", "Log2", "Log10", "Log1P", "Sqrt", "Rsqrt", "Reciprocal")),
    *(one(key, KINK) for key in ("Abs", "Relu")),
    *(one(key, INSIDE) for key in ("Asin", "Acos")),
    one("Sqrt", (0.0, 1.0, 4.0, 9.0)),
    one("Log", (0.0, 1.0, 4.0, 9.0)),
    one("LogSigmoid", call="F.logsigmoid(self)"),
    one("Silu", call="F.silu(self)"),
    one("LeakyRelu", KINK, "F.leaky_relu(self, negative_slope)", negative_slope=0.1),
    one("Elu", KINK, "F.elu(self, alpha)", alpha=1.5),
    one("Gelu", call="F.gelu(self)"),
    one("Gelu", call="F.gelu(self, approximate='tanh')", approximate=1.0),
    one("Softplus", (-1.0, 0.0, 3.0, 11.0), "F.softplus(self, beta, threshold)", beta=2.0, threshold=20.0),
    one("Hardtanh", (-1.0, 0.0, 0.5, 2.0), "F.hardtanh(self, min_val, max_val)", min_val=-1.0, max_val=0.5),
    one("Clamp", (-1.0, 0.0, 0.5, 2.0), "torch.clamp(self, min, max)", min=-1.0, max=0.5),
    one("Clamp", (-1.0, 0.0, 0.5, 2.0), "torch.clamp(self, min=0.0)", min=0.0),
    one("ClampMin", (-1.0, 0.0, 0.5, 2.0), "torch.clamp_min(self, min)", min=0.0),
    one("ClampMax", (-1.0, 0.0, 0.5, 2.0), "torch.clamp_max(self, max)", max=0.5),
    Case("MaskedFill", "self.masked_fill(mask.bool(), 7.0)", {"self": ANY, "mask": (0.0, 1.0, 1.0, 0.0)}),
    two("Add", "torch.add(self, other, alpha=alpha)", alpha=3.0),
    two("Sub", "torch.sub(self, other, alpha=alpha)", alpha=3.0),
    two("Rsub", "torch.rsub(self, other, alpha=alpha)", alpha=3.0),
    two("Mul", "self * other"),
    two("Div", "self / other"),
    two("Atan2", "torch.atan2(self, other)"),
    two("Maximum", "torch.maximum(self, other)", (1.5, -0.7, 2.0, 1.9)),
    two("Minimum", "torch.minimum(self, other)", (1.5, -0.7, 2.0, 1.9)),
    *(one("Pow", ANY, "self ** exponent", exponent=n) for n in (0.0, 1.0, 2.0, 3.0, -2.0)),
    one("Pow", (0.0, 1.0, 2.0, 9.0), "self ** exponent", exponent=0.5),
    Case("Pow", "torch.pow(self, exponent)", {"self": ABOVE, "exponent": OTHER}),
    Case("Pow2", "torch.pow(self, exponent)", {"exponent": OTHER}, {"self": 1.7}),
    Case("Where", "torch.where(condition.bool(), self, other)",
         {"condition": (0.0, 1.0, 1.0, 0.0), "self": ANY, "other": OTHER}),
    one("Clone", call="self.clone()"),
    one("ToCopy", call="self.to(torch.float32)"),
    one("Alias", call="torch.ops.aten.alias(self)"),
]  # fmt: skip


def run(case: Case) -> tuple[Any, dict[str, Any]]:
    """Return the result of the op and its tensors."""
    import torch
    from torch.nn import functional

    tensors = {role: torch.tensor(numbers, dtype=torch.float64) for role, numbers in case.values.items()}
    for role, tensor in tensors.items():
        tensor.requires_grad_(role not in {"mask", "condition"})
    scope = {"torch": torch, "F": functional, **tensors, **case.scalars}
    return eval(case.call, scope), tensors


def expected(case: Case, part: Part) -> list[float]:
    """Return the derivative of the table for each element."""
    assert part.derivative is not None
    count = len(next(iter(case.values.values())))
    rows = [{**case.scalars, **{role: numbers[i] for role, numbers in case.values.items()}} for i in range(count)]
    return [part.derivative(row) for row in rows]


def same(left: float, right: float, tolerance: float) -> bool:
    """Compare two numbers, infinities and NaN included."""
    return left == right or math.isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.key}: {case.call}")
def test_the_table_agrees_with_autograd(case: Case) -> None:
    """At ordinary values, at kinks and at ties, the formula is what PyTorch's backward multiplies by."""
    output, tensors = run(case)
    rule = lookup(output.grad_fn.name(), case.call)
    assert rule is RULES[case.key]
    output.sum().backward()
    compared = 0
    for part in rule.parts:
        tensor = tensors.get(part.role)
        if tensor is None or not tensor.requires_grad:
            continue
        measured = [0.0] * len(tensor) if tensor.grad is None else tensor.grad.tolist()
        assert all(map(same, measured, expected(case, part), [1e-9] * len(measured))), (measured, expected(case, part))
        compared += 1
    assert compared
