"""What the engine really did in a backward: nodes that failed, backwards inside a node, gradients kept on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gradb.frame.frame import Frame
from gradb.frame.reader import Tape
from gradb.present.draw.text import to_text
from gradb.present.options import Options
from gradb.present.panes.table import PANES
from gradb.rules import examined
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch


def states(frame: Frame) -> dict[str, str]:
    """Return the state of each node in the graph, by its name and label."""
    rows = [frame.graph.row(index) for index in range(len(frame.graph))]
    return {f"{row.name} {row.label or ''}".rstrip(): frame.graph.state(row.node) for row in rows}


def last(tape: Tape, kind: str, name: str = "") -> int:
    """Return the newest event of a kind (and name)."""
    return max(event.seq for event in tape.events() if event.kind == kind and name in event.name)


def pane(name: str, frame: Frame) -> str:
    """Return a pane as text, its line breaks taken out."""
    return " ".join(to_text(PANES[name].render(frame, Options(width=160)), 160).split())


def apply(function: Any, *arguments: torch.Tensor) -> torch.Tensor:
    """Call a custom Function, which torch does not type."""
    return function.apply(*arguments)  # type: ignore[no-any-return]


def buffers(frame: Frame) -> dict[str, Any]:
    """Return the numbers of each ``.grad``, by name."""
    return {buffer.name: buffer.after and buffer.after.numbers() for buffer in frame.grads}


# --- nodes that failed ------------------------------------------------------------------------------------------------


def test_a_node_that_raised_is_failed_though_it_ran_before(tmp_path: Path) -> None:
    """The node in which a second backward raised has failed; those behind it were not run, whatever ran before."""

    def script() -> None:
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        y = (w * w).sum()
        y.backward(retain_graph=True)
        with torch.no_grad():
            w.add_(1)
        with pytest.raises(RuntimeError, match="inplace"):
            y.backward()

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(last(tape, "error"))
    assert states(frame) == {"SumBackward0 y": "done", "MulBackward0": "failed", "AccumulateGrad w": "created"}
    assert "✗ MulBackward0" in pane("graph", frame)
    assert "✗ it began to run, and the engine raised an error" in pane("chain", frame)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_custom_backward_that_raised_has_failed(tmp_path: Path, error: type[BaseException]) -> None:
    """Whatever a custom backward raises, Ctrl+C too, its node has failed, until a later backward runs it well."""
    is_bad = [False, True, False]

    class Fragile(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            if is_bad.pop(0):
                raise error
            return grad * 2

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = apply(Fragile, x).sum()
        y.backward(retain_graph=True)
        with pytest.raises(error):
            y.backward(retain_graph=True)
        y.backward(retain_graph=True)

    _, tape = record(tmp_path / "run.tape", script)
    ends = [event.seq for event in tape.events() if event.kind == "backward_end"]
    found = [states(tape.frame(end))["FragileBackward"] for end in ends]
    assert found == ["done", "failed", "done"]
    assert buffers(tape.frame(tape.head)) == {"x": [4, 4]}


def test_anomaly_detection_blames_the_node_that_made_a_nan(tmp_path: Path) -> None:
    """Under detect_anomaly the node that returned a NaN ran to its end, and the engine raised because of it."""

    def script() -> None:
        x = torch.tensor([-1.0], requires_grad=True)
        with torch.autograd.detect_anomaly(check_nan=True), pytest.raises(RuntimeError, match="SqrtBackward0"):
            (x.sqrt() * 2).sum().backward()

    with pytest.warns(UserWarning, match=r"Anomaly|Error detected"):
        _, tape = record(tmp_path / "run.tape", script)
    found = states(tape.frame(last(tape, "backward_end")))
    assert found == {
        "SumBackward0": "done",
        "MulBackward0": "freed",
        "SqrtBackward0": "failed",
        "AccumulateGrad x": "created",
    }


# --- backwards inside a node ------------------------------------------------------------------------------------------


def test_many_backwards_inside_a_node_belong_to_it(tmp_path: Path) -> None:
    """After each of a dozen backwards that a custom backward runs, the outer one is open: its graph, its paths."""

    class Adjoint(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            (x,) = ctx.saved_tensors
            total = torch.zeros_like(grad)
            for _ in range(12):
                with torch.enable_grad():
                    inner = x.detach().requires_grad_()
                    total += torch.autograd.grad((inner**2).sum(), inner)[0] / 12
            return grad * total

    def script() -> None:
        x = torch.tensor([1.0, 3.0], requires_grad=True)
        loss = apply(Adjoint, x).sum()
        loss.backward()
        assert x.grad is not None
        assert torch.allclose(x.grad, torch.tensor([2.0, 6.0]))

    _, tape = record(tmp_path / "run.tape", script)
    ends = [event.seq for event in tape.events() if event.kind == "backward_end"]
    assert len(ends) == 13
    for end in ends[:-1]:
        frame = tape.frame(end)
        assert frame.graph.row(0).name == "SumBackward0"
        assert states(frame)["AdjointBackward"] == "running"
        assert [leaf.name for leaf in frame.paths.leaves] == ["x"]
    assert states(tape.frame(ends[-1]))["AdjointBackward"] == "freed"


def test_a_backward_inside_that_raises_leaves_the_outer_one_running(tmp_path: Path) -> None:
    """A custom backward that catches the error of a backward of its own is still running, and not failed."""

    class Careful(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                inner = torch.ones(1, requires_grad=True)
                y = inner.exp()
                z = (y * 1).sum()
                y.mul_(2)
                with pytest.raises(RuntimeError):
                    z.backward()
            return grad

    def script() -> None:
        x = torch.ones(1, requires_grad=True)
        apply(Careful, x).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    inner = next(event.seq for event in tape.events() if event.kind == "backward_end")
    assert states(tape.frame(inner))["CarefulBackward"] == "running"
    assert states(tape.frame(tape.head))["CarefulBackward"] == "done"


# --- gradients kept on the way ----------------------------------------------------------------------------------------


def test_a_result_given_as_input_of_backward_keeps_its_gradient(tmp_path: Path) -> None:
    """backward(inputs=[y]) fills y.grad for good: an accumulation and a row, also of the next plain backward."""

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = x * 3
        z = (y * 2).sum()
        z.backward(inputs=[y], retain_graph=True)
        assert y.grad is not None
        assert y.grad.tolist() == [2, 2]
        z.backward()
        assert y.grad.tolist() == [4, 4]

    _, tape = record(tmp_path / "run.tape", script)
    assert not notes(tape)
    first = next(event.seq for event in tape.events() if event.kind == "backward_end")
    assert buffers(tape.frame(first)) == {"x": None, "y": [2, 2]}
    assert states(tape.frame(first))["MulBackward0 y"] == "done"
    assert buffers(tape.frame(tape.head)) == {"x": [6, 6], "y": [4, 4]}


def test_an_edge_given_as_input_of_backward_stores_nothing(tmp_path: Path) -> None:
    """As a GradientEdge the same input makes its node run, and fills nothing."""

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = x * 3
        (y * 2).sum().backward(inputs=[torch.autograd.graph.get_gradient_edge(y)])

    _, tape = record(tmp_path / "run.tape", script)
    assert buffers(tape.frame(tape.head)) == {"x": None}
    assert [event.name for event in tape.events() if event.kind == "node"] == [
        "SumBackward0",
        "MulBackward0",
        "MulBackward0",
    ]
    assert not [event for event in tape.events() if event.kind == "accumulate"]


def test_an_input_of_a_backward_that_raised_is_not_kept(tmp_path: Path) -> None:
    """The engine has an input keep its gradient only once it begins; a root that needs none makes it raise before."""

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = x * 3
        with pytest.raises(RuntimeError, match="does not require grad"):
            torch.ones(1).backward(inputs=[y])
        (y * 2).sum().backward()
        assert not y.retains_grad

    _, tape = record(tmp_path / "run.tape", script)
    assert buffers(tape.frame(tape.head)) == {"x": [6, 6]}


# --- gradients changed on their way -----------------------------------------------------------------------------------


def ten(grad: torch.Tensor) -> None:
    """Multiply a gradient by ten, in place."""
    grad.mul_(10)


def test_a_hook_that_writes_in_place_is_named_where_its_change_arrives(tmp_path: Path) -> None:
    """Both edges of a sum carry one tensor: what a hook of the one does in place arrives at the other, and is told."""

    def script() -> None:
        a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        y = a + b
        a.register_hook(ten)
        y.backward(torch.ones(2))
        assert b.grad is not None
        assert b.grad.tolist() == [10, 10]

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(last(tape, "accumulate", "b"))
    assert frame.chain is not None
    assert [(one.kind, one.name, one.at) for one in frame.chain.rewrites] == [("hook", "ten", "a")]
    text = pane("chain", frame)
    assert "sent by AddBackward0 [1 1]" in text
    assert "changed in place on its way, after it was sent: by hook ten (test_engine.py:" in text
    paths = frame.paths.chosen("b")
    assert paths is not None
    assert (paths.check, [one.name for one in paths.rewrites]) == (None, ["ten"])
    assert "changed in place on its way: by hook ten" in " ".join(
        to_text(PANES["paths"].render(frame, Options(width=160)), 160).split()
    )
    of_a = tape.frame(last(tape, "accumulate", "a")).chain
    assert of_a is not None
    assert (of_a.rewrites, of_a.hooks[0].is_inplace) == ((), True)


@pytest.mark.parametrize("is_returned", [True, False])
def test_a_hook_that_makes_a_new_gradient_touches_nobody_elses(tmp_path: Path, is_returned: bool) -> None:
    """What a hook returns goes on at its own tensor alone, and one that returns None changes nothing."""

    def script() -> None:
        a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        a.register_hook(lambda grad: grad * 10 if is_returned else None)
        (a + b).backward(torch.ones(2))

    _, tape = record(tmp_path / "run.tape", script)
    chains = [tape.frame(last(tape, "accumulate", name)).chain for name in "ab"]
    assert [chain and (chain.rewrites, chain.upstream[0] and chain.upstream[0].numbers()) for chain in chains] == [
        ((), [10, 10] if is_returned else [1, 1]),
        ((), [1, 1]),
    ]
    hook = chains[0].hooks[0] if chains[0] is not None else None
    assert hook is not None
    assert (hook.is_changed, hook.is_inplace) == (is_returned, False)


def test_a_custom_backward_that_writes_into_its_gradient_is_told(tmp_path: Path) -> None:
    """A backward that does ``grad += 1`` changes what others were sent too: told there, and where it arrives."""

    class Shift(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            grad += 1
            return grad

    def script() -> None:
        a = torch.tensor([1.0, 2.0], requires_grad=True)
        left, right = a * 5, apply(Shift, a)
        ((left + right) * torch.tensor([1.0, 10.0])).sum().backward()
        assert a.grad is not None
        assert a.grad.tolist() == [12, 66]

    _, tape = record(tmp_path / "run.tape", script)
    shift = tape.frame(last(tape, "node", "Shift"))
    assert shift.chain is not None
    assert [value and value.numbers() for value in (*shift.chain.upstream, *shift.chain.left)] == [[1, 10], [2, 11]]
    assert "its backward wrote into the gradient that it was given" in pane("chain", shift)
    nodes = [event for event in tape.events() if event.kind == "node" and event.name == "MulBackward0"]
    chain = tape.frame(nodes[-1].seq).chain
    assert chain is not None
    assert [(one.kind, one.name) for one in chain.rewrites] == [("node", "ShiftBackward")]
    assert "sent by AddBackward0 [1 10]" in pane("chain", tape.frame(nodes[-1].seq))


def test_a_module_hook_that_writes_in_place_is_told(tmp_path: Path) -> None:
    """A full backward hook that changes grad_input in place, returning None, has changed it."""

    def double(module: Any, grad_input: Any, grad_output: Any) -> None:
        grad_input[0].mul_(2)

    def script() -> None:
        layer = torch.nn.ReLU()
        layer.register_full_backward_hook(double)
        x = torch.ones(2, requires_grad=True)
        layer(x * 3).sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [6, 6]

    _, tape = record(tmp_path / "run.tape", script)
    hook = tape.frame(last(tape, "hook", "double"))
    assert "changed the gradient" in pane("chain", hook) or "in place" in pane("chain", hook)
    details: Any = tape.detail(last(tape, "hook", "double"))
    assert (details.is_changed, details.is_inplace) == (True, True)


def test_a_large_gradient_changed_by_a_hook_is_not_called_unchanged(tmp_path: Path) -> None:
    """Of a gradient that is only summarised a change behind its first elements counts, and where it arrives too."""

    def late(grad: torch.Tensor) -> None:
        grad[1500:] = 7

    def script() -> None:
        a, b = torch.ones(2000, requires_grad=True), torch.ones(2000, requires_grad=True)
        a.register_hook(late)
        (a + b).backward(torch.ones(2000))

    _, tape = record(tmp_path / "run.tape", script)
    detail: Any = tape.detail(last(tape, "hook", "late"))
    assert detail.is_changed
    chain = tape.frame(last(tape, "accumulate", "b")).chain
    assert chain is not None
    assert [one.name.rpartition(".")[2] for one in chain.rewrites] == ["late"]


def test_a_hook_that_raises_is_recorded_and_its_node_has_failed(tmp_path: Path) -> None:
    """An error in a hook is the hook's: its event says what it raised, and its node, which never ran, is marked."""

    def refuse(grad: torch.Tensor) -> None:
        raise ValueError("not today")

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = x * 3
        y.register_hook(refuse)
        with pytest.raises(ValueError, match="not today"):
            y.sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(last(tape, "error"))
    assert states(frame) == {"SumBackward0": "done", "MulBackward0 y": "failed", "AccumulateGrad x": "created"}
    text = pane("chain", tape.frame(last(tape, "hook")))
    assert "raised ValueError: not today" in text
    options = Options(width=160, chain=tape.chain(frame.graph.row(1).node, frame.position))
    text = " ".join(to_text(PANES["chain"].render(frame, options), 160).split())
    assert "a hook raised an error here: ValueError: not today" in text
    row = tape.chain(frame.graph.row(2).node, frame.position)
    text = " ".join(to_text(PANES["chain"].render(frame, Options(width=160, chain=row)), 160).split())
    assert "raised an error before it came here" in text


def test_a_root_that_needs_no_gradient_is_told_with_what_cut_the_way(tmp_path: Path) -> None:
    """After 'element 0 does not require grad' the pane names the op whose result lost the graph."""

    def script() -> None:
        w = torch.ones(3, requires_grad=True)
        logits = w * 2
        best = logits.argmax()
        loss = best.float() * 2
        with pytest.raises(RuntimeError, match="does not require grad"):
            loss.backward()

    _, tape = record(tmp_path / "run.tape", script)
    text = pane("chain", tape.frame(last(tape, "error")))
    assert "not run: no path leads here from loss: Tensor.argmax in line" in text
    assert "will bring upstream" not in text


def test_a_backward_that_comes_to_no_node_is_not_told_by_the_one_before(tmp_path: Path) -> None:
    """Where no op has left a node since, there is none to show: what has run belongs to another backward."""

    def script() -> None:
        w = torch.ones(3, requires_grad=True)
        (w * 2).sum().backward()
        loss = (w.detach() ** 2).sum()
        with pytest.raises(RuntimeError, match="does not require grad"):
            loss.backward()

    _, tape = record(tmp_path / "run.tape", script)
    text = " ".join(pane("chain", tape.frame(last(tape, "error"))).split())
    assert "AccumulateGrad" not in text
    assert "the error was raised before a node of this backward has run" in text


# --- what is not finite -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [32, 64])
def test_nan_behind_a_finite_corner_are_counted_and_marked(tmp_path: Path, size: int) -> None:
    """Of a softmax with fully masked rows the NaN are counted, kept whole or summarised, and node and line marked."""

    def script() -> None:
        scores = torch.zeros(size, size, requires_grad=True)
        mask = torch.zeros(size, size)
        mask[8:12] = -torch.inf
        torch.softmax(scores + mask, 1).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(last(tape, "op", "Softmax"))
    text = pane("chain", frame)
    assert f"{4 * size} × nan, the first at [8,0]" in text
    assert "× not finite · created" in text
    line = next(
        line for line in to_text(PANES["source"].render(frame, Options(width=160)), 160).splitlines() if "▶" in line
    )
    assert "×" in line
    finite = tape.frame(next(event.seq for event in tape.events() if event.kind == "leaf"))
    assert "×" not in pane("chain", finite)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_first_place_is_that_of_the_rows_whatever_the_memory(tmp_path: Path, dtype: torch.dtype) -> None:
    """A transposed tensor's first NaN is counted along its rows, as it is shown, and a finite one has none."""

    def script() -> None:
        w = torch.ones(40, 50, dtype=dtype, requires_grad=True)
        bad = torch.zeros(40, 50, dtype=dtype)
        bad[30, 2] = torch.nan
        bad[20, 3] = torch.inf
        (w + bad).t() * 1

    _, tape = record(tmp_path / "run.tape", script)
    detail: Any = tape.detail(last(tape, "op", "TBackward0"))
    found = detail.outputs[0].value.nonfinite()
    assert (found.nan, found.posinf, found.neginf, found.first) == (1, 1, 0, 2 * 40 + 30)
    assert detail.inputs[0].value.nonfinite().first == 20 * 50 + 3


# --- hooks that are lost, and hooks inside a transform ----------------------------------------------------------------


def chain_text(tape: Tape, frame: Frame, node: int) -> str:
    """Return the chain pane of a node as text, its line breaks taken out."""
    options = Options(width=160, chain=tape.chain(node, frame.position))
    return " ".join(to_text(PANES["chain"].render(frame, options), 160).split())


@pytest.mark.parametrize("is_used_before", [True, False])
def test_a_hook_that_a_change_of_the_base_leaves_is_told(tmp_path: Path, is_used_before: bool) -> None:
    """The view gets another node, retain_grad moves to it and the hook does not: paths lead to the view even so."""
    ran: list[int] = []

    def script() -> torch.Tensor:
        x = torch.ones(2, requires_grad=True)
        y = x * 3
        v = y[0:1]
        v.retain_grad()
        v.register_hook(lambda grad: ran.append(1))
        before = v * 7 if is_used_before else v.detach()
        y.mul_(2)
        (v * 5).sum().backward(retain_graph=True)
        assert v.grad is not None
        return before

    kept, tape = record(tmp_path / "run.tape", script)
    assert not ran
    frame = tape.frame(last(tape, "accumulate", "v"))
    paths = frame.paths.chosen("v")
    assert paths is not None
    assert paths.made.value is not None
    assert (paths.made.value.numbers(), paths.made.source) == ([5], "added to .grad")
    assert frame.chain is not None
    assert frame.chain.node_name == "AsStridedBackward0"
    words = "does not run here: it hangs on the node that this tensor had before" if is_used_before else "can never run"
    assert words in pane("chain", frame)
    if is_used_before:
        kept.sum().backward()
        assert ran == [1]


def test_a_hook_of_a_result_changed_in_place_itself_is_not_lost(tmp_path: Path) -> None:
    """What is changed in place itself keeps its older node in the graph, and the hook there runs."""
    ran: list[float] = []

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        y = x * 3
        y.register_hook(lambda grad: ran.append(grad[0].item()))
        y.mul_(2)
        y.sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert ran == [2]
    hooks = [tape.detail(event.seq) for event in tape.events() if event.kind == "hook"]
    assert [getattr(detail, "has_run", None) for detail in hooks] == [False, True]
    nodes = {event.node for event in tape.events() if event.kind == "node"}
    found = [tape.chain(node, tape.head) for node in nodes if node]
    assert not [one for chain in found if chain for one in chain.remarks if one.kind in {"lost_hook", "left_hook"}]


def test_a_hook_that_runs_under_vmap_is_not_said_to_wait(tmp_path: Path) -> None:
    """Of a backward inside of a transform nothing is recorded but that the hook has run, and why there is no value."""

    def script() -> None:
        a = torch.ones(3, requires_grad=True)
        b = a * 2
        b.register_hook(lambda grad: None)
        grad = lambda v: torch.autograd.grad(b, a, v, retain_graph=True)[0]
        torch.vmap(grad)(torch.eye(3))

    _, tape = record(tmp_path / "run.tape", script)
    assert all("transforms" in text for text in notes(tape))
    frame = tape.frame(tape.head)
    node = next(event.node for event in tape.events() if event.kind == "op")
    assert node is not None
    chain = tape.chain(node, tape.head)
    assert chain is not None
    assert [(hook.event is not None, hook.is_changed) for hook in chain.hooks] == [(True, False)]
    assert "will be called here" not in chain_text(tape, frame, node)


def test_a_hook_of_a_batched_backward_has_run(tmp_path: Path) -> None:
    """is_grads_batched runs each hook once for the whole batch, of which no values are kept, and that is said."""

    def script() -> None:
        a = torch.ones(3, requires_grad=True)
        b = a * 2
        b.register_hook(lambda grad: grad)
        torch.autograd.grad(b, [a], torch.eye(3), is_grads_batched=True)

    _, tape = record(tmp_path / "run.tape", script)
    frame = tape.frame(tape.head)
    node = next(event.node for event in tape.events() if event.kind == "op")
    assert node is not None
    text = chain_text(tape, frame, node)
    assert "a whole batch of gradients: is_grads_batched" in text
    assert "changed nothing" in text
    assert "will be called here" not in text


def test_a_buffer_that_two_leaves_share_fills_for_both(tmp_path: Path) -> None:
    """Where the script made one tensor the .grad of two leaves, what is added for the one is in the other's too."""

    def script() -> None:
        p, q = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        (p * 2).sum().backward()
        q.grad = p.grad
        (p * 3).sum().backward()
        assert q.grad is not None
        assert q.grad.tolist() == [5, 5]
        p.grad = None
        (p * 4).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    end = [event.seq for event in tape.events() if event.kind == "backward_end"]
    found = [list(buffers(tape.frame(seq)).values()) for seq in end]
    assert found == [[[2, 2], None], [[5, 5], [5, 5]], [[4, 4], [5, 5]]]


def test_an_error_of_a_backward_inside_fails_both_nodes(tmp_path: Path) -> None:
    """The node inside that raised and the outer one whose backward ran it have both failed, each in its own graph."""

    class Outer(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            with torch.enable_grad():
                y = torch.ones(1, requires_grad=True).exp()
                z = y * 1
                y.mul_(2)
                z.backward()
            return grad

    def script() -> None:
        x = torch.ones(1, requires_grad=True)
        with pytest.raises(RuntimeError, match="inplace"):
            apply(Outer, x * 2).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    inner, outer = (event.seq for event in tape.events() if event.kind == "backward_end")
    found = states(tape.frame(outer))
    assert (found["OuterBackward"], found["SumBackward0"]) == ("failed", "done")
    graph = tape.frame(inner).graph
    assert "OuterBackward" in [graph.row(index).name for index in range(len(graph))]
    node = next(event.node for event in tape.events() if event.kind == "node_start" and event.name == "ExpBackward0")
    assert node is not None
    assert tape.frame(outer).graph.state(node) == "failed"


# --- gradients that were not asked for --------------------------------------------------------------------------------


def verdicts(tape: Tape, node: int) -> list[tuple[bool, str]]:
    """Return for each edge of a node that has run whether it was asked for, and what its check says."""
    chain = tape.frame(node).chain
    assert chain is not None
    return [(edge.is_asked, edge.check.text if edge.check else "") for edge in examined(chain).edges]


ASKED = (True, "agrees with the engine")
UNASKED = (False, "not checked: this backward was not asked for this gradient")


@pytest.mark.parametrize("probe", ["always", "never"])
def test_what_was_not_asked_for_is_neither_right_nor_wrong(tmp_path: Path, probe: Any) -> None:
    """The engine sends nothing towards what no ``inputs=`` names, and no formula is held against that."""

    def script() -> None:
        a, b = torch.ones(3, requires_grad=True), torch.full((3,), 2.0, requires_grad=True)
        torch.autograd.grad((a * b).sum(), a)
        (a + b).sum().backward(inputs=[b])
        layer = torch.nn.Linear(3, 2)
        torch.autograd.grad(layer(a), a, torch.ones(2))
        h = a * 3
        torch.autograd.grad((h * b).sum(), torch.autograd.graph.get_gradient_edge(h))

    _, tape = record(tmp_path / "asked.tape", script, probe=probe)
    product, total, linear, last_product = (
        verdicts(tape, event.seq)
        for event in tape.events()
        if event.kind == "node" and event.name in {"MulBackward0", "AddBackward0", "AddmvBackward0", "AddmmBackward0"}
    )
    found = {text for _, text in (*product, *total, *linear, *last_product)}
    assert not [text for text in found if "differs" in text]
    assert [is_asked for is_asked, _ in product] == [True, False]
    assert [is_asked for is_asked, _ in total] == [False, True]
    assert product[1] == total[0] == last_product[1] == UNASKED
    assert linear.count(UNASKED) == 2
    assert last_product[0][0]
    if probe == "always":
        assert product[0] == total[1] == last_product[0] == ASKED
    text = pane("chain", tape.frame(last(tape, "node", "MulBackward0")))
    assert "None: this backward was not asked for it" in text


def test_a_formula_of_zeros_does_not_agree_with_what_was_not_asked_for(tmp_path: Path) -> None:
    """Where the formula is 0 for other reasons, nothing sent is still no agreement."""

    def script() -> None:
        a, b = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
        torch.autograd.grad(torch.where(torch.tensor([True, True]), a, b).sum(), a)

    _, tape = record(tmp_path / "asked.tape", script)
    assert verdicts(tape, last(tape, "node", "WhereBackward0"))[1] == UNASKED
