"""``.grad`` buffers: whatever a script does to them, the last Frame shows what they really hold."""

from __future__ import annotations

import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, strategies as st
from torch import Tensor, nn

from gradb.frame.reader import Tape
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch

Named = dict[str, Tensor]
CASES: dict[str, Callable[[], Named]] = {}


def case(function: Callable[[], Named]) -> Callable[[], Named]:
    """Add a function that returns the tensors whose buffers are compared, by their names."""
    CASES[function.__name__] = function
    return function


def _filled() -> Any:
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (a * a).sum().backward()
    return a


@case
def an_element_is_set() -> Named:
    a = _filled()
    a.grad[0] = 7
    a.grad[1:].zero_()
    return {"a": a}


@case
def changed_through_data() -> Named:
    a = _filled()
    a.grad.data.mul_(2)
    a.grad.data.zero_()
    return {"a": a}


@case
def data_replaced() -> Named:
    a = _filled()
    a.grad.data = torch.full((3,), 5.0)
    return {"a": a}


@case
def changed_through_detach_and_view() -> Named:
    a = _filled()
    a.grad.detach().view(3, 1).add_(1)
    return {"a": a}


@case
def augmented() -> Named:
    a = _filled()
    a.grad += 1
    a.grad /= 2
    return {"a": a}


@case
def written_by_out() -> Named:
    a = _filled()
    torch.mul(torch.ones(3), 3, out=a.grad)
    return {"a": a}


@case
def one_buffer_of_two_leaves() -> Named:
    a, b = _filled(), torch.ones(3, requires_grad=True)
    b.grad = a.grad
    a.grad.mul_(3)
    return {"a": a, "b": b}


@case
def parts_of_one_flat_buffer() -> Named:
    a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    flat = torch.zeros(4)
    a.grad, b.grad = flat[:2], flat[2:]
    (a * 2 + b * 3).sum().backward()
    flat.mul_(10)
    return {"a": a, "b": b}


@case
def several_at_once() -> Named:
    a, b = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    ((a * 2).sum() + (b * 3).sum()).backward()
    grads: Any = [a.grad, b.grad]
    torch._foreach_mul_(grads, 0.5)
    return {"a": a, "b": b}


@case
def unscaled_and_clipped() -> Named:
    a = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([a], lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    scaler.scale((a * a).sum()).backward()
    scaler.unscale_(optimizer)
    nn.utils.clip_grad_norm_([a], 0.5)
    return {"a": a}


@case
def cleared_inside_the_backward() -> Named:
    a = torch.ones(3, requires_grad=True)
    a.register_post_accumulate_grad_hook(lambda leaf: setattr(leaf, "grad", None))
    (a * 2).sum().backward()
    return {"a": a}


@case
def with_a_graph_of_its_own() -> Named:
    a = torch.ones(3, requires_grad=True)
    (a**3).sum().backward(create_graph=True)
    assert a.grad is not None
    (a.grad**2).sum().backward()
    return {"a": a}


@case
def retained_then_changed_in_place() -> Named:
    a = torch.ones(3, requires_grad=True)
    b = a * 2
    b.retain_grad()
    b.mul_(3)
    (b * b).sum().backward()
    return {"a": a, "b": b}


@case
def retained_beside_hooks() -> Named:
    a = torch.ones(4, requires_grad=True)
    b, c = a.split(2)
    b.retain_grad()
    b.register_hook(lambda grad: grad * 3)
    c.register_hook(lambda grad: grad * 5)
    c.retain_grad()
    (b * c).sum().backward()
    return {"a": a, "b": b, "c": c}


def _shown(tape: Tape) -> dict[str, list[Any] | None]:
    return {buffer.name: buffer.after.numbers() if buffer.after else None for buffer in tape.frame(tape.head).grads}


def _assert_sums(tape: Tape) -> None:
    for position in range(1, tape.head + 1):
        for buffer in tape.frame(position).grads:
            assert buffer.check is None or buffer.check.is_ok, (position, buffer)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_the_last_frame_shows_the_real_buffers(name: str, tmp_path: Path) -> None:
    """Buffers changed in place, through views, by others, or kept by intermediate tensors are true on the tape."""
    named, tape = record(tmp_path / "run.tape", CASES[name])
    real = {name: None if tensor.grad is None else tensor.grad.flatten().tolist() for name, tensor in named.items()}
    shown = _shown(tape)
    assert {name: shown.get(name) for name in real} == real
    assert not notes(tape)
    _assert_sums(tape)


def test_a_tied_parameter_has_one_buffer(tmp_path: Path) -> None:
    """A weight that two modules share is one leaf, and its buffer is the sum."""
    embed, out = nn.Embedding(3, 2), nn.Linear(2, 3, bias=False)
    out.weight = embed.weight
    _, tape = record(tmp_path / "run.tape", lambda: out(embed(torch.tensor([0, 2]))).sum().backward())
    assert embed.weight.grad is not None
    assert list(_shown(tape).values()) == [pytest.approx(embed.weight.grad.flatten().tolist())]


def test_threads_that_share_a_leaf_do_not_stop_the_recording(tmp_path: Path) -> None:
    """Hooks that one thread's backward left on a shared leaf are not taken for another's."""

    def script() -> Tensor:
        a = torch.ones(3, requires_grad=True)
        workers = [threading.Thread(target=lambda: [(a * 2).sum().backward() for _ in range(20)]) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return a

    a, tape = record(tmp_path / "run.tape", script)
    assert not notes(tape)
    assert a.grad is not None
    assert a.grad.tolist() == [160, 160, 160]
    assert sum(event.kind == "accumulate" for event in tape.events()) == 80


def test_a_backward_inside_a_hook_counts_once(tmp_path: Path) -> None:
    """A leaf that an outer and an inner backward both reach is filled twice on the tape, not three times."""

    def script() -> Tensor:
        a = torch.ones(2, requires_grad=True)

        def hook(grad: Tensor) -> None:
            with torch.enable_grad():
                (a * 5).sum().backward()

        b = a * 2
        b.register_hook(hook)
        b.sum().backward()
        return a

    a, tape = record(tmp_path / "run.tape", script)
    assert sum(event.kind == "accumulate" for event in tape.events()) == 2
    assert a.grad is not None
    assert _shown(tape) == {"a": a.grad.tolist()}
    _assert_sums(tape)


def test_a_script_that_makes_warnings_errors_sees_none_of_ours(tmp_path: Path) -> None:
    """The ``.grad`` of a tensor that keeps none is never read."""

    def script() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            a = torch.ones(2, requires_grad=True)
            b = a * 2
            b.grad = None
            b.sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert not notes(tape)
    assert _shown(tape) == {"a": [2, 2]}


_UNARY: list[Callable[[Any], Any]] = [torch.sin, torch.exp, lambda x: -x, lambda x: x**2, lambda x: 3 * x, torch.tanh]
_BINARY: list[Callable[[Any, Any], Any]] = [lambda x, y: x + y, lambda x, y: x * y, lambda x, y: x - y, torch.atan2]
_STEPS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12)


def _run_dag(steps: list[tuple[int, int, int]]) -> list[Tensor]:
    leaves = [torch.tensor(0.3 + 0.2 * i, dtype=torch.float64, requires_grad=True) for i in range(3)]
    values = list(leaves)
    for which, left, right in steps:
        x, y = values[left % len(values)], values[right % len(values)]
        values.append(_UNARY[which](x) if which < len(_UNARY) else _BINARY[which - len(_UNARY)](x, y))
    values[-1].backward()
    return leaves


@given(_STEPS)
def test_random_graphs_leave_the_gradients_that_torch_has(steps: list[tuple[int, int, int]]) -> None:
    """On any scalar DAG gradients are torch's own, buffers on the tape equal them, and every check agrees."""
    plain = [leaf.grad for leaf in _run_dag(steps)]
    with tempfile.TemporaryDirectory() as folder:
        leaves, tape = record(Path(folder) / "run.tape", lambda: _run_dag(steps))
        assert [leaf.grad for leaf in leaves] == plain
        reached = [leaf.grad.item() for leaf in leaves if leaf.grad is not None]
        assert [numbers[0] for numbers in _shown(tape).values() if numbers] == reached
        for event in tape.events():
            chain = tape.frame(event.seq).chain if event.kind == "node" else None
            for edge in chain.edges if chain is not None else ():
                assert edge.check is None or edge.check.is_ok
        _assert_sums(tape)


def test_only_what_a_backward_adds_to_is_stale_in_it(tmp_path: Path) -> None:
    """A gradient of an earlier iteration that it does not reach misleads nobody, one that it reaches does."""

    def script() -> None:
        apart, w = (torch.ones(2, requires_grad=True) for _ in range(2))
        optimizer = torch.optim.SGD([w], lr=0.1)
        (apart * w).sum().backward()
        optimizer.step()
        (w * 2).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    second = [event.seq for event in tape.events() if event.kind == "backward_start"][1]
    assert {one.name: one.is_stale for one in tape.frame(second).grads} == {"apart": False, "w": True}
    assert {one.name: one.is_stale for one in tape.frame(tape.head).grads} == {"apart": False, "w": True}
