"""The table of hard uses of autograd: small functions, each of which returns the tensors that matter, and the scripts.

Plain PyTorch: the tests run each with and without the tracer and hold one against the other. What a user has to see of
one is in a script, so that there are lines and names to show; the tests beside this file read it from there.
"""

from __future__ import annotations

import copy
import functools
import runpy
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

SCRIPTS = Path(__file__).parent / "scripts"
Case = Callable[[], list[Tensor | None]]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    """Add a function to the table."""
    CASES[function.__name__] = function
    return function


def _leaf(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    torch.manual_seed(0)
    return torch.randn(shape, dtype=dtype, requires_grad=True)


@case
def inplace_relu() -> list[Tensor | None]:
    a = _leaf(4)
    functional.relu(a * 2, inplace=True).sum().backward()
    return [a.grad]


@case
def setitem() -> list[Tensor | None]:
    a = _leaf(4)
    b = a.clone()
    b[1] = a[0] * 5
    (b**2).sum().backward()
    return [a.grad]


@case
def data_edit() -> list[Tensor | None]:
    a = _leaf(3)
    b = a.exp()
    b.data.mul_(10)
    b.sum().backward()
    return [a.grad]


@case
def retained_graph() -> list[Tensor | None]:
    a = _leaf(3)
    out = (a**3).sum()
    out.backward(retain_graph=True)
    out.backward()
    return [a.grad]


@case
def third_derivative() -> list[Tensor | None]:
    a = _leaf(3)
    (first,) = torch.autograd.grad((a**3).sum(), a, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), a, create_graph=True)
    second.sum().backward()
    return [first.detach(), second.detach(), a.grad]


@case
def grad_of_nonleaf() -> list[Tensor | None]:
    a = _leaf(3)
    b = a * 2
    c = b.exp()
    return list(torch.autograd.grad(c.sum(), [b, a]))


@case
def backward_inputs() -> list[Tensor | None]:
    a, b = _leaf(3), _leaf(3)
    (a * b).sum().backward(inputs=[a])
    return [a.grad, b.grad]


@case
def unused_input() -> list[Tensor | None]:
    a, b = _leaf(3), _leaf(3)
    return list(torch.autograd.grad((a * 2).sum(), [a, b], allow_unused=True))


@case
def given_gradient() -> list[Tensor | None]:
    a = _leaf(2, 2)
    (a**2).backward(gradient=torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    return [a.grad]


@case
def several_roots() -> list[Tensor | None]:
    a = _leaf(3)
    torch.autograd.backward([(a * 2).sum(), (a * a).sum()])
    return [a.grad]


@case
def shared_three_times() -> list[Tensor | None]:
    w = _leaf(3)
    (w * w + w.exp() * 2).sum().backward()
    return [w.grad]


@case
def forty_diamonds() -> list[Tensor | None]:
    a = _leaf(2)
    x = a
    for _ in range(40):
        x = x + x
    x.sum().backward()
    return [a.grad]


class _TwoOutputs(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: float) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x)
        ctx.scale = scale
        return x * scale, x.exp()

    @staticmethod
    def backward(ctx: Any, first: Tensor, second: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return first * ctx.scale + second * x.exp(), None


@case
def custom_function() -> list[Tensor | None]:
    a = _leaf(3)
    first, second = _TwoOutputs.apply(a, 3.0)  # type: ignore[no-untyped-call]
    (first + second).sum().backward()
    return [a.grad]


class _Unmaterialised(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    @staticmethod
    def backward(ctx: Any, first: Tensor | None, second: Tensor | None) -> Any:
        assert second is None
        return None if first is None else first * 2


@case
def undefined_gradient() -> list[Tensor | None]:
    a = _leaf(3)
    first, _ = _Unmaterialised.apply(a)  # type: ignore[no-untyped-call]
    first.sum().backward()
    return [a.grad]


def _add_one(leaf: Tensor) -> None:
    assert leaf.grad is not None
    leaf.grad.add_(1)


@case
def hooks_of_the_user() -> list[Tensor | None]:
    a = _leaf(3)
    b = a * 2
    b.register_hook(lambda grad: grad * 10)
    b.retain_grad()
    a.register_post_accumulate_grad_hook(_add_one)
    b.sum().backward()
    return [a.grad, b.grad]


@case
def saved_tensors_hooks() -> list[Tensor | None]:
    a = _leaf(3)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: x.clone(), lambda x: x):
        out = (a.exp() * a).sum()
    out.backward()
    return [a.grad]


@case
def save_on_cpu() -> list[Tensor | None]:
    a = _leaf(3)
    with torch.autograd.graph.save_on_cpu():
        out = (a.sin() * a).sum()
    out.backward()
    return [a.grad]


@case
def complex_numbers() -> list[Tensor | None]:
    a = _leaf(3, dtype=torch.complex64)
    (a * a.conj()).real.sum().backward()
    return [a.grad]


@case
def other_dtypes() -> list[Tensor | None]:
    a, b = _leaf(3, dtype=torch.float64), _leaf(3, dtype=torch.bfloat16)
    ((a * 2).sum() + (b.float() ** 2).sum()).backward()
    return [a.grad, b.grad]


@case
def sparse_embedding() -> list[Tensor | None]:
    torch.manual_seed(0)
    table = nn.Embedding(5, 2, sparse=True)
    table(torch.tensor([1, 3, 3])).sum().backward()
    grad = table.weight.grad
    return [None if grad is None else grad.to_dense()]


@case
def empty_and_scalar() -> list[Tensor | None]:
    a, b = _leaf(0), _leaf()
    (a.sum() + b * 2).backward()
    return [a.grad, b.grad]


@case
def no_grad_and_inference() -> list[Tensor | None]:
    a = _leaf(3)
    with torch.no_grad():
        _ = a * 2
    with torch.inference_mode():
        _ = a.exp() + 1
    (a * 3).sum().backward()
    with torch.no_grad():
        assert a.grad is not None
        a -= 0.1 * a.grad
    return [a.grad, a.detach()]


@case
def convolution_net() -> list[Tensor | None]:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5)
    )
    net(torch.rand(2, 1, 6, 6)).logsumexp(1).sum().backward()
    return [parameter.grad for parameter in net.parameters()]


@case
def attention() -> list[Tensor | None]:
    torch.manual_seed(0)
    net = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    net(torch.rand(1, 3, 4)).sum().backward()
    return [parameter.grad for parameter in net.parameters()]


@case
def autocast() -> list[Tensor | None]:
    a, b = _leaf(2, 3), _leaf(3, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = (a @ b).relu()
    out.float().sum().backward()
    return [a.grad, b.grad]


@case
def many_outputs() -> list[Tensor | None]:
    a = _leaf(4, 2)
    x, y = a.split(2)
    p, q = x.unbind(0)
    torch.cat([p * q, y.reshape(-1), torch.stack([p, q]).sum(0)]).prod().backward()
    return [a.grad]


@case
def nonfinite() -> list[Tensor | None]:
    a = torch.tensor([0.0, 1.0], requires_grad=True)
    (a * 0).sqrt().sum().backward()
    return [a.grad]


@case
def subclass() -> list[Tensor | None]:
    a = _leaf(3)
    tagged = a.as_subclass(_Tagged)
    (tagged * 2).sum().backward()
    return [a.grad]


class _Tagged(Tensor):
    """A subclass that only marks its tensors."""


@case
def users_function_mode() -> list[Tensor | None]:
    from torch.overrides import TorchFunctionMode

    class Doubling(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            return result * 2 if getattr(func, "__name__", "") == "exp" else result

    a = _leaf(3)
    with Doubling():
        out = a.exp()
    out.sum().backward()
    return [a.grad]


@case
def users_dispatch_mode() -> list[Tensor | None]:
    from torch.utils.flop_counter import FlopCounterMode

    a, b = _leaf(2, 3), _leaf(3, 2)
    with FlopCounterMode(display=False) as counter:
        (a @ b).sum().backward()
    return [a.grad, b.grad, torch.tensor(counter.get_total_flops())]


@case
def threads() -> list[Tensor | None]:
    leaves = [_leaf(3) for _ in range(4)]
    workers = [threading.Thread(target=lambda x=leaf: (x.exp() * x).sum().backward()) for leaf in leaves]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return [leaf.grad for leaf in leaves]


@case
def copied_module() -> list[Tensor | None]:
    torch.manual_seed(0)
    net = nn.Linear(2, 2)
    twin = copy.deepcopy(net)
    (net(torch.ones(1, 2)) + twin(torch.ones(1, 2))).sum().backward()
    return [net.weight.grad, twin.weight.grad]


@case
def lbfgs_closure() -> list[Tensor | None]:
    a = _leaf(3)
    optimizer = torch.optim.LBFGS([a], max_iter=3)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (a**4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return [a.detach(), a.grad]


@case
def clipped() -> list[Tensor | None]:
    a = _leaf(3)
    (a * 100).sum().backward()
    nn.utils.clip_grad_norm_([a], 1.0)
    return [a.grad]


def _left_by(script: Path) -> list[Tensor | None]:
    """Run a script; return the tensors among its globals, and their gradients."""
    torch.manual_seed(0)
    tensors = [one for one in runpy.run_path(str(script)).values() if isinstance(one, Tensor) and not one.is_nested]
    return [*tensors, *(one.grad for one in tensors if one.is_leaf)]


CASES.update({script.stem: functools.partial(_left_by, script) for script in sorted(SCRIPTS.glob("*.py"))})
