"""Settings of torch's that a script makes: what gradb reads depends on none, and disturbs none."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

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


@pytest.mark.skipif(not hasattr(torch.autograd.graph, "node_creation_hook"), reason="torch has it since 2.14")
@pytest.mark.parametrize("has_inputs", [False, True])
def test_a_node_creation_hook_sees_the_scripts_nodes_alone(tmp_path: Path, *, has_inputs: bool) -> None:
    """No node of ours is one that such a hook is called for."""

    def script() -> list[str]:
        seen: list[str] = []
        hook: Any = getattr(torch.autograd.graph, "node_creation_hook")  # noqa: B009 - not in every torch
        with hook(lambda node: seen.append(node.name())):
            leaf = torch.ones(2, requires_grad=True)
            loss = (leaf.exp() * leaf).sum()
            loss.backward(inputs=[leaf] if has_inputs else None)
            torch.autograd.grad((leaf * 2).sum(), leaf)
        return seen

    assert record(tmp_path / "run.tape", script)[0] == script()


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
