"""Scripts in which something that is not finite is born, each with the events at which: (kind, name)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

Case = tuple[Callable[[], Any], list[tuple[str, str]]]


def _zeros() -> torch.Tensor:
    return torch.zeros(2, requires_grad=True)


def _foreign(*numbers: float) -> torch.Tensor:
    """Return a tensor that no torch call which gradb sees has made."""
    return torch.from_numpy(np.array(numbers, dtype="float32"))


def _adds_up() -> None:
    x = torch.ones(1, requires_grad=True)
    y = x * 1.0
    ((y * 3e38).sum() * 0.6 + (y * 3e38).sum() * 0.7).backward()


def _accumulates() -> None:
    x = torch.ones(1, requires_grad=True)
    for _ in range(2):
        (x * 3e38).sum().backward()


def _hook(hook: Callable[[torch.Tensor], Any]) -> Callable[[], None]:
    def run() -> None:
        y = torch.ones(2, requires_grad=True) * 2
        y.register_hook(hook)
        y.sum().backward()

    return run


class Dividing(torch.autograd.Function):
    """A backward that divides by zero in torch."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the same."""
        ctx.save_for_backward(x)
        return x * 1

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Divide."""
        (x,) = ctx.saved_tensors
        return gradients[0] / (x - x)


class Elsewhere(torch.autograd.Function):
    """A backward that gets its result from NumPy."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        """Return the same."""
        return x * 1

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        """Return a NaN."""
        return _foreign(math.nan, 0)


def _apply(function: Any, x: torch.Tensor) -> Any:
    return function.apply(x)


def _step(optimizer: Callable[[list[Any]], torch.optim.Optimizer], loss: Callable[[Any], torch.Tensor]) -> Any:
    def run() -> None:
        parameter = nn.Parameter(torch.ones(2))
        made = optimizer([parameter])
        loss(parameter).backward()
        made.step()
        (parameter * 1).sum()

    return run


def _scaled(*, is_stepped: bool) -> Callable[[], None]:
    def run() -> None:
        parameter = nn.Parameter(torch.zeros(2))
        optimizer, scaler = torch.optim.SGD([parameter], lr=0.1), torch.amp.GradScaler("cpu")
        scaler.scale(parameter.sqrt().sum()).backward()
        if is_stepped:
            optimizer.step()
        else:
            scaler.step(optimizer)
            scaler.update()

    return run


def _scaled_too_far() -> None:
    x = torch.ones(1, requires_grad=True)
    torch.amp.GradScaler("cpu", init_scale=1e30).scale((x * 1e30).sum())


def _written_past_torch() -> None:
    x = torch.ones(2)
    y = x * 2
    x.numpy()[0] = math.nan
    (x * y).sum()


def _views() -> None:
    x = torch.ones(3, 2)
    x[0].fill_(math.nan)
    x[1].mul_(2)
    x[2].div_(0)
    x.sum()


def _alias() -> None:
    x = torch.zeros(2) / 0
    y = x.detach().data
    del x
    y.mul(2)


def _overwritten() -> None:
    x = torch.zeros(2) / 0
    x.fill_(1.0)
    x.copy_(torch.ones(2))
    nn.init.uniform_(x)
    x.fill_(math.nan)
    torch.log(torch.zeros(2), out=x)


def _set_data(value: Callable[[], torch.Tensor]) -> Callable[[], None]:
    def run() -> None:
        parameter = nn.Parameter(torch.zeros(2))
        parameter.data = value()
        parameter.mul(2)

    return run


def _set_grad(value: Callable[[], torch.Tensor]) -> Callable[[], None]:
    def run() -> None:
        nn.Parameter(torch.zeros(2)).grad = value()

    return run


def _clipped() -> None:
    parameter = nn.Parameter(torch.zeros(2))
    parameter.sqrt().sum().backward()
    nn.utils.clip_grad_norm_([parameter], 1.0)


def _foreach() -> None:
    torch._foreach_div_([torch.ones(2), torch.zeros(2)], [torch.zeros(2), torch.zeros(2)])


def _retained() -> None:
    y = _zeros() * 1
    y.retain_grad()
    y.sqrt().sum().backward()


def _loaded() -> None:
    layer = nn.Linear(1, 1, bias=False)
    layer.load_state_dict({"weight": torch.from_numpy(np.full((1, 1), math.nan, dtype="float32"))})


def _reserved() -> None:
    nn.Linear(64, 64)
    torch.empty(9).normal_().exp()


def _twice_a_leaf() -> None:
    parameter = nn.Parameter(torch.zeros(2) / 0)
    (parameter * 2).sum().backward()


def _from_memory() -> None:
    x = torch.ones(1, requires_grad=True)
    for _ in range(3):
        (x * 3e38 * 3e38).sum().backward()
        x.grad = None


def _grad(*, creates: bool) -> Callable[[], Any]:
    def run() -> Any:
        x = _zeros()
        (gradient,) = torch.autograd.grad(x.sqrt().sum(), x, create_graph=creates)
        return gradient * 2

    return run


SQRT = [("node", "SqrtBackward0")]
NAN = (math.nan, 1.0)
CASES: dict[str, Case] = {
    "infinite derivative": (lambda: _zeros().sqrt().sum().backward(), SQRT),
    "zero times infinity": (lambda: (_zeros().sqrt() * 0).sum().backward(), SQRT),
    "saved and not finite": (lambda: ((_zeros() / 0) ** 2).sum().backward(), [("op", "DivBackward0")]),
    "in the sum of two gradients": (_adds_up, [("op", "AddBackward0"), ("node_start", "MulBackward0")]),
    "added to what was there": (_accumulates, [("accumulate", "x")]),
    "a kept gradient": (_retained, SQRT),
    "autograd.grad": (_grad(creates=False), SQRT),
    "autograd.grad with a graph": (_grad(creates=True), SQRT),
    "an op in a hook": (_hook(lambda gradient: gradient / 0), [("op", "Tensor.div")]),
    "a hook": (_hook(lambda _: _foreign(math.nan, 0)), [("hook", "<lambda>")]),
    "a hook that returns the same": (_hook(lambda gradient: gradient * 2), []),
    "an op in a custom backward": (
        lambda: _apply(Dividing, torch.ones(2, requires_grad=True)).sum().backward(),
        [("op", "Tensor.div")],
    ),
    "a custom backward": (
        lambda: _apply(Elsewhere, torch.ones(2, requires_grad=True)).sum().backward(),
        [("node", "ElsewhereBackward")],
    ),
    "a gradient that was given": (
        lambda: (torch.ones(2, requires_grad=True) * 2).backward(torch.tensor(NAN)),
        [("op", "torch.tensor")],
    ),
    "a gradient from outside": (
        lambda: (torch.ones(2, requires_grad=True) * 2).backward(_foreign(*NAN)),
        [("backward_start", "backward")],
    ),
    "data from outside": (lambda: _foreign(*NAN) * 2 * 3, [("op", "Tensor.mul")]),
    "a leaf from outside": (lambda: _foreign(*NAN).requires_grad_() * 2, [("leaf", "leaf #1")]),
    "infinite data from outside": (lambda: _foreign(math.inf) * 2 * 3, [("op", "Tensor.mul")]),
    "weights from outside": (_loaded, [("op", "Tensor.copy_")]),
    "a parameter of a birth": (_twice_a_leaf, [("op", "Tensor.div")]),
    "written past torch": (_written_past_torch, []),
    "views": (_views, [("op", "Tensor.fill_"), ("op", "Tensor.div_")]),
    "an alias": (_alias, [("op", "Tensor.div")]),
    "overwritten": (_overwritten, [("op", "Tensor.div"), ("op", "Tensor.fill_"), ("op", "torch.log")]),
    "reserved memory": (_reserved, []),
    "data that is set": (_set_data(lambda: torch.zeros(2) / 0), [("op", "Tensor.div")]),
    "data that is set from outside": (_set_data(lambda: _foreign(*NAN)), [("op", "Tensor.data = value")]),
    "a gradient that is set": (_set_grad(lambda: torch.zeros(2) / 0), [("op", "Tensor.div")]),
    "a gradient that is set from outside": (_set_grad(lambda: _foreign(*NAN)), [("grad_change", "grad = value")]),
    "clipping of an infinite gradient": (_clipped, [*SQRT, ("grad_change", "clip_grad_norm_")]),
    "several at once": (_foreach, [("op", "torch._foreach_div_")]),
    "a rate that is too high": (
        _step(lambda parameters: torch.optim.SGD(parameters, lr=1e38), lambda p: (p * 1e3).sum()),
        [("step", "SGD")],
    ),
    "nothing over nothing in a step": (
        _step(lambda parameters: torch.optim.Adam(parameters, eps=0.0), lambda p: (p * 0).sum()),
        [("step", "Adam")],
    ),
    "a step by an infinite gradient": (
        _step(lambda parameters: torch.optim.SGD(parameters, lr=0.1), lambda p: (p - 1).sqrt().sum()),
        SQRT,
    ),
    "a scaled loss": (_scaled(is_stepped=False), SQRT),
    "a step by what a scaled loss left": (_scaled(is_stepped=True), [*SQRT, ("step", "SGD")]),
    "a loss that is scaled too far": (_scaled_too_far, [("op", "MulBackward0")]),
    "each time again": (_from_memory, [("op", "MulBackward0"), ("node", "MulBackward0")] * 3),
}
"""Where a stop passes, since the gradients of a scaled loss may be infinite by design, is told by ``PASSED``."""
PASSED = {
    "a scaled loss": SQRT,
    "a step by what a scaled loss left": SQRT,
    "a loss that is scaled too far": [("op", "MulBackward0")],
}
"""What no stop at births stops at."""
