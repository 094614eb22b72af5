"""Settings of torch's that a script makes: what gradb reads depends on none, and disturbs none."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tracer.hard.cases import CASES
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


@contextlib.contextmanager
def _set(setter: Callable[[Any], Any], value: Any, back: Any) -> Iterator[None]:
    setter(value)
    try:
        yield
    finally:
        setter(back)


SETTINGS: dict[str, Callable[[], contextlib.AbstractContextManager[Any]]] = {
    "default device meta": lambda: _set(torch.set_default_device, "meta", None),
    "default dtype float64": lambda: _set(torch.set_default_dtype, torch.float64, torch.float32),
    "deterministic algorithms": lambda: _set(torch.use_deterministic_algorithms, True, False),
    "anomaly mode": lambda: torch.autograd.set_detect_anomaly(True),
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "one thread": lambda: torch.autograd.set_multithreading_enabled(False),
    "inference off, gradients off around": torch.no_grad,
}


def _state() -> list[Any]:
    return [
        torch.is_grad_enabled(), torch.is_autocast_enabled("cpu"), torch.get_default_dtype(),
        str(torch.get_default_device()), torch.are_deterministic_algorithms_enabled(), torch.is_anomaly_enabled(),
        torch.get_rng_state().tolist(),
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Anomaly Detection")
@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_setting_changes_nothing_of_what_is_read(
    tmp_path: Path, setting: Callable[[], contextlib.AbstractContextManager[Any]]
) -> None:
    """Results and states are those of the bare script, and nothing is lost, of small tensors and of large ones."""

    def script() -> list[Any]:
        torch.manual_seed(3)
        weight = torch.randn(40, 40, device="cpu").requires_grad_()
        small = torch.randn(2, 2, device="cpu").requires_grad_()
        found: list[Any] = []
        with setting():
            for _ in range(2):
                with torch.enable_grad():
                    loss = (weight @ weight).tanh().sum() + (small @ small).softmax(1).square().sum()
                    loss.backward()
                found += [loss.item(), *_state()]
        grads = [tensor.grad.tolist() for tensor in (weight, small) if tensor.grad is not None]
        return [found, grads]

    wanted = script()
    result, tape = record(tmp_path / "run.tape", script)
    assert result == wanted
    assert notes(tape) == []
    kinds = [event.kind for event in tape.events()]
    assert kinds.count("accumulate") == 4


def _common() -> None:
    leaf = torch.ones(2, requires_grad=True)
    (leaf.exp() * leaf).sum().backward()
    torch.autograd.grad((leaf * 2).sum(), leaf)


def _up_to_inputs() -> None:
    leaf = torch.ones(2, requires_grad=True)
    (leaf.exp() * leaf).sum().backward(inputs=[leaf])


def _bare_leaf() -> None:
    leaf = torch.ones((), requires_grad=True)
    leaf.backward()
    torch.autograd.backward([leaf, leaf * 2], inputs=[leaf])
    torch.autograd.grad(leaf, leaf)


def _second_derivative() -> None:
    leaf = torch.ones(2, 2, requires_grad=True)
    (grad,) = torch.autograd.grad((leaf @ leaf).exp().sum(), leaf, create_graph=True)
    grad.square().sum().backward()
    leaf.det().backward(create_graph=True)
    leaf.grad = None


def _held_gradient() -> None:
    leaf = torch.ones(2, requires_grad=True)
    middle = leaf.exp()
    middle.retain_grad()
    middle.register_hook(lambda grad: grad * 2)
    with torch.no_grad():
        leaf[0].fill_(0)
    middle.detach().requires_grad_().sum().backward()


def _set_by_hand() -> None:
    torch._C._autograd._push_node_creation_hook(lambda node: None)  # type: ignore[attr-defined]
    try:
        _second_derivative()
    finally:
        torch._C._autograd._pop_node_creation_hook()  # type: ignore[attr-defined]


MAKING = {
    **{one.__name__: one for one in (_common, _up_to_inputs, _bare_leaf, _second_derivative, _held_gradient)},
    "_set_by_hand": _set_by_hand,
    **{name: function for name, function in CASES.items() if name != "compiled"},  # it makes nodes when it is compiled
}
has_hook = pytest.mark.skipif(not hasattr(torch.autograd.graph, "node_creation_hook"), reason="torch has it since 2.14")


def _made(function: Callable[[], object]) -> list[str]:
    """Return the names of the nodes that a node creation hook is called for."""
    seen: list[str] = []
    hook: Any = getattr(torch.autograd.graph, "node_creation_hook")  # noqa: B009 - not in every torch
    with warnings.catch_warnings(), hook(lambda node: seen.append(node.name())):
        warnings.simplefilter("ignore")
        function()
    return seen


@has_hook
@pytest.mark.parametrize("function", MAKING.values(), ids=MAKING)
def test_a_node_creation_hook_sees_the_scripts_nodes_alone(tmp_path: Path, function: Callable[[], object]) -> None:
    """No node of ours is one that such a hook is called for, and each of the script's is."""
    wanted = _made(function)
    found, _ = record(tmp_path / "run.tape", lambda: _made(function))
    assert Counter(found) == Counter(wanted)  # the order among branches is the engine's


@has_hook
def test_hooks_are_set_and_taken_off_as_the_script_does(tmp_path: Path) -> None:
    """Each of several hooks is called in its turn, and none once it is off; what one raises reaches the script."""

    def script() -> list[str]:
        seen: list[str] = []
        hook: Any = getattr(torch.autograd.graph, "node_creation_hook")  # noqa: B009 - not in every torch
        leaf = torch.ones(2, requires_grad=True)
        with hook(lambda node: seen.append(f"outer {node.name()}")):
            with hook(lambda node: seen.append(f"inner {node.name()}")):
                leaf.exp()
            leaf.sin()
        leaf.cos()

        def refuse(node: object) -> None:
            raise KeyError("no")

        with hook(refuse):
            try:
                leaf.tan()
            except KeyError as error:
                seen.append(str(error))
        return seen

    wanted = script()
    assert len(wanted) > 4
    assert record(tmp_path / "run.tape", script)[0] == wanted


def test_asking_for_the_gradient_of_a_leaf_makes_no_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The end of the way to a leaf is found in the graph that is there."""

    def refuse(tensor: torch.Tensor) -> None:
        raise AssertionError("a node was made")

    monkeypatch.setattr(torch.autograd.graph, "get_gradient_edge", refuse)

    def script() -> None:
        leaf, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        (leaf.exp() * leaf).sum().backward(inputs=[leaf])
        torch.autograd.grad((leaf * 2).sum(), [leaf, other], allow_unused=True)
        torch.autograd.grad((leaf * 2).sum(), other, allow_unused=True)

    tape = record(tmp_path / "run.tape", script)[1]
    assert notes(tape) == []
    kinds = [event.kind for event in tape.events()]
    assert kinds.count("accumulate") == 1
    assert kinds.count("node_start") == kinds.count("node") + kinds.count("accumulate")
