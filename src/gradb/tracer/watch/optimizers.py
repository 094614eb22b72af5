"""What is remembered of each optimizer, and of the step it is making."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any

import torch

from gradb.tape.kinds.step import Size, write as write_step, write_around, write_maker
from gradb.tape.wire import Blob, dumps
from gradb.tracer.isolation.forgetting import forgotten
from gradb.tracer.recording.composer import Composer
from gradb.tracer.source.places import NOWHERE, Place
from gradb.tracer.tensors import norms
from gradb.tracer.tensors.history import grad_of, version
from gradb.tracer.watch.step_sizes import Copies

_MOST_GROUPS = 8
_MOST_TOLD = 64
"""Optimizers whose parameters are told of when they are made."""
_NOTHING = (0, "")
Found = tuple[str, str, bytes, int, float | tuple[torch.Tensor | None, ...] | None, int, int]
"""What the accelerator has found of the parameters of a step: see its ``Leaves.found``."""


class OptimizerState:
    """One optimizer and the step it is making."""

    __slots__ = (
        "_around",
        "_light",
        "_rate_names",
        "before",
        "blind",
        "blob",
        "copies",
        "found",
        "gradients",
        "has_gradients",
        "is_final",
        "is_seen",
        "label",
        "maker",
        "name",
        "norm",
        "norms",
        "odd",
        "own_rates",
        "ref",
        "series",
        "versions",
        "why_skipped",
    )

    def __init__(self, ref: weakref.ref[torch.optim.Optimizer], name: str, label: str, maker: str) -> None:
        self.ref = ref
        self.name = name
        self.maker = maker
        """What its steps say of it, in the wire form."""
        self.label = label
        """Its variable where it is one of several, else the class, with a number from the second of its kind on."""
        self.own_rates: list[Any] = []
        self.is_final = True
        """False while a step evaluates a closure: the gradients that it found are not those that it uses."""
        self.norm: float | None = None
        self.copies: Copies | None = None
        """The parameters as the step found them, where its size is measured."""
        self.why_skipped = ""
        """What GradScaler will skip the next step for."""
        self.blob = Blob()
        self.before = _NOTHING
        """How many parameters the step found, and the wire forms of their values."""
        self.odd = 0
        """What is odd about these."""
        self.versions = 0
        """How often the parameters had been changed in place, all together."""
        self.gradients = _NOTHING
        """The same of their gradients."""
        self.has_gradients = False
        self.series: dict[str, int] = {}
        """Ids of its series: that of the norm under no name, those of the rates under theirs."""
        self.norms: dict[str, int] = {}
        """Ids of the series of its parameters' norms, by what the parameters are called."""
        self.found: Found | None = None
        """All of that as the accelerator has found it, where it has."""
        self._around: tuple[list[float], list[int], tuple[str, str]] = ([], [], ("", ""))
        self._light: tuple[list[float], str] = ([], "")
        self._rate_names: tuple[str, ...] = ()

        self.is_seen = False
        """Whether it was seen what the step found."""
        self.blind: Exception = RuntimeError("nothing looked at them")
        """Why not, if so."""

    def forget(self) -> None:
        """Forget what the last step found."""
        self.is_seen, self.norm, self.has_gradients, self.copies, self.found = False, None, False, None, None
        self.blob, self.before, self.gradients = Blob(), _NOTHING, _NOTHING

    def look(self, composer: Composer, parameters: list[torch.Tensor]) -> None:
        """See the parameters as the step finds them."""
        self.blob.odd = 0
        self.before = len(parameters), composer.snapshots.take_each(tuple(parameters), self.blob, "", "", False)
        self.odd = self.blob.odd
        self.versions = versions_of(parameters)

    def look_at_gradients(self, composer: Composer, parameters: list[torch.Tensor]) -> None:
        """See the gradients that the step uses."""
        at_once = composer.leaves_at_once
        found = (at_once and at_once.gradients(parameters)) or tuple(map(grad_of, parameters))
        held = [grad for grad in found if grad is not None]
        self.norm, self.has_gradients = norms.norm_of_all(held) if held else None, bool(held)
        if composer.recorder.is_full:
            self.gradients = len(found), composer.snapshots.take_each(found, self.blob, "", "", False)

    def look_at_once(self, composer: Composer, parameters: list[torch.Tensor]) -> bool:
        """See both; return False, and nothing was done, where that is not for the accelerator."""
        at_once = composer.leaves_at_once
        found = None if at_once is None else at_once.found(parameters)
        if found is None:
            return False
        before, gradients, data, self.versions, norm, self.odd, self.blob.odd = self.found = found
        self.before, self.gradients = (len(parameters), before), (len(parameters), gradients)
        if data:
            self.blob.add(data)
        self.has_gradients = norm is not None
        if isinstance(norm, tuple):
            norm = norms.norm_of_all([grad for grad in norm if grad is not None])
        self.norm = norm
        return True

    def around(self, rates: list[float], groups: list[int], size: Size | None) -> tuple[str, str]:
        """Return what stands around what is told of the parameters of a step."""
        if size is not None or 0.0 in rates:  # of which there are two
            return write_around(optimizer=self.name, learning_rates=rates, groups=groups, maker=self.maker, size=size)
        if self._around[:2] != (rates, groups):
            told = write_around(optimizer=self.name, learning_rates=rates, groups=groups, maker=self.maker)
            self._around = rates, groups, told
        return self._around[2]

    def set_rate(self, optimizer: torch.optim.Optimizer, rate: float) -> None:
        """Put a learning rate in the place of the script's, as long as the step lasts."""
        for group in optimizer.param_groups:
            own = group.get("lr")
            self.own_rates.append(own)
            if own is not None:
                group["lr"] = torch.full_like(own, rate) if isinstance(own, torch.Tensor) else rate

    def restore_rates(self, optimizer: torch.optim.Optimizer) -> None:
        """Put the script's learning rates back."""
        if not self.own_rates:
            return
        own_rates, self.own_rates = self.own_rates, []
        for group, own in zip(optimizer.param_groups, own_rates, strict=False):
            if own is not None:
                group["lr"] = own

    def first_nonfinite(self, composer: Composer, parameters: list[torch.Tensor]) -> str:
        """Return ``inf in weight.grad``: the first gradient that is not finite; empty where there is none.

        It is inf also where a NaN is beside it: of a loss scale that is too large both come.
        """
        for number, tensor in enumerate(parameters, 1):
            grad = grad_of(tensor)
            size = None if grad is None else norms.norm_of_all((grad,))
            if grad is not None and size is not None and not math.isfinite(size):
                name = composer.tensors.record(tensor).name or f"parameter {number}"
                return f"{'inf' if math.isinf(size) or norms.has_infinity(grad) else 'nan'} in {name}.grad"
        return ""

    def light_detail(self, rates: list[float], skipped: str = "", size: Size | None = None) -> str:
        """Return the detail of a step of which no value is recorded, as JSON."""
        if skipped or size is not None:
            return write_step(
                optimizer=self.name, learning_rates=rates, groups=[], skipped=skipped, maker=self.maker, size=size
            )
        if self._light[0] != rates or not self._light[1]:
            self._light = (rates, write_step(optimizer=self.name, learning_rates=rates, groups=[], maker=self.maker))
        return self._light[1]

    def rate_names(self, count: int) -> tuple[str, ...]:
        """Return what the series of the learning rates are called."""
        if len(self._rate_names) != min(count, _MOST_GROUPS):
            many = tuple(f"{self.label} group {number}" for number in range(1, min(count, _MOST_GROUPS) + 1))
            self._rate_names = (self.label,) if count == 1 else many
        return self._rate_names


class OptimizerStates:
    """The optimizers that are alive."""

    def __init__(self, variable_of: Callable[[torch.optim.Optimizer], str | None]) -> None:
        self._variable_of = variable_of
        self._states: dict[int, OptimizerState] = {}
        self._counts: dict[str, int] = {}
        self._labels: dict[str, weakref.ref[torch.optim.Optimizer]] = {}
        self._origins: dict[int, tuple[weakref.ref[torch.optim.Optimizer], int, Place]] = {}
        self._number = self._made = 0

    def made(self, optimizer: torch.optim.Optimizer, event: int, place: Place, composer: Composer) -> None:
        """Take note of a new optimizer, and tell of the first of them; ``event``: the newest then."""
        key = id(optimizer)
        self._origins[key] = (forgotten(optimizer, self._origins), event, place)
        self._made += 1
        if self._made <= _MOST_TOLD:
            ids = [composer.tensors.record(tensor).id for tensor in parameters_of(optimizer)]
            told = [type(optimizer).__name__, event, place.file or None, place.row[1], ids]
            composer.writer.set_run(**{f"optimizer_{self._made}": dumps(told)})

    def _maker(self, optimizer: torch.optim.Optimizer, label: str) -> str:
        self._number += 1
        ref, event, place = self._origins.get(id(optimizer), (None, 0, NOWHERE))
        if ref is None or ref() is not optimizer:
            event, place = 0, NOWHERE
        return write_maker(number=self._number, label=label, event=event, file=place.file or None, line=place.row[1])

    def forget(self, optimizer: torch.optim.Optimizer) -> None:
        """Forget what a step found, now that it is over."""
        state = self._states.get(id(optimizer))
        if state is not None and state.ref() is optimizer:
            state.forget()

    def within(self, optimizer: Any) -> Any:
        """Return the optimizer that makes the steps of what holds one and is none itself, where one is known."""
        if isinstance(optimizer, torch.optim.Optimizer):
            return optimizer
        wanted = {id(tensor) for tensor in parameters_of(optimizer)}
        known = (state.ref() for state in self._states.values())
        inner = (one for one in known if one is not None and wanted & {id(tensor) for tensor in parameters_of(one)})
        return next(inner, optimizer)

    def of(self, optimizer: torch.optim.Optimizer) -> OptimizerState:
        """Return what is remembered of an optimizer."""
        key = id(optimizer)
        state = self._states.get(key)
        if state is None or state.ref() is not optimizer:
            name = type(optimizer).__name__
            count = self._counts[name] = self._counts.get(name, 0) + 1
            ref = forgotten(optimizer, self._states)
            label = self._variable_of(optimizer)
            if label is None or ((held := self._labels.get(label)) is not None and held() is not None):
                label = name if count == 1 else f"{name} {count}"
            self._labels[label] = ref
            state = self._states[key] = OptimizerState(ref, name, label, self._maker(optimizer, label))
        return state


def parameters_of(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    """Return every parameter, group by group."""
    groups = optimizer.param_groups
    return groups[0]["params"] if len(groups) == 1 else [tensor for group in groups for tensor in group["params"]]


def groups_of(optimizer: torch.optim.Optimizer) -> list[int]:
    """Return the group of every parameter."""
    groups = optimizer.param_groups
    if len(groups) == 1:
        return [0] * len(groups[0]["params"])
    return [number for number, group in enumerate(groups) for _ in group["params"]]


def versions_of(parameters: list[torch.Tensor]) -> int:
    """Return how often torch has seen the parameters change in place: a fused step does not count."""
    try:
        return sum([tensor._version for tensor in parameters])
    except RuntimeError:
        return sum(map(version, parameters))


def holds_more(optimizer: torch.optim.Optimizer, others: list[torch.optim.Optimizer]) -> bool:
    """Tell whether an optimizer has parameters that none of the others has."""
    held = {id(tensor) for other in others for tensor in parameters_of(other)}
    return any(id(tensor) not in held for tensor in parameters_of(optimizer))


def rates_of(optimizer: torch.optim.Optimizer) -> list[float]:
    """Return the learning rates, one a group."""
    return [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]
