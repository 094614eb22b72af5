"""Parameters that a library keeps for the script are called what the library calls them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from gradb.frame.reader import Tape
from gradb.tracer.source.libraries import names_in, packages_of
from tests.tracer.recording import notes, record

pytestmark = pytest.mark.torch
STORE = """
import torch

class Store:
    def __init__(self):
        self._params, self._names = {}, {}

    def get(self, name, value):
        if name not in self._params:
            unconstrained_value = value.log().requires_grad_()
            self._params[name], self._names[unconstrained_value] = unconstrained_value, name
        return self._params[name].exp()

THE_STORE = Store()

class Registry:
    known = {}

def nested(group, name):
    return Registry.known.setdefault(group, {}).setdefault(name, torch.ones(2, requires_grad=True))
"""
FITTING = """
import torch
import paramlib.store

class Fit:
    def __init__(self, model):
        self.model, self.optimizers = model, {}

    def step(self):
        loss = self.model()
        loss.backward()
        params = set(paramlib.store.THE_STORE._params.values())
        for p in params:
            if p not in self.optimizers:
                self.optimizers[p] = torch.optim.Adam([p], lr=0.1)
            self.optimizers[p].step()
        for p in params:
            p.grad = torch.zeros_like(p)
        return loss.item()

def backward(loss):
    loss.backward()
"""
LAYERS = """
import torch
from torch import nn

class Variable:
    def __init__(self, path, size):
        self.path, self._value = path, nn.Parameter(torch.ones(size))

    def assign_sub(self, value):
        with torch.no_grad():
            self._value.copy_(self._value - value)

class Layer(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.kernel = Variable(f"{name}/kernel", (2, 2))
        self._torch_params = nn.ParameterDict({self.kernel.path: self.kernel._value})
        self(torch.ones(1, 2))

    def forward(self, x):
        return x @ self.kernel._value

class Optimizer:
    def __init__(self, variables, is_foreach):
        self.variables, self.is_foreach = variables, is_foreach

    def apply(self, grads):
        if self.is_foreach:
            with torch.no_grad():
                torch._foreach_add_([v._value for v in self.variables], grads, alpha=-0.1)
        else:
            for variable, grad in zip(self.variables, grads):
                variable.assign_sub(grad * 0.1)

class Trainer:
    def __init__(self, model, is_foreach):
        self.model = model
        self.optimizer = Optimizer([layer.kernel for layer in model], is_foreach)

    def fit(self, steps):
        for _ in range(steps):
            self.model.zero_grad()
            self.model(torch.ones(1, 2)).sum().backward()
            self.optimizer.apply([v._value.grad for v in self.optimizer.variables])
"""
TEXTS = {
    "__init__": "from paramlib import fitting, layers, store",
    "fitting": FITTING,
    "layers": LAYERS,
    "store": STORE,
}


@pytest.fixture
def paramlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a library that is installed, which keeps parameters by name and makes an optimizer for each."""
    folder = tmp_path / "site-packages" / "paramlib"
    folder.mkdir(parents=True)
    for name, text in TEXTS.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(folder.parent))
    for name in TEXTS:
        monkeypatch.delitem(sys.modules, f"paramlib.{name}".removesuffix(".__init__"), raising=False)
    return importlib.import_module("paramlib")


def _accumulated(tape: Tape) -> set[str]:
    return {event.name for event in tape.events() if event.kind == "accumulate"}


def test_one_optimizer_for_each_parameter_of_a_store(paramlib: Any, tmp_path: Path) -> None:
    """Five steps of all are five iterations, and each parameter has the name that it is kept under."""

    def model() -> torch.Tensor:
        alpha, beta = (paramlib.store.THE_STORE.get(name, torch.tensor(2.0)) for name in ("alpha", "beta"))
        result: torch.Tensor = (alpha * 3 - beta) ** 2
        return result

    def script() -> list[float]:
        fit = paramlib.fitting.Fit(model)
        return [fit.step() for _ in range(5)]

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _accumulated(tape) == {"alpha", "beta"}
    assert [buffer.name for buffer in tape.frame(tape.head).grads] == ["alpha", "beta"]
    assert {event.iteration for event in tape.events() if event.kind == "step"} == {1, 2, 3, 4, 5}
    assert tape.means("alpha", tape.head)
    assert all("numbered anew" in note for note in notes(tape))


def test_names_of_groups_in_a_class_of_a_library(paramlib: Any, tmp_path: Path) -> None:
    """What is kept in dictionaries of dictionaries has all of their keys in its name."""

    def script() -> None:
        encoder = paramlib.store.nested("encoder", "w") * 2
        paramlib.fitting.backward((encoder + paramlib.store.nested("decoder", "w")).sum())

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _accumulated(tape) == {"encoder.w", "decoder.w"}


def test_the_innermost_library_is_looked_into_first(paramlib: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a large library holds that started the script takes no room from the one that it calls."""
    started = ModuleType("starter")
    keys: list[dict[str, list[list[int]]]] = [{"many": [[] for _ in range(500)]} for _ in range(100)]
    vars(started).update({f"kept{index}": value for index, value in enumerate(keys)})
    monkeypatch.setitem(sys.modules, "starter", started)
    tensor = paramlib.store.nested("encoder", "w")
    assert names_in(["paramlib", "starter"], [id(tensor)]) == {id(tensor): "encoder.w"}
    assert packages_of(["paramlib.store", "starter", "paramlib"]) == ("paramlib", "starter")


def test_a_variable_of_the_scripts_goes_before_the_librarys_key(paramlib: Any, tmp_path: Path) -> None:
    """A parameter that the script itself holds has the script's name for it."""

    def script() -> None:
        mine = paramlib.store.nested("group", "w")
        paramlib.fitting.backward(mine.sum())

    _, tape = record(tmp_path / "run.tape", script, probe="never")
    assert _accumulated(tape) == {"mine"}


@pytest.mark.parametrize("is_foreach", [True, False])
def test_a_library_that_updates_parameters_by_its_own_code(paramlib: Any, is_foreach: bool, tmp_path: Path) -> None:
    """What it changes after a backward are updates: an iteration each, with the norms of gradients and parameters."""

    def script() -> torch.nn.Module:
        model = torch.nn.Sequential(paramlib.layers.Layer("first"), paramlib.layers.Layer("second"))
        paramlib.layers.Trainer(model, is_foreach).fit(3)
        return model

    model, tape = record(tmp_path / "run.tape", script, probe="never")
    training = tape.frame(tape.head).training
    assert training.iterations == 3
    assert notes(tape) == []
    updates = [
        event for event in tape.events() if event.phase == "optimizer" and event.kind == "op" and not event.is_quiet
    ]
    assert [event.iteration for event in updates] == ([1, 2, 3] if is_foreach else [1, 1, 2, 2, 3, 3])
    names = ['model.0._torch_params["first/kernel"]', 'model.1._torch_params["second/kernel"]']
    assert sorted(_accumulated(tape)) == names
    told = {(one.kind, one.name): one.count for one in tape.series if one.kind.endswith("norm")}
    assert told == {("grad_norm", "by hand"): 3} | {("parameter_norm", name): 3 for name in names}
    assert tape.means(names[0], tape.head)
    assert len(list(model.parameters())) == 2
