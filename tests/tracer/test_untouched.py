"""What a script, Dynamo and export find in torch is what they would find without gradb."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.modules import module as module_hooks
from torch.optim import optimizer as optimizer_hooks

from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch
_OF_PYTHON_3_13_0 = "Guards may run slower on Python 3.13.0"
"""Dynamo says so on that very Python, once for each guard of a module."""


class _Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layer(x).relu()
        return result


def _hooks() -> list[int]:
    """Count what is registered for all modules and optimizers."""
    names = ("forward_pre_hooks", "forward_hooks", "parameter_registration_hooks", "backward_hooks")
    found = [len(getattr(module_hooks, f"_global_{name}")) for name in names]
    found += [len(optimizer_hooks._global_optimizer_pre_hooks), len(optimizer_hooks._global_optimizer_post_hooks)]
    return found


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x * x

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
        return gradient


class _Cube(_Square):
    @classmethod
    def apply(cls, *args: Any) -> Any:
        return super().apply(*args)  # type: ignore[no-untyped-call]


def _signatures() -> list[str]:
    functions = (nn.Module.__call__, nn.Module.register_parameter, torch.optim.SGD.step, torch.optim.Adam.step)
    others = (torch.optim.Optimizer.zero_grad, torch.amp.GradScaler.scale, *_applies())
    return [f"{f.__qualname__} {f.__name__} {f.__module__} {_signature(f)}" for f in (*functions, *others)]


def _applies() -> list[Any]:
    """Return what a script gets where it asks custom Functions, and torch's, for ``apply``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an instance of a Function is of no use
        instance = _Square()  # type: ignore[no-untyped-call]
    return [_Square.apply, torch.autograd.Function.apply, _Cube.apply, super(_Cube, _Cube).apply, instance.apply]


def _signature(function: Any) -> str:
    """Return the signature; in C, ``Function.apply`` has none since torch 2.14."""
    try:
        return str(inspect.signature(function))
    except ValueError as error:
        return str(error).partition(" at ")[0]


def _identities() -> list[bool]:
    """Tell which of the functions that a script gets are equal."""
    applies = _applies()
    bound = [one.__self__ is owner for one, owner in zip(applies, (_Square, torch.autograd.Function), strict=False)]
    return [*(one == other for one in applies for other in applies), *bound]


def _numbers_of_hooks() -> list[int]:
    """Return the numbers that torch gives to hooks, less that of the first."""
    handles = []
    model = nn.Linear(2, 1)
    for _ in range(3):
        y = model(torch.ones(1, 2))
        handles.append(model.register_forward_hook(lambda *_: None).id)
        handles.append(y.register_hook(lambda g: g).id)
        y.sum().backward()
    return [number - handles[0] for number in handles]


def _exported(*, is_strict: bool) -> list[str]:
    torch._dynamo.reset()
    program = torch.export.export(_Net(), (torch.ones(1, 2),), strict=is_strict)
    return [node.name for node in program.graph.nodes]


def _compiled(make: Callable[[], tuple[Callable[[], Any], Callable[[], Any]]]) -> Any:
    """Return the graphs that three calls are compiled to, the warnings, and what came out."""
    torch._dynamo.reset()
    graphs: list[list[str]] = []

    def backend(module: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> Any:
        nodes = module.graph.nodes
        graphs.append([f"{getattr(node.target, '__name__', node.target)} {node.args}" for node in nodes])
        return module.forward

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", _OF_PYTHON_3_13_0)
        function, result = make()
        run = torch.compile(function, backend=backend)
        for _ in range(3):
            run()
    return graphs, [str(one.message) for one in caught], result()


def _of_step(kind: Any, **options: Any) -> tuple[Callable[[], Any], Callable[[], Any]]:
    leaf = torch.ones(3, requires_grad=True)
    optimizer = kind([leaf], lr=0.1, **options)
    leaf.grad = torch.ones(3)
    return optimizer.step, leaf.tolist


def _of_training() -> tuple[Callable[[], Any], Callable[[], Any]]:
    torch.manual_seed(0)
    model = _Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def train() -> None:
        optimizer.zero_grad()
        loss = model(torch.ones(1, 2)).sum()
        loss.backward()
        optimizer.step()

    return train, lambda: [weight.tolist() for weight in model.parameters()]


def _of_module() -> tuple[Callable[[], Any], Callable[[], Any]]:
    torch.manual_seed(0)
    model, x = _Net(), torch.ones(1, 2)
    return lambda: model(x), lambda: model(x).tolist()


def _of_broken_graph() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A function that cannot be compiled in one piece."""
    torch.manual_seed(0)
    model, x, seen = _Net(), torch.ones(1, 2), []

    def run() -> Any:
        y = model(x)
        seen.append(float(y.sum().item()))
        torch._dynamo.graph_break()
        return model(y)

    return run, lambda: seen


def _of_a_mode() -> tuple[Callable[[], Any], Callable[[], Any]]:
    """A function that enters a mode of the script's, and is in pieces inside of it."""
    x, seen = torch.ones(2), []

    def run() -> Any:
        with torch.device("cpu"):
            y = x / 3
            seen.append(float(y.sum().item()))
        with torch.overrides.BaseTorchFunctionMode():
            z = 1 / (x + 2)
            torch._dynamo.graph_break()
            z = z + 1
        seen.append(float(z.sum().item()))
        return 0.1 / z

    return run, lambda: [seen, torch._C._len_torch_function_stack() > 1]


def _module_itself() -> Any:
    torch._dynamo.reset()
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", _OF_PYTHON_3_13_0)
        model = torch.compile(_Net(), backend="eager")
        first = model(torch.ones(1, 2)).tolist()
        other = _Net()
        other.compile(backend="eager")
        return first, other(torch.ones(1, 2)).tolist()


class _Warning(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        _warn("forward", 3)
        return x * 2

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        _warn("backward", 6)
        return grads[0] * 2


class _WarningNet(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        _warn("module", 4)
        return x


def _warn(text: str, levels: int) -> None:
    for level in range(2, levels + 1):
        warnings.warn(f"{text} {level}", stacklevel=level)


def _heard(script: Callable[[], Any]) -> list[tuple[str, str, int]]:
    """Return (text, file, line) of every warning that Python shows, each once a place."""
    for module in list(sys.modules.values()):
        if isinstance(registry := vars(module).get("__warningregistry__"), dict):
            registry.clear()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("default")
        script()
    return [(str(one.message), one.filename, one.lineno) for one in heard]


def _warnings() -> list[tuple[str, str, int]]:
    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = _Warning.apply(x)  # type: ignore[no-untyped-call]
        y.register_hook(lambda grad: _warn("hook", 6))
        y.sum().backward()
        torch.autograd.grad(_Warning.apply(x).sum(), x)  # type: ignore[no-untyped-call]
        torch.optim.SGD([x], lr=0.1).step(lambda: _warn("closure", 3))
        _WarningNet()(x)

    return _heard(script)


def _warnings_of_a_hook() -> list[tuple[str, str, int]]:
    def script() -> None:
        net = nn.Linear(2, 2)
        net.register_full_backward_hook(lambda *_: None)
        for _ in range(2):
            net(torch.ones(1, 2)).sum().backward()

    return _heard(script)


def _shown_once() -> list[tuple[str, str, int]]:
    def script() -> None:
        for number in range(2):
            nn.functional.softmax(torch.ones(2))
            nn.functional.softmax(torch.zeros(2))
            warnings.warn("told once", stacklevel=1)
            torch.ones(2).mul(number).sub(1)  # the first call of a function that nothing has called

    return _heard(script)


def _attending(kind: str) -> Callable[[], torch.Tensor]:
    """Return an evaluation by modules that compute in another way where somebody overrides torch's functions."""
    torch.manual_seed(0)
    layer, attention = (
        nn.TransformerEncoderLayer(8, 2, 16, batch_first=True),
        nn.MultiheadAttention(8, 2, batch_first=True),
    )
    encoder, batch = nn.TransformerEncoder(layer, 2), torch.randn(2, 5, 8)
    padding = torch.tensor([[False, False, False, True, True], [False] * 5])
    net: nn.Module = nn.ModuleList([encoder, layer, attention]).eval()
    calls: dict[str, Callable[[], torch.Tensor]] = {
        "encoder": lambda: encoder(batch, src_key_padding_mask=padding),
        "layer": lambda: layer(batch),
        "attention": lambda: attention(batch, batch, batch)[0],
    }
    assert not net.training
    return torch.no_grad()(calls[kind])


def _of_a_layer() -> tuple[Callable[[], Any], Callable[[], Any]]:
    run = _attending("layer")
    return run, lambda: run().tolist()


LOOKS: dict[str, Callable[[], Any]] = {
    "global hooks": _hooks,
    "signatures": _signatures,
    "warnings": _warnings,
    "warnings of a module's hook": _warnings_of_a_hook,
    "warnings that are shown once": _shown_once,
    "what Function.apply is equal to": _identities,
    "numbers of hooks": _numbers_of_hooks,
    "strict export": lambda: _exported(is_strict=True),
    "export": lambda: _exported(is_strict=False),
    "a module compiled, with warnings as errors": _module_itself,
    "a function compiled that calls a module": lambda: _compiled(_of_module),
    "a function in several pieces": lambda: _compiled(_of_broken_graph),
    "a function with modes": lambda: _compiled(_of_a_mode),
    "a step compiled": lambda: _compiled(lambda: _of_step(torch.optim.SGD)),
    "a step with state compiled": lambda: _compiled(lambda: _of_step(torch.optim.Adam)),
    "an iteration compiled": lambda: _compiled(_of_training),
    "an encoder without gradients": lambda: _attending("encoder")().tolist(),
    "a layer of an encoder without gradients": lambda: _attending("layer")().tolist(),
    "attention without gradients": lambda: _attending("attention")().tolist(),
    "a layer compiled without gradients": lambda: _compiled(_of_a_layer),
    "a traced module": lambda: [node.name for node in torch.fx.symbolic_trace(_Net()).graph.nodes],
    "a module traced by jit": lambda: str(torch.jit.trace(_Net(), torch.ones(1, 2)).code),
}


@pytest.fixture(scope="module")
def warned() -> None:
    """Have torch give the warnings that it gives once a process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _compiled(lambda: _of_step(torch.optim.SGD))


@pytest.mark.usefixtures("warned")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_it_is_as_without_us(tmp_path: Path, look: Callable[[], Any]) -> None:
    """The same hooks, graphs, numbers of frames, warnings and results."""
    wanted = look()
    found, tape = record(tmp_path / "run.tape", look)
    assert found == wanted
    assert notes(tape) == []


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_step_is_recorded(tmp_path: Path) -> None:
    """Where nothing of ours runs inside of compiled code, its steps still are events, and end iterations."""

    def script() -> list[float]:
        torch._dynamo.reset()
        leaf = torch.ones(2, requires_grad=True)
        optimizer = torch.optim.SGD([leaf], lr=0.1)
        step = torch.compile(optimizer.step, backend="eager")
        for _ in range(3):
            optimizer.zero_grad()
            (leaf * 2).sum().backward()
            step()
        return [float(value) for value in leaf.detach()]

    weights, tape = record(tmp_path / "run.tape", script)
    assert weights == script()
    steps = [event for event in tape.events() if event.kind == "step"]
    assert [event.iteration for event in steps] == [1, 2, 3]
    assert notes(tape) == []


def test_a_step_of_a_subclass_is_one_step(tmp_path: Path) -> None:
    """A step that calls that of its base class is recorded once, whichever class was made first."""

    class Mine(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    def script() -> None:
        leaf = torch.ones(2, requires_grad=True)
        for optimizer in (torch.optim.SGD([leaf], lr=0.1), Mine([leaf], lr=0.1)):
            (leaf * 2).sum().backward()
            optimizer.step()
            optimizer.zero_grad()

    tape = record(tmp_path / "run.tape", script)[1]
    assert [event.name for event in tape.events() if event.kind == "step"] == ["SGD", "Mine"]


def test_what_the_script_puts_there_stays(tmp_path: Path) -> None:
    """A patch that a script makes over one of ours, and leaves, is not undone."""
    before = nn.Module._call_impl

    def mine(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return ours(self, *args, **kwargs)

    ours: Any = before

    def script() -> None:
        nonlocal ours
        ours = nn.Module._call_impl
        nn.Module._call_impl = mine  # type: ignore[method-assign]

    try:
        record(tmp_path / "run.tape", script)
        assert nn.Module._call_impl is mine
        assert torch.equal(nn.Identity()(torch.ones(1)), torch.ones(1))
    finally:
        nn.Module._call_impl = before  # type: ignore[method-assign]
