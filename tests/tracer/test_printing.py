"""What is evaluated in the script's process because somebody asks, and what is left after it."""

from __future__ import annotations

import functools
import gc
import io
import os
import random
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from gradb.frame.reader import Tape
from gradb.link.messages import Continue, Evaluate
from gradb.tape.kinds.event import Event
from gradb.tape.kinds.print_ import PrintDetail, PrintedPart
from gradb.tape.stops import Stop
from gradb.tracer.recording.gate import Gate
from gradb.tracer.recording.interventions import Interventions
from gradb.tracer.watch.tracing import tracing
from tests.tracer.recording import begin, end

pytestmark = pytest.mark.torch
_function_state: Callable[[], Any] = vars(torch._C)["_get_torch_function_state"]
Where = Callable[[Event], bool]


class _Gate(Gate):
    """Holds where a function says."""

    where: Where

    def _sees(self, event: Event, detail: str, data: bytes | None) -> bool:
        return self.where(event)


EACH = Continue(Stop("event"))


class _Questions:
    """Asks at some events, of the thread that is held there; none of its own frames is below what is evaluated."""

    def __init__(
        self, path: Path, texts: tuple[str, ...], where: Where, *, is_once: bool, order: Continue = EACH
    ) -> None:
        self._texts, self._is_once = texts, is_once
        self._order = order
        self.gate = _Gate(self._order, self._paused)
        self.gate.where = where
        self.recorder = begin(path, self.gate)
        self.recorder.places.learn_torch(os.path.dirname(torch.__file__))

    def _paused(self, head: int, request_seq: int) -> None:
        if request_seq == 0:  # it is held at an event
            for number, text in enumerate(self._texts, 1):
                self.gate.send(functools.partial(self.recorder.observer.evaluated, Evaluate(text)), number)  # type: ignore[arg-type]
        if request_seq == len(self._texts):
            self.gate.release(None if self._is_once else self._order)


def printed(
    path: Path, script: Callable[[], Any], where: Where, *texts: str, is_once: bool = True, order: Continue = EACH
) -> tuple[Any, list[PrintDetail], Tape]:
    """Run a script and evaluate at the first event that matches, or at all; return its result and the answers."""
    recorder = _Questions(path, texts, where, is_once=is_once, order=order).recorder
    try:
        with tracing(recorder, Interventions(recorder), probe="never"):
            result = script()
    finally:
        end(recorder)
    tape = Tape.open(path)
    details = [tape.detail(event.seq) for event in tape.events() if event.kind == "print"]
    return result, [detail for detail in details if isinstance(detail, PrintDetail)], tape


def at(kind: str, name: str = "") -> Where:
    """Return what tells an event of a kind and name."""
    return lambda event: event.kind == kind and name in {"", event.name}


def numbers(part: PrintedPart) -> list[Any] | None:
    """Return the numbers of a tensor."""
    assert part.tensor is not None
    return part.tensor.value.numbers()


def small() -> Any:
    """Multiply and differentiate; return the gradients and a random number."""
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    scale = 3.0
    loss = (w * scale).exp().sum()
    loss.backward()
    return w.grad, torch.rand(2)


def test_the_variables_of_the_held_frame(tmp_path: Path) -> None:
    """An expression sees local and global variables, in a comprehension too, and says what it is of."""
    _, found, tape = printed(
        tmp_path / "run.tape", small, at("op", "ExpBackward0"), "w * scale", "scale", "[scale * n for n in (1, 2)]",
        "torch.tensor(7).item()",
    )  # fmt: skip
    product, number, listed, outside = found
    assert (product.function, number.function) == ("small", "small")
    assert numbers(product.parts[0]) == [3, 6]
    assert product.parts[0].tensor is not None
    assert product.parts[0].tensor.node == "MulBackward0"
    assert [part.text for part in (*number.parts, *listed.parts, *outside.parts)] == ["3.0", "[3.0, 6.0]", "7"]
    event = next(event for event in tape.events() if event.kind == "print")
    assert event.file == __file__
    assert event.name == "w * scale"
    assert [event.name for event in tape.events() if event.kind == "op"].count("MulBackward0") == 1


@pytest.mark.parametrize("kind", ["op", "backward_start", "node_start", "node", "accumulate", "backward_end"])
def test_it_runs_in_the_grad_mode_of_the_frame(kind: str, tmp_path: Path) -> None:
    """In a forward and inside a backward gradients are on where they are for the frame, and off where they are off."""
    _, (on,), _ = printed(tmp_path / "on.tape", small, at(kind), "torch.is_grad_enabled()")
    assert on.parts[0].text == "True"

    def without() -> None:
        w = torch.ones(2, requires_grad=True)
        loss = w.exp().sum()
        with torch.no_grad():
            w + 1
            loss.backward()

    _, found, _ = printed(tmp_path / "off.tape", without, at(kind), "torch.is_grad_enabled()", is_once=False)
    assert [one.parts[0].text for one in found][-1] == "False"


class Net(torch.nn.Module):
    """Two layers and a dropout between them."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the prediction."""
        result: torch.Tensor = self.layers(x)
        return result


def training() -> Any:
    """Train a little model with dropout; return all that it comes to."""
    torch.manual_seed(0)
    random.seed(0)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses = []
    for _ in range(3):
        x = torch.rand(2, 3)
        loss = model(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return [*losses, *(p.detach() for p in model.parameters()), *(p.grad for p in model.parameters()), torch.rand(2)], (
        random.random()
    )


HARMLESS = (
    "torch.rand(3)", "random.random()", "model(x).sum().backward()", "loss", "[p.grad for p in model.parameters()]",
    "model.layers[0](x).exp().sum().backward() or loss", "torch.manual_seed(7)", "optimizer.zero_grad()",
    "torch.set_grad_enabled(False)", "torch.set_default_dtype(torch.float64)", "1 / 0", "no_such_name", "exit()",
)  # fmt: skip


def test_a_training_comes_to_the_same_bits(tmp_path: Path) -> None:
    """Whatever is evaluated at every event, weights, losses, gradients and random numbers are those of a bare run."""
    bare, number = training()
    (traced, drawn), found, tape = printed(
        tmp_path / "run.tape",
        training,
        lambda event: event.iteration == 2 and event.seq % 8 == 0,
        *HARMLESS,
        is_once=False,
    )
    assert len(found) > 40
    assert number == drawn
    assert all(torch.equal(one, other) for one, other in zip(bare, traced, strict=True))
    _, _, plain = printed(tmp_path / "plain.tape", training, at("end"))
    kinds = [(event.kind, event.name, event.node) for event in plain.events()]
    assert [(event.kind, event.name, event.node) for event in tape.events() if event.kind != "print"] == kinds


def holding(step: int) -> Any:
    """Keep what ``locals()`` gave at first, compute, and return which variables are in it."""
    kept = locals()
    w = torch.ones(2, requires_grad=True)
    out = w * step
    out.sum().backward()
    return {name: value for name, value in kept.items() if name != "kept"}, list(kept)


@pytest.mark.parametrize("accelerator", ["", "off"])
def test_the_dictionary_of_locals_is_left_alone(
    accelerator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the script keeps of ``locals()`` is what a bare run has, though an answer was read off its frame."""
    monkeypatch.setenv("GRADB_ACCELERATOR", accelerator)
    bare = holding(3)
    result, found, _ = printed(
        tmp_path / "run.tape", lambda: holding(3), lambda event: True, "w", "kept", is_once=False
    )
    assert len(found) > 10
    assert result == bare


def test_gradients_are_the_same_objects_in_the_same_version(tmp_path: Path) -> None:
    """A backward in it leaves each ``.grad`` the very object that it was, with its bytes and its version."""
    w, v = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)

    def script() -> Any:
        grad = torch.tensor([5.0, float("nan")])
        w.grad = grad
        before = grad, grad._version
        (w * v).exp()
        return before

    result, found, _ = printed(
        tmp_path / "run.tape", script, at("op", "ExpBackward0"), "(w * v).sum().backward() or (w.grad, v.grad)",
        "w.grad.zero_()", "setattr(w, 'grad', None)",
    )  # fmt: skip
    grad: torch.Tensor = result[0]
    version: int = result[1]
    assert w.grad is grad
    assert grad._version == version
    assert grad[0] == 5
    assert grad[1].isnan()
    assert v.grad is None
    seen = [numbers(part) for part in found[0].parts if part.tensor is not None]
    assert seen[0] is not None
    assert seen[0][0] == 6
    assert seen[1] == [1, 1]
    assert [one.changed for one in found] == [(), (), ()]


def test_a_change_that_is_not_put_back_is_told(tmp_path: Path) -> None:
    """What a step changes, and a batch norm's statistics, are named by the variables that lead there."""

    def script() -> None:
        model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model(torch.rand(4, 2)).sum().backward()
        del optimizer

    _, found, _ = printed(
        tmp_path / "run.tape", script, at("backward_end"), "model(torch.rand(4, 2)).shape", "optimizer.step()"
    )
    assert sorted(found[0].changed) == [
        f"model.1.{name}" for name in ("num_batches_tracked", "running_mean", "running_var")
    ]
    assert set(found[1].changed) == {"model.0.bias", "model.0.weight", "model.1.bias", "model.1.weight"}


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("nowhere", "NameError: name 'nowhere' is not defined"),
        ("exit(3)", "SystemExit: 3"),
        ("(_ for _ in ()).throw(KeyboardInterrupt)", "KeyboardInterrupt"),
        ("recurse()", "RecursionError"),
        ("x = 1", "not evaluated: this is a statement"),
        ("del w", "not evaluated: this is a statement"),
        ("(w := 2)", "not evaluated: `:=` would change a variable"),
        ("w +", "not evaluated: this is no expression of Python's"),
        ("await w", "not evaluated: 'await' outside function"),
        ("yield w", "not evaluated: "),
        (" ", "not evaluated: there is no expression"),
        ("(" * 500 + ")" * 500, "not evaluated: "),
        ("1\0", "not evaluated: "),
        ("w + torch.ones(3)", "RuntimeError: The size of tensor a (2) must match the size of tensor b (3)"),
    ],
)
def test_an_error_is_shown_and_goes_nowhere(text: str, clause: str, tmp_path: Path) -> None:
    """What is raised, and why something is not evaluated, is told; the script and its tape go on."""
    (grad, _), (found,), tape = printed(tmp_path / "run.tape", small, at("op", "ExpBackward0"), text)
    assert found.error.startswith(clause)
    assert found.parts == ()
    assert grad is not None
    assert [event.name for event in tape.events() if event.kind == "accumulate"] == ["w"]
    assert not [event for event in tape.events() if event.kind in {"error", "note"}]


def recurse() -> Any:
    """Call itself for ever."""
    return recurse()


class Hostile:
    """An object that is not easily shown."""

    def __repr__(self) -> str:
        raise ValueError("not me")


class Endless:
    """An object with a text of a million characters."""

    def __repr__(self) -> str:
        return "x" * 1_000_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Hostile()", "its repr raised ValueError: not me"),
        ("Endless()", "x" * 10_000 + "… 990,000 more characters"),
        ("list(range(5000))[:3]", "[0, 1, 2]"),
        ("None", "None"),
        ("torch.nn.Linear(2, 3)", "Linear(in_features=2, out_features=3, bias=True)"),
        ("torch.float32", "torch.float32"),
    ],
)
def test_objects_are_shown_by_their_text(text: str, shown: str, tmp_path: Path) -> None:
    """An object that is no tensor is its ``repr``, cut where it is long; one that raises says so."""
    _, (found,), _ = printed(tmp_path / "run.tape", small, at("op", "ExpBackward0"), text)
    assert [part.text for part in found.parts] == [shown]


class Meta(type):
    """A metaclass that does not tell its classes' names."""

    __name__ = property(lambda cls: cls.nothing)

    def __getattribute__(cls, name: str) -> Any:
        assert name not in {"__name__", "__qualname__"}, "it ran"
        return super().__getattribute__(name)

    def __repr__(cls) -> str:
        return "shown"


class OfMeta(metaclass=Meta):
    """A class whose name raises."""

    def __repr__(self) -> str:
        return "one"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("torch.nn.Linear", "type"),
        ("(lambda: 1)", "function"),
        ("len", "builtin_function_or_method"),
        ("torch", "module"),
        ("OfMeta", "Meta"),
        ("OfMeta()", "OfMeta"),
        ("Hostile.__repr__", "function"),
    ],
)
def test_a_type_is_called_by_its_name(text: str, kind: str, tmp_path: Path) -> None:
    """Of classes and functions too it is the name of their type, and no metaclass runs code for it."""
    _, (found,), _ = printed(tmp_path / "run.tape", small, at("op", "ExpBackward0"), text)
    assert ([part.type for part in found.parts], found.error) == ([kind], "")
    assert "it ran" not in found.parts[0].text


def test_tensors_are_found_in_containers(tmp_path: Path) -> None:
    """Lists, tuples and dicts that hold tensors are opened, and each part says where it is."""
    _, (found,), _ = printed(
        tmp_path / "run.tape", small, at("op", "ExpBackward0"), "{'w': w, 'rest': [1, (w * 2, None)]}"
    )
    assert [(part.path, part.type, part.text) for part in found.parts] == [
        ("", "dict", "2 items"),
        ("['w']", "Tensor", ""),
        ("['rest']", "list", "2 items"),
        ("['rest'][0]", "int", "1"),
        ("['rest'][1]", "tuple", "2 items"),
        ("['rest'][1][0]", "Tensor", ""),
        ("['rest'][1][1]", "NoneType", "None"),
    ]
    assert numbers(found.parts[5]) == [2, 4]


def test_a_large_tensor_is_summarised(tmp_path: Path) -> None:
    """Beyond the limit there are range, mean, counts of what is not finite, the first of it, and how it begins."""
    text = "torch.arange(5000.).log().reshape(50, 100)"
    _, (found,), _ = printed(tmp_path / "run.tape", small, at("op", "ExpBackward0"), text)
    tensor = found.parts[0].tensor
    assert tensor is not None
    stats = tensor.value.stats
    assert stats is not None
    assert tensor.value.shape == (50, 100)
    assert (stats.minimum, stats.neginf, stats.nan, stats.first) == (0, 1, 0, 0)
    assert stats.corner[1] == 0


def test_what_is_printed_meanwhile_is_part_of_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it comes to the script's own output, and the stream is the script's again afterwards."""
    monkeypatch.setattr(sys, "stdout", stream := io.StringIO())
    _, (found,), _ = printed(tmp_path / "run.tape", small, at("op", "ExpBackward0"), "print('hello') or 3")
    assert found.output == "hello\n"
    assert found.parts[0].text == "3"
    assert stream.getvalue() == ""
    assert sys.stdout is stream


def test_inside_of_the_same_backward(tmp_path: Path) -> None:
    """While the engine runs a graph, that graph can be differentiated once more, and the engine is not disturbed."""

    def script() -> Any:
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        loss = (w * 3).exp().sum()
        loss.backward(retain_graph=True)
        return w.grad

    bare = script()
    text = "torch.autograd.grad(loss, w, retain_graph=True)[0]"
    for name in ("SumBackward0", "ExpBackward0", "MulBackward0", "AccumulateGrad"):
        for kind in ("node_start", "node", "accumulate"):
            path = tmp_path / f"{kind}-{name}.tape"
            traced, found, tape = printed(path, script, at(kind, "" if kind == "accumulate" else name), text)
            assert torch.equal(bare, traced)
            assert all(numbers(one.parts[0]) == bare.tolist() for one in found)
            names = [event.name for event in tape.events() if event.kind in {"node_start", "node", "accumulate"}]
            assert len(names) == 8


@pytest.mark.parametrize("kind", ["node_start", "node", "accumulate"])
def test_held_where_events_are_written_in_c(kind: str, tmp_path: Path) -> None:
    """A breakpoint leaves the nodes to the accelerator: held there too, the same graph may be differentiated."""

    def script() -> Any:
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        loss = (w + 3).neg().sum()
        loss.backward(retain_graph=True)
        return w.grad

    bare = script()
    text, order = "torch.autograd.grad(loss, w, retain_graph=True)[0]", Continue(Stop("end"), (Stop("kind", kind),))
    path = tmp_path / "run.tape"
    traced, found, tape = printed(path, script, at(kind), text, "loss * 2", order=order, is_once=False)
    assert torch.equal(bare, traced)
    assert len(found) == {"node_start": 8, "node": 6, "accumulate": 2}[kind]
    assert all(numbers(one.parts[0]) == bare.tolist() for one in found[::2])
    names = [(event.kind, event.name) for event in tape.events() if event.phase == "backward" and event.kind != "print"]
    _, _, plain = printed(tmp_path / "plain.tape", script, at("end"), order=order)
    assert names == [(event.kind, event.name) for event in plain.events() if event.phase == "backward"]
    assert len(names) == 10


def test_held_at_an_aten_call(tmp_path: Path) -> None:
    """Inside of a node too; what would run that very node is refused, since it would wait for itself for ever."""

    def script() -> Any:
        w = torch.tensor([1.0, 2.0], requires_grad=True)
        loss = (w * 3).exp().sum()
        loss.backward(retain_graph=True)
        return w.grad

    bare = script()
    text, order = "torch.autograd.grad(loss, w, retain_graph=True)[0]", Continue(Stop("aten"))
    where = lambda event: event.kind == "aten" and event.phase == "backward"
    texts = text, "[torch.autograd.grad((v * 2).sum(), v)[0] * 0 for v in [torch.ones(2, requires_grad=True)]][0]"
    traced, found, tape = printed(tmp_path / "run.tape", script, where, *texts, order=order, is_once=False)
    assert torch.equal(bare, traced)
    assert all("would wait for itself for ever" in one.error for one in found[::2])
    assert {tuple(numbers(one.parts[0]) or ()) for one in found[1::2]} == {(0, 0)}
    names = [(event.kind, event.name) for event in tape.events() if event.phase == "backward" and event.kind != "print"]
    _, _, plain = printed(tmp_path / "plain.tape", script, at("end"), order=order)
    assert names == [(event.kind, event.name) for event in plain.events() if event.phase == "backward"]


def test_the_random_state_of_numpy_is_put_back(tmp_path: Path) -> None:
    """Where NumPy is imported, its own generator goes on where it was."""
    numpy = pytest.importorskip("numpy")

    def script() -> Any:
        numpy.random.seed(3)
        torch.ones(2, requires_grad=True).exp()
        return numpy.random.rand(2).tolist()

    bare = script()
    traced, (found,), _ = printed(tmp_path / "run.tape", script, at("op", "ExpBackward0"), "numpy.random.rand(5).shape")
    assert traced == bare
    assert found.parts[0].text == "(5,)"


def test_nothing_is_kept_alive(tmp_path: Path) -> None:
    """What the script lets go of is gone at once, without the garbage collector, after an error too."""
    gone: list[bool] = []

    def script() -> None:
        def inner() -> weakref.ref[torch.Tensor]:
            kept = torch.ones(2, requires_grad=True)
            kept.exp()
            return weakref.ref(kept)

        gc.disable()
        gone.append(inner()() is None)
        gc.enable()

    printed(tmp_path / "run.tape", script, at("op", "ExpBackward0"), "kept * 2", "[kept]", "1 / 0", "kept.nothing")
    assert gone == [True]


def test_a_checkpoint_finds_everything_as_it_was(tmp_path: Path) -> None:
    """What a checkpoint computes again for an expression it computes again for the engine."""

    def script() -> Any:
        x = torch.tensor([0.5, 2.0], requires_grad=True)
        y: Any = checkpoint(lambda t: (t * 2).sin(), x, use_reentrant=False)
        y.sum().backward()
        return x.grad

    bare = script()
    traced, found, _ = printed(tmp_path / "run.tape", script, at("node_start", "SumBackward0"), "y.grad_fn._saved_self")
    assert torch.equal(bare, traced)
    assert numbers(found[0].parts[0]) == [1, 4]


def test_in_a_hook_it_is_the_frame_of_the_hook(tmp_path: Path) -> None:
    """Where the script's own code runs inside the engine, its variables are the ones that are seen."""

    def script() -> None:
        w = torch.ones(2, requires_grad=True)

        def double(grad: torch.Tensor) -> torch.Tensor:
            inner = grad * 2
            return torch.neg(inner)

        w.register_hook(double)
        (w * 3).sum().backward()

    _, found, _ = printed(
        tmp_path / "run.tape", script, lambda event: "neg" in event.name, "inner", "torch.is_grad_enabled()"
    )
    assert found[0].function.endswith("double")
    assert numbers(found[0].parts[0]) == [6, 6]
    assert found[1].parts[0].text == "False"


def test_on_a_thread_of_the_scripts(tmp_path: Path) -> None:
    """What is held may be another thread than the main one."""

    def script() -> None:
        def work() -> None:
            local = torch.ones(2, requires_grad=True)
            local.exp()

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    _, (found,), _ = printed(tmp_path / "run.tape", script, at("op", "ExpBackward0"), "local * 2")
    assert found.function.endswith("work")
    assert numbers(found.parts[0]) == [2, 2]
    assert found.notes
    assert is_left_in_peace()


@pytest.mark.parametrize("is_main", [True, False])
def test_it_can_be_broken_off(is_main: bool, tmp_path: Path) -> None:
    """A request to pause ends what would go on for ever; the script goes on as if nothing had been."""
    questions = _Questions(tmp_path / "run.tape", ("spin()",), at("op", "ExpBackward0"), is_once=True)
    recorder, gate = questions.recorder, questions.gate

    def breaking() -> None:
        while gate.break_off is None:
            time.sleep(0.01)
        while (break_off := gate.break_off) is not None:
            break_off()
            time.sleep(0.05)

    breaker = threading.Thread(target=breaking)
    breaker.start()
    try:
        with tracing(recorder, Interventions(recorder), probe="never"):
            if is_main:
                small()
            else:
                other = threading.Thread(target=small)
                other.start()
                other.join(60)
    finally:
        end(recorder)
    breaker.join(60)
    tape = Tape.open(tmp_path / "run.tape")
    (found,) = [detail for event in tape.events() if isinstance(detail := tape.detail(event.seq), PrintDetail)]
    assert found.error == "broken off"
    assert [event.name for event in tape.events() if event.kind == "accumulate"] == ["w"]
    assert is_left_in_peace()


def is_left_in_peace() -> bool:
    """Tell whether Python waits for no exception: under a profile function 3.11 would do nothing else any more."""
    child = os.fork()
    if not child:
        sys.setprofile(lambda *_: None)
        nothing()
        os._exit(0)
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    if ended[0]:
        return ended[1] == 0
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def nothing() -> None:
    """Do nothing."""


def spin() -> None:
    """Wait for ever."""
    while True:
        time.sleep(0.01)


def test_a_process_that_it_forks_ends_there(tmp_path: Path) -> None:
    """The child does not go on with the script."""
    marks = tmp_path / "marks"

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        w.exp()
        with marks.open("a") as file:
            file.write("went on\n")

    printed(tmp_path / "run.tape", script, at("op", "ExpBackward0"), "(os.fork(), 1)[1]", "os.waitpid(os.fork(), 0)[1]")
    assert marks.read_text() == "went on\n"


def test_modes_and_switches_are_put_back(tmp_path: Path) -> None:
    """What an expression switches is as it was after it."""
    switches = [
        "torch.set_grad_enabled(False)", "torch.set_default_dtype(torch.float64)",
        "torch.use_deterministic_algorithms(True)", "torch.autograd.set_detect_anomaly(True).__enter__()",
        "torch.set_num_threads(1)", "torch.autocast('cpu').__enter__()", "torch.set_default_device('meta')",
        "torch.overrides.TorchFunctionMode().__enter__()",
    ]  # fmt: skip

    def state() -> Any:
        return (
            torch.is_grad_enabled(), torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled(),
            torch.is_anomaly_enabled(), torch.is_autocast_enabled("cpu"), torch.ones(1).device,
            torch._C._len_torch_function_stack(), _function_state(),
        )  # fmt: skip

    def script() -> Any:
        before = state()
        torch.ones(2, requires_grad=True).exp()
        return before, state()

    for number, text in enumerate(switches):
        (before, after), (found,), _ = printed(tmp_path / f"{number}.tape", script, at("op", "ExpBackward0"), text)
        assert before == after, text
        assert not found.error
