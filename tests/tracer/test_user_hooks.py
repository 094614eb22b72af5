"""The script's own hooks: listed on the node, what each changed told apart from the chain rule, nothing disturbed."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradb.frame.chain.record import Chain
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.tape.kinds.hook import HookDetail
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def clip(gradient: Tensor) -> Tensor:
    return gradient.clamp(max=10.0)


def look(gradient: Tensor) -> None:
    gradient.sum()


def halve(leaf: Tensor) -> None:
    assert leaf.grad is not None
    leaf.grad /= 2


def double_sent(sent: tuple[Tensor | None, ...], arrived: tuple[Tensor, ...]) -> tuple[Tensor | None, ...]:
    return tuple(None if one is None else 2 * one for one in sent)


def negate_arrived(arrived: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(-one for one in arrived)


def zero_module(module: nn.Module, sent: Any, arrived: Any) -> tuple[Tensor, ...]:
    return (torch.zeros_like(sent[0]),)


def _graph() -> tuple[Tensor, Tensor, Tensor]:
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    b = 2 * a
    return a, b, (b**2).sum()


def with_tensor_hook() -> Tensor | None:
    a, b, loss = _graph()
    b.register_hook(clip)
    b.register_hook(look)
    loss.backward()
    return a.grad


def with_node_hook() -> Tensor | None:
    a, b, loss = _graph()
    assert b.grad_fn is not None
    b.grad_fn.register_hook(double_sent)
    loss.backward()
    return a.grad


def with_node_prehook() -> Tensor | None:
    a, b, loss = _graph()
    assert b.grad_fn is not None
    b.grad_fn.register_prehook(negate_arrived)
    loss.backward()
    return a.grad


def with_post_accumulate_hook() -> Tensor | None:
    a, _, loss = _graph()
    a.register_post_accumulate_grad_hook(halve)
    loss.backward()
    return a.grad


def with_module_hook() -> Tensor | None:
    a, b, _ = _graph()
    module = nn.Identity()
    module.register_full_backward_hook(zero_module)
    (module(b) ** 2).sum().backward()
    return a.grad


CASES: dict[str, tuple[Callable[[], Tensor | None], str, list[float], list[float]]] = {
    "tensor": (with_tensor_hook, "clip", [4, 8, 12], [4, 8, 10]),
    "node": (with_node_hook, "double_sent", [8, 16, 24], [16, 32, 48]),
    "node pre": (with_node_prehook, "negate_arrived", [4, 8, 12], [-4, -8, -12]),
    "post-accumulate": (with_post_accumulate_hook, "halve", [8, 16, 24], [4, 8, 12]),
    "module": (with_module_hook, "zero_module", [4, 8, 12], [0, 0, 0]),
}


def _chains(tape: Tape) -> list[Chain]:
    found = (tape.frame(event.seq).chain for event in tape.events() if event.kind in {"node", "accumulate"})
    return [chain for chain in found if chain is not None]


@pytest.mark.parametrize("kind", CASES)
def test_what_a_hook_changed(kind: str, tmp_path: Path) -> None:
    """The gradient before and after a hook is on the tape, at its node, under the name of the function."""
    run, function, before, after = CASES[kind]
    plain = run()
    traced, tape = record(tmp_path / "run.tape", run)
    assert plain is not None
    assert traced.tolist() == plain.tolist()
    assert notes(tape) == []
    events = [event for event in tape.events() if event.kind == "hook" and not event.is_quiet]
    (event,) = events
    detail = tape.detail(event.seq)
    assert isinstance(detail, HookDetail)
    assert (detail.kind, event.name, detail.is_changed) == (kind, function, True)
    shown = [[one.value.numbers() for one in side if one is not None] for side in (detail.before, detail.after)]
    assert shown == [[before], [after]]
    assert event.node is not None
    text = to_text(PANES["chain"].render(tape.frame(event.seq), Options(width=100)), 100)
    assert function in text
    assert "test_user_hooks.py:" in text


@pytest.mark.parametrize("kind", CASES)
def test_no_hook_is_taken_for_a_wrong_product(kind: str, tmp_path: Path) -> None:
    """Products and sums are checked against what the node itself got and made, so that all agree."""
    _, tape = record(tmp_path / "run.tape", CASES[kind][0])
    checks = [
        check for chain in _chains(tape) for check in (chain.contributions_check, *(e.check for e in chain.edges))
    ]
    assert [check for check in checks if check is not None and not check.is_ok] == []
    assert any(check is not None for check in checks)


def test_a_hook_is_listed_before_it_runs(tmp_path: Path) -> None:
    """A node says in the forward which hooks hang on its output; one that only looks is said to change nothing."""
    _, tape = record(tmp_path / "run.tape", with_tensor_hook)
    start = next(event.seq for event in tape.events() if event.kind == "backward_start")
    registered = [event for event in tape.events() if event.kind == "hook" and event.seq < start]
    assert [event.name for event in registered] == ["clip", "look"]
    assert all(event.is_quiet for event in registered)
    text = to_text(PANES["chain"].render(tape.frame(registered[-1].seq), Options(width=100)), 100)
    assert "tensor hook clip (test_user_hooks.py:" in text
    assert "will be called here" in text
    ran = next(event for event in tape.events() if event.kind == "hook" and event.name == "look" and event.seq > start)
    assert "changed nothing" in to_text(PANES["chain"].render(tape.frame(ran.seq + 1), Options(width=100)), 100)


def test_a_hook_looks_like_itself(tmp_path: Path) -> None:
    """What is registered in its place can be removed, copied and pickled, and has its name and its attributes."""

    def run() -> list[Any]:
        a, b, loss = _graph()
        handle = b.register_hook(clip)
        (found,) = b._backward_hooks.values()  # type: ignore[union-attr]
        copied, loaded = copy.copy(found), pickle.loads(pickle.dumps(found))
        looks = [found.__name__, repr(found) == repr(clip), copied is clip, loaded is clip]
        handle.remove()
        loss.backward()
        assert a.grad is not None
        return [*looks, a.grad.tolist()]

    traced, tape = record(tmp_path / "run.tape", run)
    assert traced == ["clip", True, True, True, [8, 16, 24]]
    assert notes(tape) == []


def test_a_hook_goes_on_after_the_recording(tmp_path: Path) -> None:
    """A hook registered while recording still works when the tracer is gone, and nothing is recorded of it."""
    kept, tape = record(tmp_path / "run.tape", _with_hook_kept)
    a, loss = kept
    loss.backward()
    assert a.grad.tolist() == [8, 16, 20]
    assert tape.head == tape.frame(tape.head).head


def _with_hook_kept() -> tuple[Tensor, Tensor]:
    a, b, loss = _graph()
    b.register_hook(clip)
    return a, loss


def test_a_hook_that_raises(tmp_path: Path) -> None:
    """An error in a hook reaches the script, and the recording goes on."""

    def fail(gradient: Tensor) -> None:
        raise ValueError("no")

    def run() -> str:
        _, b, loss = _graph()
        b.register_hook(fail)
        with pytest.raises(ValueError, match="no"):
            loss.backward()
        return str((torch.ones(1, requires_grad=True) * 2).item())

    traced, tape = record(tmp_path / "run.tape", run)
    assert traced == "2.0"
    assert notes(tape) == []


class _Inner(torch.autograd.Function):
    """Runs a backward of its own inside its backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        with torch.enable_grad():
            (torch.ones(1, requires_grad=True) * 3).sum().backward()
        return gradients[0]


def test_a_hook_of_a_node_that_ran_a_backward_of_its_own(tmp_path: Path) -> None:
    """The hook that runs after an inner backward is told of the node that it hangs on."""

    def run() -> None:
        y = _Inner.apply(torch.ones(1, requires_grad=True))  # type: ignore[no-untyped-call]
        y.grad_fn.register_hook(double_sent)
        y.sum().backward()

    _, tape = record(tmp_path / "run.tape", run)
    (event,) = [event for event in tape.events() if event.kind == "hook"]
    chain = tape.chain(event.node or 0, event.seq)
    assert chain is not None
    assert chain.node_name == "_InnerBackward"


class _Token:
    pass


def test_a_node_that_raised_is_let_go(tmp_path: Path) -> None:
    """After an error in a backward nothing of the tracer's holds the node."""

    def run() -> bool:
        a = torch.ones(3, requires_grad=True)
        e = a.exp()
        token = _Token()
        node: Any = e.grad_fn
        node.metadata["token"] = token  # dies with the node
        alive = weakref.ref(token)
        e.add_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            e.sum().backward()
        del token, node, e
        gc.collect()
        return alive() is None

    is_gone, tape = record(tmp_path / "run.tape", run)
    assert is_gone
    assert [event.name for event in tape.events() if event.kind == "node_start"][-1] == "ExpBackward0"
    assert notes(tape) == []


def test_a_hook_of_a_leaf_is_shown_where_it_ran(tmp_path: Path) -> None:
    """At its own event the leaf's pane shows what it was given and made; before that, the same hook waits."""

    def run() -> None:
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        a.register_hook(lambda gradient: 2 * gradient)
        for factor in (3, 5):
            (a * factor).sum().backward()

    _, tape = record(tmp_path / "run.tape", run)
    ran = [event.seq for event in tape.events() if event.kind == "hook"][1:]
    texts = [to_text(PANES["chain"].render(tape.frame(seq), Options(width=120)), 120) for seq in ran]
    for text, before, after in zip(texts, ("[3 3]", "[5 5]"), ("[6 6]", "[10 10]"), strict=True):
        assert [line.split()[-2:] for line in text.splitlines() if line.startswith("arrived")] == [before.split()]
        assert after in text
        assert "tensor hook" in text
    leaf = tape.event(ran[0]).node or 0
    waiting = tape.chain(leaf, ran[1] - 1)
    assert waiting is not None
    assert (waiting.state, [hook.event for hook in waiting.hooks]) == ("pending", [None])


def test_a_hook_of_a_leaf_that_raises_is_shown_where_it_did(tmp_path: Path) -> None:
    """The leaf's pane at the hook's event says what it raised."""

    def fail(gradient: Tensor) -> None:
        raise ValueError("no")

    def run() -> None:
        a = torch.ones(2, requires_grad=True)
        a.register_hook(fail)
        with pytest.raises(ValueError, match="no"):
            (a * 3).sum().backward()

    _, tape = record(tmp_path / "run.tape", run)
    ran = [event.seq for event in tape.events() if event.kind == "hook"][-1]
    assert "raised ValueError: no" in to_text(PANES["chain"].render(tape.frame(ran), Options(width=120)), 120)


@pytest.mark.parametrize("mode", ["all", "any"])
def test_a_hook_of_several_tensors_is_seen(tmp_path: Path, mode: Any) -> None:
    """Torch hangs functions of its own on each tensor: the hook is the script's, and what it computes is recorded."""

    def several(gradients: Any) -> None:
        (gradients[0] if mode == "all" else gradients).mul(3)

    def script() -> Any:
        a, b, loss = _graph()
        torch.autograd.graph.register_multi_grad_hook((a, b), several, mode=mode)
        loss.backward()
        return a.grad

    grad, tape = record(tmp_path / "run.tape", script)
    assert torch.equal(grad, script())
    events = list(tape.events())
    start = next(event.seq for event in events if event.kind == "backward_start")
    assert [event.name for event in events if event.kind == "op" and event.seq > start] == ["Tensor.mul"]
    details = [tape.detail(event.seq) for event in events if event.kind == "hook"]
    hooks = [detail for detail in details if isinstance(detail, HookDetail)]
    assert {detail.function.rpartition(".")[2] for detail in hooks} == {"several"}
    assert [detail.has_run for detail in hooks] == [False, False, True, True]
