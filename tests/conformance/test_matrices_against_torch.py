"""The products that the table writes for matrices, evaluated as Python, against torch; and the order of edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from gradb.rules.model import Part
from gradb.rules.table import lookup

pytestmark = pytest.mark.torch

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One op of several tensors."""

    call: str
    shapes: dict[str, Shape]
    """Shape of each role that is a tensor, in the order of the node's edges."""
    alpha: float = 1.0
    beta: float = 1.0


A, B, C = (2, 3), (3, 4), (2, 4)
CASES = [
    Case("torch.mm(self, mat2)", {"self": A, "mat2": B}),
    Case("torch.addmm(self, mat1, mat2)", {"self": C, "mat1": A, "mat2": B}),
    Case("torch.addmm(self, mat1, mat2, alpha=alpha, beta=beta)", {"self": C, "mat1": A, "mat2": B}, 3.0, 2.0),
    Case("torch.bmm(self, mat2)", {"self": (2, *A), "mat2": (2, *B)}),
    Case("torch.baddbmm(self, batch1, batch2)", {"self": (2, *C), "batch1": (2, *A), "batch2": (2, *B)}),
    Case("torch.mv(self, vec)", {"self": A, "vec": (3,)}),
    Case("torch.addmv(self, mat, vec)", {"self": (2,), "mat": A, "vec": (3,)}),
    Case("torch.dot(self, tensor)", {"self": (3,), "tensor": (3,)}),
    Case("torch.softmax(self, 0)", {"self": (4,)}),
    Case("torch.log_softmax(self, 0)", {"self": (4,)}),
    Case("self.t()", {"self": A}),
    Case("F.mse_loss(self, target)", {"self": A, "target": A}),
    Case("torch.where(self > 0, self, other)", {"self": A, "other": A}),
    Case("torch.pow(self, exponent)", {"self": A, "exponent": A}),
    Case("torch.atan2(self, other)", {"self": A, "other": A}),
    Case("self - other", {"self": A, "other": A}),
    Case("self / other", {"self": A, "other": A}),
    Case("F.smooth_l1_loss(self, target)", {"self": A, "target": A}),
    Case("F.layer_norm(input, (3,), weight, bias)", {"input": A, "weight": (3,), "bias": (3,)}),
    Case("F.conv1d(input, weight, bias)", {"input": (1, 2, 5), "weight": (3, 2, 2), "bias": (3,)}),
]
LINEAR = Case("F.linear(input, weight, bias)", {"input": A, "weight": (4, 3), "bias": (4,)})


def run(case: Case) -> tuple[Any, dict[str, Any]]:
    """Return the result of the op and its tensors."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(1)
    tensors = {
        role: torch.rand(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for role, shape in case.shapes.items()
    }
    return eval(
        case.call, {"torch": torch, "F": functional, **tensors, "alpha": case.alpha, "beta": case.beta}
    ), tensors


def product(part: Part, scope: dict[str, Any]) -> Any:
    """Evaluate what the table writes, or return None where it is words."""
    import torch

    names = {role: role for role in scope}
    written = part.product if isinstance(part.product, str) else part.product(names)
    text = written.split(",")[0] if "outer" not in written else written
    text = text.format_map(names).replace("·", "*")
    tools = {"outer": torch.outer, "sum": torch.sum, "softmax": lambda x: torch.softmax(x, 0)}
    return eval(text, {**tools, **scope}) if text.isascii() and any(mark in text for mark in "@*.(") else None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.call)
def test_edges_come_in_the_order_of_the_rule(case: Case) -> None:
    """Edge i of the node leads to the input that part i of the rule is about."""
    output, tensors = run(case)
    rule = lookup(output.grad_fn.name(), case.call.partition("(")[0])
    assert rule is not None
    leaves = [following.variable for following, _ in output.grad_fn.next_functions if following is not None]
    found = [next(role for role, tensor in tensors.items() if tensor is leaf) for leaf in leaves]
    roles = [part.role for part in rule.parts]
    assert found[: len(roles)] == roles[: len(found)]


@pytest.mark.parametrize("case", [*CASES, LINEAR], ids=lambda case: case.call)
def test_products_agree_with_autograd(case: Case) -> None:
    """What a formula in matrix form says is what backward sends to that input."""
    import torch

    output, tensors = run(case)
    rule = lookup(output.grad_fn.name(), case.call.partition("(")[0])
    assert rule is not None
    upstream = torch.rand(output.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    output.backward(upstream)
    scope = {**tensors, "upstream": upstream, "out": output, "alpha": case.alpha, "beta": case.beta}
    for part in rule.parts:
        value = product(part, scope)
        if value is not None:
            wanted = tensors["weight"].grad.T if part.role == "transposed" else tensors[part.role].grad
            assert torch.allclose(value, wanted), part.product


def test_a_linear_layer_is_explained_by_its_own_arguments() -> None:
    """The node inside ``F.linear`` leads to bias, input and the transposed weight, in this order."""
    output, tensors = run(LINEAR)
    bias, given, transposed = [node for node, _ in output.grad_fn.next_functions]
    assert bias.variable is tensors["bias"]
    assert given.variable is tensors["input"]
    assert transposed.next_functions[0][0].variable is tensors["weight"]
