"""The hooks that gradb registers on nodes: they leave no trace, do not pile up, and say the same in C as in Python."""

from __future__ import annotations

import array
import gc
import os
import sys
import weakref
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd.variable import Variable

from gradb.tracer.isolation.signals import shields_above
from gradb.tracer.native.loading import standing
from gradb.tracer.watch import quick
from tests.tracer.both_ways import check_recording, scenario
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch
built = pytest.mark.skipif(standing().module is None, reason="gradb has no C accelerator here")


@pytest.fixture(params=["C", "Python"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have visits recorded by the accelerator, or in Python."""
    if request.param == "Python":
        monkeypatch.setenv("GRADB_ACCELERATOR", "off")


def _end_of(leaf: torch.Tensor) -> Any:
    return torch.autograd.graph.get_gradient_edge(leaf).node


_TIMES = 300
"""Backwards through one leaf: more than what is remembered of any one thing (256)."""


@pytest.mark.usefixtures("_way")
def test_hooks_do_not_pile_up(tmp_path: Path) -> None:
    """A leaf's node may live as long as the script: it has the script's own hook alone between two backwards."""
    sizes: set[int] = set()

    def script() -> Any:
        w = torch.ones(2, requires_grad=True)
        node, seen = _end_of(w), []
        handle: Any = node.register_hook(lambda sent, arrived: seen.append(len(handle.hooks_dict_ref())))
        for _ in range(_TIMES):
            (w * 2).sum().backward()
            sizes.add(len(handle.hooks_dict_ref()))
            w.grad = None
        return seen

    seen, tape = record(tmp_path / "run.tape", script, probe="never")
    assert sizes == {1}
    assert seen == [2] * _TIMES
    counts = [0] * (_TIMES + 1)
    for event in tape.events():
        counts[event.iteration] += event.kind in {"node_start", "node", "accumulate"}
    assert set(counts[2:-1]) == {counts[1]} == {6}


def _handles() -> list[Any]:
    """Return what a script can see of the hooks on nodes."""
    w = torch.ones(2, requires_grad=True)
    y = w * 2
    found: list[Any] = []

    def look(*_: Any) -> None:
        found.append(torch.utils.hooks.RemovableHandle.next_id)

    first: Any = y.grad_fn.register_prehook(look)  # type: ignore[union-attr]
    y.sum().backward(retain_graph=True)
    second = y.grad_fn.register_hook(look)  # type: ignore[union-attr]
    y.sum().backward(retain_graph=True)
    found += [second.id - first.id, list(first.hooks_dict_ref()) == [first.id], type(first.hooks_dict_ref())]
    first.remove()
    y.sum().backward()
    third = _end_of(w).register_hook(look)
    return [*found, len(first.hooks_dict_ref()), third.id - second.id, third.__getstate__()[1] == third.id]


@pytest.mark.usefixtures("_way")
def test_the_script_sees_its_own_hooks_alone(tmp_path: Path) -> None:
    """Numbers of handles and dicts of hooks are those of a run without gradb."""
    before = torch.utils.hooks.RemovableHandle.next_id
    plain = _handles()
    spent = torch.utils.hooks.RemovableHandle.next_id - before
    found, _ = record(tmp_path / "run.tape", _handles)
    assert [one - spent if type(one) is int and one > 2 else one for one in found] == plain
    assert OrderedDict in plain


@pytest.mark.usefixtures("_way")
def test_ours_run_after_the_scripts(tmp_path: Path) -> None:
    """What a hook of the script's makes of a gradient is what the node is said to have been given."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        node = _end_of(w)
        node.register_prehook(lambda arrived: (arrived[0] * 3,))
        kept = (w * 2).sum()
        kept.backward(retain_graph=True)
        kept.backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    starts = [event for event in tape.events() if event.kind == "node_start" and event.name == "AccumulateGrad"]
    data = [tape.detail(event.seq).upstream[0].value.data for event in starts]  # type: ignore[union-attr]
    assert data == [array.array("f", [6, 6]).tobytes()] * 2


@pytest.mark.usefixtures("_way")
def test_a_leaf_that_a_hook_on_its_node_holds_is_let_go(tmp_path: Path) -> None:
    """What is remembered of a node keeps none of its hooks."""

    def script() -> bool:
        w = torch.ones(2, requires_grad=True)
        node, gone = _end_of(w), weakref.ref(w)
        node.register_hook(lambda *_, held=w: None)
        for _ in range(3):
            (w * 2).sum().backward()
        del w, node
        gc.collect()
        return gone() is None

    assert record(tmp_path / "run.tape", script, probe="never")[0]


def _network() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for number in range(12):
        optimizer.zero_grad(set_to_none=bool(number % 3))
        net(torch.ones(5, 3)).square().sum().backward()
        optimizer.step()


def _large() -> None:
    """Hand gradients on that are too large to be kept, some changed in place between two nodes, one not finite."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(60, 50), nn.ReLU(), nn.Linear(50, 40))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for number in range(3):
        optimizer.zero_grad(set_to_none=number != 1)
        x = torch.randn(40, 60)
        (net(x) + net[2](net[0](x))).square().mean().backward()
        optimizer.step()
    w = torch.ones(50, 50, requires_grad=True)
    y = w + 1
    y.register_hook(lambda grad: grad.mul_(2) if grad.sum() > 0 else None)
    (y + y.t()).view(-1).div(torch.arange(2500.0)).sum().backward()


def _filled() -> None:
    """Change each gradient as soon as it is there, and print; once with what the script has lent."""
    w = torch.ones(3, requires_grad=True)
    handle = w.register_post_accumulate_grad_hook(lambda leaf: print(leaf.grad.mul_(2)))
    (w * 2).sum().backward()
    (w * w).sum().backward()
    handle.remove()
    w.grad.numpy()[0] = 9  # type: ignore[union-attr]
    (w * w).sum().backward()


def _within(grad: torch.Tensor) -> None:
    with torch.enable_grad():
        x = torch.ones(3, requires_grad=True)
        (x * grad).sum().backward()


def _many_ways() -> None:
    """Run nodes twice, one whose node is another by now, in a backward within, and one that raises."""
    w = torch.ones(3, requires_grad=True)
    y = (w * w).exp()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    v = w.detach().clone().requires_grad_()
    z = v * 2
    z.register_hook(_within)
    z.sum().backward()
    broken = v * 2
    broken.register_hook(lambda grad: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.sum().backward()
    (v * 2).sum().backward()
    torch.zeros(0, requires_grad=True).sum().backward()
    torch.cat([v, v, v, v]).square().sum().backward()


def _hooked_leaf() -> None:
    """Put hooks on the node of a leaf and take them off between backwards, one while it runs; let it go at last."""
    w, handles = torch.ones(3, requires_grad=True), list[Any]()
    for number in range(3):
        (w * 2).sum().backward()
        node = _end_of(w)
        handles.append(node.register_prehook(lambda arrived: (arrived[0] * 3,)))
        handles.append(node.register_hook(lambda sent, arrived: handles.pop().remove()))
        (w * number).sum().backward()
        handles.pop().remove()
        (w * w).sum().backward(retain_graph=True)
        node = None
    (w * w).sum().backward()


@built
@pytest.mark.parametrize("probe", ["never", "auto"])
@pytest.mark.parametrize("script", [_network, _large, _filled, _many_ways, _hooked_leaf])
def test_visits_are_recorded_as_in_python(probe: str, script: Callable[[], None], tmp_path: Path) -> None:
    """Every row of the tape is the same where nodes are not measured, or no more."""
    assert check_recording(tmp_path, "visits", script, probe) > 10


@built
@pytest.mark.parametrize("name", ["accumulation", "hooks", "inplace_views", "checkpoint", "shared_weight"])
def test_a_scenario_without_probes_is_recorded_as_in_python(name: str, tmp_path: Path) -> None:
    """Every row of the tape is the same."""
    assert check_recording(tmp_path, name, scenario(name), "never") > 5


@built
def test_no_python_of_ours_runs_in_the_engine_that_a_handler_could_tear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python runs handlers between its own instructions alone: a plain backward has none but what is shielded."""
    bare: list[str] = []
    folder = os.path.join("gradb", "tracer")

    def see(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and folder in frame.f_code.co_filename and not shields_above(frame):
            bare.append(frame.f_code.co_qualname)

    def script() -> int:
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        loss = net(torch.ones(5, 3)).square().sum()
        original = Variable._execution_engine

        class Engine:
            def run_backward(self, *args: Any, **kwargs: Any) -> Any:
                sys.setprofile(see)
                try:
                    return original.run_backward(*args, **kwargs)
                finally:
                    sys.setprofile(None)

        monkeypatch.setattr(Variable, "_execution_engine", Engine())
        loss.backward()
        monkeypatch.undo()
        return len(bare)

    count, tape = record(tmp_path / "run.tape", script, probe="never")
    assert (count, bare) == (0, [])
    assert sum(event.kind == "accumulate" for event in tape.events()) == 4


@pytest.mark.only_c
@built
def test_a_visit_that_cannot_even_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python cannot be called any more the event is lost, which is on the tape, and the backward goes on."""

    def fail(*_: Any) -> None:
        raise RecursionError

    monkeypatch.setattr(quick, "resumed", fail)

    def script() -> list[float]:
        w = torch.ones(2, requires_grad=True)
        (w * 2).sum().backward()
        return w.grad.tolist()  # type: ignore[union-attr]

    gradient, tape = record(tmp_path / "run.tape", script, probe="auto")
    assert gradient == [2, 2]
    assert not [event for event in tape.events() if event.kind == "node"]
    told = notes(tape)
    assert all("as at the end of the stack" in text for text in told)
    assert "RecursionError; more could not be said" in told[0]
