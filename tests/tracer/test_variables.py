"""Leaves are called by the path by which the script's variables lead to them, one name for each and each for one."""

from __future__ import annotations

import copy
import functools
import gc
import sys
import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import pytest
import torch
from torch import nn, optim
from torch.nn.utils import parametrizations

from gradb.debugger.expect.names import TapeNames
from gradb.frame.reader import Tape
from gradb.tape.expressions.evaluator import Evaluator
from gradb.tape.expressions.syntax import read
from gradb.tape.kinds.step import StepDetail
from gradb.tracer.source.variables import all_variables_of, variables_of
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch
ONES = torch.ones(1, 2)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.main = nn.Sequential(nn.ReLU(), nn.Linear(2, 2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.main(self.fc(x))
        return result


class Neuron:
    def __init__(self) -> None:
        self.w = [torch.tensor(float(number), requires_grad=True) for number in range(2)]
        self.b = torch.tensor(0.5, requires_grad=True)

    def __call__(self, x: Any) -> Any:
        return sum((wi * x for wi in self.w), self.b)


def accumulated(tape: Tape) -> list[str]:
    """Return the names of what was accumulated into, each once, in alphabetical order."""
    return sorted({event.name for event in tape.events() if event.kind == "accumulate"})


def names_of_grads(tape: Tape) -> list[str]:
    """Return the names of the gradient buffers at the end, in alphabetical order."""
    return sorted(buffer.name for buffer in tape.frame(tape.head).grads)


def two_at_once() -> None:
    encoder, decoder = nn.Linear(2, 2), nn.Linear(2, 2)
    decoder(encoder(ONES)).sum().backward()


def two_of_a_class() -> None:
    student, teacher = Net(), Net()
    teacher(student(ONES)).sum().backward()


def one_by_one(net: nn.Module) -> None:
    net(ONES).sum().backward()


def called_in_a_function() -> None:
    first = nn.Linear(2, 2)
    second = nn.Linear(2, 2)
    one_by_one(first)
    one_by_one(second)


def copied() -> None:
    model = nn.Linear(2, 2)
    for _ in range(2):
        adapted = copy.deepcopy(model)
        adapted(ONES).sum().backward()
    model(ONES).sum().backward()


def in_lists() -> None:
    layers = [nn.Linear(2, 2), nn.Linear(2, 2)]
    x = ONES
    for layer in layers:
        x = layer(x)
    x.sum().backward()


def of_scalars() -> None:
    model = SimpleNamespace(unused=None)
    neurons = [Neuron(), Neuron()]
    (neurons[1](neurons[0](2.0)) * 2).backward()
    for neuron in neurons:
        for p in [*neuron.w, neuron.b]:
            p.data -= 0.1
    del model


def in_dictionaries() -> None:
    params: dict[str, Any] = {
        "0.weight": torch.ones(2, requires_grad=True),
        "more": [torch.ones(2, requires_grad=True)],
    }
    (params["0.weight"] * params["more"][0]).sum().backward()


def _initial(size: int) -> torch.Tensor:
    w = torch.ones(size, requires_grad=True)
    w.retain_grad()
    return w


def made_by_a_function() -> None:
    w1 = _initial(2)
    w2 = _initial(2)
    (w1 * w2).sum().backward()


def renamed() -> None:
    x = torch.ones(2, requires_grad=True)
    a = x
    for _ in range(3):
        x = x * 2
    x.sum().backward()
    del a


def by_their_weights_alone() -> None:
    lin, other = nn.Linear(2, 2), nn.Linear(2, 2)
    nn.functional.linear(ONES, other.weight).sum().backward()
    del lin


class Trainer:
    def __init__(self) -> None:
        self.model = nn.Sequential(nn.Linear(2, 2))

    def fit(self) -> None:
        self.model(ONES).sum().backward()


def in_an_object() -> None:
    Trainer().fit()


PATHS = {
    two_at_once: ["decoder.bias", "decoder.weight", "encoder.bias", "encoder.weight"],
    two_of_a_class: [
        f"{net}.{layer}.{name}"
        for net in ("student", "teacher")
        for layer in ("fc", "main.1")
        for name in ("bias", "weight")
    ],
    called_in_a_function: ["first.bias", "first.weight", "second.bias", "second.weight"],
    copied: ["adapted.bias", "adapted.weight", "model.bias", "model.weight"],
    in_lists: ["layers[0].bias", "layers[0].weight", "layers[1].bias", "layers[1].weight"],
    of_scalars: [f"neurons[{i}].{name}" for i in range(2) for name in ("b", "w[0]", "w[1]")],
    in_dictionaries: ['params["0.weight"]', 'params["more"][0]'],
    made_by_a_function: ["w1", "w2"],
    renamed: ["a"],
    by_their_weights_alone: ["other.weight"],
    in_an_object: ["model.0.bias", "model.0.weight"],
}


@pytest.mark.parametrize("script", PATHS, ids=lambda script: script.__name__)
def test_a_leaf_is_called_by_its_path(script: Any, tmp_path: Path) -> None:
    """The path is the same in every pane, no two leaves have one name, and ``expect`` takes it."""
    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert notes(tape) == []
    assert accumulated(tape) == PATHS[script]
    frame = tape.frame(tape.head)
    names = [buffer.name for buffer in frame.grads]
    assert len(names) == len(set(names))
    assert set(PATHS[script]) <= set(names)
    for name in PATHS[script]:
        assert Evaluator(TapeNames(tape, frame.position)).truth(read(f"{name}.grad != None and {name}.shape != [7]"))
    labels = {frame.graph.row(index).label for index in range(len(frame.graph))}
    assert labels & set(PATHS[script])


def test_parameters_replaced_after_the_optimizer_was_made(tmp_path: Path) -> None:
    """The new ones have the path; the old ones, which the optimizer still holds, say that they were replaced."""

    def script() -> None:
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
        optimizer = optim.SGD(model.parameters(), lr=0.5)
        model[1] = nn.Linear(2, 1, bias=False)
        for _ in range(2):
            optimizer.zero_grad()
            model(ONES).sum().backward()
            optimizer.step()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    steps = [detail for event in tape.events() if isinstance(detail := tape.detail(event.seq), StepDetail)]
    expected = ["model.0.weight", "model.0.bias", "model.1.weight (replaced)", "model.1.bias"]
    assert [tensor.name for tensor in steps[-1].parameters] == expected
    assert accumulated(tape) == ["model.0.bias", "model.0.weight", "model.1.weight"]
    norms = [one.name for one in tape.series if one.kind == "parameter_norm"]
    assert sorted(norms) == sorted(expected)


def test_a_leaf_that_loses_one_of_its_variables_is_called_by_the_other(tmp_path: Path) -> None:
    """The second name means something else from the first result on, the first one the leaf all the time."""

    def script() -> None:
        x = torch.ones(3, requires_grad=True)
        y = x
        for index in range(4):
            y = y * 2 if index % 2 else y + 1
        y.sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    shown = [{buffer.name for buffer in tape.frame(position).grads} for position in range(1, tape.head + 1)]
    assert not any("replaced" in name for names in shown for name in names)
    assert shown[-1] == {"x"}
    _, second, *_ = (event.seq for event in tape.events() if event.kind == "op")
    assert all(names == {"x"} for names in shown[second - 1 :])


def test_models_that_are_never_called_have_their_names(tmp_path: Path) -> None:
    """What an optimizer holds is looked for when the optimizer is made."""

    def script() -> None:
        used, spare = nn.Linear(2, 2), Net()
        optim.SGD(spare.parameters(), lr=0.1)
        used(ONES).sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert names_of_grads(tape) == [
        "spare.fc.bias", "spare.fc.weight", "spare.main.1.bias", "spare.main.1.weight", "used.bias", "used.weight"
    ]  # fmt: skip


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inner: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(inner)
        return inner * inner

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (inner,) = ctx.saved_tensors
        product: torch.Tensor = 2 * inner * gradients[0]
        return product


def test_local_names_do_not_rename_a_leaf(tmp_path: Path) -> None:
    """What a custom Function or another function calls a leaf is not what it is called outside."""

    def scaled(local: torch.Tensor) -> torch.Tensor:
        return local * 3

    def script() -> None:
        w = torch.ones(2, requires_grad=True)
        for _ in range(2):
            scaled(_Square.apply(w)).sum().backward()  # type: ignore[no-untyped-call]
            scaled(w).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert accumulated(tape) == ["w"]
    assert names_of_grads(tape) == ["w"]


def test_another_functions_variable_takes_no_name_from_a_leaf(tmp_path: Path) -> None:
    """A function with an ``x`` of its own leaves the name with the leaf that is called so where the script runs."""

    def doubled(x: torch.Tensor) -> torch.Tensor:
        x = x * 2
        return x + 0

    def script() -> None:
        x = torch.ones(2, requires_grad=True)
        h = x * 3
        doubled(h).sum().backward()

    _, tape = record(tmp_path / "run.tape", script)
    assert accumulated(tape) == ["x"]
    assert tape.lookup("x", tape.head) is not None
    assert Evaluator(TapeNames(tape, tape.head)).truth(read("x == [1, 1] and x.grad == [6, 6]"))


def test_a_leaf_that_is_passed_on_keeps_its_name(tmp_path: Path) -> None:
    """Inside of a model, and after an error there, the input that requires grad is what the caller calls it."""

    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return (x * 2).view(7)

    def script() -> None:
        image = torch.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError):
            Broken()(image)

    _, tape = record(tmp_path / "run.tape", script)
    for position in range(1, tape.head + 1):
        assert [buffer.name for buffer in tape.frame(position).grads] == ["image"]


@pytest.mark.parametrize("has_variable", [True, False])
def test_leaves_that_a_module_is_called_with_are_not_its_parameters(tmp_path: Path, *, has_variable: bool) -> None:
    """What ``functional_call`` puts in the place of parameters has the path of the script's own dictionary, or none."""

    def script() -> None:
        model = nn.Linear(2, 1, bias=False)
        if has_variable:
            given = {"weight": torch.ones(1, 2, requires_grad=True)}
            torch.func.functional_call(model, given, ONES).sum().backward()
        else:
            torch.func.functional_call(model, {"weight": torch.ones(1, 2, requires_grad=True)}, ONES).sum().backward()
        model(ONES).sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    filled = [event.seq for event in tape.events() if event.kind == "accumulate"]
    names = [{buffer.name for buffer in tape.frame(seq).grads if buffer.is_current} for seq in filled]
    assert names[1] == {"model.weight"}
    assert names[0] == {'given["weight"]'} if has_variable else all(name.startswith("leaf #") for name in names[0])
    shown = {buffer.name for seq in range(1, tape.head + 1) for buffer in tape.frame(seq).grads}
    assert not any("replaced" in name for name in shown)


def test_the_end_of_a_path_is_enough_where_only_one_ends_so(tmp_path: Path) -> None:
    """``fc.weight`` means ``net.fc.weight``; with a second net it means nothing."""

    def script(count: int) -> None:
        net = Net()
        net(ONES).sum().backward()
        if count == 2:
            twin = Net()
            twin(ONES).sum().backward()

    for count in (1, 2):
        _, tape = record(tmp_path / f"{count}.tape", functools.partial(script, count), probe="never")
        assert tape.means("net.fc.weight", tape.head)
        assert tape.means("fc.weight", tape.head) is (count == 1)


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(y)
        return y * 3

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        (y,) = ctx.saved_tensors
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            found: torch.Tensor = torch.autograd.grad((y * 3).sum(), y, gradients[0].sum())[0]
        return found


def test_a_leaf_made_inside_a_backward_takes_no_name_from_the_scripts(tmp_path: Path) -> None:
    """An adjoint's own ``y`` is another variable than the script's: it gets a number."""

    def script() -> None:
        y = torch.ones(2, requires_grad=True)
        _Adjoint.apply(y).sum().backward()  # type: ignore[no-untyped-call]

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    frame = tape.frame(tape.head)
    assert [(buffer.name, buffer.is_gone) for buffer in frame.grads] == [("y", False), ("y #2", True)]


def test_parametrized_weights(tmp_path: Path) -> None:
    """What torch calls for itself while it parametrizes a weight does not name it: the script's call does."""

    def script() -> None:
        net = nn.Sequential(parametrizations.spectral_norm(nn.Linear(2, 2)))
        net(ONES).sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert accumulated(tape) == ["net.0.bias", "net.0.parametrizations.weight.original"]


class _Watched:
    """Something that can be referred to weakly."""


def test_looking_for_paths_keeps_nothing_alive(tmp_path: Path) -> None:
    """A variable of a function that is deleted is gone at once, as without gradb."""

    def script() -> bool:
        thing = _Watched()
        ref = weakref.ref(thing)
        net = nn.Linear(2, 2)
        net(ONES).sum().backward()
        del thing
        return ref() is None

    gc.disable()
    try:
        is_gone, tape = record(tmp_path / "run.tape", script, probe="never")
    finally:
        gc.enable()
    assert is_gone
    assert accumulated(tape) == ["net.bias", "net.weight"]


def test_what_the_script_knows_of_its_own_variables_is_left_alone() -> None:
    """A function that asks for its ``locals()`` keeps the dictionary that it got, as it got it."""

    def function() -> tuple[dict[str, Any], list[tuple[str, Any]]]:
        first = 1
        mine = locals()
        second = 2
        found = variables_of(sys._getframe())
        del first, second
        return mine, found

    mine, found = function()
    assert mine == {"first": 1}
    assert found == [] or sys.version_info >= (3, 13)


def test_what_locals_gave_is_as_it_was_after_all_is_read() -> None:
    """Also what reads nevertheless leaves the dictionary as it was, with what the script put in, and its order."""

    def function(gone: int, kept: int) -> tuple[list[str], dict[str, Any], list[str]]:
        mine = locals()
        mine["own"] = 7
        mine["kept"] = 5
        del gone
        later = 2
        reading = iter(mine)
        names = [next(reading)]
        found = all_variables_of(sys._getframe())
        names += reading
        assert later
        return [name for name, _ in found], mine, names

    found, mine, names = function(1, 2)
    assert {"kept", "mine", "later"} <= set(found)
    if sys.version_info < (3, 13):
        assert (mine, names) == ({"gone": 1, "kept": 5, "own": 7}, ["gone", "kept", "own"])
        assert list(mine) == names


def test_what_a_helper_of_the_script_has_of_its_caller_is_left_alone() -> None:
    """A dictionary that another function took of a frame is as it took it, whoever reads the frame after that."""

    def took() -> dict[str, Any]:
        return sys._getframe(1).f_locals

    def function() -> dict[str, Any]:
        mine = took()
        second = 2
        variables_of(sys._getframe())
        del second
        return dict(mine)

    assert set(function()) == {"took"} or sys.version_info >= (3, 13)


def test_variables_of_a_class_body_stay() -> None:
    """A class body's variables are the class itself: they are read, and nothing is taken away."""

    class Body:
        before = 1
        names = tuple(name for name, _ in variables_of(sys._getframe()))

    assert "before" in Body.names
    assert Body.before == 1


def test_a_function_that_calls_eval_of_a_model_is_looked_into(tmp_path: Path) -> None:
    """``model.eval()`` and ``torch.stack`` are not Python's ``eval`` and ``inspect.stack``."""

    def script() -> None:
        net, weights = Net(), [torch.ones(2, requires_grad=True) for _ in range(2)]
        (torch.stack(weights).sum() + net(ONES).sum()).backward()
        net.eval()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert {"weights[0]", "weights[1]"} < set(accumulated(tape))


class _Pair(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor


class _Slots:
    __slots__ = ("unset", "w")

    def __init__(self) -> None:
        self.w = torch.ones(2, requires_grad=True)


class _Shared:
    w = torch.zeros(2)
    held: ClassVar[dict[str, torch.Tensor]] = {}


def test_leaves_in_named_tuples_slots_and_classes(tmp_path: Path) -> None:
    """A path goes through whatever the script writes a dot or an index for."""

    def leaf() -> torch.Tensor:
        return torch.ones(2, requires_grad=True)

    def script() -> None:
        pair, slots, shared = _Pair(leaf(), leaf()), _Slots(), _Shared
        shared.w, shared.held["v"] = leaf(), leaf()
        (pair.a + pair.b + slots.w + shared.w + shared.held["v"]).sum().backward()

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert accumulated(tape) == ['_Shared.held["v"]', "_Shared.w", "pair.a", "pair.b", "slots.w"]
