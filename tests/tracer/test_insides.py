"""The script's own code inside of a backward: a custom Function's, and hooks, op by op."""

from __future__ import annotations

import _thread
import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from gradb.frame.reader import Tape
from gradb.link.messages import Continue
from gradb.present.lines.headline import headline
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.hook import HookDetail
from gradb.tape.kinds.op import OpDetail
from gradb.tape.stops import Stop
from gradb.tape.values import decode
from gradb.tracer.recording.gate import Gate
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


class _Wrong(torch.autograd.Function):
    """x * w whose backward is written by hand, with a mistake."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(x, w)
        return x * w

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        x, w = ctx.saved_tensors
        loss = gradients[0] * w
        return loss, gradients[0] + x


class _Inner(torch.autograd.Function):
    """The identity, whose backward computes a gradient of its own."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        with torch.enable_grad():
            z = gradients[0].detach().requires_grad_()
            return torch.autograd.grad((z * z).sum(), z)[0]


def _apply(function: Any, *args: Any) -> Any:
    return function.apply(*args)


def _inside(tape: Tape) -> list[tuple[Event, OpDetail]]:
    found = [(event, tape.detail(event.seq)) for event in tape.events() if event.kind == "op"]
    return [(event, detail) for event, detail in found if isinstance(detail, OpDetail) and detail.inside is not None]


def _loss() -> torch.Tensor:
    x = torch.tensor([2.0, 3.0], requires_grad=True)
    w = torch.tensor([4.0, 5.0], requires_grad=True)
    loss: torch.Tensor = _apply(_Wrong, x, w).sum()
    return loss


@pytest.mark.parametrize(
    "backward", [lambda loss: loss.backward(), torch.autograd.backward], ids=["method", "function"]
)
def test_a_custom_backward_is_recorded_op_by_op(tmp_path: Path, backward: Callable[[torch.Tensor], None]) -> None:
    """Its ops stand between the two events of the node, belong to it, and show what was computed."""
    tape = record(tmp_path / "run.tape", lambda: backward(_loss()))[1]
    ops = _inside(tape)
    assert [detail.function for _, detail in ops] == ["Tensor.mul", "Tensor.add"]
    assert {event.phase for event, _ in ops} == {"backward"}
    node = next(event for event in tape.events() if event.kind == "node" and event.name == "_WrongBackward")
    start = next(event for event in tape.events() if event.kind == "node_start" and event.node == node.node)
    assert {detail.inside for _, detail in ops} == {node.node}
    assert all(start.seq < event.seq < node.seq for event, _ in ops)
    assert not any(detail.is_recomputed for _, detail in ops)
    wrong = ops[1][1].outputs[0].value
    assert wrong is not None
    assert decode(wrong.data or b"", wrong.dtype) == [3.0, 4.0]
    assert "inside a backward: " in headline(tape.frame(ops[1][0].seq)).plain
    assert notes(tape) == []


def test_names_stay_what_they_are_outside(tmp_path: Path) -> None:
    """A local of a custom backward takes no name away, and gives none."""

    def script() -> None:
        x = torch.tensor([2.0], requires_grad=True)
        weight = torch.tensor([4.0], requires_grad=True)
        loss = _apply(_Wrong, x, weight)
        loss.backward()

    tape = record(tmp_path / "run.tape", script)[1]
    assert tape.lookup("loss", tape.head) == tape.lookup("loss", _inside(tape)[0][0].seq - 1) is not None
    assert tape.grad("weight", tape.head) is not None


def test_a_backward_inside_of_one_begins_no_iteration(tmp_path: Path) -> None:
    """Three backwards by a script without an optimizer, each with one inside: three iterations, not six."""

    def script() -> None:
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        for _ in range(3):
            _apply(_Inner, x).sum().backward()

    tape = record(tmp_path / "run.tape", script)[1]
    assert tape.event(tape.head).iteration == 3
    starts = [event for event in tape.events() if event.kind == "backward_start"]
    assert [event.iteration for event in starts] == [1, 1, 2, 2, 3, 3]


def test_what_a_hook_computes_is_recorded(tmp_path: Path) -> None:
    """Hooks on tensors, leaves, nodes, accumulations and modules: each op is part of the node where it runs."""

    def triple(*args: Any) -> Any:
        found = args[0] if not isinstance(args[0], torch.nn.Module) else args[2]
        one = found[0] if isinstance(found, tuple) else found
        one * 3

    def script() -> None:
        linear = torch.nn.Linear(2, 2)
        linear.register_full_backward_hook(triple)
        linear.weight.register_hook(triple)
        linear.bias.register_post_accumulate_grad_hook(triple)
        y = linear(torch.ones(1, 2, requires_grad=True))
        y.register_hook(triple)
        z = y.exp()
        z.grad_fn.register_hook(triple)
        z.grad_fn.register_prehook(triple)
        z.sum().backward()

    script()
    tape = record(tmp_path / "run.tape", script)[1]
    hooks = [tape.detail(event.seq) for event in tape.events() if event.kind == "hook"]
    run = [detail for detail in hooks if isinstance(detail, HookDetail) and detail.has_run]
    assert len(_inside(tape)) == len(run) == 6
    assert notes(tape) == []


def test_nodes_made_inside_are_made_by_the_node(tmp_path: Path) -> None:
    """Under create_graph what a custom backward makes is told to be made by it."""

    def script() -> None:
        x = torch.tensor([2.0], requires_grad=True)
        y = _apply(_Wrong, x, x)
        (g,) = torch.autograd.grad(y, x, create_graph=True)
        g.backward()

    tape = record(tmp_path / "run.tape", script)[1]
    made = [event.node for event, detail in _inside(tape) if detail.nodes]
    assert made
    for node in made:
        chain = tape.chain(node or 0, tape.head)
        assert chain is not None
        assert [remark.kind for remark in chain.remarks] == ["made_by"]


def test_a_clear_in_a_hook_is_seen(tmp_path: Path) -> None:
    """The training that frees each gradient as soon as it is used, from a hook."""

    def script() -> torch.Tensor:
        leaf = torch.ones(2, requires_grad=True)

        def update(tensor: torch.Tensor) -> None:
            with torch.no_grad():
                tensor.sub_(tensor.grad, alpha=0.1)  # type: ignore[arg-type]
            tensor.grad = None

        leaf.register_post_accumulate_grad_hook(update)
        for _ in range(2):
            (leaf * 2).sum().backward()
        return leaf.detach()

    weight, tape = record(tmp_path / "run.tape", script)
    assert torch.equal(weight, script())
    assert [event.name for event in tape.events() if event.kind == "zero_grad"] == ["grad = None"] * 2
    assert tape.event(tape.head).iteration == 2
    assert tape.grad("leaf", tape.head) is None


def test_what_runs_outside_of_a_backward_is_as_it_was(tmp_path: Path) -> None:
    """A hook that raises leaves the mode as it found it, and what comes next is forward."""

    def fail(gradient: torch.Tensor) -> None:
        raise ValueError("no")

    def script() -> int:
        x = torch.ones(2, requires_grad=True)
        y = x * 2
        y.register_hook(fail)
        with pytest.raises(ValueError, match="no"):
            y.sum().backward()
        x * 5
        return torch._C._len_torch_function_stack()

    depth, tape = record(tmp_path / "run.tape", script)
    assert depth == 1
    last = tape.detail(tape.head)
    assert isinstance(last, OpDetail)
    assert last.inside is None
    assert tape.event(tape.head).phase == "forward"


class _Hook:
    """Something with a method, and that can be called."""

    def scaled(self, factor: float, gradient: torch.Tensor) -> torch.Tensor:
        return gradient * factor

    def __call__(self, gradient: torch.Tensor) -> None:
        """Do nothing."""


def _decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


@_decorated
def _plain(gradient: torch.Tensor) -> None:
    """Do nothing."""


def _line(function: Any) -> str:
    return f"{Path(__file__).name}:{function.__code__.co_firstlineno}"


HOOKS: list[tuple[Any, str, str]] = [
    (functools.partial(_Hook().scaled, 2.0), "_Hook.scaled", _line(_Hook.scaled)),
    (functools.partial(functools.partial(_Hook().scaled), 2.0), "_Hook.scaled", _line(_Hook.scaled)),
    (functools.partial(_Hook()), "_Hook", _line(_Hook.__call__)),
    (_Hook(), "_Hook", _line(_Hook.__call__)),
    (_Hook().__call__, "_Hook.__call__", _line(_Hook.__call__)),
    (_plain, "_plain", _line(_plain.__wrapped__)),  # type: ignore[attr-defined]
    (torch.neg, "", ""),
    (functools.partial(torch.mul, torch.tensor(2.0)), "mul", ""),
]


@pytest.mark.parametrize(("hook", "name", "where"), HOOKS)
def test_a_hook_of_any_kind_is_where_it_is_written(tmp_path: Path, hook: Any, name: str, where: str) -> None:
    """The partial of a bound method, of an object, a decorated function; what is not written in Python is nowhere."""

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        x.register_hook(hook)
        x.sum().backward()

    tape = record(tmp_path / "run.tape", script)[1]
    found = [tape.detail(event.seq) for event in tape.events() if event.kind == "hook"]
    assert len(found) == 2
    for detail in found:
        assert isinstance(detail, HookDetail)
        assert detail.where == where
        assert detail.function.endswith(name)


# --- on threads of the engine's own -----------------------------------------------------------------------------------

DEEP = 63
"""Beyond 60 backwards in backwards the engine goes on in another thread, on the CPU too."""


class _Deep(torch.autograd.Function):
    """x * 2 whose backward runs a backward of its own, DEEP times one in the other, then an action."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, depth: int, action: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
        ctx.depth, ctx.action = depth, action
        return x * 2

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        with torch.enable_grad():
            leaf = gradients[0].detach().requires_grad_()
            if ctx.depth:
                (_apply(_Deep, leaf, ctx.depth - 1, ctx.action)).sum().backward()
            else:
                ctx.action(leaf).sum().backward()
        return leaf.grad, None, None


def _deep(action: Callable[[torch.Tensor], torch.Tensor]) -> tuple[list[float], set[int]]:
    threads: set[int] = set()

    def noting(leaf: torch.Tensor) -> torch.Tensor:
        threads.add(threading.get_ident())
        return action(leaf)

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    _apply(_Deep, x, DEEP, noting).sum().backward()
    grad = x.grad
    assert grad is not None
    return grad.tolist(), threads


def _is_elsewhere(event: Event) -> bool:
    return event.thread != 0


def _recorded_deep(path: Path, action: Callable[[torch.Tensor], torch.Tensor], **options: Any) -> Tape:
    (grad, threads), tape = record(path, lambda: _deep(action), **options)
    assert grad == _deep(action)[0]
    assert threads != {threading.get_ident()}
    assert notes(tape) == []
    return tape


@pytest.fixture
def deep(tmp_path: Path) -> Callable[..., Tape]:
    """Record a deep backward; its results are those of the bare script and it did run on another thread."""
    return functools.partial(_recorded_deep, tmp_path / "run.tape")


def _several(leaf: torch.Tensor) -> torch.Tensor:
    """Run several things on the thread that most of what is looked at below runs on."""
    leaf.register_post_accumulate_grad_hook(lambda tensor: None)
    y = leaf * 3
    y.register_hook(lambda gradient: gradient * 2)
    total = y.sum()
    total.register_hook(lambda gradient: gradient * 5)
    total.grad_fn.register_prehook(lambda gradients: None)  # type: ignore[union-attr]
    again = [checkpoint(lambda x: x.exp() * x, leaf, use_reentrant=is_reentrant) for is_reentrant in (False, True)]
    result: torch.Tensor = total + leaf.pow(3) + again[0] + again[1].sin()
    return result


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    """Return one recording of a deep backward for all that only look at it: it takes as long as thirty others."""
    return _recorded_deep(tmp_path_factory.mktemp("deep") / "run.tape", _several)


def test_every_visit_on_another_thread_is_recorded(several: Tape) -> None:
    """As many starts as ends, as many custom ops as on the calling thread, and each one's node is its own."""
    tape = several
    kinds = [event.kind for event in tape.events()]
    assert kinds.count("backward_start") == kinds.count("backward_end") == DEEP + 2 + 1  # a checkpoint runs one more
    assert kinds.count("node_start") == kinds.count("node") + kinds.count("accumulate")
    there = [event for event in tape.events() if event.kind == "node" and _is_elsewhere(event)]
    assert {event.name for event in there} >= {"MulBackward0", "SumBackward0", "_DeepBackward"}
    inside = [detail for event, detail in _inside(tape) if _is_elsewhere(event) and detail.function == "_Deep.apply"]
    own = {event.node for event in tape.events() if event.name == "_DeepBackward" and event.kind == "node"}
    assert {detail.inside for detail in inside} <= own
    assert len(inside) >= 2
    assert tape.event(tape.head).iteration == 1


def test_hooks_on_another_thread_are_recorded(several: Tape) -> None:
    """A tensor's hook, before any node has run there, and a leaf's, with what they changed."""
    tape = several
    events = [event for event in tape.events() if event.kind == "hook" and _is_elsewhere(event)]
    run = [(event, detail) for event in events if isinstance(detail := tape.detail(event.seq), HookDetail)]
    run = [(event, detail) for event, detail in run if detail.has_run]
    assert [detail.kind for _, detail in run] == ["tensor", "node pre", "tensor", "post-accumulate"]
    assert [detail.is_changed for _, detail in run] == [True, False, True, False]
    assert len({detail.backward for _, detail in run}) == 1
    names = {event.node: event.name for event in tape.events() if event.kind == "node"}
    assert [names.get(event.node) for event, _ in run] == ["SumBackward0", "SumBackward0", "MulBackward0", None]
    assert all(tape.event(detail.backward).kind == "backward_start" for _, detail in run)


def test_recomputation_on_another_thread_is_recorded(several: Tape) -> None:
    """What a checkpoint of either kind computes again there is told as recomputed for the node that needs it."""
    found = [event for event in several.events() if event.kind == "op" and _is_elsewhere(event)]
    again = [event for event in found if isinstance(d := several.detail(event.seq), OpDetail) and d.is_recomputed]
    assert [event.name for event in again].count("ExpBackward0") == 2


def test_a_node_on_another_thread_is_looked_into(deep: Callable[..., Tape]) -> None:
    """The ATen calls of a node that runs there belong to that node."""
    tape = deep(lambda leaf: leaf.sigmoid(), aten=True)
    there = [event for event in tape.events() if event.kind == "aten" and _is_elsewhere(event)]
    node = next(event for event in tape.events() if event.kind == "node" and event.name == "SigmoidBackward0")
    assert [event.name for event in there if event.node == node.node] == ["aten.sigmoid_backward.default"]
    sums = [event for event in tape.events() if event.name == "SumBackward0" and _is_elsewhere(event)]
    assert {event.node for event in sums if event.kind == "node"} <= {event.node for event in there}


def test_a_node_on_another_thread_is_measured(several: Tape) -> None:
    """Its local derivative is there, and agrees with what the engine sent on."""
    tape = several
    node = next(event for event in tape.events() if event.kind == "node" and event.name == "PowBackward0")
    assert _is_elsewhere(node)
    chain = tape.chain(node.node or 0, node.seq)
    assert chain is not None
    assert chain.edges[0].local is not None
    assert chain.edges[0].local.structure == "scalar"


def test_the_script_is_held_at_a_node_on_another_thread_and_steps_on(deep: Callable[..., Tape]) -> None:
    """It stops there, steps from event to event on that thread, and goes on to its end."""
    heads: list[tuple[int, int]] = []

    def held(head: int, request_seq: int) -> None:
        heads.append((head, threading.get_ident()))
        order = Continue(Stop("event")) if len(heads) < 5 else None
        _thread.start_new_thread(gate.release, (order,))  # a Thread would give the engine's thread a stand-in for good

    gate = Gate(None, held)

    def action(leaf: torch.Tensor) -> torch.Tensor:
        if not heads:
            gate.release(Continue(Stop("node", "SigmoidBackward0")))
        return leaf.sigmoid()

    tape = deep(action, gate=gate)
    seqs = [head for head, _ in heads]
    assert seqs == list(range(seqs[0], seqs[0] + 5))
    assert {thread for _, thread in heads} != {threading.get_ident()}
    kinds = [(tape.event(seq).kind, tape.event(seq).name) for seq in seqs]
    assert kinds[0][1] == "SigmoidBackward0"
    assert ("backward_start", "backward") in kinds
    assert tape.frame(seqs[2]).position == seqs[2]


def test_after_an_error_on_another_thread_all_goes_on(tmp_path: Path) -> None:
    """A node that raises there leaves nothing behind on that thread: the next deep backward is whole."""

    def fail(leaf: torch.Tensor) -> torch.Tensor:
        y = leaf * 2
        y.register_hook(_raise)
        return y

    def script() -> list[float]:
        with pytest.raises(ValueError, match="there"):
            _deep(fail)
        return _deep(lambda leaf: leaf * leaf)[0]

    for aten in (False, True):
        result, tape = record(tmp_path / f"{aten}.tape", script, aten=aten)
        assert result == script()
        assert notes(tape) == []
        last = [event for event in tape.events() if event.kind == "backward_start"][-(DEEP + 2)].seq
        kinds = [event.kind for event in tape.events(last)]
        assert kinds.count("backward_end") == DEEP + 2
        assert kinds.count("node_start") == kinds.count("node") + kinds.count("accumulate")


def _raise(gradient: torch.Tensor) -> None:
    raise ValueError("there")
